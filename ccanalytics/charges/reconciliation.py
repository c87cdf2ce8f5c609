"""The estimated cost beside what was billed, on the days of which both are known. Never added up.

Where the bill has a workspace called "Claude Code", the one that is made when somebody first signs
in, people's use is compared with what that workspace was billed, and API keys are left out of both.
Where it has none, all use of API customers is compared with the whole bill. Rows of subscriptions
are in neither: their amounts are notional, and paid by the seat.
"""

import math

import numpy as np
import pandas as pd

from ccanalytics.charges.billing_frames import Billing, billing_in
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.cost import FEW_PEOPLE
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.families import model_family
from ccanalytics.metrics.metric_frame import measures
from ccanalytics.metrics.ratios import MINIMUM_PRICED, priced_share
from ccanalytics.people.small_groups import withheld
from ccanalytics.showing import Sentence, says

WORKSPACE = "Claude Code"
ALL_MODELS = "all models"

_TOKENS = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"]
_KEYS = ["month", "family"]
_NUMBERS = [
    "value",
    "gap",
    "estimated",
    "billed",
    "estimated_tokens",
    "billed_tokens",
    "n_actors",
    "days",
]
_KINDS = {"month": "datetime64[ms]", "family": "str", **dict.fromkeys(_NUMBERS, "float64")}


@measures(
    "reconciliation",
    title="Estimated and billed",
    shown_columns=("month", "family", "days", "estimated", "billed", "gap", "value"),
    labels={
        "family": "model",
        "days": "days of both",
        "gap": "difference",
        "value": "of the bill",
    },
    formats={
        "month": lambda month: f"{month:%b %Y}",
        "days": ",.0f",
        "value": METRICS["reconciliation"].format,
        "estimated": METRICS["cost"].format,
        "billed": METRICS["cost"].format,
        "gap": METRICS["cost"].format_change,
    },
)
def reconciliation(data: Dataset) -> pd.DataFrame:
    """One row per month and model family, and one for all of a month: the estimate and the bill.

    Columns: month, family, value (gap / billed), gap (estimated - billed), estimated and billed (US
    dollars), estimated_tokens, billed_tokens, n_actors, and days, those of the month that both
    sides have. What only the bill has, such as web searches, has no estimate and no gap. Families
    too few people used are one row. No rows where nothing billed is known.
    """
    billing = billing_in(data)
    if billing is None or not len(_common_days(data, billing)):
        return pd.DataFrame(columns=list(_KINDS)).astype(_KINDS)
    ours, theirs = _estimates(data, billing), _bills(data, billing)
    names = _shown_families(data, ours)
    parts = [
        _side_by_side(ours.assign(family=ALL_MODELS), theirs.assign(family=ALL_MODELS)),
        _side_by_side(_renamed(ours, names), _renamed(theirs, names)),
    ]
    frame = pd.concat(parts, ignore_index=True)
    months = _common_days(data, billing).to_period("M").value_counts()
    frame["days"] = frame["month"].dt.to_period("M").map(months)
    gap = frame["estimated"] - frame["billed"]
    frame = frame.assign(gap=gap, value=gap / frame["billed"].where(frame["billed"] > 0))
    few = (frame["n_actors"] > 0) & (frame["n_actors"] < data.minimum_group)
    frame = frame.assign(**{name: frame[name].mask(few) for name in _NUMBERS if name != "days"})
    return frame[list(_KINDS)].astype(_KINDS).sort_values("month", kind="stable", ignore_index=True)


@says(Sentence)
def reconciliation_sentence(data: Dataset) -> str:
    """The estimate beside the bill over all days that both have, in words."""
    frame = reconciliation(data)
    billing = billing_in(data)
    if billing is None or not len(_common_days(data, billing)):
        return _why_nothing(data)
    whole = frame[frame["family"] == ALL_MODELS]
    if whole["estimated"].isna().any():
        return "Estimate and bill cannot be compared: prices are unknown, or people are too few."
    if not whole["billed"].sum() > 0:
        return "Nothing was billed on the days of which both are known, so there is no gap to tell."
    sums = whole[["estimated", "billed", "days"]].sum()
    money, days = METRICS["cost"].format, _common_days(data, billing)
    share = (sums["estimated"] - sums["billed"]) / sums["billed"]
    percent = METRICS["reconciliation"].format(abs(share))
    side = "above" if share > 0 else "below"
    what = "People's use" if _workspace(billing) else "The use of API customers"
    where = f"the workspace {WORKSPACE}" if _workspace(billing) else "all workspaces"
    return (
        f"{what} was estimated at {money(sums['estimated'])}, and {where} billed "
        f"{money(sums['billed'])}: the estimate is {percent} {side} the bill. Both are of "
        f"the {sums['days']:.0f} days from {days[0]:%-d %B} to {days[-1]:%-d %B %Y} of which both "
        f"are known.{_tokens_words(whole)}"
    )


def _tokens_words(whole: pd.DataFrame) -> str:
    """Whether the same tokens stand behind both sides: a price or a coverage that differs."""
    ours, theirs = whole["estimated_tokens"].sum(), whole["billed_tokens"].sum()
    if not theirs > 0 or math.isnan(ours):
        return ""
    share = METRICS["reconciliation"].format(ours / theirs)
    return (
        f" The records have {share} of the tokens that were billed: the nearer to 100 %, the more "
        "of the gap is price, and the less is use that only one side saw."
    )


