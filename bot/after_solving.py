"""What is said in a chat that is still a person's because its ticket was solved less than a day ago (row Q1).

An ordinary question is answered by the bot and leaves the ticket solved; whatever may be about the ticket opens it again.
"""

import re

from bot.registry import Context
from bot.screens.offers import is_offered
from bot.understanding import Understanding, understand
from bot.understanding.text import normalise
from bot.understanding.urgent import is_urgent
from core.tickets.policy import DECIDED
from core.tickets.threads import get_ticket

_NUMBER = re.compile(r"\bT-?\d", re.IGNORECASE)
SURE = 0.8  # to keep words from staff more is asked than to answer a free sentence
ABOUT_ONESELF = frozenset({"check_expiry", "show_profile", "reminder_settings"})
MONEY_AND_BOOKINGS = frozenset(
    {
        "renew", "list_unpaid", "pay_invoice", "show_payment_number", "payment_history", "report_payment", "resend_bill",
        "reservation_status", "change_reservation", "cancel_reservation",
    }
)  # fmt: skip


def find_own_matter(c: Context) -> Understanding | None:
    """What the words plainly ask of the bot, though the chat is a person's; None: they are for staff.

    Where staff decided something (a payment report, a reservation), words about money and bookings are an answer to it.
    """
    if c.inbound.kind != "text" or c.inbound.files or c.inbound.other or is_urgent(c.inbound.text):
        return None
    ticket = get_ticket(c.tx, ticket_id=c.chat.ticket_id or 0)
    if ticket.status != "solved":
        return None
    meaning = understand(c.inbound.text, today=c.today, lang=c.language)
    able = ABOUT_ONESELF if ticket.kind in DECIDED else ABOUT_ONESELF | MONEY_AND_BOOKINGS
    plain = meaning.intent in able and meaning.confidence >= SURE and is_offered(c.profile, meaning.intent)
    return meaning if plain and not _NUMBER.search(normalise(c.inbound.text)) else None
