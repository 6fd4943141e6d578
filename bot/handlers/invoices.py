"""Unpaid invoices, bank details, history (rows P1, P2, P9 for transfers)."""

from bot.paying import how_to_pay
from bot.registry import Context, Reply, Slots, action, intent
from bot.screens import invoices as screens
from bot.screens.model import Screen
from bot.screens.paying import online, pay_button
from bot.screens.talk import menu_button
from bot.telling import owe_invoice_mails
from core.billing import invoices
from core.billing.attempts import find_pending
from core.billing.invoices import InvoiceView
from core.billing.terms import BANK_TRANSFER
from core.contracts import renewals
from core.errors import DomainError


def _named(c: Context, slots: Slots) -> InvoiceView | None:
    """The invoice that the sentence names; a number of nobody's is said so."""
    number = slots.get("invoice_number")
    if isinstance(number, list):
        number = number[0] if number else None
    if not number:
        return None
    found = invoices.find_invoice_by_no(c.tx, invoice_no=str(number), member_id=c.need_member().id)
    if found is None:
        raise DomainError("invoice_not_found", invoice_no=str(number))
    return found


def _of_button(c: Context, slots: Slots) -> InvoiceView:
    return invoices.get_invoice(c.tx, invoice_id=int(slots["invoice"]), member_id=c.need_member().id)


@intent("list_unpaid")
def list_unpaid(c: Context, slots: Slots) -> Reply:
    """Row P1."""
    return screens.unpaid_list(c.w, invoices.list_unpaid(c.tx, member_id=c.need_member().id))


@intent("pay_invoice", "show_payment_number")
def pay(c: Context, slots: Slots) -> Reply:
    """The bank details of the invoice named, of the only one, or the list to choose from."""
    named = _named(c, slots)
    if named is not None:
        return _bank(c, named)
    unpaid = invoices.list_unpaid(c.tx, member_id=c.need_member().id)
    return _bank(c, unpaid[0]) if len(unpaid) == 1 else screens.unpaid_list(c.w, unpaid)


@action("invoice.bank")
def bank(c: Context, slots: Slots) -> Reply:
    """Bank accounts, reference, deadline: again whenever asked."""
    return _bank(c, _of_button(c, slots))


def _bank(c: Context, invoice: InvoiceView) -> Screen:
    if invoice.status != "open":
        return screens.not_open(c.w, invoice)
    paying = how_to_pay(c.tx, c.bot, invoice)
    if invoice.method != BANK_TRANSFER or paying.pending is not None:
        return online(c.w, c.profile, invoice, paying)
    return screens.bank_details(c.w, c.profile, invoice, c.need_member(), online=pay_button(c.w, paying))


@action("invoice.detail")
def detail(c: Context, slots: Slots) -> Reply:
    """One invoice, whole."""
    return screens.detail(c.w, _of_button(c, slots))


@action("invoice.ask_cancel")
def ask_cancel(c: Context, slots: Slots) -> Reply:
    """申込の取消, asked once."""
    invoice = _of_button(c, slots)
    return screens.cancel_question(c.w, invoice) if invoice.status == "open" else screens.not_open(c.w, invoice)


@intent("cancel_order")
def cancel_order(c: Context, slots: Slots) -> Reply:
    """By sentence: the invoice named or the only one is asked about; else the list."""
    named = _named(c, slots)
    unpaid = [named] if named else invoices.list_unpaid(c.tx, member_id=c.need_member().id)
    if len(unpaid) == 1 and unpaid[0].status == "open":
        return screens.cancel_question(c.w, unpaid[0])
    return screens.unpaid_list(c.w, unpaid)


@action("invoice.cancel")
def cancel(c: Context, slots: Slots) -> Reply:
    """Pressed twice it shows the same: the invoice is void by then."""
    invoice = _of_button(c, slots)
    if invoice.status != "open":
        return screens.not_open(c.w, invoice)
    renewals.cancel_open_renewal(c.tx, member_id=c.need_member().id, invoice_id=invoice.id)
    return screens.cancelled(c.w, invoice)


@action("invoice.resend")
def resend(c: Context, slots: Slots) -> Reply:
    """The billing mail again, to main and sub-address (row P1)."""
    sent = owe_invoice_mails(c.tx, c.bot, _of_button(c, slots), c.need_member(), again=True)
    text = c.w("invoice.resent", n=sent) if sent else c.w("invoice.resent_none")
    return Screen(text, buttons=(menu_button(c.w),))


@intent("resend_bill")
def resend_bill(c: Context, slots: Slots) -> Reply:
    """By sentence: the named or only unpaid one is sent again, else choose."""
    named = _named(c, slots)
    unpaid = [named] if named else invoices.list_unpaid(c.tx, member_id=c.need_member().id)
    if len(unpaid) == 1:
        return resend(c, {"invoice": unpaid[0].id})
    return screens.unpaid_list(c.w, unpaid)


@intent("payment_status")
def payment_status(c: Context, slots: Slots) -> Reply:
    """Seen yet? What is known, and how long the method takes (row P2)."""
    named = _named(c, slots)
    if named is not None and named.status != "open":
        return screens.not_open(c.w, named)
    unpaid = [named] if named else invoices.list_unpaid(c.tx, member_id=c.need_member().id)
    numbers = {invoice.id: find_pending(c.tx, invoice_id=invoice.id) for invoice in unpaid}
    pending = {invoice_id: number for invoice_id, number in numbers.items() if number is not None}
    return screens.payment_status(c.w, c.profile, unpaid, pending)


@intent("payment_history")
@action("invoice.history")
def payment_history(c: Context, slots: Slots) -> Reply:
    """お支払履歴, in pages."""
    before = int(slots["before"]) if slots.get("before") else None
    limit = screens.MOST_CARDS
    paid = invoices.list_invoices(
        c.tx, member_id=c.need_member().id, statuses=("paid",), before_id=before, limit=limit + 1
    )
    return screens.history(c.w, paid[:limit], more_before=paid[limit - 1].id if len(paid) > limit else None)
