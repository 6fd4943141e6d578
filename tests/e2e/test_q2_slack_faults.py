"""Row Q2, dialogue-and-desk.md 1.5: what Slack does wrong, what is sent twice, and who may not: nothing is lost or doubled."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from core.clock import ManualClock
from core.counter.troubles import list_troubles
from core.db import run
from core.ids import SeededIds
from core.teamchat.health import Outage, find_outage
from core.tickets.answers import reply
from tests.support.builders import Somebody
from tests.support.counter import Person
from tests.support.journeys import link_person, rows
from tests.support.slack_api import TEAM, Fault, SlackApi, as_form, signed
from tests.support.slack_desk import SlackDesk

SUZUKI, TANAKA = "U0SUZUKI", "U0TANAKA"
ADMIN = Somebody(1, "admin", "管理")


@pytest.fixture
async def slack() -> AsyncIterator[SlackApi]:
    async with SlackApi() as api:
        yield api


@pytest.fixture
async def desk(database_url: str, clock: ManualClock, ids: SeededIds, slack: SlackApi) -> AsyncIterator[SlackDesk]:
    made = SlackDesk(database_url, clock, ids, slack)
    made.counter.add_contract(made.counter.add_member())
    yield made
    await made.close()


@pytest.fixture
def suzuki(desk: SlackDesk) -> Somebody:
    return desk.operator("suzuki", SUZUKI)


@pytest.fixture
def person(desk: SlackDesk) -> Person:
    return link_person(desk.counter.person())


def another(desk: SlackDesk) -> Person:
    """花子 at another screen."""
    desk.counter.add_member(member_no="M-000002", name="佐藤 花子", email="hanako@example.jp")
    return link_person(desk.counter.person(address="browser-2"), "M-000002", "hanako@example.jp")


async def talking(desk: SlackDesk, person: Person, text: str = "サイトが表示されません") -> str:
    """The root's ts of a ticket in which staff have answered: what the member writes goes there."""
    root = str((await desk.opened(person, text))["ts"])
    await desk.write(SUZUKI, "&gt;&gt; 確認します。", thread=root)
    await desk.later(seconds=11)
    await desk.later(seconds=5)
    return root


def words(desk: SlackDesk, root: str) -> list[str]:
    return [desk.slack.says(message) for message in desk.slack.thread(root)]


def outage(desk: SlackDesk) -> Outage | None:
    return run(desk.database, find_outage)


def calls(desk: SlackDesk, method: str) -> int:
    return desk.slack.methods().count(method)


# Slack refuses, is slow, or is not there


async def test_a_429_pauses_its_method_for_as_long_as_slack_says_and_keeps_each_threads_order(
    desk: SlackDesk, suzuki: Somebody, person: Person
) -> None:
    hanako = another(desk)
    root, other = await talking(desk, person), await talking(desk, hanako, "請求書がほしい")
    desk.slack.fail("chat.postMessage", Fault(status=429, error="ratelimited", retry_after=30))
    for text in ("いち", "に", "さん"):
        person.say(text)
        await desk.later(seconds=5)
    posts, updates = calls(desk, "chat.postMessage"), calls(desk, "chat.update")
    card = next(message for message in desk.slack.roots() if message["ts"] == other)
    await desk.press(SUZUKI, card, "担当を外れる")
    await desk.later(seconds=2)
    hanako.say("はなこ")
    await desk.later(seconds=4)
    assert calls(desk, "chat.postMessage") == posts, "not before Slack's time is over"
    assert calls(desk, "chat.update") > updates, "another method goes on"
    assert outage(desk) is None, "being busy is no outage"
    await desk.later(seconds=40)
    await desk.later(seconds=5)
    said = "\n".join(words(desk, root))
    assert said.index("いち") < said.index("に\n") < said.index("さん")
    assert [sum(text in each for each in words(desk, root)) for text in ("いち", "さん")] == [1, 1]
    assert "はなこ" in words(desk, other)[-1]


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(lost=True), Fault(error="internal_error")])
@pytest.mark.parametrize("which", ["root", "entry"])
async def test_an_answer_that_is_lost_makes_no_second_post(
    desk: SlackDesk, person: Person, fault: Fault, which: str
) -> None:
    faults = [fault] if which == "root" else [Fault(), fault]
    desk.slack.fail("chat.postMessage", *faults)
    await desk.opened(person) if which == "entry" else person.say("/ticket").press("その他").say(
        "サイトが表示されません"
    ).press("スキップ").press("送信する")
    for _ in range(4):
        await desk.later(seconds=6)
    assert len(desk.slack.roots()) == 1
    assert len(desk.slack.thread(str(desk.slack.roots()[0]["ts"]))) == 1
    assert outage(desk) is None


