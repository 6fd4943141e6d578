"""What has happened with money. Facts carry ids and amounts; who needs more reads the row."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InvoiceIssued:
    """An invoice has its number."""

    invoice_id: int
    member_id: int


@dataclass(frozen=True, slots=True)
class InvoicePaid:
    """Nothing is open on it any more; whoever waits for it (`source_key` of its lines) acts now, in this transaction."""

    invoice_id: int
    member_id: int


@dataclass(frozen=True, slots=True)
class InvoiceVoided:
    """It will not be paid. `reason`: lapsed, cancelled (by the member), withdrawn (by staff, who say why in `words`) or
    overtaken (what it would extend is no longer what was ordered)."""

    invoice_id: int
    member_id: int
    reason: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class InvoicePartlyPaid:
    """Money came, `still_due_yen` is missing."""

    invoice_id: int
    member_id: int
    payment_id: int
    still_due_yen: int


@dataclass(frozen=True, slots=True)
class CreditGained:
    """More came than was due, or money was released from a voided invoice: it is held for the member."""

    member_id: int
    credit_yen: int
    invoice_id: int | None


@dataclass(frozen=True, slots=True)
class CreditUsed:
    """Money held for the member was used first on this invoice; they are told (algorithms.md 5)."""

    member_id: int
    invoice_id: int
    used_yen: int


@dataclass(frozen=True, slots=True)
class MoneyInSuspense:
    """Money came for an invoice that owes nothing (paid or void): staff and the member are told, nothing is lost."""

    payment_id: int
    member_id: int
    invoice_id: int


@dataclass(frozen=True, slots=True)
class PaymentReported:
    """A member says that they have paid (お支払報告)."""

    report_id: int
    member_id: int


@dataclass(frozen=True, slots=True)
class PaymentReportConfirmed:
    """Staff found the money of a report."""

    report_id: int
    member_id: int
    payment_id: int


@dataclass(frozen=True, slots=True)
class PaymentReportAsked:
    """Staff ask the member something about a report; `words` are for the member."""

    report_id: int
    member_id: int
    words: str


@dataclass(frozen=True, slots=True)
class PaymentReportRejected:
    """Staff could not find the money; `words` are for the member."""

    report_id: int
    member_id: int
    words: str


@dataclass(frozen=True, slots=True)
class PaymentNumberIssued:
    """A convenience store takes the money for this number until it ends; the member is told it (row P2)."""

    attempt_id: int
    member_id: int
    invoice_id: int


@dataclass(frozen=True, slots=True)
class PaymentAttemptExpired:
    """A number ended unpaid; the invoice can be paid anew until its own deadline."""

    attempt_id: int
    member_id: int
    invoice_id: int


@dataclass(frozen=True, slots=True)
class PaymentInDoubt:
    """A provider took money that staff must look at. `why`: amount (another than asked for), currency, not_applied."""

    attempt_id: int
    member_id: int
    invoice_id: int
    why: str
    amount: int  # in the currency's smallest unit: yen, cents
    currency: str


@dataclass(frozen=True, slots=True)
class PaymentReturned:
    """A provider gave money back (row P8). `kind`: refund, chargeback; `undone`: it did not stay so (failed, won).

    `take_back`: all of the invoice was returned and the profile says that what it paid for is taken back.
    """

    return_id: int
    kind: str
    member_id: int
    invoice_id: int
    amount_yen: int
    undone: bool
    take_back: bool
