"""The numbers earlier issues stored, and how later data changed them."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from ccanalytics.report.archive import Issue
from ccanalytics.words import counted

NOTICED = 0.0005
"""The smallest relative difference that is listed: 0.05 %."""

SHOWN = 8
"""The most differences listed, the largest."""


def changed_since(issue: Issue, monday: str, later: Iterable[Issue]) -> list[str]:
    """The metrics whose number for this week in `issue` differs from the newest of `later`.

    `later` is newest first; the first that has the week decides.
    """
    for one in later:
        if one.scope == issue.scope and any(monday in weeks for weeks in one.numbers.values()):
            return [metric for metric, week, *_ in _changes(one, [issue]) if week == monday]
    return []


def restatements(
    now: Issue, earlier: Iterable[Issue], words: Callable[[str, float], str]
) -> list[str]:
    """One sentence per number of an earlier issue that differs now, largest change first.

    `earlier` is newest first; each week is compared with the newest issue that has it. A metric
    whose definition changed is not compared, and a sentence says so. `words` formats a metric and
    a value of it, such as "cost $1,200".
    """
    comparable = [issue for issue in earlier if issue.scope == now.scope]
    changes = sorted(_changes(now, comparable), key=lambda one: -abs(one[3] / one[2] - 1))
    listed = []
    for metric, week, before, value, issue in changes[:SHOWN]:
        said, moved = words(metric, before).rsplit(" ", 1)[-1], 100 * (value / before - 1)
        listed.append(
            f"{week_words(week)}: {words(metric, value)}, restated by {moved:+.1f} % by "
            f"later data; {issue} said {said}."
        )
    if len(changes) > SHOWN:
        listed.append(f"Not listed: {counted(len(changes) - SHOWN, 'smaller difference')}.")
    for one in comparable[:1]:
        for metric, old in one.definitions.items():
            new = now.definitions.get(metric, old)
            if new != old and metric in now.numbers:
                name = words(metric, 0.0).rsplit(" ", 1)[0]
                listed.append(
                    f"The definition of {name} changed (version {old} to {new}): it is not "
                    f"compared with {one.name}."
                )
    return listed


Change = tuple[str, str, float, float, str]
"""Metric, Monday, the earlier value, the value now, and the issue that said it."""


def _changes(now: Issue, earlier: list[Issue]) -> Iterator[Change]:
    for metric, weeks in now.numbers.items():
        for week, value in weeks.items():
            known = (one for one in earlier if week in one.numbers.get(metric, {}))
            if issue := next(known, None):
                before = issue.numbers[metric][week]
                same = issue.definitions.get(metric) == now.definitions.get(metric)
                if same and before and abs(value / before - 1) >= NOTICED:
                    yield metric, week, before, value, issue.name


def week_words(monday: str) -> str:
    """The name of a week for readers.

    >>> week_words("2026-11-16")
    'Week 47'
    """
    return f"Week {date.fromisoformat(monday).isocalendar().week}"
