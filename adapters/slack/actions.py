"""Presses, modals and the message shortcut. Each counts once, is a turn of its own, and is answered after its commit.

What nobody foresaw ends in words with a reference that stands in the log too (dialogue-and-desk.md 1.6).
"""

import logging
import re
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

import aiohttp
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackClientError

from adapters.slack.modals import PICK, Memo, Modals, View
from adapters.slack.openers import OPENERS, Opening, fill_prepared, open_shortcut
from adapters.slack.parts import Parts
from adapters.slack.submissions import SUBMISSIONS, Submitted
from core.db import Tx, arun
from core.errors import DomainError
from core.members.staff import StaffView
from core.teamchat import intake
from core.teamchat.acting import ACTS, Press, keep_internal, press, tell_refusal

log = logging.getLogger(__name__)
T = TypeVar("T")


def register(app: AsyncApp, parts: Parts) -> None:
    """Listen to everything of ours that can be pressed or sent."""
    desk = Actions(parts)
    app.action(re.compile(r"^mado:"))(desk.on_action)
    app.action(PICK)(desk.on_prepared)
    app.view(re.compile(r"^mado_"))(desk.on_view)
    app.shortcut("mado_reply_with")(desk.on_shortcut)
    app.shortcut("mado_keep_internal")(desk.on_keep_internal)


