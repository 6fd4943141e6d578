"""Change and cancel requests (row F4): asked by the member, decided by staff; the reservation follows at once."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from core.bookings.entries import add_event
from core.bookings.facts import ReservationRequestDecided, ReservationRequested
from core.bookings.policy import (
    LIVE,
    LONGEST_NOTE,
    TAKES_A_PLACE,
    Fee,
    Kind,
    ReservationStatus,
    Times,
    changes_of,
    do_overlap,
    fee_of_cancelling,
    flaw_of_value,
    last_request_at,
    refusal_of_request,
    value_of,
)
from core.bookings.service import ReservationView, get_reservation, lock_reservation
from core.bookings.slots import list_meeting, lock_facility
from core.bookings.tables import Reservation, ReservationRequest
from core.bookings.words import body_of_request, subject_of_request
from core.db import Tx
from core.errors import DomainError
from core.members.audit import record
from core.members.roles import ActingStaff, require
from core.members.service import get_member
from core.profiles.booking import Bookings
from core.profiles.model import Profile
from core.statements import Read, Write


class RequestView(NamedTuple):
    """A request as its row says; values of `wanted` and `before` are JSON by field code."""

    id: int
    reservation_id: int
    member_id: int
    kind: str
    state: str
    wanted: dict[str, Any]
    before: dict[str, Any]
    note: str
    revision: int
    chat_id: int | None
    ticket_id: int | None
    asked_at: datetime
    decided_at: datetime | None
    decided_by: int | None
    answer: str


_ALL = tuple(getattr(ReservationRequest, name) for name in RequestView._fields)
ADD = Write(insert(ReservationRequest).values({name: bindparam(name) for name in RequestView._fields}))
BY_ID = Read(RequestView, select(*_ALL).where(ReservationRequest.id == bindparam("request_id")))
LOCK = Read(RequestView, select(*_ALL).where(ReservationRequest.id == bindparam("request_id")).with_for_update())
OF_RESERVATION = Read(
    RequestView,
    select(*_ALL)
    .where(ReservationRequest.reservation_id == bindparam("reservation_id"))
    .order_by(ReservationRequest.id.desc()),
)
OF_TICKET = Read(
    RequestView,
    select(*_ALL).where(ReservationRequest.ticket_id == bindparam("its_ticket")).order_by(ReservationRequest.id),
)
DECIDE = Write(
    update(ReservationRequest)
    .where(ReservationRequest.id == bindparam("request_id"))
    .values(
        state=bindparam("new_state"), decided_at=bindparam("now"), decided_by=bindparam("staff_id"),
        answer=bindparam("words"),
    )
)  # fmt: skip
SET_TICKET = Write(
    update(ReservationRequest)
    .where(ReservationRequest.id == bindparam("request_id"))
    .values(ticket_id=bindparam("its_ticket"))
)
_MOVED = (
    "facility_code", "status", "used_on", "until_on", "used_from", "used_until", "purpose", "details", "confirmed_at",
)  # fmt: skip
MOVE = Write(
    update(Reservation)
    .where(Reservation.id == bindparam("reservation_id"))
    .values(
        {
            **{name: bindparam(f"new_{name}") for name in _MOVED},
            "revision": Reservation.revision + 1,
            "updated_at": bindparam("now"),
        }
    )
)


def file_request(
    tx: Tx,
    *,
    profile: Profile,
    member_id: int,
    reservation_id: int,
    kind: Kind,
    wanted: Mapping[str, Any],
    note: str = "",
    chat_id: int | None = None,
) -> RequestView:
    """A member asks; staff get a ticket. The very same while the first is open gives the first.

    Errors: DomainError `reservation_not_found`, `reservation_over` (reservation_no), `request_open` (reservation_no),
    `request_too_late` (reservation_no, until_at, phone), `nothing_wanted`, `note_too_long` (most), and
    `field_unfit` (field, flaw) for a value that does not fit the category's form.
    """
    reservation = lock_reservation(tx, reservation_id=reservation_id, member_id=member_id)
    bookings = need_bookings(profile)
    wanted = {code: value for code, value in wanted.items() if value is not None}
    note = note.strip()
    if reservation.open_request_id is not None:
        first = tx.one(BY_ID, request_id=reservation.open_request_id)
        if (first.kind, first.wanted, first.note) == (kind, wanted, note):
            return first
    need_open(tx, profile=profile, reservation=reservation, kind=kind)
    _check(tx, bookings, reservation, kind, wanted, note)
    columns = reservation._asdict()
    request = RequestView(
        id=tx.ids.new(),
        reservation_id=reservation_id,
        member_id=member_id,
        kind=kind,
        state="open",
        wanted=wanted,
        before={code: value_of(code, columns, reservation.details) for code in wanted},
        note=note,
        revision=reservation.revision,
        chat_id=chat_id,
        ticket_id=None,
        asked_at=tx.now,
        decided_at=None,
        decided_by=None,
        answer="",
    )
    tx.run(ADD, **request._asdict())
    name = get_member(tx, member_id=member_id).name
    add_event(tx, reservation, author="member", author_name=name, what=f"{kind}_asked", wanted=wanted, words=note)
    body = body_of_request(bookings, reservation, kind=kind, wanted=wanted, before=request.before, note=note)
    subject = subject_of_request(kind, reservation)
    tx.emit(ReservationRequested(request.id, reservation_id, member_id, chat_id, bookings.queue, subject, body))
    return tx.one(BY_ID, request_id=request.id)


def need_bookings(profile: Profile) -> Bookings:
    """The profile's part about reservations. Errors: DomainError `no_bookings`."""
    if profile.bookings is None:
        raise DomainError("no_bookings")
    return profile.bookings


