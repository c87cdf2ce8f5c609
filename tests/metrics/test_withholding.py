"""What a reader of several outputs could work out of people who are too few to be shown."""

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


def test_the_total_less_the_pages_of_teams_is_not_of_three_people():
    """Few is of three: neither the lines nor the own pages of the others leave it alone."""
    sizes = {"Few": 3, "Six": 6, "Many": 12}
    records = [one for team, size in sizes.items() for one in people_of(team, size)]
    data = organisation(records, roster=roster(**sizes))
    pages = {team: value(data.of_team(team), "cost") for team in sizes}
    assert value(data, "cost") == 210
    assert {team: usd for team, usd in pages.items() if usd == usd} == {"Many": 120}
    assert shown(data, "cost", "team") == {"Many": 120, "other teams": 90}


def test_the_page_of_a_team_that_is_withheld_tells_nothing_by_day_and_by_split():
    """Six is large enough, but stands for three others."""
    sizes = {"Few": 3, "Six": 6, "Many": 12}
    records = [one for team, size in sizes.items() for one in people_of(team, size)]
    page = organisation(records, roster=roster(**sizes)).of_team("Six")
    assert len(page.weeks) == 1
    assert cca.metric_frame(page, "daily_cost")["value"].isna().all()
    assert cca.metric_frame(page, "active_actors_by_day")["value"].isna().all()
    assert cca.by_week(page, "model_mix")["value"].isna().all()
    assert shown(page, "cost", "terminal") == shown(page, "commits", "terminal") == {}


def test_the_same_three_people_in_two_terminals_are_not_told():
    """Two terminals of three people each look like six, and are three."""
    records = [
        *people_of("p", 12),
        *people_of("p", 3, terminal="tmux"),
        *people_of("p", 3, terminal="kitty"),
    ]
    assert shown(organisation(records), "cost", "terminal") == {}


def test_days_of_few_people_are_told_with_others_only():
    """On Saturday two people worked: it is withheld with the day of the next fewest."""
    days = {"16": 9, "17": 8, "18": 7, "19": 7, "20": 6, "21": 2}
    records = [
        record(f"2026-11-{day}", f"p{n}@x.example", models=spent(10))
        for day, count in days.items()
        for n in range(count)
    ]
    data = organisation(records)
    frame = cca.metric_frame(data, "daily_cost")
    told = {f"{row.date:%d}": row.value for row in frame.dropna(subset="value").itertuples()}
    assert told == {"16": 90, "17": 80, "18": 70, "19": 70, "22": 0}
    assert value(data, "cost") - sum(told.values()) == 60 + 20
    counts = cca.metric_frame(data, "active_actors_by_day").set_index("date")["value"]
    assert counts.isna().sum() == 2


@pytest.mark.parametrize(("without", "told"), [(1, None), (5, 50 / 120), (0, 0), (12, 1)])
def test_the_share_without_a_commit_does_not_tell_one_person_s_cost(without, told):
    """Of twelve people at ten dollars each; times the cost it is theirs."""
    records = [*people_of("a", without), *people_of("b", 12 - without, commits=3)]
    share = value(organisation(records), "unconverted_share")
    assert share == pytest.approx(told) if told is not None else share != share


def test_the_share_without_a_commit_of_one_team_is_not_told_by_the_others():
    """One of Red made no commit; Blue's six and the total would tell what that cost."""
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


def test_a_cost_that_is_nearly_all_of_one_person_is_not_told():
    """One of six made 500 of 550 dollars; what was done is told all the same."""
    records = [*people_of("a", 5), *people_of("b", 1, usd=500)]
    data = organisation(records)
    assert value(data, "active_actors") == 6
    assert [value(data, name) for name in ("cost", "cost_per_active_day")] == pytest.approx(
        [float("nan")] * 2, nan_ok=True
    )
    assert cca.metric_frame(data, "daily_cost")["value"].notna().sum() == 0


def test_a_withheld_figure_says_whether_it_is_one_person_s_or_of_too_few():
    """One of ten made $1,000 of $1,045; and three people. Nobody active is no secret."""
    one_pays = [*people_of("Many", 9, usd=5), *people_of("Rich", 1, usd=1000)]
    said = {
        len(records): cca.headline(organisation(records), "cost").words
        for records in (one_pays, people_of("Few", 3))
    }
    assert said == {10: "withheld: mostly one person", 3: "withheld: too few people"}
    assert not cca.headline(organisation([]), "active_actors").withheld


def test_a_family_of_models_does_not_tell_of_a_model_in_it():
    """Two people used another Opus: that is the family less the one model, and they are two."""
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


def test_the_share_of_api_keys_does_not_tell_the_cost_of_few_people():
    """The cost of keys over their share is the cost of everything."""
    records = [*people_of("a", 3), record("2026-11-17", api_key="ci", models=spent(70))]
    frame = cca.by_week(organisation(records), "api_key_cost")
    assert frame["value"].tolist() == [70]
    assert frame["share"].isna().all()


def test_every_split_of_every_metric_leaves_enough_people(sample_days):
    """Whatever is withheld of the sample is of five people or of nobody."""
    data = cca.load("2026-09-07", "2026-09-20", source="sample", store=sample_days)
    for name, by in (("cost", "team"), ("cost", "model"), ("commits", "terminal")):
        rows = rows_of(data, METRICS[name], by)
        frame = cca.by_week(data, name, by=by)
        hidden = frame[frame["n_actors"].isna()]
        left = rows.merge(hidden[["week", by]].astype({by: "str"}), on=["week", by])
        left = left[left["active"] == 1]
        assert (left.groupby("week")["actor"].nunique() >= 5).all()


@pytest.mark.parametrize("split", ["terminal", "model", "customer_type"])
def test_a_team_s_own_page_and_that_of_everybody_do_not_tell_of_two_others(split):
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


def test_days_and_cuts_on_a_team_s_page_do_not_tell_of_few_others():
    """On the Thursday, and without a commit, there was one of Blue beside six of Red."""
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