def _why_nothing(data: Dataset) -> str:
    if data.team:
        return "What was billed is not told by team."
    if not data.spec.key or not data.spec.has_usage:
        return f"What was billed is not known beside records of source {data.source}."
    return (
        "What was billed on these days is not known: fetch it with ccanalytics sync --since "
        f"{data.since} --billed."
    )


def _common_days(data: Dataset, billing: Billing) -> pd.DatetimeIndex:
    ours = data.days.loc[data.days["stored"] & data.days["closed"], "date"]
    return pd.DatetimeIndex(ours).intersection(billing.days).sort_values()


def _workspace(billing: Billing) -> bool:
    """Whether the bill tells apart what Claude Code's own workspace was billed."""
    return bool((billing.billed["workspace"] == WORKSPACE).any())


def _estimates(data: Dataset, billing: Billing) -> pd.DataFrame:
    """One row per row of `model_usage` that the bill is about: month, family, actor, estimated."""
    usage = data.model_usage
    wanted = usage["date"].isin(_common_days(data, billing)) & (usage["customer_type"] == "api")
    if _workspace(billing):
        wanted &= usage["actor_kind"] == "user"
    rows = usage[wanted]
    tokens = rows[_TOKENS].sum(axis=1)
    actor = rows["actor"].astype("str").where((rows["actor_kind"] == "user").to_numpy())
    return pd.DataFrame(
        {
            "month": _month(rows["date"]),
            "family": _family(rows["model"]),
            "actor": actor,
            "estimated": rows["cost_usd"],
            "estimated_tokens": tokens,
            "unpriced": tokens.where(rows["cost_usd"].isna(), 0),
        }
    )


def _bills(data: Dataset, billing: Billing) -> pd.DataFrame:
    """One row per row of the bill in scope: month, family, billed or billed_tokens."""
    parts = []
    for frame in (billing.billed, billing.billed_tokens):
        wanted = frame["date"].isin(_common_days(data, billing))
        if _workspace(billing):
            wanted &= frame["workspace"] == WORKSPACE
        parts.append(frame[wanted])
    costs, tokens = parts
    kind = costs["cost_type"].astype("str").fillna("other").str.replace("_", " ")
    billed = pd.DataFrame(
        {
            "month": _month(costs["date"]),
            "family": _family(costs["model"]).fillna(kind),
            "billed": costs["amount_usd"],
            "of_a_model": costs["model"].notna(),
        }
    )
    counted = pd.DataFrame(
        {
            "month": _month(tokens["date"]),
            "family": _family(tokens["model"]).fillna("other"),
            "billed_tokens": tokens[_TOKENS].sum(axis=1),
            "of_a_model": True,
        }
    )
    return pd.concat([billed, counted[counted["billed_tokens"] > 0]], ignore_index=True)


def _side_by_side(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """One row per month and family of either side.

    What one side has nothing of is 0 there, as the days are known; but an estimate that is not all
    priced is null, and so is that of what no estimate is made of.
    """
    groups = ours.groupby(_KEYS)
    left = groups[["estimated", "estimated_tokens", "unpriced"]].sum()
    left["n_actors"] = groups["actor"].nunique()
    priced = priced_share(left["estimated_tokens"], left.pop("unpriced"))
    left["estimated"] = left["estimated"].where(priced >= MINIMUM_PRICED)
    bills = theirs.groupby(_KEYS)
    right = bills[["billed", "billed_tokens"]].sum().assign(of_a_model=bills["of_a_model"].any())
    both = left.join(right, how="outer")
    unused = both["n_actors"].isna() & both.pop("of_a_model").eq(True)
    both["estimated"] = both["estimated"].mask(unused, 0.0)
    return both.fillna({"n_actors": 0, "billed": 0.0, "billed_tokens": 0.0}).reset_index()


def _shown_families(data: Dataset, ours: pd.DataFrame) -> dict[tuple[object, str], str]:
    """What to call the families of a month that too few people used."""
    sizes = ours.groupby(_KEYS)["actor"].nunique()
    names: dict[tuple[object, str], str] = {}
    for month, families in sizes[sizes > 0].groupby("month"):
        counts = {str(family): int(n) for (_, family), n in families.items()}
        for family in withheld(counts, data.minimum_group):
            names[month, family] = FEW_PEOPLE
    return names


def _renamed(rows: pd.DataFrame, names: dict[tuple[object, str], str]) -> pd.DataFrame:
    keys = zip(rows["month"], rows["family"], strict=True)
    return rows.assign(family=[names.get(key, key[1]) for key in keys])


def _month(dates: pd.Series) -> pd.Series:
    return dates.dt.to_period("M").dt.to_timestamp().astype("datetime64[ms]")


def _family(models: pd.Series) -> pd.Series:
    names = {model: model_family(str(model)) for model in models.dropna().unique()}
    return models.astype("str").map(names).astype("object").where(models.notna(), np.nan)
