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
from core.delivery.ports import Owed, Sent
from core.ids import Ids
from core.members.identities import set_identity
from core.members.staff import add_staff
from core.profiles.model import Profile
from core.teamchat.listeners import listeners as team_listeners
from tests.support.builders import Somebody
from tests.support.counter import Counter, Person
from tests.support.lanes import drain, never_asks, tells_nobody
from tests.support.profiles import shipped
from tests.support.slack_api import CHANNEL, SECRET, TEAM, TOKEN, SlackApi, as_form, signed
from tests.support.slack_rules import check_answer

_numbers = itertools.count(1)


class Pace:
    """Seconds of the desk's own clock, and of waiting that costs no time."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock, self.slept = clock, 0.0

    def now(self) -> float:
        """As `time.monotonic`."""
        return self._clock.real().timestamp() + self.slept

    async def sleep(self, seconds: float) -> None:
        """As `asyncio.sleep`, at once."""
        self.slept += seconds


class MembersChannel:
    """Where members of another channel read: takes everything, and knows what it was given."""

    in_flight = 4

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.given: list[dict[str, Any]] = []

    async def send(self, owed: Owed) -> Sent:
        """As `core.delivery.ports.Sender`."""
        self.given.append(owed.payload)
        return Sent(str(owed.payload.get("replaces") or f"{len(self.given)}"), "ok")

    def texts(self) -> list[str]:
        """What was sent or redrawn, in order."""
        return [str(payload["body"]["text"]) for payload in self.given if "body" in payload]


class SlackDesk:
    """`counter` and `slack` with the adapter between them."""

    def __init__(
        self,
        url: str,
        clock: ManualClock,
        ids: Ids,
        slack: SlackApi,
        profile: Profile | None = None,
        *,
        app_token: str = "",
        language: str = "ja",
    ) -> None:
        """With `app_token` by Socket Mode, once the adapter is started; `language` is the operator's."""
        profile = (profile or shipped("renewal-notice")).model_copy(update={"language": language})
        self.slack, self.clock = slack, clock
        self.counter = Counter(url, clock, ids, profile, wrap=lambda told: team_listeners(CHANNEL, told))
        self.database = self.counter.database
        settings = SlackSettings(
            bot_token=TOKEN,
            app_token=app_token,
            signing_secret=SECRET,
            desk_channel=CHANNEL,
            api_url=slack.url,
            public_url="https://m.example.jp",
        )
        pace = Pace(clock)
        at = Time(pace.now, pace.sleep)
        self.adapter: SlackAdapter = build(settings, self.database, clock, self.counter.profile, at=at)
        app = Starlette(routes=self.adapter.routes)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://madoguchi")
        self.lane = Lane(self.database, self.adapter.sender, "one", never_asks, tells_nobody)
        self.lanes = [self.lane]

    async def close(self) -> None:
        """Connections and database."""
        await self.http.aclose()
        await self.adapter.stop()
        self.counter.close()

    def add_channel(self, channel: str) -> MembersChannel:
        """Members' answers by this channel are sent, too."""
        made = MembersChannel(channel)
        self.lanes.append(Lane(self.database, made, "one", never_asks, tells_nobody))
        return made

    async def drain(self) -> None:
        """Send all that can be sent now."""
        while any([await drain(lane) for lane in self.lanes]):  # what became of an answer in one lane, another shows
            pass

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

    async def opened(self, person: Person, text: str = "サイトが表示されません") -> dict[str, Any]:
        """The root of a new ticket's thread."""
        person.say("/ticket").press("その他").say(text).press("スキップ").press("送信する")
        await self.drain()
        return self.slack.roots()[-1]

    async def edited(self, message: dict[str, Any], text: str) -> None:
        """Its writer changes a message, and Slack tells of it."""
        before = dict(message)
        message["text"] = text
        event = {
            "type": "message", "subtype": "message_changed", "channel": CHANNEL, "ts": self.slack.new_ts(), "hidden": True,
            "message": dict(message), "previous_message": before,
        }  # fmt: skip
        assert (await self.event(event)).status_code == 200
        await self.drain()

    async def deleted(self, message: dict[str, Any]) -> None:
        """Its writer deletes a message, and Slack tells of it."""
        self.slack.messages.remove(message)
        event = {
            "type": "message", "subtype": "message_deleted", "channel": CHANNEL, "ts": self.slack.new_ts(), "hidden": True,
            "deleted_ts": message["ts"], "previous_message": message,
        }  # fmt: skip
        assert (await self.event(event)).status_code == 200
        await self.drain()

    def told(self) -> str:
        """The last remark to one person."""
        return self.slack.says(self.slack.whispers[-1])

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

    async def react(self, user: str, message: dict[str, Any], name: str, *, event_id: str = "") -> httpx.Response:
        """Somebody puts an emoji under a message."""
        item = {"type": "message", "channel": message["channel"], "ts": message["ts"]}
        event = {
            "type": "reaction_added",
            "user": user,
            "reaction": name,
            "item": item,
            "event_ts": self.slack.new_ts(),
        }
        answer = await self.event(event, event_id=event_id)
        await self.drain()
        return answer

    async def shortcut(self, user: str, message: dict[str, Any], callback_id: str) -> httpx.Response:
        """Somebody picks a shortcut from a message's menu."""
        payload = {
            "type": "message_action", "callback_id": callback_id, "trigger_id": f"trigger-{next(_numbers)}",
            "team": {"id": TEAM}, "user": {"id": user, "team_id": TEAM}, "channel": {"id": CHANNEL}, "token": "x",
            "message": message, "message_ts": message["ts"], "action_ts": f"{next(_numbers)}.1",
        }  # fmt: skip
        answer = await self.interact(payload)
        await self.drain()
        return answer

    async def press(self, user: str, message: dict[str, Any], label: str) -> httpx.Response:
        """Somebody presses a button (or an item of a menu) of a message."""
        answer = await self.interact(self.pressing(user, message, label))
        await self.drain()
        return answer

    def pressing(self, user: str, message: dict[str, Any], label: str) -> dict[str, Any]:
        """The payload of a press."""
        block_id, action = find_button(message, label)
        return {
            "type": "block_actions", "team": {"id": TEAM}, "user": {"id": user, "team_id": TEAM},
            "api_app_id": "A1", "token": "x", "trigger_id": f"trigger-{next(_numbers)}",
            "channel": {"id": CHANNEL}, "message": message,
            "container": {
                "type": "message", "channel_id": CHANNEL, "message_ts": message.get("ts", "1.1"),
                "thread_ts": message.get("thread_ts"),
            },
            "actions": [{**action, "block_id": block_id, "action_ts": f"{next(_numbers)}.1"}],
        }  # fmt: skip

    async def submit(self, user: str, view: dict[str, Any], values: dict[str, Any]) -> httpx.Response:
        """Somebody sends a modal; `values` by block id, the other inputs as they stood when it was opened."""
        state = {block["block_id"]: {"value": _untouched(block["element"])} for block in _inputs(view)}
        state |= {block: {"value": _typed(view, block, value)} for block, value in values.items()}
        payload = {
            "type": "view_submission", "team": {"id": TEAM}, "user": {"id": user, "team_id": TEAM}, "api_app_id": "A1",
            "token": "x", "trigger_id": f"trigger-{next(_numbers)}", "view": {**view, "state": {"values": state}},
        }  # fmt: skip
        answer = await self.interact(payload)
        await self.drain()
        return answer

    async def choose(self, user: str, view: dict[str, Any], label: str, *, typed: str = "") -> dict[str, Any]:
        """Somebody picks an item of a menu in a modal, with these words in its text input; the modal afterwards."""
        menus = [e for block in view["blocks"] for e in block.get("elements", ()) if e["type"] == "static_select"]
        action, option = next((m, o) for m in menus for o in m["options"] if o["text"]["text"] == label)
        state = {block["block_id"]: {"value": _untouched(block["element"])} for block in _inputs(view)}
        if typed:
            state |= {_inputs(view)[0]["block_id"]: {"value": {"type": "plain_text_input", "value": typed}}}
        payload = {
            "type": "block_actions", "team": {"id": TEAM}, "user": {"id": user, "team_id": TEAM}, "api_app_id": "A1",
            "token": "x", "trigger_id": f"trigger-{next(_numbers)}", "container": {"type": "view", "view_id": view["id"]},
            "view": {**view, "state": {"values": state}},
            "actions": [
                {
                    "type": "static_select", "action_id": action["action_id"], "block_id": "b",
                    "selected_option": option, "action_ts": f"{next(_numbers)}.1",
                }
            ],
        }  # fmt: skip
        assert (await self.interact(payload)).status_code == 200
        return self.slack.views[-1]

    async def interact(self, payload: dict[str, Any]) -> httpx.Response:
        """One interactive payload."""
        body = as_form(payload)
        answer = await self.http.post("/webhooks/slack", content=body, headers=signed(body, form=True))
        if answer.status_code == 200 and answer.text:
            self.slack.violations += check_answer(answer.json())
        return answer


def _inputs(view: dict[str, Any]) -> list[dict[str, Any]]:
    return [block for block in view["blocks"] if block["type"] == "input"]


def _untouched(element: dict[str, Any]) -> dict[str, Any]:
    given = {"initial_value": "value", "initial_date": "selected_date", "initial_options": "selected_options"}
    return {"type": element["type"], **{name: element[first] for first, name in given.items() if first in element}}


def _typed(view: dict[str, Any], block_id: str, value: Any) -> dict[str, Any]:
    """A value as its input gives it; a choice must be one that is offered."""
    element = next(block["element"] for block in view["blocks"] if block.get("block_id") == block_id)
    if element["type"] == "static_select":
        return {"type": element["type"], "selected_option": next(o for o in element["options"] if o["value"] == value)}
    if element["type"] == "checkboxes":
        return {"type": element["type"], "selected_options": [o for o in element["options"] if o["value"] in value]}
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
