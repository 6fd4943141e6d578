"""Row Q2 by Socket Mode: no public address, answers by envelope after the commit, a dropped connection loses nothing."""

import asyncio
import json
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.clock import ManualClock
from core.ids import SeededIds
from tests.support.counter import Person
from tests.support.journeys import link_person, rows
from tests.support.slack_api import CHANNEL, TEAM, TOKEN, Fault, SlackApi
from tests.support.slack_desk import SlackDesk
from tests.support.started import Started, command, environment

SUZUKI = "U0SUZUKI"
APP_TOKEN = "xapp-1-A1-2-3"


@pytest.fixture
async def slack() -> AsyncIterator[SlackApi]:
    async with SlackApi() as api:
        yield api


@pytest.fixture
async def desk(database_url: str, clock: ManualClock, ids: SeededIds, slack: SlackApi) -> AsyncIterator[SlackDesk]:
    made = SlackDesk(database_url, clock, ids, slack, app_token=APP_TOKEN)
    made.counter.add_contract(made.counter.add_member())
    made.operator("suzuki", SUZUKI)
    yield made
    await made.close()


@pytest.fixture
def person(desk: SlackDesk) -> Person:
    return link_person(desk.counter.person())


def told(message: dict[str, Any], event_id: str) -> dict[str, Any]:
    return {"type": "event_callback", "team_id": TEAM, "api_app_id": "A1", "event_id": event_id, "event": message}


def asked(text: str, user: str = SUZUKI) -> dict[str, Any]:
    return {
        "command": "/madoguchi", "text": text, "team_id": TEAM, "user_id": user, "channel_id": CHANNEL, "token": "x",
        "api_app_id": "A1", "trigger_id": "1.1", "response_url": "http://127.0.0.1:9/",
    }  # fmt: skip


async def test_event_press_and_command_are_answered_by_their_envelope_after_the_commit(
    desk: SlackDesk, person: Person
) -> None:
    assert desk.adapter.routes == [], "nothing listens for the outside world"
    await desk.adapter.start()
    await desk.slack.socket.until(lambda: desk.slack.socket.connections == 1)
    root = await desk.opened(person)
    said = desk.slack.write(SUZUKI, "メモ", thread=str(root["ts"]))
    await desk.slack.socket.send("events_api", told(said, "Ev1"))
    assert [row.body for row in rows(desk.counter, "ticket_message", visibility="internal")] == ["メモ"]
    await desk.slack.socket.send("interactive", desk.pressing(SUZUKI, root, "担当する"))
    assert rows(desk.counter, "ticket")[0].assignee_id is not None
    answer = await desk.slack.socket.send("slash_commands", asked("T-000001"))
    assert "サイトが表示されません" in json.dumps(answer["payload"], ensure_ascii=False)
    await desk.slack.socket.send("events_api", told(said, "Ev1"))  # Slack repeats
    assert len(rows(desk.counter, "ticket_message", visibility="internal")) == 1


async def test_after_a_dropped_connection_it_connects_again_and_reads_what_was_missed(
    desk: SlackDesk, person: Person
) -> None:
    await desk.adapter.start()
    await desk.slack.socket.until(lambda: desk.slack.socket.connections == 1)
    root = await desk.opened(person)
    await desk.slack.socket.drop()
    desk.slack.write(SUZUKI, "切れている間のメモ", thread=str(root["ts"]))
    await desk.slack.socket.until(lambda: desk.slack.socket.connections == 2)
    later = desk.slack.write(SUZUKI, "つながってからのメモ", thread=str(root["ts"]))
    await desk.slack.socket.send("events_api", told(later, "Ev2"))
    await desk.later(minutes=5)
    notes = {row.body for row in rows(desk.counter, "ticket_message", visibility="internal")}
    assert notes == {"切れている間のメモ", "つながってからのメモ"}


