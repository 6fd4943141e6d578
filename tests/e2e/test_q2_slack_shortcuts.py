"""Row Q2: emoji and message shortcuts; what the whole channel is told; reminders to who holds a ticket."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from bot.dispatch import Lane
from bot.second_look import mark_unreachable
from core.clock import ManualClock
from core.db import run
from core.delivery.ports import Unreachable
from core.errors import PermanentError
from core.ids import SeededIds
from core.statements import Write
from core.tickets.assignment import assign
from core.tickets.ticks import warn_due
from tests.support.builders import ADMIN
from tests.support.counter import Person
from tests.support.journeys import link_person, rows
from tests.support.lanes import ScriptedSender, never_asks
from tests.support.slack_api import SlackApi
from tests.support.slack_desk import SlackDesk

HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def desk(database_url: str, clock: ManualClock, ids: SeededIds) -> AsyncIterator[SlackDesk]:
    async with SlackApi() as slack:
        made = SlackDesk(database_url, clock, ids, slack)
        yield made
        await made.close()


@pytest.fixture
def person(desk: SlackDesk) -> Person:
    desk.counter.add_contract(desk.counter.add_member())
    desk.operator("suzuki", "U0SUZUKI")
    return link_person(desk.counter.person())


async def opened(desk: SlackDesk, person: Person, text: str = "サイトが表示されません") -> dict[str, Any]:
    person.say("/ticket").press("その他").say(text).press("スキップ").press("送信する")
    await desk.later(seconds=4)
    person.seen = person.last_seq()
    return desk.slack.roots()[-1]


async def answered(desk: SlackDesk, root: dict[str, Any]) -> None:
    """The ticket has been answered, so that the member's words are for it."""
    await desk.write("U0SUZUKI", "&gt;&gt; 直しました。", thread=str(root["ts"]))
    await desk.later(seconds=12)


def alarms(desk: SlackDesk) -> list[str]:
    """What stands in the channel although it is a reply."""
    return [desk.slack.says(message) for message in desk.slack.messages if message.get("reply_broadcast")]


# emoji


async def test_eyes_claim_siren_makes_urgent_and_a_check_mark_solves(desk: SlackDesk, person: Person) -> None:
    root = await opened(desk, person)
    words = desk.slack.thread(str(root["ts"]))[0]
    await desk.react("U0SUZUKI", words, "eyes")
    await desk.react("U0SUZUKI", root, "rotating_light")
    (ticket,) = rows(desk.counter, "ticket")
    assert (ticket.status, ticket.priority) == ("open", "urgent") and ticket.assignee_id is not None
    await desk.later(seconds=4)
    assert "*担当*\nsuzuki" in desk.slack.says(root) and "優先度：緊急" in desk.slack.says(root)
    assert [each["name"] for each in words["reactions"]] == ["eyes"]
    await desk.react("U0SUZUKI", root, "white_check_mark")
    assert rows(desk.counter, "ticket")[0].status == "solved" and "解決" in person.answer()
    await desk.event(
        {"type": "reaction_removed", "user": "U0SUZUKI", "reaction": "white_check_mark", "item": {"ts": root["ts"]}}
    )
    assert rows(desk.counter, "ticket")[0].status == "solved"


async def test_an_emoji_counts_once_and_for_staff_only(desk: SlackDesk, person: Person) -> None:
    root = await opened(desk, person)
    desk.operator("viewer", "U0VIEWER", role="viewer")
    for user, name in (("U0NOBODY", "eyes"), ("U0SUZUKI", "tada"), ("U0VIEWER", "eyes")):
        assert (await desk.react(user, root, name)).status_code == 200
    assert rows(desk.counter, "ticket")[0].assignee_id is None
    assert [whisper["user"] for whisper in desk.slack.whispers] == ["U0VIEWER"]
    note = await desk.write("U0SUZUKI", "メモ", thread=str(root["ts"]))
    await desk.react("U0SUZUKI", note, "white_check_mark")  # not one of our messages
    assert rows(desk.counter, "ticket")[0].status == "new"
    await desk.react("U0SUZUKI", root, "eyes", event_id="Ev-eyes")
    desk.operator("tanaka", "U0TANAKA")
    await desk.react("U0TANAKA", root, "eyes")
    assert "suzukiさんが担当しました" in desk.slack.says(desk.slack.whispers[-1])
    trail = [row.action for row in rows(desk.counter, "audit") if row.action.startswith("ticket.")]
    await desk.react("U0SUZUKI", root, "eyes", event_id="Ev-eyes")
    assert [row.action for row in rows(desk.counter, "audit") if row.action.startswith("ticket.")] == trail


