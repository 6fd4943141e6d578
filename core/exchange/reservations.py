"""Reservations from a file: new ones, changed ones, and what is left as the counter has changed it since.

A three-way comparison: what the file said last time, what it says now, what stands here. Only what the file itself has
changed is taken over, so a file exported before a request was accepted does not undo the acceptance.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, or_, select, update

from core.bookings.tables import Reservation, ReservationRequest
from core.db import Tx
from core.delivery.counters import raise_number, take_numbers
from core.exchange.contracts import HOLDERS, Holder
from core.exchange.decisions import Change, Context, Decision, Note
from core.exchange.rows import Problem, Row
from core.members.audit import ADD as ADD_AUDIT
from core.statements import Read, Write, one_of

NUMBER = re.compile(r"R-([0-9]{6,12})")
_FIXED = ("id", "created_at", "reservation_no")
_EMPTY: dict[str, Any] = {
    "used_from": None,
    "used_until": None,
    "purpose": "",
    "confirmed_at": None,
    "amount_yen": None,
    "payment_method": "",
    "payment_due_on": None,
    "contact_name": "",
    "contact_phone": "",
    "contact_email": "",
    "billing_name": "",
    "billing_postal_code": "",
    "billing_address": "",
    "billing_email": "",
}
_HEADERS = {"member_id": "member_key", "facility_code": "facility", "category_code": "category"}


class StoredReservation(NamedTuple):
    """A reservation as stored."""

    id: int
    reservation_no: str
    external_key: str | None
    member_id: int
    facility_code: str
    category_code: str
    status: str
    used_on: date
    until_on: date
    used_from: time | None
    used_until: time | None
    purpose: str
    details: dict[str, Any]
    booked_at: datetime
    confirmed_at: datetime | None
    amount_yen: int | None
    payment_method: str
    payment_due_on: date | None
    payment_state: str
    contact_name: str
    contact_phone: str
    contact_email: str
    billing_name: str
    billing_postal_code: str
    billing_address: str
    billing_email: str
    imported: dict[str, Any]
    revision: int
    created_at: datetime
    updated_at: datetime


class _Open(NamedTuple):
    reservation_id: int


COLUMNS = StoredReservation._fields
STORED = Read(
    StoredReservation,
    select(*(getattr(Reservation, name) for name in COLUMNS))
    .where(or_(one_of(Reservation.external_key, "keys"), one_of(Reservation.reservation_no, "numbers")))
    .order_by(Reservation.id)
    .with_for_update(),
)
OPEN_REQUESTS = Read(
    _Open,
    select(ReservationRequest.reservation_id).where(
        one_of(ReservationRequest.reservation_id, "reservation_ids"), ReservationRequest.state == "open"
    ),
)
INSERT = Write(insert(Reservation).values({name: bindparam(name) for name in COLUMNS}))
UPDATE = Write(
    update(Reservation)
    .where(Reservation.id == bindparam("id_"))
    .values({name: bindparam(name) for name in COLUMNS if name not in _FIXED})
)


def decide_reservations(tx: Tx, rows: Sequence[Row], context: Context) -> Decision:
    """What the file's rows would do, looked at under lock; nothing is written."""
    holders = tx.all(HOLDERS, keys=sorted({row.given["member_key"] for row in rows}))
    by_member = {holder.member_no: holder for holder in holders}
    by_member |= {holder.external_key: holder for holder in holders if holder.external_key}
    stored = tx.all(STORED, keys=[row.key for row in rows], numbers=[row.number for row in rows if row.number])
    by_key = {each.external_key: each for each in stored if each.external_key}
    by_number = {each.reservation_no: each for each in stored}
    asked = {row.reservation_id for row in tx.all(OPEN_REQUESTS, reservation_ids=[each.id for each in stored])}
    decision = Decision()
    for row in rows:
        holder = by_member.get(row.given["member_key"])
        same_number = by_number.get(row.number) if row.number else None
        known = by_key.get(row.key) or (same_number if same_number and same_number.external_key is None else None)
        if holder is None:
            header = context.layout.header("member_key")
            decision.problems.append(Problem(row.line, header, row.given["member_key"], "unknown_member"))
        elif same_number is not None and same_number is not known:
            header = context.layout.header("reservation_no")
            decision.problems.append(Problem(row.line, header, row.number or "", "number_taken"))
        elif known is None:
            decision.inserts.append(_new(row, holder))
        else:
            _decide_change(row, known, holder, context, decision, asked=known.id in asked)
    return decision


