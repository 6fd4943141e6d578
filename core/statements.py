"""SQLAlchemy Core statements as module constants, compiled once to driver SQL (decision 0002).

A statement run through `Connection.execute` costs about 80 µs more than hand-written SQL; compiled once, about 10. So a
statement is a module constant wrapped in `Read` (rows come back as a NamedTuple) or `Write`, compiled at its first use for
each dialect, and run on the driver's own cursor. Types work as usual: `Instant`, `Json` and dates are converted both ways.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

import orjson
from sqlalchemy import (
    BindParameter,
    DateTime,
    Dialect,
    Executable,
    MetaData,
    Select,
    SelectBase,
    String,
    Text,
    TypeDecorator,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import ARRAY, BigInteger, Boolean, TypeEngine

R = TypeVar("R", bound=tuple[Any, ...])
Processor = Callable[[Any], Any]


class Instant(TypeDecorator[datetime]):
    """An aware instant in UTC: `timestamptz` on PostgreSQL, fixed-width ISO text (which sorts) on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text on SQLite, whose driver would drop the zone."""
        return dialect.type_descriptor(String(32) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuses naive values: they would silently mean local time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        if dialect.name == "sqlite":
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Aware, in UTC, on both databases."""
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return None if value is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A JSON document as text on both databases: it is stored and read whole, never queried into. Replace, never mutate."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """orjson: 3 µs instead of 18 for a screen."""
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """A fresh object at each read."""
        return None if value is None else orjson.loads(value)


class Base(DeclarativeBase):
    """Declarative tables: schema and migrations only; no ORM Session is ever opened on them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class _IdList(TypeDecorator[Any]):
    impl = ARRAY(BigInteger)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(self._item))

    def __init__(self, item: TypeEngine[Any] | None = None) -> None:
        super().__init__(item or BigInteger())
        self._item = item or BigInteger()

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return orjson.dumps(list(value)).decode() if dialect.name == "sqlite" else list(value)


class one_of(ColumnElement[bool]):  # noqa: N801 - reads as an operator in statements
    """`column IN (the list given as parameter)`, one statement for any length: `IN` with expansion cannot be compiled once.

    Values are bound as a JSON list on SQLite and as an array on PostgreSQL. Use it for integers and strings.
    """

    inherit_cache = False
    type = Boolean()
    _is_implicitly_boolean = True  # else SQLite gets "(…) = 1" beside AND and OR, and no index is used any more

    def __init__(self, column: Any, name: str) -> None:
        self.column = column.expression if hasattr(column, "expression") else column
        item = String() if isinstance(self.column.type, String) else BigInteger()
        self.values: BindParameter[Any] = BindParameter(name, type_=_IdList(item), required=True)


@compiles(one_of, "sqlite")
def _one_of_sqlite(element: one_of, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = compiler.process(element.column, **kw), compiler.process(element.values, **kw)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - both are compiled elements


@compiles(one_of)
def _one_of_postgresql(element: one_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{compiler.process(element.column, **kw)} = ANY ({compiler.process(element.values, **kw)})"


def among(column: Any, *values: str) -> ColumnElement[bool]:
    """`column IN ('a', 'b')` with the constants written into the SQL, never as parameters.

    SQLAlchemy's own `IN` is expanded anew at each execution, and SQLite uses a partial index only for a condition that is
    letter for letter the index's own.
    """
    if not all(value.replace("_", "").isalnum() for value in values):
        raise TypeError(f"constants only: {values}")
    condition: ColumnElement[bool] = column.in_([literal_column(f"'{value}'", String) for value in values])
    return condition


def picked(due: SelectBase) -> Select[Any]:
    """The rows of a `SELECT … LIMIT … FOR UPDATE SKIP LOCKED` for the `IN` of an UPDATE, chosen once.

    PostgreSQL may run a plain subquery there anew for each row it looks at, and then takes more than the limit.
    """
    return select(due.cte("picked").prefix_with("MATERIALIZED"))


class Plan(NamedTuple):
    """A statement ready for a driver: its SQL, how to make the parameters, how to make the rows."""

    sql: str
    binds: tuple[tuple[str, Processor | None, bool, Any], ...]  # name, processor, given by the caller?, constant
    required: frozenset[str]
    positional: bool
    results: tuple[Processor | None, ...]

    def parameters(self, given: Mapping[str, Any]) -> Any:
        """Driver parameters for one execution; a missing or unknown name is a programming error."""
        if given.keys() != self.required:
            raise TypeError(f"parameters {sorted(given)} given, {sorted(self.required)} needed: {self.sql[:120]}")
        if self.positional:
            return [
                (constant if not asked else given[name] if process is None else process(given[name]))
                for name, process, asked, constant in self.binds
            ]
        return {
            name: (constant if not asked else given[name] if process is None else process(given[name]))
            for name, process, asked, constant in self.binds
        }


class Statement:
    """A Core statement as a module constant; compiled once for each dialect, at its first use."""

    __slots__ = ("_plans", "core")

    def __init__(self, core: Executable) -> None:
        self.core = core
        self._plans: dict[str, Plan] = {}

    def plan(self, dialect: Dialect) -> Plan:
        """The compiled form for a dialect."""
        found = self._plans.get(dialect.name)
        if found is None:
            found = self._plans[dialect.name] = _compile(self.core, dialect)
        return found


class Read(Statement, Generic[R]):
    """A statement that gives rows of the NamedTuple `row`; `SELECT`, or a write with `RETURNING`."""

    __slots__ = ("row",)

    def __init__(self, row: type[R], core: Executable) -> None:
        super().__init__(core)
        self.row = row

    def rows(self, plan: Plan, fetched: Sequence[tuple[Any, ...]]) -> list[R]:
        """Driver rows to NamedTuples, columns converted by their type."""
        make: Callable[[Any], R] = self.row._make  # type: ignore[attr-defined]  # bound to NamedTuple by convention
        if not any(plan.results):
            return [make(row) for row in fetched]
        return [
            make(value if process is None else process(value) for value, process in zip(row, plan.results, strict=True))
            for row in fetched
        ]


class Write(Statement):
    """A statement without rows."""

    __slots__ = ()


def _compile(core: Executable, dialect: Dialect) -> Plan:
    compiled = core.compile(dialect=dialect)  # type: ignore[attr-defined]  # every Core construct has it
    if not isinstance(compiled, SQLCompiler):
        raise TypeError("only SQL statements can be compiled once")
    if (
        getattr(compiled, "insert_prefetch", ())
        or getattr(compiled, "update_prefetch", ())
        or compiled.post_compile_params
    ):
        raise TypeError(f"column defaults and expanding IN cannot be compiled once; give every value: {compiled}")
    by_name = {name: bind for bind, name in compiled.bind_names.items()}
    order = compiled.positiontup if compiled.positiontup is not None else list(by_name)
    binds = []
    for name in order:
        bind = by_name[name]
        process = _bind_processor(bind.type, dialect)
        constant = None if bind.required else (process(bind.effective_value) if process else bind.effective_value)
        binds.append((name, process, bind.required, constant))
    results = tuple(_result_processor(column.type, dialect) for column in compiled._result_columns)
    required = frozenset(name for name, _, asked, _ in binds if asked)
    return Plan(str(compiled), tuple(binds), required, compiled.positiontup is not None, results)


def _bind_processor(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _result_processor(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    return type_.dialect_impl(dialect).result_processor(dialect, None)
