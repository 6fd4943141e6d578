"""What has happened in tickets; `core/wiring.py` and `bot/telling.py` say who listens."""

from dataclasses import dataclass, field
from datetime import datetime

Files = tuple[dict[str, object], ...]  # as stored: id, name, mime, size_bytes, token


@dataclass(frozen=True, slots=True)
class TicketOpened:
    """A member opened a ticket, or one was opened for them; `previous_no` is the solved ticket it goes on from."""

    ticket_id: int
    ticket_no: str
    kind: str
    queue: str
    member_id: int | None
    chat_id: int | None
    previous_no: str | None = None


@dataclass(frozen=True, slots=True)
class MemberWrote:
    """The member's words are in the thread; staff's pages are told."""

    ticket_id: int
    ticket_no: str
    ticket_message_id: int
    member_id: int | None
    chat_id: int | None
    courtesy: bool


@dataclass(frozen=True, slots=True)
class StaffReplied:
    """Staff's answer, to be owed to `chat_id`; None: the member has no chat any more and gets a mail, or staff are told.

    The recipient is frozen here: what changes later does not re-target the answer.
    """

    ticket_id: int
    ticket_no: str
    ticket_message_id: int
    member_id: int | None
    chat_id: int | None
    staff_id: int
    staff_name: str
    text: str = field(repr=False)
    files: Files = field(repr=False, default=())


@dataclass(frozen=True, slots=True)
class TicketSolved:
    """Staff are done; the bot talks again, and the member is told how to come back."""

    ticket_id: int
    ticket_no: str
    kind: str
    member_id: int | None
    chat_id: int | None
    why: str = "staff"  # staff, settled (what it was about is done), silence, member
    rate: bool = True  # False: staff would rather not have the member asked how it was


@dataclass(frozen=True, slots=True)
class ChatHandedBack:
    """The bot speaks again in a chat where a person was talking (ボットに戻す); it says so once."""

    chat_id: int
    ticket_id: int
    ticket_no: str


@dataclass(frozen=True, slots=True)
class TicketReopened:
    """A solved ticket is open again, by the member's words or by staff."""

    ticket_id: int
    ticket_no: str
    by: str  # member, staff:ID


@dataclass(frozen=True, slots=True)
class TicketChanged:
    """Something that a card shows has changed: claimed, taken_over, released, assigned, priority, snoozed, woken."""

    ticket_id: int
    ticket_no: str
    change: str
    staff_id: int | None  # who did it; None: the clock or the member's words
    revision: int


@dataclass(frozen=True, slots=True)
class EntryAdded:
    """A new entry stands in a ticket's thread, whoever made it: words, an answer, a note, what the product says itself.

    `alarming`: whoever is on duty should see it, not only who follows this ticket (missed, opened again, no way to reach).
    """

    ticket_id: int
    message_id: int
    author: str
    visibility: str
    alarming: bool = False


@dataclass(frozen=True, slots=True)
class EntryChanged:
    """An entry says something else now: edited, removed, or unsent by the member."""

    ticket_id: int
    message_id: int
    change: str
    by: str  # member, staff:ID


@dataclass(frozen=True, slots=True)
class AnswerEdited:
    """Staff changed an answer that went out; the member's bubble follows."""

    ticket_id: int
    ticket_message_id: int
    chat_message_id: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AnswerRemoved:
    """Staff took an answer back that went out."""

    ticket_id: int
    ticket_message_id: int
    chat_message_id: int


@dataclass(frozen=True, slots=True)
class TicketDue:
    """A clock of a ticket needs staff's eye: `stage` half, soon (four fifths are over) or late. Emitted once for each."""

    ticket_id: int
    ticket_no: str
    stage: str  # half, soon, late
    level: str  # first_answer, next_answer, resolution
    due_at: datetime
    queue: str
    priority: str
    assignee_id: int | None


@dataclass(frozen=True, slots=True)
class TicketWentQuiet:
    """The member has not answered for the profile's days: they are asked, once, before the ticket ends at `ends_at`."""

    ticket_id: int
    ticket_no: str
    member_id: int | None
    chat_id: int | None
    ends_at: datetime
