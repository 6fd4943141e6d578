"""Rows Q1 and Q8: taking over, assigning, priority, snooze, solving with words, each by compare-and-swap and by right."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from core.clock import ManualClock
from core.db import Database, Tx, run
from core.delivery.outbox import claim as claim_outbox
from core.delivery.outbox import owe, record_dead
from core.errors import DomainError
from core.ids import SeededIds
from core.members.audit import list_audit
from core.members.staff import disable_staff
from core.open_database import open_database
from core.tickets import service as tickets
from core.tickets.facts import StaffReplied, TicketChanged, TicketSolved
from core.tickets.service import TicketView
from core.wiring import LISTENERS
from tests.support.builders import ADMIN, AGENT
from tests.support.facts import of_kind, with_recorder
from tests.support.tickets import VIEWER, a_colleague, a_linked_chat, look, open_for, replies, writes


@pytest.fixture
def seen() -> list[Any]:
    """The facts of the test."""
    return []


@pytest.fixture
def database(database_url: str, clock: ManualClock, ids: SeededIds, seen: list[Any]) -> Iterator[Database]:
    """With the facts about tickets written down."""
    listeners = with_recorder(LISTENERS, seen, TicketChanged, TicketSolved, StaffReplied)
    opened = open_database(database_url, clock, ids, listeners)
    yield opened
    opened.close()


@pytest.fixture
def ticket(database: Database) -> TicketView:
    """Opened by 山田太郎 in the chat."""
    return open_for(database, run(database, a_linked_chat))


def refusal(database: Database, act: Callable[[Tx], object]) -> DomainError:
    with pytest.raises(DomainError) as refused:
        run(database, act)
    return refused.value


def test_taking_over_needs_the_holder_that_was_seen(database: Database, seen: list[Any], ticket: TicketView) -> None:
    hana, jiro, saburo = (a_colleague(database, name) for name in ("hana", "jiro", "saburo"))
    run(database, lambda tx: tickets.claim(tx, hana, ticket_id=ticket.id))
    refused = refusal(database, lambda tx: tickets.claim(tx, jiro, ticket_id=ticket.id))
    assert (refused.code, refused.data) == ("claimed_by_other", {"staff_id": hana.id, "name": "hana"})
    taken = run(database, lambda tx: tickets.take_over(tx, jiro, ticket_id=ticket.id, from_staff_id=hana.id))
    again = run(database, lambda tx: tickets.take_over(tx, jiro, ticket_id=ticket.id, from_staff_id=hana.id))
    assert taken.assignee_id == again.assignee_id == jiro.id
    late = refusal(database, lambda tx: tickets.take_over(tx, saburo, ticket_id=ticket.id, from_staff_id=hana.id))
    assert (late.code, late.data["name"]) == ("claimed_by_other", "jiro")
    assert [fact.change for fact in of_kind(seen, TicketChanged)] == ["claimed", "taken_over"]
    trail = [row.action for row in run(database, lambda tx: list_audit(tx, ADMIN)).entries]
    assert trail.count("ticket.taken_over") == 1


def test_a_ticket_is_given_only_to_who_can_answer_and_is_still_there(database: Database, ticket: TicketView) -> None:
    hana, looker, gone = (
        a_colleague(database, "hana"),
        a_colleague(database, "looker", "viewer"),
        a_colleague(database, "gone"),
    )
    run(database, lambda tx: disable_staff(tx, by=ADMIN, staff_id=gone.id))
    assert [who.name for who in run(database, lambda tx: tickets.list_assignable(tx, AGENT))] == ["hana"]
    for unfit in (looker.id, gone.id, 404):
        refused = refusal(
            database,
            lambda tx, n=unfit: tickets.assign(tx, AGENT, ticket_id=ticket.id, to_staff_id=n),  # type: ignore[misc]
        )
        assert refused.code == "assignee_unfit"
    given = run(database, lambda tx: tickets.assign(tx, AGENT, ticket_id=ticket.id, to_staff_id=hana.id))
    assert (given.assignee_id, given.status) == (hana.id, "open")
    jiro = a_colleague(database, "jiro")
    stale = refusal(database, lambda tx: tickets.assign(tx, AGENT, ticket_id=ticket.id, to_staff_id=jiro.id))
    assert (stale.code, stale.data["name"]) == ("claimed_by_other", "hana")
    moved = run(
        database,
        lambda tx: tickets.assign(tx, AGENT, ticket_id=ticket.id, to_staff_id=jiro.id, seen_assignee_id=hana.id),
    )
    assert moved.assignee_id == jiro.id


def test_an_old_card_does_not_act_and_words_of_the_member_do_not_make_it_old(
    database: Database, ticket: TicketView
) -> None:
    seen_revision = look(database, ticket).ticket.revision
    writes(database, ticket, "追記です")
    assert look(database, ticket).ticket.revision == seen_revision
    high = run(
        database,
        lambda tx: tickets.set_priority(tx, AGENT, ticket_id=ticket.id, priority="high", seen_revision=seen_revision),
    )
    assert (high.priority, high.revision) == ("high", seen_revision + 1)
    old = refusal(
        database,
        lambda tx: tickets.set_priority(tx, AGENT, ticket_id=ticket.id, priority="urgent", seen_revision=seen_revision),
    )
    assert (old.code, old.data["revision"]) == ("ticket_changed", seen_revision + 1)
    unknown = refusal(database, lambda tx: tickets.set_priority(tx, AGENT, ticket_id=ticket.id, priority="very"))
    assert unknown.code == "priority_unknown"


def test_a_snoozed_ticket_wakes_by_the_members_words_but_not_by_thanks(
    database: Database, clock: ManualClock, ticket: TicketView
) -> None:
    replies(database, ticket)
    until = clock.now() + timedelta(days=3)
    rests = run(database, lambda tx: tickets.snooze(tx, AGENT, ticket_id=ticket.id, until=until))
    assert (rests.snoozed_until, rests.status) == (until, "waiting")
    writes(database, ticket, "ありがとうございます")
    assert look(database, ticket).ticket.snoozed_until == until
    writes(database, ticket, "まだ入れません")
    assert look(database, ticket).ticket.snoozed_until is None


def test_nobody_snoozes_into_the_past_for_ever_or_what_is_solved(
    database: Database, clock: ManualClock, ticket: TicketView
) -> None:
    for away in (timedelta(0), timedelta(days=90, seconds=1)):
        until = clock.now() + away
        refused = refusal(
            database,
            lambda tx, at=until: tickets.snooze(tx, AGENT, ticket_id=ticket.id, until=at),  # type: ignore[misc]
        )
        assert refused.code == "snooze_out_of_range"
    run(database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id))
    until = clock.now() + timedelta(days=1)
    solved = refusal(database, lambda tx: tickets.snooze(tx, AGENT, ticket_id=ticket.id, until=until))
    assert solved.code == "ticket_state"


def test_the_closing_words_and_the_solving_are_one_act(database: Database, seen: list[Any], ticket: TicketView) -> None:
    def solve(tx: Tx, **more: Any) -> TicketView:
        return tickets.solve(tx, AGENT, ticket_id=ticket.id, text="直しました。", client_key="close-1", **more)

    newer = writes(database, ticket, "もう一つあります")
    seen_before = look(database, ticket).messages[0].id
    stale = refusal(database, lambda tx: solve(tx, last_seen_message_id=seen_before))
    assert (stale.code, look(database, ticket).ticket.status) == ("stale", "new")
    solved = run(database, lambda tx: solve(tx, last_seen_message_id=newer.message.id))
    run(database, lambda tx: solve(tx, last_seen_message_id=newer.message.id))
    assert (solved.status, solved.assignee_id) == ("solved", AGENT.id)
    assert [type(fact) for fact in seen] == [StaffReplied, TicketSolved]
    assert [row.body for row in look(database, ticket).messages][-1] == "直しました。"


def test_what_did_not_arrive_keeps_a_ticket_from_being_solved_unless_staff_insist(
    database: Database, ticket: TicketView
) -> None:
    message = replies(database, ticket)

    def undelivered(tx: Tx) -> None:
        outbox_id = owe(
            tx,
            channel="telegram",
            account="web",
            address="1",
            order_key="o",
            kind="staff_reply",
            payload={},
            reason="x",
        )
        assert outbox_id is not None
        tickets.record_delivery(tx, message_id=message.id, outbox_id=outbox_id)
        claim_outbox(tx, channel="telegram", owner="me", limit=10)
        record_dead(tx, outbox_id=outbox_id, owner="me", answer="blocked")

    run(database, undelivered)
    refused = refusal(database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id))
    assert refused.code == "answer_undelivered"
    assert run(database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id, force=True)).status == "solved"


@pytest.mark.parametrize(
    "act",
    [
        lambda tx, staff, n: tickets.take_over(tx, staff, ticket_id=n, from_staff_id=None),
        lambda tx, staff, n: tickets.assign(tx, staff, ticket_id=n, to_staff_id=1),
        lambda tx, staff, n: tickets.set_priority(tx, staff, ticket_id=n, priority="low"),
        lambda tx, staff, n: tickets.snooze(tx, staff, ticket_id=n, until=tx.now + timedelta(days=1)),
        lambda tx, staff, n: tickets.solve(tx, staff, ticket_id=n, text="x", client_key="k"),
    ],
    ids=["take_over", "assign", "set_priority", "snooze", "solve"],
)
def test_a_viewer_changes_nothing(
    database: Database, ticket: TicketView, act: Callable[[Tx, Any, int], object]
) -> None:
    before = look(database, ticket)
    assert refusal(database, lambda tx: act(tx, VIEWER, ticket.id)).code == "forbidden"
    assert look(database, ticket) == before
