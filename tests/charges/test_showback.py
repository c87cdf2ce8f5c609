"""A monthly bill by cost centre: it adds up to the cent and reveals nothing about a few people."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from builders import record
from charges_made import billed_dataset, charge
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from ccanalytics.charges.showback import showback
from ccanalytics.cli import main
from ccanalytics.errors import StoreError
from ccanalytics.sources.sample.organisation import SampleOrganisation
from ccanalytics.store.day_store import Store
from ccanalytics.weeks import days_between, month_days

OCTOBER = "2026-10-01", "2026-10-31"
PEOPLE = [f"p{n}@x.example" for n in range(12)]
TWELVE = "email,team,cost_centre\n" + "".join(
    f"{who},T,{n // 6}00\n" for n, who in enumerate(PEOPLE)
)


def of(charges, roster=TWELVE, days=None, **options):
    records = [record("2026-10-05", who) for who in PEOPLE]
    return billed_dataset(records, charges, *OCTOBER, roster=roster, days=days, **options)


def cents(found):
    rows = found.set_index("SubAccountName")["BilledCost"]
    return {name: int(dollars * 100) for name, dollars in rows.items()}


def rows_of(found):
    return list(csv.DictReader(io.StringIO(found.to_csv(index=False))))


def test_a_bill_is_split_by_cost_centre_with_a_row_for_the_rest():
    """Six people at a dollar in each centre, a key, and fifty cents without an actor."""
    charges = [charge("2026-10-05", who) for who in PEOPLE]
    charges += [charge("2026-10-06", "apikey_1", 300), charge("2026-10-06", None, 50)]
    found = showback(of(charges, minimum_group=5, identity="aggregate"))
    assert cents(found) == {"000": 600, "100": 600, "API keys": 300, "unattributed": 50}
    row = rows_of(found)[0]
    assert (row["SubAccountName"], row["BilledCost"], row["x_People"]) == ("000", "6.00", "6")
    assert row["ChargePeriodEnd"] == row["BillingPeriodEnd"] == "2026-11-01T00:00:00Z"


def test_a_charge_belongs_to_the_cost_centre_of_its_day():
    """Ann changed on the 15th; the team stayed the same."""
    ann = "ann@x.example,A,,2026-10-14,100\nann@x.example,A,2026-10-15,,200\n"
    roster = f"email,team,start,end,cost_center\n{ann}"
    charges = [charge("2026-10-14", cents=100), charge("2026-10-15", cents=40)]
    assert cents(showback(of(charges, roster))) == {"100": 100, "200": 40}
    assert cents(showback(of(charges, roster), by="team")) == {"A": 140}


def test_people_without_a_cost_centre_have_a_row():
    """The charges of a person on no roster are a separate row, not lost."""
    found = showback(of([charge("2026-10-05", "zoe@x.example")]))
    assert cents(found) == {"no group": 100}
    assert "no group 100.0 %" in found.title


@settings(deadline=None, max_examples=25)
@given(st.lists(st.decimals(min_value=0, max_value=10**6, places=6), min_size=1, max_size=12))
def test_rows_add_up_to_the_bill_to_the_cent(amounts):
    """Whatever the fractions of a cent, the rows sum to the rounded total."""
    roster = "email,team,cost_centre\n" + "".join(f"{w},T,{w}\n" for w in PEOPLE)
    charges = [charge("2026-10-05", who, a) for who, a in zip(PEOPLE, amounts, strict=False)]
    found = showback(of(charges, roster))
    whole = sum(amounts).to_integral_value()
    assert whole == sum(Decimal(r["BilledCost"]) for r in rows_of(found)) * 100


def test_cost_centres_of_too_few_people_share_a_row():
    """Two centres of three and one of six: the small ones are one row of six people."""
    roster = "email,team,cost_centre\n" + "".join(
        f"{who},T,{'a' if n < 3 else 'b' if n < 6 else 'c'}\n" for n, who in enumerate(PEOPLE)
    )
    charges = [charge("2026-10-05", who) for who in PEOPLE]
    found = showback(of(charges, roster, minimum_group=5, identity="aggregate"))
    assert cents(found) == {"c": 600, "other groups": 600}
    assert "2 cost centres with too few people share a row" in found.title
    named = showback(of(charges, roster, minimum_group=5, identity="named"))
    assert cents(named) == {"a": 300, "b": 300, "c": 600}


def test_a_bill_of_too_few_people_is_one_row():
    """Three people and a key: their own sum would reveal them, so everything is one row."""
    charges = [charge("2026-10-05", who) for who in PEOPLE[:3]] + [charge("2026-10-05", "apikey_1")]
    found = showback(of(charges, minimum_group=5, identity="aggregate"))
    assert cents(found) == {"everybody and everything": 400}


def test_a_month_with_uncharged_days_has_no_bill():
    """A month may still be running at its end, but no day from its first on may be missing."""
    part = showback(of([charge("2026-10-05")], days=("2026-10-01", "2026-10-20")))
    assert "up to 20 October" in part.title
    assert rows_of(part)[0]["ChargePeriodEnd"] == "2026-10-21T00:00:00Z"
    with pytest.raises(StoreError, match="2026-10-01"):
        showback(of([charge("2026-10-05")], days=("2026-10-03", "2026-10-20")))


def test_a_team_named_like_a_formula_is_text_in_a_spreadsheet(sample_days, tmp_path, monkeypatch):
    """Excel would run it, so it starts with an apostrophe, as in every other CSV."""
    monkeypatch.chdir(tmp_path)
    people = Store(sample_days).read("sample", "activity", date(2026, 10, 1), date(2026, 10, 7))
    addresses = {actor.strip().lower() for actor in people["actor"].to_pylist() if "@" in actor}
    rows = [f"{address},=1+1" for address in sorted(addresses)]
    (tmp_path / "people.csv").write_text("\n".join(["email,team", *rows]))
    asked = ["showback", "2026-10", "--by", "team", "--source", "sample", "--identity", "named"]
    done = CliRunner().invoke(
        main, [*asked, "--store", str(sample_days), "--roster", str(tmp_path / "people.csv")]
    )
    assert done.exit_code == 0, done.output
    text = (tmp_path / "showback-2026-10.csv").read_text()
    assert "'=1+1" in {row["SubAccountId"] for row in csv.DictReader(io.StringIO(text))}


def test_the_showback_of_the_samples_october_is_its_bill(sample_days, tmp_path, monkeypatch):
    """The file of the command adds up to the cents charged to the organisation."""
    monkeypatch.chdir(tmp_path)
    asked = ["showback", "2026-10", "--source", "sample", "--store", str(sample_days)]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 0, result.output
    text = (tmp_path / "showback-2026-10.csv").read_text()
    written = sum(Decimal(row["BilledCost"]) for row in csv.DictReader(io.StringIO(text)))
    sample = SampleOrganisation()
    held = sum(
        (
            one.cost.amount
            for day in days_between(*month_days("2026-10"))
            for one in sample.day_charges(day)
        ),
        Decimal(0),
    )
    assert written == round(held / 100, 2)


def test_an_invalid_month_is_a_usage_error(tmp_path):
    """2026-13 is not a month."""
    result = CliRunner().invoke(main, ["showback", "2026-13"])
    assert result.exit_code == 2
    assert "2026-13" in result.output
