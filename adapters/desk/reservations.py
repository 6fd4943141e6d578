"""Reservations: the list with open requests first, one with its requests and contact history, accept and decline."""

from functools import partial
from typing import Any

from starlette.responses import Response

from adapters.desk.guards import Refused
from adapters.desk.pages import page_answer
from adapters.desk.reading import (
    field_id,
    number_in_path,
    query_day,
    query_number,
    query_text,
    text_in_path,
    with_query,
)
from adapters.desk.visits import Visit
from bot.screens import reservations as words
from bot.wording import Wording
from core.bookings.policy import Fee, ReservationStatus
from core.bookings.requests import RequestView, fee_of, get_request
from core.bookings.service import ReservationFilter, ReservationView, get_reservation
from core.clock import day_in_japan
from core.counter.reservations import (
    RequestSheet,
    accept,
    decline,
    list_lines,
    open_page,
    open_request_sheet,
    write_to_member,
)
from core.db import Tx
from core.profiles.booking import Bookings
from core.profiles.model import Profile

PAGE_ROWS = 50
STATES = tuple(str(status) for status in ReservationStatus)


def bookings_of(visit: Visit) -> Bookings:
    """The profile's part about reservations. Refused 404 where there is none."""
    if visit.desk.profile.bookings is None:
        raise Refused(404, "not_found")
    return visit.desk.profile.bookings


class Shown:
    """Names and values of reservations in the reader's language, for templates; the bot's own words."""

    def __init__(self, profile: Profile, bookings: Bookings, language: str) -> None:
        self._profile, self._bookings, self._w = profile, bookings, Wording(language)

    def fee(self, sheet: RequestSheet) -> Fee | None:
        """What the cancellation costs that a request asks for; None where nobody can say, or it is none."""
        if sheet.request.kind != "cancel" or sheet.request.state == "declined":
            return None
        return fee_of(self._profile, sheet.reservation, asked_on=day_in_japan(sheet.request.asked_at))

    def facility(self, code: str) -> str:
        """第1会議室."""
        return words.facility_name(self._w, self._bookings, code)

    def category(self, code: str) -> str:
        """会議室・ホール."""
        return words.category_name(self._w, self._bookings, code)

    def when(self, reservation: ReservationView) -> str:
        """2026年12月4日(金) 13:00〜15:00."""
        return words.show_when(self._w, reservation)

    def field(self, category_code: str, code: str) -> str:
        """ご利用人数."""
        return words.field_name(self._w, self._bookings, category_code, code)[1]

    def value(self, category_code: str, code: str, value: Any) -> str:
        """A field's value in words."""
        field, _ = words.field_name(self._w, self._bookings, category_code, code)
        return words.show_value(self._w, self._bookings, field, code, value)


def shown(visit: Visit) -> Shown | None:
    """For pages that may show a reservation; None where the operator has none."""
    bookings = visit.desk.profile.bookings
    return Shown(visit.desk.profile, bookings, visit.texts.language) if bookings is not None else None


async def show_list(visit: Visit) -> Response:
    """Search by number or member, filter by state, facility and day of use; or only those with an open request."""
    bookings = bookings_of(visit)
    given = {name: query_text(visit, name, limit=60) for name in ("q", "state", "facility", "open")}
    begin, end, page = query_day(visit, "from"), query_day(visit, "until"), query_number(visit, "page") or 1
    known = {facility.code for facility in bookings.facilities}
    filters = ReservationFilter(
        states=(given["state"],) if given["state"] in STATES else (),
        facilities=(given["facility"],) if given["facility"] in known else None,
        from_on=begin,
        until_on=end,
    )
    rows = await visit.read(
        partial(
            list_lines,
            staff=visit.staff,
            query=given["q"],
            filters=filters,
            requests_only=given["open"] == "1",
            skipped=(max(page, 1) - 1) * PAGE_ROWS,
            limit=PAGE_ROWS + 1,
        )
    )
    days = {"from": begin.isoformat() if begin else "", "until": end.isoformat() if end else ""}
    return visit.show(
        "reservations.html",
        rows=rows[:PAGE_ROWS],
        given={**given, **days},
        states=STATES,
        facilities=bookings.facilities,
        shown=shown(visit),
        older=with_query(visit, page=page + 1) if len(rows) > PAGE_ROWS else "",
        newer=with_query(visit, page=page - 1) if page > 1 else "",
    )


