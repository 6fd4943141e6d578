"""One message for all of a member's contracts that are due: whether it may still leave, and what it says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import bindparam, literal_column, or_, select, update

from core.billing.tables import Invoice, PaymentReport
from core.contracts.policy import days_left
from core.contracts.tables import Contract, Renewal
from core.db import Tx
from core.delivery.tables import Outbox
from core.errors import InvariantBroken
from core.members.tables import Member
from core.profiles.model import Profile
from core.profiles.tables import Plan
from core.reminders.cycles import HOLDING_COLUMNS, Holding, cycle_of
from core.reminders.policy import Decision, SecondLook, earliest_send_at, is_quiet, wording_state
from core.reminders.policy import still_wanted as second_look
from core.reminders.tables import Reminder
from core.statements import Read, Write, among, one_of

UNDECIDED_REPORT = ("open", "asked")


@dataclass(frozen=True, slots=True)
class BundleItem:
    """A contract in a reminder. `days_left` is negative after the expiry; `invoice_id`: its open renewal's invoice.

    `wording_state`: nothing_done, invoice_open, report_open (thank, do not urge), payment_failed (the transfer that was
    reported was not found).
    """

    contract_id: int
    contract_no: str
    label: str
    plan_name_ja: str
    plan_name_en: str
    expires_on: date
    days_left: int
    milestone: int
    wording_state: str
    invoice_id: int | None


@dataclass(frozen=True, slots=True)
class BundleView:
    """What a reminder says, as of the moment it was asked for; contracts settled meanwhile are left out."""

    bundle_id: int
    member_id: int
    items: tuple[BundleItem, ...]


class _Item(NamedTuple):
    reminder_id: int
    state: str
    reason: str
    milestone: int
    cycle_expires_on: date
    contract_no: str
    label: str
    name_ja: str
    name_en: str
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

    @property
    def holding(self) -> Holding:
        return Holding(*self[9:])


class _Open(NamedTuple):
    contract_id: int
    invoice_id: int


class _Report(NamedTuple):
    invoice_id: int | None
    state: str


class _Id(NamedTuple):
    id: int


ITEMS = Read(
    _Item,
    select(
        Reminder.id, Reminder.state, Reminder.reason, Reminder.milestone, Reminder.expires_on,
        Contract.contract_no, Contract.label, Plan.name_ja, Plan.name_en, *HOLDING_COLUMNS,
    )
    .join(Contract, Contract.id == Reminder.contract_id)
    .join(Member, Member.id == Contract.member_id)
    .join(Plan, Plan.code == Contract.plan_code)
    .where(Reminder.bundle_id == bindparam("bundle_id"))
    .order_by(Contract.expires_on, Contract.contract_no),
)  # fmt: skip
# 'open' is written out, so that SQLite can take the partial index
OPEN_INVOICES = Read(
    _Open,
    select(Renewal.contract_id, Renewal.invoice_id)
    .join(Invoice, Invoice.id == Renewal.invoice_id)
    .where(
        one_of(Renewal.contract_id, "contract_ids"),
        Renewal.state == literal_column("'open'"),
        Invoice.status == literal_column("'open'"),
    ),
)
REPORTS = Read(
    _Report,
    select(PaymentReport.invoice_id, PaymentReport.state)
    .where(
        PaymentReport.member_id == bindparam("member_id"),
        or_(PaymentReport.invoice_id.is_(None), one_of(PaymentReport.invoice_id, "invoice_ids")),
    )
    .order_by(PaymentReport.id),
)
LEFT_ALREADY = Read(
    _Id,
    select(Outbox.id)
    .where(Outbox.subject_key == bindparam("subject_key"), among(Outbox.state, "sent", "unknown"))
    .limit(1),
)
SUPPRESS = Write(
    update(Reminder)
    .where(Reminder.id == bindparam("reminder_id"))
    .values(state=Decision.SUPPRESSED.value, reason=bindparam("why"))
)


def still_wanted(tx: Tx, profile: Profile, bundle_id: int) -> str | datetime | None:
    """The second look, at the moment of sending: None to send, a reason to withdraw, an instant to send later.

    Withdrawn when every contract was settled, stopped or overtaken by its next milestone; then the reminders are noted as
    suppressed, unless another address has had the message already. In the quiet hours it waits for their end.
    """
    items = tx.all(ITEMS, bundle_id=bundle_id)
    queued = [item for item in items if item.state == Decision.QUEUED]
    if not queued:
        return items[0].reason if items else "no_reminder"
    looks = [(item, _look(tx, profile, item)) for item in queued]
    if not any(look.wanted for _, look in looks):
        if tx.first(LEFT_ALREADY, subject_key=f"reminder:{bundle_id}") is None:
            tx.many(SUPPRESS, [{"reminder_id": item.reminder_id, "why": look.reason} for item, look in looks])
        return looks[0][1].reason
    rules = profile.reminders
    if is_quiet(tx.now, quiet_from=rules.quiet_from, quiet_until=rules.quiet_until):
        return earliest_send_at(
            tx.now,
            send_at=rules.send_at,
            quiet_from=rules.quiet_from,
            quiet_until=rules.quiet_until,
            spread_minutes=rules.spread_minutes,
            spread_key=str(queued[0].member_id),
        )
    return None


def view_bundle(tx: Tx, profile: Profile, bundle_id: int) -> BundleView:
    """What the reminder says now, contracts that end first first. Errors: InvariantBroken for an unknown bundle."""
    found = tx.all(ITEMS, bundle_id=bundle_id)
    if not found:
        raise InvariantBroken("a reminder without contracts")
    member_id = found[0].member_id
    items = [item for item in found if item.state == Decision.QUEUED and _look(tx, profile, item).wanted]
    invoices = {
        row.contract_id: row.invoice_id for row in tx.all(OPEN_INVOICES, contract_ids=[item.id for item in items])
    }
    reports = tx.all(REPORTS, member_id=member_id, invoice_ids=list(invoices.values()))
    return BundleView(bundle_id, member_id, tuple(_view(tx, item, invoices.get(item.id), reports) for item in items))


def _view(tx: Tx, item: _Item, invoice_id: int | None, reports: Sequence[_Report]) -> BundleItem:
    """A report that names no invoice may be for any of them: it is thanked for as well."""
    own = [report.state for report in reports if invoice_id is not None and report.invoice_id == invoice_id]
    unnamed = [report.state for report in reports if report.invoice_id is None]
    state = wording_state(
        has_open_invoice=invoice_id is not None,
        has_open_report=any(report in UNDECIDED_REPORT for report in (*own, *unnamed)),
        payment_failed=bool(own) and own[-1] == "rejected",
    )
    return BundleItem(
        contract_id=item.id,
        contract_no=item.contract_no,
        label=item.label,
        plan_name_ja=item.name_ja,
        plan_name_en=item.name_en,
        expires_on=item.expires_on,
        days_left=days_left(item.expires_on, tx.today),
        milestone=item.milestone,
        wording_state=state.value,
        invoice_id=invoice_id,
    )


def _look(tx: Tx, profile: Profile, item: _Item) -> SecondLook:
    cycle = cycle_of(profile, item.holding, expires_on=item.cycle_expires_on, decided=(), today=tx.today)
    return second_look(cycle, item.milestone, today=tx.today)
