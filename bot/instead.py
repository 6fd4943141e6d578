"""A chat that turns out to be gone while sending: what it was to say goes where its member can be reached.

Only what lies with a mail (`Why.instead`): a question of a form means nothing outside of its chat. Each row is decided when
it is tried, those behind it too: whoever comes back meanwhile gets them in the chat.
"""

from dataclasses import replace
from typing import Any

from bot.forms import park_for_person
from bot.owing import Mail, addresses_of, best_chat, owe_mail
from bot.saying import Why, say_again
from core.db import Tx
from core.delivery import files, outbox
from core.delivery.outbox import DeliveryView
from core.delivery.ports import Owed
from core.dialogue import service as dialogue
from core.dialogue.service import ChatView
from core.members import links
from core.members import service as members
from core.tickets.chats import move_talk
from core.tickets.entries import follow_delivery

MAILED, MOVED = "mailed", "moved"


def send_elsewhere(tx: Tx, owed: Owed, *, chat_id: int) -> None:
    """What a dead row was to say is owed anew, once: in the member's other chat, else by mail; else it stays dead for staff."""
    letter, delivery = owed.payload.get("instead"), outbox.find_delivery(tx, outbox_id=owed.id)
    if letter is None or delivery is None or delivery.member_id is None:
        return
    if not links.is_linked(tx, chat_id=chat_id, member_id=delivery.member_id):
        return
    if not letter:
        outbox.record_elsewhere(tx, outbox_id=owed.id, state=MAILED)
        return
    other = _lock_other(tx, chat_id, delivery.member_id)
    why = Why(
        f"{delivery.reason}: the chat is gone"[:80],
        kind=delivery.kind,
        member_id=delivery.member_id,
        ticket_id=delivery.ticket_id,
        dedupe_key=f"instead:{owed.id}",
    )
    if other is not None:
        _move(tx, owed, delivery, other, replace(why, instead=letter))
    else:
        _mail(tx, delivery, letter, why)


def _lock_other(tx: Tx, chat_id: int, member_id: int) -> ChatView | None:
    """All of the member's chats in the order of their ids: two of them may be found gone at once."""
    for each in sorted({chat_id, *(chat.id for chat in links.linked_chats(tx, member_id=member_id))}):
        dialogue.lock_chat_by_id(tx, chat_id=each)
    return best_chat(tx, member_id)


def _move(tx: Tx, owed: Owed, delivery: DeliveryView, chat: ChatView, why: Why) -> None:
    message = dialogue.find_message_by_id(tx, message_id=owed.message_id) if owed.message_id is not None else None
    if message is None:
        return
    file_ids = [int(file["file_id"]) for file in message.body.get("files", ())]
    files.move_to_chat(tx, file_ids=file_ids, from_chat=message.chat_id, to_chat=chat.id)
    if message.author == "staff":
        park_for_person(tx, chat_id=chat.id)
    chat, outbox_id = say_again(tx, chat, message, why)
    dialogue.set_last_seq(tx, chat_id=chat.id, last_seq=chat.last_seq)
    _follow(tx, delivery, outbox_id, MOVED, chat_id=chat.id)


def _mail(tx: Tx, delivery: DeliveryView, letter: dict[str, Any], why: Why) -> None:
    member = members.get_member(tx, member_id=delivery.member_id or 0)
    mail = Mail(letter["subject"], letter["text"], tuple(letter.get("files", ())))
    owed = [owe_mail(tx, to=address, mail=mail, why=why) for address in addresses_of(member)]
    if owed:
        _follow(tx, delivery, next((each for each in owed if each is not None), None), MAILED)


def _follow(tx: Tx, delivery: DeliveryView, outbox_id: int | None, state: str, *, chat_id: int | None = None) -> None:
    """Staff see at the old row what became of it, and at their answer how the new one fares; the talk goes on there."""
    outbox.record_elsewhere(tx, outbox_id=delivery.id, state=state)
    if outbox_id is None or delivery.ticket_id is None:
        return
    answered = follow_delivery(tx, ticket_id=delivery.ticket_id, before=delivery.id, after=outbox_id)
    if answered and chat_id is not None:
        move_talk(tx, ticket_id=delivery.ticket_id, chat_id=chat_id)
