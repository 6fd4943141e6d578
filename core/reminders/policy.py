"""Which reminder, when, in which words: decisions only, frozen values in, values out (algorithms.md 8; rows R2, X4).

A *cycle* is a contract and its expiry E; a changed E is a new cycle. A *milestone* m is the day E + m. It is valid from
that day until the next milestone's, the last one until the grace ends. A milestone is decided once: what comes back
from `due_milestones` is stored under a unique key and handed in again as `decided`, so a repeated run decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

from core.clock import JST
from core.contracts.policy import ContractStatus, contract_state
from core.errors import InvariantBroken


class StopReason(StrEnum):
    """Why a cycle is not reminded of. Renewed and ended are final, the others may be taken back."""

    RENEWED = "renewed"
    ENDED = "ended"
    CANCELLED = "cancelled"
    AUTOMATIC = "automatic"
    WITHDRAWN = "withdrawn"
    OPTED_OUT = "opted_out"


FINAL_STOPS = frozenset({StopReason.RENEWED, StopReason.ENDED})


class Decision(StrEnum):
    """What becomes of a milestone."""

    QUEUED = "queued"
    SUPERSEDED = "superseded"
    SUPPRESSED = "suppressed"


class WordingState(StrEnum):
    """How far the member has come; it decides the words of the reminder."""

    NOTHING_DONE = "nothing_done"
    INVOICE_OPEN = "invoice_open"
    REPORT_OPEN = "report_open"
    PAYMENT_FAILED = "payment_failed"


class MilestoneDecision(NamedTuple):
    """A milestone decided. `reason`: `due`, `later_milestone`, `before_birth` or the stop's own word."""

    milestone: int
    decision: Decision
    reason: str


class Wave(NamedTuple):
    """Whose turn it is at a moment of the day: members are spread over `seconds` from the time of sending by their id.

    A member's turn has come when the remainder of their id by `seconds` is at most `elapsed`, and stays so for the rest of
    the day. A database can work that out, so that only those whose turn has come are read.
    """

    seconds: int
    elapsed: int


class SecondLook(NamedTuple):
    """The answer at the moment of sending; `reason` as in MilestoneDecision."""

    wanted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ReminderCycle:
    """What the decisions need to know of a cycle.

    `milestones`: days from the expiry that hold for this member (`wanted_milestones`); `decided`: those that have a row;
    `born_on`: the day the contract or its present expiry came to be; `stopped`: from `stop_reason`.
    """

    expires_on: date
    born_on: date
    grace_end_on: date
    milestones: tuple[int, ...]
    decided: frozenset[int] = frozenset()
    stopped: StopReason | None = None

    def date_of(self, milestone: int) -> date:
        """The day from which a milestone is valid."""
        return self.expires_on + timedelta(days=milestone)

    def undecided(self) -> list[int]:
        """The milestones without a row, early ones first."""
        return sorted(set(self.milestones) - self.decided)

    def valid_milestone(self, today: date) -> int | None:
        """The latest milestone whose day has come, decided or not; None before the first."""
        return max((m for m in {*self.milestones, *self.decided} if self.date_of(m) <= today), default=None)


def wanted_milestones(
    milestones: Iterable[int], *, on_request: Iterable[int], asked_for: Iterable[int]
) -> tuple[int, ...]:
    """Return the profile's milestones that hold for a member: those on request only if the member asked (R2: −40)."""
    left_out = set(on_request) - set(asked_for)
    return tuple(m for m in milestones if m not in left_out)


def stop_reason(
    *,
    cycle_expires_on: date,
    contract_expires_on: date,
    status: ContractStatus,
    grace_days: int,
    auto_renewal: bool,
    opted_out: bool,
    today: date,
    withdrawn: bool = False,
) -> StopReason | None:
    """Return why a cycle must not be reminded of as of a day, None when it may: asked at each tick and at sending.

    `withdrawn`: the member has left (退会).
    """
    if contract_expires_on != cycle_expires_on:
        return StopReason.RENEWED
    state = contract_state(status=status, expires_on=contract_expires_on, grace_days=grace_days, today=today)
    if state is ContractStatus.ENDED:
        return StopReason.ENDED
    if state is ContractStatus.CANCELLED:
        return StopReason.CANCELLED
    if auto_renewal:
        return StopReason.AUTOMATIC
    if withdrawn:
        return StopReason.WITHDRAWN
    return StopReason.OPTED_OUT if opted_out else None


def due_milestones(cycle: ReminderCycle, *, today: date) -> list[MilestoneDecision]:
    """Return what is to be decided today, early milestones first; nothing when everything due has its row.

    At most one comes back queued: the latest whose day has come, and only if it has no row yet; after downtime the
    older ones are superseded. Milestones before the cycle's birth are suppressed. A final stop suppresses all the rest;
    a stop that may be taken back (cancelled, automatic, withdrawn, opted out) only what is due, so that a contract that
    falls back to renewal by hand is reminded of from then on (A3).
    """
    stop = _stop_as_of(cycle, today)
    undecided = cycle.undecided()
    if stop in FINAL_STOPS:
        return [MilestoneDecision(m, Decision.SUPPRESSED, stop.value) for m in undecided]
    valid = cycle.valid_milestone(today)
    return [_decided(cycle, m, valid, stop) for m in undecided if cycle.date_of(m) <= today]


