"""How people are shown in each source of a target, so that names and pseudonyms never mix."""

from collections.abc import Mapping

import pyarrow as pa

from ccanalytics.errors import ExportError

POLICY = "export_policy"
"""The table of the sources in a target, and how people are shown in each."""


def check_policy(name: str, known: Mapping[str, str], policy: str) -> None:
    """Raise an error where names would mix with pseudonyms."""
    for other, held in known.items():
        if held != policy:
            raise ExportError(
                f"{name} holds {other} exported as {held}; these rows are {policy}, and the two do "
                "not mix. Name another target, or --replace."
            )


def policy_table(policies: Mapping[str, str]) -> pa.Table:
    """One row per source."""
    return pa.table(
        {"source": pa.array(policies), "policy": pa.array(list(policies.values()), pa.string())}
    )
