"""In which chat a ticket is talked about, and who speaks there."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, literal_column, select

from core.db import Tx
from core.delivery import setaside
from core.dialogue.service import lock_chat_by_id, set_speaker
from core.dialogue.tables import Chat
from core.members.linking import is_linked, linked_chats
from core.statements import Read
from core.tickets.entries import save_ticket
from core.tickets.facts import ChatHandedBack
from core.tickets.tables import Ticket
from core.tickets.threads import TicketView, get_ticket, lock_ticket

HAND_BACK_AFTER = timedelta(hours=24)  # after solving (dialogue-and-desk.md 2.5)
CHUNK = 200
JOB = "tickets"


class _Due(NamedTuple):
    chat_id: int
    ticket_id: int


DUE = Read(
    _Due,
    select(Chat.id, Ticket.id)
    .join(Ticket, Ticket.id == Chat.ticket_id)
    .where(Chat.speaker == literal_column("'human'"), Ticket.status == "solved", Ticket.solved_at <= bindparam("until"))
    .where(setaside.not_set_aside(JOB, Ticket.id))
    .order_by(Chat.id)
    .limit(CHUNK),
)


def hand_back(tx: Tx, *, chat_id: int, ticket_id: int, silently: bool = False) -> bool:
    """The bot speaks again in this chat, if it was this ticket that a person was talking about, and says so once.

    `silently`: the chat is no longer the member's, who is nobody to hear of their ticket.
    """
    chat = lock_chat_by_id(tx, chat_id=chat_id)
    if chat.speaker != "human" or chat.ticket_id != ticket_id:
        return False
    set_speaker(tx, chat_id=chat_id, speaker="bot", ticket_id=None)
    if not silently:
        tx.emit(ChatHandedBack(chat_id, ticket_id, get_ticket(tx, ticket_id=ticket_id).ticket_no))
    return True


def move_talk(tx: Tx, *, ticket_id: int, chat_id: int) -> None:
    """Staff's answer came out in another chat of the member, locked by the caller: what they write there is for this ticket."""
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    if ticket.status != "solved":
        save_ticket(tx, ticket._replace(chat_id=chat_id))
        set_speaker(tx, chat_id=chat_id, speaker="human", ticket_id=ticket_id)


def hand_back_due(tx: Tx) -> int:
    """A day after solving the bot takes its chats back: one chunk, for the clock; how many there were."""
    done = 0
    solved = tx.all(DUE, until=tx.now - HAND_BACK_AFTER, real=tx.real)
    for due in solved:
        with setaside.one(JOB, due.ticket_id):
            lock_chat_by_id(tx, chat_id=due.chat_id)
            if (
                get_ticket(tx, ticket_id=due.ticket_id).status == "solved"
            ):  # asked again under the lock: may be open again
                done += hand_back(tx, chat_id=due.chat_id, ticket_id=due.ticket_id)
    setaside.done(tx, JOB, [due.ticket_id for due in solved])
    return done


def _reply_chat(tx: Tx, ticket: TicketView) -> int | None:
    """The ticket's own chat as long as it belongs to the member and can be reached; else another of theirs, or none."""
    if ticket.member_id is None:
        return ticket.chat_id
    chats = linked_chats(tx, member_id=ticket.member_id)
    own = next((chat for chat in chats if chat.id == ticket.chat_id), None)
    best = own if own is not None and own.reachable else next(iter(chats), None)
    if best is not None and not best.reachable and own is not None:
        best = own
    return best.id if best is not None else None


def lock_reply_chat(tx: Tx, ticket_id: int) -> int | None:
    """Locked before the ticket; asked again under the lock, since a link may have ended in between."""
    chat_id = _reply_chat(tx, get_ticket(tx, ticket_id=ticket_id))
    if chat_id is None:
        return None
    lock_chat_by_id(tx, chat_id=chat_id)
    member_id = get_ticket(tx, ticket_id=ticket_id).member_id
    return chat_id if member_id is None or is_linked(tx, chat_id=chat_id, member_id=member_id) else None


def list_chats_of(tx: Tx, ticket: TicketView) -> list[int]:
    """Where a ticket may have been talked about, in the order to lock them in."""
    chats = {ticket.chat_id} if ticket.chat_id is not None else set()
    if ticket.member_id is not None:
        chats |= {chat.id for chat in linked_chats(tx, member_id=ticket.member_id)}
    return sorted(chats)
