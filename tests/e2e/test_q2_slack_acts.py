"""Row Q2: what staff do from a thread's card: prepared answers, payment reports, solving. Real SDK against the double."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from core.clock import ManualClock
from core.db import run
from core.ids import SeededIds
from core.tickets.canned import save_canned
from tests.support.builders import ADMIN
from tests.support.counter import Person
from tests.support.journeys import link_person, order_renewal, report_transfer, rows
from tests.support.slack_api import SlackApi
from tests.support.slack_desk import SlackDesk


@pytest_asyncio.fixture
async def desk(database_url: str, clock: ManualClock, ids: SeededIds) -> AsyncIterator[SlackDesk]:
    async with SlackApi() as slack:
        made = SlackDesk(database_url, clock, ids, slack)
        yield made
        await made.close()


@pytest.fixture
def person(desk: SlackDesk) -> Person:
    member_id = desk.counter.add_member()
    desk.counter.add_contract(member_id)
    desk.operator("suzuki", "U0SUZUKI")
    return link_person(desk.counter.person())


async def opened(desk: SlackDesk, person: Person) -> dict[str, Any]:
    """The root of a new ticket's thread; what the member is told from here on is `person.answer()`."""
    person.say("/ticket").press("その他").say("サイトが表示されません").press("スキップ").press("送信する")
    await desk.later(seconds=4)
    person.seen = person.last_seq()
    return desk.slack.roots()[-1]


def prepare(desk: SlackDesk, title: str, text: str, queue: str = "") -> None:
    run(desk.database, lambda tx: save_canned(tx, ADMIN, canned_id=None, title=title, text_ja=text, queue=queue))


# prepared answers


async def test_a_prepared_answer_fills_the_input_below_what_was_typed(desk: SlackDesk, person: Person) -> None:
    prepare(desk, "手順", "{{member_name}}様、{{ticket_no}}の件です。{{contract}}を見てください。")
    prepare(desk, "経理だけ", "経理です。", queue="accounting")
    root = await opened(desk, person)
    await desk.press("U0SUZUKI", root, "返信")
    view = desk.slack.views[-1]
    assert "手順" in desk.slack.says(view) and "経理だけ" not in desk.slack.says(view)
    filled = await desk.choose("U0SUZUKI", view, "手順", typed="こんにちは。")
    field = next(block for block in filled["blocks"] if block["type"] == "input")
    words = "こんにちは。\n\n山田 太郎様、T-000001の件です。example.jpを見てください。"
    assert field["block_id"] == "text:1" and field["element"]["initial_value"] == words
    assert desk.slack.calls[-1].method == "views.update" and desk.slack.calls[-1].given["hash"] == view["hash"]
    preview = (await desk.submit("U0SUZUKI", filled, {})).json()["view"]
    assert person.answer() == ""
    sent = await desk.submit("U0SUZUKI", {**preview, "id": view["id"], "hash": "h2"}, {})
    assert sent.json() == {"response_action": "clear"} and person.answer() == words


async def test_what_nothing_fills_is_named_and_does_not_leave(desk: SlackDesk, person: Person) -> None:
    prepare(desk, "請求", "{{invoice_no}}を{{amount}}でお支払いください。")
    root = await opened(desk, person)
    await desk.press("U0SUZUKI", root, "返信")
    filled = await desk.choose("U0SUZUKI", desk.slack.views[-1], "請求")
    assert "{{invoice_no}}、{{amount}}" in desk.slack.says(filled) and "書き直してください" in desk.slack.says(filled)
    refused = await desk.submit("U0SUZUKI", filled, {})
    assert "{{invoice_no}}" in refused.json()["errors"]["text:1"]
    assert rows(desk.counter, "team_release") == []
    rewritten = await desk.submit("U0SUZUKI", {**filled, "hash": "h9"}, {"text:1": "{{だれか}}へ"})
    assert "埋まっていない差し込み" in desk.slack.says(rewritten.json()["view"])
    assert person.answer() == ""


async def test_without_prepared_answers_there_is_nothing_to_choose(desk: SlackDesk, person: Person) -> None:
    root = await opened(desk, person)
    await desk.press("U0SUZUKI", root, "返信")
    assert [block["type"] for block in desk.slack.views[-1]["blocks"]] == ["section", "input"]


# payment reports


async def reported(desk: SlackDesk, person: Person) -> dict[str, Any]:
    """A reported transfer's thread; `kato` keeps the books."""
    desk.operator("kato", "U0KATO", role="accountant")
    order_renewal(person)
    report_transfer(person)
    await desk.later(seconds=4)
    person.seen = person.last_seq()
    return desk.slack.roots()[-1]


