"""What this operator has: an intent that belongs to plans is nothing to a firm without them, and so with reservations."""

from collections.abc import Iterable
from dataclasses import replace

from bot.screens.model import Screen
from core.profiles.model import Profile

OF_PLANS = frozenset(
    {
        "check_expiry", "renew", "auto_renew", "change_plan", "cancel_contract", "new_contract", "order_domain",
        "change_nameservers", "change_whois", "order_ssl", "reminder_settings", "list_unpaid", "pay_invoice",
        "show_payment_number", "cancel_order", "resend_bill", "report_payment",
    }
)  # fmt: skip
OF_BOOKINGS = frozenset(
    {"reservation_status", "new_reservation", "change_reservation", "cancel_reservation", "get_work_report_pdf"}
)


def is_offered(profile: Profile, intent: str) -> bool:
    """Whether the operator has what an intent is about."""
    if intent in OF_PLANS:
        return bool(profile.plans)
    return profile.bookings is not None if intent in OF_BOOKINGS else True


def offered(profile: Profile, intents: Iterable[str]) -> list[str]:
    """Those of some intents that the operator has."""
    return [name for name in intents if is_offered(profile, name)]


def without_missing(profile: Profile, screen: Screen) -> Screen:
    """A screen without the buttons that would lead nowhere here."""
    rows = [
        tuple(button for button in row if is_offered(profile, button.action.removeprefix("intent.")))
        for row in screen.buttons
    ]
    return replace(screen, buttons=tuple(row for row in rows if row))
