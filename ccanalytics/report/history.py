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
    listed = [_sentence(change, words) for change in changes[:SHOWN]]
    if len(changes) > SHOWN:
        listed.append(f"Not listed: {counted(len(changes) - SHOWN, 'smaller difference')}.")
    return [*listed, *_new_definitions(now, comparable, words)]


Change = tuple[str, str, float, float, str]
"""Metric, Monday, the earlier value, the value now, and the issue that said it."""


def _changes(now: Issue, earlier: list[Issue]) -> Iterator[Change]:
    for metric, weeks in now.numbers.items():
        for week, value in weeks.items():
            for issue in earlier:
                before = issue.numbers.get(metric, {}).get(week)
                if before is None:
                    continue
                same = issue.definitions.get(metric) == now.definitions.get(metric)
                if same and before and abs(value / before - 1) >= NOTICED:
                    yield metric, week, before, value, issue.name
                break


def _sentence(change: Change, words: Callable[[str, float], str]) -> str:
    metric, week, before, value, issue = change
    said, moved = words(metric, before).rsplit(" ", 1)[-1], 100 * (value / before - 1)
    return (
        f"{week_words(week)}: {words(metric, value)}, restated by {moved:+.1f} % by "
        f"later data; {issue} said {said}."
    )


def _new_definitions(
    now: Issue, earlier: list[Issue], words: Callable[[str, float], str]
) -> Iterator[str]:
    for issue in earlier[:1]:
        for metric, version in now.definitions.items():
            before = issue.definitions.get(metric, version)
            if before != version and metric in now.numbers:
                name = words(metric, 0.0).rsplit(" ", 1)[0]
                yield (
                    f"The definition of {name} changed (version {before} to {version}): it is not "
                    f"compared with {issue.name}."
                )


def week_words(monday: str) -> str:
    """The name of a week for readers.

    >>> week_words("2026-11-16")
    'Week 47'
    """
    return f"Week {date.fromisoformat(monday).isocalendar().week}"