async def test_a_payment_report_is_rejected_with_words_for_the_member(desk: SlackDesk, person: Person) -> None:
    root = await reported(desk, person)
    await desk.press("U0SUZUKI", root, "却下する")
    assert desk.slack.views == [] and "権限がありません" in desk.slack.says(desk.slack.whispers[-1])
    await desk.press("U0KATO", root, "却下する")
    view = desk.slack.views[-1]
    assert (await desk.submit("U0KATO", view, {"text": " "})).json()["errors"] == {"text": "内容を書いてください"}
    done = await desk.submit("U0KATO", {**view, "hash": "h2"}, {"text": "入金が見当たりませんでした。"})
    assert done.json() == {"response_action": "clear"}
    assert person.answer().count("入金が見当たりませんでした。") == 1
    (report,), (invoice,) = rows(desk.counter, "payment_report"), rows(desk.counter, "invoice")
    assert report.state == "rejected" and invoice.status == "open" and rows(desk.counter, "payment") == []
    await desk.later(seconds=4)
    assert "却下する" not in desk.slack.says(root) and "解決済み" in desk.slack.says(root)
    before = person.last_seq()
    await desk.submit("U0KATO", {**view, "hash": "h3"}, {"text": "もう一度"})
    assert person.last_seq() == before


# solving


async def test_solving_with_words_is_previewed_and_leaves_in_one_go(desk: SlackDesk, person: Person) -> None:
    root = await opened(desk, person)
    await desk.press("U0SUZUKI", root, "解決")
    view = desk.slack.views[-1]
    preview = (await desk.submit("U0SUZUKI", view, {"text": "直りました。", "reason": "done"})).json()["view"]
    shown = desk.slack.says(preview)
    assert "> 直りました。" in shown and "対応した" in shown and "満足度をたずねる" in shown
    assert person.answer() == "" and rows(desk.counter, "ticket")[0].status == "new"
    again = {**preview, "id": view["id"], "hash": "h2"}
    assert (await desk.submit("U0SUZUKI", again, {})).json() == {"response_action": "clear"}
    assert (await desk.submit("U0SUZUKI", {**again, "hash": "h3"}, {})).json() == {"response_action": "clear"}
    told = person.answer()
    assert told.count("直りました。") == 1 and "解決" in told and "満足" in told
    (ticket,) = rows(desk.counter, "ticket")
    assert ticket.status == "solved" and ticket.assignee_id is not None
    solved = [row for row in rows(desk.counter, "audit") if row.action == "ticket.solved"]
    assert [row.detail for row in solved] == [{"reason": "done"}]
    await desk.later(seconds=4)
    assert "解決済み" in desk.slack.says(root) and "再開" in desk.slack.says(root)


async def test_solving_without_words_and_without_asking_how_it_was(desk: SlackDesk, person: Person) -> None:
    root = await opened(desk, person)
    await desk.write("U0SUZUKI", "&gt;&gt; 直しました。", thread=str(root["ts"]))
    await desk.later(seconds=12)
    person.seen = person.last_seq()
    await desk.press("U0SUZUKI", root, "解決")
    done = await desk.submit("U0SUZUKI", desk.slack.views[-1], {"rate": []})
    assert done.json() == {"response_action": "clear"}
    assert "解決" in person.answer() and "満足" not in person.answer()
    assert rows(desk.counter, "ticket_rating") == [] and rows(desk.counter, "ticket")[0].status == "solved"


async def test_what_the_member_wrote_under_the_modal_is_read_before_it_is_solved(
    desk: SlackDesk, person: Person
) -> None:
    root = await opened(desk, person)
    await desk.write("U0SUZUKI", "&gt;&gt; 直しました。", thread=str(root["ts"]))
    await desk.later(seconds=15)
    await desk.press("U0SUZUKI", root, "解決")
    view = desk.slack.views[-1]
    person.say("やっぱりまだだめです")
    shown = (await desk.submit("U0SUZUKI", view, {})).json()["view"]
    assert "やっぱりまだだめです" in desk.slack.says(shown) and "もう一度「解決にする」" in desk.slack.says(shown)
    assert rows(desk.counter, "ticket")[0].status == "open"
    done = await desk.submit("U0SUZUKI", {**shown, "id": view["id"], "hash": "h2"}, {})
    assert done.json() == {"response_action": "clear"} and rows(desk.counter, "ticket")[0].status == "solved"


async def test_a_preview_that_is_refused_says_why(desk: SlackDesk, person: Person) -> None:
    root = await opened(desk, person)
    await desk.press("U0SUZUKI", root, "解決")
    view = desk.slack.views[-1]
    preview = (await desk.submit("U0SUZUKI", view, {"text": "直りました。"})).json()["view"]
    desk.operator("tanaka", "U0TANAKA")
    await desk.press("U0TANAKA", root, "担当する")
    refused = (await desk.submit("U0SUZUKI", {**preview, "id": view["id"], "hash": "h2"}, {})).json()
    assert refused["response_action"] == "update" and "状態が変わりました" in desk.slack.says(refused["view"])
    assert person.answer() == "" and rows(desk.counter, "ticket")[0].status == "open"
    assert [row.state for row in rows(desk.counter, "team_release")] == ["draft"]
