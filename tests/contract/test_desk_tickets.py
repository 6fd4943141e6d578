"""The desk's ways with tickets over HTTP (rows Q1, Q3, Q8): acts with their rights, deadlines, prepared answers, hand-over."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette

from bot.telling import listeners
from core.clock import JST, ManualClock
from core.db import Database, run
from core.dialogue.service import get_chat, list_messages
from core.ids import SeededIds
from core.open_database import open_database
from core.tickets.canned import list_canned
from core.tickets.composing import composing_until
from core.tickets.threads import get_ticket, thread
from core.tickets.ticks import warn_due
from tests.support.builders import ADMIN, AGENT
from tests.support.databases import sqlite_database
from tests.support.desk import Operator, World, application, bot, build_world, field_of


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    """SQLite with everything that listens in the product, on a Tuesday on which staff work."""
    clock.set(datetime(2026, 11, 24, 11, 0, tzinfo=JST))
    with sqlite_database(tmp_path) as url:
        opened = open_database(url, clock, ids, listeners(bot()))
        yield opened
        opened.close()


@pytest.fixture
def world(database: Database) -> World:
    return build_world(database)


@pytest.fixture
def app(database: Database, world: World) -> Starlette:
    return application(database)


async def logged_in(app: Starlette, role: str) -> Operator:
    operator = Operator(app)
    assert (await operator.log_in(role)).status_code == 303
    return operator


ACTS = {
    "claim": {},
    "release": {},
    "take_over": {"seen_assignee": ""},
    "assign": {"to": "0"},
    "priority": {"priority": "high"},
    "snooze": {"day": "2026-11-27"},
    "solve": {"text": "直しました。", "client_key": "c1"},
    "reopen": {},
    "give_back": {},
}


@pytest.mark.parametrize("act", ACTS)
async def test_each_act_needs_the_right_to_it(app: Starlette, database: Database, world: World, act: str) -> None:
    before = run(database, lambda tx: get_ticket(tx, ticket_id=world.ticket.id))
    address = f"/desk/tickets/{world.ticket.ticket_no}/act/{act}"
    refused = await (await logged_in(app, "viewer")).press(address, **ACTS[act])
    assert refused.status_code == 403
    assert run(database, lambda tx: get_ticket(tx, ticket_id=world.ticket.id)) == before
    done = await (await logged_in(app, "agent")).press(address, **ACTS[act])
    assert done.status_code == (409 if act == "assign" else 303), "nobody has the id 0"


async def test_staff_assign_set_the_priority_and_snooze_from_the_page(
    app: Starlette, database: Database, world: World
) -> None:
    operator = await logged_in(app, "agent")
    address = f"/desk/tickets/{world.ticket.ticket_no}"
    page = (await operator.get(address)).text
    accountant = re.search(r'<option value="(\d+)">accountantさん', page)
    assert accountant and "viewerさん</option>" not in page
    await operator.press(f"{address}/act/assign", to=accountant[1], seen_assignee="")
    await operator.press(f"{address}/act/priority", priority="urgent", revision=field_of(page, "revision"))
    assert run(database, lambda tx: get_ticket(tx, ticket_id=world.ticket.id)).priority == "normal", "an old card"
    page = (await operator.get(address)).text
    await operator.press(f"{address}/act/priority", priority="urgent", revision=field_of(page, "revision"))
    page = (await operator.get(address)).text
    assert ("至急" in page and "担当：accountantさん" in page.replace(" ", "")) or "accountantさん" in page
    assert 'value="2026-11-25"' in page, "offered is the next working day"
    await operator.press(f"{address}/act/snooze", day="2026-11-26", revision=field_of(page, "revision"))
    until = run(database, lambda tx: get_ticket(tx, ticket_id=world.ticket.id)).snoozed_until
    assert until == datetime(2026, 11, 26, 8, 0, tzinfo=JST)
    assert world.ticket.ticket_no not in (await operator.get("/desk")).text
    assert world.ticket.ticket_no in (await operator.get("/desk?state=snoozed")).text


async def test_the_second_claimer_sees_who_was_first_and_takes_over_by_another_button(
    app: Starlette, database: Database, world: World
) -> None:
    first, second = await logged_in(app, "agent"), await logged_in(app, "accountant")
    address = f"/desk/tickets/{world.ticket.ticket_no}"
    await first.press(f"{address}/act/claim")
    refused = await second.press(f"{address}/act/claim", scripted=True)
    assert (refused.status_code, refused.json()["text"]) == (409, "agentさんさんが担当しています。")
    page = (await second.get(address)).text
    assert "引き継ぐ" in page and "引き継ぐ" not in (await first.get(address)).text
    await second.press(f"{address}/act/take_over", seen_assignee=field_of(page, "seen_assignee"))
    assert "担当：accountantさん" in (await second.get(address)).text or (
        run(database, lambda tx: thread(tx, ADMIN, ticket_id=world.ticket.id)).assignee_name == "accountantさん"
    )


async def test_solving_with_words_tells_the_member_once_and_asks_how_it_was(
    app: Starlette, database: Database, world: World
) -> None:
    operator = await logged_in(app, "agent")
    for _ in range(2):
        await operator.press(
            f"/desk/tickets/{world.ticket.ticket_no}/act/solve", text="設定を直しました。", client_key="close-me"
        )
    said = [m.body["text"] for m in run(database, lambda tx: list_messages(tx, chat_id=world.chat_id))]
    assert said.count("設定を直しました。") == 1
    assert sum("今回の対応はいかがでしたか" in text for text in said) == 1


async def test_the_inbox_shows_what_is_due_first_and_what_is_late(
    app: Starlette, database: Database, world: World, clock: ManualClock
) -> None:
    operator = await logged_in(app, "agent")
    page = (await operator.get("/desk")).text
    assert "最初の回答 11月25日(水) 12:00まで" in page and "期限切れ" not in page
    await operator.press(f"/desk/tickets/{world.report_ticket.ticket_no}/act/claim")
    clock.set(datetime(2026, 11, 25, 13, 0, tzinfo=JST))
    run(database, lambda tx: warn_due(tx, limit=50))
    operator = await logged_in(app, "agent")
    page = (await operator.get("/desk")).text
    assert "期限切れ：最初の回答 11月25日(水) 12:00まで" in page and "回答期限を過ぎています" in page
    answered = await operator.press(
        f"/desk/tickets/{world.ticket.ticket_no}/answer",
        kind="reply", text="確認します。", client_key="a1", last_seen=str(2**50),
    )  # fmt: skip
    assert answered.status_code == 303
    rows = re.findall(r'data-key="(T-\d+)"', (await operator.get("/desk")).text)
    assert rows == [world.report_ticket.ticket_no, world.ticket.ticket_no], "who waits for us stands above who does not"


async def test_a_prepared_answer_is_filled_for_the_member_and_leaves_no_place_unfilled(
    app: Starlette, database: Database, world: World
) -> None:
    admin, agent = await logged_in(app, "admin"), await logged_in(app, "agent")
    words = {"title": "お支払い", "queue": "technical"}
    text = "{{member_name}}様、{{invoice_no}}（{{amount}}）は{{due_on}}までにお願いします。"
    text += "{{contract}}の期限は{{expires_on}}です。"
    assert (await agent.press("/desk/catalogue/canned", text_ja=text, **words)).status_code == 403
    assert (
        await admin.press("/desk/catalogue/canned", text_ja=text, text_en="Dear {{member_name}}", **words)
    ).status_code == 303
    wrong = await admin.press("/desk/catalogue/canned", title="x", text_ja="{{membername}}様", scripted=True)
    assert (
        wrong.status_code == 409 and "membername" in wrong.json()["text"] and "{{member_name}}" in wrong.json()["text"]
    )
    taken = await admin.press("/desk/catalogue/canned", title="お支払い", text_ja="別の文", scripted=True)
    assert "すでに使われています" in taken.json()["text"]
    (row,) = run(database, lambda tx: list_canned(tx, AGENT))
    address = f"/desk/tickets/{world.ticket.ticket_no}"
    assert f'<option value="{row.id}">お支払い' in (await agent.get(address)).text
    assert "お支払い</option>" not in (await agent.get(f"/desk/tickets/{world.report_ticket.ticket_no}")).text
    filled = (await agent.get(f"{address}/canned/{row.id}")).json()
    assert filled["missing"] == []
    assert re.fullmatch(
        rf"山田 太郎様、{world.invoice.invoice_no}（[\d,]+円）は2026年1\d月\d+日\(.\)までにお願いします。"
        r"example\.\w+の期限は2026年11月30日\(月\)です。",
        filled["text"],
    )
    refused = await agent.press(
        f"{address}/answer", scripted=True, kind="reply", text="{{ invoice_no }}をご確認ください。",
        client_key="b1", last_seen=str(2**50),
    )  # fmt: skip
    assert refused.status_code == 409 and "{{invoice_no}}" in refused.json()["text"]
    noted = await agent.press(
        f"{address}/answer", kind="note", text="{{invoice_no}}は仮", client_key="b2", last_seen=str(2**50)
    )
    assert noted.status_code == 303, "a note never leaves"
    await admin.press("/desk/catalogue/canned", id=str(row.id), remove="1")
    assert run(database, lambda tx: list_canned(tx, AGENT)) == []


async def test_the_summary_says_how_they_came_and_who_they_are_and_a_viewer_reads_none_of_it(
    app: Starlette, world: World
) -> None:
    page = (await (await logged_in(app, "agent")).get(f"/desk/tickets/{world.ticket.ticket_no}")).text
    assert "引き継ぎ" in page and "お問い合わせフォーム" in page and "確認済み（" in page
    masked = (await (await logged_in(app, "viewer")).get(f"/desk/tickets/{world.ticket.ticket_no}")).text
    assert "確認済み（" not in masked and "振り分ける" not in masked


async def test_a_key_in_the_answer_box_is_seen_for_seconds_by_the_member_and_colleagues(
    app: Starlette, database: Database, world: World, clock: ManualClock
) -> None:
    operator, colleague = await logged_in(app, "agent"), await logged_in(app, "accountant")
    address = f"/desk/tickets/{world.ticket.ticket_no}"
    assert run(database, lambda tx: composing_until(tx, chat_id=world.chat_id)) is None
    assert (await operator.press(f"{address}/composing", scripted=True)).status_code == 200
    until = run(database, lambda tx: composing_until(tx, chat_id=world.chat_id))
    assert until is not None and until - clock.real() == timedelta(seconds=12)
    assert "agentさんさんが会員への返信を書いています" in (await colleague.get(address)).text
    assert "返信を書いています" not in (await operator.get(address)).text
    clock.move(timedelta(seconds=13))
    assert run(database, lambda tx: composing_until(tx, chat_id=world.chat_id)) is None, "it ends by itself"
    await operator.press(f"{address}/composing", scripted=True)
    await operator.press(f"{address}/answer", kind="reply", text="確認します。", client_key="a1", last_seen=str(2**50))
    assert run(database, lambda tx: composing_until(tx, chat_id=world.chat_id)) is None, "sent is not being written"
    assert run(database, lambda tx: get_chat(tx, chat_id=world.chat_id)).speaker == "human"
    assert date(2026, 11, 24) == clock.now().astimezone(JST).date()
