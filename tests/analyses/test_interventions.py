"""A change made for one team is seen next to the others, or it is said why it cannot be."""

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


def organisation(commits, *, red=8, blue=20, weeks=WEEKS, text=None, **options):
    """Two teams; `commits(team, week, person)` a week each, from the first week on."""
    people = [("Red", n) for n in range(red)] + [("Blue", n) for n in range(blue)]
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
    return replace(data, calendars=Calendars(interventions=found))


def plain(team, week, person):
    """Ten commits a week more or less, and three more for Red from the seventh week on."""
    return 10 + person % 3 + (3 if team == "Red" and week >= 6 else 0)


def test_the_effect_is_the_teams_change_less_that_of_the_others():
    """Red rises by three, the others not at all."""
    (found,) = cca.intervention_effects(organisation(plain))
    assert found.effect == pytest.approx(3)
    assert (found.n_treated, found.n_control) == (8, 20)
    assert found.verdict == "higher"
    assert "observational" in found.sentence()


def test_what_moves_everybody_is_no_effect():
    """All rise by three in the same week."""
    (found,) = cca.intervention_effects(
        organisation(lambda t, k, n: 10 + n % 3 + (3 if k >= 6 else 0) + (n * k) % 2)
    )
    assert found.effect == pytest.approx(0, abs=0.3)
    assert found.verdict == "no detectable difference"


def test_weeks_are_counted_from_the_first_whole_one_after_it():
    """Of an intervention on a Wednesday that week is left out."""
    text = "team,date,what\nRed,2026-10-14,Training\n"
    (found,) = cca.intervention_effects(organisation(plain, text=text))
    assert found.frame["weeks_since"].tolist()[:6] == [-7, -6, -5, -4, -3, -2]
    assert found.frame["weeks_since"].tolist()[6:] == [0, 1, 2, 3, 4]


def test_teams_that_drifted_apart_before_are_not_trusted():
    """Red rises by one a week all the time."""
    (found,) = cca.intervention_effects(
        organisation(lambda t, k, n: 10 + n % 3 + (k if t == "Red" else 0))
    )
    assert found.drift
    assert found.verdict == "not to be trusted"
    assert "moved apart before" in found.sentence()


def test_a_team_with_an_intervention_of_its_own_is_no_control():
    """Only Blue is left to compare with, which had none."""
    text = f"team,date,what\nRed,{CHANGED},Training\nBlue,2026-10-19,Training\n"
    found = cca.intervention_effects(organisation(plain, text=text))
    assert ["no team without" in effect.sentence() for effect in found] == [True, True]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"text": "team,date,what\nRed,2026-09-14,Early\n"}, "2 closed weeks before"),
        ({"text": "team,date,what\nRed,2026-11-16,Late\n"}, "1 after"),
        ({"text": "team,date,what\nGrey,2026-10-12,Unknown\n"}, "no such team"),
        ({"roster": None}, "no roster"),
        ({"blue": 3}, "fewer than 5 active people"),
    ],
)
def test_what_cannot_be_compared_says_why(change, why):
    """No number, and the reason."""
    (found,) = cca.intervention_effects(organisation(plain, **change))
    assert why in found.sentence()
    assert found.frame.empty
    assert np.isnan(found.effect)


def test_a_team_of_three_is_not_spoken_of():
    """Neither its name nor what was done for it is told."""
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


def test_the_chart_shows_both_sides_and_a_zero():
    """One dot per week, before and after in two colours, hostile words as data only."""
    text = f"team,date,what\nRed,{CHANGED},</script><b>\n"
    (found,) = cca.intervention_effects(organisation(plain, text=text))
    spec = cca.chart(found).to_dict()
    assert spec["usermeta"]["ccanalytics"]["metric"] == "intervention_effects"
    assert "</script>" not in str(spec)
    assert "data" not in spec["layer"][2]  # else what is computed for the chart does not reach it
    assert sorted(len(rows) for rows in spec["datasets"].values()) == [1, WEEKS]


def test_a_planted_effect_is_covered_and_no_effect_seldom_claimed():
    """Forty organisations: an effect of two commits is inside nine of ten intervals."""
    inside = alarms = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        habit = random.gamma(4, 3, 28)

        def commits(team, week, person, effect, random=random, habit=habit):
            mean = habit[person + (8 if team == "Blue" else 0)]
            return int(random.poisson(mean + (effect if team == "Red" and week >= 6 else 0)))

        (with_it,) = cca.intervention_effects(organisation(lambda t, k, n: commits(t, k, n, 2)))
        (without,) = cca.intervention_effects(organisation(lambda t, k, n: commits(t, k, n, 0)))
        inside += with_it.low <= 2 <= with_it.high
        alarms += without.verdict in ("higher", "lower")
    assert inside >= 32
    assert alarms <= 8
