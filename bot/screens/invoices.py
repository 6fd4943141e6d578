"""Invoices, bank details, what was paid."""

from collections.abc import Mapping, Sequence

from bot.screens.model import Button, Card, Screen, Tone
from bot.screens.talk import intent_button, menu_button
from bot.wording import Wording
from core.billing.attempts import AttemptView
from core.billing.invoices import InvoiceView
from core.billing.terms import BANK_TRANSFER
from core.members.service import MemberView
from core.profiles.model import LocalText, Profile

MOST_CARDS = 5
NO_NUMBERS: Mapping[int, AttemptView] = {}


def local(w: Wording, text: LocalText) -> str:
    """A text of the profile in the language of the conversation."""
    return text.text("ja" if w.language == "ja" else "en")


def state_of(w: Wording, invoice: InvoiceView) -> str:
    """お支払い待ち, ご連絡を確認中, お支払い済み …"""
    if invoice.status == "void":
        return w(f"invoice.void_{invoice.void_reason or 'cancelled'}")
    if invoice.status == "paid":
        return w("invoice.paid")
    if invoice.reported:
        return w("invoice.reported")
    return w("invoice.partly") if invoice.open_yen != invoice.total_yen else w("invoice.open")


def _tone(invoice: InvoiceView) -> Tone:
    if invoice.status == "paid":
        return "good"
    return "plain" if invoice.status == "void" or invoice.reported else "warn"


def invoice_card(w: Wording, invoice: InvoiceView, *, full: bool = False) -> Card:
    """One bill as a card; `full` shows its lines and tax."""
    rows: list[tuple[str, str]] = []
    if full:
        rows.extend((line.description, w.yen(line.amount_yen)) for line in invoice.lines)
    rows.append((w("invoice.row_total"), w.yen(invoice.total_yen)))
    if full:
        rows.append((w("invoice.row_tax", rate=invoice.tax_rate), w.yen(invoice.tax_yen)))
    if invoice.credit_used_yen:
        rows.append((w("invoice.row_credit"), w.yen(-invoice.credit_used_yen)))
    if invoice.status == "open":
        if invoice.open_yen != invoice.total_yen:
            rows.append((w("invoice.row_open"), w.yen(invoice.open_yen)))
        rows.append((w("invoice.row_due"), w.date(invoice.due_on)))
    if invoice.paid_on:
        rows.append((w("invoice.row_paid_on"), w.date(invoice.paid_on)))
    return Card(invoice.invoice_no, tuple(rows), badge=state_of(w, invoice), tone=_tone(invoice))


def how_button(invoice: InvoiceView) -> str:
    """What the button that leads to the payment says: bank details, or the way the member chose."""
    return "invoice.button_bank" if _by_transfer(invoice) else "pay.button_how"


def _by_transfer(invoice: InvoiceView) -> bool:
    """Only a transfer is reported: of a payment online the provider tells."""
    return invoice.method == BANK_TRANSFER


def unpaid_list(w: Wording, unpaid: Sequence[InvoiceView]) -> Screen:
    """Row P1: what is owed, each with its next step."""
    if not unpaid:
        return Screen(w("invoice.none"), buttons=((intent_button(w, "check_expiry"),), menu_button(w)))
    rows: list[tuple[Button, ...]] = []
    for invoice in unpaid[:MOST_CARDS]:
        bank, more = w(how_button(invoice)), w("invoice.button_detail")
        if len(unpaid) > 1:
            bank = w("invoice.button_of", button=bank, invoice_no=invoice.invoice_no)
            more = w("invoice.button_of", button=more, invoice_no=invoice.invoice_no)
        rows.append(
            (
                Button(bank, "invoice.bank", {"invoice": invoice.id}, style="primary"),
                Button(more, "invoice.detail", {"invoice": invoice.id}),
            )
        )
    if any(_by_transfer(invoice) for invoice in unpaid):
        rows.append((intent_button(w, "report_payment"),))
    cards = tuple(invoice_card(w, invoice) for invoice in unpaid[:MOST_CARDS])
    total = sum(invoice.open_yen for invoice in unpaid)
    return Screen(w("invoice.list", n=len(unpaid), total=total), cards=cards, buttons=(*rows, menu_button(w)))


def detail(w: Wording, invoice: InvoiceView) -> Screen:
    """One bill, whole."""
    rows: list[tuple[Button, ...]] = []
    if invoice.status == "open":
        args = {"invoice": invoice.id}
        report = (Button(w("invoice.button_report"), "report.start", args),) if _by_transfer(invoice) else ()
        rows = [
            (Button(w(how_button(invoice)), "invoice.bank", args, style="primary"), *report),
            (
                Button(w("invoice.button_resend"), "invoice.resend", args),
                Button(w("invoice.button_cancel"), "invoice.ask_cancel", args, style="quiet"),
            ),
        ]
    card = invoice_card(w, invoice, full=True)
    return Screen(w("invoice.detail", invoice_no=invoice.invoice_no), cards=(card,), buttons=(*rows, menu_button(w)))


KINDS = {"普通": "invoice.kind_ordinary", "当座": "invoice.kind_current"}


def account_kind(w: Wording, kind: str) -> str:
    """普通 and 当座 in the language of the conversation."""
    return w(KINDS[kind]) if kind in KINDS else kind


