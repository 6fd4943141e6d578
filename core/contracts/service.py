"""Contracts (契約): making, showing, finding (row C1)."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, exists, func, insert, or_, select

from core.billing.invoices import undecided_report
from core.billing.tables import Invoice, PaymentReport
from core.contracts.changes import ContractFacts, record_change
from core.contracts.facts import ContractCreated
from core.contracts.policy import (
    ContractSnapshot,
    ContractStatus,
    assumed_anchor,
    contract_state,
    days_left,
    grace_end_on,
    renewable_until,
)
from core.contracts.tables import Contract, Renewal
from core.db import Tx
from core.delivery.counters import take_number
from core.errors import DomainError
from core.members.roles import ActingStaff, require
from core.profiles.catalogue import get_plan
from core.profiles.model import Profile
from core.profiles.tables import Plan
from core.statements import Read, Write, one_of

LABEL_LENGTH = 200
FOUND_ROWS = 50
LAST = (ContractStatus.ENDED, ContractStatus.CANCELLED)  # nothing is urgent about them


class OpenRenewal(NamedTuple):
    """A renewal that waits for its money; `reported`: the member says that they have paid."""

    renewal_id: int
    invoice_id: int
    invoice_no: str
    term_months: int
    new_expires_on: date
    due_on: date
    reported: bool


class ContractView(NamedTuple):
    """A contract as of today. `days_left` 0 is the last usable day; `renewable` by hand, here and now."""

    id: int
    contract_no: str
    member_id: int
    label: str
    plan_code: str
    plan_name_ja: str
    plan_name_en: str
    kind: str
    status: str
    state: ContractStatus
    auto_renewal: bool
    started_on: date
    expires_on: date
    days_left: int
    grace_end_on: date
    renewable_until: date
    renewable: bool
    anchor: int
    cycle_no: int
    open_renewal: OpenRenewal | None

    def plan_name(self, language: str) -> str:
        """The plan's name in a language."""
        return self.plan_name_en if language == "en" else self.plan_name_ja


class _Row(NamedTuple):
    id: int
    contract_no: str
    member_id: int
    label: str
    plan_code: str
    plan_name_ja: str
    plan_name_en: str
    kind: str
    status: str
    auto_renewal: bool
    started_on: date
    expires_on: date
    anchor: int
    cycle_no: int
    renewal_id: int | None
    invoice_id: int
    invoice_no: str
    term_months: int
    new_expires_on: date
    due_on: date
    reported: bool


class _Id(NamedTuple):
    id: int


_REPORTED = exists().where(PaymentReport.invoice_id == Invoice.id, undecided_report()).correlate(Invoice)


def _contracts(*conditions: Any) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Contract.id, Contract.contract_no, Contract.member_id, Contract.label, Contract.plan_code, Plan.name_ja,
            Plan.name_en, Plan.kind, Contract.status, Contract.auto_renewal, Contract.started_on, Contract.expires_on,
            Contract.anchor, Contract.cycle_no, Renewal.id, Invoice.id, Invoice.invoice_no, Renewal.term_months,
            Renewal.new_expires_on, Invoice.due_on, _REPORTED,
        )
        .join(Plan, Plan.code == Contract.plan_code)
        .outerjoin(Renewal, (Renewal.contract_id == Contract.id) & (Renewal.state == "open"))
        .outerjoin(Invoice, Invoice.id == Renewal.invoice_id)
        .where(*conditions)
    )  # fmt: skip


