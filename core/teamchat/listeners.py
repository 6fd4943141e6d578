"""What happens to tickets is shown in their threads: facts count a thread's revision on and owe a look."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from core.billing.facts import PaymentReportAsked, PaymentReportConfirmed, PaymentReportRejected
from core.billing.reports import get_report
from core.db import Listeners, Tx
from core.delivery.facts import DeliverySettled
from core.teamchat.nudges import owe_nudge
from core.teamchat.threads import ALARM, FOLD, add_post, find_thread, set_claimed, touch
from core.tickets.facts import (
    EntryAdded,
    EntryChanged,
    StaffReplied,
    TicketChanged,
    TicketDue,
    TicketOpened,
    TicketReopened,
    TicketSolved,
)
from core.tickets.threads import get_ticket

_HOLDER = frozenset({"claimed", "taken_over", "assigned", "released"})


def listeners(place: str, told: Listeners) -> Listeners:
    """`told` and, after it, this channel of the staff's messenger."""
    table: Mapping[type, Callable[[str, Tx, Any], None]] = {
        TicketOpened: _at_once,
        TicketSolved: _at_once,
        TicketReopened: _at_once,
        TicketChanged: _changed,
        EntryAdded: _entry_added,
        TicketDue: _due,
        EntryChanged: _at_once,
        StaffReplied: _replied,
        DeliverySettled: _settled,
        PaymentReportAsked: _report,
        PaymentReportConfirmed: _report,
        PaymentReportRejected: _report,
    }
    heard = {kind: tuple(those) for kind, those in told.items()}
    for kind, listener in table.items():
        heard[kind] = (*heard.get(kind, ()), partial(listener, place))
    return heard


def _at_once(place: str, tx: Tx, fact: TicketOpened | TicketSolved | TicketReopened | EntryChanged) -> None:
    touch(tx, ticket_id=fact.ticket_id, place=place)


def _changed(place: str, tx: Tx, fact: TicketChanged) -> None:
    touch(tx, ticket_id=fact.ticket_id, place=place)
    if fact.change in _HOLDER:
        _note_holder(tx, fact.ticket_id)


def _due(place: str, tx: Tx, fact: TicketDue) -> None:
    owe_nudge(tx, fact)


def _entry_added(place: str, tx: Tx, fact: EntryAdded) -> None:
    """The member's words a little later: a burst becomes one post."""
    touch(tx, ticket_id=fact.ticket_id, place=place, later=FOLD if fact.author == "member" else timedelta(0))
    if fact.alarming:
        add_post(tx, ticket_id=fact.ticket_id, place=place, kind=ALARM, message_id=fact.message_id)


def _replied(place: str, tx: Tx, fact: StaffReplied) -> None:
    thread = find_thread(tx, ticket_id=fact.ticket_id)
    if thread is not None and thread.claimed_at is None:
        _note_holder(tx, fact.ticket_id)


def _settled(place: str, tx: Tx, fact: DeliverySettled) -> None:
    if find_thread(tx, ticket_id=fact.ticket_id) is not None:
        touch(tx, ticket_id=fact.ticket_id, place=place)


def _report(place: str, tx: Tx, fact: PaymentReportAsked | PaymentReportConfirmed | PaymentReportRejected) -> None:
    ticket_id = get_report(tx, report_id=fact.report_id).ticket_id
    if ticket_id is not None:
        touch(tx, ticket_id=ticket_id, place=place)


def _note_holder(tx: Tx, ticket_id: int) -> None:
    held = get_ticket(tx, ticket_id=ticket_id).assignee_id is not None
    set_claimed(tx, ticket_id=ticket_id, since=tx.now if held else None)
