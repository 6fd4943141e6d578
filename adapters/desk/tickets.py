"""A ticket: the conversation with the member, the box to answer in, the card beside it; live both ways."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import Response

from adapters.desk import reservations
from adapters.desk.bubbles import Bubble, merge
from adapters.desk.events import Parts, stream
from adapters.desk.guards import Refused
from adapters.desk.reading import field_id, text_in_path
from adapters.desk.visits import Visit, json_answer
from bot.understanding.likeness import rank_texts
from core.counter.answering import Upload, find_thread, reply_with_files
from core.counter.card import MemberCard, open_card, read_conversation
from core.counter.handover import Handover, summarise_handover
from core.counter.reservations import RequestSheet, list_request_sheets
from core.counter.sheets import ReportSheet, list_sheets
from core.counter.similar import list_similar_answers
from core.db import Tx
from core.delivery.files import MAX_FILE_BYTES
from core.delivery.outbox import DeliveryView, find_delivery
from core.dialogue.service import ChatView, get_chat
from core.errors import DomainError
from core.profiles.hours import calendar_of, opening_day_after
from core.tickets.assignment import Colleague, list_assignable
from core.tickets.canned import CannedView, list_canned
from core.tickets.composing import Writer, list_writers
from core.tickets.threads import Thread, mark_read

PENDING = frozenset({"queued", "sending"})


@dataclass(frozen=True, slots=True)
class TicketLook:
    """The live part of the page, read in one transaction."""

    thread: Thread
    bubbles: tuple[Bubble, ...]
    deliveries: dict[int, DeliveryView]
    sheets: tuple[ReportSheet, ...]
    requests: tuple[RequestSheet, ...]
    chat: ChatView | None
    people: tuple[Colleague, ...]  # whom it can be given to
    canned: tuple[CannedView, ...]  # prepared answers of its queue
    writers: tuple[Writer, ...]  # colleagues who write to the member now

    @property
    def pending(self) -> bool:
        """Whether an answer is on its way."""
        return any(delivery.state in PENDING for delivery in self.deliveries.values())


async def show_ticket(visit: Visit) -> Response:
    """The page. Opening it opens the member's card, which is recorded."""
    return await _page(visit)


async def _page(visit: Visit, *, status: int = 200, typed: str = "", warning: str = "", **more: Any) -> Response:
    ticket_no = text_in_path(visit, "ticket_no")

    def look(tx: Tx) -> tuple[TicketLook, MemberCard | None, Handover]:
        found = _read(tx, visit=visit, ticket_no=ticket_no)
        member_id = found.thread.ticket.member_id
        card = open_card(tx, visit.staff, profile=visit.desk.profile, member_id=member_id) if member_id else None
        return found, card, summarise_handover(tx, visit.staff, ticket_id=found.thread.ticket.id)

    found, card, handover = await visit.write(look, name="ticket")  # a write: the opened card is recorded
    ticket_id = found.thread.ticket.id
    similar = await visit.read(
        lambda tx: list_similar_answers(tx, visit.staff, ticket_id=ticket_id, rank=rank_texts)
    )  # a read of its own: comparing takes its time, and the writer has none
    more |= {"card": card, "handover": handover, "similar": similar, "typed": typed, "warning": warning}
    return visit.show("ticket.html", status=status, **_values(visit, found), **more)


async def stream_ticket(visit: Visit) -> Response:
    """The thread, the state and the reports as they change."""
    ticket_no = text_in_path(visit, "ticket_no")
    thread = await visit.read(lambda tx: find_thread(tx, visit.staff, ticket_no=ticket_no))
    topics = [f"ticket:{thread.ticket.id}", "desk"]
    if thread.ticket.chat_id is not None:
        topics.append(f"chat:{thread.ticket.chat_id}")
    return stream(visit, topics=topics, draw=partial(_draw, ticket_no=ticket_no))


async def _draw(visit: Visit, *, ticket_no: str) -> Parts:
    found = await visit.read(partial(_read, visit=visit, ticket_no=ticket_no))
    values = _values(visit, found)
    parts = {name: f"{name}.html" for name in ("thread", "sheets")}
    parts |= {"state": "ticket_state.html", "seen": "ticket_seen.html", "writers": "ticket_writers.html"}
    return Parts({name: visit.draw(template, values) for name, template in parts.items()}, pending=found.pending)


