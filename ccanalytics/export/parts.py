"""What an export consists of: parts that are written whole or not at all, each with a digest.

    Plan ── what is exported of one source, under one identity policy
      └── parts: first day -> digest        one UTC day, or one ISO week
            └── build(first days) -> Part   the rows of each table, as Arrow tables

A target keeps the digest of every part it has, so that only what is new or has changed is written
again. All tables have a `source`, and the date or the week of their part.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, Protocol

import pyarrow as pa

Tables = dict[str, pa.Table]

Progress = Callable[[date, int, int], None]
"""Called with a day that is done, how many are, of how many."""


class Part(NamedTuple):
    """The rows of one day or week, and the digest that stands for them."""

    first: date
    digest: str
    tables: Tables


class Plan(Protocol):
    """What is to be exported of one source."""

    @property
    def source(self) -> str:
        """Where the records come from."""
        ...

    @property
    def contents(self) -> str:
        """What the rows are: records, weekly or focus."""
        ...

    @property
    def policy(self) -> str:
        """The identity policy; for pseudonyms also which secret made them, as a fingerprint."""
        ...

    @property
    def schemas(self) -> Mapping[str, pa.Schema]:
        """The columns of each table, with what they mean."""
        ...

    @property
    def parts(self) -> Mapping[date, str]:
        """The digests of the parts asked for, by their first day, in order."""
        ...

    @property
    def known(self) -> Mapping[date, str]:
        """The digests of all parts that could be asked for."""
        ...

    def build(self, firsts: Iterable[date]) -> Iterator[Part]:
        """The parts of these first days, in order; some are made together, for speed.

        A digest is another than in `parts` when the day has changed since.
        """
        ...


@dataclass
class Result:
    """What an export did: parts by what became of them, and the rows it wrote by table."""

    target: str
    source: str
    contents: str
    identity: str
    new: list[date] = field(default_factory=list)
    replaced: list[date] = field(default_factory=list)
    same: list[date] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)

    def wrote(self, part: Part, before: str | None) -> None:
        """Count a part that was written, in place of one with the digest `before`."""
        (self.new if before is None else self.replaced).append(part.first)
        for name, table in part.tables.items():
            self.rows[name] = self.rows.get(name, 0) + len(table)

    def __str__(self) -> str:
        what = "weeks" if self.contents == "weekly" else "days"
        changed = f"{len(self.new)} new, {len(self.replaced)} replaced"
        return f"{self.source} {what}: {changed}, {len(self.same)} as they were."


def key_column(schema: pa.Schema) -> str:
    """The column that says which part a row is of."""
    return "date" if "date" in schema.names else "week"


def digest_of(*facts: object) -> str:
    """The same for the same facts, whenever and wherever it is taken."""
    text = json.dumps([str(fact) for fact in facts])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
