"""The rows that the invariants look at, read afresh, and what the outside notes of a run."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import func, select

from core.billing.tables import Invoice, PaymentReport
from core.contracts.tables import Contract, ContractChange, FinalConfirmation, Renewal
from core.delivery.tables import Inbox, Outbox
from core.dialogue.tables import Chat, FormRun, Message
from core.reminders.tables import Reminder
from core.statements import Read
from core.tickets.tables import Ticket, TicketMessage


@dataclass
class Delivered:
    """One act of a member, however often it was delivered."""

    channel: str
    address: str
    key: str
    kind: str
    text: str = ""
    message_ref: str = ""
    acked: bool = False
    times: int = 0  # it was sent to the product


class Mail(NamedTuple):
    """A mail as the mail server took it."""

    message_id: str
    address: str
    text: str


class Number(NamedTuple):
    """One value."""

    n: Any


class Row(NamedTuple):
    """An owed message."""

    id: int
    channel: str
    address: str
    order_key: str
    kind: str
    payload: dict[str, Any]
    state: str
    attempts: int
    repeats: int
    answer: str | None
    platform_ref: str | None
    subject_key: str | None
    message_id: int | None


class InboxRow(NamedTuple):
    """A delivery as it was stored."""

    channel: str
    delivery_key: str
    chat_key: str
    state: str


class ChatRow(NamedTuple):
    """A chat."""

    id: int
    channel: str
    address: str
    last_seq: int


class Bubble(NamedTuple):
    """A message of a chat."""

    chat_id: int
    seq: int
    author: str
    kind: str
    body: dict[str, Any]
    platform_ref: str | None


class Bill(NamedTuple):
    """An invoice."""

    id: int
    invoice_no: str
    status: str


class Extension(NamedTuple):
    """A renewal beside its contract and invoice."""

    id: int
    contract_id: int
    state: str
    old_expires_on: Any
    new_expires_on: Any
    invoice_status: str
    contract_expires_on: Any
    contract_cycle_no: int


class Ran(NamedTuple):
    """A form that was filled in."""

    name: str
    state: str
    result: Any


class Pair(NamedTuple):
    """Two values."""

    a: Any
    b: Any


def _of(row: type[Any], table: Any, *order: Any) -> Any:
    return select(*(getattr(table, name) for name in row._fields)).order_by(*(order or (table.id,)))


OUTBOX = Read(Row, _of(Row, Outbox))
INBOX = Read(InboxRow, _of(InboxRow, Inbox))
CHATS = Read(ChatRow, _of(ChatRow, Chat))
BUBBLES = Read(Bubble, _of(Bubble, Message, Message.chat_id, Message.seq))
INVOICES = Read(Bill, _of(Bill, Invoice))
RENEWALS = Read(
    Extension,
    select(
        Renewal.id, Renewal.contract_id, Renewal.state, Renewal.old_expires_on, Renewal.new_expires_on, Invoice.status,
        Contract.expires_on, Contract.cycle_no,
    )
    .join(Invoice, Invoice.id == Renewal.invoice_id)
    .join(Contract, Contract.id == Renewal.contract_id)
    .order_by(Renewal.id),
)  # fmt: skip
RENEWAL_CHANGES = Read(
    Number, select(ContractChange.cause).where(ContractChange.cause.like("renewal:%")).order_by(ContractChange.id)
)
FORMS = Read(Ran, _of(Ran, FormRun))
REPORTS = Read(Number, select(PaymentReport.id))
CONFIRMATIONS = Read(Number, select(FinalConfirmation.invoice_id))
TICKET_NOS = Read(Number, select(Ticket.ticket_no))
TICKET_WORDS = Read(Number, select(TicketMessage.body).where(TicketMessage.author == "member"))
STAFF_WORDS = Read(Number, select(TicketMessage.body).where(TicketMessage.author == "staff"))
REMINDERS = Read(
    Pair, select(Reminder.contract_id, func.count()).where(Reminder.state == "queued").group_by(Reminder.contract_id)
)
