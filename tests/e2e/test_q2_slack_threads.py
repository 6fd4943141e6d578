"""Row Q2: a ticket is a thread in Slack. Members by the web chat, staff by the real SDK against a double of Slack."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from core.clock import ManualClock
from core.ids import SeededIds
from tests.support.counter import Person
from tests.support.journeys import link_person, rows
from tests.support.slack_api import SlackApi
from tests.support.slack_desk import SlackDesk


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[SlackApi]:
    async with SlackApi() as api:
        yield api


@pytest_asyncio.fixture
async def desk(database_url: str, clock: ManualClock, ids: SeededIds, slack: SlackApi) -> AsyncIterator[SlackDesk]:
    made = SlackDesk(database_url, clock, ids, slack)
    yield made
    await made.close()


@pytest.fixture
def person(desk: SlackDesk) -> Person:
    member_id = desk.counter.add_member()
    desk.counter.add_contract(member_id)
    return link_person(desk.counter.person())


async def opened(desk: SlackDesk, person: Person, text: str = "サイトが表示されません") -> dict[str, object]:
    """The root of a new ticket's thread."""
    person.say("/ticket").press("その他").say(text).press("スキップ").press("送信する")
    await desk.drain()
    return desk.slack.roots()[-1]


async def test_a_ticket_is_one_root_with_the_members_card_and_their_words_below(
    desk: SlackDesk, person: Person
) -> None:
    root = await opened(desk, person)
    card = desk.slack.says(root)
    for words in ("T-000001", "山田 太郎", "M-000001", "example.jp", "新規", "未担当", "ウェブチャット", "担当する"):
        assert words in card, words
    thread = desk.slack.thread(str(root["ts"]))
    assert [("サイトが表示されません" in desk.slack.says(m)) for m in thread] == [True]
    assert root["metadata"]["event_payload"]["ticket_id"] == str(rows(desk.counter, "ticket")[0].id)
    await desk.later(seconds=10)
    assert len(desk.slack.roots()) == 1 and len(desk.slack.thread(str(root["ts"]))) == 1


async def test_claim_note_held_answer_and_what_the_member_sees(desk: SlackDesk, person: Person) -> None:
    desk.operator("suzuki", "U0SUZUKI")
    root = await opened(desk, person)
    await desk.press("U0SUZUKI", root, "担当する")
    await desk.later(seconds=3)
    assert "*担当*\nsuzuki" in desk.slack.says(root)
    person.seen = person.last_seq()
    await desk.write("U0SUZUKI", "たぶんDNSだと思う", thread=str(root["ts"]))
    await desk.later(seconds=30)
    assert person.answer() == ""
    notes = rows(desk.counter, "ticket_message", visibility="internal")
    assert [note.body for note in notes] == ["たぶんDNSだと思う"]
    await desk.write("U0SUZUKI", "&gt;&gt; 確認しました。\nいま直っています。", thread=str(root["ts"]))
    assert "10秒後に会員へ送ります" in desk.slack.says(desk.slack.whispers[-1])
    await desk.later(seconds=9)
    assert person.answer() == ""
    await desk.later(seconds=2)
    assert person.answer() == "確認しました。\nいま直っています。"
    await desk.later(seconds=5)
    answer = desk.slack.thread(str(root["ts"]))[-1]
    assert "いま直っています。" in desk.slack.says(answer) and "受付済" in desk.slack.says(answer)
    assert len(rows(desk.counter, "ticket_message", visibility="internal")) == 1


async def test_a_held_answer_that_is_taken_back_never_leaves(desk: SlackDesk, person: Person) -> None:
    desk.operator("suzuki", "U0SUZUKI")
    root = await opened(desk, person)
    person.seen = person.last_seq()
    await desk.write("U0SUZUKI", "&gt;&gt; まちがい", thread=str(root["ts"]))
    await desk.press("U0SUZUKI", desk.slack.whispers[-1], "取り消す")
    await desk.later(seconds=60)
    assert person.answer() == "" and "取り消しました" in desk.slack.says(desk.slack.whispers[-1])
    assert [row.visibility for row in rows(desk.counter, "ticket_message", author="staff")] == ["internal"]


async def test_the_second_who_claims_is_told_who_was_first_and_when(desk: SlackDesk, person: Person) -> None:
    desk.operator("suzuki", "U0SUZUKI")
    desk.operator("tanaka", "U0TANAKA")
    root = await opened(desk, person)
    old = dict(root)
    await desk.press("U0SUZUKI", root, "担当する")
    await desk.press("U0TANAKA", old, "担当する")
    assert "suzukiさんが担当しました（12:00）" in desk.slack.says(desk.slack.whispers[-1])
    assert desk.slack.whispers[-1]["user"] == "U0TANAKA"


async def test_reply_by_modal_with_preview(desk: SlackDesk, person: Person) -> None:
    desk.operator("suzuki", "U0SUZUKI")
    root = await opened(desk, person)
    person.seen = person.last_seq()
    await desk.press("U0SUZUKI", root, "返信")
    view = desk.slack.views[-1]
    answer = await desk.submit("U0SUZUKI", view, {"text": "承知しました。"})
    preview = answer.json()["view"]
    assert "承知しました。" in desk.slack.says(preview)
    assert person.answer() == ""
    sent = await desk.submit("U0SUZUKI", {**preview, "id": view["id"], "hash": "h2"}, {})
    assert sent.json() == {"response_action": "clear"}
    assert person.answer() == "承知しました。"
