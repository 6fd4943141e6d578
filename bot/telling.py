"""What the counter tells people by itself: facts of the core become messages owed, in the same transaction.

One table at the end: which fact is told, and how. A member is told in the linked chat they used last, or by mail when there
is none that can be reached; the recipient is frozen here (row X5).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.deployment import Bot
from bot.saying import Why, say, say_as_staff
from bot.screens import invoices as invoice_screens
from bot.screens import reservation_requests as request_screens
from bot.screens import telling as screens
from bot.screens.model import Screen
from bot.screens.offers import without_missing
from bot.wording import Wording
from core.billing import facts as billing
from core.billing import invoices
from core.billing.invoices import InvoiceView
from core.bookings import facts as booking_facts
from core.bookings import service as reservations
from core.contracts import facts as contract_facts
from core.contracts import renewals
from core.contracts import service as contracts
from core.db import Listeners, Tx
from core.delivery import outbox
from core.dialogue import service as dialogue
from core.dialogue.service import ChatView
from core.members import facts as member_facts
from core.members import links
from core.members import service as members
from core.members.service import MemberView
from core.reminders import bundles
from core.reminders import facts as reminder_facts
from core.tickets import entries
from core.tickets import facts as ticket_facts
from core.wiring import LISTENERS

MAIL = "mail"
HAS_MENUS = frozenset({"line"})
ATTACHED_BYTES = 7_000_000  # of all files of a mail: base64 makes a third more of it, and many servers take 10 MB


@dataclass(frozen=True, slots=True)
class Mail:
    """A plain-text mail, with the ids of stored files to attach."""

    subject: str
    text: str
    files: tuple[int, ...] = ()


def owe_mail(tx: Tx, *, to: str, mail: Mail, why: Why) -> int | None:
    """Owe one mail to a frozen address; None when its dedupe key was owed before."""
    return outbox.owe(
        tx,
        channel=MAIL,
        account="",
        address=to,
        order_key=f"mail:{to}",
        kind=why.kind,
        payload={
            "op": "mail",
            "subject": mail.subject,
            "text": mail.text,
            **({"files": list(mail.files)} if mail.files else {}),
        },
        reason=why.reason,
        subject_key=why.subject_key,
        dedupe_key=f"{why.dedupe_key}:{to}" if why.dedupe_key else None,
        member_id=why.member_id,
        ticket_id=why.ticket_id,
    )


def addresses_of(member: MemberView) -> list[str]:
    """Main and sub-address, each once."""
    return list(dict.fromkeys(address for address in (member.email, member.sub_email) if address))


def best_chat(tx: Tx, member_id: int) -> ChatView | None:
    """The reachable chat of the member that was used last."""
    return next((chat for chat in links.linked_chats(tx, member_id=member_id) if chat.reachable), None)


def tell_chat(tx: Tx, bot: Bot, chat_id: int, screen: Callable[[Wording], Screen], why: Why) -> None:
    """One bubble in one chat, in that chat's language."""
    chat = dialogue.lock_chat_by_id(tx, chat_id=chat_id)
    w = bot.wording(chat.language or chat.hint)
    chat = say(tx, chat, without_missing(bot.profile, screen(w)), why)
    dialogue.set_last_seq(tx, chat_id=chat.id, last_seq=chat.last_seq)


def tell_member(
    tx: Tx,
    bot: Bot,
    member: MemberView,
    why: Why,
    *,
    screen: Callable[[Wording], Screen],
    mail: Callable[[Wording], Mail] | None = None,
    always_mail: bool = False,
) -> None:
    """In the chat used last; by mail when there is none, or as well where the matter is to be on paper."""
    chat = best_chat(tx, member.id)
    if chat is not None:
        tell_chat(tx, bot, chat.id, screen, why)
    if mail is not None and (chat is None or always_mail):
        for address in addresses_of(member):
            owe_mail(tx, to=address, mail=mail(bot.wording(member.language)), why=why)


def owe_invoice_mails(tx: Tx, bot: Bot, invoice: InvoiceView, member: MemberView, *, again: bool = False) -> int:
    """Row R7: the bill with bank details to main and sub-address; returns how many."""
    w = bot.wording(member.language)
    mail = Mail(*screens.invoice_mail(w, bot.profile, bot.contact(w.language), invoice, member))
    key = None if again else f"invoice-mail:{invoice.id}"
    why = Why("invoice mail, again" if again else "invoice mail", kind="money", member_id=member.id, dedupe_key=key)
    return sum(owe_mail(tx, to=address, mail=mail, why=why) is not None for address in addresses_of(member))


