"""Asked again at sending: is it still wanted, is it a quiet hour? And what happens when the person cannot be reached."""

from datetime import datetime

from bot.instead import send_elsewhere
from core.db import Tx
from core.delivery.ports import Owed
from core.dialogue import service as dialogue
from core.profiles.model import Profile
from core.reminders import bundles

REMINDER = "reminder:"


def ask_again(tx: Tx, profile: Profile, subject_key: str) -> str | datetime | None:
    """None to send, a reason to withdraw, an instant to send later (algorithms.md 8)."""
    if subject_key.startswith(REMINDER):
        return bundles.still_wanted(tx, profile, bundle_id=int(subject_key.removeprefix(REMINDER)))
    return None


def mark_unreachable(tx: Tx, owed: Owed) -> None:
    """The person blocked the bot: other channels are used until they come back, for this message too where there is one."""
    if owed.chat_id is not None:
        dialogue.set_reachable(tx, chat_id=owed.chat_id, reachable=False)
        send_elsewhere(tx, owed, chat_id=owed.chat_id)
    tx.wake("desk")
