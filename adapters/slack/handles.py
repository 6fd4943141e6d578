"""What a button carries: a short opaque handle bound to ticket, act and the revision of the card it stands on.

Signed, not stored: a thread is repainted often. The key comes from the bot token, the same on every replica.
"""

import base64
import hashlib
import hmac
from typing import NamedTuple

_MAC_LENGTH = 16


class Pressed(NamedTuple):
    """What a press asks for. `revision` is the ticket's when the card was drawn; `extra` an id the act is about."""

    ticket_id: int
    action: str
    revision: int
    extra: int = 0


class Handles:
    """Makes and reads handles."""

    def __init__(self, bot_token: str) -> None:
        self._key = hmac.new(bot_token.encode(), b"madoguchi buttons", hashlib.sha256).digest()

    def make(self, ticket_id: int, action: str, revision: int, extra: int = 0) -> str:
        """At most 75 characters (an option of a menu takes 150)."""
        body = f"{ticket_id:x}.{action}.{revision:x}.{extra:x}"
        return f"{body}.{self._mac(body)}"

    def read(self, handle: str) -> Pressed | None:
        """None: not one of ours (any more)."""
        body, _, mac = handle.rpartition(".")
        parts = body.split(".")
        if len(parts) != 4 or not hmac.compare_digest(mac.encode(), self._mac(body).encode()):
            return None
        return Pressed(int(parts[0], 16), parts[1], int(parts[2], 16), int(parts[3], 16))

    def _mac(self, body: str) -> str:
        digest = hmac.new(self._key, body.encode(), hashlib.sha256).digest()
        return base64.b32encode(digest).decode().lower()[:_MAC_LENGTH]
