"""Reading tickets: one, its thread, the inbox of the desk, a member's own list."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, case, func, literal_column, or_, select, update
from sqlalchemy.orm import aliased
from sqlalchemy.types import BigInteger, Boolean, String

from core.billing.reports import list_reports_of_ticket
from core.db import Tx
from core.errors import DomainError
from core.members.roles import ActingStaff, is_allowed, mask_name, mask_text, require
from core.members.service import get_member
from core.members.tables import Member, Staff
from core.statements import Read, Write, among
from core.tickets.policy import PAYMENT_NOTICE
from core.tickets.tables import Ticket, TicketMessage

PAGE_ROWS = 30
ANYBODY, NOBODY = "anybody", "nobody"


class TicketView(NamedTuple):
    """A ticket as its row says."""

    id: int
    ticket_no: str
    kind: str
    queue: str
    status: str
    subject: str
    member_id: int | None
    chat_id: int | None
    previous_id: int | None
    assignee_id: int | None
    unread: int
    created_at: datetime
    touched_at: datetime
    answered_at: datetime | None
    solved_at: datetime | None
    revision: int = 0  # counts what a card's buttons depend on: state, holder, priority, snooze
    priority: str = "normal"  # low, normal, high, urgent
    snoozed_until: datetime | None = None
    origin: str = "form"  # how it came to be: form, human, misses, urgent, report, follow_up, provider, staff
    details: list[dict[str, Any]] = []  # noqa: RUF012  # the kind's own fields; replaced, never changed
    due_at: datetime | None = None  # the nearest of its clocks; None: we owe nothing
    due_for: str | None = None  # first_answer, next_answer, resolution
    member_wrote_at: datetime | None = None
    replied_at: datetime | None = None
    silence_at: datetime | None = None
    silence_told_at: datetime | None = None
    away_told_at: datetime | None = None


class TicketMessageView(NamedTuple):
    """One entry of a thread."""

    id: int
    ticket_id: int
    at: datetime
    author: str  # member, staff, bot
    author_id: int | None
    author_name: str
    visibility: str  # public, internal
    body: str
    files: list[dict[str, Any]]
    outbox_id: int | None
    client_key: str | None


class Thread(NamedTuple):
    """A ticket with everything said in it, oldest first."""

    ticket: TicketView
    assignee_name: str | None
    messages: tuple[TicketMessageView, ...]
    last_member_message_id: int  # 0: the member has written nothing; what a reply is compared with


class InboxRow(NamedTuple):
    """A line of the desk's inbox."""

    id: int
    ticket_no: str
    kind: str
    queue: str
    status: str
    subject: str
    unread: int
    member_id: int | None
    member_no: str | None
    member_name: str | None
    assignee_id: int | None
    assignee_name: str | None
    created_at: datetime
    touched_at: datetime
    waiting_since: datetime | None  # of the member's first words that nobody has answered; None: we owe nothing
    due_at: datetime | None
    due_for: str | None
    priority: str
    snoozed_until: datetime | None


class InboxFilter(NamedTuple):
    """What the inbox shows. `state`: unsolved (but for those at rest), snoozed, solved, all.

    `assignee`: anybody, nobody, or the id of somebody.
    """

    state: str = "unsolved"
    queue: str | None = None
    kind: str | None = None
    assignee: str | int = ANYBODY
    member_id: int | None = None


class InboxPage(NamedTuple):
    """`page` counts from 1; `more` says whether there is a next one."""

    rows: tuple[InboxRow, ...]
    page: int
    more: bool


class _Name(NamedTuple):
    name: str


class _Count(NamedTuple):
    n: int


