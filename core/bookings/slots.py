"""Who has a facility at a time, and the lock under which a place is given away."""

from typing import NamedTuple

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert

from core.bookings.policy import Times
from core.bookings.service import ReservationRow, ReservationView, select_reservations, view_of
from core.bookings.tables import FacilityLock, Reservation
from core.db import Tx
from core.statements import Read


class _Locked(NamedTuple):
    facility_code: str


_new = insert(FacilityLock).values(facility_code=bindparam("facility_code"), touched_at=bindparam("now"))
LOCK = Read(
    _Locked,
    _new.on_conflict_do_update(
        index_elements=["facility_code"], set_={"touched_at": _new.excluded.touched_at}
    ).returning(FacilityLock.facility_code),
)
MEETING = Read(
    ReservationRow,
    select_reservations(
        Reservation.facility_code == bindparam("facility_code"),
        Reservation.status == "confirmed",
        Reservation.used_on <= bindparam("last_on"),
        Reservation.until_on >= bindparam("first_on"),
    ).order_by(Reservation.id),
)


def lock_facility(tx: Tx, *, facility_code: str) -> None:
    """Until the end of this turn nobody else gives a place of this facility away. After the reservation's own lock."""
    tx.one(LOCK, facility_code=facility_code, now=tx.now)


def list_meeting(tx: Tx, *, facility_code: str, times: Times) -> list[ReservationView]:
    """Confirmed reservations of the facility on any of these days."""
    rows = tx.all(MEETING, facility_code=facility_code, first_on=times.used_on, last_on=times.until_on)
    return [view_of(row, tx.today) for row in rows]
