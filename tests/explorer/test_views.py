"""A view has a chart, notes, a table and code, or a message that says why not."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from builders import dataset
from explorer_data import HOSTILE, QUESTION, loaded_with, people_of, three_weeks

import ccanalytics as cca
from ccanalytics.errors import StoreError
from ccanalytics.explorer.question import CHOICES, OWN_RATIO, SHAPES, LoadedData, answer

SUMMABLE = [name for name in CHOICES if cca.METRICS[name].numerator and not cca.METRICS[name].basis]


@pytest.fixture(scope="module")
def loaded():
    return loaded_with(three_weeks())


def said(view):
    return " ".join(str(part) for part in view.notes)


def refused(view):
    """The message of a view that shows nothing else."""
    assert view.chart is None
    return str(view.notes[0])


@pytest.mark.parametrize("metric_id", SUMMABLE)
def test_a_ratio_or_total_has_chart_definition_and_table(loaded, metric_id):
    """The caveats are next to the chart; the table is the metric frame."""
    view = answer(replace(QUESTION, metric_id=metric_id), loaded)
    metric = cca.METRICS[metric_id]
    assert view.chart.to_dict()["usermeta"]["ccanalytics"]["metric"] == metric_id
    assert metric.formula in said(view)
    assert all(caveat in said(view) for caveat in metric.caveats)
    expected = cca.by_week(three_weeks().between("2026-11-09", "2026-11-22"), metric_id)
    pd.testing.assert_frame_equal(view.frame, expected)


@pytest.mark.parametrize(("period", "rows"), [("month", 0), ("week", 2), ("day", 14)])
def test_a_metric_is_by_month_week_or_day(loaded, period, rows):
    """The frame is that of by_period; two weeks are not a whole month, which a note says."""
    view = answer(replace(QUESTION, metric_id="cost", period=period), loaded)
    assert len(view.frame) == rows
    assert (view.chart is None) == (rows == 0)
    assert view.chart is None or f"by {period}" in str(view.chart.to_dict()["title"]["subtitle"])


def test_several_teams_are_shown_next_to_each_other(loaded):
    """Two of three teams are chosen, one of which is withheld."""
    view = answer(replace(QUESTION, teams=("Red", "Few")), loaded)
    assert view.frame["team"].unique().tolist() == ["Few", "Red"]
    assert "2 of 4 are withheld" in said(view)


@pytest.mark.parametrize("metric_id", SHAPES)
def test_a_metric_of_its_own_shape_is_shown_or_says_why_not(loaded, metric_id):
    """A chart or a message; never an exception, and always the definition."""
    view = answer(replace(QUESTION, metric_id=metric_id), loaded)
    assert (view.chart is not None) or "Nothing to show." in said(view)
    assert cca.METRICS[metric_id].formula in said(view)


def test_a_custom_ratio_has_minimums_and_no_interval_for_two_weeks(loaded):
    """Commits per session, or any other two columns; an interval needs four weeks."""
    own = replace(QUESTION, metric_id=OWN_RATIO, top="commits", bottom="active_days")
    view = answer(own, loaded)
    assert view.frame["value"].tolist() == [16.5, 16.5]
    assert view.frame["low"].isna().all()
    assert "cca.ratio_by_week(data, 'commits', 'active_days')" in view.code


def test_a_small_team_is_withheld_and_the_view_says_so(loaded):
    """Two people are too few; the next smallest team would reveal them by subtraction."""
    view = answer(replace(QUESTION, by="team"), loaded)
    values = view.frame.groupby("team")["value"].count()
    assert values.to_dict() == {"Blue": 0, "Few": 0, "Red": 2, "other teams": 2}
    assert "4 of 8 are withheld: fewer than 5 people" in said(view)


def test_a_team_of_too_few_people_shows_nothing(loaded):
    """Chosen by itself, it is withheld in every week."""
    words = refused(answer(replace(QUESTION, teams=("Few",)), loaded))
    assert words.startswith("Nothing to show. 2 of 2 are withheld: fewer than 5 people")


def test_api_keys_are_shown_together_and_not_in_small_groups(loaded):
    """One key cost 7 dollars a week; split by terminal it is a group of one."""
    keys = replace(QUESTION, metric_id="cost", actor_kind="api_key")
    view = answer(keys, loaded)
    assert view.frame["value"].tolist() == [7.0, 7.0]
    assert view.frame["n_actors"].tolist() == [1, 1]
    assert "fewer than 5 API keys" in refused(answer(replace(keys, by="terminal"), loaded))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metric_id": "retention", "by": "team"}, "Retention by first week cannot be split"),
        ({"metric_id": "retention", "actor_kind": "api_key"}, "cannot be split"),
        ({"metric_id": "gini", "actor_kind": "api_key"}, "leave out by and actor_kind"),
        ({"metric_id": "retention", "period": "day"}, "shown by day"),
        ({"metric_id": OWN_RATIO, "period": "month"}, "is by week"),
        ({"by": "model", "teams": ("Red", "Blue")}, "split by team, not by model"),
        ({"by": "team", "period": "day"}, "days are not split"),
        ({"metric_id": "active_rate", "by": "terminal"}, "by is one of team"),
        ({"metric_id": "active_rate", "actor_kind": "api_key"}, "API keys are not on a roster"),
        ({"by": "tool"}, "cost_per_commit by 'tool'"),
        ({"by": "team", "actor_kind": "api_key"}, "by is one of terminal"),
        ({"teams": ("Red",), "actor_kind": "api_key"}, "API keys have no team"),
        ({"teams": ("Green",)}, "There is no team 'Green'"),
        ({"since": None}, "Choose a first and a last day"),
        ({"since": date(2026, 12, 1)}, "The range is reversed"),
        (
            {"since": date(2026, 11, 17)},
            "No week of 2026-11-17 to 2026-11-22 is closed and complete",
        ),
        ({"until": date(2027, 1, 1), "since": date(2026, 12, 1)}, "There is no day of 2026-12-01"),
        ({"since": date.min, "until": date.min}, "There is no day of 0001-01-01"),
    ],
)
def test_an_impossible_view_is_refused_with_a_message(loaded, changes, words):
    """Controls that do not go together, a range without a week, an unknown team."""
    assert words in refused(answer(replace(QUESTION, **changes), loaded))


def test_a_source_without_data_says_what_to_do():
    """The view shows the message of the error."""

    def nothing(**_):
        raise StoreError("No api day is in the store. Fetch them: ccanalytics sync")

    view = answer(QUESTION, LoadedData(nothing))
    assert refused(view).endswith("ccanalytics sync")
    assert LoadedData(nothing).newest("api", 2) == (None, None)


def test_weeks_without_activity_are_not_zeros():
    """A message says that nothing was recorded, and nothing is drawn."""
    silent = loaded_with(dataset([], "2026-11-02", "2026-11-22"))
    assert "fewer than 1 person" in refused(answer(replace(QUESTION, metric_id="cost"), silent))


@pytest.mark.parametrize("metric_id", ["cost_per_commit", "cache_read_share", "daily_cost"])
def test_a_source_without_cost_says_so(metric_id):
    """Enterprise has neither models nor tokens; none of them is shown as 0."""
    loaded = loaded_with(three_weeks(source="enterprise"))
    view = answer(replace(QUESTION, source="enterprise", metric_id=metric_id), loaded)
    assert "not known from source enterprise" in refused(view)


def test_without_a_roster_the_share_says_how_to_set_one():
    """The message is that of the report."""
    bare = loaded_with(
        dataset(people_of("2026-11-17"), "2026-11-02", "2026-11-22", minimum_group=5)
    )
    words = refused(answer(replace(QUESTION, metric_id="active_rate"), bare))
    assert "There is no roster" in words


def run(code, data, monkeypatch):
    """The variables the code defines, with `data` in place of the loaded dataset."""

    def load(since, until, *, source, team=""):
        assert source == "api"
        found = data.between(since, until)
        return found.of_team(team) if team else found

    monkeypatch.setattr(cca, "load", load, raising=False)
    names = {}
    exec(compile(code, "view", "exec"), names)
    return names


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"by": "team"},
        {"teams": (HOSTILE,), "by": "terminal"},
        {"teams": (HOSTILE, "Blue")},
        {"metric_id": "cost", "period": "day"},
        {"metric_id": "cost", "actor_kind": "api_key"},
        {"metric_id": "acceptance_rate", "by": "tool"},
        {"metric_id": "lines"},
        {"metric_id": "model_mix"},
    ],
    ids=str,
)
def test_the_code_makes_the_same_frames(changes, monkeypatch):
    """When run, it gives the frame of the view, whatever the team's name."""
    data = three_weeks(names=(HOSTILE, "Blue", "Few"))
    view = answer(replace(QUESTION, **changes), loaded_with(data))
    names = run(view.code, data, monkeypatch)
    pd.testing.assert_frame_equal(names["frame"], view.frame)