@pytest.mark.parametrize("by", ["lock", "shortcut"])
async def test_a_held_answer_is_kept_internal(desk: SlackDesk, person: Person, by: str) -> None:
    desk.operator("tanaka", "U0TANAKA")
    root = await opened(desk, person)
    held = await desk.write("U0SUZUKI", "&gt;&gt; まちがい", thread=str(root["ts"]))

    async def keep(user: str) -> None:
        if by == "lock":
            await desk.react(user, held, "lock")
        else:
            await desk.shortcut(user, held, "mado_keep_internal")

    await keep("U0TANAKA")
    assert [row.state for row in rows(desk.counter, "team_release")] == ["held"]  # somebody else's words
    await keep("U0SUZUKI")
    await desk.later(seconds=30)
    assert person.answer() == "" and [row.state for row in rows(desk.counter, "team_release")] == ["cancelled"]
    assert [row.body for row in rows(desk.counter, "ticket_message", visibility="internal")] == ["まちがい"]


async def test_the_shortcut_says_what_a_message_is_already(desk: SlackDesk, person: Person) -> None:
    root = await opened(desk, person)
    note = await desk.write("U0SUZUKI", "メモ", thread=str(root["ts"]))
    await desk.shortcut("U0SUZUKI", note, "mado_keep_internal")
    assert "内部メモです" in desk.slack.says(desk.slack.whispers[-1])
    sent = await desk.write("U0SUZUKI", "&gt;&gt; はい", thread=str(root["ts"]))
    await desk.later(seconds=12)
    await desk.shortcut("U0SUZUKI", sent, "mado_keep_internal")
    assert "すでに会員へ送られています" in desk.slack.says(desk.slack.whispers[-1])
    await desk.shortcut("U0SUZUKI", root, "mado_keep_internal")
    assert "自分の投稿だけ" in desk.slack.says(desk.slack.views[-1])


# what the channel is told


async def test_a_missed_deadline_is_told_in_the_channel_once(desk: SlackDesk, person: Person) -> None:
    await opened(desk, person)
    await passes(desk, timedelta(days=3, hours=12))  # Monday is a holiday: due on Wednesday
    assert [words for words in alarms(desk) if "最初の回答の期限" in words and "過ぎました" in words] == alarms(desk)
    assert len(alarms(desk)) == 1
    told = [row.body for row in rows(desk.counter, "ticket_message", author="bot")]
    assert [("近づいて" in words, "過ぎました" in words) for words in told] == [(True, False), (False, True)]


async def test_a_ticket_opened_again_by_its_member_is_told_in_the_channel(desk: SlackDesk, person: Person) -> None:
    root = await opened(desk, person)
    await answered(desk, root)
    await desk.react("U0SUZUKI", root, "white_check_mark")
    person.say("ありがとうございました")
    await desk.later(seconds=5)
    assert alarms(desk) == []
    person.say("また表示されなくなりました")
    await desk.later(seconds=5)
    assert len(alarms(desk)) == 1 and "また表示されなくなりました" in alarms(desk)[0]
    person.say("急いでいます")
    await desk.later(seconds=5)
    assert len(alarms(desk)) == 1 and rows(desk.counter, "ticket")[0].status == "open"


# reminders


def hold(desk: SlackDesk, *logins: str) -> None:
    """Each of the tickets, oldest first, is held by this one."""
    ids = {row.login: row.id for row in rows(desk.counter, "staff")}
    for ticket, login in zip(rows(desk.counter, "ticket"), logins, strict=True):
        run(
            desk.database,
            lambda tx, ticket=ticket, login=login: assign(tx, ADMIN, ticket_id=ticket.id, to_staff_id=ids[login]),
        )


async def passes(desk: SlackDesk, time: timedelta) -> None:
    """The clock goes on by hours, with the job that watches deadlines."""
    for _ in range(int(time / HOUR)):
        desk.clock.move(HOUR)
        run(desk.database, lambda tx: warn_due(tx, limit=100))
        await desk.drain()


def direct(desk: SlackDesk, user: str) -> list[tuple[str, bool]]:
    """What was written to one person: words, and whether below the day's first."""
    there = [m for m in desk.slack.messages if m["channel"] == f"D{user[1:]}"]
    return [(desk.slack.says(m), m.get("thread_ts") is not None) for m in there]