@pytest.mark.parametrize("code", ["invalid_auth", "missing_scope", "is_archived", "channel_not_found"])
async def test_what_an_admin_must_mend_is_said_at_the_desk_and_goes_on_by_itself_afterwards(
    desk: SlackDesk, suzuki: Somebody, person: Person, code: str
) -> None:
    root = await talking(desk, person)
    before = len(words(desk, root))
    desk.slack.down = code
    person.say("まだ直りません")
    for _ in range(50):  # longer than any number of tries
        await desk.later(minutes=10)
    trouble = run(desk.database, lambda tx: list_troubles(tx, ADMIN))
    assert trouble.team_chat is not None and trouble.team_chat.why == code
    assert trouble.undelivered == (), "nothing was given up"
    assert len(words(desk, root)) == before
    assert len(rows(desk.counter, "ticket_message", author="member")) == 2, "the browser desk has it"
    desk.slack.down = ""
    for _ in range(3):
        await desk.later(minutes=11)
    assert sum("まだ直りません" in each for each in words(desk, root)) == 1
    assert run(desk.database, lambda tx: list_troubles(tx, ADMIN)).team_chat is None


async def test_an_outage_with_answers_nobody_hears_is_said_too(desk: SlackDesk, person: Person) -> None:
    desk.slack.fail("chat.postMessage", *[Fault(status=500)] * 6)
    person.say("/ticket").press("その他").say("見えません").press("スキップ").press("送信する")
    await desk.drain()
    for _ in range(3):
        await desk.later(seconds=20)
    found = outage(desk)
    assert found is not None and found.why == "unclear"
    asked = calls(desk, "chat.postMessage")
    await desk.later(seconds=10)
    assert calls(desk, "chat.postMessage") - asked <= 1, "a Slack that does not answer is asked more and more slowly"


async def test_through_an_outage_the_browser_desk_goes_on_and_then_each_ticket_has_one_digest_in_order(
    desk: SlackDesk, suzuki: Somebody, person: Person
) -> None:
    hanako = another(desk)
    root = await talking(desk, person)
    await desk.slack.outage()
    hanako.say("/ticket").press("その他").say("請求書がほしい").press("スキップ").press("送信する")
    for number in range(1, 8):
        person.say(f"追伸{number}")
        await desk.later(minutes=3)
    ticket = rows(desk.counter, "ticket")[0]
    answer = run(
        desk.database,
        lambda tx: reply(
            tx, suzuki, ticket_id=ticket.id, text="デスクからの返事", client_key="b1", last_seen_message_id=2**62
        ),
    )
    found = outage(desk)
    assert found is not None and found.why == "unreachable"
    await desk.later(hours=2)
    assert outage(desk) == found, "since when is kept"
    seen = len(desk.slack.messages)
    await desk.slack.up()
    for _ in range(4):
        await desk.later(minutes=11)
    assert outage(desk) is None
    new = [message for message in desk.slack.messages[seen:] if message.get("thread_ts") == root]
    assert len(new) == 1, "one digest instead of a flood"
    digest = desk.slack.says(new[0])
    order = [digest.index(f"追伸{number}") for number in range(1, 8)] + [digest.index(answer.body)]
    assert order == sorted(order)
    assert len(desk.slack.roots()) == 2
    assert "請求書がほしい" in words(desk, str(desk.slack.roots()[1]["ts"]))[0]
    seen = len(desk.slack.messages)
    await desk.later(minutes=11)
    assert len(desk.slack.messages) == seen