def write_reservations(tx: Tx, decision: Decision, context: Context) -> None:
    """Write a decided chunk, in the transaction that decided it."""
    unnumbered = [values for values in decision.inserts if values["reservation_no"] is None]
    if unnumbered:
        for values, n in zip(unnumbered, take_numbers(tx, series="reservation", count=len(unnumbered)), strict=True):
            values["reservation_no"] = f"R-{n:06d}"
    stamps = {"created_at": tx.now, "updated_at": tx.now}
    tx.many(INSERT, [{**values, **stamps, "id": tx.ids.new()} for values in decision.inserts])
    tx.many(
        UPDATE,
        [
            {name: values[name] for name in COLUMNS if name not in _FIXED} | {"id_": values["id"], "updated_at": tx.now}
            for values in decision.updates
        ],
    )
    changed = [pair for pair in zip(decision.updates, decision.before, strict=True) if pair[1]]
    tx.many(ADD_AUDIT, [_audited(tx, new, before) for new, before in changed])
    if decision.inserts or changed:
        tx.wake("desk")


def reserve_reservation_numbers(tx: Tx, rows: Sequence[Row]) -> None:
    """Numbers of our own shape in the file are used up: the counter goes on after the highest."""
    highest = max((int(found[1]) for row in rows if row.number and (found := NUMBER.fullmatch(row.number))), default=0)
    if highest:
        raise_number(tx, series="reservation", at_least=highest)


def _audited(tx: Tx, new: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": tx.ids.new(),
        "at": tx.now,
        "actor_kind": "system",
        "actor_id": None,
        "action": "reservation.imported",
        "subject": f"reservation:{new['reservation_no']}",
        "member_id": new["member_id"],
        "detail": {"changed": sorted(before)},  # which fields, never what stood in them
    }


def _given(row: Row, holder: Holder) -> dict[str, Any]:
    """What the row says of the columns; whoever names one day only means that day as the last too."""
    given = {name: value for name, value in row.given.items() if name != "member_key"}
    given.setdefault("until_on", given["used_on"])
    return {**given, "member_id": holder.id}


def _new(row: Row, holder: Holder) -> dict[str, Any]:
    given = _given(row, holder)
    made = {
        **_EMPTY,
        "status": "confirmed" if "confirmed_at" in given else "asked",
        "payment_state": "unfixed" if given.get("amount_yen") is None else "unpaid",
        **given,
    }
    return {
        **made,
        "reservation_no": row.number,
        "external_key": row.key,
        "details": {},
        "imported": _as_json(given),
        "revision": 1,
    }


def _decide_change(
    row: Row, known: StoredReservation, holder: Holder, context: Context, decision: Decision, *, asked: bool
) -> None:
    """Taken: what the file says otherwise than last time. Kept, with a note: what was changed here and the file repeats."""
    old, given = known._asdict(), _given(row, holder)
    said = _as_json(given)
    news = {name for name in given if name not in known.imported or known.imported[name] != said[name]}
    changed = {name: given[name] for name in news if old[name] != given[name]}
    kept = sorted(name for name in given if name not in news and _plain(old[name]) != said[name])
    if kept:
        columns = "、".join(context.layout.header(_HEADERS.get(name, name)) for name in kept)
        decision.notes.append(Note(row.line, columns, "changed_here"))
    if changed and asked:
        decision.notes.append(Note(row.line, "", "request_open"))
    if row.number and row.number != known.reservation_no:
        header = context.layout.header("reservation_no")
        decision.notes.append(Note(row.line, header, "number_kept", {"number": known.reservation_no}))
    if known.external_key is None:
        changed["external_key"] = row.key
    memory = {**known.imported, **said}
    if not changed:
        decision.unchanged += 1
        if memory != known.imported:  # the file has caught up with what was changed here
            decision.updates.append({**old, "imported": memory})
            decision.before.append({})
        return
    decision.updates.append({**old, **changed, "imported": memory, "revision": known.revision + 1})
    decision.before.append({name: old[name] for name in changed})
    shown = [name for name in given if name in changed]
    decision.changes.append(Change(row.line, tuple(context.layout.header(_HEADERS.get(name, name)) for name in shown)))


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    """As it is kept in `imported`: comparable after a round through JSON."""
    return value.isoformat() if isinstance(value, date | datetime | time) else value
