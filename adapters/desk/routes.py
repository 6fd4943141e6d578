"""The desk's routes, for the application to mount."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.desk import (
    canned,
    catalogue,
    faq,
    files,
    handling,
    inbox,
    lists,
    login,
    members,
    own_password,
    payments,
    people,
    reservations,
    suspense,
    tickets,
)
from adapters.desk.events import streaming
from adapters.desk.guards import UPLOAD_BYTES, Refused
from adapters.desk.pages import pages
from adapters.desk.ports import Desk, DeskSettings
from adapters.desk.visits import Endpoint, Visit, acting, showing
from core.db import Database
from core.profiles.model import Profile

PAGES: dict[str, Endpoint] = {
    "/desk": inbox.show_inbox,
    "/desk/tickets/{ticket_no}": tickets.show_ticket,
    "/desk/reports/{report_id}/confirm": payments.preview_report,
    "/desk/members": members.search,
    "/desk/members/{member_no}": members.show_member,
    "/desk/reservations": reservations.show_list,
    "/desk/reservations/{reservation_no}": reservations.show_one,
    "/desk/contracts": lists.show_contracts,
    "/desk/invoices": lists.show_invoices,
    "/desk/invoices/{invoice_no}": lists.show_invoice,
    "/desk/invoices/{invoice_no}/payment": payments.preview_by_hand,
    "/desk/requests/{request_id}/accept": reservations.preview_accepting,
    "/desk/suspense/{payment_id}": suspense.show_suspense,
    "/desk/catalogue": catalogue.show_plans,
    "/desk/catalogue/wordings": catalogue.show_wordings,
    "/desk/catalogue/canned": canned.show_canned,
    "/desk/catalogue/faq": faq.show_faq,
    "/desk/tickets/{ticket_no}/canned/{canned_id}": canned.fill_canned,
    "/desk/audit": people.show_audit,
    "/desk/staff": people.show_staff,
    "/desk/password": own_password.show_form,
    "/desk/files/{token}": files.send_file,
}
STREAMS: dict[str, Endpoint] = {
    "/desk/events/inbox": inbox.stream_inbox,
    "/desk/events/tickets/{ticket_no}": tickets.stream_ticket,
}
ACTS: dict[str, Endpoint] = {
    "/desk/logout": login.log_out,
    "/desk/tickets/{ticket_no}/act/{act}": handling.act,
    "/desk/catalogue/canned": canned.keep_canned,
    "/desk/catalogue/faq": faq.keep_faq,
    "/desk/deliveries/{outbox_id}/again": inbox.send_again,
    "/desk/inbox/{inbox_id}/again": inbox.revive,
    "/desk/jobs/{job}/{subject_id}/again": inbox.try_job,
    "/desk/reports/{report_id}/confirm": payments.confirm,
    "/desk/reports/{report_id}/ask": payments.ask,
    "/desk/reports/{report_id}/reject": payments.reject,
    "/desk/reservations/{reservation_no}/write": reservations.write_to,
    "/desk/requests/{request_id}/accept": reservations.accept_it,
    "/desk/requests/{request_id}/decline": reservations.decline_it,
    "/desk/members/{member_no}/links/{link_id}/revoke": members.revoke,
    "/desk/members/{member_no}/link": members.make_link,
    "/desk/invoices/{invoice_no}/payment": payments.record_by_hand,
    "/desk/invoices/{invoice_no}/withdraw": payments.withdraw,
    "/desk/suspense/{payment_id}/place": suspense.place,
    "/desk/catalogue/prices": catalogue.set_price,
    "/desk/catalogue/wordings": catalogue.set_wording,
    "/desk/password": own_password.change,
    "/desk/staff": people.add_person,
    "/desk/staff/{staff_id}/role": people.change_role,
    "/desk/staff/{staff_id}/disable": people.disable_person,
}
BY_THE_PAGE: dict[str, Endpoint] = {
    "/desk/tickets/{ticket_no}/read": tickets.read_to,
    "/desk/tickets/{ticket_no}/composing": handling.compose,
}  # posted without a press
UPLOADS: dict[str, Endpoint] = {"/desk/tickets/{ticket_no}/answer": tickets.answer}


def build(*, database: Database, profile: Profile, settings: DeskSettings) -> list[Route]:
    """Everything under `/desk`. The application publishes `SHUTDOWN_TOPIC` when it ends, so that streams close."""
    desk = Desk(database, profile, settings, pages())

    def bound(endpoint: Callable[[Desk, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def call(request: Request) -> Response:
            return await endpoint(desk, request)

        return call

    async def asset(request: Request) -> Response:
        return desk.pages.send_asset(request)

    return [
        Route("/desk/login", bound(login.show_login), methods=["GET"]),
        Route("/desk/login", bound(login.log_in), methods=["POST"]),
        Route("/desk/language", bound(login.switch_language), methods=["POST"]),
        Route("/desk/static/{version}/{name}", asset, methods=["GET"]),
        *(Route(path, acting(desk, endpoint), methods=["POST"]) for path, endpoint in ACTS.items()),
        *(Route(path, acting(desk, endpoint, touch=False), methods=["POST"]) for path, endpoint in BY_THE_PAGE.items()),
        *(
            Route(path, acting(desk, endpoint, limit_bytes=UPLOAD_BYTES), methods=["POST"])
            for path, endpoint in UPLOADS.items()
        ),
        *(Route(path, streaming(desk, endpoint), methods=["GET"]) for path, endpoint in STREAMS.items()),
        *(Route(path, showing(desk, endpoint), methods=["GET"]) for path, endpoint in PAGES.items()),
        Route("/desk/{rest:path}", showing(desk, _nothing_here), methods=["GET"]),
    ]


async def _nothing_here(visit: Visit) -> Response:
    raise Refused(404, "not_found")
