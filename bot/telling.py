"""What the counter tells people by itself: facts of the core become messages owed, in the same transaction.

One table at the end: which fact is told, and how. A member is told in the linked chat they used last, or by mail when there
is none that can be reached; the recipient is frozen here (row X5).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from bot import telling_bookings, telling_payments, telling_tickets
from bot.deployment import Bot
from bot.forms import park_for_person
from bot.home_menu import owe_menu
from bot.owing import Mail, addresses_of, as_mail, owe_mail, tell_chat, tell_member
from bot.paying import how_to_pay
from bot.saying import Why
from bot.screens import invoices as invoice_screens
from bot.screens import telling as screens
from bot.screens.model import Screen
from bot.wording import Wording
from core import wiring
from core.billing import facts as billing
from core.billing import invoices, reports
from core.billing.attempts import PROVIDER_OF
from core.billing.invoices import InvoiceView
from core.billing.terms import BANK_TRANSFER
from core.bookings import facts as booking_facts
from core.contracts import facts as contract_facts
from core.contracts import renewals
from core.contracts import service as contracts
from core.db import Listeners, Tx
from core.delivery import outbox
from core.dialogue import service as dialogue
from core.members import facts as member_facts
from core.members import links
from core.members import service as members
from core.members.service import MemberView
from core.reminders import bundles
from core.reminders import facts as reminder_facts
from core.tickets import facts as ticket_facts


def owe_invoice_mails(tx: Tx, bot: Bot, invoice: InvoiceView, member: MemberView, *, again: bool = False) -> int:
    """Row R7: the bill with bank details to main and sub-address; returns how many."""
    w = bot.wording(member.language)
    paying = how_to_pay(tx, bot, invoice)
    mail = Mail(*screens.invoice_mail(w, bot.profile, bot.contact(w.language), invoice, member, paying))
    key = None if again else f"invoice-mail:{invoice.id}"
    why = Why("invoice mail, again" if again else "invoice mail", kind="money", member_id=member.id, dedupe_key=key)
    return sum(owe_mail(tx, to=address, mail=mail, why=why) is not None for address in addresses_of(member))


def _code_issued(bot: Bot, tx: Tx, fact: member_facts.LinkCodeIssued) -> None:
    w = bot.wording(fact.language)
    mail = Mail(*screens.code_mail(w, bot.contact(w.language), fact.code, bot.profile.linking.code_minutes))
    owe_mail(tx, to=fact.email, mail=mail, why=Why("confirmation ID", kind="code", member_id=fact.member_id))


def _chat_linked(bot: Bot, tx: Tx, fact: member_facts.ChatLinked) -> None:
    """The member's other chats hear of it: a stolen mailbox would show here."""
    owe_menu(tx, bot, fact.chat_id, "member")
    why = Why("another chat was linked", kind="notice", member_id=fact.member_id)
    new = dialogue.get_chat(tx, chat_id=fact.chat_id)
    for chat in links.linked_chats(tx, member_id=fact.member_id):
        if chat.id != fact.chat_id and chat.reachable:
            tell_chat(tx, bot, chat.id, lambda w: screens.other_chat_linked(w, new.channel), why)


def _chat_unlinked(bot: Bot, tx: Tx, fact: member_facts.ChatUnlinked) -> None:
    outbox.cancel_for_unlinked(tx, chat_id=fact.chat_id, member_id=fact.member_id)
    if not links.linked_members(tx, chat_id=fact.chat_id):
        owe_menu(tx, bot, fact.chat_id, "guest")


def _invoice_issued(bot: Bot, tx: Tx, fact: billing.InvoiceIssued) -> None:
    invoice = invoices.get_invoice(tx, invoice_id=fact.invoice_id)
    if invoice.open_yen == 0:
        return  # credit has paid it: the renewal's own mail follows, and nothing is asked for
    owe_invoice_mails(tx, bot, invoice, members.get_member(tx, member_id=fact.member_id))


