"""The errors of the package, in one small tree.

    CCAnalyticsError
    ├── SettingsError, AuthError, SchemaError, StoreError, ExportError
    ├── ApiError ── NotYetError
    └── ReportError ── PreflightError, ParameterError

A bad argument of a function is a plain `ValueError`.
"""

from datetime import date
from pathlib import Path


class CCAnalyticsError(Exception):
    """Any error this package raises on purpose; its text says what happened and what to do."""


class SettingsError(CCAnalyticsError):
    """The environment, `ccanalytics.toml` or a flag says something unusable."""


class AuthError(CCAnalyticsError):
    """There is no key, it is the wrong kind of key, or the service refused it."""


class ApiError(CCAnalyticsError):
    """The service answered with an error, or did not answer."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NotYetError(ApiError):
    """The service has not counted the day yet; `newest` is the newest day it has."""

    def __init__(self, message: str, *, newest: date) -> None:
        super().__init__(message, status=400)
        self.newest = newest


class SchemaError(CCAnalyticsError):
    """An answer or a file is not in the expected form."""


class StoreError(CCAnalyticsError):
    """The days on disk are missing, mixed or unreadable."""


class ExportError(CCAnalyticsError):
    """The stored days could not be exported to a folder or database, or must not be."""


class ReportError(CCAnalyticsError):
    """A notebook or a page could not be made; `page` is the page that reports it, once written."""

    page: Path | None = None


class ParameterError(ReportError, ValueError):
    """A notebook has no such parameter, or the value is not of its type: a usage error."""


class PreflightError(ReportError):
    """A check stopped the report: its numbers would mislead."""
