"""LINE's loading indicator: shown while an answer takes long, in one-to-one chats only; it ends when a message arrives.

A turn takes milliseconds: asking for it at every message would cost a call each and could overtake the answer, and then stand
there after it. So it is asked for when a turn has not ended after a moment, and when its delivery is kept for another try.
Source: https://developers.line.biz/en/docs/messaging-api/use-loading-indicator/
"""

import asyncio
from collections.abc import Awaitable, Callable

from bot.inbound import Ack, Inbound

LOADING_SECONDS = 20  # 5 to 60 in steps of 5
PATIENCE_SECONDS = 0.7
ANSWERED = frozenset({"text", "press", "date", "file", "start", "other"})  # acts that get an answer


class Waiting:
    """Watches turns; `show` asks LINE for the indicator of one person and never fails."""

    def __init__(self, show: Callable[[str], Awaitable[None]], *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._show, self._patience = show, patience_seconds
        self._tasks: set[asyncio.Task[None]] = set()

    async def over(self, inbound: Inbound, deliver: Callable[[Inbound], Awaitable[Ack]]) -> Ack:
        """Run the turn; what it answers or raises is its own."""
        if not inbound.private or inbound.kind not in ANSWERED:
            return await deliver(inbound)
        later = self._start(inbound.address, self._patience)
        try:
            ack = await deliver(inbound)
        finally:
            later.cancel()
        if ack.outcome == "kept":
            self._start(inbound.address, 0)
        return ack

    def _start(self, address: str, seconds: float) -> asyncio.Task[None]:
        task = asyncio.create_task(self._show_after(address, seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _show_after(self, address: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._show(address)

    async def close(self) -> None:
        """Nothing is shown any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