TICKET_COLUMNS = tuple(getattr(Ticket, name) for name in TicketView._fields)
_MESSAGE = tuple(getattr(TicketMessage, name) for name in TicketMessageView._fields)
BY_ID = Read(TicketView, select(*TICKET_COLUMNS).where(Ticket.id == bindparam("ticket_id")))
LOCK = Read(TicketView, select(*TICKET_COLUMNS).where(Ticket.id == bindparam("ticket_id")).with_for_update())
_UNSOLVED_FIRST = (
    case((Ticket.status == "solved", literal_column("1")), else_=literal_column("0")),
    Ticket.id.desc(),
)
BY_NO = Read(TicketView, select(*TICKET_COLUMNS).where(Ticket.ticket_no == bindparam("ticket_no")))
OF_MEMBER = Read(
    TicketView,
    select(*TICKET_COLUMNS)
    .where(Ticket.member_id == bindparam("member_id"))
    .order_by(Ticket.id.desc())
    .limit(bindparam("count")),
)
OWN_OF_MEMBER = Read(
    TicketView,
    select(*TICKET_COLUMNS)
    .where(Ticket.member_id == bindparam("member_id"), Ticket.kind != PAYMENT_NOTICE)
    .order_by(*_UNSOLVED_FIRST)
    .limit(bindparam("count"))
    .offset(bindparam("skipped")),
)
OF_CHAT = Read(
    TicketView,
    select(*TICKET_COLUMNS)
    .where(Ticket.chat_id == bindparam("chat_id"), Ticket.member_id.is_(None))
    .order_by(*_UNSOLVED_FIRST)
    .limit(bindparam("count"))
    .offset(bindparam("skipped")),
)
MESSAGES = Read(
    TicketMessageView,
    select(*_MESSAGE).where(TicketMessage.ticket_id == bindparam("ticket_id")).order_by(TicketMessage.id),
)
BY_CLIENT_KEY = Read(TicketMessageView, select(*_MESSAGE).where(TicketMessage.client_key == bindparam("client_key")))
MESSAGE_BY_ID = Read(TicketMessageView, select(*_MESSAGE).where(TicketMessage.id == bindparam("message_id")))
LAST_OF_MEMBER = Read(
    TicketMessageView,
    select(*_MESSAGE)
    .where(TicketMessage.ticket_id == bindparam("ticket_id"), TicketMessage.author == "member")
    .order_by(TicketMessage.id.desc())
    .limit(1),
)
ASSIGNEE = Read(_Name, select(Staff.name).where(Staff.id == bindparam("staff_id")))
LATER = Read(
    _Count,
    select(func.count())
    .select_from(TicketMessage)
    .where(
        TicketMessage.ticket_id == bindparam("ticket_id"),
        TicketMessage.author == "member",
        TicketMessage.id > bindparam("seen_id"),
    ),
)
READ_TO = Write(update(Ticket).where(Ticket.id == bindparam("ticket_id")).values(unread=bindparam("left")))
_first, _answer = aliased(TicketMessage), aliased(TicketMessage)
_waiting_since = (
    select(func.min(_first.at))
    .where(
        _first.ticket_id == Ticket.id,
        _first.author == "member",
        ~select(_answer.id)
        .where(
            _answer.ticket_id == _first.ticket_id,  # not Ticket.id: two levels down that would be any ticket at all
            _answer.author == "staff",
            _answer.visibility == "public",
            _answer.id > _first.id,
        )
        .exists(),
    )
    .correlate(Ticket)
    .scalar_subquery()
)
INBOX = Read(
    InboxRow,
    select(
        Ticket.id,
        Ticket.ticket_no,
        Ticket.kind,
        Ticket.queue,
        Ticket.status,
        Ticket.subject,
        Ticket.unread,
        Ticket.member_id,
        Member.member_no,
        Member.name,
        Ticket.assignee_id,
        Staff.name,
        Ticket.created_at,
        Ticket.touched_at,
        _waiting_since,
        Ticket.due_at,
        Ticket.due_for,
        Ticket.priority,
        Ticket.snoozed_until,
    )
    .outerjoin(Member, Member.id == Ticket.member_id)
    .outerjoin(Staff, Staff.id == Ticket.assignee_id)
    .where(
        or_(
            and_(
                bindparam("unsolved", type_=Boolean),
                among(Ticket.status, "new", "open", "waiting"),
                Ticket.snoozed_until.is_(None),
            ),
            and_(
                bindparam("snoozed", type_=Boolean),
                among(Ticket.status, "new", "open", "waiting"),
                Ticket.snoozed_until.is_not(None),
            ),
            and_(bindparam("solved", type_=Boolean), Ticket.status == "solved"),
        ),
        or_(bindparam("any_queue", type_=Boolean), Ticket.queue == bindparam("wanted_queue", type_=String)),
        or_(bindparam("any_kind", type_=Boolean), Ticket.kind == bindparam("wanted_kind", type_=String)),
        or_(
            bindparam("any_assignee", type_=Boolean),
            and_(bindparam("unassigned", type_=Boolean), Ticket.assignee_id.is_(None)),
            Ticket.assignee_id == bindparam("wanted_assignee", type_=BigInteger),
        ),
        or_(bindparam("any_member", type_=Boolean), Ticket.member_id == bindparam("wanted_member", type_=BigInteger)),
    )
    .order_by(
        case((Ticket.due_at.is_(None), literal_column("1")), else_=literal_column("0")),
        Ticket.due_at,
        Ticket.touched_at.desc(),
        Ticket.id.desc(),
    )
    .limit(bindparam("count"))
    .offset(bindparam("skipped")),
)