def _renewed(bot: Bot, tx: Tx, fact: contract_facts.ContractsRenewed) -> None:
    member = members.get_member(tx, member_id=fact.member_id)
    invoice = invoices.get_invoice(tx, invoice_id=fact.invoice_id)
    done = renewals.list_renewals(tx, invoice_id=fact.invoice_id)
    why = Why("payment confirmed", kind="money", member_id=member.id, dedupe_key=f"renewed:{fact.invoice_id}")
    contact, online = bot.contact(member.language), invoice.method in PROVIDER_OF
    tell_member(
        tx,
        bot,
        member,
        why,
        screen=lambda w: screens.renewed(w, done, online=online),
        mail=lambda w: Mail(*screens.renewed_mail(w, contact, member, invoice, done, online=online)),
        always_mail=True,
    )


def _partly_paid(bot: Bot, tx: Tx, fact: billing.InvoicePartlyPaid) -> None:
    member = members.get_member(tx, member_id=fact.member_id)
    invoice = invoices.get_invoice(tx, invoice_id=fact.invoice_id)
    why = Why("part of the money came", kind="money", member_id=member.id, dedupe_key=f"partly:{fact.payment_id}")
    _plain(tx, bot, member, why, "tell.partly", invoice_no=invoice.invoice_no, still=fact.still_due_yen)


def _credit_gained(bot: Bot, tx: Tx, fact: billing.CreditGained) -> None:
    member = members.get_member(tx, member_id=fact.member_id)
    _plain(tx, bot, member, Why("credit", kind="money", member_id=member.id), "tell.credit", amount=fact.credit_yen)


def _credit_used(bot: Bot, tx: Tx, fact: billing.CreditUsed) -> None:
    member = members.get_member(tx, member_id=fact.member_id)
    invoice = invoices.get_invoice(tx, invoice_id=fact.invoice_id)
    why = Why("credit used", kind="money", member_id=member.id, dedupe_key=f"credit-used:{invoice.id}")
    _plain(tx, bot, member, why, "tell.credit_used", invoice_no=invoice.invoice_no, amount=fact.used_yen)


def _suspense(bot: Bot, tx: Tx, fact: billing.MoneyInSuspense) -> None:
    tx.wake("desk")
    member = members.get_member(tx, member_id=fact.member_id)
    invoice = invoices.get_invoice(tx, invoice_id=fact.invoice_id)
    why = Why("late money", kind="money", member_id=member.id, dedupe_key=f"suspense:{fact.payment_id}")

    def screen(w: Wording) -> Screen:
        return screens.plain(
            w, "tell.suspense", invoice_no=invoice.invoice_no, state=invoice_screens.state_of(w, invoice)
        )

    tell_member(tx, bot, member, why, screen=screen, mail=as_mail(bot, screen))


VOIDED = {"lapsed": "tell.lapsed", "withdrawn": "tell.withdrawn", "overtaken": "tell.overtaken"}


def _voided(bot: Bot, tx: Tx, fact: billing.InvoiceVoided) -> None:
    """Told, but for the member's own cancelling, which was answered where it was pressed."""
    told = VOIDED.get(fact.reason)
    if told is None:
        return
    member = members.get_member(tx, member_id=fact.member_id)
    invoice = invoices.get_invoice(tx, invoice_id=fact.invoice_id)
    why = Why(f"invoice {fact.reason}", kind="money", member_id=member.id, dedupe_key=f"{fact.reason}:{invoice.id}")
    values: dict[str, Any] = {"invoice_no": invoice.invoice_no, "total": invoice.total_yen, "words": fact.words}
    _plain(tx, bot, member, why, told, **values)


def _report_asked(bot: Bot, tx: Tx, fact: billing.PaymentReportAsked) -> None:
    member = members.get_member(tx, member_id=fact.member_id)
    report = reports.get_report(tx, report_id=fact.report_id)
    why = Why("question about a report", kind="staff_reply", member_id=member.id, ticket_id=report.ticket_id)

    def screen(w: Wording) -> Screen:
        return screens.asked(w, fact.words)

    if report.chat_id is not None:
        park_for_person(tx, chat_id=report.chat_id)
    tell_member(tx, bot, member, why, screen=screen, mail=as_mail(bot, screen))


def _report_rejected(bot: Bot, tx: Tx, fact: billing.PaymentReportRejected) -> None:
    member = members.get_member(tx, member_id=fact.member_id)
    why = Why("report rejected", kind="staff_reply", member_id=member.id, dedupe_key=f"rejected:{fact.report_id}")
    _plain(tx, bot, member, why, "tell.rejected", words=fact.words)


