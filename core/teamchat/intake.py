"""What the staff's messenger tells: each event once, in its thread's order, kept when its turn fails, tried again.

A delivery is stored in our own words (`Said` and the like as JSON), so that it can be done again without its platform.
"""

import logging
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.db import Tx
from core.delivery import inbox
from core.delivery.inbox import Kept
from core.errors import DomainError
from core.members.identities import find_by_identity
from core.members.staff import StaffView
from core.teamchat.rewriting import Changed, record_changed, record_deleted
from core.teamchat.threads import LANE
from core.teamchat.writing import RemoteFile, Said, record_said

log = logging.getLogger(__name__)

MARK = "team_event"


@dataclass(frozen=True, slots=True)
class TeamEvent:
    """One event of a thread: `what` is said, changed or deleted."""

    what: str
    team: str
    user: str
    place: str
    root_ref: str
    ref: str
    text: str = ""
    files: tuple[RemoteFile, ...] = ()
    is_bot: bool = False

    def to_json(self) -> dict[str, Any]:
        """As stored with the delivery."""
        return {MARK: 1, **asdict(self), "files": [file._asdict() for file in self.files]}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "TeamEvent":
        """As it was."""
        given = {name: value for name, value in stored.items() if name != MARK}
        return cls(**{**given, "files": tuple(RemoteFile(**file) for file in stored["files"])})

    @property
    def thread_key(self) -> str:
        """What happens in one thread is taken in order."""
        return f"{LANE}:{self.team}:{self.place}:{self.root_ref}"


def take(tx: Tx, event: TeamEvent, *, delivery_key: str) -> str:
    """The turn of an event: duplicate, kept (behind an earlier one of its thread), or what it became."""
    inbox_id = _record(tx, event, delivery_key)
    if inbox_id is None:
        return "duplicate"
    if inbox.has_unfinished(tx, chat_key=event.thread_key, but=inbox_id):
        inbox.keep_waiting(tx, inbox_id=inbox_id)
        return "kept"
    return _do(tx, event)


def keep(tx: Tx, error: Exception, event: TeamEvent, *, delivery_key: str) -> str:
    """After its turn was undone: kept for another try. What the rules refuse is done with."""
    inbox_id = _record(tx, event, delivery_key)
    if inbox_id is None:
        return "duplicate"
    if isinstance(error, DomainError):
        return "refused"
    log.error("an event of the staff's messenger failed: %s", type(error).__name__)
    inbox.fail(tx, inbox_id=inbox_id, attempts=1, error=type(error).__name__)
    return "kept"


def is_ours(payload: dict[str, Any]) -> bool:
    """Whether a kept delivery came from the staff's messenger."""
    return MARK in payload


def take_again(tx: Tx, kept: Kept) -> None:
    """Another try of a kept event."""
    _do(tx, TeamEvent.from_json(kept.payload))
    inbox.finish(tx, inbox_id=kept.id)


def fail_again(tx: Tx, kept: Kept, error: Exception) -> None:
    """The next try failed too; the third failure makes a dead letter, which staff see with a button to try again."""
    if isinstance(error, DomainError):
        inbox.finish(tx, inbox_id=kept.id)
        return
    log.error("an event of the staff's messenger failed again: %s", type(error).__name__)
    inbox.fail(tx, inbox_id=kept.id, attempts=kept.attempts + 1, error=type(error).__name__)


def take_press(tx: Tx, *, team: str, key: str) -> bool:
    """A press, a modal or a shortcut counts once; False: it was done before."""
    found = inbox.record(
        tx, channel=LANE, account=team, delivery_key=f"act:{key}"[:128], chat_key=f"{LANE}:act", payload={MARK: 1}
    )
    return found is not None


def need_staff(tx: Tx, *, team: str, user: str) -> StaffView:
    """Who acts. Errors: DomainError `unmapped` (team, user): nobody an admin has added."""
    staff = find_by_identity(tx, team=team, user=user)
    if staff is None:
        raise DomainError("unmapped", team=team, user=user)
    return staff


def _record(tx: Tx, event: TeamEvent, delivery_key: str) -> int | None:
    return inbox.record(
        tx,
        channel=LANE,
        account=event.team,
        delivery_key=delivery_key,
        chat_key=event.thread_key,
        payload=event.to_json(),
    )


def _do(tx: Tx, event: TeamEvent) -> str:
    if event.what == "said":
        given = asdict(replace(event, files=()))
        given.pop("what")
        return record_said(tx, Said(**{**given, "files": event.files}))
    changed = Changed(event.team, event.user, event.place, event.root_ref, event.ref, event.text)
    return record_changed(tx, changed) if event.what == "changed" else record_deleted(tx, changed)
