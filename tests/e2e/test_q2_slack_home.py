"""Row Q2, App Home: what is due, what did not arrive, what comes back today; resting and handing over from there."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest_asyncio

from core.clock import ManualClock
from core.db import run
from core.ids import SeededIds
from core.tickets.assignment import claim
from core.tickets.handling import snooze
from core.tickets.ticks import warn_due
from tests.support.builders import Somebody
from tests.support.journeys import link_person, rows
from tests.support.slack_api import TEAM, SlackApi
from tests.support.slack_desk import SlackDesk, find_button


@pytest_asyncio.fixture
async def desk(database_url: str, clock: ManualClock, ids: SeededIds) -> AsyncIterator[SlackDesk]:
    async with SlackApi() as slack:
        made = SlackDesk(database_url, clock, ids, slack)
        yield made
        await made.close()


def mine(desk: SlackDesk) -> tuple[Somebody, int]:
    """A ticket that suzuki holds."""
    desk.counter.add_member()
    person = link_person(desk.counter.person())
    person.say("/ticket").press("その他").say("サイトが表示されません").press("スキップ").press("送信する")
    suzuki, ticket_id = desk.operator("suzuki", "U0SUZUKI"), rows(desk.counter, "ticket")[0].id
    run(desk.database, lambda tx: claim(tx, suzuki, ticket_id=ticket_id))
    return suzuki, ticket_id


async def home(desk: SlackDesk) -> dict[str, Any]:
    await desk.event({"type": "app_home_opened", "user": "U0SUZUKI", "channel": "D1", "tab": "home"})
    view: dict[str, Any] = desk.slack.calls[-1].given["view"]
    return view


async def press(desk: SlackDesk, view: dict[str, Any], label: str) -> None:
    menus = {"blocks": [{"elements": [block["accessory"]]} for block in view["blocks"] if "accessory" in block]}
    _, action = find_button(menus, label)
    payload = {
        "type": "block_actions", "team": {"id": TEAM}, "user": {"id": "U0SUZUKI", "team_id": TEAM}, "token": "x",
        "api_app_id": "A1", "trigger_id": "t", "container": {"type": "view", "view_id": "V1"}, "view": {"id": "V1"},
        "actions": [{**action, "block_id": "b", "action_ts": desk.slack.new_ts()}],
    }  # fmt: skip
    assert (await desk.interact(payload)).status_code == 200


async def test_a_ticket_rests_and_is_handed_over_from_home(desk: SlackDesk) -> None:
    mine(desk)
    tanaka = desk.operator("tanaka", "U0TANAKA")
    page = await home(desk)
    await press(desk, page, "保留")
    done = await desk.submit("U0SUZUKI", desk.slack.views[-1], {"until": "4h"})
    assert done.json() == {"response_action": "clear"}
    (ticket,) = rows(desk.counter, "ticket")
    assert ticket.snoozed_until == desk.clock.now() + timedelta(hours=4)
    again = await home(desk)
    assert "今日の再開" in desk.slack.says(again) and "T-000001" in desk.slack.says(again)
    await press(desk, page, "振り分ける")  # the page of before
    assert "状態が変わりました" in desk.slack.says(desk.slack.views[-1])
    run(desk.database, lambda tx: snooze(tx, tanaka, ticket_id=ticket.id, until=None))
    await press(desk, await home(desk), "振り分ける")
    await desk.submit("U0SUZUKI", desk.slack.views[-1], {"to": str(tanaka.id)})
    assert rows(desk.counter, "ticket")[0].assignee_id == tanaka.id


async def test_what_is_due_stands_above(desk: SlackDesk) -> None:
    mine(desk)
    assert "期限が近い" not in desk.slack.says(await home(desk))
    desk.clock.move(timedelta(days=4))
    run(desk.database, lambda tx: warn_due(tx, limit=100))
    shown = desk.slack.says(await home(desk))
    assert shown.index("期限が近い・過ぎた") < shown.index("T-000001") < shown.index("自分の対応中")


async def test_what_a_colleague_took_first_is_said_at_home(desk: SlackDesk) -> None:
    desk.counter.add_member()
    person = link_person(desk.counter.person())
    person.say("/ticket").press("その他").say("困っています").press("スキップ").press("送信する")
    desk.operator("suzuki", "U0SUZUKI")
    tanaka, ticket_id = desk.operator("tanaka", "U0TANAKA"), rows(desk.counter, "ticket")[0].id
    page = await home(desk)
    run(desk.database, lambda tx: claim(tx, tanaka, ticket_id=ticket_id))
    await press(desk, page, "担当する")
    assert "tanakaさんが担当しています" in desk.slack.says(desk.slack.views[-1])
    assert rows(desk.counter, "ticket")[0].assignee_id == tanaka.id
