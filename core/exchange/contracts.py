"""Contracts from a file: new ones, changed ones, and what is held back because Madoguchi knows better."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, or_, select, update

from core.contracts.changes import ADD as ADD_CHANGE
from core.contracts.changes import ContractFacts
from core.contracts.facts import ContractCreated
from core.contracts.policy import ContractStatus, assumed_anchor, contract_state, grace_end_on
from core.contracts.service import ADD as INSERT
from core.contracts.service import label_key
from core.contracts.tables import Contract, Renewal
from core.db import Tx
from core.delivery.counters import raise_number, take_numbers
from core.exchange.decisions import Change, Context, Decision, Note, first_milestone_on
from core.exchange.rows import ImportRules, Problem, Row, is_anchor_of
from core.members.tables import Member
from core.statements import Read, Write, one_of

NUMBER = re.compile(r"C-([0-9]{6,12})")
CAUSE = "import"
_FIXED = ("id", "created_at", "contract_no")
_RECORDED = (*ContractFacts._fields, "external_key", "member_id", "plan_code", "label", "auto_renewal", "started_on")
_STAGE = {"trial": 0, "active": 1, "in_grace": 1, "cancelled": 2, "ended": 3}


class ContractRow(NamedTuple):
    """A contract as stored."""

    id: int
    contract_no: str
    external_key: str | None
    member_id: int
    plan_code: str
    label: str
    label_key: str
    status: str
    auto_renewal: bool
    started_on: date
    expires_on: date
    anchor: int
    cycle_no: int
    cycle_born_on: date
    milestone_on: date | None
    ended_on: date | None
    created_at: datetime
    updated_at: datetime


COLUMNS = ContractRow._fields


class Holder(NamedTuple):
    """What a contract must know of its member."""

    id: int
    member_no: str
    external_key: str | None
    early_reminder: bool


class _Open(NamedTuple):
    contract_id: int


STORED = Read(
    ContractRow,
    select(*(getattr(Contract, name) for name in COLUMNS))
    .where(or_(one_of(Contract.external_key, "keys"), one_of(Contract.contract_no, "numbers")))
    .order_by(Contract.id)
    .with_for_update(),
)
HOLDERS = Read(
    Holder,
    select(
        Member.id,
        Member.member_no,
        Member.external_key,
        Member.early_reminder,
    ).where(or_(one_of(Member.external_key, "keys"), one_of(Member.member_no, "keys"))),
)
OPEN_RENEWALS = Read(
    _Open, select(Renewal.contract_id).where(one_of(Renewal.contract_id, "contract_ids"), Renewal.state == "open")
)
UPDATE = Write(
    update(Contract)
    .where(Contract.id == bindparam("id_"))
    .values({name: bindparam(name) for name in COLUMNS if name not in _FIXED})
)


def decide_contracts(tx: Tx, rows: Sequence[Row], context: Context) -> Decision:
    """What the file's rows would do, looked at under lock; nothing is written."""
    holders = tx.all(HOLDERS, keys=sorted({row.given["member_key"] for row in rows}))
    by_member = {holder.member_no: holder for holder in holders}
    by_member |= {holder.external_key: holder for holder in holders if holder.external_key}
    stored = tx.all(STORED, keys=[row.key for row in rows], numbers=[row.number for row in rows if row.number])
    by_key = {contract.external_key: contract for contract in stored if contract.external_key}
    by_number = {contract.contract_no: contract for contract in stored}
    waiting = {row.contract_id for row in tx.all(OPEN_RENEWALS, contract_ids=[contract.id for contract in stored])}
    decision = Decision()
    for row in rows:
        holder = by_member.get(row.given["member_key"])
        same_number = by_number.get(row.number) if row.number else None
        contract = by_key.get(row.key) or (same_number if same_number and same_number.external_key is None else None)
        if holder is None:
            header = context.layout.header("member_key")
            decision.problems.append(Problem(row.line, header, row.given["member_key"], "unknown_member"))
        elif same_number is not None and same_number is not contract:
            header = context.layout.header("contract_no")
            decision.problems.append(Problem(row.line, header, row.number or "", "number_taken"))
        elif contract is None:
            decision.inserts.append(_new_contract(row, holder, context, decision))
        else:
            _decide_change(row, contract, holder, context, decision, renewing=contract.id in waiting)
    return decision