def _read(tx: Tx, *, visit: Visit, ticket_no: str) -> TicketLook:
    thread = find_thread(tx, visit.staff, ticket_no=ticket_no)
    ticket = thread.ticket
    deliveries = {
        message.outbox_id: delivery
        for message in thread.messages
        if message.outbox_id and (delivery := find_delivery(tx, outbox_id=message.outbox_id))
    }
    return TicketLook(
        thread=thread,
        bubbles=merge(thread, read_conversation(tx, visit.staff, ticket=ticket)),
        deliveries=deliveries,
        sheets=tuple(list_sheets(tx, visit.staff, ticket=ticket)),
        requests=tuple(list_request_sheets(tx, visit.staff, ticket=ticket)),
        chat=get_chat(tx, chat_id=ticket.chat_id) if ticket.chat_id else None,
        people=tuple(list_assignable(tx, visit.staff)),
        canned=tuple(list_canned(tx, visit.staff, queue=ticket.queue)),
        writers=tuple(list_writers(tx, visit.staff, ticket_id=ticket.id)),
    )


def _values(visit: Visit, found: TicketLook) -> dict[str, Any]:
    profile = visit.desk.profile
    return {
        "look": found,
        "ticket": found.thread.ticket,
        "thread": found.thread,
        "kind_name": next(
            (
                kind.name.text(_language(visit))
                for kind in profile.support.kinds
                if kind.code == found.thread.ticket.kind
            ),
            "",
        ),
        "queue_name": next(
            (q.name.text(_language(visit)) for q in profile.support.queues if q.code == found.thread.ticket.queue), ""
        ),
        "client_key": visit.new_key(),
        "shown": reservations.shown(visit),
        "now": visit.now,
        "today": visit.today,
        "max_mb": MAX_FILE_BYTES // 1_000_000,
        "next_working_day": opening_day_after(calendar_of(profile.support.business_hours), visit.now),
    }


def _language(visit: Visit) -> Any:
    return visit.texts.language


async def answer(visit: Visit) -> Response:
    """Send the reply, or keep the internal note. A second press with the same key gives the first; the words of a member
    who wrote meanwhile are shown first, and what was typed stays in its box.
    """
    form = visit.need_form()
    ticket_no, text, kind = text_in_path(visit, "ticket_no"), form.text("text", limit=20_000), form.text("kind")
    uploads = [await _read_upload(file) for file in form.files("files")]
    seen_id, key = field_id(form, "last_seen") or 0, form.text("client_key", limit=60)
    if kind not in ("reply", "note") or not key:
        raise Refused(400, "bad_form")
    try:
        await visit.write(
            lambda tx: reply_with_files(
                tx,
                visit.staff,
                ticket_id=find_thread(tx, visit.staff, ticket_no=ticket_no).ticket.id,
                internal=kind == "note",
                text=text,
                uploads=uploads,
                client_key=key,
                last_seen_message_id=seen_id,
            ),
            name="answer",
        )
    except DomainError as error:
        if error.code != "stale":
            raise
        return await _stale(visit, text=text, kind=kind, words=visit.texts.error(error.code, error.data))
    if visit.scripted:
        parts = await _draw(visit, ticket_no=ticket_no)
        return json_answer({"go": f"/desk/tickets/{ticket_no}", "update": parts.html})
    return visit.go(f"/desk/tickets/{ticket_no}", done="noted" if kind == "note" else "replied")


async def _stale(visit: Visit, *, text: str, kind: str, words: str) -> Response:
    """The member wrote after the page was drawn: the newer words first, then a second press."""
    if visit.scripted:
        parts = await _draw(visit, ticket_no=text_in_path(visit, "ticket_no"))
        thread = await visit.read(lambda tx: find_thread(tx, visit.staff, ticket_no=text_in_path(visit, "ticket_no")))
        last = str(thread.last_member_message_id)
        return json_answer({"error": "stale", "text": words, "update": parts.html, "last_seen": last}, 409)
    return await _page(visit, status=409, typed=text, warning=words, kind=kind)


async def _read_upload(file: UploadFile) -> Upload:
    content = await file.read()
    return Upload(file.filename or "file", file.content_type or "application/octet-stream", content)


async def read_to(visit: Visit) -> Response:
    """The thread was in view up to here; what came later stays unread."""
    ticket_no, seen_id = text_in_path(visit, "ticket_no"), field_id(visit.need_form(), "last_seen") or 0

    def work(tx: Tx) -> None:
        ticket_id = find_thread(tx, visit.staff, ticket_no=ticket_no).ticket.id
        mark_read(tx, visit.staff, ticket_id=ticket_id, seen_id=seen_id)

    await visit.write(work, name="read")
    return json_answer({"ok": True}) if visit.scripted else visit.go(f"/desk/tickets/{ticket_no}")