def _code_issued(bot: Bot, tx: Tx, fact: member_facts.LinkCodeIssued) -> None:
    w = bot.wording(fact.language)
    mail = Mail(*screens.code_mail(w, bot.contact(w.language), fact.code, bot.profile.linking.code_minutes))
    owe_mail(tx, to=fact.email, mail=mail, why=Why("confirmation ID", kind="code", member_id=fact.member_id))


def _chat_linked(bot: Bot, tx: Tx, fact: member_facts.ChatLinked) -> None:
    """The member's other chats hear of it: a stolen mailbox would show here."""
    _owe_menu(tx, bot, fact.chat_id, "member")
    why = Why("another chat was linked", kind="notice", member_id=fact.member_id)
    new = dialogue.get_chat(tx, chat_id=fact.chat_id)
    for chat in links.linked_chats(tx, member_id=fact.member_id):
        if chat.id != fact.chat_id and chat.reachable:
            tell_chat(tx, bot, chat.id, lambda w: screens.other_chat_linked(w, new.channel), why)


def _chat_unlinked(bot: Bot, tx: Tx, fact: member_facts.ChatUnlinked) -> None:
    outbox.cancel_for_unlinked(tx, chat_id=fact.chat_id, member_id=fact.member_id)
    if not links.linked_members(tx, chat_id=fact.chat_id):
        _owe_menu(tx, bot, fact.chat_id, "guest")


