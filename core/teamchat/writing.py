"""What somebody writes into a ticket's thread: a note for colleagues, unless it is plainly meant for the member (row Q2)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from core.db import Tx
from core.delivery import outbox
from core.delivery.files import MAX_FILE_BYTES, FileView, store_file
from core.errors import DomainError
from core.members.identities import find_by_identity
from core.members.roles import is_allowed
from core.members.staff import StaffView
from core.teamchat.policy import HOLD_SECONDS, public_words
from core.teamchat.releases import begin_release
from core.teamchat.threads import (
    LANE,
    ThreadView,
    add_post,
    find_by_root,
    find_post,
    last_seen_words,
    set_message,
    whisper,
)
from core.tickets.answers import note
from core.tickets.entries import add_entry
from core.tickets.policy import LONGEST_TEXT

NAME_LENGTH = 100


class RemoteFile(NamedTuple):
    """A file that lies at the messenger."""

    name: str
    mime: str
    size_bytes: int
    remote_ref: str


class Said(NamedTuple):
    """One message of a person in a thread."""

    team: str
    user: str
    place: str
    root_ref: str
    ref: str
    text: str
    files: tuple[RemoteFile, ...] = ()
    is_bot: bool = False


def record_said(tx: Tx, said: Said) -> str:
    """Internal by default. What it became: unknown (no ticket's thread), seen (known already), note, held, unmapped.

    An answer that cannot go out as it is (a file too large or of a refused kind, too long) stays whole as a note.
    Who is not one of staff, or may not write, is kept as internal too and told so; nothing of theirs is ever sent.
    """
    thread = find_by_root(tx, place=said.place, root_ref=said.root_ref)
    if thread is None:
        return "unknown"
    if find_post(tx, place=said.place, ref=said.ref) is not None:
        return "seen"  # ours, or read before
    staff = None if said.is_bot else find_by_identity(tx, team=said.team, user=said.user)
    post = add_post(
        tx,
        ticket_id=thread.ticket_id,
        place=said.place,
        kind="staff",
        ref=said.ref,
        message_id=None,
        author=f"{said.team}:{said.user}",
    )
    large = [file.name for file in said.files if file.size_bytes > MAX_FILE_BYTES]
    files = [_store(tx, said, file) for file in said.files if file.size_bytes <= MAX_FILE_BYTES]
    if staff is None or not is_allowed(staff.role, "note"):
        message_id = _keep_stranger(tx, thread, said, staff, files)
        set_message(tx, post_id=post.id, message_id=message_id)
        return "unmapped"
    words = public_words(said.text)
    if words is not None and (words or said.files):
        if not large and _hold(tx, thread, said, staff, words, files):
            return "held"
        if large:
            _whisper(tx, thread, said, "refused", {"what_code": "file_too_large"})
    elif large:
        _whisper(tx, thread, said, "files_left", {"names": "、".join(large)})
    if not said.text.strip() and not files:
        return "note"
    kept = note(
        tx,
        staff,
        ticket_id=thread.ticket_id,
        text=said.text[:LONGEST_TEXT],
        files=files,
        client_key=f"{said.place}:{said.ref}",
    )
    set_message(tx, post_id=post.id, message_id=kept.id)
    return "note"


def pass_over(tx: Tx, *, place: str, root_ref: str, ref: str, author: str) -> None:
    """Known by its ts only: its words are not kept, and not read later either."""
    thread = find_by_root(tx, place=place, root_ref=root_ref)
    if thread is not None and find_post(tx, place=place, ref=ref) is None:
        add_post(tx, ticket_id=thread.ticket_id, place=place, kind="staff", ref=ref, message_id=None, author=author)


def _hold(tx: Tx, thread: ThreadView, said: Said, staff: StaffView, words: str, files: Sequence[FileView]) -> bool:
    """False when the rules refuse it; its writer is told which."""
    try:
        begin_release(
            tx,
            staff,
            ticket_id=thread.ticket_id,
            team=said.team,
            user=said.user,
            source_key=f"{said.place}:{said.ref}",
            text=words,
            files=[file.id for file in files],
            seen_id=last_seen_words(tx, ticket_id=thread.ticket_id, before=said.ref),
            hold=timedelta(seconds=HOLD_SECONDS),
        )
    except DomainError as error:
        _whisper(tx, thread, said, "refused", {"what_code": error.code, **error.data})
        return False
    return True


def _keep_stranger(tx: Tx, thread: ThreadView, said: Said, staff: StaffView | None, files: Sequence[FileView]) -> int:
    entry = add_entry(
        tx,
        thread.ticket_id,
        author="staff",
        author_id=staff.id if staff is not None else None,
        author_name=(staff.name if staff is not None else f"Slack {said.user}")[:NAME_LENGTH],
        visibility="internal",
        body=said.text[:LONGEST_TEXT],
        files=files,
        client_key=f"{LANE}:{said.place}:{said.ref}",
    )
    if said.is_bot:
        return entry.id
    if staff is None:
        _whisper(tx, thread, said, "unmapped", {"team": said.team, "user": said.user})
    else:
        _whisper(tx, thread, said, "forbidden", {"right": "note"})
    return entry.id


def _whisper(tx: Tx, thread: ThreadView, said: Said, key: str, data: dict[str, Any]) -> None:
    whisper(tx, place=thread.place, root_ref=thread.root_ref, user=said.user, key=key, data=data)


def _store(tx: Tx, said: Said, file: RemoteFile) -> FileView:
    """Its row now, its content by the outbox."""
    view = store_file(
        tx,
        chat_id=None,
        name=file.name,
        mime=file.mime,
        content=None,
        remote_ref=None,
        size_bytes=file.size_bytes,
    )
    outbox.owe(
        tx,
        channel=LANE,
        account="",
        address=said.place,
        order_key=f"{LANE}:file:{view.id}",
        kind="fetch",
        payload={
            "op": "fetch", "file_id": view.id, "remote_ref": file.remote_ref, "name": file.name, "thread": said.root_ref,
            "user": "" if said.is_bot else said.user,
        },
        reason="file of staff",
    )  # fmt: skip
    return view
