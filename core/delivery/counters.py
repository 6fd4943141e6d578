"""Numbers without gaps (algorithms.md 4): a counter row for each series and calendar year, taken in the issuing transaction."""

from typing import NamedTuple

from sqlalchemy import bindparam, case
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.delivery.tables import Counter
from core.statements import Read, Write


class _Number(NamedTuple):
    n: int


TAKE = Read(
    _Number,
    insert(Counter)
    .values(series=bindparam("series"), year=bindparam("year"), n=bindparam("step"))
    .on_conflict_do_update(index_elements=["series", "year"], set_={"n": Counter.n + bindparam("step")})
    .returning(Counter.n),
)

_RAISED = insert(Counter).values(series=bindparam("series"), year=bindparam("year"), n=bindparam("at_least"))
RAISE = Write(
    _RAISED.on_conflict_do_update(
        index_elements=["series", "year"],
        set_={"n": case((Counter.n < _RAISED.excluded.n, _RAISED.excluded.n), else_=Counter.n)},
    )
)


def take_number(tx: Tx, *, series: str, year: int = 0) -> int:
    """The next number of a series ("invoice" by year; "member", "contract", "ticket" with year 0). Take it last: it locks."""
    return take_numbers(tx, series=series, year=year, count=1).start


def take_numbers(tx: Tx, *, series: str, year: int = 0, count: int) -> range:
    """`count` consecutive numbers at once (imports)."""
    last = tx.one(TAKE, series=series, year=year, step=count).n
    return range(last - count + 1, last + 1)


def raise_number(tx: Tx, *, series: str, year: int = 0, at_least: int) -> None:
    """Numbers up to `at_least` are in use already (imports bring the operator's own): never give them again."""
    tx.run(RAISE, series=series, year=year, at_least=at_least)