def write_contracts(tx: Tx, decision: Decision, context: Context) -> None:
    """Write a decided chunk, in the transaction that decided it; every change is recorded with its cause (row C6)."""
    unnumbered = [values for values in decision.inserts if values["contract_no"] is None]
    if unnumbered:
        for values, n in zip(unnumbered, take_numbers(tx, series="contract", count=len(unnumbered)), strict=True):
            values["contract_no"] = f"C-{n:06d}"
    inserts = [
        {**values, "id": tx.ids.new(), "created_at": tx.now, "updated_at": tx.now} for values in decision.inserts
    ]
    tx.many(INSERT, inserts)
    records = [_record(tx, values["id"], {}, values, _RECORDED) for values in inserts]
    tx.many(
        UPDATE,
        [
            {name: values[name] for name in COLUMNS if name not in _FIXED} | {"id_": values["id"], "updated_at": tx.now}
            for values in decision.updates
        ],
    )
    records += [
        _record(tx, new["id"], before, new, tuple(before))
        for new, before in zip(decision.updates, decision.before, strict=True)
    ]
    tx.many(ADD_CHANGE, records)
    for values in inserts:
        tx.emit(ContractCreated(values["id"], values["member_id"]))


def reserve_contract_numbers(tx: Tx, rows: Sequence[Row]) -> None:
    """Numbers of our own shape in the file are used up: the counter goes on after the highest."""
    highest = max((int(found[1]) for row in rows if row.number and (found := NUMBER.fullmatch(row.number))), default=0)
    if highest:
        raise_number(tx, series="contract", at_least=highest)


def _record(tx: Tx, contract_id: int, before: dict[str, Any], after: dict[str, Any], names: Sequence[str]) -> Any:
    return {
        "id": tx.ids.new(),
        "contract_id": contract_id,
        "at": tx.now,
        "cause": CAUSE,
        "before": before,
        "after": {name: after[name] for name in names},
    }


def _new_contract(row: Row, holder: Holder, context: Context, decision: Decision) -> dict[str, Any]:
    given, rules = row.given, context.rules
    expires_on: date = given["expires_on"]
    anchor = given.get("anchor")
    if anchor is None:
        anchor = _assume_anchor(row, expires_on, context, decision)
    values = {
        "contract_no": row.number,
        "external_key": row.key,
        "member_id": holder.id,
        "plan_code": given["plan_code"],
        "label": given["label"],
        "label_key": label_key(given["label"]),
        "auto_renewal": given.get("auto_renewal", False),
        "started_on": given.get("started_on") or min(rules.today, expires_on),
        "expires_on": expires_on,
        "anchor": anchor,
        "cycle_no": 1,
    }
    return values | _state_from(given.get("status", "active"), expires_on, holder, rules)


def _state_from(base: str, expires_on: date, holder: Holder, rules: ImportRules) -> dict[str, Any]:
    """Status and reminders of a cycle that is born with this import."""
    grace_days = rules.trial_grace_days if base == "trial" else rules.grace_days
    status = contract_state(
        status=ContractStatus(base), expires_on=expires_on, grace_days=grace_days, today=rules.today
    )
    over_on = (expires_on if base == "cancelled" else grace_end_on(expires_on, grace_days)) + timedelta(days=1)
    if base == "trial" and status == "in_grace":
        status = ContractStatus.TRIAL  # it stays a trial until it has ended
    return {
        "status": str(status),
        "ended_on": min(over_on, rules.today) if status == "ended" else None,
        "cycle_born_on": rules.today,
        "milestone_on": first_milestone_on(
            rules,
            expires_on=expires_on,
            status=status,
            trial=base == "trial",
            early=holder.early_reminder,
        ),
    }


