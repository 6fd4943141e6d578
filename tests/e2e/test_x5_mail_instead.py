"""A block that is noticed only while sending: what was owed to the member goes by mail, once, or into their other chat."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from core.clock import ManualClock
from core.db import Tx, run
from core.delivery import outbox
from core.delivery.files import store_file
from core.dialogue.service import set_reachable
from core.members.service import update_member
from core.tickets import service as tickets
from tests.support import line_double, telegram_double
from tests.support.builders import AGENT
from tests.support.counter import Counter
from tests.support.counter_doors import at_door
from tests.support.doors import LineDoor, TelegramDoor, Visit
from tests.support.journeys import link_person, rows, run_jobs
from tests.support.ports.stay import PDF
from tests.support.telegram_rules import Refused

CHANNELS = ["line", "telegram"]
EMAIL = "taro@example.jp"
SEEN_ALL = 2**62


def blocks_unseen(visit: Visit, times: int = 1) -> None:
    """They blocked us, and the platform said nothing: its next answers do."""
    door = visit.door
    if isinstance(door, LineDoor):
        door.line.fail("push", *[line_double.Fault(400, "Failed to send messages")] * times)
    else:
        assert isinstance(door, TelegramDoor)
        refused = Refused(403, "Forbidden: bot was blocked by the user")
        for method in ("sendMessage", "sendDocument"):
            door.telegram.fail(method, *[telegram_double.Fault(refused=refused)] * times)


async def asks(visit: Visit) -> None:
    await visit.link(email=EMAIL)
    await visit.say("/ticket")
    await visit.press("技術的な")
    await visit.say("画面が真っ白です")
    await visit.press("スキップ")
    await visit.press("送信する")
    await visit.sees("受付番号 T-000001")
    await visit.looks_away()


def answers(counter: Counter, text: str, *, pdf: bytes = b"") -> None:
    def work(tx: Tx) -> None:
        ticket = tickets.find_ticket(tx, ticket_no="T-000001")
        assert ticket is not None
        stored = store_file(tx, chat_id=ticket.chat_id, name="手順書.pdf", mime="application/pdf", content=pdf)
        tickets.reply(
            tx, AGENT, ticket_id=ticket.id, text=text, files=[stored] if pdf else [], client_key=text[:20],
            last_seen_message_id=SEEN_ALL,
        )  # fmt: skip

    run(counter.database, work)


def letters(counter: Counter, words: str) -> list[Any]:
    return [mail for mail in counter.mails() if words in mail.payload["text"]]


def debts(counter: Counter, reason: str) -> list[tuple[str, str]]:
    """Channel and state of what was owed for this reason, oldest first."""
    return [(row.channel, row.state) for row in rows(counter, "outbox") if row.reason.startswith(reason)]


@pytest.mark.parametrize("channel", CHANNELS)
async def test_an_answer_with_its_file_and_what_waits_behind_it_go_by_mail_once(
    counter: Counter, member_id: int, clock: ManualClock, channel: str
) -> None:
    async with at_door(counter, channel) as visit:
        await asks(visit)
        blocks_unseen(visit, 2)
        answers(counter, "手順書をご覧ください。", pdf=PDF)
        answers(counter, "追伸です。")

        # A lane had both in hand and died before it noted what the platform said
        run(counter.database, lambda tx: outbox.claim(tx, channel=channel, owner="dead", limit=9))
        clock.move(outbox.SEND_LEASE + timedelta(seconds=1))
        assert run(counter.database, outbox.settle_lost) == 1
        for _ in range(3):
            await visit.settle()

        assert not any("手順書をご覧" in words or "追伸" in words for words in await visit.door.reads())
        (first,), (second,) = letters(counter, "手順書をご覧ください。"), letters(counter, "追伸です。")
        assert (first.address, second.address) == (EMAIL, EMAIL)
        (file_id,) = first.payload["files"]
        assert file_id == rows(counter, "stored_file", name="手順書.pdf")[0].id
        assert "T-000001" in first.payload["subject"]
        assert "https://madoguchi.example.jp/chat" in first.payload["text"], "where to answer"
    assert debts(counter, "staff's answer") == [
        (channel, "mailed"),
        (channel, "mailed"),
        ("mail", "queued"),
        ("mail", "queued"),
    ]
    assert run(counter.database, outbox.list_troubled) == []
    mails = {row.id for row in rows(counter, "outbox", channel="mail")}
    said = [row.outbox_id for row in rows(counter, "ticket_message", author="staff")]
    assert len(said) == 2 and set(said) <= mails, "staff follow the mail"
    (chat,) = rows(counter, "chat")
    assert not chat.reachable


@pytest.mark.parametrize("channel", CHANNELS)
async def test_without_an_address_staff_see_the_answer_as_undelivered(
    counter: Counter, member_id: int, channel: str
) -> None:
    async with at_door(counter, channel) as visit:
        await asks(visit)
        gone = {"email": None}
        run(
            counter.database,
            lambda tx: update_member(tx, member_id=member_id, actor_kind="system", actor_id=None, changes=gone),
        )
        blocks_unseen(visit)
        answers(counter, "直しました。")
        await visit.settle()
    assert letters(counter, "直しました。") == []
    (trouble,) = run(counter.database, outbox.list_troubled)
    assert (trouble.channel, trouble.state, trouble.reason) == (channel, "dead", "staff's answer")
    (said,) = rows(counter, "ticket_message", author="staff")
    assert said.outbox_id == trouble.id


@pytest.mark.parametrize("channel", CHANNELS)
async def test_another_chat_of_the_member_comes_before_the_mail(counter: Counter, member_id: int, channel: str) -> None:
    browser = link_person(counter.person())
    async with at_door(counter, channel) as visit:
        await asks(visit)
        blocks_unseen(visit)
        answers(counter, "手順書をご覧ください。", pdf=PDF)
        await visit.settle()
    assert letters(counter, "手順書をご覧ください。") == []
    last = browser.history()[-1]
    assert (last.author, last.author_name, last.body["text"]) == ("staff", AGENT.name, "手順書をご覧ください。")
    (file,) = rows(counter, "stored_file", name="手順書.pdf")
    assert file.chat_id == browser.chat_id()
    assert debts(counter, "staff's answer") == [(channel, "moved"), ("webchat", "sent")]

    browser.say("直りました")
    assert [row.body for row in rows(counter, "ticket_message", author="member")][-1] == "直りました"


@pytest.mark.parametrize("channel", CHANNELS)
async def test_money_news_and_the_end_of_an_inquiry_go_by_mail_and_a_reminder_has_gone_already(
    counter: Counter, member_id: int, clock: ManualClock, channel: str
) -> None:
    counter.add_contract(member_id, expires_on=date(2027, 1, 20))
    async with at_door(counter, channel) as visit:
        await asks(visit)
        answers(counter, "直しました。")
        await visit.settle()
        blocks_unseen(visit)
        (ticket,) = rows(counter, "ticket")
        run(counter.database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id))
        await visit.settle()
        (letter,) = letters(counter, "解決済み")
        assert "いかがでしたか" not in letter.payload["text"]

        run(counter.database, lambda tx: set_reachable(tx, chat_id=ticket.chat_id, reachable=True))
        clock.set(datetime(2027, 1, 10, 3, tzinfo=UTC))
        run_jobs(counter)
        blocks_unseen(visit, 2)  # that the bot speaks again in the chat is of no use in a mail
        await visit.settle()
    assert debts(counter, "bot speaks again") == [(channel, "dead")]
    assert debts(counter, "ticket solved") == [(channel, "mailed"), ("mail", "queued")]
    assert sorted(debts(counter, "reminder")) == sorted([(channel, "mailed"), ("mail", "queued")])


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_question_of_a_form_stays_in_its_chat(counter: Counter, member_id: int, channel: str) -> None:
    async with at_door(counter, channel) as visit:
        await visit.link(email=EMAIL)
        before = len(counter.mails())
        if isinstance(visit.door, LineDoor):
            visit.door.line.fail("reply", *[line_double.Fault(400, "Invalid reply token")])
        blocks_unseen(visit)
        await visit.say("/ticket")
        await visit.settle()
    assert len(counter.mails()) == before
    assert [row.reason for row in run(counter.database, outbox.list_troubled)] == ["answer"]
