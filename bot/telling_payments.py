"""What a payment provider's news makes the counter tell its members (rows P4, P8, P9)."""

from bot.deployment import Bot
from bot.owing import as_mail, tell_member
from bot.paying import how_to_pay
from bot.saying import Why
from bot.screens import paying as paying_screens
from bot.screens import telling as screens
from bot.screens.model import Screen
from bot.wording import Wording
from core.billing import facts as billing
from core.billing import invoices
from core.db import Tx
from core.members import service as members

_RETURNED = {
    ("refund", False): "pay.refunded",
    ("refund", True): "pay.refund_undone",
    ("chargeback", False): "pay.charged_back",
    ("chargeback", True): "pay.charge_back_undone",
}


def number_issued(bot: Bot, tx: Tx, fact: billing.PaymentNumberIssued) -> None:
    """The numbers for the store: in the chat and, to have at hand in the shop, by mail; asked for again they are shown again."""
    member = members.get_member(tx, member_id=fact.member_id)
    invoice = invoices.get_invoice(tx, invoice_id=fact.invoice_id)
    paying = how_to_pay(tx, bot, invoice)

    def screen(w: Wording) -> Screen:
        return paying_screens.number_issued(w, bot.profile, invoice, paying)

    why = Why("number for the store", kind="money", member_id=member.id, dedupe_key=f"number:{fact.attempt_id}")
    mail = as_mail(bot, lambda w: _with_cards(screen(w)))
    tell_member(tx, bot, member, why, screen=screen, mail=mail, always_mail=True)


def _with_cards(screen: Screen) -> Screen:
    """A mail has no cards: their rows as lines."""
    lines = [screen.text]
    for card in screen.cards:
        lines += [
            "",
            card.title,
            *(f"{name}: {value}" for name, value in card.rows),
            *([card.note] if card.note else []),
        ]
    return Screen("\n".join(lines))


def number_expired(bot: Bot, tx: Tx, fact: billing.PaymentAttemptExpired) -> None:
    """It ended unpaid; how to go on."""
    member = members.get_member(tx, member_id=fact.member_id)
    invoice = invoices.get_invoice(tx, invoice_id=fact.invoice_id)
    paying = how_to_pay(tx, bot, invoice)

    def screen(w: Wording) -> Screen:
        return paying_screens.number_expired(w, invoice, paying)

    why = Why("number ended", kind="money", member_id=member.id, dedupe_key=f"number-ended:{fact.attempt_id}")
    tell_member(tx, bot, member, why, screen=screen, mail=as_mail(bot, screen))


def returned(bot: Bot, tx: Tx, fact: billing.PaymentReturned) -> None:
    """A refund, a chargeback, or that it did not stay so."""
    member = members.get_member(tx, member_id=fact.member_id)
    invoice = invoices.get_invoice(tx, invoice_id=fact.invoice_id)

    def screen(w: Wording) -> Screen:
        key = _RETURNED[fact.kind, fact.undone]
        return screens.plain(w, key, invoice_no=invoice.invoice_no, amount=fact.amount_yen)

    step = "undone" if fact.undone else "given"
    why = Why(fact.kind, kind="money", member_id=member.id, dedupe_key=f"return:{fact.return_id}:{step}")
    tell_member(tx, bot, member, why, screen=screen, mail=as_mail(bot, screen))
