"""Contracts and invoices of all members, and one invoice with what was paid for it."""

from functools import partial

from starlette.responses import Response

from adapters.desk.reading import query_day, query_number, query_text, text_in_path, with_query
from adapters.desk.visits import Visit
from core.counter.registers import find_invoice_page, list_contract_rows, list_invoice_rows

INVOICE_STATES = ("open", "paid", "void")
PAGE_ROWS = 50


async def show_contracts(visit: Visit) -> Response:
    """By label or number, or those that expire until a day."""
    query, before, page = query_text(visit, "q", limit=100), query_day(visit, "until"), query_number(visit, "page") or 1
    rows = await visit.read(
        partial(
            list_contract_rows,
            staff=visit.staff,
            profile=visit.desk.profile,
            query=query,
            until=before,
            skipped=(max(page, 1) - 1) * PAGE_ROWS,
            limit=PAGE_ROWS + 1,
        )
    )
    return visit.show(
        "contracts.html",
        q=query,
        until=before.isoformat() if before else "",
        rows=rows[:PAGE_ROWS],
        older=with_query(visit, page=page + 1) if len(rows) > PAGE_ROWS else "",
        newer=with_query(visit, page=page - 1) if page > 1 else "",
    )


async def show_invoices(visit: Visit) -> Response:
    """Newest first, by state, or one by its number or payment reference."""
    state, query = query_text(visit, "state", limit=10), query_text(visit, "q", limit=40)
    rows = await visit.read(
        partial(
            list_invoice_rows,
            staff=visit.staff,
            statuses=(state,) if state in INVOICE_STATES else INVOICE_STATES,
            query=query,
            before_id=query_number(visit, "before"),
            limit=PAGE_ROWS + 1,
        )
    )
    more = len(rows) > PAGE_ROWS
    rows = rows[:PAGE_ROWS]
    older = with_query(visit, before=rows[-1].invoice.id) if more else ""
    return visit.show(
        "invoices.html", rows=rows, older=older, given={"state": state, "q": query}, states=INVOICE_STATES
    )


async def show_invoice(visit: Visit) -> Response:
    """One invoice: lines, what it extends, what came for it, and the form for a transfer seen in the bank."""
    page = await visit.read(partial(find_invoice_page, staff=visit.staff, invoice_no=text_in_path(visit, "invoice_no")))
    return visit.show("invoice.html", page=page, invoice=page.invoice, client_key=visit.new_key())
