"""The home screen below a chat, where the channel has one (LINE's rich menu): for members another than for guests."""

from core.db import Tx
from core.delivery import outbox
from core.dialogue import service as dialogue

HAS_MENUS = frozenset({"line"})


def owe_menu(tx: Tx, chat_id: int, state: str, language: str = "") -> None:
    """Owe the menu of a state (guest, member), in the language given or the chat's own."""
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
        payload={"op": "menu", "state": state, "language": language or chat.language or chat.hint},
        reason=f"{state} menu",
        chat_id=chat.id,
    )
