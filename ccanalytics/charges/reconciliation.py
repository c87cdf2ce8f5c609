"""The estimated cost compared with what was billed, on the days for which both are known.

Where the bill has a workspace called "Claude Code", the one that is created when somebody first
signs in, people's use is compared with what that workspace was billed, and API keys are left out.
Without it all use of API customers is compared with the whole bill. Rows of subscriptions are left
out: their amounts are notional, as they are paid by the seat. The two sides are never added.
"""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccanalytics.charges.billing_frames import has_bill
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import week_of
from ccanalytics.metrics.cost import TOGETHER
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.families import model_family
from ccanalytics.metrics.metric_frame import measures
from ccanalytics.metrics.ratios import MINIMUM_PRICED, priced_share
from ccanalytics.metrics.withholding import withheld_days
from ccanalytics.people.small_groups import few, members, withheld_rows
from ccanalytics.showing import Sentence, says

WORKSPACE = "Claude Code"
ALL_MODELS = "all models"

_TOKENS = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"]
_KEYS = ["month", "family"]
_WITHHELD = ["value", "gap", "estimated", "billed", "estimated_tokens", "billed_tokens", "n_actors"]
_NUMBERS = dict.fromkeys([*_WITHHELD, "days"], "float64")
_KINDS = {"month": "datetime64[ms]", "family": "str", **_NUMBERS}


