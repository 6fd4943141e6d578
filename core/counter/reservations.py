"""Reservations across the counter: staff decide requests and write to the member, the member writes about one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from core.bookings.entries import link_ticket, list_ticket_ids
from core.bookings.requests import (
    RequestView,
    accept_request,
    decline_request,
    find_changed_since,
    get_request,
    list_requests,
    list_requests_of_ticket,
    need_bookings,
)
from core.bookings.service import (
    ReservationFilter,
    ReservationView,
    find_reservation,
    get_reservation,
    list_for_desk,
    lock_reservation,
)
from core.counter.contacts import ContactLine, list_contacts
from core.db import Tx
from core.errors import DomainError
from core.members.audit import record
from core.members.links import lock_chats
from core.members.roles import (
    ActingStaff,
    is_allowed,
    mask_all,
    mask_email,
    mask_name,
    mask_phone,
    mask_text,
    require,
)
from core.members.service import MemberView, get_member, list_members, shown_member
from core.profiles.model import Profile
from core.tickets.service import add_member_message, open_ticket, reply
from core.tickets.threads import TicketView, get_ticket

INQUIRY = "inquiry"


def accept(
    tx: Tx, staff: ActingStaff, *, profile: Profile, request_id: int, words: str, seen_revision: int
) -> RequestView:
    """受け付ける: the member's chats are locked first, since they will be told. Errors: as `accept_request`."""
    require(staff, "decide_request")
    lock_chats(tx, member_id=get_request(tx, request_id=request_id).member_id)
    return accept_request(
        tx, profile=profile, staff=staff, request_id=request_id, words=words, seen_revision=seen_revision
    )


def decline(tx: Tx, staff: ActingStaff, *, request_id: int, words: str) -> RequestView:
    """お断りする. Errors: as `decline_request`."""
    require(staff, "decide_request")
    lock_chats(tx, member_id=get_request(tx, request_id=request_id).member_id)
    return decline_request(tx, staff=staff, request_id=request_id, words=words)


def write_about(
    tx: Tx,
    *,
    profile: Profile,
    member_id: int,
    chat_id: int,
    reservation_id: int,
    text: str,
    files: Sequence[Mapping[str, Any]] = (),
) -> TicketView:
    """A member's words about a reservation: into the ticket about it that is open, else a new one.

    Errors: DomainError `reservation_not_found`, `text_missing`, `text_too_long`.
    """
    reservation = lock_reservation(tx, reservation_id=reservation_id, member_id=member_id)
    under_way = _open_ticket_about(tx, reservation)
    if under_way is not None:
        return add_member_message(tx, ticket_id=under_way.id, text=text, files=files, chat_id=chat_id).ticket
    ticket = open_ticket(
        tx,
        kind=INQUIRY,
        queue=need_bookings(profile).queue,
        subject=subject_of_inquiry(reservation),
        body=text,
        member_id=member_id,
        chat_id=chat_id,
        files=files,
    )
    link_ticket(tx, reservation_id=reservation.id, ticket_id=ticket.id)
    return ticket


def write_to_member(
    tx: Tx, staff: ActingStaff, *, profile: Profile, reservation_no: str, text: str, client_key: str
) -> TicketView:
    """Staff write first (row F5, from either side): in the ticket about the reservation that is open, else in a new one.

    A second press with the same `client_key` sends nothing more. Errors: DomainError `forbidden`, `reservation_not_found`,
    and those of `core.tickets.answers.reply`: `stale` when the member has written in the open ticket.
    """
    require(staff, "reply")
    found = find_reservation(tx, number=reservation_no)
    if found is None:
        raise DomainError("reservation_not_found")
    lock_chats(tx, member_id=found.member_id)
    reservation = lock_reservation(tx, reservation_id=found.id)
    ticket = _open_ticket_about(tx, reservation) or _begin(tx, profile, reservation)
    reply(tx, staff, ticket_id=ticket.id, text=text, client_key=client_key, last_seen_message_id=0)
    return get_ticket(tx, ticket_id=ticket.id)


def _begin(tx: Tx, profile: Profile, reservation: ReservationView) -> TicketView:
    ticket = open_ticket(
        tx,
        kind=INQUIRY,
        queue=need_bookings(profile).queue,
        subject=subject_of_inquiry(reservation),
        body=f"予約 {reservation.reservation_no} について、担当者から連絡を始めました。",
        member_id=reservation.member_id,
        chat_id=None,
        origin="staff",
        by_bot=True,
    )
    link_ticket(tx, reservation_id=reservation.id, ticket_id=ticket.id)
    return ticket


def _open_ticket_about(tx: Tx, reservation: ReservationView) -> TicketView | None:
    found = (get_ticket(tx, ticket_id=each) for each in reversed(list_ticket_ids(tx, reservation_id=reservation.id)))
    return next((ticket for ticket in found if ticket.status != "solved"), None)


def subject_of_inquiry(reservation: ReservationView) -> str:
    """What such a ticket is called in the inbox."""
    return f"予約 {reservation.reservation_no} について"


class ReservationLine(NamedTuple):
    """A reservation and its member, as this role may see them."""

    reservation: ReservationView
    member: MemberView