async def test_a_remark_that_is_too_late_says_nothing_of_an_outage(
    desk: SlackDesk, suzuki: Somebody, person: Person
) -> None:
    root = await desk.opened(person)
    desk.slack.down = "is_archived"
    await desk.write(SUZUKI, "&gt;&gt; 番号は4242 4242 4242 4242です", thread=str(root["ts"]))
    await desk.later(seconds=2)
    found = outage(desk)
    for _ in range(4):
        await desk.later(minutes=15)
    assert found is not None and outage(desk) == found


async def test_a_restart_in_the_middle_neither_doubles_nor_forgets(
    database_url: str, clock: ManualClock, ids: SeededIds, slack: SlackApi
) -> None:
    first = SlackDesk(database_url, clock, ids, slack)
    first.counter.add_contract(first.counter.add_member())
    first.operator("suzuki", SUZUKI)
    person = link_person(first.counter.person())
    slack.fail("chat.postMessage", Fault(lost=True))
    person.say("/ticket").press("その他").say("見えません").press("スキップ").press("送信する")
    await first.drain()
    await first.close()

    second = SlackDesk(database_url, clock, ids, slack)
    person.counter = second.counter
    await second.later(seconds=3)
    (root,) = slack.roots()
    await second.later(seconds=5)
    assert len(slack.thread(str(root["ts"]))) == 1
    person.seen = person.last_seq()
    await second.write(SUZUKI, "&gt;&gt; 見ています。", thread=str(root["ts"]))
    hold = slack.whispers[-1]
    await second.close()  # while it is held

    third = SlackDesk(database_url, clock, ids, slack)
    person.counter = third.counter
    slack.write(SUZUKI, "停止中のメモ", thread=str(root["ts"]))
    await third.later(seconds=11)
    assert person.answer() == "見ています。"
    assert [row.body for row in rows(third.counter, "ticket_message", visibility="internal", author="staff")] == [
        "停止中のメモ"
    ]
    await third.press(SUZUKI, hold, "取り消す")  # buttons of before work, and know that it is too late
    assert "すでに会員へ送られています" in third.told()
    await third.close()


# what comes twice, late, or not at all


async def test_replies_that_slack_never_told_of_are_read_and_a_late_event_changes_nothing(
    desk: SlackDesk, suzuki: Somebody, person: Person
) -> None:
    root = str((await desk.opened(person))["ts"])
    await desk.later(seconds=1)
    missed = [desk.slack.write(SUZUKI, text, thread=root) for text in ("一つ目", "二つ目", "&gt;&gt; 直りました。")]
    person.seen = person.last_seq()
    await desk.later(minutes=5)
    await desk.later(seconds=11)
    assert person.answer() == "直りました。"
    for message in missed:
        assert (await desk.event(message)).status_code == 200
    await desk.later(minutes=5)
    entries = rows(desk.counter, "ticket_message", author="staff")
    assert [entry.body for entry in entries] == ["一つ目", "二つ目", "直りました。"]


async def test_the_same_event_and_the_same_press_count_once(desk: SlackDesk, suzuki: Somebody, person: Person) -> None:
    root = await desk.opened(person)
    said = desk.slack.write(SUZUKI, "メモ", thread=str(root["ts"]))
    for _ in range(3):
        assert (await desk.event(said, event_id="Ev0SAME")).status_code == 200
    assert (await desk.event(said, event_id="Ev0OTHER")).status_code == 200
    assert len(rows(desk.counter, "ticket_message", visibility="internal")) == 1
    payload = desk.pressing(SUZUKI, root, "担当する")
    for _ in range(2):
        assert (await desk.interact(payload)).status_code == 200
    await desk.drain()
    assert len(rows(desk.counter, "audit", action="ticket.claimed")) == 1
    assert desk.slack.whispers == []