def need_open(tx: Tx, *, profile: Profile, reservation: ReservationView, kind: str) -> None:
    """Refuse what cannot be asked for any more; the errors are those of `file_request`."""
    deadline = need_bookings(profile).deadline(kind, reservation.category_code)
    refused = refusal_of_request(
        status=reservation.state,
        used_on=reservation.used_on,
        deadline=deadline,
        now=tx.now,
        has_open=reservation.open_request_id is not None,
    )
    if refused == "request_too_late":
        raise DomainError(
            "request_too_late",
            reservation_no=reservation.reservation_no,
            until_at=last_request_at(reservation.used_on, deadline),
            phone=profile.operator.phone,
        )
    if refused == "request_open":
        raise DomainError("request_open", reservation_no=reservation.reservation_no)
    if refused is not None:
        raise DomainError("reservation_over", reservation_no=reservation.reservation_no)


def _check(
    tx: Tx, bookings: Bookings, reservation: ReservationView, kind: str, wanted: Mapping[str, Any], note: str
) -> None:
    if len(note) > LONGEST_NOTE:
        raise DomainError("note_too_long", most=LONGEST_NOTE)
    fields = bookings.fields(kind, reservation.category_code)
    known = {field.code for field in fields}
    if not wanted.keys() <= known or (kind == "change" and not wanted):
        raise DomainError("nothing_wanted")
    facilities = [facility.code for facility in bookings.facilities]
    for field in fields:
        if kind == "change" and field.code not in wanted:
            continue
        flaw = flaw_of_value(field, wanted.get(field.code), today=tx.today, facilities=facilities)
        if flaw is not None:
            raise DomainError("field_unfit", field=field.code, flaw=flaw)


def get_request(tx: Tx, *, request_id: int, member_id: int | None = None) -> RequestView:
    """A request, with `member_id` only if it is theirs. Errors: DomainError `request_not_found`."""
    found = tx.first(BY_ID, request_id=request_id)
    if found is None or member_id not in (None, found.member_id):
        raise DomainError("request_not_found")
    return found


def list_requests(tx: Tx, *, reservation_id: int) -> list[RequestView]:
    """All requests about a reservation, newest first."""
    return tx.all(OF_RESERVATION, reservation_id=reservation_id)


def list_requests_of_ticket(tx: Tx, *, ticket_id: int) -> list[RequestView]:
    """The requests that are talked about in a ticket: one, or none."""
    return tx.all(OF_TICKET, its_ticket=ticket_id)


def attach_ticket(tx: Tx, *, request_id: int, ticket_id: int) -> None:
    """The ticket in which staff and the member talk about the request."""
    tx.run(SET_TICKET, request_id=request_id, its_ticket=ticket_id)


def accept_request(
    tx: Tx, *, profile: Profile, staff: ActingStaff, request_id: int, words: str, seen_revision: int
) -> RequestView:
    """受け付ける: the reservation changes here and now, the member is told. Accepting again changes nothing.

    `seen_revision` is of the reservation that staff looked at: changed since (an import, another request), it is refused.
    Errors: DomainError `forbidden`, `request_not_found`, `request_decided` (state), `reservation_changed`,
    `reservation_over`, `wished_day_past` (reservation_no), `place_taken` (reservation_no of the other).
    """
    require(staff, "decide_request")
    request, reservation = _locked(tx, request_id)
    if request.state == "accepted":
        return request
    _need_undecided(request)
    if reservation.revision != seen_revision:
        raise DomainError("reservation_changed", reservation_no=reservation.reservation_no)
    if request.kind == "cancel":
        if reservation.status not in (*LIVE, ReservationStatus.CANCELLED):  # used or declined by now: not to be undone
            raise DomainError("reservation_over", reservation_no=reservation.reservation_no)
        new = {name: getattr(reservation, name) for name in _MOVED} | {"status": "cancelled"}
    else:
        new = _changed(tx, profile, reservation, request)
    tx.run(MOVE, reservation_id=reservation.id, now=tx.now, **{f"new_{name}": new[name] for name in _MOVED})
    return _decided(tx, staff, request, reservation, accepted=True, words=words.strip())


