"""Contracts and their renewal."""

from collections.abc import Sequence

from bot.screens.invoices import bank_cards, local
from bot.screens.model import Button, Card, Check, Checks, Screen, Tone, answer
from bot.screens.paying import Paying, pay_button
from bot.screens.talk import intent_button, menu_button
from bot.wording import Wording
from core.billing.invoices import InvoiceView
from core.billing.terms import BANK_TRANSFER, totals_of
from core.contracts.quotes import QuotedRenewal, RenewalOrderQuote
from core.contracts.service import ContractView
from core.profiles.model import PaymentMethod, Profile

MOST_CARDS = 6
MOST_CHECKS = 20
TONES: dict[str, Tone] = {"in_grace": "bad", "ended": "plain", "cancelled": "plain", "trial": "plain"}
SOON_DAYS = 14


def plan_name(w: Wording, contract: ContractView) -> str:
    """The plan in the language of the conversation."""
    return contract.plan_name_ja if w.language == "ja" else contract.plan_name_en


def show_left(w: Wording, days: int) -> str:
    """あと9日, 本日まで, 期限切れ 2日."""
    if days == 0:
        return w("contract.left_today")
    return w("contract.left", n=days) if days > 0 else w("contract.left_over", n=-days)


def show_term(w: Wording, months: int) -> str:
    """1か月, 6か月, 1年, 5年."""
    return w("contract.term_years", n=months // 12) if months % 12 == 0 else w("contract.term", n=months)


def contract_card(w: Wording, contract: ContractView) -> Card:
    """Row C1: label, plan, expiry, days left, automatic renewal."""
    state = str(contract.state)
    note = ""
    if contract.open_renewal is not None:
        note = w("contract.note_open", invoice_no=contract.open_renewal.invoice_no)
    elif state == "in_grace" and contract.renewable:
        note = w("contract.note_grace", until=contract.renewable_until)
    tone = TONES.get(state, "warn" if contract.days_left <= SOON_DAYS else "good")
    rows = [
        (w("contract.row_plan"), plan_name(w, contract)),
        (w("contract.row_expiry"), w.date(contract.expires_on)),
    ]
    if state != "ended":
        rows.append((w("contract.row_left"), show_left(w, contract.days_left)))
        rows.append((w("contract.row_auto"), w("contract.auto_on" if contract.auto_renewal else "contract.auto_off")))
    return Card(contract.label, tuple(rows), badge=w(f"contract.badge_{state}"), tone=tone, note=note)


def contract_list(w: Wording, found: Sequence[ContractView], *, page: int, target: str, kind: str) -> Screen:
    """Most urgent first, six at a time."""
    if not found:
        text = w("contract.none_match", target=target) if target else w("contract.none")
        return Screen(
            text, buttons=((intent_button(w, "check_expiry"), intent_button(w, "open_ticket")), menu_button(w))
        )
    start = page * MOST_CARDS
    shown = found[start : start + MOST_CARDS]
    rest = len(found) - start - len(shown)
    rows: list[tuple[Button, ...]] = []
    if rest > 0:
        args = {"page": page + 1, "target": target, "kind": kind}
        rows.append((Button(w("contract.more", n=rest), "contract.list", args),))
    if len(found) == 1 and found[0].renewable:
        label = w("contract.button_renew_this", label=found[0].label)
        rows.append((Button(label, "renew.start", {"contract": found[0].id}, style="primary"),))
    elif any(contract.renewable for contract in found):
        rows.append((intent_button(w, "renew", primary=True),))
    if any(contract.open_renewal for contract in shown):
        rows.append((intent_button(w, "list_unpaid"),))
    text = w("contract.one") if len(found) == 1 else w("contract.list", n=len(found))
    cards = tuple(contract_card(w, contract) for contract in shown)
    return Screen(text, cards=cards, buttons=(*rows, menu_button(w)))


def nothing_to_renew(w: Wording, *, waiting: bool) -> Screen:
    """No contract can be renewed now, or all are ordered already."""
    rows = [(intent_button(w, "list_unpaid", primary=True),)] if waiting else []
    return Screen(
        w("renew.nothing_open" if waiting else "renew.nothing"),
        buttons=(*rows, (intent_button(w, "check_expiry"), intent_button(w, "open_ticket")), menu_button(w)),
    )


def ask_contracts(w: Wording, renewable: Sequence[ContractView], chosen: Sequence[str]) -> Screen:
    """Check marks: one or several."""
    items = tuple(
        Check(
            str(contract.id),
            contract.label,
            hint=w(
                "renew.contract_hint",
                plan=plan_name(w, contract),
                day=contract.expires_on,
                left=show_left(w, contract.days_left),
            ),
            checked=str(contract.id) in chosen,
        )
        for contract in renewable[:MOST_CHECKS]
    )
    submit = Button(w("renew.next"), "form.answer", style="primary")
    return Screen(w("renew.ask_contracts"), checks=Checks(items, submit))


def ask_term(w: Wording, contract: ContractView, priced: Sequence[tuple[int, int]]) -> Screen:
    """The terms offered (months) with what each costs in all, tax included: members always see totals with tax."""
    rows = tuple(
        (answer(w("renew.term_choice", term=show_term(w, months), price=total_yen), months),)
        for months, total_yen in priced
    )
    return Screen(w("renew.ask_term", label=contract.label, day=contract.expires_on), buttons=rows)


def ask_month_end(w: Wording) -> Screen:
    """Row R5."""
    return Screen(
        w("renew.ask_month_end"),
        buttons=((answer(w("renew.month_end_no"), False, primary=True),), (answer(w("renew.month_end_yes"), True),)),
    )


def ask_method(w: Wording, profile: Profile, methods: Sequence[PaymentMethod]) -> Screen:
    """Each method says its fee, tax included, and how long its confirmation takes (row P2)."""
    lines = [_method_line(w, profile, method) for method in methods]
    rows = tuple((answer(w("renew.method_choice", name=local(w, method.name)), method.code),) for method in methods)
    return Screen("\n".join((w("renew.ask_method"), *lines)), buttons=rows)


def _method_line(w: Wording, profile: Profile, method: PaymentMethod) -> str:
    return w(
        "renew.method_line_fee" if method.fee_yen else "renew.method_line",
        name=local(w, method.name),
        fee=totals_of(profile, [method.fee_yen]).total_yen,
        confirmation=local(w, method.confirmation_time),
    )


def _contract_lines(w: Wording, profile: Profile, item: QuotedRenewal) -> Card:
    quote = item.quote
    price_label = "renew.row_price" if profile.price_includes_tax else "renew.row_price_net"
    rows = [
        (w("renew.row_term"), show_term(w, quote.term_months)),
        (w(price_label), w.yen(quote.term_yen)),
    ]
    if quote.daily_days:
        rows.append((w("renew.row_daily", n=quote.daily_days), w.yen(quote.daily_yen)))
    rows.append((w("contract.row_expiry"), w.date(quote.old_expires_on)))
    rows.append((w("renew.row_new_expiry"), w.date(quote.new_expires_on)))
    price = f"{show_term(w, quote.term_months)} {w.yen(item.later_total_yen)}"
    rows.append((w("renew.row_next_price"), price))
    return Card(item.contract.label, tuple(rows), badge=plan_name(w, item.contract))


def confirm(w: Wording, profile: Profile, quote: RenewalOrderQuote, method: PaymentMethod) -> Screen:
    """Row C10: what, period, that it does not renew by itself, fee, tax and total, how and until when to pay, how to cancel."""
    fee_label = "renew.row_fee" if profile.price_includes_tax else "renew.row_fee_net"
    total = Card(
        w("renew.confirm_card"),
        (
            *(((w(fee_label, method=local(w, method.name)), w.yen(quote.fee_yen)),) if quote.fee_yen else ()),
            (w("renew.row_net"), w.yen(quote.net_yen)),
            (w("renew.row_tax", rate=profile.tax_rate_percent), w.yen(quote.tax_yen)),
            (w("renew.row_total"), w.yen(quote.total_yen)),
            *(
                ((w("invoice.row_credit"), w.yen(-quote.credit_yen)), (w("invoice.bank_amount"), w.yen(quote.due_yen)))
                if quote.credit_yen
                else ()
            ),
        ),
        tone="warn",
    )
    text = w(
        "renew.confirm",
        method=local(w, method.name),
        due=quote.due_on,
        confirmation=local(w, method.confirmation_time),
    )
    return Screen(text, cards=(*(_contract_lines(w, profile, item) for item in quote.renewals), total))


def received(w: Wording, invoice: InvoiceView, *, mailed: bool) -> str:
    """Ordered, and that the same went by mail; its number and deadline, unless the card of a payment online says them."""
    key = "renew.done" if invoice.method == BANK_TRANSFER else "renew.done_online"
    lines = [w(key, invoice_no=invoice.invoice_no, due=invoice.due_on)]
    if mailed:
        lines.append(w("renew.done_mailed"))
    return "\n".join(lines)


def done(
    w: Wording, profile: Profile, invoice: InvoiceView, payer: str, *, mailed: bool, paying: Paying | None = None
) -> Screen:
    """Ordered: where to pay, by when, with which number."""
    lines = [received(w, invoice, mailed=mailed)]
    lines.append(
        w(
            "invoice.bank_intro",
            n=len(profile.payment.bank_accounts),
            ref=invoice.payment_ref,
            name=payer,
            confirmation=local(w, profile.method(invoice.method).confirmation_time),
        )
    )
    args = {"invoice": invoice.id}
    buttons = (
        (Button(w("invoice.button_report"), "report.start", args, style="primary"),),
        *(pay_button(w, paying) if paying is not None else ()),
        (Button(w("invoice.button_detail"), "invoice.detail", args),),
        menu_button(w),
    )
    return Screen("\n".join(lines), cards=bank_cards(w, profile, invoice), buttons=buttons)
