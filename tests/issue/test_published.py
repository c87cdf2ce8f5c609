"""What a reader could subtract from two outputs if a week was restated in between."""

from datetime import UTC, date, datetime, timedelta
from math import isnan

import pytest
from builders import record

import ccanalytics as cca
from ccanalytics import atomic
from ccanalytics.dataset.loading import load
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.issue.memory import remember
from ccanalytics.store.day_store import NewDay, Store

MONDAY = date(2026, 11, 16)
FIRST = datetime(2026, 11, 25, 12, tzinfo=UTC)
SIZES = {"A": 12, "B": 8, "C": 6, "D": 4}
LATE = {"A": 15, "B": 9, "C": 6, "D": 5}
"""With five people whose records come later."""


def rows(day, sizes):
    """Everybody once a day; the people of a team who come later cost more."""
    return [
        record(str(day), f"{team}{n}@x.example", models={"m": {"output": 9, "cents": 100 + n}})
        for team, size in sizes.items()
        for n in range(size)
    ]


def fill(store, sizes, days=range(7), fetched=FIRST):
    dates = [MONDAY + timedelta(days=n) for n in days]
    news = [NewDay(day, build_frames(day, rows(day, sizes)), fetched) for day in dates]
    store.write_days("api", news)


@pytest.fixture
def outputs(tmp_path):
    """A store with a week, and its output; `publish` makes an issue of it."""
    store, roster = Store(tmp_path / "s"), tmp_path / "people.csv"
    lines = [f"{team}{n}@x.example,{team}" for team, size in LATE.items() for n in range(size)]
    roster.write_text("\n".join(["email,team", *lines]), encoding="utf-8")
    fill(store, SIZES)

    class Outputs:
        def data(self, **more):
            named = {"identity": "aggregate", "source": "api", "roster": roster, **more}
            return load(week="2026-W47", weeks=1, store=store, **named)

        def publish(self, hours=1, **more):
            remember(self.data(**more), store, FIRST + timedelta(hours=hours), roster)

        def move(self, *people, to="B"):
            """The roster with these people in another team, as if they had always been there."""
            for one in people:
                lines[lines.index(one)] = f"{one.partition(',')[0]},{to}"
            roster.write_text("\n".join(["email,team", *lines]), encoding="utf-8")

        def move_on(self, person, day, to="B"):
            """The roster with a person in another team from a day on."""
            one = lines.pop(lines.index(person))
            lines.append(f"{one},,{day - timedelta(days=1)}\n{one.partition(',')[0]},{to},{day},")
            text = "\n".join(line if line.count(",") > 1 else f"{line},," for line in lines)
            roster.write_text(f"email,team,start,end\n{text}", encoding="utf-8")

        def restate(self, sizes):
            """A Tuesday, five hours after the first fetch."""
            fill(store, sizes, days=[1], fetched=FIRST + timedelta(hours=5))

        def costs(self, **more):
            """The cost of everybody and of each team, as lines and as separate pages."""
            data = self.data(**more)
            lines = cca.by_week(data, "cost", by="team").set_index("team")["value"].to_dict()
            pages = {team: total(self.data(team=team, **more)) for team in SIZES}
            assert all(isnan(pages[team]) for team in SIZES if isnan(lines[team]))
            return {"": total(data), **lines}

    return Outputs()


def total(data):
    return cca.by_week(data, "cost")["value"].iloc[0]


def withheld(costs):
    return {name for name, usd in costs.items() if isnan(usd)}


@pytest.mark.slow
def test_a_withheld_team_that_grew_is_not_revealed_by_unchanged_teams(outputs):
    """Five people are late, and one makes D five: C is withheld, so D's old value stays unknown."""
    outputs.publish()
    before = outputs.costs()
    outputs.restate(LATE)
    after = outputs.costs()
    assert withheld(before) == withheld(after) == {"C", "D"}
    left = before[""] - before["A"] - before["B"] - after["C"]  # the four of D, were C shown
    assert isnan(left)


def test_a_week_that_one_person_changed_is_withheld_as_a_whole(outputs):
    """The new total minus the published one would be the cost of that person on the day."""
    outputs.publish()
    before = outputs.costs()
    outputs.restate(SIZES | {"A": 13})
    assert isnan(outputs.costs()[""] - before[""])


def test_an_output_without_a_closed_week_withholds_nothing_later(outputs, tmp_path):
    """Three exported days are no week: with another roster there is nothing to subtract."""
    store, roster = Store(tmp_path / "s"), tmp_path / "people.csv"
    options = {"source": "api", "store": store, "roster": roster, "identity": "aggregate"}
    remember(load("2026-11-16", "2026-11-18", **options), store, FIRST, roster)
    outputs.move("A0@x.example,A")
    assert outputs.data().withheld_before == frozenset()


def test_an_unpublished_week_may_be_restated(outputs):
    """There is nothing to subtract it from."""
    outputs.restate(SIZES | {"A": 13})
    outputs.publish(hours=9)
    week = 7 * sum(1 + n / 100 for size in SIZES.values() for n in range(size))
    assert outputs.costs()[""] == pytest.approx(week + 1.12)


@pytest.mark.slow
def test_keys_and_unchanged_days_withhold_nothing(outputs):
    """Only people are protected, and a day fetched again unchanged is not a restatement."""
    outputs.publish()
    before = outputs.costs()
    outputs.restate(SIZES)
    assert outputs.costs() == pytest.approx(before, nan_ok=True)


@pytest.mark.slow
def test_a_team_that_a_changed_roster_gives_one_person_is_not_revealed(outputs):
    """A1 costs $7.07 in the week: what A has less, or B more, than it had when it was published."""
    outputs.publish()
    before = outputs.costs()
    outputs.move("A1@x.example,A")
    assert not isnan(before["A"]) and not isnan(before["B"])
    assert {"A", "B"} <= withheld(outputs.costs())
    outputs.publish(hours=2, team="B")  # the page of a team remembers it, too
    assert {"A", "B"} <= withheld(outputs.costs())


@pytest.mark.slow
def test_enough_people_who_move_are_shown_and_one_who_moves_later_is_not(outputs):
    """Five of A go to B; then one goes back."""
    outputs.publish()
    outputs.move(*(f"A{n}@x.example,A" for n in range(5)))
    assert withheld(outputs.costs()) == {"C", "D"}
    outputs.publish(hours=2)
    outputs.move("B1@x.example,B", to="A")
    assert withheld(outputs.costs()) == {"A", "B", "C", "D"}


@pytest.mark.slow
def test_a_roster_changed_from_a_later_day_on_withholds_nothing_more(outputs):
    """The figures of the published week are unchanged."""
    outputs.publish()
    before = outputs.costs()
    outputs.move_on("A1@x.example,A", MONDAY + timedelta(days=7))
    assert outputs.costs() == pytest.approx(before, nan_ok=True)


def test_a_read_only_store_still_has_outputs(outputs, monkeypatch, caplog):
    """What they withhold is not remembered, and a message says so."""

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(atomic.tempfile, "mkdtemp", refuse)
    outputs.publish()
    assert "is not remembered" in caplog.text
    assert withheld(outputs.costs()) == {"C", "D"}


def test_with_names_a_restated_week_is_shown(outputs):
    """With names, nothing is left to protect."""
    outputs.publish()
    outputs.restate(SIZES | {"A": 13})
    assert not isnan(total(outputs.data(identity="named")))