async def test_a_modal_that_is_sent_twice_is_one_answer(desk: SlackDesk, suzuki: Somebody, person: Person) -> None:
    root = await desk.opened(person)
    await desk.press(SUZUKI, root, "返信")
    view = desk.slack.views[-1]
    composed = [await desk.submit(SUZUKI, view, {"text": "承知しました。"}) for _ in range(2)]
    preview = {**composed[0].json()["view"], "id": view["id"], "hash": "h2"}
    for _ in range(2):
        assert (await desk.submit(SUZUKI, preview, {})).json() == {"response_action": "clear"}
    assert [row.body for row in rows(desk.counter, "ticket_message", author="staff")] == ["承知しました。"]


async def test_a_remark_to_somebody_outside_the_channel_is_no_trouble(
    desk: SlackDesk, suzuki: Somebody, person: Person
) -> None:
    root = await desk.opened(person)
    desk.operator("tanaka", TANAKA)
    await desk.press(SUZUKI, root, "担当する")
    desk.slack.fail("chat.postEphemeral", Fault(error="user_not_in_channel"))
    await desk.press(TANAKA, root, "担当する")
    trouble = run(desk.database, lambda tx: list_troubles(tx, ADMIN))
    assert (trouble.undelivered, trouble.team_chat) == ((), None)


async def test_a_press_on_an_old_card_says_so_and_the_card_is_new(
    desk: SlackDesk, suzuki: Somebody, person: Person
) -> None:
    root = await desk.opened(person)
    await desk.press(SUZUKI, root, "担当する")
    await desk.later(seconds=3)
    old = json.loads(json.dumps(root))
    person.say("追加です")
    await desk.press(SUZUKI, root, "担当を外れる")
    await desk.later(seconds=3)
    await desk.press(SUZUKI, old, "担当を外れる")
    assert "状態が変わりました" in desk.told()
    assert await desk.press(SUZUKI, old, "解決") and not desk.slack.views


@pytest.mark.parametrize("value", ["", "x", "1.claim.0.0.aaaaaaaaaaaaaaaa", "1.claim.0.0", "\x00", "あ.い.う.え.お"])
async def test_a_forged_button_does_nothing(desk: SlackDesk, suzuki: Somebody, person: Person, value: str) -> None:
    root = await desk.opened(person)
    payload = desk.pressing(SUZUKI, root, "担当する")
    payload["actions"][0]["value"] = value
    assert (await desk.interact(payload)).status_code == 200
    assert rows(desk.counter, "ticket")[0].assignee_id is None


# who may not


async def test_words_of_somebody_unknown_stay_internal_and_they_are_told(desk: SlackDesk, person: Person) -> None:
    root = await desk.opened(person)
    person.seen = person.last_seq()
    await desk.write("U0GUEST", "&gt;&gt; 会員さんへ", thread=str(root["ts"]))
    await desk.later(minutes=1)
    assert person.answer() == ""
    assert "登録されていません" in desk.told() and desk.slack.whispers[-1]["user"] == "U0GUEST"
    (kept,) = rows(desk.counter, "ticket_message", visibility="internal")
    assert kept.author_name == "Slack U0GUEST"
    await desk.press("U0GUEST", root, "担当する")
    assert "登録されていません" in desk.told()
    assert rows(desk.counter, "ticket")[0].assignee_id is None


