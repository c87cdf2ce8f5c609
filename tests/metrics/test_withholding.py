"""What a reader of several outputs could infer about groups too small to be shown."""

import pytest
from builders import dataset, record

import ccanalytics as cca
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.ratios import rows_of

WEEK = ("2026-11-16", "2026-11-22")
OPUS, SONNET = "claude-opus-4-8", "claude-sonnet-5"


def spent(usd, model=SONNET):
    return {model: {"output": 1000, "cents": int(100 * usd)}}


def people_of(team, count, usd=10, **changes):
    return [
        record("2026-11-17", f"{team}{n}@x.example", models=spent(usd), **changes)
        for n in range(count)
    ]


def roster(**sizes):
    lines = [f"{team}{n}@x.example,{team},\n" for team, size in sizes.items() for n in range(size)]
    return "email,team,start\n" + "".join(lines)


def organisation(records, **more):
    return dataset(records, *WEEK, minimum_group=5, **more)


def value(data, metric_id, by=None, group=None):
    frame = cca.by_week(data, metric_id, by=by)
    return frame["value"].iloc[0] if by is None else frame.set_index(by)["value"].get(group)


def shown(data, metric_id, by):
    frame = cca.by_week(data, metric_id, by=by).dropna(subset="value")
    return frame.set_index(by)["value"].to_dict()


def test_the_total_minus_the_pages_of_teams_does_not_reveal_a_small_team():
    """Few has three people: neither the lines nor the pages of the others isolate it."""
    sizes = {"Few": 3, "Six": 6, "Many": 12}
    records = [one for team, size in sizes.items() for one in people_of(team, size)]
    data = organisation(records, roster=roster(**sizes))
    pages = {team: value(data.of_team(team), "cost") for team in sizes}
    assert value(data, "cost") == 210
    assert {team: usd for team, usd in pages.items() if usd == usd} == {"Many": 120}
    assert shown(data, "cost", "team") == {"Many": 120, "other teams": 90}


def test_a_team_of_a_copy_has_only_the_figures_of_its_people():
    """A copy shares what was worked out for everybody; its teams do not."""
    sizes = {"Six": 6, "Many": 12}
    records = [one for team, size in sizes.items() for one in people_of(team, size)]
    data = organisation(records, roster=roster(**sizes)).copy()
    assert [value(one, "cost") for one in (data, data.of_team("Many"))] == [180, 120]


def test_the_page_of_a_withheld_team_shows_nothing_by_day_or_split():
    """Six is large enough, but is withheld to protect three others."""
    sizes = {"Few": 3, "Six": 6, "Many": 12}
    records = [one for team, size in sizes.items() for one in people_of(team, size)]
    page = organisation(records, roster=roster(**sizes)).of_team("Six")
    assert len(page.weeks) == 1
    assert cca.metric_frame(page, "daily_cost")["value"].isna().all()
    assert cca.metric_frame(page, "active_actors_by_day")["value"].isna().all()
    assert cca.by_week(page, "model_mix")["value"].isna().all()
    assert shown(page, "cost", "terminal") == shown(page, "commits", "terminal") == {}


def test_the_same_three_people_in_two_terminals_are_withheld():
    """Two terminals with three people each look like six people, but are three."""
    records = [
        *people_of("p", 12),
        *people_of("p", 3, terminal="tmux"),
        *people_of("p", 3, terminal="kitty"),
    ]
    assert shown(organisation(records), "cost", "terminal") == {}


def test_days_of_few_people_are_withheld_in_pairs():
    """Two people worked on Saturday: it is withheld with the day of the next fewest."""
    days = {"16": 9, "17": 8, "18": 7, "19": 7, "20": 6, "21": 2}
    records = [
        record(f"2026-11-{day}", f"p{n}@x.example", models=spent(10))
        for day, count in days.items()
        for n in range(count)
    ]
    data = organisation(records)
    frame = cca.metric_frame(data, "daily_cost")
    shown_days = {f"{row.date:%d}": row.value for row in frame.dropna(subset="value").itertuples()}
    assert shown_days == {"16": 90, "17": 80, "18": 70, "19": 70, "22": 0}
    assert value(data, "cost") - sum(shown_days.values()) == 60 + 20
    counts = cca.metric_frame(data, "active_actors_by_day").set_index("date")["value"]
    assert counts.isna().sum() == 2