def _assume_anchor(row: Row, expires_on: date, context: Context, decision: Decision) -> int:
    anchor, assumed = assumed_anchor(expires_on)
    if assumed:
        header = context.layout.header("expires_on")
        decision.notes.append(Note(row.line, header, "anchor_assumed", {"expires_on": expires_on}))
    return anchor


def _decide_change(
    row: Row, contract: ContractRow, holder: Holder, context: Context, decision: Decision, *, renewing: bool
) -> None:
    """A contract that is here already takes from the file what is newer there.

    Held back, with a note: an expiry before the present one (the member renewed here, the file is older) unless it was
    allowed; an expiry while a renewal is unpaid (its money would find another term); a cancellation or end undone.
    """
    old = contract._asdict()
    given = {name: value for name, value in row.given.items() if name != "member_key"}
    wanted = given.pop("status", None)
    given["member_id"] = holder.id
    if given["expires_on"] != contract.expires_on:
        held = _held(given["expires_on"], contract, context, renewing=renewing)
        if held:
            decision.notes.append(
                Note(row.line, context.layout.header("expires_on"), held, {"expires_on": contract.expires_on})
            )
            given.pop("expires_on")
            given.pop("anchor", None)
        elif "anchor" not in given and not is_anchor_of(contract.anchor, given["expires_on"]):
            given["anchor"] = _assume_anchor(row, given["expires_on"], context, decision)
    changed = {name: value for name, value in given.items() if old[name] != value}
    if contract.external_key is None:
        changed["external_key"] = row.key
    if row.number and row.number != contract.contract_no:
        header = context.layout.header("contract_no")
        decision.notes.append(Note(row.line, header, "number_kept", {"number": contract.contract_no}))
    base = _base_status(wanted, row, contract, context, decision)
    if "expires_on" in changed or base != _base_of(contract):
        state = _state_from(base, changed.get("expires_on", contract.expires_on), holder, context.rules)
        if "expires_on" in changed:
            state["cycle_no"] = contract.cycle_no + 1
        else:
            del state["cycle_born_on"]
            if base == contract.status == "ended":
                del state["ended_on"]
        changed |= {name: value for name, value in state.items() if old[name] != value}
    if "label" in changed:
        changed["label_key"] = label_key(changed["label"])
    if not changed:
        decision.unchanged += 1
        return
    decision.updates.append({**old, **changed})
    decision.before.append({name: old[name] for name in _RECORDED if name in changed or name in ContractFacts._fields})
    shown = [name for name in changed if name in row.given or name in ("member_id", "status", "anchor")]
    headers = {"member_id": "member_key", "plan_code": "plan"}
    decision.changes.append(Change(row.line, tuple(context.layout.header(headers.get(name, name)) for name in shown)))


def _held(expires_on: date, contract: ContractRow, context: Context, *, renewing: bool) -> str | None:
    if renewing:
        return "renewal_open"
    if expires_on < contract.expires_on and not context.allow_earlier:
        return "expiry_earlier"
    return None


def _base_of(contract: ContractRow) -> str:
    return "active" if contract.status == "in_grace" else contract.status


def _base_status(wanted: str | None, row: Row, contract: ContractRow, context: Context, decision: Decision) -> str:
    """The status before the day is looked at: the file may move it on (trial, active, cancelled, ended), never back."""
    present = _base_of(contract)
    later = row.given["expires_on"] > contract.expires_on
    if wanted is None or wanted == present:
        return "active" if present == "ended" and later and wanted is None else present
    if _STAGE[wanted] > _STAGE[present] or (present == "ended" and later):
        return wanted
    if present == "cancelled" or (present == "ended" and contract.expires_on >= context.rules.today):
        decision.notes.append(Note(row.line, context.layout.header("status"), "status_kept", {"status": present}))
    return present
