"""Reservations (予約): one, a member's own list with its filters (row F1), the desk's list."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Boolean, ColumnElement, Select, and_, bindparam, exists, func, or_, select

from core.bookings.policy import ReservationStatus, Times, number_candidates, status_today
from core.bookings.tables import Reservation, ReservationRequest
from core.db import Tx
from core.errors import DomainError
from core.members.policy import search_patterns
from core.members.roles import ActingStaff, require
from core.members.tables import Member
from core.statements import Read, one_of

PAGE_ROWS = 5  # of a member's list: a screen on a phone
DESK_ROWS = 30
NEWEST, OLDEST = "newest", "oldest"


class ReservationView(NamedTuple):
    """A reservation as its row says; `state` is the status as of today, `open_request_id` a request that waits for staff."""

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
    revision: int
    open_request_id: int | None
    state: ReservationStatus

    @property
    def times(self) -> Times:
        """When it is used."""
        return Times(self.used_on, self.until_on, self.used_from, self.used_until)


class ReservationFilter(NamedTuple):
    """What a list shows; what is left out does not filter. Days are those of use, inclusive."""

    number: str = ""
    states: tuple[str, ...] = ()
    facilities: tuple[str, ...] | None = None
    from_on: date | None = None
    until_on: date | None = None
    sort: str = NEWEST


class ReservationPage(NamedTuple):
    """One page; `total` counts all that match, `page` from 0."""

    rows: tuple[ReservationView, ...]
    total: int
    page: int

    @property
    def more(self) -> int:
        """How many come after this page."""
        return max(0, self.total - self.page * PAGE_ROWS - len(self.rows))


class ReservationRow(NamedTuple):
    """A reservation as selected; `view_of` makes what is shown."""

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
    revision: int
    open_request_id: int | None


class _Count(NamedTuple):
    n: int


class _Number(NamedTuple):
    reservation_no: str


STORED = ReservationRow._fields[:-1]
_OPEN_REQUEST = (
    select(ReservationRequest.id)
    .where(ReservationRequest.reservation_id == Reservation.id, ReservationRequest.state == "open")
    .correlate(Reservation)
    .scalar_subquery()
)
_COLUMNS = (*(getattr(Reservation, name) for name in STORED), _OPEN_REQUEST)


def select_reservations(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """All columns of a `ReservationRow`."""
    return select(*_COLUMNS).where(*conditions)


def _matching() -> tuple[ColumnElement[bool], ...]:
    """The conditions of `ReservationFilter`; their values come from `_filled`."""
    return (
        or_(bindparam("any_number", type_=Boolean), one_of(Reservation.reservation_no, "numbers")),
        or_(
            bindparam("any_state", type_=Boolean),
            and_(one_of(Reservation.status, "states"), Reservation.status != "confirmed"),
            and_(Reservation.status == "confirmed", bindparam("coming", type_=Boolean),
                 Reservation.until_on >= bindparam("today")),
            and_(Reservation.status == "confirmed", bindparam("past", type_=Boolean),
                 Reservation.until_on < bindparam("today")),
        ),
        or_(bindparam("any_facility", type_=Boolean), one_of(Reservation.facility_code, "facilities")),
        Reservation.until_on >= bindparam("from_on"),
        Reservation.used_on <= bindparam("until_on_"),
    )  # fmt: skip


def _filled(filters: ReservationFilter, today: date) -> dict[str, Any]:
    return {
        "any_number": not filters.number,
        "numbers": number_candidates(filters.number),
        "any_state": not filters.states,
        "states": filters.states,
        "coming": ReservationStatus.CONFIRMED in filters.states,
        "past": ReservationStatus.USED in filters.states,
        "today": today,
        "any_facility": filters.facilities is None,
        "facilities": filters.facilities or (),
        "from_on": filters.from_on or date.min,
        "until_on_": filters.until_on or date.max,
    }


_OWN = Reservation.member_id == bindparam("member_id")
_MOST: BindParameter[int] = bindparam("most")
_SKIPPED: BindParameter[int] = bindparam("skipped")
BY_ID = Read(ReservationRow, select_reservations(Reservation.id == bindparam("reservation_id")))
LOCK = Read(
    _Number, select(Reservation.reservation_no).where(Reservation.id == bindparam("reservation_id")).with_for_update()
)
BY_NUMBERS = Read(ReservationRow, select_reservations(one_of(Reservation.reservation_no, "numbers")))
TAKEN = Read(_Number, select(Reservation.reservation_no).where(one_of(Reservation.reservation_no, "numbers")))
NEWEST_FIRST = Read(
    ReservationRow,
    select_reservations(_OWN, *_matching())
    .order_by(Reservation.booked_at.desc(), Reservation.id.desc())
    .limit(_MOST)
    .offset(_SKIPPED),
)
OLDEST_FIRST = Read(
    ReservationRow,
    select_reservations(_OWN, *_matching())
    .order_by(Reservation.booked_at, Reservation.id)
    .limit(_MOST)
    .offset(_SKIPPED),
)
COUNT = Read(_Count, select(func.count()).select_from(Reservation).where(_OWN, *_matching()))
ANY = Read(_Count, select(func.count()).select_from(Reservation).where(_OWN))
LIVE_ONES = Read(
    ReservationRow,
    select_reservations(
        _OWN,
        or_(*(Reservation.status == status for status in ("asked", "waiting", "confirmed"))),
        Reservation.until_on >= bindparam("today"),
    )
    .order_by(Reservation.used_on, Reservation.id)
    .limit(bindparam("most")),
)
_open = exists().where(ReservationRequest.reservation_id == Reservation.id, ReservationRequest.state == "open")
DESK = Read(
    ReservationRow,
    select(*_COLUMNS)
    .join(Member, Member.id == Reservation.member_id)
    .where(
        *_matching(),
        or_(bindparam("requests_too", type_=Boolean), _open.correlate(Reservation)),
        or_(
            one_of(Reservation.reservation_no, "typed"),
            and_(
                *(
                    or_(
                        Member.search_text.like(bindparam(f"word{n}"), escape="/"),
                        Member.search_text.like(bindparam(f"digits{n}"), escape="/"),
                        func.lower(Reservation.reservation_no).like(bindparam(f"word{n}"), escape="/"),
                    )
                    for n in range(3)
                )
            ),
        ),
    )
    .order_by(
        _open.correlate(Reservation).desc(),
        Reservation.booked_at.desc(),
        Reservation.id.desc(),
    )
    .limit(_MOST)
    .offset(_SKIPPED),
)


def get_reservation(tx: Tx, *, reservation_id: int, member_id: int | None = None) -> ReservationView:
    """One, with `member_id` only if it is theirs. Errors: DomainError `reservation_not_found`."""
    return _theirs(tx, tx.first(BY_ID, reservation_id=reservation_id), member_id)


def lock_reservation(tx: Tx, *, reservation_id: int, member_id: int | None = None) -> ReservationView:
    """As `get_reservation`, locked for this turn: after the chat, before its request.

    Read anew under the lock: what the locking statement itself says of the open request is from before it waited.
    """
    tx.first(LOCK, reservation_id=reservation_id)
    return get_reservation(tx, reservation_id=reservation_id, member_id=member_id)


def find_reservation(tx: Tx, *, number: str, member_id: int | None = None) -> ReservationView | None:
    """By number as people type it; with `member_id` only theirs: somebody else's is found as little as one that is not."""
    candidates = number_candidates(number)
    rows = [row for row in tx.all(BY_NUMBERS, numbers=candidates) if member_id in (None, row.member_id)]
    best = min(rows, key=lambda row: candidates.index(row.reservation_no), default=None)
    return view_of(best, tx.today) if best is not None else None


