"""Parts -> the tables of a database: a day or week in one transaction, once, and never half.

    activity, model_usage, ...     rows; columns are only ever added
    exports                        the digest of every part that is in
    export_policy                  one row: what the rows are, and how people are called in them
    weekly_metrics, ...            views over them, made anew when their definition changed

What differs between databases is in `engines`; the rest is here, in SQL that all understand. A
part is deleted and inserted in the transaction that writes its digest, so a run that was killed
goes on where it was.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

import ccanalytics.export.records as records
import ccanalytics.export.views as views
from ccanalytics.errors import ExportError
from ccanalytics.export.parts import Part, Plan, Progress, Result, digest_of, key_column
from ccanalytics.store.layout import frame_schemas

log = logging.getLogger(__name__)

POLICY = pa.schema(
    [
        pa.field("contents", pa.string(), metadata={"description": "records or weekly metrics"}),
        pa.field("policy", pa.string(), metadata={"description": "how people are called"}),
        pa.field("views", pa.string(), metadata={"description": "digest of the views' SQL"}),
    ]
)

DESCRIPTIONS = {
    **records.DESCRIPTIONS,
    **views.DESCRIPTIONS,
    "export_policy": "One row: what is in this database, and how people are called in it.",
}

Row = tuple[Any, ...]


class Database(ABC):
    """An open database that parts are written to; nobody else writes to it meanwhile."""

    has_comments = False
    by_code_point = ""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def run(self, sql: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of a statement, whose values are named like :source."""

    @abstractmethod
    def insert(self, table: str, rows: pa.Table) -> None:
        """Add `rows`, whose columns are columns of the table."""

    @abstractmethod
    def columns(self) -> dict[str, set[str]]:
        """The columns of every table there is."""

    @abstractmethod
    def kind(self, field: pa.Field) -> str:
        """What the database calls the type of a column."""

    @abstractmethod
    def close(self) -> None:
        """Let others in."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block is done, or nothing."""
        self.run("begin")
        try:
            yield
        except BaseException:
            self.run("rollback")
            raise
        self.run("commit")

    def quoted(self, name: str) -> str:
        """A name of a table or column as it is written in SQL."""
        return f'"{name}"'

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, plan: Plan, result: Result, *, replace: bool, progress: Progress) -> None:
        """Every part of the plan that is not in yet, in order."""
        self.set_up(plan, replace=replace)
        with self.transaction():
            before = self._digests(plan)
        result.same += [first for first, d in plan.parts.items() if before.get(first) == d]
        wanted = [first for first, d in plan.parts.items() if before.get(first) != d]
        for done, part in enumerate(plan.build(wanted), start=len(result.same) + 1):
            self.put(plan, part)
            result.wrote(part, before.get(part.first))
            progress(part.first, done, len(plan.parts))

    def set_up(self, plan: Plan, *, replace: bool) -> None:
        """Tables and views as the plan needs them; `ExportError` where others must not mix."""
        with self.transaction():
            there = self.columns()
            if "export_policy" not in there:
                self._check_free(plan, there)
            elif replace:
                self._empty(there)
                there = self.columns()
            for name, schema in {"export_policy": POLICY, **plan.schemas}.items():
                if name not in there:
                    self._create(name, schema)
                    if name == "export_policy":
                        self._insert_policy(plan)
                elif name == "export_policy":
                    self._check_policy(plan)
                else:
                    self._add_columns(name, schema, there[name])
            if plan.contents == "records":
                self._make_views()

    def put(self, plan: Plan, part: Part) -> None:
        """A part in place of what is in of its day or week."""
        with self.transaction():
            self._check_policy(plan)
            for name, rows in part.tables.items():
                key = key_column(plan.schemas[name])
                self.run(
                    f"delete from {self.quoted(name)} where source = :source and {key} = :first",
                    {"source": plan.source, "first": part.first},
                )
                if len(rows):
                    self.insert(name, rows)

    def _digests(self, plan: Plan) -> dict[date, str]:
        key = key_column(plan.schemas["exports"])
        found = self.run(
            f"select {key}, digest from exports where source = :source", {"source": plan.source}
        )
        return {_date(first): digest for first, digest in found}

    def _check_free(self, plan: Plan, there: Mapping[str, set[str]]) -> None:
        foreign = sorted({*plan.schemas, *views.DESCRIPTIONS} & set(there))
        if foreign:
            raise ExportError(
                f"{self.name} has a table {foreign[0]!r} that is not of an export: "
                "name a database, or a schema of it, of its own."
            )

    def _check_policy(self, plan: Plan) -> None:
        ((contents, policy),) = self.run("select contents, policy from export_policy")
        if (contents, policy) != (plan.contents, plan.policy):
            raise mixture(self.name, contents, policy, plan)

    def _empty(self, there: Mapping[str, set[str]]) -> None:
        """Take out every table and view of an export, of all sources."""
        log.info("%s is emptied", self.name)
        tables = {*frame_schemas(), *DESCRIPTIONS} & set(there)
        if self.run("select contents from export_policy") == [("records",)]:
            self._drop_views()
            tables -= set(views.DESCRIPTIONS)
        for name in sorted(tables):
            self.run(f"drop table {self.quoted(name)}")

    def _create(self, name: str, schema: pa.Schema) -> None:
        columns = ", ".join(f"{self.quoted(f.name)} {self.kind(f)}" for f in schema)
        self.run(f"create table {self.quoted(name)} ({columns})")
        self._index(name, schema)
        self._comment("table", self.quoted(name), DESCRIPTIONS.get(name, ""))
        for field in schema:
            self._comment_column(name, field)

    def _index(self, name: str, schema: pa.Schema) -> None:
        """Make a part quick to find, and its digest unique."""
        if "source" in schema.names:
            unique = "unique " if name == "exports" else ""
            columns = f"{self.quoted('source')}, {self.quoted(key_column(schema))}"
            index = self.quoted(f"{name}_by_part")
            self.run(f"create {unique}index {index} on {self.quoted(name)} ({columns})")

    def _add_columns(self, name: str, schema: pa.Schema, there: set[str]) -> None:
        for field in schema:
            if field.name not in there:
                column = f"{self.quoted(field.name)} {self.kind(field)}"
                self.run(f"alter table {self.quoted(name)} add column {column}")
                self._comment_column(name, field)

    def _comment_column(self, table: str, field: pa.Field) -> None:
        text = (field.metadata or {}).get(b"description", b"").decode()
        self._comment("column", f"{self.quoted(table)}.{self.quoted(field.name)}", text)

    def _comment(self, what: str, name: str, text: str) -> None:
        if self.has_comments and text:
            self.run(f"comment on {what} {name} is {_literal(text)}")

    def _insert_policy(self, plan: Plan) -> None:
        row = {"contents": plan.contents, "policy": plan.policy, "views": ""}
        self.insert("export_policy", pa.Table.from_pylist([row], POLICY))

    def _make_views(self) -> None:
        statements = views.view_statements(self.by_code_point)
        digest = digest_of(*statements.values())
        if self.run("select views from export_policy") == [(digest,)]:
            return
        self._drop_views()
        for name, select in statements.items():
            self.run(f"create view {name} as {select}")
            self._comment("view", name, DESCRIPTIONS[name])
            if name != "actor_weeks":
                for column, text in views.described_columns().items():
                    self._comment("column", f"{name}.{column}", text)
        self.run("update export_policy set views = :digest", {"digest": digest})

    def _drop_views(self) -> None:
        for name in reversed(views.view_statements()):
            self.run(f"drop view if exists {name}")


def mixture(name: str, contents: str, policy: str, plan: Plan) -> ExportError:
    """The error of a target that holds something else than the plan would write."""
    if contents != plan.contents:
        had, wanted = contents, plan.contents
    else:
        had, wanted = policy, plan.policy
    secret = (
        " Another secret makes other pseudonyms." if had.split()[0] == wanted.split()[0] else ""
    )
    return ExportError(
        f"{name} was exported as {had!r}, this would be {wanted!r}: the two must not mix.{secret} "
        "Name another target, or --replace to empty this one first."
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