async def test_a_slack_that_refuses_at_the_start_stops_nothing_is_named_and_tried_again(
    desk: SlackDesk, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    desk.slack.fail("apps.connections.open", Fault(error="invalid_auth"))
    await desk.adapter.start()
    root = await desk.opened(person)
    assert "T-000001" in desk.slack.says(root)
    await desk.slack.socket.until(lambda: desk.slack.socket.connections == 1)
    (said,) = [record.getMessage() for record in caplog.records if "not ready" in record.getMessage()]
    assert "invalid_auth" in said and "MADOGUCHI_SLACK_APP_TOKEN" in said and APP_TOKEN not in caplog.text


async def test_the_product_as_it_is_started_posts_threads_and_answers_by_socket_mode(
    tmp_path: Path, slack: SlackApi
) -> None:
    settings = {
        "SLACK_BOT_TOKEN": TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_DESK_CHANNEL": CHANNEL, "SLACK_API_URL": slack.url,
    }  # fmt: skip
    server = Started(tmp_path, settings)
    try:
        await asyncio.to_thread(server.start)
        assert "Slack (MADOGUCHI" not in server.said
        await slack.socket.until(lambda: slack.socket.connections == 1)
        async with httpx.AsyncClient(base_url=server.url, headers={"origin": server.url}) as page:
            await page.get("/chat")
            await say(page, 1, text="/ticket")
            await say(page, 2, press="その他")
            await say(page, 3, text="画面が真っ白です")
            await say(page, 4, press="スキップ")
            await say(page, 5, press="送信する")
            async with asyncio.timeout(30):
                while not any("画面が真っ白です" in slack.says(message) for message in slack.messages):
                    await asyncio.sleep(0.05)
        (root,) = slack.roots()
        refused = await slack.socket.send("slash_commands", asked("自分"))
        assert "登録されていません" in json.dumps(refused["payload"], ensure_ascii=False)
        with sqlite3.connect(server.database) as database:
            (login,) = database.execute("SELECT login FROM staff ORDER BY id").fetchone()
        await asyncio.to_thread(server.interrupt)
        mapped = subprocess.run(
            command("staff", "slack", login, "--team", TEAM, "--user", SUZUKI),
            cwd=tmp_path, env=environment(DATABASE_URL=f"sqlite:///{server.database}"), capture_output=True, check=False,
        )  # fmt: skip
        assert mapped.returncode == 0, mapped.stderr.decode()
        missed = slack.write(SUZUKI, "停止中に書いたメモ", thread=str(root["ts"]))
        await asyncio.to_thread(server.start)
        await slack.socket.until(lambda: slack.socket.connections == 2)
        answer = await slack.socket.send("slash_commands", asked("T-000001"))
        assert "画面が真っ白です" in json.dumps(answer["payload"], ensure_ascii=False)
        async with asyncio.timeout(40):
            while not noted(server.database, str(missed["text"])):
                await asyncio.sleep(0.1)
        assert len(slack.roots()) == 1
        assert TOKEN not in server.errors() and APP_TOKEN not in server.errors()
    finally:
        await asyncio.to_thread(server.kill)


async def say(page: httpx.AsyncClient, number: int, *, text: str = "", press: str = "") -> None:
    """One act in the web chat."""
    act: dict[str, Any] = {"kind": "text", "text": text, "key": f"act-{number}-0123456789"}
    if press:
        shown = (await page.get("/chat/messages")).json()["messages"]
        buttons = [b for m in shown for row in m["body"].get("buttons") or () for b in row if press in b["label"]]
        act = {"kind": "press", "handle": buttons[-1]["handle"], "key": act["key"]}
    answer = await page.post("/chat/inbound", json=act)
    assert answer.status_code == 200, answer.text


def noted(database: Path, words: str) -> bool:
    """Whether a note says so."""
    with sqlite3.connect(database) as opened:
        return bool(opened.execute("SELECT id FROM ticket_message WHERE body = ?", (words,)).fetchall())
