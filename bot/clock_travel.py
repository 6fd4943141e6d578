"""Demo's clock: moved on day by day, so that what would have happened on each day happens in its order."""

import asyncio
from datetime import datetime, time, timedelta

from bot.jobs import Ticks
from core.clock import SystemClock, at_in_japan, day_in_japan
from core.db import Database, Tx, aread, arun
from core.delivery import outbox
from core.delivery.settings import get_setting, set_setting

OFFSET = "clock_offset_seconds"
DRAIN_TRIES = 40
DRAIN_PAUSE_SECONDS = 0.05


async def load_offset(database: Database, clock: SystemClock) -> None:
    """The offset all processes share: a restart in demo goes on in the demo's time."""
    seconds = await aread(database, lambda tx: get_setting(tx, key=OFFSET, default=0.0))
    clock.offset = timedelta(seconds=float(seconds))


class ClockTravel:
    """Moves the demo clock; each day's date-driven jobs run at the hour reminders leave, and once at the end."""

    def __init__(self, database: Database, clock: SystemClock, ticks: Ticks, channels: tuple[str, ...]) -> None:
        self._database = database
        self._clock = clock
        self._ticks = ticks
        self._channels = channels
        self._one_at_a_time = asyncio.Lock()

    async def travel(self, to: datetime) -> datetime:
        """To the instant `to`, which must not be before the demo's now; returns the demo's now."""
        async with self._one_at_a_time:
            for stop in self._stops(self._clock.now(), to):
                await self._set(stop)
                await self._ticks.run_business()
                await self._drain()
            return self._clock.now()

    def _stops(self, now: datetime, to: datetime) -> list[datetime]:
        rules = self._ticks.bot.profile.reminders
        minutes = rules.send_at.hour * 60 + rules.send_at.minute + rules.spread_minutes + 1
        hour = time(min(minutes // 60, 23), minutes % 60 if minutes < 24 * 60 else 59)
        stops = []
        day = day_in_japan(now)
        while day <= day_in_japan(to):
            at = at_in_japan(day, hour)
            if now < at < to:
                stops.append(at)
            day += timedelta(days=1)
        return [*stops, to]

    async def _set(self, to: datetime) -> None:
        offset = to - self._clock.real()
        await arun(
            self._database,
            lambda tx: set_setting(tx, key=OFFSET, value=offset.total_seconds()),
            name="clock",
        )
        self._clock.offset = offset

    async def _drain(self) -> None:
        """Let what became due leave before the next day comes; a channel that is down does not stop the clock."""

        def waiting(tx: Tx) -> bool:
            return any(outbox.has_due(tx, channel=channel) for channel in self._channels)

        for _ in range(DRAIN_TRIES):
            if not await aread(self._database, waiting):
                return
            await asyncio.sleep(DRAIN_PAUSE_SECONDS)
