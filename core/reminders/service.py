"""Reminders (更新案内): the tick that decides what is due, the start of a cycle, a member's settings (rows R2, X4, M10)."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from core.contracts.policy import ContractStatus
from core.contracts.tables import Contract
from core.db import Tx
from core.delivery import setaside
from core.members.service import MemberView, lock_member, update_member
from core.members.tables import Member
from core.profiles.model import Profile
from core.reminders.bundles import BundleItem, BundleView, still_wanted, view_bundle
from core.reminders.cycles import HOLDING_COLUMNS, ContractCycles, Holding, read_cycles
from core.reminders.facts import RemindersDue
from core.reminders.policy import (
    Decision,
    MilestoneDecision,
    ReminderCycle,
    due_milestones,
    next_milestone_on,
    open_wave,
)
from core.reminders.tables import Reminder
from core.statements import Read, Write, one_of

__all__ = [
    "BundleItem",
    "BundleView",
    "ReminderView",
    "list_reminders",
    "reset_cycle",
    "set_preferences",
    "still_wanted",
    "tick",
    "view_bundle",
]

log = logging.getLogger(__name__)

CHUNK_CONTRACTS = 1_000
CLAIM_TRIES = 3
JOB = "reminders"


class ReminderView(NamedTuple):
    """A milestone decided, for staff: what became of it and why."""

    id: int
    contract_id: int
    contract_no: str
    label: str
    expires_on: date
    milestone: int
    due_on: date
    state: str
    reason: str
    bundle_id: int | None
    decided_at: datetime


class _Id(NamedTuple):
    id: int


class _Queued(NamedTuple):
    id: int
    bundle_id: int
    member_id: int


_HOLDINGS = select(*HOLDING_COLUMNS).join(Member, Member.id == Contract.member_id).order_by(Contract.id)
# Members first, then their contracts: the fixed lock order, and the reason why two processes never split a member's bundle
CLAIM_MEMBERS = Read(
    _Id,
    select(Member.id)
    .where(
        Member.id.in_(
            select(Contract.member_id)
            .where(
                Contract.milestone_on <= bindparam("today"),
                Contract.member_id % bindparam("wave_seconds") <= bindparam("elapsed"),
                setaside.not_set_aside(JOB, Contract.member_id),
            )
            .order_by(Contract.milestone_on, Contract.id)
            .limit(bindparam("count"))
        )
    )
    .order_by(Member.id)
    .with_for_update(key_share=True, skip_locked=True),
)
CLAIM_CONTRACTS = Read(
    Holding,
    _HOLDINGS.where(
        one_of(Contract.member_id, "member_ids"), Contract.milestone_on <= bindparam("today")
    ).with_for_update(of=Contract, key_share=True, skip_locked=True),
)
LOCK_CONTRACTS = Read(
    Holding, _HOLDINGS.where(one_of(Contract.id, "contract_ids")).with_for_update(of=Contract, key_share=True)
)
LIVE_OF_MEMBER = Read(
    _Id,
    select(Contract.id).where(
        Contract.member_id == bindparam("member_id"), Contract.status != literal_column("'ended'")
    ),
)
ADD = Write(
    insert(Reminder)
    .values({column.name: bindparam(column.name) for column in Reminder.__table__.columns})
    .on_conflict_do_nothing(index_elements=["contract_id", "expires_on", "milestone"])
)
QUEUED_IN = Read(
    _Queued,
    select(Reminder.id, Reminder.bundle_id, Reminder.member_id)
    .where(one_of(Reminder.bundle_id, "bundle_ids"))
    .order_by(Reminder.id),
)
MOVE_ON = Write(
    update(Contract).where(Contract.id == bindparam("contract_id")).values(milestone_on=bindparam("next_on"))
)
OF_MEMBER = Read(
    ReminderView,
    select(
        Reminder.id, Reminder.contract_id, Contract.contract_no, Contract.label, Reminder.expires_on, Reminder.milestone,
        Reminder.due_on, Reminder.state, Reminder.reason, Reminder.bundle_id, Reminder.decided_at,
    )
    .join(Contract, Contract.id == Reminder.contract_id)
    .where(Reminder.member_id == bindparam("member_id"))
    .order_by(Reminder.id.desc())
    .limit(bindparam("most")),
)  # fmt: skip


def tick(tx: Tx, profile: Profile, *, limit: int = CHUNK_CONTRACTS) -> int:
    """Decide one chunk of what is due: about `limit` contracts, a member's always together; returns how many, 0 at the end.

    Nothing before the day's time of sending and in the quiet hours; from then on the members whose turn in the spread has
    come. Each (contract, cycle, milestone) gets its row once, whatever runs at the same time; a repeat finds nothing.
    """
    rules = profile.reminders
    wave = open_wave(
        tx.now,
        send_at=rules.send_at,
        quiet_from=rules.quiet_from,
        quiet_until=rules.quiet_until,
        spread_minutes=rules.spread_minutes,
    )
    if wave is None:
        return 0
    for _ in range(CLAIM_TRIES):  # another process may have decided between the two statements: then look again
        members = tx.all(
            CLAIM_MEMBERS,
            today=tx.today,
            wave_seconds=wave.seconds,
            elapsed=wave.elapsed,
            real=tx.real,
            count=limit,
        )
        if not members:
            return 0
        ids = [member.id for member in members]
        # Alone in its portion a member is named by whatever fails, also where the statements work on all at once
        with setaside.one(JOB, ids[0], ids[0]) if len(ids) == 1 else nullcontext():
            holdings = tx.all(CLAIM_CONTRACTS, member_ids=ids, today=tx.today)
            if holdings:
                _decide(tx, read_cycles(tx, profile, holdings))
        if holdings:
            setaside.done(tx, JOB, ids)
            return len(holdings)
    return 0


def reset_cycle(tx: Tx, profile: Profile, contract_ids: Sequence[int]) -> None:
    """Put the day of the next milestone on these contracts: after a renewal, an import, a change of what counts for it.

    What was still undecided for a cycle that was renewed away is closed as suppressed. The caller's transaction has
    changed the contracts or holds their member's lock.
    """
    for first in range(0, len(contract_ids), CHUNK_CONTRACTS):
        ids = list(contract_ids[first : first + CHUNK_CONTRACTS])
        known = read_cycles(tx, profile, tx.all(LOCK_CONTRACTS, contract_ids=ids))
        tx.many(ADD, (row for each in known for row in _closing_rows(tx, each)))
        _move_on(tx, ((each, each.present) for each in known))


def set_preferences(
    tx: Tx,
    profile: Profile,
    member_id: int,
    early: bool,
    off: bool,
    *,
    actor_kind: str = "member",
    actor_id: int | None = None,
) -> MemberView:
    """Which reminders a member wants (row M10): `early` those sent on request only, `off` none at all.

    It counts from now on: a milestone on request whose day has passed already is not caught up.
    """
    before = lock_member(tx, member_id=member_id)
    member = update_member(
        tx,
        member_id=member_id,
        actor_kind=actor_kind,
        actor_id=member_id if actor_id is None else actor_id,
        changes={"early_reminder": early, "reminders_off": off},
    )
    ids = [row.id for row in tx.all(LIVE_OF_MEMBER, member_id=member_id)]
    if early and not before.early_reminder:
        known = read_cycles(tx, profile, tx.all(LOCK_CONTRACTS, contract_ids=ids))
        tx.many(ADD, (row for each in known for row in _asked_late(tx, profile, each)))
    reset_cycle(tx, profile, ids)
    return member


def list_reminders(tx: Tx, member_id: int, *, limit: int = 50) -> list[ReminderView]:
    """What was decided for a member's contracts, newest first, for staff."""
    return tx.all(OF_MEMBER, member_id=member_id, most=limit)


