"""Row Q2: App Home, `/madoguchi`, the set-up check and the manifest, through the real SDK against the double."""

import json
import urllib.parse
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from adapters.slack.parts import SlackSettings
from adapters.slack.setup import SCOPES, check, manifest
from bot.commands.slack import slack as slack_commands
from core.clock import ManualClock
from core.db import run
from core.ids import SeededIds
from core.members.audit import list_audit
from tests.support.builders import Somebody
from tests.support.journeys import link_person
from tests.support.slack_api import CHANNEL, SECRET, TEAM, TOKEN, SlackApi, signed
from tests.support.slack_desk import SlackDesk
from tests.support.slack_rules import check_answer


@pytest.fixture
async def desk(database_url: str, clock: ManualClock, ids: SeededIds) -> AsyncIterator[SlackDesk]:
    async with SlackApi() as slack:
        opened = SlackDesk(database_url, clock, ids, slack)
        yield opened
        await opened.close()


async def open_home(desk: SlackDesk, user: str) -> dict[str, Any]:
    """The view that Slack was given last."""
    answer = await desk.event({"type": "app_home_opened", "user": user, "channel": "D1", "tab": "home"})
    assert answer.status_code == 200
    return (
        json.loads(desk.slack.calls[-1].given["view"])
        if isinstance(desk.slack.calls[-1].given["view"], str)
        else desk.slack.calls[-1].given["view"]
    )


def words(view: Any) -> str:
    return json.dumps(view, ensure_ascii=False)


async def ask(desk: SlackDesk, user: str, text: str) -> str:
    """What `/madoguchi TEXT` answers."""
    form = {
        "token": "x", "team_id": TEAM, "user_id": user, "channel_id": CHANNEL, "channel_name": "desk",
        "command": "/madoguchi", "text": text, "api_app_id": "A1", "trigger_id": "1.1", "response_url": "http://127.0.0.1:9/",
    }  # fmt: skip
    body = urllib.parse.urlencode(form)
    answer: httpx.Response = await desk.http.post("/webhooks/slack", content=body, headers=signed(body, form=True))
    assert answer.status_code == 200, answer.text
    said = answer.json()
    desk.slack.violations += check_answer(said)
    assert said["response_type"] == "ephemeral"
    return words(said)


def open_ticket(desk: SlackDesk, text: str = "メールが届きません") -> None:
    desk.counter.add_member()
    person = link_person(desk.counter.person())
    person.say("/ticket").press("その他").say(text).press("スキップ").press("送信する")


async def test_home_shows_what_nobody_has_and_a_press_makes_it_mine(desk: SlackDesk) -> None:
    open_ticket(desk)
    desk.operator("suzuki", "U0SUZUKI")
    view = await open_home(desk, "U0SUZUKI")
    assert "suzukiさんの受付" in words(view)
    assert "T-000001" in words(view)
    assert "いま対応中のものはありません" in words(view)
    claim = next(
        block["accessory"] for block in view["blocks"] if block.get("accessory", {}).get("action_id") == "mado:claim"
    )
    payload = {
        "type": "block_actions", "team": {"id": TEAM}, "user": {"id": "U0SUZUKI", "team_id": TEAM}, "api_app_id": "A1",
        "token": "x", "trigger_id": "t-1", "container": {"type": "view", "view_id": "V1"}, "view": {"id": "V1"},
        "actions": [{**claim, "type": "button", "block_id": "b", "action_ts": "1.1"}],
    }  # fmt: skip
    assert (await desk.interact(payload)).status_code == 200
    view = await open_home(desk, "U0SUZUKI")
    assert "未担当のものはありません" in words(view)
    assert words(view).index("自分の対応中") < words(view).index("T-000001") < words(view).index("未担当")


async def test_somebody_who_is_not_registered_sees_how_to_be_and_nothing_else(desk: SlackDesk) -> None:
    open_ticket(desk)
    view = await open_home(desk, "U0NOBODY")
    assert f"--team {TEAM} --user U0NOBODY" in words(view)
    assert "T-000001" not in words(view)
    assert "登録されていません" in await ask(desk, "U0NOBODY", "M-000001")