@pytest.mark.parametrize(("without", "expected"), [(1, None), (5, 50 / 120), (0, 0), (12, 1)])
def test_the_share_without_a_commit_does_not_reveal_one_persons_cost(without, expected):
    """Twelve people at ten dollars each; multiplied by the cost, the share would be theirs."""
    records = [*people_of("a", without), *people_of("b", 12 - without, commits=3)]
    share = value(organisation(records), "unconverted_share")
    assert share == pytest.approx(expected) if expected is not None else share != share


def test_the_share_without_a_commit_of_a_team_is_not_revealed_by_others():
    """One of Red made no commit; Blue's six and the total would reveal that person's cost."""
    sizes = {"Red": 12, "Blue": 12, "Gold": 12}
    records = [
        *people_of("Red", 12)[:1],
        *people_of("Red", 12, commits=2)[1:],
        *(one for team in ("Blue", "Gold") for one in people_of(team, 12)[:6]),
        *(one for team in ("Blue", "Gold") for one in people_of(team, 12, commits=2)[6:]),
    ]
    data = organisation(records, roster=roster(**sizes))
    assert value(data, "unconverted_share") == pytest.approx(13 / 36)
    of_teams = shown(data, "unconverted_share", "team")
    assert of_teams == {"Gold": 0.5, "other teams": pytest.approx(7 / 24)}


def test_a_team_merged_for_a_figure_does_not_have_it_on_its_own_page():
    """Blue is merged with Red, one of whom made no commit: the page of Blue would isolate Red."""
    records = [*people_of("Red", 1), *people_of("Red", 12, commits=2)[1:]]
    for team in ("Blue", "Gold"):
        records += [*people_of(team, 6), *people_of(team, 12, commits=2)[6:]]
    data = organisation(records, roster=roster(Red=12, Blue=12, Gold=12))
    pages = {
        team: [value(data.of_team(team), name) for name in ("unconverted_share", "cost")]
        for team in ("Red", "Blue", "Gold")
    }
    nothing = float("nan")
    assert pages["Gold"] == [0.5, 120]
    assert pages["Red"] == pytest.approx([nothing, 120], nan_ok=True)
    assert pages["Blue"] == pytest.approx([nothing, 120], nan_ok=True)


def test_the_page_of_a_team_is_withheld_exactly_where_its_row_is():
    """Five of B and five without a team are as many: the same ones are merged with the three."""
    records = [*people_of("A", 3), *people_of("B", 5), *people_of("nobody", 5)]
    data = organisation(records, roster=roster(A=3, B=5))
    page = value(data.of_team("B"), "cost")
    assert shown(data, "cost", "team") == {"no team": 50, "other teams": 80}
    assert page != page


def test_records_with_nothing_in_them_do_not_make_a_group_large_enough():
    """Six of B have a record, two of these records are empty: four people are too few."""
    empty = [record("2026-11-17", f"B{n}@x.example", sessions=0) for n in range(4, 6)]
    records = [*people_of("A", 9), *people_of("B", 4), *empty]
    data = organisation(records, roster=roster(A=9, B=6))
    assert data.withheld_teams().get_level_values("team").tolist() == ["A", "B"]
    alone = organisation([*people_of("B", 4), *empty])
    assert cca.metric_frame(alone, "daily_cost")["value"].isna().all()


def test_a_cost_dominated_by_one_person_is_withheld():
    """One of six has 500 of 550 dollars; activity counts are still shown."""
    records = [*people_of("a", 5), *people_of("b", 1, usd=500)]
    data = organisation(records)
    assert value(data, "active_actors") == 6
    assert [value(data, name) for name in ("cost", "cost_per_active_day")] == pytest.approx(
        [float("nan")] * 2, nan_ok=True
    )
    assert cca.metric_frame(data, "daily_cost")["value"].notna().sum() == 0


