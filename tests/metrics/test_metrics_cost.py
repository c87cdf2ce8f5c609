"""Estimated cost and its ratios."""

import math

import pytest
from builders import dataset, record

import ccanalytics as m
from ccanalytics.prices import model_family


def week(records, **options):
    return dataset(records, "2026-11-16", "2026-11-22", **options)


def spend(cents, tokens=100, model="claude-sonnet-5"):
    return {model: {"output": tokens, "cents": cents}}


def person(n, **measures):
    return record(actor=f"p{n}@x.example", **measures)


def test_cost_is_dollars():
    """250 cents and 50 cents are three dollars."""
    data = week([record(models=spend(250)), record("2026-11-17", models=spend(50))])
    assert m.by_week(data, "cost")["value"].item() == 3.0


def test_cost_per_active_day_counts_person_days():
    """Three dollars on two days."""
    data = week([record(models=spend(250)), record("2026-11-17", models=spend(50))])
    assert m.by_week(data, "cost_per_active_day")["value"].item() == 1.5


def test_tokens_are_summed_by_kind():
    """Five people with 10 input and 30 output tokens each; a kind nobody used has no row."""
    usage = {"claude-sonnet-4-5": {"input": 10, "output": 30}}
    frame = m.by_week(week([person(n, models=usage) for n in range(5)]), "tokens", by="kind")
    assert dict(zip(frame["kind"], frame["value"], strict=True)) == {"input": 50, "output": 150}


def test_cost_without_a_commit_stays_in_the_cost_per_commit():
    """Forty dollars, half of it Bea's, who committed nothing, for twenty commits."""
    data = week([person(1, commits=20, models=spend(2000)), person(2, models=spend(2000))])
    row = m.by_week(data, "cost_per_commit").iloc[0]
    assert (row["value"], row["numerator"], row["denominator"]) == (2.0, 40.0, 20)
    assert m.by_week(data, "unconverted_share")["value"].item() == 0.5


def test_under_twenty_commits_there_is_no_cost_per_commit():
    """The numerator and denominator are still shown."""
    row = m.by_week(week([person(1, commits=19, models=spend(1900))]), "cost_per_commit").iloc[0]
    assert math.isnan(row["value"])
    assert (row["numerator"], row["denominator"]) == (19.0, 19)


def test_a_commit_on_another_day_of_the_week_converts_the_cost():
    """The person-week counts, not the day."""
    data = week([record("2026-11-16", models=spend(500)), record("2026-11-18", commits=1)])
    assert m.by_week(data, "unconverted_share")["value"].item() == 0


def test_without_cost_there_is_no_share_of_it():
    """Zero divided by zero is null."""
    assert m.by_week(week([record(commits=1)]), "unconverted_share")["value"].isna().all()


def test_an_unknown_price_is_not_a_price_of_zero():
    """Half of the tokens have no price: there is no cost, and a message says so."""
    models = spend(100) | spend(None, model="house-model")
    row = m.by_week(week([record(models=models)]), "cost").iloc[0]
    assert math.isnan(row["value"])
    assert (row["numerator"], row["priced_share"]) == (1.0, 0.5)


def test_a_few_unpriced_tokens_keep_the_cost_and_are_stated():
    """Two of a hundred tokens have no price."""
    models = spend(100, tokens=98) | spend(None, tokens=2, model="house-model")
    row = m.by_week(week([record(models=models)]), "cost").iloc[0]
    assert row["value"] == 1.0
    assert row["priced_share"] == pytest.approx(0.98)


def test_a_model_without_tokens_needs_no_price():
    """A model that answered nothing costs nothing."""
    models = spend(100) | spend(None, tokens=0, model="<synthetic>")
    assert m.by_week(week([record(models=models)]), "cost")["priced_share"].item() == 1


