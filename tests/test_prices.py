"""List prices: by date and request size, and unknown rather than zero."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given
from hypothesis import strategies as st

from ccanalytics.prices import UNITS, Tariff, Tokens, price_list

MILLION = 1_000_000


def usd(model, day, *, fast=False, us_only=False, **counts):
    """Dollars of one request."""
    tokens = Tokens(**dict.fromkeys(Tokens._fields, 0) | counts)
    tariff = Tariff(model, fast, us_only)
    cost, _ = price_list(tariff, date.fromisoformat(day)).costs(tokens)
    return Decimal(cost) / UNITS


@pytest.mark.parametrize(
    ("kind", "dollars"),
    [
        ("input", 5),
        ("output", 25),
        ("cache_read", Decimal("0.5")),
        ("cache_write_5m", Decimal("6.25")),
        ("cache_write_1h", 10),
    ],
)
def test_each_kind_of_token_has_its_own_price(kind, dollars):
    """A million tokens of Opus 5, where a one-hour cache write costs twice the input."""
    assert usd("claude-opus-5", "2026-08-01", **{kind: MILLION}) == dollars


def test_a_web_search_costs_a_cent():
    """Ten dollars per thousand searches, whatever the model."""
    assert usd("claude-opus-5", "2026-08-01", web_searches=3) == Decimal("0.03")


def test_a_model_without_a_price_has_no_cost():
    """An unknown price is None, so that it cannot be summed as zero."""
    tariff, day = Tariff("qwen3-coder:30b"), date(2026, 8, 1)
    assert price_list(tariff, day) is None


def test_without_a_cache_every_cached_token_would_have_been_input():
    """Opus 5: a million read for $0.50 and a million written for $6.25 would be $10 as input."""
    tokens = Tokens(0, 0, MILLION, MILLION, 0, 1)
    listed = price_list(Tariff("claude-opus-5"), date(2026, 8, 1))
    cost, uncached = listed.costs(tokens)
    assert (cost / UNITS, uncached / UNITS) == (6.76, 10.01)


def test_a_request_over_the_threshold_pays_the_higher_rate_for_all_its_tokens():
    """Sonnet 4.5: $3 a million up to 200,000 tokens in, $6 a million for all of them above."""
    assert usd("claude-sonnet-4-5-20250929", "2026-01-05", input=200_000) == Decimal("0.6")
    assert usd("claude-sonnet-4-5-20250929", "2026-01-05", input=400_000) == Decimal("2.4")


def test_tokens_read_from_the_cache_count_towards_the_threshold():
    """300,000 cached tokens in put 1,000 tokens out into the higher tier."""
    cost = usd("claude-sonnet-4-5-20250929", "2026-01-05", cache_read=300_000, output=1_000)
    assert cost == Decimal("0.18") + Decimal("0.0225")


def test_the_price_of_the_day_is_used():
    """The long-context premium of Opus 4.6 ended on 2026-03-13."""
    assert usd("claude-opus-4-6", "2026-03-12", input=400_000) == 4
    assert usd("claude-opus-4-6", "2026-03-13", input=400_000) == 2


def test_fast_mode_and_inference_in_the_us_cost_more():
    """Opus 5 fast costs double, US-only inference a tenth more."""
    assert usd("claude-opus-5", "2026-08-01", fast=True, output=MILLION) == 50
    assert usd("claude-opus-5", "2026-08-01", us_only=True, output=MILLION) == Decimal("27.5")


def test_fast_mode_costs_the_standard_price_if_no_other_is_known():
    """Opus 4.7 has no fast mode on the price list."""
    assert usd("claude-opus-4-7", "2026-08-01", fast=True, output=MILLION) == 25


counts = st.integers(0, 400_000)


@given(
    model=st.sampled_from(
        ["claude-opus-4-6", "claude-sonnet-4-5", "claude-haiku-4-5", "claude-sonnet-4-20250514"]
    ),
    day=st.sampled_from(["2025-07-01", "2026-03-12", "2026-03-13", "2026-11-20"]),
    tokens=st.builds(Tokens, counts, counts, counts, counts, counts, st.integers(0, 9)),
)
def test_every_request_costs_the_same_as_in_the_price_package(model, day, tokens):
    """Precomputed rates give the same cents as the package's own slower calculation."""
    calculated = calc_price(
        Usage(
            input_tokens=tokens.total - tokens.output,
            output_tokens=tokens.output,
            cache_read_tokens=tokens.cache_read,
            cache_write_tokens=tokens.cache_write_5m + tokens.cache_write_1h,
            cache_write_1h_tokens=tokens.cache_write_1h,
            web_searches=tokens.web_searches,
        ),
        model,
        provider_id="anthropic",
        genai_request_timestamp=datetime.fromisoformat(f"{day}T12:00:00Z"),
    )
    assert usd(model, day, **tokens._asdict()) == calculated.total_price


@pytest.mark.parametrize(
    "name",
    [
        "claude-opus-4-6[1m]",
        "claude-opus-4-6@default",
        "claude-opus-4-6@20260205",
        "anthropic/claude-opus-4.6",
        "openrouter/anthropic/claude-opus-4.6:beta",
        "us.anthropic.claude-opus-4-6-v1:0",
        "global.anthropic.claude-opus-4-6-v1",
        "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-opus-4-6-v1:0",
        "eu-north-1.anthropic.claude-opus-4-6-v1:0:200k",
        "databricks-claude-opus-4-6",
        "anthropic/claude-4.6-opus",
    ],
)
def test_an_id_of_a_cloud_or_gateway_has_the_price_of_its_model(name):
    """Opus 4.6 costs $5 for a million input tokens."""
    assert usd(name, "2026-08-01", input=MILLION) == 5


@pytest.mark.parametrize(
    ("model", "day", "dollars"),
    [
        ("claude-opus-4-6", "2026-06-29", 30),
        ("claude-opus-4-6", "2026-06-30", 5),
        ("claude-opus-4-7", "2026-07-24", 30),
        ("claude-opus-4-7", "2026-07-25", 5),
        ("claude-opus-4-8", "2026-08-01", 10),
    ],
)
def test_fast_mode_has_its_own_price_as_long_as_there_is_one(model, day, dollars):
    """A million tokens in; Opus 4.6 and 4.7 lost their fast mode at $30."""
    assert usd(model, day, fast=True, input=MILLION) == dollars


def test_a_request_refused_before_any_output_costs_nothing():
    """Even without a known price."""
    tariff = Tariff("unheard-of", free=True)
    free = price_list(tariff, date(2026, 8, 1))
    assert free.costs(Tokens(9, 0, 0, 9, 0, 0)) == (0, 0)


def test_mythos_has_the_price_of_fable_of_the_same_version():
    """Ten dollars for a million input tokens; a cache read of 5.1 costs 25 cents."""
    assert usd("claude-mythos-5", "2026-08-20", input=MILLION) == 10
    same = [
        usd(f"claude-{name}-5-1", "2026-09-20", cache_read=MILLION) for name in ("mythos", "fable")
    ]
    assert same[0] == same[1]
