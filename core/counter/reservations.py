"""Reservations across the counter: staff decide requests and write to the member, the member writes about one."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.bookings.entries import link_ticket, list_ticket_ids
from core.bookings.requests import RequestView, accept_request, decline_request, get_request, need_bookings
from core.bookings.service import ReservationView, get_reservation, lock_reservation
from core.counter.service import lock_chats
from core.db import Tx
from core.members.roles import ActingStaff, require
from core.profiles.model import Profile
from core.tickets.service import add_member_message, open_ticket
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
    for ticket_id in reversed(list_ticket_ids(tx, reservation_id=reservation.id)):
        if get_ticket(tx, ticket_id=ticket_id).status != "solved":
            return add_member_message(tx, ticket_id=ticket_id, text=text, files=files, chat_id=chat_id).ticket
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


def subject_of_inquiry(reservation: ReservationView) -> str:
    """What such a ticket is called in the inbox."""
    return f"予約 {reservation.reservation_no} について"


def reservation_of(tx: Tx, request: RequestView) -> ReservationView:
    """The reservation that a request is about."""
    return get_reservation(tx, reservation_id=request.reservation_id)
