"""Numbers without gaps (algorithms.md 4): a counter row for each series and calendar year, taken in the issuing transaction."""

from typing import NamedTuple

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.delivery.tables import Counter
from core.statements import Read


class _Number(NamedTuple):
    n: int


TAKE = Read(
    _Number,
    insert(Counter)
    .values(series=bindparam("series"), year=bindparam("year"), n=bindparam("step"))
    .on_conflict_do_update(index_elements=["series", "year"], set_={"n": Counter.n + bindparam("step")})
    .returning(Counter.n),
)


def take_number(tx: Tx, *, series: str, year: int = 0) -> int:
    """The next number of a series ("invoice" by year; "member", "contract", "ticket" with year 0). Take it last: it locks."""
    return take_numbers(tx, series=series, year=year, count=1).start


def take_numbers(tx: Tx, *, series: str, year: int = 0, count: int) -> range:
    """`count` consecutive numbers at once (imports)."""
    last = tx.one(TAKE, series=series, year=year, step=count).n
    return range(last - count + 1, last + 1)
