"""Contracts as the reminder policy sees them, read in sets: a few statements however many contracts there are."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import bindparam as given
from sqlalchemy import literal_column, select

from core.contracts.policy import ContractStatus, grace_end_on
from core.contracts.tables import Contract, Renewal
from core.db import Tx
from core.members.tables import Member
from core.profiles.model import Profile
from core.reminders.policy import ReminderCycle, StopReason, stop_reason, wanted_milestones
from core.reminders.tables import Reminder
from core.statements import Read, one_of


class Holding(NamedTuple):
    """A contract and what of its member matters for reminders."""

    id: int
    member_id: int
    status: str
    auto_renewal: bool
    expires_on: date
    cycle_born_on: date
    milestone_on: date | None
    early_reminder: bool
    reminders_off: bool
    member_status: str


class ContractCycles(NamedTuple):
    """A contract's present cycle, and the one before when it was renewed out of it."""

    holding: Holding
    present: ReminderCycle
    renewed: ReminderCycle | None


class _Before(NamedTuple):
    contract_id: int
    old_expires_on: date


class _Decided(NamedTuple):
    contract_id: int
    expires_on: date
    milestone: int


HOLDING_COLUMNS: tuple[Any, ...] = (
    Contract.id, Contract.member_id, Contract.status, Contract.auto_renewal, Contract.expires_on, Contract.cycle_born_on,
    Contract.milestone_on, Member.early_reminder, Member.reminders_off, Member.status,
)  # fmt: skip
# Written out, not bound: SQLite takes a partial index only for a constant it can see
RENEWED_BEFORE = Read(
    _Before,
    select(Renewal.contract_id, Renewal.old_expires_on)
    .join(Contract, Contract.id == Renewal.contract_id)
    .where(
        one_of(Contract.id, "contract_ids"),
        Renewal.state == literal_column("'done'"),
        Renewal.cycle_no == Contract.cycle_no - 1,
    ),
)
DECIDED = Read(
    _Decided,
    select(Reminder.contract_id, Reminder.expires_on, Reminder.milestone).where(
        one_of(Reminder.contract_id, "contract_ids"), Reminder.expires_on >= given("since")
    ),
)


def read_cycles(tx: Tx, profile: Profile, holdings: Sequence[Holding]) -> list[ContractCycles]:
    """The cycles of these contracts with what was decided for them; two statements."""
    ids = [holding.id for holding in holdings]
    if not ids:
        return []
    before = {row.contract_id: row.old_expires_on for row in tx.all(RENEWED_BEFORE, contract_ids=ids)}
    since = min((*(holding.expires_on for holding in holdings), *before.values()))
    decided: dict[tuple[int, date], set[int]] = defaultdict(set)
    for row in tx.all(DECIDED, contract_ids=ids, since=since):
        decided[row.contract_id, row.expires_on].add(row.milestone)
    found = []
    for holding in holdings:
        old_on = before.get(holding.id)
        renewed = None
        if old_on is not None and old_on != holding.expires_on:
            renewed = cycle_of(profile, holding, expires_on=old_on, decided=decided[holding.id, old_on], today=tx.today)
        present = cycle_of(
            profile,
            holding,
            expires_on=holding.expires_on,
            decided=decided[holding.id, holding.expires_on],
            today=tx.today,
        )
        found.append(ContractCycles(holding, present, renewed))
    return found


def cycle_of(
    profile: Profile, holding: Holding, *, expires_on: date, decided: Iterable[int], today: date
) -> ReminderCycle:
    """One cycle under the operator's rules; trials have milestones and a grace of their own (row C11)."""
    grace_days = grace_days_of(profile, holding.status)
    return ReminderCycle(
        expires_on=expires_on,
        born_on=holding.cycle_born_on,
        grace_end_on=grace_end_on(expires_on, grace_days),
        milestones=milestones_of(profile, status=holding.status, early=holding.early_reminder),
        decided=frozenset(decided),
        stopped=_stopped(holding, expires_on, grace_days, today),
    )


def grace_days_of(profile: Profile, status: str) -> int:
    """Days after the expiry in which a contract in this status still counts as the same one."""
    if status == ContractStatus.TRIAL and profile.trial is not None:
        return profile.trial.grace_days
    return profile.renewal.grace_days


def milestones_of(profile: Profile, *, status: str, early: bool) -> tuple[int, ...]:
    """Days from the expiry on which the member of a contract in this status is reminded (rows R2, C11)."""
    if status == ContractStatus.TRIAL:
        return tuple(profile.trial.milestones) if profile.trial is not None else ()
    on_request = profile.reminders.on_request
    return wanted_milestones(profile.reminders.milestones, on_request=on_request, asked_for=on_request if early else ())


def _stopped(holding: Holding, expires_on: date, grace_days: int, today: date) -> StopReason | None:
    return stop_reason(
        cycle_expires_on=expires_on,
        contract_expires_on=holding.expires_on,
        status=ContractStatus(holding.status),
        grace_days=grace_days,
        auto_renewal=holding.auto_renewal,
        opted_out=holding.reminders_off,
        withdrawn=holding.member_status == "withdrawn",
        today=today,
    )
