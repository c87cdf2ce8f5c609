"""The environment and ccanalytics.toml -> Settings.

    defaults  <  ccanalytics.toml (here or in a folder above)  <  environment  <  flags, arguments

Keys are not settings: they must not end up in a file, a report or an error.
"""

import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
import platformdirs

from ccanalytics.errors import SettingsError

FILE_NAME = "ccanalytics.toml"

BASE_URL = "https://api.anthropic.com"

Identity = Literal["named", "pseudonym", "aggregate"]
"""How people are shown: by name, by a keyed pseudonym, or not at all."""

BudgetScope = Literal["team", "cost_centre"]
"""What can have a budget besides the organisation."""

Dollars = Annotated[float, msgspec.Meta(gt=0)]

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

IDENTITIES: tuple[str, ...] = get_args(Identity)


def default_store() -> Path:
    """The default store: the user's data folder."""
    return platformdirs.user_data_path("ccanalytics", appauthor=False)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of every command; paths in the file are relative to the file."""

    store: Path = msgspec.field(default_factory=default_store)
    roster: Path | None = None
    identity: Identity = "named"
    holidays: Path | None = None
    events: Path | None = None
    interventions: Path | None = None
    monthly_budget_usd: Dollars | None = None
    budgets: dict[BudgetScope, dict[str, Dollars]] = {}
    """Monthly budgets by team and cost centre; as JSON in a variable."""
    seat_prices: dict[date, Dollars] = {}
    """The monthly price of a seat from each day on; as JSON in a variable."""
    weekend: Annotated[tuple[Weekday, ...], msgspec.Meta(max_length=6)] = ("sat", "sun")
    """The weekend; separated by commas in a variable."""
    models: dict[str, str] = {}
    """The model behind each gateway id in session logs; as JSON in a variable."""
    sync_on_load: bool = True
    """Whether `load` syncs sample and local days; a report syncs once instead."""
    reports_url: Annotated[str, msgspec.Meta(pattern=r"^(https?://\S+)?$")] = ""
    """Where the folder of the reports is served; e-mails link to the page there."""
    base_url: str = BASE_URL

    @property
    def calendars(self) -> dict[str, Path]:
        """The file of each calendar that is set."""
        paths = {name: getattr(self, name) for name in ("holidays", "events", "interventions")}
        return {name: path for name, path in paths.items() if path}

    @property
    def weekend_days(self) -> tuple[int, ...]:
        """The weekend as numbers; Monday is 0."""
        return tuple(get_args(Weekday).index(day) for day in self.weekend)


VARIABLES = {
    "ANTHROPIC_BASE_URL" if name == "base_url" else f"CCANALYTICS_{name.upper()}": name
    for name in Settings.__struct_fields__
}
"""Environment variables and their settings; an empty variable sets nothing."""


def read_settings(environ: Mapping[str, str], folder: Path) -> Settings:
    """The effective settings in `folder`; `SettingsError` names the file or variable at fault."""
    settings = Settings()
    if file := settings_file(environ, folder):
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except OSError as error:
            text = f"The settings file {file} cannot be read: {error.strerror}."
            raise SettingsError(text) from None
        except ValueError as error:
            raise SettingsError(f"The settings file {file} is not TOML: {error}.") from error
        settings = _set(settings, values, file.parent, str(file))
    for variable, name in VARIABLES.items():
        if value := environ.get(variable):
            parsed: Any = value
            if name == "weekend":
                parsed = [day.strip() for day in value.split(",")]
            with suppress(msgspec.DecodeError):  # text that is no table is refused as one
                parsed = msgspec.json.decode(value) if value.startswith("{") else parsed
            settings = _set(settings, {name: parsed}, folder, variable)
    return settings


def settings_file(environ: Mapping[str, str], folder: Path) -> Path | None:
    """The file that is read, named by a variable or found in `folder` or above."""
    if named := environ.get("CCANALYTICS_CONFIG"):
        return folder / Path(named).expanduser()
    candidates = (parent / FILE_NAME for parent in (folder, *folder.parents))
    return next((file for file in candidates if file.is_file()), None)


def as_variables(settings: Settings, logs: Sequence[Path] = ()) -> dict[str, str]:
    """Environment variables that give another process the same settings and log folders."""
    plain = msgspec.to_builtins(settings, enc_hook=lambda path: str(path.absolute()))
    plain["weekend"] = ",".join(settings.weekend)
    found = {}
    for variable, name in VARIABLES.items():
        value = "" if plain[name] is None else plain[name]
        found[variable] = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if odd := next((folder for folder in logs if "," in str(folder)), None):
        raise SettingsError(f"The log folder {odd} has a comma in its path; rename or link it.")
    folders = ",".join(str(folder.absolute()) for folder in logs)
    return {**found, "CLAUDE_CONFIG_DIR": folders} if folders else found


def _set(settings: Settings, values: dict[str, Any], folder: Path, origin: str) -> Settings:
    """`settings` with `values` of one file or variable, paths relative to `folder`."""
    known = Settings.__struct_fields__
    if unknown := ", ".join(repr(key) for key in values if key not in known):
        raise SettingsError(f"{origin} sets {unknown}; settings are: {', '.join(known)}.")
    try:
        given = msgspec.convert(
            values,
            Settings,
            strict=origin not in VARIABLES,  # the value of a variable is text, also of a number
            dec_hook=lambda _, path: folder / Path(path).expanduser(),
        )
    except msgspec.ValidationError as error:
        raise SettingsError(f"{origin}: {error}.") from error
    return msgspec.structs.replace(settings, **{key: getattr(given, key) for key in values})