@measures(
    "reconciliation",
    title="Estimated and billed",
    shown_columns=("month", "family", "days", "estimated", "billed", "gap", "value"),
    labels={
        "family": "model",
        "days": "days in both",
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
    """One row per month and model family, and one for the whole month: the estimate and the bill.

    Columns: month, family, value (gap / billed), gap (estimated - billed), estimated and billed (US
    dollars), estimated_tokens, billed_tokens, n_actors, and days, those of the month that both
    sides have. What only the bill has, such as web searches, has no estimate and no gap. Families
    used by too few people are one row. No rows where no bill is known.
    """
    days = common_days(data)
    if not len(days):
        return pd.DataFrame(columns=list(_KINDS)).astype(_KINDS)
    estimates, bills = _estimates(data, days), _bills(data, days)
    names = _names_of_small_families(data, estimates)
    frame = pd.concat(
        [
            _joined(estimates.assign(family=ALL_MODELS), bills.assign(family=ALL_MODELS)),
            _joined(_renamed(estimates, names), _renamed(bills, names)),
        ],
        ignore_index=True,
    )
    days_of_month = _month(days.to_series()).value_counts()
    gap = frame["estimated"] - frame["billed"]
    frame = frame.assign(
        days=frame["month"].map(days_of_month),
        gap=gap,
        value=gap / frame["billed"].where(frame["billed"] > 0),
    )
    hidden = _of_few_people(data, frame, _renamed(estimates, names))
    hidden |= frame["month"].isin(_untold_months(data, days)).to_numpy()
    frame[_WITHHELD] = frame[_WITHHELD].mask(pd.Series(hidden, index=frame.index))
    return frame[list(_KINDS)].astype(_KINDS).sort_values("month", kind="stable", ignore_index=True)


@says(Sentence)
def reconciliation_sentence(data: Dataset) -> str:
    """The estimate compared with the bill over all days that both have."""
    days = common_days(data)
    if not len(days):
        return _why_nothing(data)
    frame = reconciliation(data)
    whole = frame[frame["family"] == ALL_MODELS]
    if whole["estimated"].isna().any():
        return "Estimate and bill cannot be compared: prices are unknown, or people are too few."
    sums = whole[["estimated", "billed", "days"]].sum()
    if not sums["billed"] > 0:
        return "Nothing was billed on the days for which both are known, so there is no gap."
    money, share = METRICS["cost"].format, sums["estimated"] / sums["billed"] - 1
    percent = METRICS["reconciliation"].format(abs(share))
    what, where = "The use of API customers", "all workspaces"
    if _has_own_workspace(data):
        what, where = "People's use", f"the workspace {WORKSPACE}"
    return (
        f"{what} was estimated at {money(sums['estimated'])}, and {where} billed "
        f"{money(sums['billed'])}: the estimate is {percent} {'above' if share > 0 else 'below'} "
        f"the bill. Both cover the {sums['days']:.0f} days from {days[0]:%-d %B} to "
        f"{days[-1]:%-d %B %Y} for which both are known.{_tokens_sentence(whole)}"
    )


def common_days(data: Dataset) -> pd.DatetimeIndex:
    """The days with closed records whose bill is known as well."""
    if not has_bill(data):
        return pd.DatetimeIndex([])
    closed = data.days.loc[data.days["stored"] & data.days["closed"], "date"]
    return pd.DatetimeIndex(closed).intersection(data.billed_days["date"]).sort_values()


def _tokens_sentence(whole: pd.DataFrame) -> str:
    """Whether both sides have the same tokens: it tells a gap in price from a gap in coverage."""
    ours, theirs = whole["estimated_tokens"].sum(), whole["billed_tokens"].sum()
    if not theirs > 0 or math.isnan(ours):
        return ""
    share = METRICS["reconciliation"].format(ours / theirs)
    return (
        f" The records have {share} of the tokens that were billed: the closer to 100 %, the more "
        "of the gap is price, and the less is use that only one side saw."
    )


def _why_nothing(data: Dataset) -> str:
    if data.team:
        return "What was billed is not available by team."
    if not data.spec.key or not data.spec.has_usage:
        return f"What was billed is not available for source {data.source}."
    return (
        "What was billed on these days is not known: fetch it with ccanalytics sync --since "
        f"{data.since} --billed."
    )


def _has_own_workspace(data: Dataset) -> bool:
    """Whether the bill shows separately what Claude Code's own workspace was billed."""
    return bool((data.billed["workspace"] == WORKSPACE).any())


def _estimates(data: Dataset, days: pd.DatetimeIndex) -> pd.DataFrame:
    """One row per row of `model_usage` that the bill covers: month, family, actor, estimated."""
    usage = data.model_usage
    covered = usage["date"].isin(days) & (usage["customer_type"] == "api")
    if _has_own_workspace(data):
        covered &= usage["actor_kind"] == "user"
    rows = usage[covered]
    tokens = rows[_TOKENS].sum(axis=1)
    return pd.DataFrame(
        {
            "month": _month(rows["date"]),
            "family": _family(rows["model"]),
            "actor": rows["actor"].astype("str").where(rows["actor_kind"] == "user"),
            "estimated": rows["cost_usd"],
            "estimated_tokens": tokens,
            "unpriced": tokens.where(rows["cost_usd"].isna(), 0),
        }
    )


def _bills(data: Dataset, days: pd.DatetimeIndex) -> pd.DataFrame:
    """One row per row of the bill that counts: month, family, billed or billed_tokens."""
    costs, tokens = (_counted(data, frame, days) for frame in (data.billed, data.billed_tokens))
    kind = costs["cost_type"].astype("str").fillna("other").str.replace("_", " ")
    billed = pd.DataFrame(
        {
            "month": _month(costs["date"]),
            "family": _family(costs["model"]).fillna(kind),
            "billed": costs["amount_usd"],
            "of_a_model": costs["model"].notna(),
        }
    )
    used = pd.DataFrame(
        {
            "month": _month(tokens["date"]),
            "family": _family(tokens["model"]).fillna("other"),
            "billed_tokens": tokens[_TOKENS].sum(axis=1),
            "of_a_model": True,
        }
    )
    return pd.concat([billed, used[used["billed_tokens"] > 0]], ignore_index=True)


def _counted(data: Dataset, frame: pd.DataFrame, days: pd.DatetimeIndex) -> pd.DataFrame:
    """The rows of the common days, and of Claude Code's own workspace if there is one."""
    counted = frame["date"].isin(days)
    if _has_own_workspace(data):
        counted &= frame["workspace"] == WORKSPACE
    return frame[counted]


def _joined(estimates: pd.DataFrame, bills: pd.DataFrame) -> pd.DataFrame:
    """One row per month and family of either side.

    The days are known, so what one side does not have is 0 there. The exceptions are null: an
    estimate for which too many prices are unknown, and that of what is not of a model.
    """
    groups = estimates.groupby(_KEYS)
    left = groups[["estimated", "estimated_tokens", "unpriced"]].sum()
    left["n_actors"] = groups["actor"].nunique()
    priced = priced_share(left["estimated_tokens"], left.pop("unpriced"))
    left["estimated"] = left["estimated"].where(priced >= MINIMUM_PRICED)
    groups = bills.groupby(_KEYS)
    right = groups[["billed", "billed_tokens"]].sum().assign(of_a_model=groups["of_a_model"].any())
    both = left.join(right, how="outer")
    unused_model = both["n_actors"].isna() & both.pop("of_a_model").eq(True)
    both["estimated"] = both["estimated"].mask(unused_model, 0.0)
    return both.fillna({"n_actors": 0, "billed": 0.0, "billed_tokens": 0.0}).reset_index()


def _names_of_small_families(
    data: Dataset, estimates: pd.DataFrame
) -> dict[tuple[object, str], str]:
    """What to call, by month, the families that too few people used."""
    people = _people(estimates)
    people = people[withheld_rows(people, data.minimum_group, ["month"], "family")]
    keys = zip(people["month"], people["family"], strict=True)
    return dict.fromkeys(keys, TOGETHER)


def _of_few_people(
    data: Dataset, frame: pd.DataFrame, estimates: pd.DataFrame
) -> npt.NDArray[np.bool_]:
    """The rows of `frame` that too few people are behind, as `estimates` has them."""
    everybody = estimates.assign(family=ALL_MODELS)
    people = _people(pd.concat([estimates, everybody]))
    small = people[few(people, data.minimum_group, _KEYS)]
    return pd.MultiIndex.from_frame(frame[_KEYS]).isin(pd.MultiIndex.from_frame(small[_KEYS]))


def _untold_months(data: Dataset, days: pd.DatetimeIndex) -> pd.Series:
    """The months with a week that is withheld: less the other weeks they would tell it."""
    dates = days.to_series()
    dates = dates[week_of(dates).isin(data.weeks)]
    _, untold = withheld_days(data, dates)
    return _month(dates[untold])


def _people(estimates: pd.DataFrame) -> pd.DataFrame:
    people = estimates.dropna(subset="actor").rename(columns={"estimated": "cost_usd"})
    return members(people, _KEYS)


def _renamed(rows: pd.DataFrame, names: dict[tuple[object, str], str]) -> pd.DataFrame:
    keys = zip(rows["month"], rows["family"], strict=True)
    return rows.assign(family=[names.get(key, key[1]) for key in keys])


def _month(dates: pd.Series) -> pd.Series:
    return dates.dt.to_period("M").dt.to_timestamp().astype("datetime64[ms]")


def _family(models: pd.Series) -> pd.Series:
    names = {model: model_family(str(model)) for model in models.dropna().unique()}
    return models.astype("str").map(names).astype("object").where(models.notna(), np.nan)