@dataclass(frozen=True, slots=True)
class RequestSheet:
    """A request beside the reservation: `changed` are the fields that an import or another request has moved since."""

    request: RequestView
    reservation: ReservationView
    changed: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReservationPage:
    """Everything on a reservation's page of the desk."""

    reservation: ReservationView
    member: MemberView
    sheets: tuple[RequestSheet, ...]  # newest first
    contacts: tuple[ContactLine, ...]  # newest first
    tickets: tuple[TicketView, ...]


def list_lines(
    tx: Tx,
    *,
    staff: ActingStaff,
    query: str,
    filters: ReservationFilter,
    requests_only: bool,
    skipped: int,
    limit: int,
) -> list[ReservationLine]:
    """The desk's list: open requests first. Errors: DomainError `forbidden`."""
    found = list_for_desk(
        tx, staff, query=query, filters=filters, requests_only=requests_only, skipped=skipped, limit=limit
    )
    members = {
        member.id: shown_member(staff, member)
        for member in list_members(tx, member_ids=sorted({each.member_id for each in found}))
    }
    return [ReservationLine(shown_reservation(staff, each), members[each.member_id]) for each in found]


def open_page(tx: Tx, *, staff: ActingStaff, reservation_no: str) -> ReservationPage:
    """One reservation with its requests and its contact history; that it was opened is recorded (row Q6).

    Errors: DomainError `forbidden`, `reservation_not_found`.
    """
    require(staff, "view")
    reservation = find_reservation(tx, number=reservation_no)
    if reservation is None:
        raise DomainError("reservation_not_found")
    member = get_member(tx, member_id=reservation.member_id)
    record(
        tx,
        actor_kind="staff",
        actor_id=staff.id,
        action="reservation.viewed",
        subject=f"reservation:{reservation.reservation_no}",
        member_id=member.id,
    )
    names = (member.name, member.name_kana, reservation.contact_name, reservation.billing_name)
    requests = list_requests(tx, reservation_id=reservation.id)
    tickets = [get_ticket(tx, ticket_id=ticket_id) for ticket_id in list_ticket_ids(tx, reservation_id=reservation.id)]
    if not is_allowed(staff.role, "view_unmasked"):
        tickets = [ticket._replace(subject=mask_text(ticket.subject, names=names)) for ticket in tickets]
    return ReservationPage(
        reservation=shown_reservation(staff, reservation),
        member=shown_member(staff, member),
        sheets=tuple(_sheet(tx, staff, request, reservation) for request in requests),
        contacts=tuple(_shown_line(staff, line, names) for line in list_contacts(tx, reservation_id=reservation.id)),
        tickets=tuple(tickets),
    )


def list_request_sheets(tx: Tx, staff: ActingStaff, *, ticket: TicketView) -> list[RequestSheet]:
    """The requests of a ticket beside their reservation; of most tickets none. Errors: DomainError `forbidden`."""
    require(staff, "view")
    return [
        _sheet(tx, staff, request, get_reservation(tx, reservation_id=request.reservation_id))
        for request in list_requests_of_ticket(tx, ticket_id=ticket.id)
    ]


def open_request_sheet(tx: Tx, *, staff: ActingStaff, request_id: int) -> RequestSheet:
    """One request beside its reservation, before it is decided.

    Errors: DomainError `forbidden`, `request_not_found`, `request_decided` (state).
    """
    require(staff, "decide_request")
    request = get_request(tx, request_id=request_id)
    if request.state != "open":
        raise DomainError("request_decided", state=request.state)
    return _sheet(tx, staff, request, get_reservation(tx, reservation_id=request.reservation_id))


def list_open_requests(tx: Tx, *, ticket_id: int) -> list[RequestSheet]:
    """The undecided requests of a ticket, unmasked: for a place that only staff with the right to see members can read."""
    return [
        RequestSheet(
            request, get_reservation(tx, reservation_id=request.reservation_id), find_changed_since(tx, request)
        )
        for request in list_requests_of_ticket(tx, ticket_id=ticket_id)
        if request.state == "open"
    ]


def _sheet(tx: Tx, staff: ActingStaff, request: RequestView, reservation: ReservationView) -> RequestSheet:
    changed = find_changed_since(tx, request) if request.state == "open" else {}
    if not is_allowed(staff.role, "view_unmasked"):
        request = request._replace(note=mask_text(request.note), answer=mask_text(request.answer))
    return RequestSheet(request, shown_reservation(staff, reservation), changed)


def shown_reservation(staff: ActingStaff, reservation: ReservationView) -> ReservationView:
    """The reservation as this role may see it: who it is for and where the bill goes is personal."""
    if is_allowed(staff.role, "view_unmasked"):
        return reservation
    return reservation._replace(
        external_key=None,
        purpose=mask_text(reservation.purpose),
        contact_name=mask_name(reservation.contact_name),
        contact_phone=mask_phone(reservation.contact_phone),
        contact_email=mask_email(reservation.contact_email),
        billing_name=mask_name(reservation.billing_name),
        billing_postal_code=mask_all(reservation.billing_postal_code),
        billing_address=mask_all(reservation.billing_address),
        billing_email=mask_email(reservation.billing_email),
    )


def _shown_line(staff: ActingStaff, line: ContactLine, names: tuple[str, ...]) -> ContactLine:
    if is_allowed(staff.role, "view_unmasked"):
        return line
    author = mask_name(line.author_name) if line.author == "member" else line.author_name
    return line._replace(author_name=author, words=mask_text(line.words, names=names))
