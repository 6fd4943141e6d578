"""Journeys across doors: from the member's chat into Slack and back, to the payment provider and back, from chat to chat."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from core.billing.books import check_books
from core.clock import ManualClock
from core.db import run
from core.ids import SeededIds
from tests.support.counter import Counter
from tests.support.counter_doors import at_door
from tests.support.doors import CHANNELS, LineDoor, TelegramDoor, Visit
from tests.support.journeys import rows
from tests.support.paying import pay_door
from tests.support.ports.stay import PDF, PHOTO
from tests.support.slack_api import CHANNEL, SlackApi
from tests.support.slack_desk import SlackDesk

SUZUKI = "U0SUZUKI"
EMAIL = "taro@example.jp"


@dataclass
class Case:
    """An inquiry with a photo: its thread in Slack, and its member at a door."""

    desk: SlackDesk
    visit: Visit
    root: dict[str, Any]

    async def later(self, seconds: float) -> None:
        """Time passes on both sides, and what is owed arrives."""
        await self.desk.later(seconds=seconds)
        await self.visit.settle()

    async def write(self, text: str, **more: Any) -> dict[str, Any]:
        """The operator writes into the thread; the ten seconds of holding pass."""
        await self.visit.looks_away()
        message = await self.desk.write(SUZUKI, text, thread=str(self.root["ts"]), **more)
        await self.later(11)
        await self.later(2)
        return message

    async def edit(self, message: dict[str, Any], text: str) -> None:
        """The operator changes what they wrote, in Slack."""
        after = {**message, "text": text, "edited": {"user": SUZUKI, "ts": self.desk.slack.new_ts()}}
        told = {"type": "message", "subtype": "message_changed", "channel": CHANNEL, "ts": self.desk.slack.new_ts()}
        answer = await self.desk.event({**told, "message": after, "previous_message": message})
        assert answer.status_code == 200
        await self.desk.drain()

    async def press(self, message: dict[str, Any], label: str) -> None:
        """The operator presses."""
        await self.visit.looks_away()
        assert (await self.desk.press(SUZUKI, message, label)).status_code == 200
        await self.visit.settle()

    def whispered(self) -> dict[str, Any]:
        """The last remark that only the operator sees."""
        return self.desk.slack.whispers[-1]


@pytest.fixture
async def case(
    request: pytest.FixtureRequest, database_url: str, clock: ManualClock, ids: SeededIds
) -> AsyncIterator[Case]:
    async with SlackApi() as slack:
        desk = SlackDesk(database_url, clock, ids, slack)
        desk.counter.add_member()
        desk.operator("suzuki", SUZUKI)
        async with at_door(desk.counter, request.param) as visit:
            await visit.link(email=EMAIL)
            await visit.say("/ticket")
            await visit.press("技術的な")
            await visit.say("画面が真っ白です")
            await visit.send_photo(PHOTO)
            await visit.press("送信する")
            await visit.sees("受付番号 T-000001")
            await desk.later(seconds=5)
            yield Case(desk, visit, slack.roots()[-1])
        await desk.close()


@pytest.mark.parametrize("case", CHANNELS, indirect=True)
async def test_a_photo_reaches_slack_and_a_pdf_and_its_correction_reach_the_member(case: Case) -> None:
    desk, visit, slack = case.desk, case.visit, case.desk.slack
    thread = slack.thread(str(case.root["ts"]))
    assert any("画面が真っ白です" in slack.says(message) for message in thread)
    (shared,) = [file["id"] for message in thread for file in message.get("files", ())]
    assert slack.files[shared]["content"] == PHOTO

    sent = await case.write("&gt;&gt; 手順書の3ページをご覧ください。", files=[slack.put_file("手順書.pdf", PDF)])
    await visit.sees("suzuki", "手順書の3ページをご覧ください。")
    assert await visit.door.opens_file() == PDF

    shown = len(await visit.door.reads())
    await case.edit(sent, "&gt;&gt; 手順書の5ページをご覧ください。")
    if isinstance(visit.door, LineDoor):
        await a_correction_is_sent(case)
        assert any("3ページ" in words for words in await visit.door.reads()), "LINE keeps what was sent"
        assert len(await visit.door.reads()) == shown + 1
    else:
        assert "会員側も直しますか" in slack.says(case.whispered())
        await case.press(case.whispered(), "会員側も直す")
        await visit.sees("手順書の5ページをご覧ください。")
        assert not any("3ページ" in words for words in await visit.door.reads()), "seen in place"
        assert len(await visit.door.reads()) == shown
    assert await visit.door.opens_file() == PDF

    await visit.say("直りました")
    await case.later(4)
    assert "直りました" in "".join(slack.says(message) for message in slack.thread(str(case.root["ts"])))
    await case.press(case.root, "解決")
    await visit.looks_away()
    assert (await desk.submit(SUZUKI, slack.views[-1], {})).json() == {"response_action": "clear"}
    await visit.settle()
    await visit.sees("解決済みになりました", "今回の対応はいかがでしたか")
    await visit.press("満足")
    assert [row.score for row in rows(desk.counter, "ticket_rating")] == [3]
    await case.later(5)
    assert "解決済み" in slack.says(case.root)
    assert len(slack.roots()) == 1


@pytest.mark.parametrize("case", ["webchat", "telegram"], indirect=True)
async def test_an_answer_that_is_deleted_in_slack_is_taken_back_with_its_file(case: Case) -> None:
    desk, visit = case.desk, case.visit
    sent = await case.write("&gt;&gt; まちがえて送りました。", files=[desk.slack.put_file("別の人.pdf", PDF)])
    await visit.sees("まちがえて送りました。")
    told = {"type": "message", "subtype": "message_deleted", "channel": CHANNEL, "ts": desk.slack.new_ts()}
    await desk.event({**told, "deleted_ts": sent["ts"], "previous_message": sent})
    await desk.drain()
    assert "会員側も取り消しますか" in desk.slack.says(case.whispered())
    await case.press(case.whispered(), "取り消す")
    await visit.sees("この返事は、担当者が取り消しました")
    assert not any("まちがえて送りました。" in words for words in await visit.door.reads())
    assert await visit.door.opens_file() == b""


async def a_correction_is_sent(case: Case) -> None:
    """What LINE cannot change is said anew, with the changed words filled in."""
    desk = case.desk
    assert "LINEでは、送った文を直せません。訂正を送りますか？" in desk.slack.says(case.whispered())
    await case.press(case.whispered(), "訂正を送る")
    composed = desk.slack.views[-1]
    field = next(block["element"] for block in composed["blocks"] if block.get("block_id") == "text")
    assert field["initial_value"] == "手順書の5ページをご覧ください。"
    preview = (await desk.submit(SUZUKI, composed, {"text": field["initial_value"]})).json()["view"]
    await case.visit.looks_away()
    await desk.submit(SUZUKI, {**preview, "id": composed["id"], "hash": "h2"}, {})
    await case.visit.settle()
    await case.visit.sees("suzuki", "手順書の5ページをご覧ください。")


@pytest.mark.parametrize("case", ["line", "telegram"], indirect=True)
async def test_who_blocks_the_chat_gets_the_answer_by_mail_which_says_where_to_answer(case: Case) -> None:
    door, counter = case.visit.door, case.desk.counter
    if isinstance(door, LineDoor):
        assert await door.line.deliver(door.line.event(door.person, "unfollow", token=False)) == 200
    else:
        assert isinstance(door, TelegramDoor)
        gone = {"user": {"id": 4242, "is_bot": True, "first_name": "窓口"}, "until_date": 0, "status": "kicked"}
        member = {"user": gone["user"], "status": "member"}
        said = door.telegram.message(door.chat, text="x")
        change = {name: said[name] for name in ("chat", "from", "date")}
        update = door.telegram.update(my_chat_member={**change, "old_chat_member": member, "new_chat_member": gone})
        assert await door.telegram.deliver(update) == 200
    shown = await door.reads()
    await case.write("&gt;&gt; 直しました。もう一度お試しください。")
    assert await door.reads() == shown
    mail = counter.mails()[-1].payload
    assert "直しました。もう一度お試しください。" in mail["text"] and "suzuki" in mail["text"]
    assert "https://madoguchi.example.jp/chat" in mail["text"] and "T-000001" in mail["subject"]


@pytest.mark.parametrize("channel", ["line", "telegram"])
async def test_a_card_payment_is_told_once_in_the_members_own_chat(
    counter: Counter, member_id: int, channel: str
) -> None:
    counter.add_contract(member_id, expires_on=date(2027, 3, 31))
    async with pay_door(counter) as pay, at_door(counter, channel) as visit:
        await visit.link(email=EMAIL)
        await visit.say("/renew")
        await visit.press("1年")
        await visit.press("そろえない")
        await visit.press("クレジットカード")
        await visit.press("この内容で申し込む")
        link = (await visit.door.links())[-1].removeprefix("https://madoguchi.example.jp")
        session = await pay.session(link, "credit_card")
        events = pay.stripe.pay(session)
        await visit.looks_away()
        assert await pay.stripe.deliver_all([*events[::-1], *events, events[0]]) == [200] * 5
        await visit.settle()
        await visit.sees("契約の更新が完了しました", "2028年3月31日")
        assert sum("契約の更新が完了しました" in words for words in await visit.door.reads()) == 1
    assert [row.expires_on for row in rows(counter, "contract")] == [date(2028, 3, 31)]
    assert [row.state for row in rows(counter, "payment_attempt")] == ["captured"]
    assert len(rows(counter, "payment")) == 1
    assert run(counter.database, check_books) == []