def test_the_typical_cost_is_the_median_of_people_with_five_commits():
    """One, two and nine dollars: two. The person with four commits is left out."""
    records = [
        person(1, commits=5, models=spend(500)),
        person(2, commits=5, models=spend(1000)),
        person(3, commits=10, models=spend(9000)),
        person(4, commits=4, models=spend(99999)),
    ]
    row = m.by_week(week(records), "typical_cost_per_commit").iloc[0]
    assert (row["value"], row["n_actors"]) == (2.0, 3)


def test_the_typical_cost_of_too_few_committers_is_hidden():
    """Six people are active, three have enough commits, five are needed."""
    records = [person(n, commits=5 if n < 3 else 0, models=spend(500)) for n in range(6)]
    row = m.by_week(week(records, minimum_group=5), "typical_cost_per_commit").iloc[0]
    assert row.drop("week").isna().all()


def test_cache_reads_are_a_share_of_everything_sent():
    """The denominator includes cache creation but not output."""
    models = {"m": {"input": 10, "output": 999, "cache_read": 75, "cache_creation": 15}}
    assert m.by_week(week([record(models=models)]), "cache_read_share")["value"].item() == 0.75


def test_model_ids_of_one_family_and_version_are_one_family():
    """A date or vendor in the id does not make another model."""
    models = (
        spend(100, tokens=10, model="claude-sonnet-4-5-20250929")
        | spend(200, tokens=20, model="us.anthropic.claude-sonnet-4-5-20250929-v1:0")
        | spend(100, tokens=70, model="claude-haiku-4-5-20251001")
    )
    frame = m.by_week(week([record(models=models)]), "model_mix").set_index("family")
    assert frame["value"].to_dict() == {"Haiku 4.5": 1.0, "Sonnet 4.5": 3.0}
    assert frame["share"].to_dict() == {"Haiku 4.5": 0.25, "Sonnet 4.5": 0.75}
    assert frame["output_share"].to_dict() == pytest.approx({"Haiku 4.5": 0.7, "Sonnet 4.5": 0.3})


def test_a_family_without_a_price_has_no_cost():
    """It is null, while its tokens still count."""
    models = spend(100) | spend(None, model="house-model")
    frame = m.by_week(week([record(models=models)]), "model_mix").set_index("family")
    assert math.isnan(frame["value"]["house-model"])
    assert frame["output_share"]["house-model"] == 0.5
    assert frame["share"]["Sonnet 5"] == 1


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("claude-sonnet-5", "Sonnet 5"),
        ("claude-opus-4-1-20250805", "Opus 4.1"),
        ("claude-3-7-sonnet-20250219", "Sonnet 3.7"),
        ("claude-3-opus@20240229", "Opus 3"),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", "Sonnet 3.5"),
        ("claude-sonnet-4-20250514[1m]", "Sonnet 4"),
        ("claude-opus-latest", "Opus"),
        ("<synthetic>", "<synthetic>"),
    ],
)
def test_a_model_id_is_read_as_family_and_version(model, family):
    """The id of another vendor is unchanged."""
    assert model_family(model) == family


def test_the_cost_of_keys_is_separate_from_people():
    """Three of four dollars are from pipelines."""
    records = [
        record(models=spend(100)),
        record(api_key="ci", models=spend(200)),
        record(api_key="nightly", models=spend(100)),
    ]
    data = week(records)
    row = m.by_week(data, "api_key_cost").iloc[0]
    assert (row["value"], row["share"], row["n_keys"]) == (3.0, 0.75, 2)
    assert m.by_week(data, "cost")["value"].item() == 1.0


def test_cost_without_activity_is_not_lost():
    """An amount without tokens is still part of the week's cost."""
    data = week([record(sessions=0, models=spend(100, tokens=0))])
    assert m.by_week(data, "cost")["value"].item() == 1.0


def test_the_cost_of_people_is_unknown_without_people():
    """Only keys have records: the cost of people is null, not zero."""
    data = week([record(api_key="ci", models=spend(250))])
    assert math.isnan(m.by_week(data, "cost")["value"].item())
    assert m.by_week(data, "cost", actor_kind="api_key")["value"].item() == 2.5
