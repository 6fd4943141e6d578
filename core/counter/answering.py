"""Staff answer in a ticket, with files; and the thread by the number people read."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.db import Tx
from core.delivery.files import FileView, store_file
from core.errors import DomainError
from core.members.roles import ActingStaff, require
from core.tickets.chats import lock_reply_chat
from core.tickets.service import note, reply
from core.tickets.threads import BY_CLIENT_KEY, Thread, TicketMessageView, find_ticket, thread


@dataclass(frozen=True, slots=True)
class Upload:
    """A file chosen in the answer box, not stored yet."""

    name: str
    mime: str
    content: bytes = field(repr=False)


def find_thread(tx: Tx, staff: ActingStaff, *, ticket_no: str) -> Thread:
    """The thread of a number. Errors: DomainError `forbidden`, `ticket_unknown`."""
    require(staff, "view")
    ticket = find_ticket(tx, ticket_no=ticket_no)
    if ticket is None:
        raise DomainError("ticket_unknown")
    return thread(tx, staff, ticket_id=ticket.id)


def reply_with_files(
    tx: Tx,
    staff: ActingStaff,
    *,
    ticket_id: int,
    internal: bool,
    text: str,
    uploads: Sequence[Upload],
    client_key: str,
    last_seen_message_id: int,
) -> TicketMessageView:
    """An answer or (internal) a note with its files, all in one transaction: what is refused stores no file.

    A second press with the same key stores nothing again. Errors: as `core.tickets.service.reply` and `note`, and
    `file_too_large`, `file_empty`.
    """
    require(staff, "note" if internal else "reply")
    first = tx.first(BY_CLIENT_KEY, client_key=f"{staff.id}:{client_key}")
    if first is not None and first.ticket_id == ticket_id and first.body == text.strip():
        return first
    chat_id = None if internal else lock_reply_chat(tx, ticket_id)  # where the answer goes: only there the file opens
    files = [_store(tx, chat_id, upload) for upload in uploads]
    if internal:
        return note(tx, staff, ticket_id=ticket_id, text=text, files=files, client_key=client_key)
    return reply(
        tx,
        staff,
        ticket_id=ticket_id,
        text=text,
        files=files,
        client_key=client_key,
        last_seen_message_id=last_seen_message_id,
    )


def _store(tx: Tx, chat_id: int | None, upload: Upload) -> FileView:
    if not upload.content:
        raise DomainError("file_empty", name=upload.name)
    return store_file(tx, chat_id=chat_id, name=upload.name, mime=upload.mime, content=upload.content)
