"""The home screen below a chat, where the channel has one (LINE's rich menu): for members another than for guests."""

from bot.deployment import Bot
from core.db import Tx
from core.delivery import outbox
from core.dialogue import service as dialogue

HAS_MENUS = frozenset({"line"})


def owe_menu(tx: Tx, bot: Bot, chat_id: int, state: str) -> None:
    """Owe the menu of a state (guest, member), in the chat's language. Setting the same menu again changes nothing."""
    chat = dialogue.get_chat(tx, chat_id=chat_id)
    if chat.channel not in HAS_MENUS:
        return
    outbox.owe(
        tx,
        channel=chat.channel,
        account=chat.account,
        address=chat.address,
        order_key=f"menu:{chat.id}",
        kind="menu",
        payload={"op": "menu", "state": state, "language": chat.language or chat.hint or bot.profile.language},
        reason=f"{state} menu",
        chat_id=chat.id,
    )
