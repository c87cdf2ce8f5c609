"""The numbers an issue stores, and how later data changed them.

Each page stores, for the index and for later issues:

    data         a digest of its records
    definitions  {metric: version}
    numbers      {metric: {Monday: value}}, as shown
    withheld     {Monday: [team]}, the teams whose figures were withheld
    parameters   the parameters of the notebooks
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from ccanalytics.words import counted

NOTICED = 0.0005
"""The smallest relative difference that is listed: 0.05 %."""

SHOWN = 8

Numbers = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Remembered:
    """What one issue stores; `name` is its name in later issues."""

    name: str = ""
    data: str = ""
    definitions: Mapping[str, int] = field(default_factory=dict)
    numbers: Numbers = field(default_factory=dict)
    withheld: Mapping[str, list[str]] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The JSON form in a page."""
        return {name: value for name, value in vars(self).items() if name != "name"}

    def comparable(self, other: "Remembered") -> bool:
        """Whether both are about the same people and source, for any weeks."""
        scope = ("source", "team", "identity")
        return all(self.parameters.get(name) == other.parameters.get(name) for name in scope)


def remembered(name: str, said: Mapping[str, object]) -> Remembered:
    """What a page stores; empty where an older page lacks it."""
    parts = {key: said.get(key) for key in ("definitions", "numbers", "withheld", "parameters")}
    maps = {key: part if isinstance(part, dict) else {} for key, part in parts.items()}
    maps["numbers"] = {metric: _numbers(weeks) for metric, weeks in maps["numbers"].items()}
    return Remembered(name, str(said.get("data", "")), **maps)


def _numbers(weeks: object) -> dict[str, float]:
    """The weekly numbers of a metric in a page, without invalid ones."""
    pairs = weeks.items() if isinstance(weeks, dict) else ()
    return {
        str(week): float(number)
        for week, number in pairs
        if isinstance(number, int | float) and math.isfinite(number)
    }


NOTHING = Remembered()


def changed_since(issue: Remembered, monday: str, later: Iterable[Remembered]) -> list[str]:
    """The metrics whose number for this week in `issue` differs from the newest of `later`.

    `later` is newest first; the first that has the week decides.
    """
    for one in later:
        if one.comparable(issue) and any(monday in weeks for weeks in one.numbers.values()):
            return [metric for metric, week, *_ in _changes(one, [issue]) if week == monday]
    return []


def restatements(
    now: Remembered, earlier: Iterable[Remembered], words: Callable[[str, float], str]
) -> list[str]:
    """One sentence per number of an earlier issue that differs now, largest change first.

    `earlier` is newest first; each week is compared with the newest issue that has it. A metric
    whose definition changed is not compared, and a sentence says so. `words` formats a metric and
    a value of it, such as "cost $1,200".
    """
    comparable = [issue for issue in earlier if issue.comparable(now)]
    changes = sorted(_changes(now, comparable), key=lambda one: -abs(one[3] / one[2] - 1))
    listed = [_sentence(change, words) for change in changes[:SHOWN]]
    if len(changes) > SHOWN:
        listed.append(f"Not listed: {counted(len(changes) - SHOWN, 'smaller difference')}.")
    return [*listed, *_new_definitions(now, comparable, words)]


Change = tuple[str, str, float, float, str]
"""Metric, Monday, the earlier value, the value now, and the issue that said it."""


def _changes(now: Remembered, earlier: list[Remembered]) -> Iterator[Change]:
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
    said = words(metric, before).rsplit(" ", 1)[-1]
    return (
        f"{week_words(week)}: {words(metric, value)}, restated by {value / before - 1:+.1%} by "
        f"later data; {issue} said {said}."
    )


def _new_definitions(
    now: Remembered, earlier: list[Remembered], words: Callable[[str, float], str]
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
