"""What is owed: rows written in the turn that owes them, claimed by a dispatcher, and the record of what became of them.

Order: within one `order_key` (a chat, a mail address) a row that is due is sent only when every earlier due one is finished.
Rows planned for later (`due_at` in the future) do not hold up the answers of today.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, and_, bindparam, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from core.db import Tx
from core.delivery.facts import DeliverySettled
from core.delivery.ports import Owed
from core.delivery.tables import Outbox
from core.statements import Read, Write, among, picked

SEND_LEASE = timedelta(seconds=60)
TRIES = 58  # about a day with the pauses below: an outage of a platform must not cost a message
BACKOFF_SECONDS = (1, 2, 5, 15, 30, 60, 120, 300, 600, 900, 1800)
# What to do when nobody knows whether a send arrived (table at the end of algorithms.md 8)
SEND_AGAIN = frozenset({"reply", "receipt", "code", "staff_reply", "money", "fetch"})
# A fixed Message-ID; a page that reads rows by number; a retry key under which LINE takes a push once; ending a page of
# Stripe or looking at it, which may be repeated; Slack is asked by the mark of a post before it is posted again
RETRY_SAFE_CHANNELS = frozenset({"mail", "webchat", "line", "stripe", "slack"})


class DeliveryView(NamedTuple):
    """The delivery record of one message, for staff (row X5)."""

    id: int
    channel: str
    kind: str
    reason: str
    state: str
    attempts: int
    repeats: int
    due_at: datetime
    created_at: datetime
    finished_at: datetime | None
    answer: str | None
    member_id: int | None
    ticket_id: int | None
    message_id: int | None


class MailView(NamedTuple):
    """A mail as it was owed (the built-in mailbox of demo reads these)."""

    id: int
    address: str
    payload: dict[str, Any]
    created_at: datetime
    state: str


class _Id(NamedTuple):
    id: int


class _Claimed(NamedTuple):
    id: int
    channel: str
    account: str
    address: str
    kind: str
    payload: dict[str, Any]
    chat_id: int | None
    message_id: int | None
    attempts: int
    subject_key: str | None


class _Finished(NamedTuple):
    id: int
    ticket_id: int | None


class _Payload(NamedTuple):
    payload: dict[str, Any]


class _Lost(NamedTuple):
    id: int
    channel: str
    kind: str
    attempts: int


class _Count(NamedTuple):
    state: str
    n: int


_values: dict[str, BindParameter[Any]] = {
    name: bindparam(name)
    for name in (
        "id", "channel", "account", "address", "order_key", "kind", "payload", "reason", "subject_key", "dedupe_key", "chat_id",
        "message_id", "member_id", "ticket_id", "state", "attempts", "repeats", "due_at", "next_try_at", "created_at",
        "finished_at", "lease_owner", "lease_until", "platform_ref", "answer",
    )
}  # fmt: skip
ADD = Read(
    _Id, insert(Outbox).values(_values).on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(Outbox.id)
)
_row, _earlier = aliased(Outbox), aliased(Outbox)
CLAIM = Read(
    _Claimed,
    update(Outbox)
    .where(
        Outbox.id.in_(
            picked(
                select(_row.id)
                .where(
                    _row.channel == bindparam("channel_"),
                    among(_row.state, "queued", "sending"),  # the partial index's own words
                    _row.state == "queued",
                    _row.due_at <= bindparam("now"),
                    _row.next_try_at <= bindparam("real"),
                    ~select(_earlier.id)
                    .where(
                        _earlier.channel == _row.channel,
                        _earlier.order_key == _row.order_key,
                        among(_earlier.state, "queued", "sending"),
                        _earlier.due_at <= bindparam("now"),
                        _earlier.id < _row.id,
                    )
                    .exists(),
                )
                .order_by(_row.id)
                .limit(bindparam("count"))
                .with_for_update(skip_locked=True)
            )
        )
    )
    .values(
        state="sending",
        attempts=Outbox.attempts + 1,
        lease_owner=bindparam("owner"),
        lease_until=bindparam("until"),
    )
    .returning(*(getattr(Outbox, name) for name in _Claimed._fields)),
)
FINISH = Read(
    _Finished,
    update(Outbox)
    .where(Outbox.id == bindparam("outbox_id"), Outbox.state == "sending", Outbox.lease_owner == bindparam("owner"))
    .values(
        state=bindparam("new_state"),
        next_try_at=bindparam("new_next"),
        finished_at=bindparam("new_finished"),
        platform_ref=bindparam("new_ref"),
        answer=bindparam("new_answer"),
        repeats=Outbox.repeats + bindparam("more_repeats"),
        lease_owner=None,
        lease_until=None,
    )
    .returning(Outbox.id, Outbox.ticket_id),
)
LOST = Read(
    _Lost,
    select(Outbox.id, Outbox.channel, Outbox.kind, Outbox.attempts)
    .where(Outbox.state == "sending", Outbox.lease_until < bindparam("real"))
    .order_by(Outbox.id)
    .limit(200)
    .with_for_update(skip_locked=True),
)
POSTPONE = Write(
    update(Outbox)
    .where(Outbox.id == bindparam("outbox_id"), Outbox.state == "sending", Outbox.lease_owner == bindparam("owner"))
    .values(state="queued", due_at=bindparam("new_due"), lease_owner=None, lease_until=None)
)
ELSEWHERE = Read(
    _Finished,
    update(Outbox)
    .where(Outbox.id == bindparam("outbox_id"), Outbox.state == "dead")
    .values(state=bindparam("new_state"))
    .returning(Outbox.id, Outbox.ticket_id),
)
SETTLE_LOST = Write(
    update(Outbox)
    .where(Outbox.id == bindparam("outbox_id"))
    .values(
        state=bindparam("new_state"),
        repeats=Outbox.repeats + bindparam("more_repeats"),
        next_try_at=bindparam("real"),
        finished_at=bindparam("new_finished"),
        answer=bindparam("new_answer"),
        lease_owner=None,
        lease_until=None,
    )
)
PAYLOAD = Read(_Payload, select(Outbox.payload).where(Outbox.id == bindparam("outbox_id")))
SET_PAYLOAD = Write(update(Outbox).where(Outbox.id == bindparam("outbox_id")).values(payload=bindparam("new_payload")))
ALL_LOST = Write(update(Outbox).where(Outbox.state == "sending").values(lease_until=bindparam("real")))
CANCEL_SUBJECT = Read(
    _Id,
    update(Outbox)
    .where(Outbox.subject_key == bindparam("subject"), Outbox.state == "queued")
    .values(state="cancelled", finished_at=bindparam("at"), answer=bindparam("why"))
    .returning(Outbox.id),
)
CANCEL_CHAT = Read(
    _Id,
    update(Outbox)
    .where(Outbox.chat_id == bindparam("chat"), Outbox.member_id == bindparam("member"), Outbox.state == "queued")
    .values(state="cancelled", finished_at=bindparam("at"), answer=bindparam("why"))
    .returning(Outbox.id),
)
AGAIN = Read(
    _Id,
    update(Outbox)
    .where(and_(Outbox.id == bindparam("outbox_id"), among(Outbox.state, "dead", "unknown")))
    .values(state="queued", attempts=0, next_try_at=bindparam("real"), finished_at=None)
    .returning(Outbox.id),
)
_VIEW = tuple(getattr(Outbox, name) for name in DeliveryView._fields)
TROUBLED = Read(
    DeliveryView, select(*_VIEW).where(among(Outbox.state, "dead", "unknown")).order_by(Outbox.id.desc()).limit(200)
)
OF_MEMBER = Read(
    DeliveryView,
    select(*_VIEW).where(Outbox.member_id == bindparam("member")).order_by(Outbox.id.desc()).limit(bindparam("count")),
)
ONE = Read(DeliveryView, select(*_VIEW).where(Outbox.id == bindparam("outbox_id")))
MAILS = Read(
    MailView,
    select(Outbox.id, Outbox.address, Outbox.payload, Outbox.created_at, Outbox.state)
    .where(Outbox.channel == "mail")
    .order_by(Outbox.id.desc())
    .limit(bindparam("count")),
)
OPEN_STATES = ("queued", "sending", "unknown", "dead")  # few rows; what was sent grows for ever and is not counted
COUNTS = Read(
    _Count,
    select(Outbox.state, func.count()).where(among(Outbox.state, *OPEN_STATES)).group_by(Outbox.state),
)
REPEATS = Read(
    _Id,
    select(func.coalesce(func.sum(Outbox.repeats), 0)).where(Outbox.repeats > literal_column("0")),  # the index's words
)
OPEN_OF = Read(
    _Id,
    select(Outbox.id)
    .where(
        Outbox.channel == bindparam("channel_"),
        Outbox.order_key == bindparam("order_key_"),
        among(Outbox.state, "queued", "sending"),
    )
    .limit(1),
)
NEXT_DUE = Read(
    _Id,
    select(Outbox.id)
    .where(
        Outbox.channel == bindparam("channel_"),
        among(Outbox.state, "queued", "sending"),
        Outbox.due_at <= bindparam("now"),
        Outbox.next_try_at <= bindparam("real"),
    )
    .limit(1),
)


def owe(
    tx: Tx,
    *,
    channel: str,
    account: str,
    address: str,
    order_key: str,
    kind: str,
    payload: dict[str, Any],
    reason: str,
    due_at: datetime | None = None,
    subject_key: str | None = None,
    dedupe_key: str | None = None,
    chat_id: int | None = None,
    message_id: int | None = None,
    member_id: int | None = None,
    ticket_id: int | None = None,
    done: bool = False,
) -> int | None:
    """Owe one message to a frozen address; None when `dedupe_key` was owed before.

    `done`: nothing has to leave (a web page reads the stored message); the row is the delivery record only.
    """
    row = tx.first(
        ADD,
        id=tx.ids.new(),
        channel=channel,
        account=account,
        address=address,
        order_key=order_key,
        kind=kind,
        payload=payload,
        reason=reason,
        subject_key=subject_key,
        dedupe_key=dedupe_key,
        chat_id=chat_id,
        message_id=message_id,
        member_id=member_id,
        ticket_id=ticket_id,
        state="sent" if done else "queued",
        attempts=1 if done else 0,
        repeats=0,
        due_at=due_at or tx.now,
        next_try_at=tx.real,
        created_at=tx.now,
        finished_at=tx.now if done else None,
        lease_owner=None,
        lease_until=None,
        platform_ref=None,
        answer="stored" if done else None,
    )
    if row is None:
        return None
    if not done:
        tx.wake(f"outbox:{channel}")
    return row.id


def join(tx: Tx, *, outbox_id: int, more: list[dict[str, Any]]) -> None:
    """These bodies leave with a row owed in this same transaction, after its own."""
    row = tx.one(PAYLOAD, outbox_id=outbox_id)
    tx.run(SET_PAYLOAD, outbox_id=outbox_id, new_payload={**row.payload, "more": more})


class Claimed(NamedTuple):
    """A claimed row: what to send, and the key under which its owner may still withdraw it."""

    owed: Owed
    subject_key: str | None


def claim(tx: Tx, *, channel: str, owner: str, limit: int) -> list[Claimed]:
    """Lease up to `limit` rows of a lane, one of each chat at most, in the order they were owed."""
    rows = tx.all(
        CLAIM, channel_=channel, now=tx.now, real=tx.real, owner=owner, until=tx.real + SEND_LEASE, count=limit
    )
    rows.sort(key=lambda row: row.id)
    return [Claimed(Owed(*row[:9]), row.subject_key) for row in rows]


def _finish(
    tx: Tx,
    *,
    outbox_id: int,
    owner: str,
    state: str,
    answer: str,
    platform_ref: str | None = None,
    next_try_at: datetime | None = None,
    repeats: int = 0,
) -> bool:
    row = tx.first(
        FINISH,
        outbox_id=outbox_id,
        owner=owner,
        new_state=state,
        new_next=next_try_at or tx.real,
        new_finished=None if state == "queued" else tx.now,
        new_ref=platform_ref,
        new_answer=answer[:200],
        more_repeats=repeats,
    )
    if state in ("dead", "unknown"):
        tx.wake("desk")
    if row is not None and row.ticket_id is not None:
        tx.emit(DeliverySettled(outbox_id, row.ticket_id, state))
    return row is not None


def record_sent(tx: Tx, *, outbox_id: int, owner: str, platform_ref: str, answer: str) -> bool:
    """The platform took it. False: the lease was lost meanwhile, and somebody else decided."""
    return _finish(tx, outbox_id=outbox_id, owner=owner, state="sent", answer=answer, platform_ref=platform_ref or None)


def record_not_sent(
    tx: Tx, *, outbox_id: int, owner: str, attempts: int, answer: str, retry_after: float | None = None
) -> bool:
    """Certainly not sent: later again with growing pauses, dead after `TRIES`. True when it is dead now."""
    dead = attempts >= TRIES
    pause = retry_after if retry_after is not None else BACKOFF_SECONDS[min(attempts, len(BACKOFF_SECONDS)) - 1]
    state = "dead" if dead else "queued"
    next_try_at = tx.real + timedelta(seconds=pause)
    _finish(tx, outbox_id=outbox_id, owner=owner, state=state, answer=answer, next_try_at=next_try_at)
    return dead


def record_dead(tx: Tx, *, outbox_id: int, owner: str, answer: str) -> bool:
    """It will never be taken (blocked, refused): staff see it. False: the lease was lost, and somebody else decided."""
    return _finish(tx, outbox_id=outbox_id, owner=owner, state="dead", answer=answer)


def record_elsewhere(tx: Tx, *, outbox_id: int, state: str) -> None:
    """A dead row whose words reach their person in another way: "mailed" or "moved" (into another chat); nobody needs to act."""
    row = tx.first(ELSEWHERE, outbox_id=outbox_id, new_state=state)
    if row is not None and row.ticket_id is not None:
        tx.emit(DeliverySettled(outbox_id, row.ticket_id, state))


def record_cancelled(tx: Tx, *, outbox_id: int, owner: str, answer: str) -> None:
    """Asked again at sending, and no longer wanted (renewed a minute before)."""
    _finish(tx, outbox_id=outbox_id, owner=owner, state="cancelled", answer=answer)


def postpone(tx: Tx, *, outbox_id: int, owner: str, due_at: datetime) -> None:
    """Quiet hours began before it could leave: it is due later."""
    tx.run(POSTPONE, outbox_id=outbox_id, owner=owner, new_due=due_at)


def record_unknown(tx: Tx, *, outbox_id: int, owner: str, channel: str, kind: str, attempts: int, answer: str) -> None:
    """Nobody knows whether it arrived: again where a double does less harm than a loss, else listed for staff."""
    if (kind in SEND_AGAIN or channel in RETRY_SAFE_CHANNELS) and attempts < TRIES:
        repeats = 0 if channel in RETRY_SAFE_CHANNELS else 1
        pause = BACKOFF_SECONDS[min(attempts, len(BACKOFF_SECONDS)) - 1]
        next_try_at = tx.real + timedelta(seconds=pause)
        _finish(
            tx,
            outbox_id=outbox_id,
            owner=owner,
            state="queued",
            answer=answer,
            next_try_at=next_try_at,
            repeats=repeats,
        )
    else:
        _finish(tx, outbox_id=outbox_id, owner=owner, state="unknown", answer=answer)


def settle_lost(tx: Tx) -> int:
    """Rows whose sender died between "sent" and "noted": decided by the same table; returns how many."""
    lost = tx.all(LOST, real=tx.real)
    for row in lost:
        safe = row.channel in RETRY_SAFE_CHANNELS
        # A row that took its sender down so often is given to staff: it may be what kills it
        again = (safe or row.kind in SEND_AGAIN) and row.attempts < TRIES
        tx.run(
            SETTLE_LOST,
            outbox_id=row.id,
            new_state="queued" if again else "unknown",
            more_repeats=1 if again and not safe else 0,
            real=tx.real,
            new_finished=None if again else tx.now,
            new_answer="the sender ended before it noted the outcome",
        )
        tx.wake(f"outbox:{row.channel}" if again else "desk")
    return len(lost)


def expire_all_claims(tx: Tx) -> None:
    """At the start of an embedded database every claim left is a dead process's."""
    tx.run(ALL_LOST, real=tx.real - timedelta(seconds=1))