def _owe_menu(tx: Tx, bot: Bot, chat_id: int, state: str) -> None:
    """The home screen below the chat, where the channel has one (LINE's rich menu): for members another than for guests."""
    chat = dialogue.get_chat(tx, chat_id=chat_id)
    if chat.channel not in HAS_MENUS:
        return
    outbox.owe(
        tx,
        channel=chat.channel,
        account=chat.account,
        address=chat.address,
        order_key=f"menu:{chat.id}",
        kind="menu",
        payload={"op": "menu", "state": state, "language": chat.language or chat.hint},
        reason=f"{state} menu",
        chat_id=chat.id,
    )


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
    contact = bot.contact(member.language)
    tell_member(
        tx,
        bot,
        member,
        why,
        screen=lambda w: screens.renewed(w, done),
        mail=lambda w: Mail(*screens.renewed_mail(w, contact, member, invoice, done)),
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

    tell_member(tx, bot, member, why, screen=screen, mail=_as_mail(bot, screen))


def _voided(bot: Bot, tx: Tx, fact: billing.InvoiceVoided) -> None:
    """A lapse is told; the member's own cancelling was answered where it was pressed."""
    if fact.reason != "lapsed":
        return
    member = members.get_member(tx, member_id=fact.member_id)
    invoice = invoices.get_invoice(tx, invoice_id=fact.invoice_id)
    why = Why("invoice lapsed", kind="money", member_id=member.id, dedupe_key=f"lapsed:{invoice.id}")
    values: dict[str, Any] = {"invoice_no": invoice.invoice_no, "total": invoice.total_yen}
    _plain(tx, bot, member, why, "tell.lapsed", **values)


def _report_asked(bot: Bot, tx: Tx, fact: billing.PaymentReportAsked) -> None:
    member = members.get_member(tx, member_id=fact.member_id)
    why = Why("question about a report", kind="staff_reply", member_id=member.id)

    def screen(w: Wording) -> Screen:
        return screens.asked(w, fact.words)

    tell_member(tx, bot, member, why, screen=screen, mail=_as_mail(bot, screen))


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
    if contract.open_renewal is None:
        _plain(tx, bot, member, why, "tell.ended", **values)
    else:  # the money may be on its way: it is still taken, and resumes the service
        _plain(tx, bot, member, why, "tell.ended_open", **values, invoice_no=contract.open_renewal.invoice_no)


def _plain(tx: Tx, bot: Bot, member: MemberView, why: Why, key: str, **values: Any) -> None:
    """One paragraph in the chat, the same by mail when there is no chat."""

    def screen(w: Wording) -> Screen:
        return screens.plain(w, key, **values)

    tell_member(tx, bot, member, why, screen=screen, mail=_as_mail(bot, screen))


def _as_mail(bot: Bot, screen: Callable[[Wording], Screen]) -> Callable[[Wording], Mail]:
    def mail(w: Wording) -> Mail:
        text = screen(w).text
        return Mail(
            f"【{bot.operator_name(w.language)}】{text.splitlines()[0][:40]}",
            text + w("tell.mail_footer", **bot.contact(w.language)),
        )

    return mail


def _request_decided(bot: Bot, tx: Tx, fact: booking_facts.ReservationRequestDecided) -> None:
    """Row F4: in the chat, else by mail; the reservation has followed already."""
    member = members.get_member(tx, member_id=fact.member_id)
    reservation = reservations.get_reservation(tx, reservation_id=fact.reservation_id)
    why = Why(
        "reservation request decided",
        kind="staff_reply",
        member_id=member.id,
        dedupe_key=f"request-decided:{fact.request_id}",
    )

    def screen(w: Wording) -> Screen:
        return request_screens.decided(w, bot.profile, reservation, fact.kind, fact.words, accepted=fact.accepted)

    tell_member(tx, bot, member, why, screen=screen, mail=_as_mail(bot, screen))


def _staff_replied(bot: Bot, tx: Tx, fact: ticket_facts.StaffReplied) -> None:
    why = Why(
        "staff's answer",
        kind="staff_reply",
        member_id=fact.member_id,
        ticket_id=fact.ticket_id,
        dedupe_key=f"staff-reply:{fact.ticket_message_id}",
    )
    chat = dialogue.lock_chat_by_id(tx, chat_id=fact.chat_id) if fact.chat_id is not None else None
    member = members.get_member(tx, member_id=fact.member_id) if fact.member_id is not None else None
    addresses = addresses_of(member) if member is not None else []
    outbox_id = None
    if chat is not None and (chat.reachable or not addresses):  # the only way there is: if it fails, staff see that
        chat, outbox_id = say_as_staff(tx, chat, name=fact.staff_name, text=fact.text, files=list(fact.files), why=why)
        dialogue.set_last_seq(tx, chat_id=chat.id, last_seq=chat.last_seq)
    elif member is not None:
        mail = _answer_mail(bot, member, fact)
        owed = [owe_mail(tx, to=address, mail=mail, why=why) for address in addresses]
        outbox_id = next((each for each in owed if each is not None), None)
    if outbox_id is not None:
        entries.record_delivery(tx, message_id=fact.ticket_message_id, outbox_id=outbox_id)
    else:
        entries.add_bot_entry(tx, ticket_id=fact.ticket_id, body=bot.wording(bot.profile.language)("tell.no_way"))


def _answer_mail(bot: Bot, member: MemberView, fact: ticket_facts.StaffReplied) -> Mail:
    w = bot.wording(member.language)
    contact = bot.contact(w.language)
    fits = sum(int(str(file["size_bytes"])) for file in fact.files) <= ATTACHED_BYTES
    said = [fact.text] if fact.text else []
    if fact.files:
        key = "tell.mail_files" if fits else "tell.mail_files_too_large"
        names = "\n".join(f"・{file['name']}" for file in fact.files)
        said.append(w(key, n=len(fact.files), names=names, phone=contact["phone"]))
    said.append(w("tell.staff", name=fact.staff_name) + w("tell.mail_footer", **contact))
    return Mail(
        f"【{bot.operator_name(w.language)}】{fact.ticket_no}",
        "\n\n".join(said),
        tuple(int(str(file["file_id"])) for file in fact.files) if fits else (),
    )


def _ticket_solved(bot: Bot, tx: Tx, fact: ticket_facts.TicketSolved) -> None:
    """Said once where it was talked about; a payment report's end was told with the money."""
    if fact.kind != "inquiry" or fact.chat_id is None:
        return
    if fact.member_id is not None and not links.is_linked(tx, chat_id=fact.chat_id, member_id=fact.member_id):
        return  # the chat is no longer theirs
    why = Why("ticket solved", kind="notice", member_id=fact.member_id, ticket_id=fact.ticket_id)
    tell_chat(tx, bot, fact.chat_id, lambda w: screens.plain(w, "ticket.solved", ticket_no=fact.ticket_no), why)


def _handed_back(bot: Bot, tx: Tx, fact: ticket_facts.ChatHandedBack) -> None:
    why = Why("bot speaks again", kind="notice", ticket_id=fact.ticket_id)
    tell_chat(tx, bot, fact.chat_id, lambda w: screens.plain(w, "ticket.back_to_bot", ticket_no=fact.ticket_no), why)


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
    billing.PaymentReportAsked: _report_asked,
    billing.PaymentReportRejected: _report_rejected,
    contract_facts.ContractsRenewed: _renewed,
    contract_facts.ContractEnded: _contract_ended,
    booking_facts.ReservationRequestDecided: _request_decided,
    ticket_facts.StaffReplied: _staff_replied,
    ticket_facts.TicketSolved: _ticket_solved,
    ticket_facts.ChatHandedBack: _handed_back,
    reminder_facts.RemindersDue: _reminders_due,
}


def listeners(bot: Bot) -> Listeners:
    """The core's own wiring first (what must be true), then what is told."""
    merged: dict[type, list[Callable[[Tx, Any], None]]] = {fact: list(called) for fact, called in LISTENERS.items()}
    for fact, tell in TOLD.items():
        merged.setdefault(fact, []).append(partial(tell, bot))
    return merged
