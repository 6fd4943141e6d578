"""Prepared answers (定型文): the catalogue's page, and one of them filled for a ticket's answer box."""

from starlette.responses import Response

from adapters.desk.reading import field_id, number_in_path, text_in_path
from adapters.desk.visits import Visit, json_answer
from core.counter.answering import Prepared, find_thread, prepare_canned
from core.db import Tx
from core.tickets.canned import list_canned, remove_canned, save_canned
from core.tickets.policy import PLACES


async def show_canned(visit: Visit) -> Response:
    """All of them; who may edit the catalogue edits them here."""
    rows = await visit.read(lambda tx: list_canned(tx, visit.staff))
    return visit.show("canned.html", rows=rows, places=PLACES, queues=visit.desk.profile.support.queues)


async def keep_canned(visit: Visit) -> Response:
    """Saved, or (with the other button) removed."""
    form = visit.need_form()
    canned_id = field_id(form, "id")
    if form.text("remove") and canned_id is not None:
        await visit.write(lambda tx: remove_canned(tx, visit.staff, canned_id=canned_id), name="remove_canned")
        return visit.go("/desk/catalogue/canned", done="canned_removed")
    title, queue = form.text("title", limit=80), form.text("queue", limit=40)
    text_ja, text_en = form.text("text_ja", limit=4_000), form.text("text_en", limit=4_000)
    known = {each.code for each in visit.desk.profile.support.queues}
    await visit.write(
        lambda tx: save_canned(
            tx,
            visit.staff,
            canned_id=canned_id,
            title=title,
            text_ja=text_ja,
            text_en=text_en,
            queue=queue if queue in known else "",
        ),
        name="save_canned",
    )
    return visit.go("/desk/catalogue/canned", done="canned_saved")


async def fill_canned(visit: Visit) -> Response:
    """One of them with this member's values, for the answer box; what nothing fills is named."""
    ticket_no, canned_id = text_in_path(visit, "ticket_no"), number_in_path(visit, "canned_id")

    def work(tx: Tx) -> Prepared:
        ticket_id = find_thread(tx, visit.staff, ticket_no=ticket_no).ticket.id
        return prepare_canned(tx, visit.staff, profile=visit.desk.profile, canned_id=canned_id, ticket_id=ticket_id)

    prepared = await visit.read(work)
    return json_answer({"text": prepared.text, "missing": list(prepared.missing)})