async def test_a_bot_is_kept_internal_and_is_told_nothing(desk: SlackDesk, suzuki: Somebody, person: Person) -> None:
    root = await desk.opened(person)
    person.seen = person.last_seq()
    await desk.write(SUZUKI, "&gt;&gt; 監視からの通知", thread=str(root["ts"]), bot_id="B0OTHER", subtype="bot_message")
    await desk.later(minutes=1)
    assert (person.answer(), desk.slack.whispers) == ("", [])
    assert len(rows(desk.counter, "ticket_message", visibility="internal")) == 1


async def test_a_viewer_of_another_team_with_the_same_user_id_is_nobody(
    desk: SlackDesk, suzuki: Somebody, person: Person
) -> None:
    root = await desk.opened(person)
    person.seen = person.last_seq()
    await desk.write(SUZUKI, "&gt;&gt; よその会社から", thread=str(root["ts"]), user_team="T0OTHER")
    await desk.later(minutes=1)
    assert person.answer() == ""
    assert rows(desk.counter, "ticket_message", visibility="internal")[0].author_id is None


async def test_nothing_goes_to_or_comes_from_a_channel_shared_with_another_company(
    desk: SlackDesk, suzuki: Somebody, person: Person
) -> None:
    root = await desk.opened(person)
    said = desk.slack.write(SUZUKI, "&gt;&gt; 共有中", thread=str(root["ts"]))
    await desk.event(said, is_ext_shared_channel=True)
    await desk.drain()
    assert "何も保存していません" in desk.told()
    assert rows(desk.counter, "ticket_message", author="staff") == []
    desk.slack.info = {"is_ext_shared": True}
    seen = len(desk.slack.messages)
    another(desk).say("/ticket").press("その他").say("秘密の相談").press("スキップ").press("送信する")
    for _ in range(3):
        await desk.later(minutes=11)
    assert len(desk.slack.messages) == seen
    found = outage(desk)
    assert found is not None and found.why == "ext_shared"
    assert rows(desk.counter, "ticket_message", author="staff") == [], "nor is it read"
    desk.slack.info = {}
    for _ in range(3):
        await desk.later(minutes=11)
    assert rows(desk.counter, "ticket_message", author="staff") == [], "not even when sharing has ended"
    assert outage(desk) is None and len(desk.slack.roots()) == 2


# what is no word of Slack's


def _event(**event: Any) -> str:
    return json.dumps({"type": "event_callback", "team_id": TEAM, "event_id": "Ev1", "event": event})


STAR, NEW_KIND = _event(type="star_added"), _event(type="message", subtype="new_kind", ts="1.1")


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda: ("{", signed("{")), 400),
        (lambda: ("[]", signed("[]")), 400),
        (lambda: ('"x"', signed('"x"')), 400),
        (lambda: ("payload=%7B", signed("payload=%7B", form=True)), 400),
        (lambda: ("", signed("")), 200),
        (lambda: (b"\xff\xfe", signed("x")), 400),
        (lambda: (b"x" * 5_000_000, signed("x")), 413),
        (lambda: ("{}", {**signed("{}"), "x-slack-signature": "v0=" + "0" * 64}), 401),
        (lambda: ("{}", signed("{}", at=1_600_000_000)), 401),
        (lambda: ("{}", {"content-type": "application/json"}), 401),
        (lambda: (STAR, signed(STAR)), 200),
        (lambda: (NEW_KIND, signed(NEW_KIND)), 200),
        (lambda: ('{"type": "new_kind"}', signed('{"type": "new_kind"}')), 200),
        (lambda: (as_form({"type": "new_kind"}), signed(as_form({"type": "new_kind"}), form=True)), 200),
    ],
)  # fmt: skip
async def test_what_is_no_word_of_slacks_is_answered_and_nothing_is_stored(
    desk: SlackDesk, make: Callable[[], tuple[str | bytes, dict[str, str]]], status: int
) -> None:
    body, headers = make()
    answer = await desk.http.post("/webhooks/slack", content=body, headers=headers)
    assert (answer.status_code, rows(desk.counter, "inbox")) == (status, [])
    assert "Traceback" not in answer.text
