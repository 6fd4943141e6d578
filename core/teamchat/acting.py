"""What a press in a thread does to its ticket. Rights are asked by the use cases; an old card changes nothing."""

from collections.abc import Callable
from typing import NamedTuple

from core.clock import JST
from core.db import Tx
from core.errors import DomainError
from core.members.staff import StaffView
from core.teamchat.releases import cancel_release, confirm_release, find_release, release_of_answer
from core.teamchat.threads import find_post, find_thread, touch, whisper
from core.tickets.assignment import claim, release, take_over
from core.tickets.editing import edit_answer, remove_answer
from core.tickets.handling import reopen, set_priority, snooze, solve
from core.tickets.threads import get_ticket

BOUND = frozenset({"take_over", "release", "snooze", "wake", "solve", "reopen", "assign", "priority"})


class Press(NamedTuple):
    """A press of a known person. `revision` is the ticket's on the card; `about` what else it is about."""

    ticket_id: int
    action: str
    revision: int
    about: int
    team: str
    user: str


def press(tx: Tx, staff: StaffView, pressed: Press) -> None:
    """Do it. Errors: DomainError of the use case, `ticket_changed` for an old card."""
    if pressed.action in BOUND:
        need_current(tx, ticket_id=pressed.ticket_id, revision=pressed.revision)
    ACTS[pressed.action](tx, staff, pressed)


def need_current(tx: Tx, *, ticket_id: int, revision: int) -> None:
    """Errors: DomainError `ticket_changed` when the card that was pressed shows an earlier state."""
    if get_ticket(tx, ticket_id=ticket_id).revision != revision:
        raise DomainError("ticket_changed")


def tell_refusal(tx: Tx, pressed: Press, error: DomainError) -> None:
    """Why a press did nothing, to the one who pressed; the card is drawn anew."""
    thread = find_thread(tx, ticket_id=pressed.ticket_id)
    if thread is None:
        return
    key, data = "error", {"what_code": error.code, **{k: v for k, v in error.data.items() if isinstance(v, str | int)}}
    if error.code == "ticket_changed":
        key, data = "old_button", {}
    elif error.code == "forbidden":
        key = "forbidden_press"
    elif error.code == "unmapped":
        key, data = "unmapped_press", dict(data)
    elif error.code == "claimed_by_other" and thread.claimed_at is not None:
        key, data = (
            "claimed_by_other",
            {
                "name": str(error.data.get("name", "")),
                "at": f"{thread.claimed_at.astimezone(JST):%H:%M}",
            },
        )
    whisper(tx, place=thread.place, root_ref=thread.root_ref, user=pressed.user, key=key, data=data)
    touch(tx, ticket_id=pressed.ticket_id, place=thread.place)


def react(tx: Tx, staff: StaffView, act: str, *, place: str, ref: str) -> int | None:
    """An emoji under a message of a ticket's thread: claim, solve and urgent under ours, keep_internal under one's own.

    The ticket that it changed, or None where it means nothing. Errors: DomainError of the use case.
    """
    post = find_post(tx, place=place, ref=ref)
    if post is None or (post.kind == "staff") != (act == "keep_internal"):
        return None
    if act == "keep_internal":
        kept = find_release(tx, source_key=f"{place}:{ref}")
        done = kept is not None and cancel_release(tx, staff, release_id=kept.id).state == "cancelled"
        return post.ticket_id if done else None
    if act == "claim":
        claim(tx, staff, ticket_id=post.ticket_id)
    elif act == "solve":
        solve(tx, staff, ticket_id=post.ticket_id)
    else:
        set_priority(tx, staff, ticket_id=post.ticket_id, priority="urgent")
    return post.ticket_id


def keep_internal(tx: Tx, staff: StaffView, *, place: str, ref: str, user: str) -> None:
    """内部メモにする, on one's own message: what is held for the member does not leave; the writer is told what it is now.

    Errors: DomainError `not_yours` (no message of staff in a ticket's thread), `forbidden` (somebody else's).
    """
    post = find_post(tx, place=place, ref=ref)
    thread = find_thread(tx, ticket_id=post.ticket_id) if post is not None and post.kind == "staff" else None
    if thread is None:
        raise DomainError("not_yours")
    release, key = find_release(tx, source_key=f"{place}:{ref}"), "internal_already"
    if release is not None:
        done = cancel_release(tx, staff, release_id=release.id)
        key = {"cancelled": "cancelled", "released": "too_late"}.get(done.state, key)
    whisper(tx, place=place, root_ref=thread.root_ref, user=user, key=key)


def _claim(tx: Tx, staff: StaffView, pressed: Press) -> None:
    claim(tx, staff, ticket_id=pressed.ticket_id)


def _take_over(tx: Tx, staff: StaffView, pressed: Press) -> None:
    holder = get_ticket(tx, ticket_id=pressed.ticket_id).assignee_id
    take_over(tx, staff, ticket_id=pressed.ticket_id, from_staff_id=holder)


def _cancel(tx: Tx, staff: StaffView, pressed: Press) -> None:
    done = cancel_release(tx, staff, release_id=pressed.about)
    _whisper(tx, pressed, "too_late" if done.state == "released" else "cancelled")


def _send_anyway(tx: Tx, staff: StaffView, pressed: Press) -> None:
    done = confirm_release(tx, staff, release_id=pressed.about)
    if done.state == "cancelled":
        _whisper(tx, pressed, "cancelled")


def _edit_there(tx: Tx, staff: StaffView, pressed: Press) -> None:
    found = release_of_answer(tx, message_id=pressed.about)
    if found is not None:
        edit_answer(tx, staff, message_id=pressed.about, text=found.text)
        _whisper(tx, pressed, "edited")


def _remove(tx: Tx, staff: StaffView, pressed: Press) -> None:
    remove_answer(tx, staff, message_id=pressed.about)
    _whisper(tx, pressed, "removed")


def _whisper(tx: Tx, pressed: Press, key: str) -> None:
    thread = find_thread(tx, ticket_id=pressed.ticket_id)
    if thread is not None:
        whisper(tx, place=thread.place, root_ref=thread.root_ref, user=pressed.user, key=key)


ACTS: dict[str, Callable[[Tx, StaffView, Press], None]] = {
    "claim": _claim,
    "take_over": _take_over,
    "release": lambda tx, staff, pressed: void(release(tx, staff, ticket_id=pressed.ticket_id)),
    "wake": lambda tx, staff, pressed: void(snooze(tx, staff, ticket_id=pressed.ticket_id, until=None)),
    "reopen": lambda tx, staff, pressed: void(reopen(tx, staff, ticket_id=pressed.ticket_id)),
    "cancel_hold": _cancel,
    "send_anyway": _send_anyway,
    "edit_there": _edit_there,
    "remove_answer": _remove,
    "keep_there": lambda tx, staff, pressed: None,
}


def void(_: object) -> None:
    """The press needs no answer of its own: the card shows what became of it."""
