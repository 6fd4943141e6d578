"""A sign that a member's words reached staff, while a person is to answer and nobody does (dialogue-and-desk.md 2.5)."""

from datetime import timedelta

from bot.registry import Context
from bot.screens.tickets import RECEIPT
from core.dialogue import service as dialogue
from core.profiles.hours import calendar_of
from core.tickets.composing import composing_until

PAUSE = timedelta(minutes=10)
LOOKED_AT = 30  # of the chat's last bubbles; more than that within a pause is a flood


def is_sign_due(c: Context) -> bool:
    """Once in ten minutes, and never while somebody of staff writes or has answered within them.

    In business hours staff have the ten minutes after anything the bot said, the hand-over too, to answer themselves.
    """
    if composing_until(c.tx, chat_id=c.chat.id) is not None:
        return False
    is_open = calendar_of(c.profile.support.business_hours).is_open(c.tx.now)
    latest = dialogue.list_latest(c.tx, chat_id=c.chat.id, before_seq=c.chat.last_seq, limit=LOOKED_AT)
    recent = [message for message in latest if c.tx.now - message.at < PAUSE and message.author != "member"]
    return not any(is_open or message.author == "staff" or message.kind == RECEIPT for message in recent)
