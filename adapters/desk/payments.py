"""Money confirmed by hand: first what would happen, then the same by a press; reports asked back or refused."""

from typing import Any

from starlette.responses import Response

from adapters.desk.guards import Refused
from adapters.desk.pages import page_answer
from adapters.desk.reading import field_day, field_id, field_yen, number_in_path, text_in_path
from adapters.desk.visits import Visit
from core.billing.reports import ReportView
from core.counter.sheets import (
    PaymentPreview,
    ask_about_report,
    confirm_reported_payment,
    open_sheet,
    preview_payment,
    record_payment_by_hand,
    refuse_report,
)
from core.counter.voiding import withdraw_invoice
from core.db import Tx
from core.errors import DomainError
from core.tickets.threads import get_ticket


async def preview_report(visit: Visit) -> Response:
    """What confirming this report would do: contracts and their new expiry, or what is missing."""
    report_id = number_in_path(visit, "report_id")
    query = visit.query_form()
    amount_yen, value_on, invoice_id = field_yen(query, "amount"), field_day(query, "on"), field_id(query, "invoice")

    def look(tx: Tx) -> tuple[PaymentPreview, str]:
        report = open_sheet(tx, visit.staff, report_id=report_id).report
        target_id = invoice_id or report.invoice_id
        if target_id is None:
            raise DomainError("invoice_needed")
        preview = preview_payment(
            tx,
            visit.staff,
            profile=visit.desk.profile,
            invoice_id=target_id,
            amount_yen=amount_yen,
            value_on=value_on,
        )
        return preview, _back_to(tx, report)

    preview, back = await visit.read(look)
    return _show_preview(visit, preview, action=f"/desk/reports/{report_id}/confirm", back=back)


async def confirm(visit: Visit) -> Response:
    """入金を確認する. A second press gives the first payment."""
    report_id, form = number_in_path(visit, "report_id"), visit.need_form()
    amount_yen, value_on, invoice_id = field_yen(form, "amount"), field_day(form, "on"), field_id(form, "invoice")

    def work(tx: Tx) -> str:
        confirm_reported_payment(
            tx,
            visit.staff,
            profile=visit.desk.profile,
            report_id=report_id,
            invoice_id=invoice_id,
            amount_yen=amount_yen,
            value_on=value_on,
        )
        return _back_to(tx, open_sheet(tx, visit.staff, report_id=report_id).report)

    return visit.go(await visit.write(work, name="confirm_report"), done="confirmed")


async def ask(visit: Visit) -> Response:
    """確認をお願いする."""
    report_id, words = number_in_path(visit, "report_id"), visit.need_form().text("words", limit=1_000)
    back = await visit.write(
        lambda tx: _back_to(tx, ask_about_report(tx, visit.staff, report_id=report_id, words=words)), name="ask_back"
    )
    return visit.go(back, done="asked")


async def reject(visit: Visit) -> Response:
    """却下."""
    report_id, words = number_in_path(visit, "report_id"), visit.need_form().text("words", limit=1_000)
    back = await visit.write(
        lambda tx: _back_to(tx, refuse_report(tx, visit.staff, report_id=report_id, words=words)), name="reject_report"
    )
    return visit.go(back, done="rejected")


async def preview_by_hand(visit: Visit) -> Response:
    """What recording a transfer for an invoice would do."""
    invoice_no, query = text_in_path(visit, "invoice_no"), visit.query_form()
    amount_yen, value_on, invoice_id = field_yen(query, "amount"), field_day(query, "on"), field_id(query, "invoice")
    if invoice_id is None:
        raise Refused(400, "bad_form")
    preview = await visit.read(
        lambda tx: preview_payment(
            tx,
            visit.staff,
            profile=visit.desk.profile,
            invoice_id=invoice_id,
            amount_yen=amount_yen,
            value_on=value_on,
        )
    )
    address = f"/desk/invoices/{invoice_no}"
    return _show_preview(
        visit, preview, action=f"{address}/payment", back=address, payer=query.text("payer", limit=100)
    )


async def record_by_hand(visit: Visit) -> Response:
    """A transfer seen in the bank's statement, without a report. The form's key is its reference: twice is once."""
    form = visit.need_form()
    amount_yen, value_on, invoice_id = field_yen(form, "amount"), field_day(form, "on"), field_id(form, "invoice")
    key = form.text("client_key", limit=60)
    if invoice_id is None or not key:
        raise Refused(400, "bad_form")
    await visit.write(
        lambda tx: record_payment_by_hand(
            tx,
            visit.staff,
            profile=visit.desk.profile,
            invoice_id=invoice_id,
            amount_yen=amount_yen,
            value_on=value_on,
            payer_name=form.text("payer", limit=100),
            client_key=key,
        ),
        name="record_payment",
    )
    return visit.go(f"/desk/invoices/{text_in_path(visit, 'invoice_no')}", done="confirmed")


async def withdraw(visit: Visit) -> Response:
    """請求を取り消す. A second press changes nothing."""
    form = visit.need_form()
    invoice_id, words = field_id(form, "invoice"), form.text("words", limit=1_000)
    if invoice_id is None:
        raise Refused(400, "bad_form")
    await visit.write(
        lambda tx: withdraw_invoice(tx, visit.staff, invoice_id=invoice_id, words=words), name="withdraw_invoice"
    )
    return visit.go(f"/desk/invoices/{text_in_path(visit, 'invoice_no')}", done="invoice_withdrawn")


def _back_to(tx: Tx, report: ReportView) -> str:
    if report.ticket_id is None:
        return "/desk"
    return f"/desk/tickets/{get_ticket(tx, ticket_id=report.ticket_id).ticket_no}"


def _show_preview(visit: Visit, preview: PaymentPreview, *, action: str, back: str, payer: str = "") -> Response:
    values: dict[str, Any] = {
        "preview": preview,
        "action": action,
        "back": back,
        "payer": payer,
        "client_key": visit.new_key(),
    }
    if visit.scripted:
        return page_answer(visit.draw("preview.html", values))
    return visit.show("preview_page.html", **values)
