"""Money in suspense: what it could pay, and the press that places it."""

from starlette.responses import Response

from adapters.desk.guards import Refused
from adapters.desk.reading import field_id, number_in_path
from adapters.desk.visits import Visit
from core.counter.suspense import open_suspense, place_money


async def show_suspense(visit: Visit) -> Response:
    """The money, whose it is, and the invoices it could go to with what would follow."""
    payment_id = number_in_path(visit, "payment_id")
    sheet = await visit.read(
        lambda tx: open_suspense(tx, visit.staff, profile=visit.desk.profile, payment_id=payment_id)
    )
    return visit.show("suspense.html", sheet=sheet)


async def place(visit: Visit) -> Response:
    """この請求書に充てる / 預り金にする. A second press says that it is done."""
    payment_id, form = number_in_path(visit, "payment_id"), visit.need_form()
    to_credit = form.text("to", limit=10) == "credit"
    invoice_id = None if to_credit else field_id(form, "invoice")
    if invoice_id is None and not to_credit:
        raise Refused(400, "bad_form")
    await visit.write(
        lambda tx: place_money(
            tx, visit.staff, profile=visit.desk.profile, payment_id=payment_id, invoice_id=invoice_id
        ),
        name="place_suspense",
    )
    return visit.go(f"/desk/suspense/{payment_id}", done="placed")
