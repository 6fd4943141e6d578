"""Leases: one process leads or paces a lane at a time; a dead one's lease runs out by itself. Real time, not demo time."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, delete, or_
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.delivery.tables import Lease
from core.statements import Read, Write

LEASE = timedelta(seconds=15)


class _Until(NamedTuple):
    until: datetime


_new = insert(Lease).values(name=bindparam("name"), owner=bindparam("owner"), until=bindparam("until"))
TAKE = Read(
    _Until,
    _new.on_conflict_do_update(
        index_elements=["name"],
        set_={"owner": _new.excluded.owner, "until": _new.excluded.until},
        where=or_(Lease.owner == _new.excluded.owner, Lease.until < bindparam("real")),
    ).returning(Lease.until),
)
DROP_OWNER = Write(delete(Lease).where(Lease.owner == bindparam("owner")))
DROP_ALL = Write(delete(Lease))


def take_lease(tx: Tx, *, name: str, owner: str, length: timedelta = LEASE) -> datetime | None:
    """Take or renew; the instant it runs out, or None while somebody else holds it."""
    row = tx.first(TAKE, name=name, owner=owner, until=tx.real + length, real=tx.real)
    return row.until if row else None


def drop_leases(tx: Tx, *, owner: str) -> None:
    """A process that ends in order hands over at once."""
    tx.run(DROP_OWNER, owner=owner)


def drop_all_leases(tx: Tx) -> None:
    """At the start of an embedded database: its only process holds nothing yet, so whatever is left is a dead one's."""
    tx.run(DROP_ALL)