def _decide(tx: Tx, known: Sequence[ContractCycles]) -> None:
    bundles: dict[int, int] = {}
    rows: list[dict[str, Any]] = []
    after: list[tuple[ContractCycles, ReminderCycle]] = []
    for each in known:
        decisions = due_milestones(each.present, today=tx.today)
        for decision in decisions:
            member_id = each.holding.member_id
            if decision.decision is Decision.QUEUED and member_id not in bundles:
                bundles[member_id] = tx.ids.new()
            bundle_id = bundles[member_id] if decision.decision is Decision.QUEUED else None
            rows.append(_row(tx, each.holding, each.present, decision, bundle_id))
        rows.extend(_closing_rows(tx, each))
        after.append((each, _with(each.present, decisions)))
    tx.many(ADD, rows)
    _move_on(tx, after)
    _announce(tx, list(bundles.values()))
    counts = Counter(row["state"] for row in rows)
    log.info("reminders decided", extra={"contracts": len(known), **{str(state): counts[state] for state in Decision}})


def _announce(tx: Tx, bundle_ids: list[int]) -> None:
    """One fact for each bundle, from the rows that are really there."""
    if not bundle_ids:
        return
    members: dict[int, int] = {}
    reminders: dict[int, list[int]] = {}
    for row in tx.all(QUEUED_IN, bundle_ids=bundle_ids):
        members[row.bundle_id] = row.member_id
        reminders.setdefault(row.bundle_id, []).append(row.id)
    for bundle_id, ids in reminders.items():
        with setaside.one(JOB, members[bundle_id], members[bundle_id]):
            tx.emit(RemindersDue(bundle_id, members[bundle_id], tuple(ids)))


def _closing_rows(tx: Tx, each: ContractCycles) -> list[dict[str, Any]]:
    """The rest of a cycle that was renewed away: suppressed (algorithms.md 8, step 1)."""
    old = each.renewed
    if old is None:
        return []
    return [_row(tx, each.holding, old, decision) for decision in due_milestones(old, today=tx.today)]


def _asked_late(tx: Tx, profile: Profile, each: ContractCycles) -> list[dict[str, Any]]:
    """The milestones on request that have passed by the time they are asked for."""
    if each.holding.status == ContractStatus.TRIAL:
        return []
    return [
        _row(tx, each.holding, each.present, MilestoneDecision(milestone, Decision.SUPPRESSED, "asked_late"))
        for milestone in each.present.undecided()
        if milestone in profile.reminders.on_request and each.present.date_of(milestone) < tx.today
    ]


def _with(cycle: ReminderCycle, decisions: Iterable[MilestoneDecision]) -> ReminderCycle:
    return replace(cycle, decided=cycle.decided | {decision.milestone for decision in decisions})


def _move_on(tx: Tx, after: Iterable[tuple[ContractCycles, ReminderCycle]]) -> None:
    moved = []
    for each, cycle in after:
        next_on = next_milestone_on(cycle)
        if next_on != each.holding.milestone_on:
            moved.append({"contract_id": each.holding.id, "next_on": next_on})
    tx.many(MOVE_ON, moved)


def _row(
    tx: Tx, holding: Holding, cycle: ReminderCycle, decision: MilestoneDecision, bundle_id: int | None = None
) -> dict[str, Any]:
    return {
        "id": tx.ids.new(),
        "contract_id": holding.id,
        "member_id": holding.member_id,
        "expires_on": cycle.expires_on,
        "milestone": decision.milestone,
        "due_on": cycle.date_of(decision.milestone),
        "state": decision.decision.value,
        "reason": decision.reason,
        "bundle_id": bundle_id,
        "decided_at": tx.now,
    }
