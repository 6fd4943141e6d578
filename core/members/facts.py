"""What has happened around members and their chats; `core/wiring.py` and `bot/telling.py` say who listens."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LinkCodeIssued:
    """A 確認ID was made for a real match: the mail to the registered address is owed. Neither is ever logged."""

    code_id: int
    member_id: int
    chat_id: int
    language: str  # of the member
    email: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ChatLinked:
    """A chat was connected with a membership; the member's other chats are told (dialogue-and-desk.md 2.6)."""

    link_id: int
    chat_id: int
    member_id: int


@dataclass(frozen=True, slots=True)
class ChatUnlinked:
    """A chat no longer belongs to a membership; `by` says who ended it."""

    link_id: int
    chat_id: int
    member_id: int
    by: str  # member, staff:ID, system
