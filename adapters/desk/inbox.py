"""The desk's first page: tickets and payment reports with their filters, and the box of troubles; fresh by itself."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.responses import Response

from adapters.desk.events import Parts, stream
from adapters.desk.ports import DESK_TOPIC
from adapters.desk.reading import number_in_path, query_number, query_text, with_query
from adapters.desk.visits import Visit
from core.counter.troubles import Troubles, list_troubles, revive_delivery, send_delivery_again, try_job_again
from core.db import Tx
from core.tickets.counts import InboxCounts, count_inbox
from core.tickets.policy import PAYMENT_REPORT, RESERVATION_REQUEST
from core.tickets.threads import ANYBODY, NOBODY, InboxFilter, InboxPage, inbox

STATES = ("unsolved", "snoozed", "solved", "all")


@dataclass(frozen=True, slots=True)
class InboxLook:
    """Everything on the page, read in one transaction."""

    page: InboxPage
    counts: InboxCounts
    troubles: Troubles


async def show_inbox(visit: Visit) -> Response:
    """The whole page."""
    values = await _look(visit)
    query = visit.request.url.query
    live = "/desk/events/inbox" + (f"?{query}" if query else "")
    return visit.show("inbox.html", live=live, **values)


async def stream_inbox(visit: Visit) -> Response:
    """Rows, counts and troubles as they change."""
    return stream(visit, topics=(DESK_TOPIC,), draw=_draw)


async def _draw(visit: Visit) -> Parts:
    values = await _look(visit)
    parts = {"rows": "inbox_rows.html", "counts": "inbox_counts.html", "troubles": "troubles.html"}
    return Parts({name: visit.draw(template, values) for name, template in parts.items()})


async def _look(visit: Visit) -> dict[str, Any]:
    filters, given = _filters(visit)
    page = query_number(visit, "page") or 1
    look = await visit.read(partial(_read, visit=visit, filters=filters, page=page))
    return {
        "look": look,
        "given": given,
        "queues": visit.desk.profile.support.queues,
        "kinds": visit.desk.profile.support.kinds,
        "link": partial(_link, visit),
        "now": visit.now,
    }


def _read(tx: Tx, *, visit: Visit, filters: InboxFilter, page: int) -> InboxLook:
    return InboxLook(
        inbox(tx, visit.staff, filters=filters, page=page),
        count_inbox(tx, visit.staff),
        list_troubles(tx, visit.staff),
    )


def _filters(visit: Visit) -> tuple[InboxFilter, dict[str, str]]:
    given = {name: query_text(visit, name, limit=40) for name in ("state", "queue", "kind", "who")}
    given["state"] = given["state"] if given["state"] in STATES else STATES[0]
    assignee: str | int = ANYBODY
    if given["who"] == "mine":
        assignee = visit.staff.id
    elif given["who"] == "nobody":
        assignee = NOBODY
    queues = {queue.code for queue in visit.desk.profile.support.queues}
    kinds = {PAYMENT_REPORT, RESERVATION_REQUEST, *(kind.code for kind in visit.desk.profile.support.kinds)}
    return InboxFilter(
        state=given["state"],
        queue=given["queue"] if given["queue"] in queues else None,
        kind=given["kind"] if given["kind"] in kinds else None,
        assignee=assignee,
    ), given


def _link(visit: Visit, **changes: object) -> str:
    address = with_query(visit, **{"page": None, **changes})
    return address.replace("/desk/events/inbox", "/desk", 1)


async def send_again(visit: Visit) -> Response:
    """再送."""
    outbox_id = number_in_path(visit, "outbox_id")
    again = await visit.write(lambda tx: send_delivery_again(tx, visit.staff, outbox_id=outbox_id), name="send_again")
    return visit.go(_back(visit), done="sent_again" if again else "was_done")


async def revive(visit: Visit) -> Response:
    """もう一度処理."""
    inbox_id = number_in_path(visit, "inbox_id")
    again = await visit.write(lambda tx: revive_delivery(tx, visit.staff, inbox_id=inbox_id), name="revive")
    return visit.go("/desk", done="revived" if again else "was_done")


async def try_job(visit: Visit) -> Response:
    """もう一度処理, of a timed job's row."""
    job, subject_id = visit.request.path_params["job"], number_in_path(visit, "subject_id")
    again = await visit.write(
        lambda tx: try_job_again(tx, visit.staff, job=job, subject_id=subject_id), name="try_job_again"
    )
    return visit.go("/desk", done="revived" if again else "was_done")


def _back(visit: Visit) -> str:
    back = visit.need_form().text("back", limit=200)
    return back if back.startswith(("/desk/tickets/", "/desk/members/")) and "//" not in back else "/desk"
