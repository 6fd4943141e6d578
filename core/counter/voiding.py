"""An invoice that staff take back by hand: ordered by mistake, agreed on the phone, overtaken by something else (row P1)."""

from core.billing.invoices import InvoiceView, get_invoice, lock_money
from core.billing.lapse import WITHDRAWN, void_invoice
from core.db import Tx
from core.errors import DomainError
from core.members.audit import record
from core.members.links import lock_chats
from core.members.roles import ActingStaff, require

MOST_LETTERS = 1_000


def withdraw_invoice(tx: Tx, staff: ActingStaff, *, invoice_id: int, words: str) -> InvoiceView:
    """請求を取り消す: nobody has to pay it any more; the member is told in these words. Repeating it changes nothing.

    What was paid towards it becomes the member's credit; what comes later goes to suspense (row P7). Errors: DomainError
    `forbidden`, `invoice_not_found`, `invoice_paid`, `words_missing`, `text_too_long` (most), `invoice_void`: it lapsed or
    was cancelled meanwhile, `report_first` (both invoice_no): the member says that money is on its way, that comes first.
    """
    require(staff, "confirm_payment")
    member_id = get_invoice(tx, invoice_id=invoice_id).member_id
    lock_chats(tx, member_id=member_id)
    lock_money(tx, member_id=member_id)
    invoice = get_invoice(tx, invoice_id=invoice_id)
    if invoice.void_reason == WITHDRAWN:
        return invoice
    if invoice.status == "void":
        raise DomainError("invoice_void", invoice_no=invoice.invoice_no)
    if not words.strip():
        raise DomainError("words_missing")
    if len(words) > MOST_LETTERS:
        raise DomainError("text_too_long", most=MOST_LETTERS)
    if invoice.reported:
        raise DomainError("report_first", invoice_no=invoice.invoice_no)
    void = void_invoice(tx, invoice_id=invoice_id, reason=WITHDRAWN, words=words.strip())
    record(
        tx,
        actor_kind="staff",
        actor_id=staff.id,
        action="invoice.withdrawn",
        subject=f"invoice:{invoice_id}",
        member_id=member_id,
    )
    return void
