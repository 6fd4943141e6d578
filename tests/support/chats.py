"""Chats for tests."""

import itertools

from core.db import Tx
from core.dialogue.service import ChatView, lock_chat

_addresses = itertools.count(1)


def a_chat(tx: Tx, *, channel: str = "webchat", name: str = "たろう") -> ChatView:
    """A chat of somebody who is not linked yet; each call another one."""
    return lock_chat(
        tx,
        channel=channel,
        account="test",
        address=f"person-{next(_addresses)}",
        hint="ja",
        display_name=name,
        default_language="ja",
    )
