"""How an open page's stream waits: a bell on the event loop, rung from any thread by wake-ups (decision 0007)."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from core.db import SHUTDOWN_TOPIC, Wakeups


class Bell:
    """Rung when one of the topics has news or the process is ending; heard on the loop it was made on."""

    def __init__(self, wakeups: Wakeups, topics: Sequence[str]) -> None:
        self.closing = False
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()
        self._stops = ExitStack()
        for topic in topics:
            self._stops.callback(wakeups.listen(topic, self._from_thread(self._rung.set)))
        self._stops.callback(wakeups.listen(SHUTDOWN_TOPIC, self._from_thread(self._close)))

    def clear(self) -> None:
        """From now on only new rings count."""
        if not self.closing:
            self._rung.clear()

    async def wait(self, seconds: float) -> bool:
        """True when it rang, False when nothing happened for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        return True

    def stop(self) -> None:
        """Listen no more."""
        self._stops.close()

    def _close(self) -> None:
        self.closing = True
        self._rung.set()

    def _from_thread(self, ring: Callable[[], None]) -> Callable[[], None]:
        def called() -> None:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(ring)

        return called
