"""What the bot can do, one module a topic. `register_all` fills the tables of `bot.registry`."""

from bot.handlers import (
    basics,
    contracts,
    faq,
    invoices,
    linking,
    reports,
    reservation_requests,
    reservations,
    settings,
    ticket_talk,
    tickets,
)

__all__ = [
    "basics",
    "contracts",
    "faq",
    "invoices",
    "linking",
    "register_all",
    "reports",
    "reservation_requests",
    "reservations",
    "settings",
    "ticket_talk",
    "tickets",
]


def register_all() -> None:
    """Importing the modules has registered what they do; what nobody does gets its honest answer. May be repeated."""
    basics.register_not_here()
