"""Staff change or delete what they wrote in a thread: notes follow; of what went out the member's side is asked first."""

from typing import NamedTuple

from core.db import Tx
from core.errors import DomainError
from core.members.identities import find_by_identity
from core.members.staff import StaffView
from core.teamchat.policy import public_words
from core.teamchat.releases import ReleaseView, cancel_release, find_release, record_new_words
from core.teamchat.threads import PostView, ThreadView, find_by_root, find_post, whisper
from core.tickets.editing import can_edit_answer, channel_of_answer, edit_note, remove_note
from core.tickets.policy import LONGEST_TEXT
from core.tickets.threads import get_message


class Changed(NamedTuple):
    """A message of staff that says something else by now, or (deleted) nothing."""

    team: str
    user: str
    place: str
    root_ref: str
    ref: str
    text: str


def record_changed(tx: Tx, changed: Changed) -> str:
    """A note gets a new version. Of a held answer the old words are stopped; of one that went out staff are asked whether
    the member's side follows. What it became: unknown, note, stopped, asked.
    """
    found = _find(tx, changed)
    if found is None:
        return "unknown"
    thread, post, staff = found
    release = find_release(tx, source_key=f"{changed.place}:{changed.ref}")
    if release is not None and release.state in ("held", "asked"):
        cancel_release(tx, staff, release_id=release.id)
        _whisper(tx, thread, changed.user, "cancelled")
        return "stopped"
    text = public_words(changed.text)
    if release is not None and release.state == "released" and release.message_id is not None:
        words = text if text is not None else changed.text
        if get_message(tx, message_id=release.message_id).body == words.strip():
            return "same"
        record_new_words(tx, release, text=words)
        _offer_edit(tx, thread, release, words)
        return "asked"
    if post.message_id is None:
        return "unknown"
    try:
        edit_note(tx, staff, message_id=post.message_id, text=changed.text[:LONGEST_TEXT])
    except DomainError:
        return "refused"
    return "note"


def record_deleted(tx: Tx, changed: Changed) -> str:
    """A note leaves a tombstone; a held answer is stopped; of one that went out staff are asked, or told that it stays."""
    post = find_post(tx, place=changed.place, ref=changed.ref)
    if post is None or post.kind != "staff":
        return "unknown"
    team, _, user = post.author.partition(":")
    changed = changed._replace(team=team, user=user)  # who deletes is not told: it was the writer or an admin
    found = _find(tx, changed)
    if found is None:
        return "unknown"
    thread, post, staff = found
    release = find_release(tx, source_key=f"{changed.place}:{changed.ref}")
    if release is not None and release.state in ("held", "asked"):
        cancel_release(tx, staff, release_id=release.id)
        _whisper(tx, thread, user, "cancelled")
        return "stopped"
    if release is not None and release.state == "released" and release.message_id is not None:
        can = can_edit_answer(tx, message_id=release.message_id)
        channel = channel_of_answer(tx, message_id=release.message_id)
        if can:
            _ask(tx, thread, user, "offer_remove", release.message_id, ["remove_answer", "keep_there"])
        else:
            _ask(tx, thread, user, "cannot_remove", release.message_id, [], channel=channel)
        return "asked"
    if post.message_id is None:
        return "unknown"
    try:
        remove_note(tx, staff, message_id=post.message_id)
    except DomainError:
        return "refused"
    return "note"


def _find(tx: Tx, changed: Changed) -> tuple[ThreadView, PostView, StaffView] | None:
    post = find_post(tx, place=changed.place, ref=changed.ref)
    thread = find_by_root(tx, place=changed.place, root_ref=changed.root_ref) if changed.root_ref else None
    staff = find_by_identity(tx, team=changed.team, user=changed.user)
    if post is None or post.kind != "staff" or thread is None or staff is None:
        return None
    return (thread, post, staff) if post.author == f"{changed.team}:{changed.user}" else None


def _offer_edit(tx: Tx, thread: ThreadView, release: ReleaseView, words: str) -> None:
    message_id = int(release.message_id or 0)
    channel = channel_of_answer(tx, message_id=message_id)
    can = can_edit_answer(tx, message_id=message_id)
    key, act = ("offer_edit", "edit_there") if can else ("offer_correct", "correct")
    _ask(tx, thread, release.user, key, message_id, [act, "keep_there"], quote=words, channel=channel)


def _ask(
    tx: Tx,
    thread: ThreadView,
    user: str,
    key: str,
    message_id: int,
    buttons: list[str],
    *,
    quote: str = "",
    channel: str = "",
) -> None:
    whisper(
        tx,
        place=thread.place,
        root_ref=thread.root_ref,
        user=user,
        key=key,
        data={"channel_code": channel},
        ticket_id=thread.ticket_id,
        about=message_id,
        buttons=buttons,
        **({"quote": quote} if quote else {}),
    )


def _whisper(tx: Tx, thread: ThreadView, user: str, key: str) -> None:
    whisper(tx, place=thread.place, root_ref=thread.root_ref, user=user, key=key)