async def test_the_holder_hears_at_half_and_four_fifths_in_one_thread_a_day(desk: SlackDesk, person: Person) -> None:
    desk.operator("tanaka", "U0TANAKA")
    desk.clock.set(datetime(2026, 11, 24, 0, 50, tzinfo=UTC))  # Tuesday, ten minutes before the counter opens
    await opened(desk, person, "一件目です")
    await opened(desk, person, "二件目です")
    hold(desk, "suzuki", "tanaka")
    await passes(desk, timedelta(hours=10))
    first = direct(desk, "U0SUZUKI")
    assert [("T-000001" in words, below) for words, below in first] == [(True, False), (True, True)]
    assert "半分が過ぎました" in first[0][0] and "一件目です" in first[0][0] and "近づいています" in first[1][0]
    assert len(direct(desk, "U0TANAKA")) == 2
    assert len(rows(desk.counter, "team_direct")) == 2


async def test_who_has_answered_meanwhile_is_not_reminded(desk: SlackDesk, person: Person) -> None:
    desk.clock.set(datetime(2026, 11, 24, 0, 50, tzinfo=UTC))
    root = await opened(desk, person)
    hold(desk, "suzuki")
    desk.slack.down = "service_unavailable"
    await passes(desk, timedelta(hours=6))
    assert [row.state for row in rows(desk.counter, "outbox", kind="nudge")] == ["queued"]
    desk.slack.down = ""
    await desk.event(desk.slack.write("U0SUZUKI", "&gt;&gt; 直しました。", thread=str(root["ts"])))
    await desk.adapter.jobs.release_held()
    desk.clock.move(timedelta(seconds=11))
    await desk.adapter.jobs.release_held()
    await desk.later(minutes=10)
    assert person.answer() == "直しました。" and direct(desk, "U0SUZUKI") == []
    assert [row.state for row in rows(desk.counter, "outbox", kind="nudge")] == ["sent"]


# what did not arrive


def by_telegram(desk: SlackDesk, refused: Exception) -> tuple[Person, Callable[[], None]]:
    """A member in Telegram; calling the second makes the next message to them fail."""
    desk.counter.add_contract(desk.counter.add_member())
    desk.operator("suzuki", "U0SUZUKI")
    person, sender = link_person(desk.counter.person("telegram", "77")), ScriptedSender()
    desk.lanes.append(Lane(desk.database, sender, "one", never_asks, mark_unreachable))
    return person, lambda: sender.fail("77", refused)


async def test_an_answer_that_will_not_arrive_is_shown_to_the_whole_channel(desk: SlackDesk) -> None:
    person, fails = by_telegram(desk, PermanentError("telegram refused: message is too long"))
    root = await opened(desk, person)
    fails()
    await answered(desk, root)
    await desk.later(seconds=4)
    (alarm,) = alarms(desk)
    assert "直しました。" in alarm and "失敗（telegram refused: message is too long）" in alarm
    assert [row.state for row in rows(desk.counter, "outbox", kind="staff_reply")] == ["dead"]


async def test_an_answer_that_goes_by_mail_instead_says_so_and_alarms_nobody(desk: SlackDesk) -> None:
    person, fails = by_telegram(desk, Unreachable("telegram: bot was blocked by the user"))
    mails = desk.add_channel("mail")
    root = await opened(desk, person)
    fails()
    await answered(desk, root)
    await desk.later(seconds=4)
    assert alarms(desk) == []
    assert "チャットの代わりにメールで送りました" in desk.slack.says(desk.slack.thread(str(root["ts"]))[-1])
    assert "直しました。" in mails.given[-1]["text"]


async def test_what_nobody_foresaw_shows_a_reference_that_stands_in_the_log(
    desk: SlackDesk, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    root = await opened(desk, person)
    run(desk.database, lambda tx: tx.run(Write(text("ALTER TABLE canned_reply RENAME TO not_there"))))
    try:
        await desk.press("U0SUZUKI", root, "返信")
    finally:
        run(desk.database, lambda tx: tx.run(Write(text("ALTER TABLE not_there RENAME TO canned_reply"))))
    (record,) = [each for each in caplog.records if each.message == "a press in Slack failed"]
    reference = vars(record)["reference"]
    assert f"参照番号 {reference}" in desk.slack.says(desk.slack.views[-1]) and record.exc_info is not None
    assert len(reference) == 6 and "サイトが表示されません" not in record.getMessage()
