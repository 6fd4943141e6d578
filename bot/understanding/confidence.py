"""How sure the bot may be: the classifier must always name somebody, the bot need not (dialogue-and-desk.md 2.4)."""

from bot.understanding.entities import Kind, Masked
from bot.understanding.features import Features
from bot.understanding.rules import Ranked
from bot.understanding.slots import SLOTS_OF

_ANCHORLESS = frozenset({
    "WANT", "QUESTION", "SHOW", "NEGATED", "CANNOT", "DOCUMENT", "MINE", "NEW", "LIST", "AVAILABLE", "CHANGE",
    "ADD", "MOVED", "DELETE", "ACQUIRE", "HAS_TERM", "HAS_DATE", "HAS_CONTRACT", "DATE_AHEAD", "DATE_BEHIND",
    "FORGOT", "ANGER", "INJECTION_WEAK",
})  # fmt: skip
"""Concepts that any sentence may hold; alone they are no reason to think that the counter is meant."""
_DIALOGUE = frozenset({"confirm", "decline", "back", "abort", "smalltalk"})
_MATTERS = frozenset({
    "EXPIRY", "CONTRACT", "RENEW", "AUTO", "SERVER", "DOMAIN", "SSL", "OPTION", "MEMBERSHIP", "PLAN", "UPGRADE",
    "TERMINATE", "WITHDRAW", "NAMESERVER", "WHOIS", "UNPAID", "INVOICE", "RECEIPT", "PAYMENT", "PAY_NOW",
    "TRANSFER_MONEY", "BANK_DETAILS", "PAID", "HISTORY", "BILL_MAIL", "MAIL_ADDRESS", "NOT_ARRIVE", "CODE_MAIL",
    "PROFILE", "PASSWORD", "MEMBER_ID", "LINK", "UNLINK", "CONTACT_MANAGE", "BILLING_ADDRESS", "RESERVATION",
    "REPORT_DOC", "RESCHEDULE", "EVENT", "ABSENT", "NOTICE", "REMINDER", "SITE_DOWN", "TROUBLE", "DNS", "TICKET",
    "HUMAN", "WALLET", "APPLICATION", "HAS_INVOICE", "HAS_RESERVATION", "HAS_TICKET", "HAS_DOMAIN", "HAS_AMOUNT",
    "FACILITY",
})  # fmt: skip
"""Concepts of the counter's business."""
_SPEAKS_FOR = {
    "WITHDRAW": "withdraw", "HUMAN": "talk_to_human", "UNLINK": "unlink_account", "NAMESERVER": "change_nameservers",
    "WHOIS": "change_whois", "RECEIPT": "get_receipt_pdf", "CONTACT_MANAGE": "manage_contacts", "AUTO": "auto_renew",
    "BILLING_ADDRESS": "manage_billing_addresses", "REPORT_DOC": "get_work_report_pdf", "PASSWORD": "change_password",
    "RESCHEDULE": "change_reservation", "REMINDER": "reminder_settings", "NOTICE": "show_notices",
    "WALLET": "wallet_balance", "LANGUAGE": "change_language", "ABSENT": "cancel_event",
    "HISTORY": "payment_history", "UNPAID": "list_unpaid",
    "BANK_DETAILS": "show_payment_number", "LIST_CONTRACTS": "check_expiry",
}  # fmt: skip
"""Concepts that nearly always mean one intent."""
_SPOKEN_FOR = 3.0
_LICENCE = {
    Kind.RESERVATION: "reservation_number", Kind.TICKET: "ticket_number",
    Kind.INVOICE: "invoice_number", Kind.MEMBER: "member_id",
}  # fmt: skip
_UNLICENSED = 0.12


def licensed(ranked: Ranked, masked: Masked, features: Features) -> Ranked:
    """What is known beforehand: some concepts speak for one intent, and a printed number for those that can use it
    (R-000123 is hardly ever said about a payment).
    """
    concepts = features.concepts - {"UNPAID"} if "WALLET" in features.concepts else features.concepts
    spoken = {_SPEAKS_FOR[concept] for concept in concepts & _SPEAKS_FOR.keys()}
    ranked = _shares([(name, p * _SPOKEN_FOR if name in spoken else p) for name, p in ranked])
    slots = {_LICENCE[entity.kind] for entity in masked.entities if entity.kind in _LICENCE}
    if not slots:
        return ranked
    return _shares([(name, p if slots & set(SLOTS_OF[name]) else p * _UNLICENSED) for name, p in ranked])


def _shares(weighed: Ranked) -> Ranked:
    total = sum(p for _, p in weighed)
    return sorted(((name, p / total) for name, p in weighed), key=lambda pair: -pair[1])


def tempered(ranked: Ranked, features: Features) -> Ranked:
    """Probabilities lowered where the wording is mostly unknown.

    A text without any concept of the counter's business goes to fallback unless its very wording is well known, one
    with two needs a reason to go there; yes, no, thanks and the like are short and bring no matter of their own.
    """
    matters = features.concepts & _MATTERS
    factor = 0.45 + 0.55 * min(1.0, features.coverage / 0.45)
    if not features.concepts - _ANCHORLESS:
        factor *= 0.6
    reasoned = features.concepts & {"FOREIGN", "INJECTION", "INJECTION_WEAK"}
    own = 0.3 if len(matters) >= 2 and not reasoned else 1.0
    long = len(features.words) > 8 or len(features.folded) - sum(map(len, features.words)) > 22
    small = (0.3 if matters else 1.0) * (0.5 if long and not features.concepts & {"GREETING"} else 1.0)
    weighed = [(name, p * (own if name == "fallback" else small if name in _DIALOGUE else 1.0)) for name, p in ranked]
    total = sum(p for _, p in weighed)
    lowered = [(name, p / total * (1.0 if name == "fallback" else factor)) for name, p in weighed]
    lost = 1.0 - sum(p for _, p in lowered)
    share = lost * (0.4 if matters else 1.0)
    return sorted(((name, p + share if name == "fallback" else p) for name, p in lowered), key=lambda pair: -pair[1])
