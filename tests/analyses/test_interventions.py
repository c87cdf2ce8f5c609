"""A change made for one team is compared with the other teams, or the result says why it cannot
be."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from builders import dataset, record

import ccanalytics as cca
from ccanalytics.people.calendars import Calendars, parse_calendar

MONDAY = date(2026, 8, 31)
WEEKS = 12
CHANGED = "2026-10-12"  # the Monday of the seventh week


MOVES = {"A": -2, "B": -1, "C": 0, "D": 0, "E": 1, "F": 2}
"""The teams without an intervention, and by how many of ten commits a person's week changes."""


def organisation(commits, *, red=8, others=MOVES, weeks=WEEKS, text=None, events="", **options):
    """Red and some other teams of six, each person with `commits(team, week, person)` a week."""
    people = [("Red", n) for n in range(red)] + [(t, n) for t in others for n in range(6)]
    roster = "email,team,start\n" + "\n".join(f"{t}{n}@x.example,{t}," for t, n in people)
    records = [
        record(
            str(MONDAY + timedelta(weeks=k, days=1)), f"{t}{n}@x.example", commits=commits(t, k, n)
        )
        for k in range(weeks)
        for t, n in people
    ]
    until = MONDAY + timedelta(weeks=weeks, days=-1)
    data = dataset(records, MONDAY, until, **{"roster": roster, **options})
    text = f"team,date,what\nRed,{CHANGED},Training\n" if text is None else text
    found = parse_calendar("interventions", text, "interventions.csv")
    noted = parse_calendar("events", events or "date,what,team\n", "events.csv")
    return replace(data, calendars=Calendars(interventions=found, events=noted))


def plain(team, week, person):
    """Ten commits a week; three more for Red from week seven on, `MOVES` for the others."""
    return 10 + ({"Red": 3} | MOVES)[team] * (week >= 6)


def test_the_effect_is_the_teams_change_compared_with_the_mean_of_the_others():
    """Red rises to 1.3; the geometric mean of 0.8, 0.9, 1, 1, 1.1 and 1.2 is 0.9504 ^ (1/6)."""
    (found,) = cca.intervention_effects(organisation(plain))
    assert found.effect == pytest.approx(1.3 / 0.9504 ** (1 / 6) - 1)
    assert (found.n_treated, found.n_teams) == (8, 6)
    assert found.apart == (pytest.approx(-0.2), pytest.approx(0.2))
    assert found.frame["team_value"].tolist() == [10] * 6 + [13] * 6


def test_the_interval_of_an_effect_comes_from_the_other_teams():
    """Their logarithms vary by 0.149; for one more team 0.149 * sqrt(7 / 6), and t(5) is 2."""
    (found,) = cca.intervention_effects(organisation(plain))
    moves = np.log([0.8, 0.9, 1, 1, 1.1, 1.2])
    error = moves.std(ddof=1) * np.sqrt(7 / 6)
    assert (found.change.error, found.change.freedom) == (pytest.approx(error), 5)
    assert found.change.interval[0] == pytest.approx(
        np.expm1(found.change.estimate - 2.015 * error), abs=1e-3
    )
    assert found.verdict == "no detectable difference"


def test_an_effect_is_of_any_ratio_also_of_a_share_of_the_roster():
    """Everybody is active in every week, so no share moves."""
    (found,) = cca.intervention_effects(organisation(plain), "active_rate")
    assert (found.effect, found.n_teams) == (0, 6)
    assert found.frame["team_value"].tolist() == [1] * 12


def test_a_change_only_one_team_shows_is_an_effect():
    """Red doubles."""
    (found,) = cca.intervention_effects(
        organisation(
            lambda t, k, n: 20 if t == "Red" and k >= 6 else plain("C" if t == "Red" else t, k, n)
        )
    )
    assert found.verdict == "higher"
    assert "not a randomised experiment" in found.sentence()


