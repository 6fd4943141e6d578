"""What tickets do when something happens elsewhere; `core/wiring.py` connects them."""

from core.billing.facts import PaymentReportAsked, PaymentReportConfirmed, PaymentReported, PaymentReportRejected
from core.billing.reports import attach_ticket, get_report
from core.bookings import requests as reservation_requests
from core.bookings.entries import link_ticket
from core.bookings.facts import ReservationRequestDecided, ReservationRequested
from core.db import Tx
from core.dialogue.service import lock_chat_by_id, set_speaker
from core.members.facts import ChatUnlinked
from core.money import format_yen
from core.tickets.chats import hand_back, list_chats_of
from core.tickets.entries import add_bot_entry, save_ticket
from core.tickets.handling import close_ticket
from core.tickets.policy import PAYMENT_REPORT, RESERVATION_REQUEST, next_status
from core.tickets.service import open_ticket
from core.tickets.threads import get_ticket, lock_ticket

REPORT_QUEUE = "accounting"


def on_payment_reported(tx: Tx, fact: PaymentReported) -> None:
    """A payment report is a ticket for accounting (row P3), in the transaction that took the report."""
    report = get_report(tx, report_id=fact.report_id)
    amount = format_yen(report.amount_yen)
    lines = [
        f"お支払報告 {amount}",
        f"振込日 {report.paid_on.isoformat()}",
        f"お名義 {report.payer_name}",
        f"請求書 {report.invoice_no or '指定なし'}",
        report.note,
    ]
    ticket = open_ticket(
        tx,
        kind=PAYMENT_REPORT,
        queue=REPORT_QUEUE,
        subject=" ".join(part for part in ("お支払報告", amount, report.invoice_no) if part),
        body="\n".join(line for line in lines if line),
        member_id=report.member_id,
        chat_id=report.chat_id,
        origin="report",
    )
    attach_ticket(tx, report_id=report.id, ticket_id=ticket.id)


def on_report_asked(tx: Tx, fact: PaymentReportAsked) -> None:
    """The question stands in the thread; from here on the member's words are for staff."""
    ticket_id = get_report(tx, report_id=fact.report_id).ticket_id
    if ticket_id is None:
        return
    chats = list_chats_of(tx, get_ticket(tx, ticket_id=ticket_id))
    for chat_id in chats:
        lock_chat_by_id(tx, chat_id=chat_id)
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    add_bot_entry(tx, ticket_id=ticket_id, body=fact.words, visibility="public")
    answered_at = ticket.answered_at or tx.now
    status = next_status(ticket.status, "reply")
    save_ticket(
        tx,
        ticket._replace(
            status=status, unread=0, touched_at=tx.now, answered_at=answered_at, replied_at=tx.now, solved_at=None
        ),
    )
    if ticket.chat_id is not None and ticket.chat_id in chats:
        set_speaker(tx, chat_id=ticket.chat_id, speaker="human", ticket_id=ticket_id)


def on_report_confirmed(tx: Tx, fact: PaymentReportConfirmed) -> None:
    """The money is there: nothing is left to talk about."""
    _settle(tx, fact.report_id, "入金を確認しました。", visibility="internal")


def on_report_rejected(tx: Tx, fact: PaymentReportRejected) -> None:
    """What the member was told stands in the thread; their next words open it again."""
    _settle(tx, fact.report_id, fact.words, visibility="public")


def on_reservation_requested(tx: Tx, fact: ReservationRequested) -> None:
    """A change or cancel request is a ticket in the profile's queue (row F4), in the transaction that took it."""
    ticket = open_ticket(
        tx,
        kind=RESERVATION_REQUEST,
        queue=fact.queue,
        subject=fact.subject,
        body=fact.body,
        member_id=fact.member_id,
        chat_id=fact.chat_id,
    )
    reservation_requests.attach_ticket(tx, request_id=fact.request_id, ticket_id=ticket.id)
    link_ticket(tx, reservation_id=fact.reservation_id, ticket_id=ticket.id)


def on_reservation_request_decided(tx: Tx, fact: ReservationRequestDecided) -> None:
    """What was decided stands in the thread, and its ticket is solved; the member's next words open it again."""
    ticket_id = reservation_requests.get_request(tx, request_id=fact.request_id).ticket_id
    done = "ご依頼をお受けしました。" if fact.accepted else "ご依頼をお受けできませんでした。"
    _settle_ticket(tx, ticket_id, "\n".join(filter(None, (done, fact.words))), visibility="public")


def on_chat_unlinked(tx: Tx, fact: ChatUnlinked) -> None:
    """Nobody talks about a member's ticket in a chat that is no longer theirs."""
    ticket_id = lock_chat_by_id(tx, chat_id=fact.chat_id).ticket_id
    if ticket_id is not None and get_ticket(tx, ticket_id=ticket_id).member_id == fact.member_id:
        hand_back(tx, chat_id=fact.chat_id, ticket_id=ticket_id, silently=True)


def _settle(tx: Tx, report_id: int, words: str, *, visibility: str) -> None:
    _settle_ticket(tx, get_report(tx, report_id=report_id).ticket_id, words, visibility=visibility)


def _settle_ticket(tx: Tx, ticket_id: int | None, words: str, *, visibility: str) -> None:
    if ticket_id is None:
        return
    for chat_id in list_chats_of(tx, get_ticket(tx, ticket_id=ticket_id)):
        hand_back(tx, chat_id=chat_id, ticket_id=ticket_id)
    add_bot_entry(tx, ticket_id=ticket_id, body=words, visibility=visibility)
    close_ticket(tx, ticket_id=ticket_id, why="settled")