async def show_one(visit: Visit) -> Response:
    """One reservation. Opening it is recorded."""
    bookings_of(visit)
    page = await visit.write(
        partial(open_page, staff=visit.staff, reservation_no=text_in_path(visit, "reservation_no")),
        name="reservation",
    )
    method = page.reservation.payment_method
    return visit.show(
        "reservation.html",
        page=page,
        reservation=page.reservation,
        shown=shown(visit),
        client_key=visit.new_key(),
        answered_in=next((ticket for ticket in page.tickets[::-1] if ticket.status != "solved"), None),
        method=words.method_name(Wording(visit.texts.language), visit.desk.profile, method) or "–",
    )


async def write_to(visit: Visit) -> Response:
    """会員に連絡する: staff write first. A second press sends nothing more."""
    reservation_no, form = text_in_path(visit, "reservation_no"), visit.need_form()
    key = form.text("client_key", limit=60)
    if not key:
        raise Refused(400, "bad_form")

    def work(tx: Tx) -> str:
        ticket = write_to_member(
            tx,
            visit.staff,
            profile=visit.desk.profile,
            reservation_no=reservation_no,
            text=form.text("text", limit=20_000),
            client_key=key,
        )
        return f"/desk/tickets/{ticket.ticket_no}"

    return visit.go(await visit.write(work, name="write_about_reservation"), done="replied")


async def preview_accepting(visit: Visit) -> Response:
    """What accepting would do, before it does: new times, the fee, what was paid. Nothing is written."""
    request_id = number_in_path(visit, "request_id")
    seen = field_id(visit.query_form(), "revision")
    if seen is None:
        raise Refused(400, "bad_form")

    sheet = await visit.read(partial(open_request_sheet, staff=visit.staff, request_id=request_id))
    values: dict[str, Any] = {
        "sheet": sheet,
        "shown": shown(visit),
        "seen": seen,
        "back": f"/desk/reservations/{sheet.reservation.reservation_no}",
    }
    if visit.scripted:
        return page_answer(visit.draw("accepting.html", values))
    return visit.show("accepting_page.html", **values)


async def accept_it(visit: Visit) -> Response:
    """受け付ける: the reservation follows, the member is told. A second press changes nothing."""
    request_id, form = number_in_path(visit, "request_id"), visit.need_form()
    seen = field_id(form, "revision")
    if seen is None:
        raise Refused(400, "bad_form")

    def work(tx: Tx) -> str:
        request = accept(
            tx,
            visit.staff,
            profile=visit.desk.profile,
            request_id=request_id,
            words=form.text("words", limit=1_000),
            seen_revision=seen,
        )
        return _back(tx, request)

    return visit.go(await visit.write(work, name="accept_request"), done="request_accepted")


async def decline_it(visit: Visit) -> Response:
    """お断りする, with the reason."""
    request_id, words_ = number_in_path(visit, "request_id"), visit.need_form().text("words", limit=1_000)

    def work(tx: Tx) -> str:
        return _back(tx, decline(tx, visit.staff, request_id=request_id, words=words_))

    return visit.go(await visit.write(work, name="decline_request"), done="request_declined")


def _back(tx: Tx, request: RequestView) -> str:
    request = get_request(tx, request_id=request.id)
    reservation = get_reservation(tx, reservation_id=request.reservation_id)
    return f"/desk/reservations/{reservation.reservation_no}"
