"""Members: search, and the card with its tabs."""

from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from adapters.desk.guards import Refused
from adapters.desk.reading import number_in_path, query_number, query_text, text_in_path, with_query
from adapters.desk.reservations import shown
from adapters.desk.visits import Visit, hidden_pages
from core.billing.invoices import InvoiceView, list_invoices
from core.bookings.service import ReservationFilter
from core.counter.card import MemberCard, open_card
from core.counter.reservations import ReservationLine, list_lines
from core.db import Tx
from core.delivery.outbox import DeliveryView, list_deliveries
from core.members.audit import AuditPage, list_audit
from core.members.link_tokens import issue_deep_link
from core.members.linking import revoke_link
from core.members.service import search_members

TABS = ("contracts", "reservations", "invoices", "chats", "tickets", "deliveries", "audit")
PAGE_ROWS = 50


@dataclass(frozen=True, slots=True)
class CardTab:
    """The card with what the chosen tab needs beside it."""

    card: MemberCard
    invoices: list[InvoiceView]
    deliveries: list[DeliveryView]
    audit: AuditPage | None
    reservations: list[ReservationLine]


async def search(visit: Visit) -> Response:
    """By number, name, kana, mail address or telephone, in any width; without a word the first by name."""
    query, page = query_text(visit, "q", limit=100), query_number(visit, "page") or 1
    found = await visit.read(lambda tx: search_members(tx, visit.staff, query=query, page=page))
    return visit.show(
        "members.html",
        q=query,
        found=found,
        older=with_query(visit, page=page + 1) if found.more else "",
        newer=with_query(visit, page=page - 1) if page > 1 else "",
    )


async def show_member(visit: Visit) -> Response:
    """The card; opening it is recorded."""
    hidden = hidden_pages(visit.desk.profile)
    tabs = [name for name in TABS if name not in hidden and (name != "audit" or "see_audit" in visit.rights)]
    tab = query_text(visit, "tab", limit=20) or tabs[0]
    if tab not in TABS:
        raise Refused(404, "not_found")
    look = await visit.write(
        partial(
            _read,
            visit=visit,
            member_no=text_in_path(visit, "member_no"),
            tab=tab,
            before_id=query_number(visit, "before"),
        ),
        name="member",
    )
    older = ""
    if len(look.invoices) == PAGE_ROWS:
        older = with_query(visit, before=look.invoices[-1].id)
    if look.audit and look.audit.before_id:
        older = with_query(visit, before=look.audit.before_id)
    return visit.show("member.html", look=look, card=look.card, tab=tab, tabs=tabs, older=older, shown=shown(visit))


def _read(tx: Tx, *, visit: Visit, member_no: str, tab: str, before_id: int | None) -> CardTab:
    card = open_card(tx, visit.staff, profile=visit.desk.profile, member_no=member_no, max_tickets=PAGE_ROWS)
    member_id = card.member.id
    return CardTab(
        card,
        list_invoices(tx, member_id=member_id, before_id=before_id, limit=PAGE_ROWS) if tab == "invoices" else [],
        list_deliveries(tx, member_id=member_id, limit=PAGE_ROWS) if tab == "deliveries" else [],
        list_audit(tx, visit.staff, member_id=member_id, before_id=before_id) if tab == "audit" else None,
        _reservations(tx, visit, card) if tab == "reservations" else [],
    )


def _reservations(tx: Tx, visit: Visit, card: MemberCard) -> list[ReservationLine]:
    lines = list_lines(
        tx,
        staff=visit.staff,
        query=card.member.member_no,
        filters=ReservationFilter(),
        requests_only=False,
        skipped=0,
        limit=PAGE_ROWS,
    )
    return [line for line in lines if line.member.id == card.member.id]


async def revoke(visit: Visit) -> Response:
    """連携を解除: a lost phone. Twice is once."""
    link_id, member_no = number_in_path(visit, "link_id"), text_in_path(visit, "member_no")
    ended = await visit.write(lambda tx: revoke_link(tx, visit.staff, link_id=link_id), name="revoke_link")
    return visit.go(f"/desk/members/{member_no}?tab=chats", done="link_revoked" if ended else "was_done")


async def make_link(visit: Visit) -> Response:
    """連携リンクを作る: shown on this one page and kept nowhere; the member's older one ends."""
    member_no = text_in_path(visit, "member_no")
    link = await visit.write(lambda tx: issue_deep_link(tx, staff=visit.staff, member_no=member_no), name="make_link")
    url = f"{visit.desk.settings.public_origin.rstrip('/')}/m/link/{link.token}"
    return visit.show("link_made.html", link=link, url=url)
