"""A counter with the Slack desk: the real SDK against the double, no web server, a clock that stands still."""

import itertools
import json
from typing import Any

import httpx
from starlette.applications import Starlette

from adapters.slack.adapter import SlackAdapter, SlackSettings, build
from adapters.slack.calls import Time
from bot.dispatch import Lane
from core.clock import ManualClock
from core.db import run
from core.ids import Ids
from core.members.identities import set_identity
from core.members.staff import add_staff
from core.teamchat.listeners import listeners as team_listeners
from tests.support.builders import Somebody
from tests.support.counter import Counter
from tests.support.lanes import drain, never_asks, tells_nobody
from tests.support.slack_api import CHANNEL, SECRET, TEAM, TOKEN, SlackApi, as_form, signed

_numbers = itertools.count(1)


async def no_wait(seconds: float) -> None:
    """Pacing is not what these tests are about."""


class SlackDesk:
    """`counter` and `slack` with the adapter between them."""

    def __init__(self, url: str, clock: ManualClock, ids: Ids, slack: SlackApi) -> None:
        self.slack, self.clock = slack, clock
        self.counter = Counter(url, clock, ids, wrap=lambda told: team_listeners(CHANNEL, told))
        self.database = self.counter.database
        settings = SlackSettings(
            bot_token=TOKEN,
            signing_secret=SECRET,
            desk_channel=CHANNEL,
            api_url=slack.url,
            public_url="https://m.example.jp",
        )
        self.adapter: SlackAdapter = build(settings, self.database, clock, self.counter.profile, at=Time(sleep=no_wait))
        app = Starlette(routes=self.adapter.routes)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://madoguchi")
        self.lane = Lane(self.database, self.adapter.sender, "one", never_asks, tells_nobody)

    async def close(self) -> None:
        """Connections and database."""
        await self.http.aclose()
        await self.adapter.stop()
        self.counter.close()

    async def drain(self) -> None:
        """Send all that can be sent now."""
        await drain(self.lane)

    async def later(self, **step: float) -> None:
        """Move the clock, then send and do what is due."""
        from datetime import timedelta

        self.clock.move(timedelta(**step))
        await self.adapter.tick()
        await self.drain()

    def operator(self, login: str, user: str, role: str = "agent") -> Somebody:
        """Somebody of staff who is known in Slack."""
        made = run(
            self.database, lambda tx: add_staff(tx, by=None, login=login, name=login, role=role, password_hash="x")
        )
        run(self.database, lambda tx: set_identity(tx, by=None, login=login, team=TEAM, user=user))
        return Somebody(made.id, role, made.name)

    async def event(self, event: dict[str, Any], *, event_id: str = "", **more: Any) -> httpx.Response:
        """Slack tells of an event."""
        body = json.dumps(
            {
                "type": "event_callback", "team_id": TEAM, "api_app_id": "A1", "event_time": 1, "token": "x",
                "event_id": event_id or f"Ev{next(_numbers):06d}", "event": event, **more,
            }
        )  # fmt: skip
        return await self.http.post("/webhooks/slack", content=body, headers=signed(body))

    async def write(self, user: str, text: str, *, thread: str, **more: Any) -> dict[str, Any]:
        """Somebody writes into a thread, and Slack tells of it."""
        message = self.slack.write(user, text, thread=thread, **more)
        answer = await self.event(message)
        assert answer.status_code == 200, answer.text
        await self.drain()
        return message

    async def press(self, user: str, message: dict[str, Any], label: str, **more: Any) -> httpx.Response:
        """Somebody presses a button (or an item of a menu) of a message."""
        block_id, action = find_button(message, label)
        payload = {
            "type": "block_actions", "team": {"id": TEAM}, "user": {"id": user, "team_id": TEAM},
            "api_app_id": "A1", "token": "x", "trigger_id": f"trigger-{next(_numbers)}",
            "channel": {"id": CHANNEL}, "message": message,
            "container": {
                "type": "message", "channel_id": CHANNEL, "message_ts": message.get("ts", "1.1"),
                "thread_ts": message.get("thread_ts"),
            },
            "actions": [{**action, "block_id": block_id, "action_ts": f"{next(_numbers)}.1"}],
            **more,
        }  # fmt: skip
        answer = await self.interact(payload)
        await self.drain()
        return answer

    async def submit(self, user: str, view: dict[str, Any], values: dict[str, Any]) -> httpx.Response:
        """Somebody sends a modal; `values` by block id."""
        state = {block: {"value": _typed(view, block, value)} for block, value in values.items()}
        payload = {
            "type": "view_submission", "team": {"id": TEAM}, "user": {"id": user, "team_id": TEAM}, "api_app_id": "A1",
            "token": "x", "trigger_id": f"trigger-{next(_numbers)}", "view": {**view, "state": {"values": state}},
        }  # fmt: skip
        answer = await self.interact(payload)
        await self.drain()
        return answer

    async def interact(self, payload: dict[str, Any]) -> httpx.Response:
        """One interactive payload."""
        body = as_form(payload)
        return await self.http.post("/webhooks/slack", content=body, headers=signed(body, form=True))


def _typed(view: dict[str, Any], block_id: str, value: Any) -> dict[str, Any]:
    """A value as its input gives it; a choice must be one that is offered."""
    element = next(block["element"] for block in view["blocks"] if block.get("block_id") == block_id)
    if element["type"] == "static_select":
        return {"type": element["type"], "selected_option": next(o for o in element["options"] if o["value"] == value)}
    if element["type"] == "datepicker":
        return {"type": element["type"], "selected_date": value}
    return {"type": element["type"], "value": value}


def find_button(message: dict[str, Any], label: str) -> tuple[str, dict[str, Any]]:
    """The block id of a button or of an item of an overflow menu, and the action as Slack sends it."""
    blocks = [*(message.get("blocks") or ())]
    for attachment in message.get("attachments") or ():
        blocks += attachment.get("blocks") or ()
    for block in blocks:
        for element in block.get("elements") or ():
            if element.get("type") == "button" and element["text"]["text"] == label:
                return str(block.get("block_id", "")), {
                    "type": "button",
                    "action_id": element["action_id"],
                    "value": element.get("value", ""),
                }
            for option in element.get("options") or ():
                if option["text"]["text"] == label:
                    return str(block.get("block_id", "")), {
                        "type": "overflow",
                        "action_id": element["action_id"],
                        "selected_option": option,
                    }
    raise AssertionError(f"no {label!r} in {json.dumps(blocks, ensure_ascii=False)[:2000]}")
