"""The events of a reservation and the tickets about it, for its contact history (row F5)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from core.bookings.service import ReservationView
from core.bookings.tables import ReservationEntry, ReservationTicket
from core.db import Tx
from core.statements import Read, Write

NAME_LENGTH = 100


class EntryView(NamedTuple):
    """Something that happened: `what` is change_asked, change_accepted, change_declined, or the same of cancel."""

    id: int
    reservation_id: int
    member_id: int
    at: datetime
    author: str  # member, staff
    author_name: str
    what: str
    wanted: dict[str, Any]
    words: str


class _Ticket(NamedTuple):
    ticket_id: int


class _Reservation(NamedTuple):
    reservation_id: int


_ALL = tuple(getattr(ReservationEntry, name) for name in EntryView._fields)
ADD = Write(insert(ReservationEntry).values({name: bindparam(name) for name in EntryView._fields}))
OF_RESERVATION = Read(
    EntryView,
    select(*_ALL).where(ReservationEntry.reservation_id == bindparam("reservation_id")).order_by(ReservationEntry.id),
)
LINK = Write(
    upsert(ReservationTicket)
    .values(reservation_id=bindparam("reservation_id"), ticket_id=bindparam("ticket_id"), linked_at=bindparam("now"))
    .on_conflict_do_nothing()
)
TICKETS = Read(
    _Ticket,
    select(ReservationTicket.ticket_id)
    .where(ReservationTicket.reservation_id == bindparam("reservation_id"))
    .order_by(ReservationTicket.ticket_id),
)
ABOUT = Read(
    _Reservation,
    select(ReservationTicket.reservation_id).where(ReservationTicket.ticket_id == bindparam("ticket_id")),
)


def add_event(
    tx: Tx,
    reservation: ReservationView,
    *,
    author: str,
    author_name: str,
    what: str,
    wanted: Mapping[str, Any],
    words: str,
) -> None:
    """Write what happened in the transaction that makes it happen."""
    tx.run(
        ADD,
        id=tx.ids.new(),
        reservation_id=reservation.id,
        member_id=reservation.member_id,
        at=tx.now,
        author=author,
        author_name=author_name[:NAME_LENGTH],
        what=what,
        wanted=dict(wanted),
        words=words,
    )


def list_events(tx: Tx, *, reservation_id: int) -> list[EntryView]:
    """What happened to a reservation, oldest first."""
    return tx.all(OF_RESERVATION, reservation_id=reservation_id)


def link_ticket(tx: Tx, *, reservation_id: int, ticket_id: int) -> None:
    """This ticket is about that reservation; saying so again changes nothing."""
    tx.run(LINK, reservation_id=reservation_id, ticket_id=ticket_id, now=tx.now)


def list_ticket_ids(tx: Tx, *, reservation_id: int) -> list[int]:
    """The tickets about a reservation, oldest first."""
    return [row.ticket_id for row in tx.all(TICKETS, reservation_id=reservation_id)]


def find_reservation_of_ticket(tx: Tx, *, ticket_id: int) -> int | None:
    """Which reservation a ticket is about."""
    found = tx.first(ABOUT, ticket_id=ticket_id)
    return None if found is None else found.reservation_id
