"""The rows of a ticket's thread: where its root is, which of our posts show what, what staff have written there.

The thread follows the rows. What happens to a ticket only counts its `revision` on and owes one look ("sync"); whoever looks
posts what is not there yet and redraws what has changed. So an outage, a crash or a burst ends in the same thread.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.delivery import outbox
from core.statements import Read, Write, one_of
from core.teamchat.tables import TeamPost, TeamThread
from core.tickets.threads import get_ticket

LANE = "slack"
ALARM = "alarm"  # a post row that is no message: its entry is shown in the channel too
FOLD = timedelta(seconds=3)  # words of the member within this time are one post (dialogue-and-desk.md 1.1)
WHISPERED_FOR = timedelta(minutes=10)  # a remark to one person is worth nothing later


class ThreadView(NamedTuple):
    """A ticket's thread as its row says."""

    ticket_id: int
    place: str
    root_ref: str | None
    revision: int
    shown_revision: int
    card: str
    painted_at: datetime | None
    claimed_at: datetime | None
    seen_ref: str
    read_at: datetime
    open: bool


class PostView(NamedTuple):
    """A post of ours in it, or one of staff's."""

    id: int
    ticket_id: int
    place: str
    ref: str | None
    kind: str
    part: int
    message_id: int | None
    digest: str
    file_refs: list[str]
    author: str
    at: datetime


class _Ref(NamedTuple):
    ref: str


_THREAD = tuple(getattr(TeamThread, name) for name in ThreadView._fields)
_POST = tuple(getattr(TeamPost, name) for name in PostView._fields)
ADD = Write(
    insert(TeamThread)
    .values({name: bindparam(name) for name in ThreadView._fields})
    .on_conflict_do_nothing(index_elements=["ticket_id"])
)
BY_TICKET = Read(ThreadView, select(*_THREAD).where(TeamThread.ticket_id == bindparam("ticket")))
BY_ROOT = Read(
    ThreadView,
    select(*_THREAD).where(TeamThread.place == bindparam("place_"), TeamThread.root_ref == bindparam("ref_")),
)
TOUCH = Read(
    ThreadView,
    update(TeamThread)
    .where(TeamThread.ticket_id == bindparam("ticket"))
    .values(revision=TeamThread.revision + literal_column("1"), open=bindparam("is_open"))
    .returning(*_THREAD),
)
SET_CLAIMED = Write(
    update(TeamThread).where(TeamThread.ticket_id == bindparam("ticket")).values(claimed_at=bindparam("since"))
)
SET_ROOT = Write(
    update(TeamThread).where(TeamThread.ticket_id == bindparam("ticket")).values(root_ref=bindparam("ref_"))
)
PAINTED = Write(
    update(TeamThread)
    .where(TeamThread.ticket_id == bindparam("ticket"))
    .values(card=bindparam("digest_"), painted_at=bindparam("at_"))
)
SHOWN = Write(
    update(TeamThread)
    .where(TeamThread.ticket_id == bindparam("ticket"), TeamThread.shown_revision < bindparam("shown"))
    .values(shown_revision=bindparam("shown"))
)
BEHIND = Read(
    ThreadView,
    select(*_THREAD)
    .where(TeamThread.shown_revision < TeamThread.revision, TeamThread.open)
    .order_by(TeamThread.ticket_id)
    .limit(bindparam("count")),
)
TO_READ = Read(
    ThreadView,
    select(*_THREAD)
    .where(TeamThread.open, TeamThread.read_at <= bindparam("before"), TeamThread.root_ref.is_not(None))
    .order_by(TeamThread.read_at)
    .limit(bindparam("count")),
)
READ_TO = Write(
    update(TeamThread)
    .where(TeamThread.ticket_id == bindparam("ticket"))
    .values(read_at=bindparam("at_"), seen_ref=bindparam("seen"))
)
ADD_POST = Write(insert(TeamPost).values({name: bindparam(name) for name in PostView._fields}))
POSTS = Read(PostView, select(*_POST).where(TeamPost.ticket_id == bindparam("ticket")).order_by(TeamPost.id))
POST_BY_REF = Read(
    PostView,
    select(*_POST)
    .where(TeamPost.place == bindparam("place_"), TeamPost.ref == bindparam("ref_"))
    .order_by(TeamPost.id)
    .limit(1),
)
SET_POSTED = Write(
    update(TeamPost)
    .where(one_of(TeamPost.id, "ids"))
    .values(ref=bindparam("ref_"), digest=bindparam("digest_"), file_refs=bindparam("refs"))
)
SET_MESSAGE = Write(update(TeamPost).where(TeamPost.id == bindparam("post_id")).values(message_id=bindparam("message")))
DROP_POSTS = Write(delete(TeamPost).where(one_of(TeamPost.id, "ids")))
LAST_SEEN_WORDS = Read(
    _Ref,
    select(func.coalesce(func.max(TeamPost.message_id), 0)).where(
        TeamPost.ticket_id == bindparam("ticket"), TeamPost.kind == "entry", TeamPost.ref < bindparam("before")
    ),
)


def ensure_thread(tx: Tx, *, ticket_id: int, place: str) -> ThreadView:
    """The thread of a ticket, made when there is none; it is posted by the next look."""
    found = find_thread(tx, ticket_id=ticket_id)
    if found is not None:
        return found
    new = ThreadView(ticket_id, place, None, 0, 0, "", None, None, "0", tx.real, True)
    tx.run(ADD, **new._asdict())
    return tx.one(BY_TICKET, ticket=ticket_id)


def find_thread(tx: Tx, *, ticket_id: int) -> ThreadView | None:
    """Of a ticket."""
    return tx.first(BY_TICKET, ticket=ticket_id)