def get_ticket(tx: Tx, *, ticket_id: int) -> TicketView:
    """By id. Errors: DomainError `ticket_unknown`."""
    found = tx.first(BY_ID, ticket_id=ticket_id)
    if found is None:
        raise DomainError("ticket_unknown")
    return found


def lock_ticket(tx: Tx, *, ticket_id: int) -> TicketView:
    """By id, locked for this turn: after its chat and its member. Errors: DomainError `ticket_unknown`."""
    found = tx.first(LOCK, ticket_id=ticket_id)
    if found is None:
        raise DomainError("ticket_unknown")
    return found


def find_ticket(tx: Tx, *, ticket_no: str) -> TicketView | None:
    """By the number people read (T-000123)."""
    return tx.first(BY_NO, ticket_no=ticket_no.strip().upper())


def find_sent(tx: Tx, *, client_key: str) -> TicketView | None:
    """The ticket into which this very press has sent words already; None: it is the first one."""
    sent = tx.first(BY_CLIENT_KEY, client_key=client_key)
    return get_ticket(tx, ticket_id=sent.ticket_id) if sent is not None else None


def get_message(tx: Tx, *, message_id: int) -> TicketMessageView:
    """One entry of a thread; a missing one is a broken invariant."""
    return tx.one(MESSAGE_BY_ID, message_id=message_id)


def list_of_person(
    tx: Tx, *, member_id: int | None, chat_id: int, limit: int = 20, skipped: int = 0
) -> list[TicketView]:
    """A member's own tickets, those under way first, then the newest; of a chat that is not linked, those it opened as
    nobody's. What the product noted for staff is not theirs.
    """
    if member_id is not None:
        return tx.all(OWN_OF_MEMBER, member_id=member_id, count=limit, skipped=skipped)
    return tx.all(OF_CHAT, chat_id=chat_id, count=limit, skipped=skipped)


def list_open_of_person(tx: Tx, *, member_id: int | None, chat_id: int) -> list[TicketView]:
    """Those of `list_of_person` that are not solved."""
    mine = list_of_person(tx, member_id=member_id, chat_id=chat_id, limit=50)
    return [ticket for ticket in mine if ticket.status != "solved"]


def is_of_person(ticket: TicketView, *, member_id: int | None, chat_id: int) -> bool:
    """Whether a ticket is this person's: their membership's, or nobody's and opened in this chat; never a note for staff."""
    if ticket.kind == PAYMENT_NOTICE:
        return False
    if ticket.member_id is not None:
        return ticket.member_id == member_id
    return ticket.chat_id == chat_id


def list_member_tickets(tx: Tx, *, member_id: int, limit: int = 20) -> list[TicketView]:
    """A member's tickets, newest first, for their card."""
    return tx.all(OF_MEMBER, member_id=member_id, count=limit)


def list_public_messages(tx: Tx, *, ticket_id: int) -> list[TicketMessageView]:
    """What the member may see of a thread: never an internal note."""
    return [row for row in tx.all(MESSAGES, ticket_id=ticket_id) if row.visibility == "public"]