class Actions:
    """The listeners."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._modals = Modals(parts.draw.w)

    async def on_action(self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        """A button, or an item of a menu."""
        pressed = self._read(body, action)
        if pressed is None:  # a link, or a handle that is not ours any more
            await ack()
            return
        key = f"{action.get('action_ts')}:{pressed.user}:{action.get('action_id')}"
        at_home = (body.get("container") or {}).get("type") == "view"
        try:
            if pressed.action in OPENERS:
                view = await self._prepare(
                    pressed,
                    lambda tx, staff: OPENERS[pressed.action](self._opening(tx, staff, pressed)),
                    in_view=at_home,
                )
                await self._open(body, view)
            elif pressed.action in ACTS:
                refused = await self._turn(pressed, key, lambda tx, staff: press(tx, staff, pressed))
                if at_home and refused is not None:  # the remark in the thread is not where they look
                    await self._open(body, self._modals.refusal(refused))
        except Exception:  # whoever pressed must not be left without an answer
            log.exception("a press in Slack failed", extra={"reference": (reference := secrets.token_hex(3))})
            await self._open(body, self._modals.failed(reference))
        await ack()

    async def on_shortcut(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """この内容で返信, on one's own message in a ticket's thread."""
        message, place = body.get("message") or {}, str((body.get("channel") or {}).get("id") or "")
        team, user = _who(body)
        pressed = Press(0, "shortcut", 0, 0, team, user)
        view = await self._prepare(
            pressed,
            lambda tx, staff: open_shortcut(
                self._opening(tx, staff, pressed), place=place, ref=str(message.get("ts") or "")
            ),
        )
        await self._open(body, view)
        await ack()

    async def on_keep_internal(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """内部メモにする, on one's own message that is held for the member."""
        ref, place = str((body.get("message") or {}).get("ts") or ""), str((body.get("channel") or {}).get("id") or "")
        team, user = _who(body)
        view = await self._prepare(
            Press(0, "keep_internal", 0, 0, team, user),
            lambda tx, staff: keep_internal(tx, staff, place=place, ref=ref, user=user),
        )
        await self._open(body, view)
        await ack()

    async def on_prepared(self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        """定型文 chosen in the reply modal: its words stand in the input."""
        view = body["view"]
        chosen = int((action.get("selected_option") or {})["value"])
        pressed = Press(Memo.unpack(str(view["private_metadata"])).ticket_id, "prepared", 0, chosen, *_who(body))
        filled = await self._prepare(
            pressed, lambda tx, staff: fill_prepared(self._opening(tx, staff, pressed), view), in_view=True
        )
        await ack()
        if filled is None:
            return
        try:
            await self._parts.client.views_update(view_id=str(view["id"]), hash=str(view.get("hash", "")), view=filled)
        except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
            log.warning("a prepared answer could not be shown: %s", type(error).__name__)

    async def on_view(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """A modal was sent: refusals stand at their field, the rest closes it or shows the next step."""
        team, user = _who(body)
        callback = str(view["callback_id"])
        key = f"{view['id']}:{view.get('hash', '')}:{callback}"

        def work(tx: Tx) -> dict[str, Any]:
            if not intake.take_press(tx, team=team, key=key):
                return {"response_action": "clear"}
            staff = intake.need_staff(tx, team=team, user=user)
            return SUBMISSIONS[callback](Submitted(tx, self._parts, self._modals, staff, team, user, view))

        try:
            answer = await arun(self._parts.database, work, name="slack.view")
        except DomainError as error:
            await ack(**self._refused(view, error))
            return
        except Exception:  # Slack would say "trouble connecting" and lose what was typed
            log.exception("a modal in Slack failed", extra={"reference": (reference := secrets.token_hex(3))})
            await ack(response_action="update", view=self._modals.failed(reference))
            return
        await ack(**answer)

    def _refused(self, view: dict[str, Any], error: DomainError) -> dict[str, Any]:
        """At the words, else at the first input; a preview has none, and gives way to the refusal."""
        fields = [str(block["block_id"]) for block in view.get("blocks") or () if block.get("type") == "input"]
        if not fields:
            return {"response_action": "update", "view": self._modals.refusal(error)}
        field = next((name for name in fields if name.partition(":")[0] == "text"), fields[0])
        return {"response_action": "errors", "errors": {field: self._parts.draw.w.error(error.code, error.data)}}

    async def _turn(self, pressed: Press, key: str, do: Callable[[Tx, StaffView], None]) -> DomainError | None:
        """Why it was refused, which the thread tells too; None: done."""

        def work(tx: Tx) -> DomainError | None:
            if intake.take_press(tx, team=pressed.team, key=key):
                do(tx, intake.need_staff(tx, team=pressed.team, user=pressed.user))
            return None

        def failed(tx: Tx, error: Exception) -> DomainError | None:
            if not isinstance(error, DomainError):
                raise error
            if intake.take_press(tx, team=pressed.team, key=key):
                tell_refusal(tx, pressed, error)
            return error

        return await arun(self._parts.database, work, failed=failed, name="slack.press")

    async def _prepare(
        self, pressed: Press, make: Callable[[Tx, StaffView], View | None], *, in_view: bool = False
    ) -> View | None:
        """What to show; None when the person was told why not in the thread (`in_view`: they do not look at it)."""

        def work(tx: Tx) -> View | None:
            return make(tx, intake.need_staff(tx, team=pressed.team, user=pressed.user))

        def failed(tx: Tx, error: Exception) -> View | None:
            if not isinstance(error, DomainError):
                raise error
            if in_view or not pressed.ticket_id:
                return self._modals.refusal(error)
            tell_refusal(tx, pressed, error)
            return None

        return await arun(self._parts.database, work, failed=failed, name="slack.open")

    async def _open(self, body: dict[str, Any], view: View | None) -> None:
        """Within the three seconds that a trigger lives; too late, the person presses again."""
        if view is None:
            return
        try:
            await self._parts.client.views_open(trigger_id=str(body["trigger_id"]), view=view)
        except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
            log.warning("a modal could not be opened: %s", type(error).__name__)

    def _opening(self, tx: Tx, staff: StaffView, pressed: Press) -> Opening:
        return Opening(tx, self._parts, self._modals, staff, pressed)

    def _read(self, body: dict[str, Any], action: dict[str, Any]) -> Press | None:
        option = action.get("selected_option") or {}
        found = self._parts.handles.read(str(action.get("value") or option.get("value") or ""))
        if found is None:
            return None
        return Press(found.ticket_id, found.action, found.revision, found.extra, *_who(body))


def _who(body: dict[str, Any]) -> tuple[str, str]:
    user = body.get("user") or {}
    return str(user.get("team_id") or (body.get("team") or {}).get("id") or ""), str(user.get("id") or "")
