"""What staff say reaches the member by the way there is, or staff are told that there is none; on both databases."""

from collections.abc import Iterator

import pytest

from core.clock import ManualClock
from core.counter.answering import Upload, reply_with_files
from core.db import Tx, run
from core.delivery.files import find_file, list_contents
from core.delivery.outbox import find_delivery
from core.dialogue.service import ChatView, get_chat, list_latest, set_reachable
from core.ids import SeededIds
from core.members.links import add_link, unlink
from core.tickets import service as tickets
from core.tickets.threads import Thread, TicketMessageView, TicketView, thread
from tests.support.builders import AGENT, a_member
from tests.support.chats import a_chat
from tests.support.counter import Counter


@pytest.fixture
def counter(database_url: str, clock: ManualClock, ids: SeededIds) -> Iterator[Counter]:
    opened = Counter(database_url, clock, ids)
    yield opened
    opened.close()


def a_ticket(tx: Tx, *, chat: ChatView, member_id: int | None) -> TicketView:
    return tickets.open_ticket(
        tx,
        kind="inquiry",
        queue="technical",
        subject="入れません",
        body="入れません",
        member_id=member_id,
        chat_id=chat.id,
    )


def answer(tx: Tx, ticket: TicketView, *uploads: Upload) -> TicketMessageView:
    return reply_with_files(
        tx,
        AGENT,
        ticket_id=ticket.id,
        internal=False,
        text="確認します。",
        uploads=uploads,
        client_key="k1",
        last_seen_message_id=2**62,
    )


def test_an_answer_to_a_blocked_chat_goes_by_mail_and_its_delivery_can_be_seen(counter: Counter) -> None:
    def work(tx: Tx) -> TicketMessageView:
        chat, member_id = a_chat(tx), a_member(tx)
        add_link(tx, chat_id=chat.id, member_id=member_id)
        set_reachable(tx, chat_id=chat.id, reachable=False)
        return answer(tx, a_ticket(tx, chat=chat, member_id=member_id))

    said = run(counter.database, work)
    assert [mail.address for mail in counter.mails()] == ["taro@example.jp"]
    assert said.outbox_id is not None
    delivery = run(counter.database, lambda tx: find_delivery(tx, outbox_id=said.outbox_id or 0))
    assert delivery is not None and (delivery.channel, delivery.state) == ("mail", "queued")


def test_an_answer_to_a_blocked_chat_of_nobody_is_tried_there_and_not_lost(counter: Counter) -> None:
    def work(tx: Tx) -> TicketMessageView:
        chat = a_chat(tx, channel="telegram")
        set_reachable(tx, chat_id=chat.id, reachable=False)
        return answer(tx, a_ticket(tx, chat=chat, member_id=None))

    said = run(counter.database, work)
    delivery = run(counter.database, lambda tx: find_delivery(tx, outbox_id=said.outbox_id or 0))
    assert delivery is not None and (delivery.channel, delivery.state) == ("telegram", "queued")


def test_staff_read_in_the_thread_that_there_is_no_way_to_the_member(counter: Counter) -> None:
    def work(tx: Tx) -> Thread:
        chat, member_id = a_chat(tx), a_member(tx, email=None)
        ticket = a_ticket(tx, chat=chat, member_id=member_id)  # the chat was never linked
        answer(tx, ticket)
        return thread(tx, AGENT, ticket_id=ticket.id)

    last = run(counter.database, work).messages[-1]
    assert (last.author, last.visibility) == ("bot", "internal")
    assert "お届けする手段がありません" in last.body


def test_a_file_opens_in_the_chat_that_gets_the_answer(counter: Counter) -> None:
    def work(tx: Tx) -> tuple[int | None, int]:
        old, new, member_id = a_chat(tx), a_chat(tx), a_member(tx)
        add_link(tx, chat_id=new.id, member_id=member_id)
        ticket = a_ticket(tx, chat=old, member_id=member_id)
        said = answer(tx, ticket, Upload("手順.pdf", "application/pdf", b"%PDF"))
        file = find_file(tx, token=said.files[0]["token"])
        return file.chat_id if file else None, new.id

    stored, told = run(counter.database, work)
    assert stored == told


def test_an_unlinked_chat_does_not_hear_that_the_members_ticket_is_solved(counter: Counter) -> None:
    def work(tx: Tx) -> tuple[int, int]:
        chat, member_id = a_chat(tx), a_member(tx)
        add_link(tx, chat_id=chat.id, member_id=member_id)
        ticket = a_ticket(tx, chat=chat, member_id=member_id)
        unlink(tx, chat_id=chat.id, member_id=member_id)
        before = get_chat(tx, chat_id=chat.id).last_seq
        tickets.solve(tx, AGENT, ticket_id=ticket.id)
        return before, len(list_latest(tx, chat_id=chat.id))

    before, after = run(counter.database, work)
    assert before == after


def test_words_too_long_for_a_ticket_still_bring_a_person(counter: Counter) -> None:
    person = counter.person()
    person.act(kind="start")
    for _ in range(3):
        person.say("ゐゑゎゕゖ " * 500)
    person.press("担当者に送る")
    assert "T-000001" in person.answer(), person.answer()


@pytest.mark.parametrize(("size_bytes", "attached"), [(3_500_000, True), (3_500_001, False)])
def test_an_answer_by_mail_carries_its_files_or_says_how_to_get_them(
    counter: Counter, size_bytes: int, attached: bool
) -> None:
    def work(tx: Tx) -> list[str]:
        chat, member_id = a_chat(tx), a_member(tx)
        add_link(tx, chat_id=chat.id, member_id=member_id)
        set_reachable(tx, chat_id=chat.id, reachable=False)
        uploads = [Upload(f"図{n}.png", "image/png", bytes(size_bytes)) for n in (1, 2)]
        said = answer(tx, a_ticket(tx, chat=chat, member_id=member_id), *uploads)
        return [file["file_id"] for file in said.files]

    file_ids = run(counter.database, work)
    (mail,) = counter.mails()
    assert "確認します。" in mail.payload["text"] and "・図1.png\n・図2.png" in mail.payload["text"]
    assert mail.payload.get("files") == ([int(file_id) for file_id in file_ids] if attached else None)
    assert ("添付ファイル（2件）" in mail.payload["text"]) == attached
    assert ("2件あります。大きいため" in mail.payload["text"]) == (not attached)
    contents = run(counter.database, lambda tx: list_contents(tx, file_ids=[int(file_id) for file_id in file_ids]))
    assert [(file.name, len(file.content or b"")) for file in contents] == [
        ("図1.png", size_bytes),
        ("図2.png", size_bytes),
    ]
