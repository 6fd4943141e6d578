"""In which chat a ticket is talked about, and who speaks there."""

from core.db import Tx
from core.dialogue.service import get_chat, lock_chat_by_id, set_speaker
from core.members.linking import is_linked, linked_chats
from core.tickets.threads import TicketView, get_ticket


def hand_back(tx: Tx, *, chat_id: int, ticket_id: int) -> None:
    """The bot speaks again in this chat, if it was this ticket that a person was talking about (ボットに戻す)."""
    if get_chat(tx, chat_id=chat_id).ticket_id == ticket_id:
        set_speaker(tx, chat_id=chat_id, speaker="bot", ticket_id=None)


def _reply_chat(tx: Tx, ticket: TicketView) -> int | None:
    """The ticket's own chat as long as it belongs to the member and can be reached; else another of theirs, or none."""
    if ticket.member_id is None:
        return ticket.chat_id
    chats = linked_chats(tx, member_id=ticket.member_id)
    own = next((chat for chat in chats if chat.chat_id == ticket.chat_id), None)
    best = own if own is not None and own.reachable else next(iter(chats), None)
    if best is not None and not best.reachable and own is not None:
        best = own
    return best.chat_id if best is not None else None


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
        chats |= {chat.chat_id for chat in linked_chats(tx, member_id=ticket.member_id)}
    return sorted(chats)
