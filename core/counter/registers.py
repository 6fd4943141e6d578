"""The desk's registers: contracts and invoices of all members, each row with whose it is."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from core.billing.invoices import InvoiceView, find_invoice_by_no, list_invoices
from core.billing.payments import PaymentView, list_payments
from core.billing.reports import ReportView, list_reports_of_invoice
from core.contracts.renewals import RenewalView, list_renewals
from core.contracts.service import ContractView, list_expiring, search_contracts
from core.counter.sheets import shown_report
from core.db import Tx
from core.errors import DomainError
from core.members.roles import ActingStaff, is_allowed, mask_name, require
from core.members.service import MemberView, list_members, shown_member
from core.profiles.model import Profile


class ContractRow(NamedTuple):
    """A contract and its member, as this role may see them."""

    contract: ContractView
    member: MemberView


class InvoiceRow(NamedTuple):
    """An invoice and its member, as this role may see them."""

    invoice: InvoiceView
    member: MemberView


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """One invoice with everything around it."""

    invoice: InvoiceView
    member: MemberView
    renewals: tuple[RenewalView, ...]
    payments: tuple[PaymentView, ...]
    reports: tuple[ReportView, ...]


def list_contract_rows(
    tx: Tx, *, staff: ActingStaff, profile: Profile, query: str, until: date | None, skipped: int, limit: int
) -> list[ContractRow]:
    """Contracts by a part of their label or by number; without a word those that expire next, until a day if given.

    Errors: DomainError `forbidden`.
    """
    require(staff, "view")
    if query:
        found = search_contracts(tx, profile=profile, staff=staff, query=query, limit=skipped + limit)[skipped:]
        found = [contract for contract in found if until is None or contract.expires_on <= until]
    else:
        found = list_expiring(tx, profile=profile, staff=staff, until=until, skipped=skipped, limit=limit)
    members = _members(tx, staff, {contract.member_id for contract in found})
    return [ContractRow(contract, members[contract.member_id]) for contract in found]


def list_invoice_rows(
    tx: Tx, *, staff: ActingStaff, statuses: tuple[str, ...], query: str, before_id: int | None, limit: int
) -> list[InvoiceRow]:
    """Invoices newest first, by state; `query` is a number or a payment reference. Errors: DomainError `forbidden`."""
    require(staff, "view")
    if query:
        one = find_invoice_by_no(tx, invoice_no=query)
        found = [one] if one is not None else []
    else:
        found = list_invoices(tx, statuses=statuses, before_id=before_id, limit=limit)
    members = _members(tx, staff, {invoice.member_id for invoice in found})
    return [InvoiceRow(invoice, members[invoice.member_id]) for invoice in found]


def find_invoice_page(tx: Tx, *, staff: ActingStaff, invoice_no: str) -> InvoicePage:
    """One invoice by its number. Errors: DomainError `forbidden`, `invoice_not_found`."""
    require(staff, "view")
    invoice = find_invoice_by_no(tx, invoice_no=invoice_no)
    if invoice is None:
        raise DomainError("invoice_not_found")
    payments = list_payments(tx, invoice_id=invoice.id)
    if not is_allowed(staff.role, "view_unmasked"):
        payments = [payment._replace(payer_name=mask_name(payment.payer_name)) for payment in payments]
    return InvoicePage(
        invoice=invoice,
        member=_members(tx, staff, {invoice.member_id})[invoice.member_id],
        renewals=tuple(list_renewals(tx, invoice_id=invoice.id)),
        payments=tuple(payments),
        reports=tuple(shown_report(staff, report) for report in list_reports_of_invoice(tx, invoice_id=invoice.id)),
    )


def _members(tx: Tx, staff: ActingStaff, ids: set[int]) -> dict[int, MemberView]:
    return {member.id: shown_member(staff, member) for member in list_members(tx, member_ids=sorted(ids))}