def list_reservations(
    tx: Tx,
    *,
    member_id: int,
    filters: ReservationFilter = ReservationFilter(),  # noqa: B008
    page: int = 0,
) -> ReservationPage:
    """ご利用履歴 (row F1): a member's reservations by when the booking was completed, a page at a time."""
    given = _filled(filters, tx.today)
    query = OLDEST_FIRST if filters.sort == OLDEST else NEWEST_FIRST
    page = max(page, 0)
    rows = tx.all(query, member_id=member_id, most=PAGE_ROWS, skipped=page * PAGE_ROWS, **given)
    total = tx.one(COUNT, member_id=member_id, **given).n
    return ReservationPage(tuple(view_of(row, tx.today) for row in rows), total, page)


def count_reservations(tx: Tx, *, member_id: int) -> int:
    """All of a member's reservations."""
    return tx.one(ANY, member_id=member_id).n


def list_live(tx: Tx, *, member_id: int, limit: int = 20) -> list[ReservationView]:
    """A member's reservations that are still to come, the nearest first: what may be changed or cancelled."""
    return [view_of(row, tx.today) for row in tx.all(LIVE_ONES, member_id=member_id, today=tx.today, most=limit)]


def list_for_desk(
    tx: Tx,
    staff: ActingStaff,
    *,
    query: str = "",
    filters: ReservationFilter = ReservationFilter(),  # noqa: B008
    requests_only: bool = False,
    skipped: int = 0,
    limit: int = DESK_ROWS,
) -> list[ReservationView]:
    """All members' reservations: those with an open request first, then by booking, newest first.

    `query` finds reservation numbers and whatever finds the member. Errors: DomainError `forbidden`.
    """
    require(staff, "view")
    words = search_patterns(query)
    given = {f"word{n}": word for n, (word, _) in enumerate(words)}
    digits = {f"digits{n}": found for n, (_, found) in enumerate(words)}
    rows = tx.all(
        DESK,
        requests_too=not requests_only,
        most=limit,
        skipped=skipped,
        typed=number_candidates(query) if query else [],
        **_filled(filters, tx.today),
        **given,
        **digits,
    )
    return [view_of(row, tx.today) for row in rows]


def taken_numbers(tx: Tx, numbers: Sequence[str]) -> set[str]:
    """Which of these numbers are in use."""
    return {row.reservation_no for row in tx.all(TAKEN, numbers=numbers)}


def view_of(row: ReservationRow, today: date) -> ReservationView:
    """A row with its state as of a day."""
    return ReservationView(*row, state=status_today(row.status, until_on=row.until_on, today=today))


def _theirs(tx: Tx, row: ReservationRow | None, member_id: int | None) -> ReservationView:
    if row is None or member_id not in (None, row.member_id):
        raise DomainError("reservation_not_found")
    return view_of(row, tx.today)