def test_the_code_is_short_and_plain():
    """Four lines for a split of a metric, as a person would write them."""
    assert replace(QUESTION, by="team").code() == (
        "import ccanalytics as cca\n\n"
        "data = cca.load('2026-11-09', '2026-11-22', source='api')\n"
        "frame = cca.by_week(data, 'cost_per_commit', by='team')\n"
        "cca.chart(frame)\n"
    )


def test_a_bidi_character_in_a_team_name_is_escaped():
    """No character in the code hides what it does."""
    code = replace(QUESTION, teams=("Red\u202e\u2028",)).code()
    assert "team='Red\\u202e\\u2028'" in code


def test_a_source_is_loaded_once_and_a_wider_range_once_more():
    """Ranges inside the loaded one are selected from it."""
    asked = []

    def load(*days, **_):
        asked.append(days)
        return three_weeks()

    loaded = LoadedData(load)
    for since in (date(2026, 11, 2), date(2026, 11, 9), date(2026, 11, 16)):
        answer(replace(QUESTION, since=since), loaded)
    assert asked == [()]
    for _ in range(2):
        answer(replace(QUESTION, since=date(2020, 1, 1)), loaded)
    assert asked == [(), (date(2020, 1, 1), date(2026, 11, 22))]


def test_the_first_view_shows_the_newest_weeks(loaded):
    """The two newest weeks."""
    assert loaded.newest("api", 2) == (date(2026, 11, 9), date(2026, 11, 22))


def test_choices_that_no_longer_exist_are_dropped(loaded):
    """A team that left the roster and a range before the first day; the other choices are kept."""
    old = replace(QUESTION, teams=("Red", "Gone"), since=date(2025, 1, 6), until=date(2025, 1, 12))
    now = loaded.still_there(old, 2)
    assert (now.teams, now.since, now.until) == (("Red",), *loaded.newest("api", 2))
    assert loaded.still_there(QUESTION, 2) == QUESTION
