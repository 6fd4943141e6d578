"""Row Q2: whatever is written, what goes to Slack stays within its rules (judged by the double) and notifies nobody."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.slack.text import escape
from bot.inbound import InboundFile
from core.clock import ManualClock
from core.ids import SeededIds
from tests.support.counter import Person
from tests.support.journeys import link_person, rows
from tests.support.slack_api import SlackApi
from tests.support.slack_desk import SlackDesk

SUZUKI = "U0SUZUKI"
NASTY = "<!channel> & <@U0SUZUKI> *太字* `x` "


@pytest.fixture
async def desk(database_url: str, clock: ManualClock, ids: SeededIds) -> AsyncIterator[SlackDesk]:
    async with SlackApi() as slack:
        made = SlackDesk(database_url, clock, ids, slack)
        made.counter.add_contract(made.counter.add_member(name=(NASTY * 5)[:100]), label=(NASTY * 5)[:60])
        made.operator("suzuki", SUZUKI)
        yield made
        await made.close()


@pytest.fixture
def person(desk: SlackDesk) -> Person:
    return link_person(desk.counter.person())


async def talking(desk: SlackDesk, person: Person, text: str = "見えません") -> str:
    root = str((await desk.opened(person, text))["ts"])
    await desk.write(SUZUKI, "&gt;&gt; 確認します。", thread=root)
    await desk.later(seconds=11)
    await desk.later(seconds=5)
    return root


def marked(value: Any) -> str:
    """All that Slack reads marks in."""
    if isinstance(value, list):
        return "\n".join(marked(item) for item in value)
    if isinstance(value, dict):
        own = str(value["text"]) if value.get("type") == "mrkdwn" else ""
        return own + "\n".join(marked(item) for item in value.values())
    return ""


def shown(desk: SlackDesk, root: str) -> str:
    return "\n".join(desk.slack.says(message) for message in desk.slack.thread(root))


@pytest.mark.parametrize("text", ["&" * 4_000, "<" * 4_000, "あ" * 4_000, "あ\n" * 1_999, "😀" * 2_000, NASTY * 100])
async def test_long_and_hostile_words_both_ways(desk: SlackDesk, person: Person, text: str) -> None:
    root = await talking(desk, person, text[:3_900])
    for _ in range(3):
        person.say(text)
    await desk.later(seconds=5)
    await desk.later(seconds=5)
    card = next(message for message in desk.slack.roots() if message["ts"] == root)
    assert "<!channel>" not in marked(desk.slack.messages) and "<@U0" not in marked(desk.slack.messages)
    for post in desk.slack.thread(root):
        if "全文を見る" in desk.slack.says(post):
            await desk.press(SUZUKI, post, "全文を見る")
    whole = "".join(block["text"]["text"] for view in desk.slack.views[-1:] for block in view["blocks"])
    assert whole in ("", escape(text[:3_900].strip()), escape(text.strip()))
    await desk.press(SUZUKI, card, "返信")
    view = desk.slack.views[-1]
    answer = await desk.submit(SUZUKI, view, {"text": text[:3_000]})
    await desk.submit(SUZUKI, {**answer.json()["view"], "id": view["id"], "hash": "h"}, {})
    await desk.later(seconds=5)
    assert rows(desk.counter, "ticket_message", author="staff")[-1].body == text[:3_000].strip()
    said = await desk.write(SUZUKI, "&gt;&gt; " + text[:3_900].replace("&", "&amp;").replace("<", "&lt;"), thread=root)
    await desk.later(seconds=11)
    await desk.edited(said, "&gt;&gt; 短く")
    await desk.press(SUZUKI, desk.slack.whispers[-1], "会員側も直す")
    await desk.later(seconds=5)


async def test_many_words_at_once_are_several_posts_none_of_them_too_large(desk: SlackDesk, person: Person) -> None:
    root = await talking(desk, person)
    for number in range(40):
        person.say(f"{number}番目 " + "&" * 1_000)
    await desk.later(seconds=5)
    await desk.later(seconds=30)
    words = shown(desk, root)
    kept = rows(desk.counter, "ticket_message", author="member")[1:]
    assert kept, "some of them were taken in"
    assert all(f"{row.body.split()[0]} " in words for row in kept)


async def test_a_long_outage_is_one_digest_within_bounds(desk: SlackDesk, person: Person) -> None:
    root = await talking(desk, person)
    await desk.slack.outage()
    for number in range(40):
        person.say(f"{number}番目 " + "<&" * 1_500)
        await desk.later(minutes=1)
    before = len(desk.slack.thread(root))
    await desk.slack.up()
    await desk.later(minutes=11)
    await desk.later(minutes=11)
    assert len(desk.slack.thread(root)) == before + 1
    assert "39番目" not in shown(desk, root) and "デスクで" in shown(desk, root), "what has no room is named as such"


async def test_a_file_with_a_strange_name(desk: SlackDesk, person: Person) -> None:
    root = await talking(desk, person)
    photo = InboundFile(0, (NASTY * 10)[:190] + ".png", "image/png", 6, "remote-1")
    person.act(kind="file", files=(photo,) * 10, other="photo")
    await desk.later(seconds=5)
    assert "<!channel>" not in shown(desk, root)


async def test_a_change_of_long_words(desk: SlackDesk, person: Person) -> None:
    root = await talking(desk, person)
    person.act(kind="text", text="&" * 4_000, message_ref="5")
    await desk.later(seconds=5)
    person.act(kind="edit", text="<" * 4_000, message_ref="5")
    await desk.later(seconds=5)
    assert "編集されました" in shown(desk, root)
