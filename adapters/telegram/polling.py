"""Long polling (`TELEGRAM_MODE=polling`): an update is confirmed to Telegram only after its turn has committed."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from telegram import Bot
from telegram.error import Conflict, InvalidToken, TelegramError

from adapters.telegram.inbound import Intake, is_update
from adapters.telegram.pace import Time
from adapters.telegram.parse import ALLOWED_UPDATES
from adapters.telegram.request import AiohttpRequest
from bot.inbound import Inbound

log = logging.getLogger(__name__)
T = TypeVar("T")

POLL_SECONDS = 25
BATCH = 100
BACKOFF_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
_Taken = tuple[dict[str, Any], Inbound | None]


class Polling:
    """The loop of one bot. Only one process may run it: Telegram answers a second one with Conflict."""

    def __init__(self, bot: Bot, request: AiohttpRequest, intake: Intake, at: Time | None = None) -> None:
        self._bot = bot
        self._request = request
        self._intake = intake
        self._time = at or Time()
        self._stop = asyncio.Event()
        self._failures = 0

    def stop(self) -> None:
        """Ends the loop: waiting is cut short, turns that run are finished."""
        self._stop.set()

    async def run(self) -> None:
        """Until `stop`. After a crash Telegram gives again what was not confirmed; the inbox knows what was done."""
        offset: int | None = None
        while not self._stop.is_set():
            try:
                updates = await self._unless_stopped(self._fetch(offset))
                if updates is None:
                    return
                complete, offset = await self._take_all(updates, offset)
            except TelegramError as error:
                complete = False
                _explain(error)
            except Exception:
                complete = False
                log.exception("polling stumbled and goes on")
            if complete:
                self._failures = 0
            else:
                pause = BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS) - 1)]
                self._failures += 1
                await self._unless_stopped(self._sleep(pause))

    async def _fetch(self, offset: int | None) -> list[dict[str, Any]]:
        """Raw updates: the library's own method gives none at all when it cannot read one of them."""
        asked: dict[str, Any] = {
            "timeout": POLL_SECONDS,
            "limit": BATCH,
            "allowed_updates": orjson.dumps(ALLOWED_UPDATES),
        }
        if offset is not None:
            asked["offset"] = offset
        url = f"{self._bot.base_url}/getUpdates?{urlencode(asked)}"
        result: Any = await self._request.post(url, read_timeout=POLL_SECONDS + 10)
        if not isinstance(result, list):
            raise TelegramError("getUpdates gave no list")
        return [raw for raw in result if is_update(raw)]

    async def _take_all(self, updates: list[dict[str, Any]], offset: int | None) -> tuple[bool, int | None]:
        """Chats beside one another (their turns share commits), the updates of one chat in order.

        Gives whether all were committed, and the offset that confirms exactly those before the first that was not.
        """
        chats: dict[str, list[_Taken]] = {}
        for raw in updates:
            inbound = self._intake.parse(raw)
            chats.setdefault(inbound.address if inbound else "", []).append((raw, inbound))
        failed = [first for first in await asyncio.gather(*map(self._take_chat, chats.values())) if first is not None]
        if failed:
            order = [raw["update_id"] for raw in updates]
            return False, min(failed, key=order.index)
        return True, updates[-1]["update_id"] + 1 if updates else offset

    async def _take_chat(self, taken: list[_Taken]) -> int | None:
        """The id of the first update that was not kept, or None."""
        for raw, inbound in taken:
            update_id: int = raw["update_id"]
            try:
                await self._intake.take(raw, inbound)
            except Exception as error:  # noqa: BLE001 - whatever it was, the update is not confirmed and comes again
                log.error("update not kept", extra={"update_id": update_id, "error": type(error).__name__})
                return update_id
        return None

    async def _sleep(self, seconds: float) -> None:
        await self._time.sleep(seconds)

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of `work`, or None when `stop` came first."""
        task = asyncio.create_task(work)
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            stopped.cancel()
            task.cancel()
            await asyncio.gather(task, stopped, return_exceptions=True)


def _explain(error: TelegramError) -> None:
    if isinstance(error, Conflict):
        log.error(
            "Telegram: another process is polling with this token, or a webhook is set. Only one may receive: "
            "stop the other one, or use MADOGUCHI_TELEGRAM_MODE=webhook."
        )
    elif isinstance(error, InvalidToken):
        log.error("Telegram does not know this bot: check MADOGUCHI_TELEGRAM_TOKEN")
    else:
        log.warning("getUpdates failed", extra={"error": type(error).__name__})