def find_by_root(tx: Tx, *, place: str, root_ref: str) -> ThreadView | None:
    """By channel and root message together."""
    return tx.first(BY_ROOT, place_=place, ref_=root_ref)


def touch(tx: Tx, *, ticket_id: int, place: str, later: timedelta = timedelta(0)) -> None:
    """Something has happened to a ticket: its thread is looked at, after `later`."""
    ensure_thread(tx, ticket_id=ticket_id, place=place)
    is_open = get_ticket(tx, ticket_id=ticket_id).status != "solved"
    thread = tx.one(TOUCH, ticket=ticket_id, is_open=is_open)
    owe_look(tx, thread, later=later)


def owe_look(tx: Tx, thread: ThreadView, *, later: timedelta = timedelta(0)) -> None:
    """Whoever sends looks at the thread once more; each thread keeps its own order."""
    outbox.owe(
        tx,
        channel=LANE,
        account="",
        address=thread.place,
        order_key=f"{LANE}:{thread.ticket_id}",
        kind="sync",
        payload={"op": "sync", "ticket_id": thread.ticket_id},
        reason="the ticket's thread",
        due_at=tx.now + later,
    )


def owe_look_if_idle(tx: Tx, thread: ThreadView) -> bool:
    """As `owe_look`, unless one is owed already; whether it was."""
    if outbox.has_open(tx, channel=LANE, order_key=f"{LANE}:{thread.ticket_id}"):
        return False
    owe_look(tx, thread)
    return True


def whisper(
    tx: Tx, *, place: str, root_ref: str | None, user: str, key: str, data: dict[str, Any] | None = None, **more: Any
) -> None:
    """A remark that only one person of staff sees, in the thread; `more` (ids for its buttons) as the adapter draws them."""
    outbox.owe(
        tx,
        channel=LANE,
        account="",
        address=place,
        order_key=f"{LANE}:whisper:{user}",
        kind="whisper",
        payload={
            "op": "whisper", "user": user, "thread": root_ref, "key": key, "data": data or {}, **more,
            "until": (tx.real + WHISPERED_FOR).isoformat(),
        },
        reason="remark to one of staff",
    )  # fmt: skip


def set_claimed(tx: Tx, *, ticket_id: int, since: datetime | None) -> None:
    """Since when somebody has it: told to who claims it second."""
    tx.run(SET_CLAIMED, ticket=ticket_id, since=since)


def set_root(tx: Tx, *, ticket_id: int, ref: str) -> None:
    """The root is there."""
    tx.run(SET_ROOT, ticket=ticket_id, ref_=ref)


def record_painted(tx: Tx, *, ticket_id: int, digest: str) -> None:
    """The root shows this card."""
    tx.run(PAINTED, ticket=ticket_id, digest_=digest, at_=tx.real)


def record_shown(tx: Tx, *, ticket_id: int, revision: int) -> None:
    """The thread shows everything up to `revision`; an older one than is known changes nothing."""
    tx.run(SHOWN, ticket=ticket_id, shown=revision)


def list_behind(tx: Tx, *, limit: int = 50) -> list[ThreadView]:
    """Open threads that do not show everything."""
    return tx.all(BEHIND, count=limit)


def list_to_read(tx: Tx, *, before: datetime, limit: int = 20) -> list[ThreadView]:
    """Open threads that nobody has read for missed messages since `before` (machine's clock), the longest ago first."""
    return tx.all(TO_READ, before=before, count=limit)


def record_read(tx: Tx, *, ticket_id: int, seen_ref: str) -> None:
    """Read for what was missed, up to `seen_ref`."""
    tx.run(READ_TO, ticket=ticket_id, at_=tx.real, seen=seen_ref)


def add_post(
    tx: Tx,
    *,
    ticket_id: int,
    place: str,
    kind: str,
    message_id: int | None,
    ref: str | None = None,
    part: int = 0,
    digest: str = "",
    author: str = "",
    post_id: int | None = None,
) -> PostView:
    """One message in the thread; without `ref` it is about to be posted."""
    post = PostView(post_id or tx.ids.new(), ticket_id, place, ref, kind, part, message_id, digest, [], author, tx.real)
    tx.run(ADD_POST, **post._asdict())
    return post


def record_posted(
    tx: Tx, *, post_ids: Sequence[int], ref: str | None, digest: str, file_refs: Sequence[str] = ()
) -> None:
    """These rows are this post now, and it shows this."""
    tx.run(SET_POSTED, ids=list(post_ids), ref_=ref, digest_=digest, refs=list(file_refs))


def drop_posts(tx: Tx, *, post_ids: Sequence[int]) -> None:
    """They were certainly not posted, or are gone."""
    tx.run(DROP_POSTS, ids=list(post_ids))


def set_message(tx: Tx, *, post_id: int, message_id: int) -> None:
    """What staff wrote there has become this entry."""
    tx.run(SET_MESSAGE, post_id=post_id, message=message_id)


def list_posts(tx: Tx, *, ticket_id: int) -> list[PostView]:
    """Of a thread, in the order they were begun."""
    return tx.all(POSTS, ticket=ticket_id)


def find_post(tx: Tx, *, place: str, ref: str) -> PostView | None:
    """By channel and message together."""
    return tx.first(POST_BY_REF, place_=place, ref_=ref)


def last_seen_words(tx: Tx, *, ticket_id: int, before: str) -> int:
    """The newest entry that stood in the thread before the message `before`: what its writer could have read; 0: nothing."""
    return int(tx.one(LAST_SEEN_WORDS, ticket=ticket_id, before=before).ref)
