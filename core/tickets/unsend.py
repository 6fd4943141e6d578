"""A member took a message back (LINE's unsend): its words and files are blanked wherever we keep them (rows X12, Q2).

Source: LINE asks providers to remove withdrawn content as far as they can; the thread keeps that something was taken back.
"""

from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update

from core.db import Tx
from core.delivery.files import erase_files
from core.dialogue.forms import find_active, save
from core.dialogue.service import blank_message, find_by_ref, list_messages
from core.statements import Read, Write
from core.tickets.editing import forget_versions
from core.tickets.facts import EntryChanged
from core.tickets.tables import Ticket, TicketMessage

NOTE = "（会員が送信を取り消しました）"
LOOKED_AT = 200
LONG_ENOUGH = 4


class _Copy(NamedTuple):
    id: int
    ticket_id: int
    body: str
    files: list[dict[str, Any]]


class _Subject(NamedTuple):
    id: int
    subject: str


SUBJECTS = Read(
    _Subject,
    select(Ticket.id, Ticket.subject)
    .where(Ticket.chat_id == bindparam("chat_id"), Ticket.touched_at >= bindparam("since"))
    .order_by(Ticket.id)
    .limit(LOOKED_AT),
)
SET_SUBJECT = Write(update(Ticket).where(Ticket.id == bindparam("ticket_id")).values(subject=bindparam("new_subject")))
COPIES = Read(
    _Copy,
    select(TicketMessage.id, TicketMessage.ticket_id, TicketMessage.body, TicketMessage.files)
    .join(Ticket, Ticket.id == TicketMessage.ticket_id)
    .where(
        Ticket.chat_id == bindparam("chat_id"), TicketMessage.author == "member", TicketMessage.at >= bindparam("since")
    )
    .order_by(TicketMessage.id)
    .limit(LOOKED_AT),
)
BLANK = Write(
    update(TicketMessage)
    .where(TicketMessage.id == bindparam("message_id"))
    .values(body=bindparam("new_body"), files=bindparam("new_files"))
)


def taken_back(tx: Tx, *, chat_id: int, platform_ref: str) -> bool:
    """Blank the message the platform knows as `platform_ref`; False when there is none (any more). Repeating it is harmless."""
    message = find_by_ref(tx, chat_id=chat_id, platform_ref=platform_ref) if platform_ref else None
    if message is None or message.author != "member" or message.body.get("unsent"):
        return False
    words = str(message.body.get("text") or "").strip()
    gone = {str(file["file_id"]) for file in message.body.get("files") or ()}
    for copy in tx.all(COPIES, chat_id=chat_id, since=message.at):
        kept = [file for file in copy.files if str(file["file_id"]) not in gone]
        body = str(_without(copy.body, words)) if words else copy.body
        if len(kept) < len(copy.files) and not body.strip():
            body = NOTE
        if body != copy.body or len(kept) < len(copy.files):
            tx.run(BLANK, message_id=copy.id, new_body=body, new_files=kept)
            forget_versions(tx, message_id=copy.id)
            tx.emit(EntryChanged(copy.ticket_id, copy.id, "unsent", "member"))
    for ticket in tx.all(SUBJECTS, chat_id=chat_id, since=message.at):
        if words and ticket.subject.rstrip("…").strip() in words:  # the subject is made of the first words
            tx.run(SET_SUBJECT, ticket_id=ticket.id, new_subject=NOTE)
    if words:
        _unquote(tx, chat_id, message.seq, words)
    erase_files(tx, file_ids=[int(file_id) for file_id in gone])
    blank_message(tx, message_id=message.id, chat_id=chat_id, body={"v": 1, "text": NOTE, "unsent": True})
    tx.wake("desk")
    return True


def _unquote(tx: Tx, chat_id: int, seq: int, words: str) -> None:
    """The bot's own bubbles that repeat the words ("you are about to send …"), and the form they were an answer to."""
    for later in list_messages(tx, chat_id=chat_id, after_seq=seq, limit=LOOKED_AT):
        body = _without(later.body, words)
        if later.author == "bot" and body != later.body:
            blank_message(tx, message_id=later.id, chat_id=chat_id, body=body)
    run = find_active(tx, chat_id=chat_id)
    if run is not None and (answers := _without(run.answers, words)) != run.answers:
        save(tx, run._replace(answers=answers))


def _without(value: Any, words: str) -> Any:
    if isinstance(value, str):
        if len(words) < LONG_ENOUGH:  # "1" stands in every amount
            return NOTE if value.strip() == words else value
        return value.replace(words, NOTE)
    if isinstance(value, dict):
        return {key: _without(item, words) for key, item in value.items()}
    return [_without(item, words) for item in value] if isinstance(value, list) else value