def inbox(tx: Tx, staff: ActingStaff, *, filters: InboxFilter = InboxFilter(), page: int = 1) -> InboxPage:  # noqa: B008
    """One page of tickets, the one due first at the top, then those that owe nothing, last touched first.

    Who may not see personal data gets masked names and subjects.

    Errors: DomainError `forbidden`.
    """
    require(staff, "view")
    rows = tx.all(
        INBOX,
        unsolved=filters.state in ("unsolved", "all"),
        snoozed=filters.state in ("snoozed", "all"),
        solved=filters.state in ("solved", "all"),
        any_queue=filters.queue is None,
        wanted_queue=filters.queue or "",
        any_kind=filters.kind is None,
        wanted_kind=filters.kind or "",
        any_assignee=filters.assignee == ANYBODY,
        unassigned=filters.assignee == NOBODY,
        wanted_assignee=filters.assignee if isinstance(filters.assignee, int) else 0,
        any_member=filters.member_id is None,
        wanted_member=filters.member_id or 0,
        count=PAGE_ROWS + 1,
        skipped=(max(page, 1) - 1) * PAGE_ROWS,
    )
    shown = tuple(_shown_row(staff, row) for row in rows[:PAGE_ROWS])
    return InboxPage(shown, max(page, 1), len(rows) > PAGE_ROWS)


def thread(tx: Tx, staff: ActingStaff, *, ticket_id: int) -> Thread:
    """The whole conversation for staff. Errors: DomainError `forbidden`, `ticket_unknown`."""
    require(staff, "view")
    ticket = get_ticket(tx, ticket_id=ticket_id)
    messages = tx.all(MESSAGES, ticket_id=ticket_id)
    assignee = tx.first(ASSIGNEE, staff_id=ticket.assignee_id) if ticket.assignee_id is not None else None
    last = max((row.id for row in messages if row.author == "member"), default=0)
    if not is_allowed(staff.role, "view_unmasked"):
        names = names_in(tx, ticket) | {row.author_name for row in messages if row.author == "member"}
        messages = [_masked_message(row, tuple(names)) for row in messages]
        ticket = ticket._replace(subject=mask_text(ticket.subject, names=tuple(names)))
    return Thread(ticket, assignee.name if assignee else None, tuple(messages), last)


def mark_read(tx: Tx, staff: ActingStaff, *, ticket_id: int, seen_id: int) -> None:
    """Staff who could answer have seen the thread up to message `seen_id`; what came later stays unread.

    A viewer's look changes nothing: nobody who can answer has seen it. Errors: DomainError `forbidden`, `ticket_unknown`.
    """
    require(staff, "view")
    if not is_allowed(staff.role, "reply"):
        return
    ticket = lock_ticket(tx, ticket_id=ticket_id)
    left = min(tx.one(LATER, ticket_id=ticket_id, seen_id=seen_id).n, ticket.unread)
    if left != ticket.unread:
        tx.run(READ_TO, ticket_id=ticket_id, left=left)
        tx.wake("desk")


def _shown_row(staff: ActingStaff, row: InboxRow) -> InboxRow:
    if is_allowed(staff.role, "view_unmasked"):
        return row
    name = row.member_name or ""
    return row._replace(member_name=mask_name(name), subject=mask_text(row.subject, names=(name,)))


def names_in(tx: Tx, ticket: TicketView) -> set[str]:
    """Under which names the member, and who paid for them, may stand in the words of a thread."""
    if ticket.member_id is None:
        return set()
    member = get_member(tx, member_id=ticket.member_id)
    reports = list_reports_of_ticket(tx, member_id=member.id, ticket_id=ticket.id)
    return {member.name, member.name_kana} | {report.payer_name for report in reports}


def _masked_message(row: TicketMessageView, names: tuple[str, ...]) -> TicketMessageView:
    author_name = mask_name(row.author_name) if row.author == "member" else row.author_name
    return row._replace(author_name=author_name, body=mask_text(row.body, names=names), files=[])
