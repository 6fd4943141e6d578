"""One look at a ticket's thread: what stands there, what is missing, what may have been posted without our knowing."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.db import Tx
from core.delivery.files import get_file
from core.delivery.outbox import DeliveryView, find_delivery
from core.teamchat.threads import ALARM, FOLD, PostView, ThreadView, add_post, find_thread, list_posts
from core.tickets.editing import VersionView, list_versions
from core.tickets.threads import MESSAGES, TicketMessageView, TicketView, get_ticket

FOLDED = 6  # more of a burst than this is a post of its own: one message has its limits
DIGEST_FROM = 5  # more than so many entries that waited are one post (dialogue-and-desk.md 1.5)
DIGEST_AFTER = timedelta(minutes=2)
BLANKED = "blanked"
FILES_WITHIN = timedelta(hours=1)  # a file that still lies at its platform is waited for


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the ticket, with what became of it if it was an answer."""

    message: TicketMessageView
    delivery: DeliveryView | None


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that are one post. `ref` None: not posted, or (with `posts`) begun without an answer."""

    kind: str  # entry, digest
    entries: tuple[Entry, ...]
    posts: tuple[PostView, ...] = ()

    @property
    def ref(self) -> str | None:
        """The post, once it is known."""
        return self.posts[0].ref if self.posts else None


@dataclass(frozen=True, slots=True)
class MissingFile:
    """A file of an entry that is not in the thread; `post` is there when bringing it was begun."""

    message: TicketMessageView
    part: int
    file: dict[str, Any]
    post: PostView | None


@dataclass(frozen=True, slots=True)
class Change:
    """Words that the member changed: old and new stand in the thread (dialogue-and-desk.md 1.4)."""

    message: TicketMessageView
    version: VersionView
    post: PostView | None


@dataclass(frozen=True, slots=True)
class Look:
    """Everything the sender needs for one thread, read in one transaction."""

    thread: ThreadView
    ticket: TicketView
    root: PostView | None
    shown: tuple[Group, ...]
    missing: tuple[Group, ...]
    changes: tuple[Change, ...]
    gone_changes: tuple[PostView, ...]  # they quote words that the member took back since
    missing_files: tuple[MissingFile, ...]
    files_pending: bool
    gone_files: tuple[PostView, ...]  # brought there, and taken back by the member since
    alarming: frozenset[int]  # entries that the whole channel should see


def look(tx: Tx, *, ticket_id: int) -> Look | None:
    """None when the ticket has no thread."""
    thread = find_thread(tx, ticket_id=ticket_id)
    if thread is None:
        return None
    posts = list_posts(tx, ticket_id=ticket_id)
    entries = [Entry(row, _delivery(tx, row)) for row in tx.all(MESSAGES, ticket_id=ticket_id)]
    begun = _grouped(entries, [post for post in posts if post.kind in ("entry", "digest")])
    known = {post.message_id for post in posts if post.kind in ("entry", "digest", "staff")}
    fresh = fold([entry for entry in entries if entry.message.id not in known], now=tx.now)
    missing_files, pending = _files(tx, entries, posts)
    changes, gone_changes = _changes(tx, entries, posts)
    return Look(
        thread=thread,
        ticket=get_ticket(tx, ticket_id=ticket_id),
        root=next((post for post in posts if post.kind == "root"), None),
        shown=tuple(group for group in begun if group.ref is not None),
        missing=(*(group for group in begun if group.ref is None), *fresh),
        changes=tuple(changes),
        gone_changes=tuple(gone_changes),
        missing_files=tuple(missing_files),
        files_pending=pending,
        gone_files=tuple(_gone(entries, posts)),
        alarming=frozenset(post.message_id for post in posts if post.kind == ALARM and post.message_id is not None),
    )


def begin_group(tx: Tx, *, thread: ThreadView, group: Group) -> Group:
    """Noted before it is posted: should nobody hear the answer, the post is looked for by its mark."""
    mark = tx.ids.new()
    posts = [
        add_post(
            tx,
            ticket_id=thread.ticket_id,
            place=thread.place,
            kind=group.kind,
            message_id=entry.message.id,
            author=f"mark:{mark}",
            post_id=mark if number == 0 else None,
        )
        for number, entry in enumerate(group.entries)
    ]
    return Group(group.kind, group.entries, tuple(posts))


def fold(entries: list[Entry], *, now: Any) -> list[Group]:
    """A burst of the member's is one post; a backlog after an outage too, instead of a flood."""
    if len(entries) > DIGEST_FROM and now - entries[0].message.at > DIGEST_AFTER:
        return [Group("digest", tuple(entries))]
    groups: list[list[Entry]] = []
    for entry in entries:
        last = groups[-1][-1].message if groups else None
        same = last is not None and last.author == entry.message.author == "member"
        if last is not None and same and entry.message.at - last.at <= FOLD and len(groups[-1]) < FOLDED:
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return [Group("entry", tuple(group)) for group in groups]


def _changes(tx: Tx, entries: list[Entry], posts: list[PostView]) -> tuple[list[Change], list[PostView]]:
    told = {post.digest: post for post in posts if post.kind == "change"}
    versions = [
        (entry.message, version)
        for entry in entries
        if entry.message.author == "member"
        for version in list_versions(tx, message_id=entry.message.id)
    ]
    found = []
    for message, version in versions:
        post = told.pop(str(version.id), None)
        if post is None or post.ref is None:
            found.append(Change(message, version, post))
    return found, [post for post in told.values() if post.ref is not None and post.digest != BLANKED]


def _delivery(tx: Tx, row: TicketMessageView) -> DeliveryView | None:
    return find_delivery(tx, outbox_id=row.outbox_id) if row.outbox_id is not None else None


def _grouped(entries: list[Entry], posts: list[PostView]) -> list[Group]:
    by_id = {entry.message.id: entry for entry in entries}
    groups: dict[str, list[PostView]] = {}
    for post in posts:
        groups.setdefault(post.author, []).append(post)
    return [
        Group(those[0].kind, tuple(by_id[post.message_id] for post in those if post.message_id in by_id), tuple(those))
        for those in groups.values()
    ]


def _files(tx: Tx, entries: list[Entry], posts: list[PostView]) -> tuple[list[MissingFile], bool]:
    there = {(post.message_id, post.digest): post for post in posts if post.kind == "file"}
    written_there = {post.message_id for post in posts if post.kind == "staff"}  # its files stand there already
    missing, pending = [], False
    for entry in entries:
        if entry.message.id in written_there:
            continue
        for part, file in enumerate(entry.message.files):
            post = there.get((entry.message.id, str(file["file_id"])))
            if post is not None and post.ref is not None:
                continue
            state = get_file(tx, file_id=int(file["file_id"])).state
            if state == "stored":
                missing.append(MissingFile(entry.message, part, file, post))
            elif state == "pending" and tx.now - entry.message.at < FILES_WITHIN:
                pending = True
    return missing, pending


def _gone(entries: list[Entry], posts: list[PostView]) -> list[PostView]:
    kept = {(entry.message.id, str(file["file_id"])) for entry in entries for file in entry.message.files}
    return [
        post
        for post in posts
        if post.kind == "file" and post.ref is not None and (post.message_id, post.digest) not in kept
    ]