def next_milestone_on(cycle: ReminderCycle) -> date | None:
    """Return the day to store in the contract's index: when its next undecided milestone is due, None when none can be.

    A day in the past means that a tick has work to do. After storing what `due_milestones` said, it lies ahead.
    """
    if cycle.stopped in FINAL_STOPS:
        return None
    days = [cycle.date_of(m) for m in cycle.undecided()]
    return min((day for day in days if day <= cycle.grace_end_on), default=None)


def still_wanted(cycle: ReminderCycle, milestone: int, *, today: date) -> SecondLook:
    """Return whether a queued reminder may still leave: no stop since then, and no later milestone's day has come.

    The cycle is read afresh. The quiet hours are asked apart (`is_quiet`): they delay, they do not drop.
    """
    stop = _stop_as_of(cycle, today)
    if stop is not None:
        return SecondLook(wanted=False, reason=stop.value)
    valid = cycle.valid_milestone(today)
    if valid is not None and valid > milestone:
        return SecondLook(wanted=False, reason="later_milestone")
    return SecondLook(wanted=True, reason="due")


def wording_state(*, has_open_invoice: bool, has_open_report: bool, payment_failed: bool) -> WordingState:
    """Return which words a reminder uses.

    A reported transfer is thanked for and never urged, whatever else is true; a failed payment is said before the open
    invoice that it leaves behind.
    """
    if has_open_report:
        return WordingState.REPORT_OPEN
    if payment_failed:
        return WordingState.PAYMENT_FAILED
    return WordingState.INVOICE_OPEN if has_open_invoice else WordingState.NOTHING_DONE


def is_quiet(at: datetime, *, quiet_from: time, quiet_until: time) -> bool:
    """Return whether an aware instant lies in the quiet hours in Japan: from `quiet_from` until before `quiet_until`.

    They may span midnight; equal times mean that there are none.
    """
    clock_time = at.astimezone(JST).time()
    if quiet_from <= quiet_until:
        return quiet_from <= clock_time < quiet_until
    return clock_time >= quiet_from or clock_time < quiet_until


def open_wave(now: datetime, *, send_at: time, quiet_from: time, quiet_until: time, spread_minutes: int) -> Wave | None:
    """Return whose reminders are decided now, None before the day's time of sending and in the quiet hours.

    After the spread everybody's turn has come: what downtime held up leaves at once, at the pace of its channel.
    """
    elapsed = int((now - _at(now.astimezone(JST).date(), send_at)).total_seconds())
    if elapsed < 0 or is_quiet(now, quiet_from=quiet_from, quiet_until=quiet_until):
        return None
    return Wave(max(1, spread_minutes * 60), elapsed)


def earliest_send_at(
    now: datetime, *, send_at: time, quiet_from: time, quiet_until: time, spread_minutes: int, spread_key: str
) -> datetime:
    """Return the UTC instant at which a reminder decided now may leave.

    That is `send_at` of today in Japan, or now when that has passed. In the quiet hours it becomes the next `send_at`
    outside them, or their end when `send_at` is quiet itself or comes before it. From there reminders are spread over
    `spread_minutes` by a hash of the key (one key for all reminders of a member, so that they travel together), but
    never into the quiet hours.
    Raises InvariantBroken for a naive `now`.
    """
    if now.tzinfo is None:
        raise InvariantBroken("an instant without a zone")
    local = now.astimezone(JST)
    base = max(local, _at(local.date(), send_at))
    if is_quiet(base, quiet_from=quiet_from, quiet_until=quiet_until):
        base = _next_time(base, quiet_until)
        preferred = _at(base.date(), send_at)
        if preferred > base and not is_quiet(preferred, quiet_from=quiet_from, quiet_until=quiet_until):
            base = preferred
    room = timedelta(minutes=spread_minutes)
    if quiet_from != quiet_until:
        room = min(room, _next_time(base, quiet_from) - base)
    return (base + _share_of(room, spread_key)).astimezone(UTC)


def _stop_as_of(cycle: ReminderCycle, today: date) -> StopReason | None:
    if cycle.stopped is None and today > cycle.grace_end_on:
        return StopReason.ENDED
    return cycle.stopped


def _decided(cycle: ReminderCycle, milestone: int, valid: int | None, stop: StopReason | None) -> MilestoneDecision:
    if stop is not None:
        return MilestoneDecision(milestone, Decision.SUPPRESSED, stop.value)
    if cycle.date_of(milestone) < cycle.born_on:
        return MilestoneDecision(milestone, Decision.SUPPRESSED, "before_birth")
    if milestone == valid:
        return MilestoneDecision(milestone, Decision.QUEUED, "due")
    return MilestoneDecision(milestone, Decision.SUPERSEDED, "later_milestone")


def _at(day: date, clock_time: time) -> datetime:
    return datetime.combine(day, clock_time, tzinfo=JST)


def _next_time(after: datetime, clock_time: time) -> datetime:
    """Return the first moment strictly after `after` at which the clock in Japan shows `clock_time`."""
    today = _at(after.date(), clock_time)
    return today if today > after else _at(after.date() + timedelta(days=1), clock_time)


def _share_of(room: timedelta, key: str) -> timedelta:
    """Return whole seconds below `room`, the same for the same key on every machine."""
    seconds = int(room.total_seconds())
    if seconds < 1:
        return timedelta(0)
    digest = blake2b(key.encode(), digest_size=8).digest()
    return timedelta(seconds=int.from_bytes(digest, "big") % seconds)