OF_MEMBER = Read(_Row, _contracts(Contract.member_id == bindparam("member_id")))
BY_IDS = Read(_Row, _contracts(one_of(Contract.id, "contract_ids")).order_by(Contract.id))
SEARCH = Read(
    _Row,
    _contracts(
        or_(
            Contract.label_key.like(bindparam("pattern"), escape="/"),
            one_of(Contract.contract_no, "numbers"),
        )
    )
    .order_by(Contract.expires_on, Contract.id)
    .limit(bindparam("most")),
)
EXPIRING = Read(
    _Row,
    _contracts(
        or_(*(Contract.status == status for status in ("trial", "active", "in_grace"))),
        Contract.expires_on <= bindparam("until"),
    )
    .order_by(Contract.expires_on, Contract.id)
    .limit(bindparam("most"))
    .offset(bindparam("skipped")),
)
_COLUMNS = (
    "id", "contract_no", "external_key", "member_id", "plan_code", "label", "label_key", "status", "auto_renewal",
    "started_on", "expires_on", "anchor", "cycle_no", "cycle_born_on", "milestone_on", "ended_on", "created_at",
    "updated_at",
)  # fmt: skip
ADD = Write(insert(Contract).values({name: bindparam(name) for name in _COLUMNS}))
TAKEN_KEY = Read(_Id, select(Contract.id).where(Contract.external_key == bindparam("external_key")))
TAKEN_NO = Read(_Id, select(Contract.id).where(func.lower(Contract.contract_no) == bindparam("contract_no")))


