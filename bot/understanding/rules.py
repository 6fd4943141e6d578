"""The rules of intents.md that settle doubtful cases, over concepts, after the classifier has spoken."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.understanding.entities import Kind, Masked
from bot.understanding.features import Features
from bot.understanding.names import find_payer

Ranked = list[tuple[str, float]]

SURE = 0.92


@dataclass(frozen=True, slots=True)
class Reading:
    """What a rule looks at: the values, the features, and the classifier's opinion."""

    masked: Masked
    features: Features
    ranked: Ranked
    expecting: str | None

    @property
    def top(self) -> str:
        """The classifier's first choice."""
        return self.ranked[0][0]

    def has(self, *concepts: str) -> bool:
        """Whether all of these concepts were found."""
        return self.features.concepts.issuperset(concepts)

    def any(self, *concepts: str) -> bool:
        """Whether any of these concepts was found."""
        return not self.features.concepts.isdisjoint(concepts)


Verdict = tuple[str, float] | None
_OWN_VALUES = {Kind.INVOICE, Kind.RESERVATION, Kind.TICKET, Kind.CONTRACT, Kind.MEMBER, Kind.DOMAIN}
_OWN_MATTERS = (
    "NOT_ARRIVE", "LINK", "UNLINK", "REMINDER", "TROUBLE", "SITE_DOWN", "NAMESERVER", "TRANSFER_IN", "EVENT",
    "MAIL_ADDRESS", "SERVER", "DOMAIN", "SSL", "WHOIS", "DNS", "HUMAN", "LANGUAGE",
)  # fmt: skip
_PAYING = ("report_payment", "pay_invoice", "payment_status", "payment_history")


def _breaks_the_rules(said: Reading) -> Verdict:
    return ("fallback", SURE) if said.has("INJECTION") else None


def _is_another_firms_matter(said: Reading) -> Verdict:
    if not said.has("FOREIGN"):
        return None
    if said.any(*_OWN_MATTERS) or any(entity.kind in _OWN_VALUES for entity in said.masked.entities):
        return None
    if said.has("PAID") and find_payer(said.masked):
        return None  # the odd word is the payer's name
    return "fallback", SURE


def _bare_cancel(said: Reading) -> Verdict:
    if not said.has("ONLY_CANCEL"):
        return None
    if said.expecting in ("cancel_order", "cancel_reservation", "cancel_event", "cancel_contract"):
        return said.expecting, SURE
    return ("abort", SURE) if said.expecting else ("abort", 0.35)


def _transfer_still_to_come(said: Reading) -> Verdict:
    if said.top not in _PAYING or said.any("PAID", "FAILED", "NOT_YET"):
        return None
    coming = any(entity.tense > 0 for entity in said.masked.of(Kind.DATE))
    return ("pay_invoice", SURE) if said.has("PAY_AHEAD") and (coming or said.top != "payment_history") else None


def _moved_to_another_day(said: Reading) -> Verdict:
    if said.has("TWO_DATES", "CHANGE") and said.any("RESERVATION", "FACILITY", "VISIT", "HAS_RESERVATION"):
        return "change_reservation", SURE
    return None


def _payment_broke_off(said: Reading) -> Verdict:
    if said.has("PAYMENT", "FAILED") and said.top in (
        *_PAYING,
        "open_ticket",
        "change_payment_method",
        "fallback",
        "abort",
    ):
        return "payment_status", SURE
    return None


def _paid_but_not_shown(said: Reading) -> Verdict:
    if said.has("PAID") and said.any("NOT_YET", "UNPAID") and said.top in (*_PAYING, "list_unpaid"):
        return "payment_status", SURE
    return None


def _mail_address(said: Reading) -> Verdict:
    if not said.any("MAIL_ADDRESS", "HAS_EMAIL") or said.any(
        "CONTACT_MANAGE", "BILLING_ADDRESS", "WHOIS", "REMINDER", "NOT_ARRIVE", "RESEND", "BILL_MAIL"
    ):
        return None
    if said.has("CHANGE"):
        return "change_email", SURE
    if said.has("PROFILE") and said.any("SHOW", "QUESTION"):
        return "show_profile", SURE
    return None


def _send_it_again(said: Reading) -> Verdict:
    if (
        said.has("RESEND")
        and said.any("NOT_ARRIVE", "BILL_MAIL", "MAIL", "INVOICE")
        and not said.any("CODE_MAIL", "RECEIPT", "REPORT_DOC")
    ):
        return "resend_bill", SURE
    return None


def _support_matter(said: Reading) -> Verdict:
    if said.any("NAMESERVER", "EVENT", "RESERVATION"):
        return None
    if said.has("RESERVATION") or said.masked.of(Kind.RESERVATION):
        return None
    if said.any("SITE_DOWN", "PRICE_OF") and not said.any("UNPAID", "NOTICE", "WALLET"):
        return "open_ticket", SURE
    return ("open_ticket", SURE) if said.has("DNS") and not said.any("WHOIS", "NOTICE") else None


def _hours_of_the_firm(said: Reading) -> Verdict:
    """営業時間は何時まで: until when the counter works, not until when a contract runs."""
    asked = re.search("営業時間|営業日|受付時間|定休日|opening hours|business hours|office hours", said.features.folded)
    return ("open_ticket", SURE) if asked and said.top in ("check_expiry", "fallback", "show_menu") else None


def _how_much_to_pay(said: Reading) -> Verdict:
    """なんぼ払えばええの: 今いくら払えばいい, as it is said in the west."""
    return ("list_unpaid", SURE) if re.search("なんぼ(?:を|お|ほど)?(?:支)?払", said.features.folded) else None


def _list_of_contracts(said: Reading) -> Verdict:
    return (
        ("check_expiry", SURE)
        if said.has("LIST_CONTRACTS") and said.top in ("show_menu", "show_profile", "list_unpaid", "check_expiry")
        else None
    )


def _renewed_and_paid_so(said: Reading) -> Verdict:
    """The way of paying named with the renewal ("カードで1年更新したい") is a part of the order, not a change."""
    if said.top != "change_payment_method" or not said.has("RENEW") or said.any("CHANGE", "AUTO"):
        return None
    return "renew", SURE


def _answer_to_yes_or_no(said: Reading) -> Verdict:
    if said.expecting != "confirm" or len(said.features.folded) > 14:
        return None
    if said.has("NO") and not said.has("YES"):
        return "decline", SURE
    return ("confirm", SURE) if said.has("YES") and not said.has("NO") else None


_RULES: tuple[Callable[[Reading], Verdict], ...] = (
    _breaks_the_rules, _bare_cancel, _moved_to_another_day, _answer_to_yes_or_no, _is_another_firms_matter, _payment_broke_off,
    _paid_but_not_shown, _transfer_still_to_come, _send_it_again, _mail_address, _support_matter, _list_of_contracts,
    _renewed_and_paid_so, _hours_of_the_firm, _how_much_to_pay,
)  # fmt: skip


def settle(said: Reading) -> Verdict:
    """The verdict of the first rule that has one, else None: then the classifier's opinion stands."""
    for rule in _RULES:
        verdict = rule(said)
        if verdict:
            return verdict
    return None
