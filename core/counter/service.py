"""Small things every act at the counter needs."""

from core.db import Tx
from core.dialogue.service import ChatView, lock_chat_by_id
from core.members.linking import linked_chats


def lock_chats(tx: Tx, *, member_id: int, also: int | None = None) -> list[ChatView]:
    """Lock all chats of a member (and the chat `also`), in the order of their ids.

    Whoever will tell a member something locks their chats before anything else: a turn of the chat locks in the same
    order (chat, member, contract, invoice), so the two can wait for each other but never both.
    """
    chat_ids = {chat.id for chat in linked_chats(tx, member_id=member_id)}
    if also is not None:
        chat_ids.add(also)
    return [lock_chat_by_id(tx, chat_id=chat_id) for chat_id in sorted(chat_ids)]