def label_key(label: str) -> str:
    """A label as it is searched: width and case do not count, blanks neither."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", label).casefold())[:LABEL_LENGTH]


def snapshot(
    profile: Profile, *, status: str, expires_on: date, anchor: int, has_open: bool = False
) -> ContractSnapshot:
    """What the policy needs to know; a trial has its own grace (row C11)."""
    grace_days = profile.renewal.grace_days
    if status == ContractStatus.TRIAL and profile.trial is not None:
        grace_days = profile.trial.grace_days
    return ContractSnapshot(
        expires_on=expires_on,
        anchor=anchor,
        status=ContractStatus(status),
        grace_days=grace_days,
        window_days=profile.renewal.window_days_after_expiry,
        has_open_renewal=has_open,
    )


def create_contract(
    tx: Tx,
    *,
    member_id: int,
    plan_code: str,
    label: str,
    started_on: date,
    expires_on: date,
    cause: str,
    anchor: int | None = None,
    status: str = "active",
    contract_no: str | None = None,
    external_key: str | None = None,
    auto_renewal: bool = False,
) -> int:
    """A contract as given (imports, demo); it issues nothing. Gives its id.

    Without `anchor` the expiry's day counts as algorithms.md 1 says; without `contract_no` the next of our own. Reminders
    earlier than today are not for it (algorithms.md 8). Errors: DomainError `plan_unknown`, `label_missing`,
    `expires_before_start`, `contract_no_taken`, `external_key_taken`.
    """
    get_plan(tx, plan_code=plan_code)
    if not label.strip():
        raise DomainError("label_missing")
    if expires_on < started_on:
        raise DomainError("expires_before_start", started_on=started_on, expires_on=expires_on)
    if external_key is not None and tx.first(TAKEN_KEY, external_key=external_key):
        raise DomainError("external_key_taken", external_key=external_key)
    if contract_no is not None and tx.first(TAKEN_NO, contract_no=contract_no.lower()):
        raise DomainError("contract_no_taken", contract_no=contract_no)
    contract_id = tx.ids.new()
    facts = ContractFacts(status, expires_on, anchor or assumed_anchor(expires_on).anchor, 1)
    tx.run(
        ADD,
        id=contract_id,
        contract_no=contract_no or _next_contract_no(tx),
        external_key=external_key,
        member_id=member_id,
        plan_code=plan_code,
        label=label.strip()[:LABEL_LENGTH],
        label_key=label_key(label),
        auto_renewal=auto_renewal,
        started_on=started_on,
        cycle_born_on=tx.today,
        milestone_on=None if status == "ended" else tx.today,
        ended_on=expires_on if status == "ended" else None,
        created_at=tx.now,
        updated_at=tx.now,
        **facts._asdict(),
    )
    record_change(tx, contract_id=contract_id, cause=cause, before=None, after=facts)
    tx.emit(ContractCreated(contract_id, member_id))
    return contract_id


def _next_contract_no(tx: Tx) -> str:
    while True:  # an operator's own numbers may have the same shape
        number = f"C-{take_number(tx, series='contract'):06d}"
        if tx.first(TAKEN_NO, contract_no=number.lower()) is None:
            return number


def get_contract(tx: Tx, *, profile: Profile, contract_id: int, member_id: int | None = None) -> ContractView:
    """A contract, with `member_id` only if it is theirs. Errors: DomainError `contract_not_found`."""
    found = list_by_ids(tx, profile=profile, contract_ids=[contract_id])
    if not found or member_id not in (None, found[0].member_id):
        raise DomainError("contract_not_found", contract_id=contract_id)
    return found[0]


def list_by_ids(tx: Tx, *, profile: Profile, contract_ids: Sequence[int]) -> list[ContractView]:
    """Several contracts by id, in the order of their ids."""
    return [_view(profile, row, tx.today) for row in tx.all(BY_IDS, contract_ids=contract_ids)]


def list_contracts(
    tx: Tx, *, profile: Profile, member_id: int, query: str = "", kind: str | None = None, with_ended: bool = True
) -> list[ContractView]:
    """A member's contracts by urgency: the nearest expiry first, ended and cancelled ones last (row C1).

    `query` finds labels and numbers in any width and case; `kind` is server, domain, ssl, option.
    """
    views = (_view(profile, row, tx.today) for row in tx.all(OF_MEMBER, member_id=member_id))
    wanted = label_key(query)
    return by_urgency(
        view
        for view in views
        if (wanted in label_key(view.label) or wanted in view.contract_no.lower())
        and kind in (None, view.kind)
        and (with_ended or view.state is not ContractStatus.ENDED)
    )


def by_urgency(views: Iterable[ContractView]) -> list[ContractView]:
    """The nearest expiry first, what has ended or will end last."""
    return sorted(views, key=lambda view: (view.state in LAST, view.expires_on, view.label))


def search_contracts(
    tx: Tx, *, profile: Profile, staff: ActingStaff, query: str, limit: int = FOUND_ROWS
) -> list[ContractView]:
    """For the desk: contracts of all members by a part of the label or by number. Errors: DomainError `forbidden`."""
    require(staff, "view")
    wanted = label_key(query)
    if not wanted:
        return []
    pattern = "%" + re.sub(r"([%_/])", r"/\1", wanted) + "%"
    number = re.fullmatch(r"c?-?(\d{1,9})", wanted)
    numbers = [wanted.upper(), query.strip(), *([f"C-{int(number[1]):06d}"] if number else [])]
    return [_view(profile, row, tx.today) for row in tx.all(SEARCH, pattern=pattern, numbers=numbers, most=limit)]


def list_expiring(
    tx: Tx,
    *,
    profile: Profile,
    staff: ActingStaff,
    until: date | None = None,
    skipped: int = 0,
    limit: int = FOUND_ROWS,
) -> list[ContractView]:
    """For the desk: living contracts of all members, the nearest expiry first, until a day (inclusive) if one is given.

    Errors: DomainError `forbidden`.
    """
    require(staff, "view")
    rows = tx.all(EXPIRING, until=until or date.max, most=limit, skipped=skipped)
    return [_view(profile, row, tx.today) for row in rows]


def _view(profile: Profile, row: _Row, today: date) -> ContractView:
    has_open = row.renewal_id is not None
    known = snapshot(profile, status=row.status, expires_on=row.expires_on, anchor=row.anchor, has_open=has_open)
    state = contract_state(status=known.status, expires_on=known.expires_on, grace_days=known.grace_days, today=today)
    until = renewable_until(known)
    return ContractView(
        id=row.id,
        contract_no=row.contract_no,
        member_id=row.member_id,
        label=row.label,
        plan_code=row.plan_code,
        plan_name_ja=row.plan_name_ja,
        plan_name_en=row.plan_name_en,
        kind=row.kind,
        status=row.status,
        state=state,
        auto_renewal=bool(row.auto_renewal),
        started_on=row.started_on,
        expires_on=row.expires_on,
        days_left=days_left(row.expires_on, today),
        grace_end_on=grace_end_on(row.expires_on, known.grace_days),
        renewable_until=until,
        renewable=state not in LAST and today <= until and not has_open,
        anchor=row.anchor,
        cycle_no=row.cycle_no,
        open_renewal=_open_renewal(row),
    )


def _open_renewal(row: _Row) -> OpenRenewal | None:
    if row.renewal_id is None:
        return None
    return OpenRenewal(
        row.renewal_id,
        row.invoice_id,
        row.invoice_no,
        row.term_months,
        row.new_expires_on,
        row.due_on,
        bool(row.reported),
    )
