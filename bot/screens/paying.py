"""Paying online: our own link to the payment page, and the numbers for a convenience store (rows P2, P9)."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.screens.invoices import invoice_card, local
from bot.screens.model import Button, Card, Screen
from bot.screens.talk import menu_button
from bot.wording import Wording
from core.billing.attempts import AttemptView
from core.billing.invoices import InvoiceView
from core.profiles.model import PaymentMethod, Profile

STORES = ("familymart", "lawson", "ministop", "seicomart")  # all that Stripe's konbini has; 7-Eleven is not among them


@dataclass(frozen=True, slots=True)
class Paying:
    """How an invoice can be paid online now: our link ("" if it cannot), the methods behind it, a number that waits."""

    url: str = ""
    methods: tuple[PaymentMethod, ...] = ()
    pending: AttemptView | None = None


def pay_button(w: Wording, paying: Paying) -> tuple[tuple[Button, ...], ...]:
    """The row that opens the payment page; none where nothing can be paid online."""
    if not paying.url:
        return ()
    codes = [method.code for method in paying.methods]
    key = f"pay.button_{codes[0]}" if len(codes) == 1 else "pay.button"
    return ((Button(w(key), url=paying.url, style="primary"),),)


def number_cards(w: Wording, attempt: AttemptView) -> tuple[Card, ...]:
    """For each chain: the numbers to type there, and how."""
    cards = []
    for store in STORES:
        given: Mapping[str, str] = attempt.numbers.get(store) or {}
        rows = [
            (w(f"pay.row_{name}_{store}") if w.has(f"pay.row_{name}_{store}") else w(f"pay.row_{name}"), given[name])
            for name in ("payment_code", "confirmation_number")
            if given.get(name)
        ]
        if rows:
            cards.append(Card(w(f"pay.store_{store}"), tuple(rows), note=w(f"pay.steps_{store}")))
    return tuple(cards)


def online(w: Wording, profile: Profile, invoice: InvoiceView, paying: Paying, lead: str = "") -> Screen:
    """An invoice by card or convenience store: our link, or the number again; its card says how much and until when."""
    method = profile.method(invoice.method)
    args = {"invoice": invoice.id}
    rows = (
        *pay_button(w, paying),
        (Button(w("invoice.button_detail"), "invoice.detail", args),),
        menu_button(w),
    )
    if paying.pending is not None and paying.pending.numbers:
        page = ((Button(w("pay.button_page"), url=paying.url),),) if paying.url else ()
        rows = (*page, *rows[-2:])  # the number is here: a button that promises one would make people doubt it
        return _with_number(w, profile, invoice, paying.pending, rows, lead)
    key = "pay.how" if paying.url else "pay.not_now"
    text = w(
        key,
        by=w("pay.by_konbini" if method.code == "konbini" else "pay.by", method=local(w, method.name)),
        method=local(w, method.name),
        confirmation=local(w, method.confirmation_time),
        phone=profile.operator.phone,
    )
    if method.code == "konbini":
        text += "\n" + w("pay.konbini_stores")
    return Screen(f"{lead}\n{text}" if lead else text, cards=(invoice_card(w, invoice),), buttons=rows)


def number_issued(w: Wording, profile: Profile, invoice: InvoiceView, paying: Paying) -> Screen:
    """The number has come: told by itself, as the payment page may be closed already."""
    screen = online(w, profile, invoice, paying)
    return Screen(screen.text, cards=screen.cards, buttons=screen.buttons, fresh=True, kind="money")


def number_expired(w: Wording, invoice: InvoiceView, paying: Paying) -> Screen:
    """Nobody paid with it: how to go on."""
    text = w("pay.expired", invoice_no=invoice.invoice_no, due=invoice.due_on)
    detail = Button(w("invoice.button_detail"), "invoice.detail", {"invoice": invoice.id})
    return Screen(text, buttons=(*pay_button(w, paying), (detail,), menu_button(w)), fresh=True)


def _with_number(
    w: Wording,
    profile: Profile,
    invoice: InvoiceView,
    attempt: AttemptView,
    rows: tuple[tuple[Button, ...], ...],
    lead: str,
) -> Screen:
    until = w.time(attempt.expires_at) if attempt.expires_at is not None else w.date(invoice.due_on)
    text = w(
        "pay.number",
        invoice_no=invoice.invoice_no,
        amount=attempt.amount_yen,
        until=until,
        confirmation=local(w, profile.method(attempt.method).confirmation_time),
    )
    return Screen(f"{lead}\n{text}" if lead else text, cards=number_cards(w, attempt), buttons=rows)