async def test_a_viewer_sees_masked_names_and_has_no_claim_button(desk: SlackDesk) -> None:
    open_ticket(desk)
    desk.operator("viewer", "U0VIEWER", role="viewer")
    view = await open_home(desk, "U0VIEWER")
    assert "山田" not in words(view)
    assert "mado:claim" not in words(view)
    assert "太郎" not in await ask(desk, "U0VIEWER", "M-000001")


async def test_a_long_list_is_paged_and_stays_within_slacks_hundred_blocks(desk: SlackDesk) -> None:
    desk.counter.add_member()
    person = link_person(desk.counter.person())
    for number in range(45):
        desk.clock.move(timedelta(minutes=2))  # a person, not a flood
        person.say("/ticket").press("その他").say(f"件 {number}").press("スキップ").press("送信する")
    desk.operator("suzuki", "U0SUZUKI")
    view = await open_home(desk, "U0SUZUKI")
    assert len(view["blocks"]) <= 100
    assert "次のページ" in words(view)


async def test_a_member_is_found_and_that_the_card_was_opened_is_recorded(desk: SlackDesk) -> None:
    desk.counter.add_member()
    somebody = desk.operator("suzuki", "U0SUZUKI")
    answer = await ask(desk, "U0SUZUKI", "M-000001")
    assert "山田" in answer
    admin = Somebody(somebody.id, "admin", "x")
    trail = run(desk.database, lambda tx: list_audit(tx, admin, staff_id=somebody.id)).entries
    assert [row.action for row in trail] == ["member.viewed"]


@pytest.mark.parametrize("text", ["", "ヘルプ", "help"])
async def test_help_is_answered(desk: SlackDesk, text: str) -> None:
    desk.operator("suzuki", "U0SUZUKI")
    assert "使い方" in await ask(desk, "U0SUZUKI", text)


@pytest.mark.parametrize(
    "text", ["T-999999", "INV-2026-999999", "だれもいない", "<!channel> & 'x", "😀", "a" * 5_000, "T-"]
)
async def test_what_is_not_there_is_said_kindly(desk: SlackDesk, text: str) -> None:
    desk.operator("suzuki", "U0SUZUKI")
    answer = await ask(desk, "U0SUZUKI", text)
    assert "見つかりませんでした" in answer
    assert "<!channel>" not in answer


def settings(slack: SlackApi) -> SlackSettings:
    return SlackSettings(TOKEN, "", SECRET, CHANNEL, slack.url, "https://m.example.jp")


async def test_set_up_says_what_is_missing_and_how_to_mend_it() -> None:
    async with SlackApi() as slack:
        said: list[str] = []
        slack.scopes = ",".join(SCOPES)
        slack.info = {"id": CHANNEL, "name": "desk", "is_member": True, "is_private": True}
        assert await check(settings(slack), said.append)
        slack.scopes = "chat:write"
        slack.info = {"id": CHANNEL, "name": "desk", "is_member": False, "is_ext_shared": True, "is_archived": True}
        said.clear()
        assert not await check(settings(slack), said.append)
        told = "\n".join(said)
        assert "files:read" in told
        assert "共有されています" in told
        assert "/invite" in told
        assert "保管されています" in told
        slack.down = "invalid_auth"
        said.clear()
        assert not await check(settings(slack), said.append)
        assert "invalid_auth" in said[0]
        assert TOKEN not in "\n".join(said)


def test_the_manifest_asks_for_every_scope_and_fits_the_way_in() -> None:
    over_http = manifest(name="みどり野サーバー株式会社 窓口", public_url="https://m.example.jp/", socket_mode=False)
    assert over_http["settings"]["event_subscriptions"]["request_url"] == "https://m.example.jp/webhooks/slack"
    assert set(over_http["oauth_config"]["scopes"]["bot"]) == set(SCOPES)
    assert len(over_http["display_information"]["name"]) <= 35
    socket = manifest(name="x", public_url="", socket_mode=True)
    assert "request_url" not in json.dumps(socket)
    shown = CliRunner().invoke(
        slack_commands, ["manifest", "--http"], env={"MADOGUCHI_PUBLIC_URL": "https://a.example"}
    )
    assert shown.exit_code == 0
    assert json.loads(shown.output)["settings"]["interactivity"]["request_url"] == "https://a.example/webhooks/slack"
