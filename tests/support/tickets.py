"""Tickets and the people around them, for tests on both databases."""

from typing import Any

from core.db import Database, Tx, run
from core.dialogue.service import ChatView
from core.members.links import add_link, linked_members
from core.members.staff import add_staff
from core.tickets import service as tickets
from core.tickets.service import TicketView, Written
from core.tickets.threads import Thread, thread
from tests.support.builders import AGENT, Somebody, a_member
from tests.support.chats import a_chat

VIEWER = Somebody(903, "viewer", "閲覧 三郎")


def a_linked_chat(tx: Tx) -> ChatView:
    """山田太郎's chat, linked."""
    made = a_chat(tx)
    add_link(tx, chat_id=made.id, member_id=a_member(tx))
    return made


def a_colleague(database: Database, login: str, role: str = "agent") -> Somebody:
    """Somebody of staff with a row of their own."""
    made = run(database, lambda tx: add_staff(tx, by=None, login=login, name=login, role=role, password_hash="x"))
    return Somebody(made.id, role, made.name)


def open_for(database: Database, chat: ChatView, body: str = "サーバーに入れません。\n昨日からです。") -> TicketView:
    """A technical inquiry of the member linked to `chat`."""
    member_id = run(database, lambda tx: linked_members(tx, chat_id=chat.id))[0].id
    return run(
        database,
        lambda tx: tickets.open_ticket(
            tx, kind="technical", queue="technical", subject="", body=body, member_id=member_id, chat_id=chat.id
        ),
    )


def writes(database: Database, ticket: TicketView, text: str, **given: Any) -> Written:
    """The member's words for a ticket."""
    return run(database, lambda tx: tickets.add_member_message(tx, ticket_id=ticket.id, text=text, **given))


def replies(
    database: Database, ticket: TicketView, text: str = "確認します。", *, key: str = "k1", staff: Any = AGENT
) -> Any:
    """Staff's answer, having seen everything."""
    return run(
        database,
        lambda tx: tickets.reply(tx, staff, ticket_id=ticket.id, text=text, client_key=key, last_seen_message_id=2**62),
    )


def look(database: Database, ticket: TicketView, staff: Any = AGENT) -> Thread:
    """The thread as staff read it."""
    return run(database, lambda tx: thread(tx, staff, ticket_id=ticket.id))
