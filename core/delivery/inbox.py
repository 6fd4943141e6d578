"""What came: each delivery once, kept when its turn fails, tried again in its chat's order, at last shown to staff."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, String, bindparam, delete, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from core.db import Tx
from core.delivery.tables import Inbox
from core.statements import Read, Write, among

TRIES = 3
RETRY_AFTER = (timedelta(seconds=1), timedelta(seconds=4))  # within 10 s, then it is a dead letter
RETENTION = timedelta(days=14)  # raw deliveries (row X12)
PURGE_CHUNK = 200  # on SQLite every chat waits while a chunk is deleted


class _Id(NamedTuple):
    id: int


class Kept(NamedTuple):
    """A delivery whose turn has not succeeded yet."""

    id: int
    chat_key: str
    state: str
    payload: dict[str, Any]
    attempts: int


class DeadLetter(NamedTuple):
    """A delivery that was given up, for staff: what failed, never what the person wrote."""

    id: int
    channel: str
    chat_key: str
    received_at: datetime
    attempts: int
    error: str | None


_values: dict[str, BindParameter[Any]] = {
    name: bindparam(name)
    for name in (
        "id", "channel", "account", "delivery_key", "chat_key", "state", "payload", "attempts", "next_try_at",
        "received_at", "done_at", "error",
    )
}  # fmt: skip
ADD = Read(
    _Id,
    insert(Inbox)
    .values(_values)
    .on_conflict_do_nothing(index_elements=["channel", "account", "delivery_key"])
    .returning(Inbox.id),
)
UNFINISHED = Read(
    _Id,
    select(Inbox.id)
    .where(
        Inbox.chat_key == bindparam("chat_key"), among(Inbox.state, "retry", "waiting"), Inbox.id != bindparam("but")
    )
    .order_by(Inbox.id)
    .limit(1),
)
_earlier = aliased(Inbox)
DUE = Read(
    Kept,
    select(Inbox.id, Inbox.chat_key, Inbox.state, Inbox.payload, Inbox.attempts)
    .where(
        among(Inbox.state, "retry", "waiting"),
        Inbox.next_try_at <= bindparam("real"),
        ~select(_earlier.id)
        .where(
            _earlier.chat_key == Inbox.chat_key,
            among(_earlier.state, "retry", "waiting"),
            _earlier.id < Inbox.id,
        )
        .exists(),
    )
    .order_by(Inbox.chat_key, Inbox.id)  # the partial index's order: only what is unfinished is read
    .limit(bindparam("count"))
    .with_for_update(skip_locked=True),
)
TAKE = Read(
    Kept,
    select(Inbox.id, Inbox.chat_key, Inbox.state, Inbox.payload, Inbox.attempts)
    .where(Inbox.id == bindparam("inbox_id"), among(Inbox.state, "retry", "waiting"))
    .with_for_update(),
)
FINISH = Write(
    update(Inbox).where(Inbox.id == bindparam("inbox_id")).values(state="done", done_at=bindparam("at"), error=None)
)
FAIL = Write(
    update(Inbox)
    .where(Inbox.id == bindparam("inbox_id"))
    .values(
        state=bindparam("new_state"),
        attempts=bindparam("new_attempts"),
        next_try_at=bindparam("new_next"),
        error=bindparam("new_error"),
    )
)
DEAD = Read(
    DeadLetter,
    select(Inbox.id, Inbox.channel, Inbox.chat_key, Inbox.received_at, Inbox.attempts, Inbox.error)
    .where(Inbox.state == literal_column("'dead'", String))  # the partial index's own words
    .order_by(Inbox.id.desc())
    .limit(200),
)
COUNT_DEAD = Read(_Id, select(func.count()).select_from(Inbox).where(Inbox.state == literal_column("'dead'", String)))
REVIVE = Read(
    _Id,
    update(Inbox)
    .where(Inbox.id == bindparam("inbox_id"), Inbox.state == "dead")
    .values(state="retry", attempts=0, next_try_at=bindparam("real"))
    .returning(Inbox.id),
)
PURGE = Read(
    _Id,
    delete(Inbox)
    .where(
        Inbox.id.in_(
            select(Inbox.id)
            .where(Inbox.received_at < bindparam("before"), among(Inbox.state, "done", "ignored", "dead"))
            .limit(PURGE_CHUNK)
            .scalar_subquery()
        )
    )
    .returning(Inbox.id),
)


def record(
    tx: Tx,
    *,
    channel: str,
    account: str,
    delivery_key: str,
    chat_key: str,
    payload: dict[str, Any],
    state: str = "done",
) -> int | None:
    """Store a delivery as done in the transaction that does it; None: it was here before, nothing is to be done."""
    row = tx.first(
        ADD,
        id=tx.ids.new(),
        channel=channel,
        account=account,
        delivery_key=delivery_key,
        chat_key=chat_key,
        state=state,
        payload=payload,
        attempts=0 if state == "waiting" else 1,
        next_try_at=None
        if state in ("done", "ignored")
        else tx.real + (RETRY_AFTER[0] if state == "retry" else timedelta(0)),
        received_at=tx.now,
        done_at=tx.now if state == "done" else None,
        error=None,
    )
    return row.id if row else None


def has_unfinished(tx: Tx, *, chat_key: str, but: int) -> bool:
    """Whether an earlier delivery of this chat is still waiting: then this one must wait behind it."""
    return tx.first(UNFINISHED, chat_key=chat_key, but=but) is not None


def keep_waiting(tx: Tx, *, inbox_id: int) -> None:
    """Put a just recorded delivery behind the earlier ones of its chat."""
    tx.run(FAIL, inbox_id=inbox_id, new_state="waiting", new_attempts=0, new_next=tx.real, new_error=None)


def list_due(tx: Tx, *, limit: int = 20) -> list[Kept]:
    """The first unfinished delivery of each chat whose time has come."""
    return tx.all(DUE, real=tx.real, count=limit)


def take(tx: Tx, *, inbox_id: int) -> Kept | None:
    """Lock one unfinished delivery to try it again; None: somebody else has."""
    return tx.first(TAKE, inbox_id=inbox_id)


def finish(tx: Tx, *, inbox_id: int) -> None:
    """Its turn succeeded."""
    tx.run(FINISH, inbox_id=inbox_id, at=tx.now)


def fail(tx: Tx, *, inbox_id: int, attempts: int, error: str) -> bool:
    """Its turn failed for the `attempts`-th time; True when it is a dead letter now. `error` must hold no personal data."""
    dead = attempts >= TRIES
    after = None if dead else tx.real + RETRY_AFTER[min(attempts, len(RETRY_AFTER)) - 1]
    state = "dead" if dead else "retry"
    tx.run(FAIL, inbox_id=inbox_id, new_state=state, new_attempts=attempts, new_next=after, new_error=error[:200])
    if dead:
        tx.wake("desk")
    return dead


def fail_again(tx: Tx, *, inbox_id: int, error: str) -> None:
    """As `fail`, one more than before, where the failure could not be told to anybody; nothing when it is settled."""
    kept = take(tx, inbox_id=inbox_id)
    if kept is not None:
        fail(tx, inbox_id=inbox_id, attempts=kept.attempts + 1, error=error)


def list_dead(tx: Tx) -> list[DeadLetter]:
    """Given up, newest first: staff see them with a button to try again."""
    return tx.all(DEAD)


def count_dead(tx: Tx) -> int:
    """How many were given up, for metrics."""
    return tx.one(COUNT_DEAD).id


def revive(tx: Tx, *, inbox_id: int) -> bool:
    """Staff's "try again"; False when it is no dead letter (any more)."""
    found = tx.first(REVIVE, inbox_id=inbox_id, real=tx.real) is not None
    if found:
        tx.wake("inbox")
    return found


def purge(tx: Tx) -> int:
    """Delete raw deliveries older than the retention, those given up too; returns how many (one chunk)."""
    return len(tx.all(PURGE, before=tx.now - RETENTION))