def bank_cards(w: Wording, profile: Profile, invoice: InvoiceView) -> tuple[Card, ...]:
    """Where to send the money, how much, by when, and the number that finds it again."""
    return tuple(
        Card(
            w("invoice.bank_title", bank=local(w, account.bank)),
            (
                (
                    w("invoice.bank_branch"),
                    w("invoice.branch_value", branch=local(w, account.branch), code=account.branch_code),
                ),
                (w("invoice.bank_kind"), account_kind(w, account.kind)),
                (w("invoice.bank_number"), account.number),
                (w("invoice.bank_holder"), account.holder_kana),
                (w("invoice.bank_amount"), w.yen(invoice.open_yen)),
                (w("invoice.bank_ref"), invoice.payment_ref),
                (w("invoice.bank_due"), w.date(invoice.due_on)),
            ),
        )
        for account in profile.payment.bank_accounts
    )


def bank_details(
    w: Wording,
    profile: Profile,
    invoice: InvoiceView,
    member: MemberView,
    lead: str = "",
    online: tuple[tuple[Button, ...], ...] = (),
) -> Screen:
    """Row P2: bank accounts, reference and deadline, as often as wanted; `online`: the way to the payment page, if any."""
    text = w(
        "invoice.bank_intro",
        n=len(profile.payment.bank_accounts),
        ref=invoice.payment_ref,
        name=member.name_kana or member.name,
        confirmation=local(w, profile.method(invoice.method).confirmation_time),
    )
    args = {"invoice": invoice.id}
    buttons = (
        (Button(w("invoice.button_report"), "report.start", args, style="primary"),),
        *online,
        (Button(w("invoice.button_detail"), "invoice.detail", args),),
        menu_button(w),
    )
    return Screen(f"{lead}\n{text}" if lead else text, cards=bank_cards(w, profile, invoice), buttons=buttons)


def not_open(w: Wording, invoice: InvoiceView) -> Screen:
    """Paid or void: nothing to pay here any more."""
    text = w("invoice.not_open", invoice_no=invoice.invoice_no, state=state_of(w, invoice))
    rows = ((Button(w("invoice.button_detail"), "invoice.detail", {"invoice": invoice.id}),), menu_button(w))
    return Screen(text, buttons=rows)


def cancel_question(w: Wording, invoice: InvoiceView) -> Screen:
    """Asked once, with what it means."""
    buttons = (
        (Button(w("invoice.cancel_yes"), "invoice.cancel", {"invoice": invoice.id}, style="danger"),),
        (Button(w("invoice.cancel_no"), "invoice.detail", {"invoice": invoice.id}),),
    )
    text = w("invoice.cancel_question", invoice_no=invoice.invoice_no, total=invoice.total_yen)
    return Screen(text, buttons=buttons)


def cancelled(w: Wording, invoice: InvoiceView) -> Screen:
    """Done."""
    rows = ((intent_button(w, "renew"), intent_button(w, "list_unpaid")), menu_button(w))
    return Screen(w("invoice.cancelled", invoice_no=invoice.invoice_no), buttons=rows)


def history(w: Wording, paid: Sequence[InvoiceView], *, more_before: int | None) -> Screen:
    """お支払履歴, newest first, in pages."""
    if not paid:
        return Screen(w("invoice.history_none"), buttons=((intent_button(w, "list_unpaid"),), menu_button(w)))
    rows: list[tuple[Button, ...]] = []
    if more_before is not None:
        rows.append((Button(w("invoice.more", n=MOST_CARDS), "invoice.history", {"before": more_before}),))
    cards = tuple(invoice_card(w, invoice) for invoice in paid)
    return Screen(w("invoice.history"), cards=cards, buttons=(*rows, menu_button(w)))


def payment_status(
    w: Wording, profile: Profile, unpaid: Sequence[InvoiceView], pending: Mapping[int, AttemptView] = NO_NUMBERS
) -> Screen:
    """Is my money there? The honest answer, and how long it takes. `pending`: numbers that wait, by invoice id."""
    if not unpaid:
        past = (Button(w("intents.payment_history"), "invoice.history"),)
        return Screen(w("invoice.status_none"), buttons=(past, (intent_button(w, "talk_to_human"),), menu_button(w)))
    parts = [_status(w, profile, invoice, pending.get(invoice.id)) for invoice in unpaid[:MOST_CARDS]]
    by_transfer = any(_by_transfer(invoice) for invoice in unpaid)
    ways = ((intent_button(w, "report_payment"),) if by_transfer else ()) + (intent_button(w, "list_unpaid"),)
    rows = (ways, (intent_button(w, "talk_to_human"),))
    return Screen("\n\n".join(parts), buttons=(*rows, menu_button(w)))


def _status(w: Wording, profile: Profile, invoice: InvoiceView, number: AttemptView | None) -> str:
    method = profile.method(invoice.method if number is None else number.method)
    key = "invoice.status_open" if _by_transfer(invoice) else "pay.status_online"
    if invoice.reported:
        key = "invoice.status_reported"
    elif number is not None:
        key = "pay.status_number"
    return w(
        key,
        invoice_no=invoice.invoice_no,
        total=invoice.open_yen,
        method=local(w, method.name),
        confirmation=local(w, method.confirmation_time),
        until=w.time(number.expires_at) if number is not None and number.expires_at is not None else "",
    )
