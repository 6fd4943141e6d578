"""What tickets do when something happens elsewhere; `core/wiring.py` connects them."""

from core.billing.facts import (
    InvoiceVoided,
    PaymentInDoubt,
    PaymentReportAsked,
    PaymentReportConfirmed,
    PaymentReported,
    PaymentReportRejected,
    PaymentReturned,
)
from core.billing.invoices import get_invoice
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
from core.tickets.policy import PAYMENT_NOTICE, PAYMENT_REPORT, RESERVATION_REQUEST, next_status
from core.tickets.service import open_ticket
from core.tickets.threads import TicketView, get_ticket, lock_ticket

REPORT_QUEUE = "accounting"


def on_payment_reported(tx: Tx, fact: PaymentReported) -> None:
    """A payment report is a ticket for accounting (row P3), in the transaction that took the report."""
    report = get_report(tx, report_id=fact.report_id)
    amount = format_yen(report.amount_yen)
    lines = [
        f"お支払報告 {amount}",
        f"振込日 {report.paid_on.isoformat()}",
        f"お振込人 {report.payer_name}",
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


DOUBTS = {
    "amount": "請求額と違う金額のお支払いがありました。仮受金に入れています。",
    "currency": "円以外のお支払いがありました。帳簿には記録していません。決済会社の管理画面で確かめてください。",
    "not_applied": "お支払いはありましたが、契約の延長に使えませんでした。仮受金に入れています。",
}
RETURNS = {
    ("refund", False): "決済会社から返金がありました。契約と請求を確かめてください。",
    ("refund", True): "返金が決済会社で取りやめ（失敗）になりました。",
    ("chargeback", False): "チャージバック（カード会社からの支払い取消）がありました。契約と請求を確かめてください。",
    ("chargeback", True): "チャージバックの取消（当社の主張が認められた）がありました。",
}


def on_payment_in_doubt(tx: Tx, fact: PaymentInDoubt) -> None:
    """Money that nobody asked for in this way is a ticket for accounting (row P4)."""
    paid = format_yen(fact.amount) if fact.currency.lower() == "jpy" else f"{fact.amount} ({fact.currency.upper()})"
    _notice(tx, fact.member_id, fact.invoice_id, "お支払いの確認", [DOUBTS[fact.why], f"金額 {paid}"])


def on_payment_returned(tx: Tx, fact: PaymentReturned) -> None:
    """A refund or chargeback is a ticket for accounting (row P8), once for each step."""
    words = [RETURNS[fact.kind, fact.undone], f"金額 {format_yen(fact.amount_yen)}"]
    if fact.take_back:
        words.append("決まり（after_return = take_back）により、延長を取り消しました。")
    _notice(tx, fact.member_id, fact.invoice_id, "返金・チャージバック", words)


def on_invoice_voided(tx: Tx, fact: InvoiceVoided) -> None:
    """What was ordered on an expiry that is taken back: money may be on its way for it, so accounting knows (row P8)."""
    if fact.reason != "overtaken":
        return
    words = ["契約の延長が取り消されたため、その先の更新の請求書も取り消し、会員にお支払い不要とお知らせしました。"]
    if get_invoice(tx, invoice_id=fact.invoice_id).reported:
        words.append(
            "お支払報告が届いています。入金があれば仮受金になりますので、お支払報告と合わせて確認してください。"
        )
    _notice(tx, fact.member_id, fact.invoice_id, "更新の請求の取り消し", words)


def _notice(tx: Tx, member_id: int, invoice_id: int, title: str, words: list[str]) -> None:
    number = get_invoice(tx, invoice_id=invoice_id).invoice_no
    open_ticket(
        tx,
        kind=PAYMENT_NOTICE,
        queue=REPORT_QUEUE,
        subject=f"{title} {number}",
        body="\n".join([*words, f"請求書 {number}"]),
        member_id=member_id,
        chat_id=None,
        origin="provider",
        by_bot=True,
    )


def on_report_asked(tx: Tx, fact: PaymentReportAsked) -> None:
    """The question stands in the thread; from here on the member's words are for staff."""
    ticket_id = get_report(tx, report_id=fact.report_id).ticket_id
    if ticket_id is None:
        return
    ticket, chats = _say_in_thread(tx, ticket_id, fact.words)
    answered_at = ticket.answered_at or tx.now
    status = next_status(ticket.status, "reply")
    save_ticket(
        tx,
        ticket._replace(
            status=status, unread=0, touched_at=tx.now, answered_at=answered_at, replied_at=tx.now, solved_at=None
        ),
    )
    _listen(tx, ticket, chats)


def _say_in_thread(tx: Tx, ticket_id: int, words: str) -> tuple[TicketView, list[int]]:
    """What accounting said; the locked ticket, and the locked chats where it may be talked about."""
    chats = list_chats_of(tx, get_ticket(tx, ticket_id=ticket_id))
    for chat_id in chats:
        lock_chat_by_id(tx, chat_id=chat_id)
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    add_bot_entry(tx, ticket_id=ticket_id, body=words, visibility="public")
    return ticket, chats


def _listen(tx: Tx, ticket: TicketView, chats: list[int]) -> None:
    """What is written next in the ticket's own chat is for accounting."""
    if ticket.chat_id is not None and ticket.chat_id in chats:
        set_speaker(tx, chat_id=ticket.chat_id, speaker="human", ticket_id=ticket.id)


def on_report_confirmed(tx: Tx, fact: PaymentReportConfirmed) -> None:
    """The money is there: nothing is left to talk about."""
    _settle(tx, fact.report_id, "入金を確認しました。", visibility="internal")


def on_report_rejected(tx: Tx, fact: PaymentReportRejected) -> None:
    """What the member was told stands in the thread, and its ticket is solved. The chat stays with accounting for a day, as
    after staff's own solving: what the member answers to it opens the ticket again.
    """
    ticket_id = get_report(tx, report_id=fact.report_id).ticket_id
    if ticket_id is None:
        return
    ticket, chats = _say_in_thread(tx, ticket_id, fact.words)
    save_ticket(tx, ticket._replace(answered_at=ticket.answered_at or tx.now, replied_at=tx.now))
    close_ticket(tx, ticket_id=ticket_id, why="settled")
    _listen(tx, ticket, chats)


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