def test_a_withheld_figure_says_so_whether_one_person_dominates_or_too_few():
    """One of ten has $1,000 of $1,045; and three people. An empty week is not secret."""
    one_pays = [*people_of("Many", 9, usd=5), *people_of("Rich", 1, usd=1000)]
    for records in (one_pays, people_of("Few", 3)):
        assert cca.headline(organisation(records), "cost").words == "withheld for privacy"
    assert "withheld" not in cca.headline(organisation([]), "active_actors").missing


def test_a_family_of_models_does_not_reveal_a_model_in_it():
    """Two people used another Opus: the family minus the other model would reveal them."""
    use = {OPUS: 12, "claude-opus-4-8-20260101": 2, SONNET: 12, "claude-sonnet-5-20260101": 3}
    records = [
        record("2026-11-17", f"{model}{n}@x.example", models=spent(10, model))
        for model, count in use.items()
        for n in range(count)
    ]
    data = organisation(records)
    families, models = shown(data, "cost", "family"), shown(data, "cost", "model")
    assert len(families) == 2
    assert models == {}


def test_the_share_of_api_keys_does_not_reveal_the_cost_of_few_people():
    """The cost of keys divided by their share is the total cost."""
    records = [*people_of("a", 3), record("2026-11-17", api_key="ci", models=spent(70))]
    frame = cca.by_week(organisation(records), "api_key_cost")
    assert frame["value"].tolist() == [70]
    assert frame["share"].isna().all()


def test_every_split_of_every_metric_leaves_enough_people(sample_days):
    """Anything withheld in the sample covers five people or nobody."""
    data = cca.load("2026-09-07", "2026-09-20", source="sample", store=sample_days)
    for name, by in (("cost", "team"), ("cost", "model"), ("commits", "terminal")):
        rows = rows_of(data, METRICS[name], by)
        frame = cca.by_week(data, name, by=by)
        hidden = frame[frame["n_actors"].isna()]
        left = rows.merge(hidden[["week", by]].astype({by: "str"}), on=["week", by])
        left = left[left["active"] == 1]
        assert (left.groupby("week")["actor"].nunique() >= 5).all()


@pytest.mark.parametrize("split", ["terminal", "model", "customer_type"])
def test_a_teams_page_and_the_overall_page_do_not_reveal_two_others(split):
    """Eight of Red and two of Blue used something that six of each did not."""
    changes = {
        "terminal": {"terminal": "tmux"},
        "model": {"models": spent(10, OPUS)},
        "customer_type": {"customer_type": "subscription"},
    }[split]
    sizes = {"Red": 14, "Blue": 14}
    records = [
        record(
            "2026-11-17",
            f"{team}{n}@x.example",
            **{"models": spent(10), **(changes if odd else {})},
        )
        for team, few in (("Red", 8), ("Blue", 2))
        for n in range(14)
        for odd in [n < few]
    ]
    data = organisation(records, roster=roster(**sizes))
    everybody, page = (shown(one, "cost", split) for one in (data, data.of_team("Red")))
    assert sorted(everybody.values()) == [100, 180]
    assert page == {}


def test_days_and_splits_on_a_teams_page_do_not_reveal_few_others():
    """On Thursday, and without a commit, one person of Blue appears with six of Red."""
    records = [*people_of("Red", 12, commits=2)[6:], *people_of("Red", 6)]
    records += [*people_of("Blue", 12, commits=2)[1:], *people_of("Blue", 1)]
    records += [record("2026-11-19", f"Red{n}@x.example", models=spent(10)) for n in range(6)]
    records += [record("2026-11-19", "Blue0@x.example", models=spent(90))]
    data = organisation(records, roster=roster(Red=12, Blue=12))
    page = data.of_team("Red")
    thursday = cca.metric_frame(data, "daily_cost").set_index("date")["value"]["2026-11-19"]
    assert thursday == 150
    assert cca.metric_frame(page, "daily_cost").set_index("date")["value"].isna()["2026-11-19"]
    assert value(data, "unconverted_share") == value(data, "unconverted_share")
    assert value(page, "unconverted_share") != value(page, "unconverted_share")