def _contract_ended(bot: Bot, tx: Tx, fact: contract_facts.ContractEnded) -> None:
    contract = contracts.get_contract(tx, profile=bot.profile, contract_id=fact.contract_id)
    member = members.get_member(tx, member_id=contract.member_id)
    why = Why(
        "contract ended",
        kind="notice",
        member_id=member.id,
        dedupe_key=f"ended:{contract.id}:{contract.expires_on}",
    )
    values: dict[str, Any] = {"label": contract.label, "day": contract.expires_on}
    if contract.open_renewal is not None:  # the money may be on its way: it is still taken, and resumes the service
        invoice = invoices.get_invoice(tx, invoice_id=contract.open_renewal.invoice_id)
        key = "tell.ended_open" if invoice.method == BANK_TRANSFER else "tell.ended_open_online"
        _plain(tx, bot, member, why, key, **values, invoice_no=invoice.invoice_no)
    elif fact.renewable_until > contract.expires_on:  # it could be renewed since: that, not the use, is over today
        _plain(tx, bot, member, why, "tell.ended_window", **values, until=fact.renewable_until)
    else:
        _plain(tx, bot, member, why, "tell.ended", **values)


def _plain(tx: Tx, bot: Bot, member: MemberView, why: Why, key: str, **values: Any) -> None:
    """One paragraph in the chat, the same by mail when there is no chat."""

    def screen(w: Wording) -> Screen:
        return screens.plain(w, key, **values)

    tell_member(tx, bot, member, why, screen=screen, mail=as_mail(bot, screen))


def _reminders_due(bot: Bot, tx: Tx, fact: reminder_facts.RemindersDue) -> None:
    """Row R2: in the chat, else by mail; to main and sub-address as well, since a renewal forgotten is a server gone."""
    bundle = bundles.view_bundle(tx, bot.profile, bundle_id=fact.bundle_id)
    member = members.get_member(tx, member_id=fact.member_id)
    key = f"reminder:{fact.bundle_id}"
    why = Why("reminder", kind="reminder", member_id=member.id, subject_key=key, dedupe_key=key)
    tell_member(
        tx,
        bot,
        member,
        why,
        screen=lambda w: screens.reminder(w, bot.profile, bot.operator_name(w.language), bundle),
        mail=lambda w: Mail(*screens.reminder_mail(w, bot.profile, bot.contact(w.language), member, bundle)),
        always_mail=True,
    )


TOLD: dict[type, Callable[[Bot, Tx, Any], None]] = {
    member_facts.LinkCodeIssued: _code_issued,
    member_facts.ChatLinked: _chat_linked,
    member_facts.ChatUnlinked: _chat_unlinked,
    billing.InvoiceIssued: _invoice_issued,
    billing.InvoicePartlyPaid: _partly_paid,
    billing.InvoiceVoided: _voided,
    billing.CreditGained: _credit_gained,
    billing.CreditUsed: _credit_used,
    billing.MoneyInSuspense: _suspense,
    billing.PaymentNumberIssued: telling_payments.number_issued,
    billing.PaymentAttemptExpired: telling_payments.number_expired,
    billing.PaymentReturned: telling_payments.returned,
    billing.PaymentReportAsked: _report_asked,
    billing.PaymentReportRejected: _report_rejected,
    contract_facts.ContractsRenewed: _renewed,
    contract_facts.ContractEnded: _contract_ended,
    booking_facts.ReservationRequestDecided: telling_bookings.request_decided,
    ticket_facts.StaffReplied: telling_tickets.staff_replied,
    ticket_facts.AnswerEdited: telling_tickets.answer_edited,
    ticket_facts.AnswerRemoved: telling_tickets.answer_removed,
    ticket_facts.TicketSolved: telling_tickets.ticket_solved,
    ticket_facts.TicketDue: telling_tickets.ticket_due,
    ticket_facts.TicketWentQuiet: telling_tickets.went_quiet,
    ticket_facts.ChatHandedBack: telling_tickets.handed_back,
    reminder_facts.RemindersDue: _reminders_due,
}


def listeners(bot: Bot) -> Listeners:
    """The core's own wiring first (what must be true), then what is told."""
    merged = wiring.listeners(bot.profile)
    for fact, tell in TOLD.items():
        merged.setdefault(fact, []).append(partial(tell, bot))
    return merged
