"""Words of staff on their way to the member: asked about, held for a moment, waiting for files, then an answer.

A held release is a row: a restart changes nothing about when it leaves, and "取り消す" is a compare-and-swap on its state.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, insert, select, update

from core.db import Tx
from core.delivery.files import get_file, give_to_chat
from core.errors import DomainError
from core.members.roles import ActingStaff, require
from core.members.service import find_member
from core.members.staff import StaffView, get_staff
from core.statements import Read, Write
from core.teamchat.policy import check_files, list_warnings, member_numbers
from core.teamchat.tables import TeamRelease
from core.teamchat.threads import find_post, find_thread, set_message, whisper
from core.tickets.answers import note, reply
from core.tickets.chats import lock_reply_chat
from core.tickets.policy import check_filled, check_text
from core.tickets.threads import LAST_OF_MEMBER, TicketMessageView, get_ticket, lock_ticket

LEFT_AFTER = timedelta(minutes=10)  # files that have not come by then never will


class ReleaseView(NamedTuple):
    """As its row says."""

    id: int
    ticket_id: int
    staff_id: int
    team: str
    user: str
    source_key: str
    text: str
    files: list[str]
    seen_id: int
    state: str  # draft, held, asked, released, cancelled, refused
    confirmed: bool
    why: str
    message_id: int | None
    due_at: datetime
    created_at: datetime


class _Id(NamedTuple):
    id: int


_VIEW = tuple(getattr(TeamRelease, name) for name in ReleaseView._fields)
ADD = Write(insert(TeamRelease).values({name: bindparam(name) for name in ReleaseView._fields}))
BY_KEY = Read(ReleaseView, select(*_VIEW).where(TeamRelease.source_key == bindparam("key_")))
BY_ID = Read(ReleaseView, select(*_VIEW).where(TeamRelease.id == bindparam("release")))
LOCK = Read(ReleaseView, select(*_VIEW).where(TeamRelease.id == bindparam("release")).with_for_update())
OF_MESSAGE = Read(ReleaseView, select(*_VIEW).where(TeamRelease.message_id == bindparam("message")))
DUE = Read(
    _Id,
    select(TeamRelease.id)
    .where(TeamRelease.state == "held", TeamRelease.due_at <= bindparam("real"))
    .order_by(TeamRelease.due_at)
    .limit(20),
)
SET = Write(
    update(TeamRelease)
    .where(TeamRelease.id == bindparam("release"))
    .values(
        state=bindparam("new_state"),
        why=bindparam("new_why"),
        confirmed=bindparam("new_confirmed"),
        seen_id=bindparam("new_seen"),
        message_id=bindparam("new_message"),
        due_at=bindparam("new_due"),
        text=bindparam("new_text"),
        files=bindparam("new_files"),
    )
)


def begin_release(
    tx: Tx,
    staff: ActingStaff,
    *,
    ticket_id: int,
    team: str,
    user: str,
    source_key: str,
    text: str,
    files: Sequence[int] = (),
    seen_id: int,
    hold: timedelta,
    confirmed: bool = False,
) -> ReleaseView:
    """Put words on their way to the member. What should be asked again is asked first, unless `confirmed`.

    The same source again gives the first release. Errors: DomainError `forbidden`, `text_missing`, `text_too_long`,
    `file_type_refused`.
    """
    require(staff, "reply")
    first = tx.first(BY_KEY, key_=source_key)
    if first is not None:
        return first
    text = check_text(text, files=len(files))
    _check_files(tx, files)
    release = ReleaseView(
        id=tx.ids.new(),
        ticket_id=ticket_id,
        staff_id=staff.id,
        team=team,
        user=user,
        source_key=source_key,
        text=text,
        files=[str(file_id) for file_id in files],
        seen_id=seen_id,
        state="held",
        confirmed=confirmed,
        why="",
        message_id=None,
        due_at=tx.real + hold,
        created_at=tx.real,
    )
    tx.run(ADD, **release._asdict())
    codes = [] if confirmed else warnings_of(tx, ticket_id=ticket_id, text=text)
    if codes:
        return _ask(tx, release, "asked_warned", codes=codes)
    if not confirmed and (newer := newer_words(tx, ticket_id=ticket_id, seen_id=seen_id)) is not None:
        return _ask(tx, release, "asked_stale", quote=newer.body)
    if hold or files:
        key = "held" if hold else "held_files"
        _tell(tx, release, key, buttons=["cancel_hold"], quote=text, seconds=int(hold.total_seconds()))
    tx.wake("releases")
    return release


def draft_release(
    tx: Tx,
    staff: ActingStaff,
    *,
    ticket_id: int,
    team: str,
    user: str,
    source_key: str,
    text: str,
    files: Sequence[int] = (),
    seen_id: int,
) -> ReleaseView:
    """Words written in a modal, kept while their preview is looked at; the same source again gives the same draft new words.

    Errors: DomainError `forbidden`, `text_missing`, `text_too_long`, `text_unfilled`, `file_type_refused`, `already_released`
    (they left before).
    """
    require(staff, "reply")
    text = check_text(text, files=len(files))
    check_filled(text)
    _check_files(tx, files)
    kept = [str(file_id) for file_id in files]
    first = tx.first(BY_KEY, key_=source_key)
    if first is not None:
        if first.state in ("held", "released"):
            raise DomainError("already_released")
        return _set(tx, first, state="draft", text=text, files=kept, seen_id=seen_id, why="")
    draft = ReleaseView(
        tx.ids.new(), ticket_id, staff.id, team, user, source_key, text, kept, seen_id, "draft", False, "", None,
        tx.real, tx.real,
    )  # fmt: skip
    tx.run(ADD, **draft._asdict())
    return draft


def send_draft(tx: Tx, staff: ActingStaff, *, release_id: int, seen_id: int) -> ReleaseView:
    """送信する under a preview: an answer at once, or as soon as its files are here. A second press gives the first.

    Errors: DomainError `forbidden`, `stale` (message_id, text) when the member wrote after `seen_id`, and those of
    `core.tickets.answers.reply`.
    """
    found = tx.one(BY_ID, release=release_id)
    lock_reply_chat(tx, found.ticket_id)
    release = _lock_own(tx, staff, release_id)
    if release.state != "draft":
        return release
    newer = newer_words(tx, ticket_id=release.ticket_id, seen_id=seen_id)
    if newer is not None:
        raise DomainError("stale", message_id=newer.id, text=newer.body)
    release = _set(tx, release, state="held", confirmed=True, seen_id=seen_id, due_at=tx.real)
    return release_now(tx, release_id=release.id) or get_release(tx, release_id=release.id)


def take_draft(tx: Tx, staff: ActingStaff, *, release_id: int) -> ReleaseView | None:
    """Its words leave by another act (with the end of a ticket), in this transaction; None: they left before.

    Errors: DomainError `forbidden`.
    """
    lock_reply_chat(tx, tx.one(BY_ID, release=release_id).ticket_id)
    release = _lock_own(tx, staff, release_id)
    return _set(tx, release, state="released", confirmed=True) if release.state == "draft" else None


def warnings_of(tx: Tx, *, ticket_id: int, text: str) -> list[str]:
    """Codes of what should be asked again: card_number, unfilled, other_ticket, other_member."""
    ticket = get_ticket(tx, ticket_id=ticket_id)
    found = list_warnings(text, ticket_no=ticket.ticket_no)
    for number in member_numbers(text):
        other = find_member(tx, member_no=number)
        if other is not None and other.id != ticket.member_id:
            return [*found, "other_member"]
    return found


def newer_words(tx: Tx, *, ticket_id: int, seen_id: int) -> TicketMessageView | None:
    """What the member wrote after what was seen; None: nothing."""
    last = tx.first(LAST_OF_MEMBER, ticket_id=ticket_id)
    return last if last is not None and last.id > seen_id else None


def cancel_release(tx: Tx, staff: ActingStaff, *, release_id: int) -> ReleaseView:
    """取り消す: the words stay as a note for colleagues. What has left is not called back: its state says so.

    Errors: DomainError `forbidden` (somebody else's words).
    """
    release = _lock_own(tx, staff, release_id)
    if release.state not in ("held", "asked"):
        return release
    _keep_as_note(tx, staff, release)
    return _set(tx, release, state="cancelled")


def confirm_release(tx: Tx, staff: ActingStaff, *, release_id: int) -> ReleaseView:
    """このまま送る: what was asked about leaves at once; everything the member wrote so far counts as read.

    Errors: DomainError `forbidden`.
    """
    release = _lock_own(tx, staff, release_id)
    if release.state != "asked":
        return release
    last = tx.first(LAST_OF_MEMBER, ticket_id=release.ticket_id)
    tx.wake("releases")
    return _set(tx, release, state="held", confirmed=True, seen_id=last.id if last else 0, due_at=tx.real)


def list_due(tx: Tx) -> list[int]:
    """Held releases whose moment has passed."""
    return [row.id for row in tx.all(DUE, real=tx.real)]


def release_now(tx: Tx, *, release_id: int) -> ReleaseView | None:
    """The moment has passed: an answer to the member, once its files are here. None: somebody else has decided, or it waits.

    A refusal (the rules, a file that never came) is told to the writer, and the words stay as a note. Locks chat, ticket.
    """
    found = tx.one(BY_ID, release=release_id)
    chat_id = lock_reply_chat(tx, found.ticket_id)
    lock_ticket(tx, ticket_id=found.ticket_id)
    release = tx.one(LOCK, release=release_id)
    if release.state != "held" or release.due_at > tx.real:
        return None
    files = [get_file(tx, file_id=int(file_id)) for file_id in release.files]
    if any(file.state == "pending" for file in files) and tx.real - release.created_at < LEFT_AFTER:
        _set(tx, release, due_at=tx.real + timedelta(seconds=1))
        return None
    staff = get_staff(tx, staff_id=release.staff_id)
    if any(file.state != "stored" for file in files):
        return refuse_release(tx, release_id=release_id, code="file_missing")
    newer = newer_words(tx, ticket_id=release.ticket_id, seen_id=release.seen_id)
    if newer is not None:
        return _ask(tx, release, "asked_stale", quote=newer.body)
    if chat_id is not None:
        give_to_chat(tx, file_ids=[file.id for file in files], chat_id=chat_id)
    message = reply(
        tx,
        staff,
        ticket_id=release.ticket_id,
        text=release.text,
        files=files,
        client_key=f"team:{release.id}",
        last_seen_message_id=release.seen_id,
        force=True,
    )
    return _set(tx, release, state="released", message_id=message.id)


def refuse_release(tx: Tx, *, release_id: int, code: str) -> ReleaseView:
    """It cannot leave: told to its writer, kept as a note."""
    lock_ticket(tx, ticket_id=tx.one(BY_ID, release=release_id).ticket_id)
    release = tx.one(LOCK, release=release_id)
    if release.state not in ("held", "asked"):
        return release
    _keep_as_note(tx, get_staff(tx, staff_id=release.staff_id), release)
    _tell(tx, release, "refused", what_code=code)
    return _set(tx, release, state="refused", why=code)


def find_release(tx: Tx, *, source_key: str) -> ReleaseView | None:
    """Of one message of staff."""
    return tx.first(BY_KEY, key_=source_key)


def record_new_words(tx: Tx, release: ReleaseView, *, text: str) -> None:
    """What its writer made of it after it had left, in case they want it at the member's side as well."""
    _set(tx, release, text=text)


def release_of_answer(tx: Tx, *, message_id: int) -> ReleaseView | None:
    """The release that became this answer."""
    return tx.first(OF_MESSAGE, message=message_id)


def get_release(tx: Tx, *, release_id: int) -> ReleaseView:
    """By id; a missing one is a broken invariant."""
    return tx.one(BY_ID, release=release_id)


def _check_files(tx: Tx, file_ids: Sequence[int]) -> None:
    check_files([get_file(tx, file_id=file_id).name for file_id in file_ids])


def _lock_own(tx: Tx, staff: ActingStaff, release_id: int) -> ReleaseView:
    require(staff, "reply")
    lock_ticket(tx, ticket_id=tx.one(BY_ID, release=release_id).ticket_id)  # before the release, as `release_now` does
    release = tx.one(LOCK, release=release_id)
    if release.staff_id != staff.id:
        raise DomainError("forbidden", right="reply")
    return release


def _set(tx: Tx, release: ReleaseView, **changed: object) -> ReleaseView:
    new = release._replace(**changed)  # type: ignore[arg-type]
    tx.run(
        SET,
        release=new.id,
        new_state=new.state,
        new_why=new.why,
        new_confirmed=new.confirmed,
        new_seen=new.seen_id,
        new_message=new.message_id,
        new_due=new.due_at,
        new_text=new.text,
        new_files=new.files,
    )
    return new


def _ask(tx: Tx, release: ReleaseView, key: str, **shown: object) -> ReleaseView:
    _tell(tx, release, key, buttons=["send_anyway", "cancel_hold"], **shown)
    return _set(tx, release, state="asked", why="stale" if key == "asked_stale" else "warned")


def _tell(tx: Tx, release: ReleaseView, key: str, *, buttons: Sequence[str] = (), **shown: object) -> None:
    thread = find_thread(tx, ticket_id=release.ticket_id)
    if thread is None:
        return
    quote = shown.pop("quote", None)
    whisper(
        tx,
        place=thread.place,
        root_ref=thread.root_ref,
        user=release.user,
        key=key,
        data=dict(shown),
        ticket_id=release.ticket_id,
        about=release.id,
        buttons=list(buttons),
        **({"quote": quote} if quote is not None else {}),
    )


def _keep_as_note(tx: Tx, staff: StaffView | ActingStaff, release: ReleaseView) -> None:
    """What does not leave stays readable for colleagues; words from a modal were nowhere yet."""
    place, _, ref = release.source_key.partition(":")
    post = find_post(tx, place=place, ref=ref)
    if post is not None and post.message_id is not None:
        return
    files = [get_file(tx, file_id=int(file_id)) for file_id in release.files]
    kept = note(
        tx, staff, ticket_id=release.ticket_id, text=release.text, files=files, client_key=f"team:{release.id}:note"
    )
    if post is not None:
        set_message(tx, post_id=post.id, message_id=kept.id)