def cancel_subject(tx: Tx, *, subject_key: str, why: str) -> int:
    """Withdraw what is still queued for a subject ("reminder:…"); returns how many rows."""
    return len(tx.all(CANCEL_SUBJECT, subject=subject_key, at=tx.now, why=why))


def cancel_for_unlinked(tx: Tx, *, chat_id: int, member_id: int) -> int:
    """Nothing about a member may go to a chat that is no longer theirs."""
    return len(tx.all(CANCEL_CHAT, chat=chat_id, member=member_id, at=tx.now, why="unlinked"))


def send_again(tx: Tx, *, outbox_id: int, channel: str) -> bool:
    """Staff's "send again" for a dead or unknown row."""
    found = tx.first(AGAIN, outbox_id=outbox_id, real=tx.real) is not None
    if found:
        tx.wake(f"outbox:{channel}")
    return found


def list_troubled(tx: Tx) -> list[DeliveryView]:
    """Dead and unknown, newest first, for staff."""
    return tx.all(TROUBLED)


def list_deliveries(tx: Tx, *, member_id: int, limit: int = 50) -> list[DeliveryView]:
    """What went to a member, where and why, newest first."""
    return tx.all(OF_MEMBER, member=member_id, count=limit)


def find_delivery(tx: Tx, *, outbox_id: int) -> DeliveryView | None:
    """One delivery record."""
    return tx.first(ONE, outbox_id=outbox_id)


def list_mails(tx: Tx, *, limit: int = 50) -> list[MailView]:
    """Mails owed or sent, newest first."""
    return tx.all(MAILS, count=limit)


def count_by_state(tx: Tx) -> dict[str, int]:
    """For metrics: what is not finished or not well, read from indexes only (`OPEN_STATES`, each also when it is 0).

    `repeats` is how many sends may have doubled a message.
    """
    counted = {row.state: row.n for row in tx.all(COUNTS)}
    return {**{state: counted.get(state, 0) for state in OPEN_STATES}, "repeats": tx.one(REPEATS).id}


def has_due(tx: Tx, *, channel: str) -> bool:
    """Whether anything of a lane could be sent now or is being sent."""
    return tx.first(NEXT_DUE, channel_=channel, now=tx.now, real=tx.real) is not None


def has_open(tx: Tx, *, channel: str, order_key: str) -> bool:
    """Whether anything is owed under this key, now or later."""
    return tx.first(OPEN_OF, channel_=channel, order_key_=order_key) is not None
