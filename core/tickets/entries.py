"""Writing tickets: entries of a thread, the changing columns of a ticket, who is told that something is new."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, insert, literal_column, or_, update

from core.db import Tx
from core.delivery.files import FileView, get_file
from core.members.audit import record
from core.members.roles import ActingStaff
from core.statements import Read, Write
from core.tickets.facts import EntryAdded
from core.tickets.tables import Ticket, TicketMessage
from core.tickets.threads import TICKET_COLUMNS, TicketMessageView, TicketView

File = FileView | Mapping[str, Any]  # a stored file, or what an inbound says of it (`file_id`)


class _Id(NamedTuple):
    id: int


ADD_MESSAGE = Write(insert(TicketMessage).values({name: bindparam(name) for name in TicketMessageView._fields}))
CHANGING = (
    "status", "subject", "chat_id", "assignee_id", "unread", "touched_at", "answered_at", "solved_at", "priority",
    "snoozed_until", "member_wrote_at", "replied_at", "silence_at", "silence_told_at", "away_told_at",
)  # fmt: skip
BUTTONS_DEPEND_ON = ("status", "assignee_id", "priority", "snoozed_until")
SAVE = Read(
    TicketView,
    update(Ticket)
    .where(Ticket.id == bindparam("ticket_id"))
    .values(
        {
            **{name: bindparam(f"new_{name}") for name in CHANGING},
            "revision": Ticket.revision
            + case(
                (
                    or_(
                        *(
                            getattr(Ticket, name).is_distinct_from(bindparam(f"new_{name}"))
                            for name in BUTTONS_DEPEND_ON
                        )
                    ),
                    literal_column("1"),
                ),
                else_=literal_column("0"),
            ),
        }
    )
    .returning(*TICKET_COLUMNS),
)
FOLLOW_OUTBOX = Read(
    _Id,
    update(TicketMessage)
    .where(TicketMessage.ticket_id == bindparam("ticket_id"), TicketMessage.outbox_id == bindparam("before"))
    .values(outbox_id=bindparam("after"))
    .returning(TicketMessage.id),
)
SET_OUTBOX = Write(
    update(TicketMessage)
    .where(TicketMessage.id == bindparam("message_id"))
    .values(outbox_id=bindparam("new_outbox_id"))
)


def add_entry(
    tx: Tx,
    ticket_id: int,
    *,
    author: str,
    author_name: str,
    body: str,
    author_id: int | None = None,
    visibility: str = "public",
    files: Sequence[File] = (),
    client_key: str | None = None,
    alarming: bool = False,
) -> TicketMessageView:
    """One entry of a thread, seen at once by open pages of the desk; `alarming` as in `EntryAdded`."""
    message = TicketMessageView(
        id=tx.ids.new(),
        ticket_id=ticket_id,
        at=tx.now,
        author=author,
        author_id=author_id,
        author_name=author_name,
        visibility=visibility,
        body=body,
        files=[_file_ref(tx, file) for file in files],
        outbox_id=None,
        client_key=client_key,
    )
    tx.run(ADD_MESSAGE, **message._asdict())
    tx.emit(EntryAdded(ticket_id, message.id, author, visibility, alarming))
    wake_desk(tx, ticket_id)
    return message


def save_ticket(tx: Tx, ticket: TicketView) -> TicketView:
    """Write back what may change of a locked ticket; the ticket as it then stands (clocks are `core.tickets.clocks`')."""
    saved = tx.one(SAVE, ticket_id=ticket.id, **{f"new_{name}": getattr(ticket, name) for name in CHANGING})
    wake_desk(tx, ticket.id)
    return saved


def wake_desk(tx: Tx, ticket_id: int) -> None:
    """Tell the inbox and the ticket's own page, after the commit."""
    tx.wake("desk")
    tx.wake(f"ticket:{ticket_id}")


def record_delivery(tx: Tx, *, message_id: int, outbox_id: int) -> None:
    """Where staff can see whether their answer arrived; written by whoever owes the chat message."""
    tx.run(SET_OUTBOX, message_id=message_id, new_outbox_id=outbox_id)


def follow_delivery(tx: Tx, *, ticket_id: int, before: int, after: int) -> bool:
    """An answer's words travel with another debt from now on; False when it was no answer of this ticket."""
    found = tx.first(FOLLOW_OUTBOX, ticket_id=ticket_id, before=before, after=after) is not None
    wake_desk(tx, ticket_id)
    return found


def add_bot_entry(
    tx: Tx, *, ticket_id: int, body: str, visibility: str = "internal", alarming: bool = False
) -> TicketMessageView:
    """What the product itself notes in a thread: that a report was decided, that an answer did not arrive."""
    return add_entry(tx, ticket_id, author="bot", author_name="", body=body, visibility=visibility, alarming=alarming)


def _file_ref(tx: Tx, file: File) -> dict[str, Any]:
    """As kept in the thread: ids as text (a page's numbers end at 2**53), the token for the address."""
    view = file if isinstance(file, FileView) else get_file(tx, file_id=int(file["file_id"]))
    return {
        "file_id": str(view.id),
        "name": view.name,
        "mime": view.mime,
        "size_bytes": view.size_bytes,
        "token": view.token,
    }


def record_act(tx: Tx, staff: ActingStaff, action: str, ticket: TicketView, **detail: object) -> None:
    """What staff did to a ticket, in the audit trail."""
    record(
        tx,
        actor_kind="staff",
        actor_id=staff.id,
        action=action,
        subject=f"ticket:{ticket.ticket_no}",
        member_id=ticket.member_id,
        detail=detail,
    )
