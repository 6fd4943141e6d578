"""Members from a file: which are new, which are changed, and the set-based statements that write a chunk of them."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, or_, select, update

from core.billing.payers import payer_name_key
from core.contracts.tables import Contract
from core.db import Tx
from core.delivery.counters import raise_number, take_numbers
from core.exchange.decisions import Change, Context, Decision, Note, first_milestone_on
from core.exchange.rows import Problem, Row, guessed_kind
from core.members.audit import ADD as ADD_AUDIT
from core.members.policy import email_key, format_member_no, search_text
from core.members.tables import ChatLink, Member
from core.statements import Read, Write, one_of

NUMBER = re.compile(r"M-([0-9]{6,12})")
_DEFAULTS: dict[str, Any] = {
    "name_kana": "",
    "email": None,
    "sub_email": None,
    "phone": None,
    "postal_code": None,
    "address": None,
    "birth_on": None,
    "status": "active",
    "early_reminder": False,
    "reminders_off": False,
}


class MemberRow(NamedTuple):
    """A member as stored."""

    id: int
    member_no: str
    external_key: str | None
    kind: str
    name: str
    name_kana: str
    name_key: str
    email: str | None
    email_key: str | None
    sub_email: str | None
    phone: str | None
    postal_code: str | None
    address: str | None
    birth_on: date | None
    language: str
    status: str
    early_reminder: bool
    reminders_off: bool
    search_text: str
    created_at: datetime
    updated_at: datetime


COLUMNS = MemberRow._fields


class _Waiting(NamedTuple):
    id: int
    status: str
    expires_on: date
    milestone_on: date | None
    member_id: int


STORED = Read(
    MemberRow,
    select(*(getattr(Member, name) for name in COLUMNS))
    .where(or_(one_of(Member.external_key, "keys"), one_of(Member.member_no, "numbers")))
    .order_by(Member.id)
    .with_for_update(),
)
INSERT = Write(insert(Member).values({name: bindparam(name) for name in COLUMNS}))
UPDATE = Write(
    update(Member)
    .where(Member.id == bindparam("id_"))
    .values({name: bindparam(name) for name in COLUMNS if name not in ("id", "created_at", "member_no")})
)
UNLINK = Write(
    update(ChatLink)
    .where(one_of(ChatLink.member_id, "member_ids"), ChatLink.ended_at.is_(None))
    .values(ended_at=bindparam("now"), ended_by="import")
)
THEIR_CONTRACTS = Read(
    _Waiting,
    select(
        Contract.id,
        Contract.status,
        Contract.expires_on,
        Contract.milestone_on,
        Contract.member_id,
    )
    .where(one_of(Contract.member_id, "member_ids"), one_of(Contract.status, "states"))
    .order_by(Contract.id)
    .with_for_update(),
)
SET_MILESTONE = Write(
    update(Contract).where(Contract.id == bindparam("id_")).values(milestone_on=bindparam("milestone_on"))
)


def decide_members(tx: Tx, rows: Sequence[Row], context: Context) -> Decision:
    """What the file's rows would do, looked at under lock; nothing is written.

    A row is the member with its key, or one with its number who has no key yet. A key and a number of two different
    members are a problem, never a guess.
    """
    stored = tx.all(STORED, keys=[row.key for row in rows], numbers=[row.number for row in rows if row.number])
    by_key = {member.external_key: member for member in stored if member.external_key}
    by_number = {member.member_no: member for member in stored}
    decision = Decision()
    for row in rows:
        same_number = by_number.get(row.number) if row.number else None
        member = by_key.get(row.key) or (same_number if same_number and same_number.external_key is None else None)
        if same_number is not None and same_number is not member:
            header = context.layout.header("member_no")
            decision.problems.append(Problem(row.line, header, row.number or "", "number_taken"))
        elif member is None:
            decision.inserts.append(_new_member(row, context))
        else:
            _decide_change(row, member, context, decision)
    return decision


def write_members(tx: Tx, decision: Decision, context: Context) -> None:
    """Write a decided chunk, in the transaction that decided it."""
    unnumbered = [values for values in decision.inserts if values["member_no"] is None]
    if unnumbered:
        for values, n in zip(unnumbered, take_numbers(tx, series="member", count=len(unnumbered)), strict=True):
            values["member_no"] = format_member_no(n)
            _with_search(values)
    stamps = {"created_at": tx.now, "updated_at": tx.now}
    tx.many(INSERT, [{**values, **stamps, "id": tx.ids.new()} for values in decision.inserts])
    if decision.updates:
        _write_changes(tx, decision, context)


def reserve_member_numbers(tx: Tx, rows: Sequence[Row]) -> None:
    """Numbers of our own shape in the file are used up: the counter goes on after the highest."""
    highest = max((int(found[1]) for row in rows if row.number and (found := NUMBER.fullmatch(row.number))), default=0)
    if highest:
        raise_number(tx, series="member", at_least=highest)


def _new_member(row: Row, context: Context) -> dict[str, Any]:
    told = {"external_key": row.key, "member_no": row.number, "language": context.rules.language}
    return _with_keys({**_DEFAULTS, **told, "kind": guessed_kind(row.given["name"]), **row.given})


def _with_search(values: dict[str, Any]) -> dict[str, Any]:
    names = ("member_no", "name", "name_kana", "email", "sub_email", "phone", "external_key")
    values["search_text"] = search_text(**{name: values[name] for name in names})
    return values


def _with_keys(values: dict[str, Any]) -> dict[str, Any]:
    """The folded columns beside what they are made from."""
    values["name_key"] = payer_name_key(values["name_kana"] or values["name"])
    values["email_key"] = email_key(values["email"])
    if values["member_no"] is None:
        return values  # what is searched holds the number, which is given at the writing
    return _with_search(values)


def _decide_change(row: Row, member: MemberRow, context: Context, decision: Decision) -> None:
    old = member._asdict()
    given = dict(row.given)
    if member.status == "withdrawn" and given.get("status") == "active":
        del given["status"]
        decision.notes.append(Note(row.line, context.layout.header("status"), "withdrawn_here"))
    changed = {name: value for name, value in given.items() if old[name] != value}
    if member.external_key is None:
        changed["external_key"] = row.key
    if row.number and row.number != member.member_no:
        header = context.layout.header("member_no")
        decision.notes.append(Note(row.line, header, "number_kept", {"number": member.member_no}))
    if not changed:
        decision.unchanged += 1
        return
    decision.updates.append(_with_keys({**old, **changed}))
    decision.before.append({name: old[name] for name in changed})
    decision.changes.append(Change(row.line, tuple(context.layout.header(name) for name in changed)))


def _write_changes(tx: Tx, decision: Decision, context: Context) -> None:
    tx.many(
        UPDATE,
        [
            {name: values[name] for name in COLUMNS if name not in ("id", "created_at", "member_no", "updated_at")}
            | {"id_": values["id"], "updated_at": tx.now}
            for values in decision.updates
        ],
    )
    tx.many(
        ADD_AUDIT,
        [
            {
                "id": tx.ids.new(),
                "at": tx.now,
                "actor_kind": "system",
                "actor_id": None,
                "action": "member.imported",
                "subject": f"member:{values['member_no']}",
                "member_id": values["id"],
                "detail": {"changed": sorted(before)},  # which fields, never what stood in them
            }
            for values, before in zip(decision.updates, decision.before, strict=True)
        ],
    )
    pairs = list(zip(decision.updates, decision.before, strict=True))
    gone = [new["id"] for new, before in pairs if "status" in before and new["status"] == "withdrawn"]
    if gone:
        tx.run(UNLINK, member_ids=gone, now=tx.now)
    asked = {new["id"]: new["early_reminder"] for new, before in pairs if "early_reminder" in before}
    if asked:
        _move_milestones(tx, asked, context)


def _move_milestones(tx: Tx, asked: dict[int, bool], context: Context) -> None:
    """The reminder on request is wanted or no longer: the next one of these members' contracts is due on another day."""
    today = context.rules.today
    moved = []
    for contract in tx.all(THEIR_CONTRACTS, member_ids=list(asked), states=["trial", "active", "in_grace"]):
        if contract.milestone_on is not None and contract.milestone_on < today:
            continue  # the next tick decides what is due already, by the new wish
        due_on = first_milestone_on(
            context.rules,
            expires_on=contract.expires_on,
            status=contract.status,
            trial=contract.status == "trial",
            early=asked[contract.member_id],
        )
        if due_on != contract.milestone_on:
            moved.append({"id_": contract.id, "milestone_on": due_on})
    tx.many(SET_MILESTONE, moved)
