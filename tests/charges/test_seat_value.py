"""The use of seats: by bands of people, compared with their price, never by person."""

from datetime import date

from builders import dataset, record

from ccanalytics.charges.charge_metrics import seat_value

PRICES = {date(2026, 1, 1): 100, date(2026, 10, 15): 200}
OCTOBER = "2026-10-01", "2026-10-31"


def seats(cents, since="2026-10-01", until="2026-10-31", prices=PRICES, **options):
    """People on seats, each with this estimate in cents in October."""
    records = [
        record(
            "2026-10-06",
            f"p{n:02}@x.example",
            customer_type="subscription",
            models={"claude-opus-5": {"output": 100, "cents": each}},
        )
        for n, each in enumerate(cents)
    ]
    return seat_value(dataset(records, since, until, seat_prices=prices, **options))


def test_people_are_in_bands_compared_with_the_price_of_the_month():
    """Ten at 50 dollars and ten at 200: half and twice the price before it rose."""
    frame = seats([5_000] * 10 + [20_000] * 10, minimum_group=10)
    assert frame["value"].tolist() == [50, 200]
    assert frame["times"].tolist() == [0.5, 2]
    assert frame["n_actors"].tolist() == [10, 10]
    assert frame["band"].tolist() == ["1 of 2", "2 of 2"]


def test_an_incomplete_month_has_no_row():
    """Part of a month cannot be compared with a monthly price."""
    assert seats([5_000] * 5, until="2026-10-30").empty


def test_without_a_price_there_is_nothing_to_compare():
    """Prices come from the user, and none may be valid yet."""
    assert seats([5_000] * 5, prices={}).empty
    assert seats([5_000] * 5, prices={date(2026, 12, 1): 100}).empty


def test_too_few_people_have_no_band():
    """Four are too few for a minimum of five."""
    assert seats([5_000] * 4, minimum_group=5).empty


def test_a_band_dominated_by_one_person_has_no_value():
    """One of five accounts for nearly all of it: neither the mean nor its multiple is shown."""
    frame = seats([100] * 4 + [100_000], minimum_group=5)
    assert frame[["value", "times"]].isna().all(axis=None)


def test_people_who_pay_by_use_have_no_seat():
    """API customers are not included."""
    data = dataset(
        [record("2026-10-06", models={"m": {"cents": 5_000}})], *OCTOBER, seat_prices=PRICES
    )
    assert seat_value(data).empty