def _changed(tx: Tx, profile: Profile, reservation: ReservationView, request: RequestView) -> dict[str, Any]:
    """The reservation's columns after the change; the new place must be free where only one may be there."""
    if reservation.status not in LIVE:
        raise DomainError("reservation_over", reservation_no=reservation.reservation_no)
    changes = changes_of(request.wanted, times=reservation.times, details=reservation.details)
    if changes.columns.get("used_on", tx.today) < tx.today:  # it waited too long: only declining is left
        raise DomainError("wished_day_past", reservation_no=reservation.reservation_no)
    new = {name: getattr(reservation, name) for name in _MOVED} | changes.columns | {"details": changes.details}
    facility = need_bookings(profile).facility(new["facility_code"])
    if changes.columns and reservation.status in TAKES_A_PLACE and facility is not None and facility.exclusive:
        lock_facility(tx, facility_code=facility.code)
        times = Times(new["used_on"], new["until_on"], new["used_from"], new["used_until"])
        for other in list_meeting(tx, facility_code=facility.code, times=times):
            if other.id != reservation.id and do_overlap(times, other.times):
                raise DomainError("place_taken", reservation_no=other.reservation_no)
    return new


def decline_request(tx: Tx, *, staff: ActingStaff, request_id: int, words: str) -> RequestView:
    """お断りする, with the reason that the member reads. Declining again changes nothing.

    Errors: DomainError `forbidden`, `words_missing`, `request_not_found`, `request_decided` (state).
    """
    require(staff, "decide_request")
    if not words.strip():
        raise DomainError("words_missing")
    request, reservation = _locked(tx, request_id)
    if request.state == "declined":
        return request
    _need_undecided(request)
    return _decided(tx, staff, request, reservation, accepted=False, words=words.strip())


def _locked(tx: Tx, request_id: int) -> tuple[RequestView, ReservationView]:
    """The reservation first, as in the member's own turns."""
    reservation = lock_reservation(tx, reservation_id=get_request(tx, request_id=request_id).reservation_id)
    return tx.one(LOCK, request_id=request_id), reservation


def _need_undecided(request: RequestView) -> None:
    if request.state != "open":
        raise DomainError("request_decided", state=request.state)


def _decided(
    tx: Tx, staff: ActingStaff, request: RequestView, reservation: ReservationView, *, accepted: bool, words: str
) -> RequestView:
    state = "accepted" if accepted else "declined"
    tx.run(DECIDE, request_id=request.id, new_state=state, now=tx.now, staff_id=staff.id, words=words)
    what = f"{request.kind}_{state}"
    add_event(tx, reservation, author="staff", author_name=staff.name, what=what, wanted=request.wanted, words=words)
    record(
        tx,
        actor_kind="staff",
        actor_id=staff.id,
        action=f"reservation.{what}",
        subject=f"reservation:{reservation.reservation_no}",
        member_id=reservation.member_id,
        detail={"changed": sorted(request.wanted)} if request.kind == "change" else {},
    )
    tx.emit(
        ReservationRequestDecided(
            request.id, reservation.id, reservation.member_id, request.kind, accepted=accepted, words=words
        )
    )
    tx.wake("desk")
    return get_request(tx, request_id=request.id)


def fee_of(profile: Profile, reservation: ReservationView, *, asked_on: date) -> Fee | None:
    """What cancelling this reservation costs by the profile's rule, also after it was done; None where nobody can say."""
    return fee_of_cancelling(
        need_bookings(profile).cancellation_fees,
        was_confirmed=reservation.status == ReservationStatus.CONFIRMED
        or (reservation.status == ReservationStatus.CANCELLED and reservation.confirmed_at is not None),
        charge_yen=reservation.amount_yen,
        used_on=reservation.used_on,
        asked_on=asked_on,
    )


def find_changed_since(tx: Tx, request: RequestView) -> dict[str, Any]:
    """Fields that are no longer as they were when it was asked, with their present values: an import came in between."""
    reservation = get_reservation(tx, reservation_id=request.reservation_id)
    now = {code: value_of(code, reservation._asdict(), reservation.details) for code in request.before}
    return {code: value for code, value in now.items() if value != request.before[code]}
