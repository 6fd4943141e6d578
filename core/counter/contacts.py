"""Contact history (コンタクト履歴, row F5): what happened to a reservation and what was said about it in its tickets.

The words of tickets are read where they stand, never copied: an edit, an unsend and an erasure hold here too.
"""

from datetime import datetime
from typing import Any, NamedTuple

from core.bookings.entries import list_events, list_ticket_ids
from core.bookings.requests import list_requests
from core.db import Tx
from core.tickets.threads import list_public_messages


class ContactLine(NamedTuple):
    """One line: an event (`what`, `wanted`), or words with `files` attached."""

    at: datetime
    author: str  # member, staff
    author_name: str
    what: str
    wanted: dict[str, Any]
    words: str
    files: int
    ticket_id: int | None


def list_contacts(tx: Tx, *, reservation_id: int) -> list[ContactLine]:
    """Everything, newest first. Internal notes are never in it; what the product itself noted in a thread neither."""
    lines = [
        ContactLine(
            event.at,
            event.author,
            event.author_name,
            event.what,
            event.wanted if event.author == "member" else {},  # a decision does not say again what was asked for
            event.words,
            0,
            None,
        )
        for event in list_events(tx, reservation_id=reservation_id)
    ]
    of_requests = {request.ticket_id for request in list_requests(tx, reservation_id=reservation_id)}
    for ticket_id in list_ticket_ids(tx, reservation_id=reservation_id):
        messages = list_public_messages(tx, ticket_id=ticket_id)
        if ticket_id in of_requests:
            messages = messages[1:]  # the first is the request itself, which is an event already
        lines += [
            ContactLine(row.at, row.author, row.author_name, "", {}, row.body, len(row.files), ticket_id)
            for row in messages
            if row.author in ("member", "staff")
        ]
    return sorted(lines, key=lambda line: line.at, reverse=True)