def test_a_change_all_teams_share_is_not_an_effect():
    """All rise by three in the same week."""
    (found,) = cca.intervention_effects(
        organisation(lambda t, k, n: 10 + n % 3 + (3 if k >= 6 else 0) + (ord(t[0]) * k) % 2)
    )
    assert found.effect == pytest.approx(0, abs=0.05)
    assert found.verdict == "no detectable difference"


def test_few_other_teams_are_described_without_a_verdict():
    """Five teams are one too few: their changes are shown, without an interval."""
    (found,) = cca.intervention_effects(organisation(plain, others="ABCDE"))
    assert (found.n_teams, found.verdict) == (5, "")
    assert found.frame["low"].isna().all()
    assert "which changed by -20 % to +10 % themselves" in found.sentence()


def test_weeks_are_counted_from_the_first_whole_week_after():
    """If the intervention is on a Wednesday, that week is left out."""
    text = "team,date,what\nRed,2026-10-14,Training\n"
    (found,) = cca.intervention_effects(organisation(plain, text=text))
    assert found.frame["weeks_since"].tolist()[:6] == [-7, -6, -5, -4, -3, -2]
    assert found.frame["weeks_since"].tolist()[6:] == [0, 1, 2, 3, 4]


def test_teams_that_drifted_apart_before_are_not_trusted():
    """Red was already rising by one a week."""
    (found,) = cca.intervention_effects(
        organisation(lambda t, k, n: 10 + (k if t == "Red" else (k + ord(t)) % 2))
    )
    assert found.drift
    assert found.verdict == "not to be trusted"
    assert "drifting apart before" in found.sentence()


@pytest.mark.parametrize(
    "more",
    [
        {"text": f"team,date,what\nRed,{CHANGED},Training\nA,2026-10-19,Training\n"},
        {"events": "date,what,team\n2026-10-20,Reorganised,A\n"},
    ],
)
def test_a_team_with_its_own_intervention_or_event_is_not_a_placebo(more):
    """A has an intervention or an event too, which leaves five teams."""
    found = cca.intervention_effects(organisation(plain, **more))[0]
    assert found.n_teams == 5


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"text": "team,date,what\nRed,2026-09-14,Early\n"}, "4 closed weeks before"),
        ({"text": "team,date,what\nRed,2026-11-16,Late\n"}, "2 after"),
        ({"text": "team,date,what\nGrey,2026-10-12,Unknown\n"}, "by the roster"),
        ({"roster": None}, "by the roster"),
        ({"others": ()}, "no team without one"),
    ],
)
def test_an_impossible_comparison_says_why(change, why):
    """There is no number, only the reason."""
    (found,) = cca.intervention_effects(organisation(plain, **change))
    assert why in found.sentence()
    assert found.frame.empty
    assert np.isnan(found.effect)


def test_a_team_of_three_is_not_mentioned():
    """Neither its name nor what was done for it is shown."""
    assert cca.intervention_effects(organisation(plain, red=3, minimum_group=5)) == ()


def test_without_a_file_nothing_is_claimed():
    """The note says how to name one."""
    data = organisation(plain, text="team,date,what\n")
    found = cca.intervention_effects(data)
    assert found == ()
    assert "name a CSV file" in repr(found)


def test_a_total_is_refused():
    """A team of twice the people would have twice the effect."""
    with pytest.raises(ValueError, match="'commits' is a total"):
        cca.intervention_effects(organisation(plain), "commits")


def test_the_chart_shows_before_after_and_zero():
    """One dot per week, before and after in two colours; hostile names appear only as data."""
    text = f"team,date,what\nRed,{CHANGED},</script><b>\n"
    (found,) = cca.intervention_effects(organisation(plain, text=text))
    spec = cca.chart(found).to_dict()
    assert spec["usermeta"]["ccanalytics"]["metric"] == "intervention_effects"
    assert "</script>" not in str(spec)
    assert "data" not in spec["layer"][2]  # otherwise the computed values never reach the chart
    assert sorted(len(rows) for rows in spec["datasets"].values()) == [1, WEEKS]
