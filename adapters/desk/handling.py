"""What staff do with a ticket besides answering: claim, take over, assign, priority, snooze, solve, reopen, back to the bot."""

from collections.abc import Callable
from datetime import time

from starlette.responses import Response

from adapters.desk.guards import Form, Refused
from adapters.desk.reading import field_day, field_id, text_in_path
from adapters.desk.visits import Visit, json_answer
from core.clock import at_in_japan
from core.counter.answering import find_thread
from core.db import Tx
from core.tickets import service as tickets
from core.tickets.composing import record_composing, stop_composing

MORNING = time(8, 0)  # a rest until a day ends before its work begins

Act = Callable[[Tx, Visit, Form, int], object]


def _claim(tx: Tx, visit: Visit, form: Form, ticket_id: int) -> object:
    return tickets.claim(tx, visit.staff, ticket_id=ticket_id)


def _take_over(tx: Tx, visit: Visit, form: Form, ticket_id: int) -> object:
    return tickets.take_over(tx, visit.staff, ticket_id=ticket_id, from_staff_id=field_id(form, "seen_assignee"))


def _release(tx: Tx, visit: Visit, form: Form, ticket_id: int) -> object:
    return tickets.release(tx, visit.staff, ticket_id=ticket_id)


def _assign(tx: Tx, visit: Visit, form: Form, ticket_id: int) -> object:
    return tickets.assign(
        tx,
        visit.staff,
        ticket_id=ticket_id,
        to_staff_id=field_id(form, "to") or 0,
        seen_assignee_id=field_id(form, "seen_assignee"),
    )


def _set_priority(tx: Tx, visit: Visit, form: Form, ticket_id: int) -> object:
    return tickets.set_priority(
        tx,
        visit.staff,
        ticket_id=ticket_id,
        priority=form.text("priority", limit=10),
        seen_revision=field_id(form, "revision"),
    )


def _snooze(tx: Tx, visit: Visit, form: Form, ticket_id: int) -> object:
    until = None if form.text("wake") else at_in_japan(field_day(form, "day"), MORNING)
    return tickets.snooze(tx, visit.staff, ticket_id=ticket_id, until=until, seen_revision=field_id(form, "revision"))


def _solve(tx: Tx, visit: Visit, form: Form, ticket_id: int) -> object:
    return tickets.solve(
        tx,
        visit.staff,
        ticket_id=ticket_id,
        text=form.text("text", limit=20_000),
        client_key=form.text("client_key", limit=60) or visit.new_key(),
        last_seen_message_id=field_id(form, "last_seen"),
        seen_revision=field_id(form, "revision"),
        force=bool(form.text("force")),
    )


def _reopen(tx: Tx, visit: Visit, form: Form, ticket_id: int) -> object:
    return tickets.reopen(tx, visit.staff, ticket_id=ticket_id)


def _give_back(tx: Tx, visit: Visit, form: Form, ticket_id: int) -> object:
    tickets.give_back(tx, visit.staff, ticket_id=ticket_id)
    return None


ACTS: dict[str, Act] = {
    "claim": _claim,
    "take_over": _take_over,
    "release": _release,
    "assign": _assign,
    "priority": _set_priority,
    "snooze": _snooze,
    "solve": _solve,
    "reopen": _reopen,
    "give_back": _give_back,
}


async def act(visit: Visit) -> Response:
    """担当する・引き継ぐ・振り分け・優先度・保留・解決・再開: each may be pressed twice."""
    ticket_no, name = text_in_path(visit, "ticket_no"), str(visit.request.path_params["act"])
    form, use_case = visit.need_form(), ACTS.get(name)
    if use_case is None:
        raise Refused(404, "not_found")

    def work(tx: Tx) -> None:
        use_case(tx, visit, form, find_thread(tx, visit.staff, ticket_no=ticket_no).ticket.id)

    await visit.write(work, name=name)
    return visit.go(f"/desk/tickets/{ticket_no}", done=f"ticket_{name}")


async def compose(visit: Visit) -> Response:
    """A key was pressed in the answer box, or its words were put away: what the member may be told of (担当者が返信中)."""
    ticket_no, stopped = text_in_path(visit, "ticket_no"), bool(visit.need_form().text("stopped"))

    def work(tx: Tx) -> None:
        ticket_id = find_thread(tx, visit.staff, ticket_no=ticket_no).ticket.id
        (stop_composing if stopped else record_composing)(tx, visit.staff, ticket_id=ticket_id)

    await visit.write(work, name="compose")
    return json_answer({"ok": True})
