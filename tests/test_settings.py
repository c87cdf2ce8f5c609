"""Settings come from the file, then the environment; errors name the wrong setting."""

from datetime import date
from pathlib import Path

import pytest

from ccanalytics.errors import SettingsError
from ccanalytics.settings import BASE_URL, as_variables, default_store, read_settings


def write(folder, text):
    (folder / "ccanalytics.toml").write_text(text, encoding="utf-8")
    return folder


def test_with_nothing_set_the_defaults_are_used(tmp_path):
    """No file and no variable: the user's data folder, no roster, the real service."""
    settings = read_settings({}, tmp_path)
    assert settings.store == default_store()
    assert settings.roster is None
    assert settings.identity == "named"
    assert settings.base_url == BASE_URL


def test_paths_in_the_file_are_relative_to_the_file(tmp_path):
    """A notebook one folder below finds the same store as a command next to the file."""
    write(tmp_path, 'store = "days"\nroster = "/people/roster.csv"')
    below = tmp_path / "notebooks"
    below.mkdir()
    settings = read_settings({}, below)
    assert settings.store == tmp_path / "days"
    assert settings.roster == Path("/people/roster.csv")


def test_the_environment_overrides_the_file(tmp_path):
    """A variable replaces its setting and no other; an empty one counts as not set."""
    write(tmp_path, 'store = "days"\nidentity = "pseudonym"')
    environ = {"CCANALYTICS_STORE": "other", "CCANALYTICS_IDENTITY": ""}
    settings = read_settings(environ, tmp_path)
    assert settings.store == tmp_path / "other"
    assert settings.identity == "pseudonym"


def test_a_file_of_windows_is_read(tmp_path):
    """An editor there begins it with a byte order mark."""
    (tmp_path / "ccanalytics.toml").write_text('identity = "pseudonym"', encoding="utf-8-sig")
    assert read_settings({}, tmp_path).identity == "pseudonym"


def test_every_variable_sets_its_setting(tmp_path):
    """Every documented variable has an effect."""
    environ = {
        "CCANALYTICS_STORE": "s",
        "CCANALYTICS_ROSTER": "r.csv",
        "CCANALYTICS_IDENTITY": "aggregate",
        "CCANALYTICS_HOLIDAYS": "h.csv",
        "CCANALYTICS_EVENTS": "e.csv",
        "CCANALYTICS_INTERVENTIONS": "i.csv",
        "CCANALYTICS_MONTHLY_BUDGET_USD": "12000",
        "CCANALYTICS_BUDGETS": '{"team": {"Web": 900}}',
        "CCANALYTICS_SEAT_PRICES": '{"2026-01-01": 150}',
        "CCANALYTICS_WEEKEND": "fri, sat",
        "CCANALYTICS_MODELS": '{"our-best": "claude-opus-5"}',
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:1",
    }
    settings = read_settings(environ, tmp_path)
    assert (settings.store, settings.roster) == (tmp_path / "s", tmp_path / "r.csv")
    assert (settings.identity, settings.base_url) == ("aggregate", "http://127.0.0.1:1")
    assert settings.monthly_budget_usd == 12_000
    assert settings.budgets == {"team": {"Web": 900}}
    assert settings.seat_prices == {date(2026, 1, 1): 150}
    assert read_settings(as_variables(settings), tmp_path).budgets == settings.budgets
    assert read_settings(as_variables(settings), tmp_path).seat_prices == settings.seat_prices
    assert settings.models == {"our-best": "claude-opus-5"}
    assert read_settings(as_variables(settings), tmp_path).models == settings.models
    assert settings.weekend_days == (4, 5)
    assert settings.calendars == {
        "holidays": tmp_path / "h.csv",
        "events": tmp_path / "e.csv",
        "interventions": tmp_path / "i.csv",
    }


@pytest.mark.parametrize("budget", ["0", "-5", "twelve"])
def test_an_invalid_budget_is_refused(budget, tmp_path):
    """A budget is more than zero; the error names the variable."""
    with pytest.raises(SettingsError, match="CCANALYTICS_MONTHLY_BUDGET_USD"):
        read_settings({"CCANALYTICS_MONTHLY_BUDGET_USD": budget}, tmp_path)


def test_another_file_can_be_named(tmp_path):
    """CCANALYTICS_CONFIG is used instead of the file in the current folder."""
    write(tmp_path, 'identity = "pseudonym"')
    (tmp_path / "other.toml").write_text('identity = "aggregate"')
    settings = read_settings({"CCANALYTICS_CONFIG": "other.toml"}, tmp_path)
    assert settings.identity == "aggregate"


def test_a_named_file_must_exist(tmp_path):
    """A missing file is an error, not the defaults."""
    with pytest.raises(SettingsError, match=r"gone\.toml"):
        read_settings({"CCANALYTICS_CONFIG": "gone.toml"}, tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('stor = "x"', r"'stor'.*store, roster, identity"),
        ('identity = "secret"', "'secret'.*identity"),
        ("store = 3", "PathLike.*store"),
        ("base_url = 3", "str.*base_url"),
        ("store =", "not TOML"),
        ('weekend = ["friday"]', "'friday'.*weekend"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path, text, words):
    """The error has the file, the key and the valid values."""
    with pytest.raises(SettingsError, match=words) as error:
        read_settings({}, write(tmp_path, text))
    assert "ccanalytics.toml" in str(error.value)


def test_a_wrong_variable_is_named(tmp_path):
    """The error names the variable, not an unrelated file."""
    with pytest.raises(SettingsError, match=r"CCANALYTICS_IDENTITY: .*'x'"):
        read_settings({"CCANALYTICS_IDENTITY": "x"}, tmp_path)


def test_a_key_in_the_file_is_refused_without_being_shown(tmp_path):
    """A key is not a setting; the error says where it is without showing it."""
    with pytest.raises(SettingsError, match="'admin_key'") as error:
        read_settings({}, write(tmp_path, 'admin_key = "sk-ant-admin01-x"'))
    assert "sk-ant" not in str(error.value)


def test_budgets_and_prices_are_tables_of_the_file(tmp_path):
    """By team and cost centre, and from a day on."""
    write(
        tmp_path,
        'monthly_budget_usd = 9000\n[budgets.team]\nWeb = 900\n[budgets.cost_centre]\n"41" = 50\n'
        '[seat_prices]\n"2026-01-01" = 125\n"2026-07-01" = 150\n',
    )
    settings = read_settings({}, tmp_path)
    assert settings.budgets == {"team": {"Web": 900}, "cost_centre": {"41": 50}}
    assert settings.seat_prices[date(2026, 7, 1)] == 150


@pytest.mark.parametrize(
    "text", ["[budgets.room]\nA = 1", "[budgets.team]\nA = -1", '[seat_prices]\n"soon" = 1']
)
def test_an_invalid_budget_or_price_is_named(text, tmp_path):
    """An unknown kind of group, a negative amount, or an invalid day."""
    with pytest.raises(SettingsError, match=r"ccanalytics\.toml"):
        read_settings({}, write(tmp_path, text))


def test_a_variable_that_is_not_json_is_named(tmp_path):
    """Budgets in the environment are JSON."""
    with pytest.raises(SettingsError, match="CCANALYTICS_BUDGETS"):
        read_settings({"CCANALYTICS_BUDGETS": "Web=900"}, tmp_path)
