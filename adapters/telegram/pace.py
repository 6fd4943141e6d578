"""Telegram's pace, kept exactly: about 30 messages a second in all, one a second in a chat, 20 a minute in a group.

A leaky bucket lets its first burst and its refill into the same second and Telegram refuses. Here each of the 30 places is
free again one second (and a margin) after its last message was *answered*. Telegram counts a message somewhere between its
leaving and its answer, so no 31st can fall into the second of the first, whatever the delays on the way.
Source: https://core.telegram.org/bots/faq ("My bot is hitting limits").
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from core.errors import TransientError

PLACES = 30
WINDOW_SECONDS = 1.0
MARGIN_SECONDS = 0.1  # jitter of clocks and of Telegram's own counting
BURST = 3  # a chat may get this many at once (an answer in parts, a receipt after a screen), then one a step
PRIVATE_STEP_SECONDS = 1.05
GROUP_STEP_SECONDS = 3.4  # with the burst: 3 + 17 = 20 in any minute
LONGEST_WAIT_SECONDS = 15.0  # a longer wait goes back to the outbox: the row's lease must not run out meanwhile
MANY_CHATS = 10_000


@dataclass(frozen=True, slots=True)
class Time:
    """Monotonic seconds and sleeping, handed in: tests have their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Pace:
    """The pace of one bot in one process (the lane's lease sees to it that only one process sends)."""

    def __init__(self, at: Time | None = None, *, places: int = PLACES) -> None:
        self._time = at or Time()
        self._free: asyncio.Queue[float] = asyncio.Queue()  # when each place may be used again; filled in order of time
        for _ in range(places):
            self._free.put_nowait(float("-inf"))
        self._paused_until = float("-inf")
        self._chats: dict[str, float] = {}  # chat → when its allowance would be whole again (GCRA)

    def pause(self, seconds: float) -> None:
        """Telegram said "retry after": nothing leaves before."""
        self._paused_until = max(self._paused_until, self._time.now() + seconds + MARGIN_SECONDS)

    @asynccontextmanager
    async def message(self, address: str) -> AsyncIterator[None]:
        """Hold this while one message (or an edit of one) is sent. Errors: TransientError when the wait would be long."""
        await self._until(self._chat_ready_at(address))
        async with self.call():
            try:
                yield
            finally:
                self._note(address)  # also after a failure: it may have been counted

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """As `message`, for acts that no chat's own limit counts (taking a keyboard away)."""
        ready_at = await self._free.get()
        try:
            await self._until(ready_at)
            await self._until(self._paused_until)
        except BaseException:
            self._free.put_nowait(ready_at)  # nothing was sent from this place
            raise
        try:
            yield
        finally:
            self._free.put_nowait(self._time.now() + WINDOW_SECONDS + MARGIN_SECONDS)

    async def _until(self, at: float) -> None:
        while (wait := at - self._time.now()) > 0:
            if wait > LONGEST_WAIT_SECONDS:
                raise TransientError("telegram asks to wait", retry_after=wait)
            await self._time.sleep(wait)

    def _chat_ready_at(self, address: str) -> float:
        step = _step(address)
        return self._chats.get(address, float("-inf")) - (BURST - 1) * step

    def _note(self, address: str) -> None:
        now = self._time.now()
        self._chats[address] = max(self._chats.get(address, now), now) + _step(address)
        if len(self._chats) > MANY_CHATS:
            self._chats = {chat: whole_at for chat, whole_at in self._chats.items() if whole_at > now}


def _step(address: str) -> float:
    return GROUP_STEP_SECONDS if address.startswith("-") else PRIVATE_STEP_SECONDS
