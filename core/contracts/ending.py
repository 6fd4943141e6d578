"""The timed job that follows the calendar: active → in grace → ended (row C6, algorithms.md, first paragraph)."""

from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import and_, bindparam, or_, select, text, update

from core.contracts.changes import ContractFacts, record_change
from core.contracts.facts import ContractEnded, ContractInGrace
from core.contracts.policy import ContractStatus, contract_state, renewable_until
from core.contracts.service import snapshot
from core.contracts.tables import Contract
from core.db import Tx
from core.delivery import setaside
from core.profiles.model import Profile
from core.statements import Read, Write

CHUNK = 500
JOB = "contracts"


class _Row(NamedTuple):
    id: int
    member_id: int
    status: str
    expires_on: date
    anchor: int
    cycle_no: int
    milestone_on: date | None


PASSED = Read(
    _Row,
    select(
        Contract.id, Contract.member_id, Contract.status, Contract.expires_on, Contract.anchor, Contract.cycle_no,
        Contract.milestone_on,
    )
    .where(
        text("contract.status <> 'ended'"),  # written out, so that the partial index serves
        Contract.expires_on < bindparam("day"),
        or_(
            Contract.status == "active",
            Contract.status == "cancelled",
            and_(Contract.status == "in_grace", Contract.expires_on < bindparam("grace_cut")),
            and_(Contract.status == "trial", Contract.expires_on < bindparam("trial_cut")),
        ),
        setaside.not_set_aside(JOB, Contract.id),
    )
    .order_by(Contract.expires_on, Contract.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, key_share=True),
)  # fmt: skip
MOVE = Write(
    update(Contract)
    .where(Contract.id == bindparam("contract_id"))
    .values(
        status=bindparam("new_status"),
        ended_on=bindparam("since"),
        milestone_on=bindparam("next_look"),
        updated_at=bindparam("now"),
    )
)


def end_expired(tx: Tx, *, profile: Profile, limit: int = CHUNK) -> int:
    """Move contracts whose day has passed on, each recorded and told once; how many it moved.

    After a pause a contract goes straight to where it belongs. It may be repeated and run by several processes; call it
    again while it returns `limit`. A contract that is being paid at this moment is left to the next call.
    """
    trial_days = profile.trial.grace_days if profile.trial else profile.renewal.grace_days
    rows = tx.all(
        PASSED,
        day=tx.today,
        grace_cut=tx.today - timedelta(days=profile.renewal.grace_days),
        trial_cut=tx.today - timedelta(days=trial_days),
        real=tx.real,
        most=limit,
    )
    for row in rows:
        with setaside.one(JOB, row.id, row.member_id):
            _move(tx, profile, row)
    setaside.done(tx, JOB, [row.id for row in rows])
    return len(rows)


def _move(tx: Tx, profile: Profile, row: _Row) -> None:
    known = snapshot(profile, status=row.status, expires_on=row.expires_on, anchor=row.anchor)
    state = contract_state(
        status=known.status, expires_on=known.expires_on, grace_days=known.grace_days, today=tx.today
    )
    ended = state is ContractStatus.ENDED
    grace_days = 0 if row.status == "cancelled" else known.grace_days
    new_status = "ended" if ended else "in_grace"
    tx.run(
        MOVE,
        contract_id=row.id,
        new_status=new_status,
        since=row.expires_on + timedelta(days=grace_days + 1) if ended else None,
        next_look=None if ended else row.milestone_on,
        now=tx.now,
    )
    before = ContractFacts(row.status, row.expires_on, row.anchor, row.cycle_no)
    record_change(tx, contract_id=row.id, cause="expired", before=before, after=before._replace(status=new_status))
    if not ended:
        tx.emit(ContractInGrace(row.id, row.member_id))
        return
    last_day = renewable_until(replace(known, grace_days=grace_days))
    tx.emit(ContractEnded(row.id, row.member_id, last_day))
