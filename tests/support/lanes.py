"""A channel that is no network: what a lane sends, how each send ends, and waiting for what the rows say."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from bot.dispatch import SEND_SECONDS, Lane
from core.db import Database, Tx, arun
from core.delivery import outbox
from core.delivery.outbox import DeliveryView
from core.delivery.ports import Owed, Sent

DEADLINE_SECONDS = 20.0


class ScriptedSender:
    """Takes everything unless `fail` said otherwise; an address in `stuck` hangs until it is taken out."""

    def __init__(self, channel: str = "telegram", in_flight: int = 4) -> None:
        self.channel, self.in_flight = channel, in_flight
        self.received: list[tuple[str, str, int]] = []  # address, text, outbox id; each time it reached the platform
        self._failures: dict[str, deque[Exception]] = {}
        self._stuck: dict[str, asyncio.Event] = {}
        self._happened = asyncio.Condition()

    def fail(self, address: str, *errors: Exception) -> None:
        """The next sends to this address end so."""
        self._failures.setdefault(address, deque()).extend(errors)

    def stick(self, address: str) -> asyncio.Event:
        """Sends to this address hang until the event is set."""
        return self._stuck.setdefault(address, asyncio.Event())

    async def send(self, owed: Owed) -> Sent:
        """As `core.delivery.ports.Sender`."""
        self.received.append((owed.address, owed.payload["body"]["text"], owed.id))
        async with self._happened:
            self._happened.notify_all()
        if owed.address in self._stuck:
            await self._stuck[owed.address].wait()
        failures = self._failures.get(owed.address)
        if failures:
            raise failures.popleft()
        return Sent(f"ref-{len(self.received)}", "ok")

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait, send by send, until something is so."""
        async with asyncio.timeout(DEADLINE_SECONDS), self._happened:
            await self._happened.wait_for(true)

    def texts(self, address: str) -> list[str]:
        """What reached one address, in order."""
        return [text for there, text, _ in self.received if there == address]


def owe(tx: Tx, *, address: str, text: str, kind: str = "reply", channel: str = "telegram", **more: Any) -> int:
    """One message owed to a chat."""
    outbox_id = outbox.owe(
        tx,
        channel=channel,
        account="4242",
        address=address,
        order_key=f"{channel}:{address}",
        kind=kind,
        payload={"op": "say", "body": {"v": 1, "text": text}},
        reason="test",
        **more,
    )
    assert outbox_id is not None
    return outbox_id


def never_asks(tx: Tx, owed: Owed, subject_key: str) -> str | datetime | None:
    """Everything is still wanted."""
    return None


def tells_nobody(tx: Tx, owed: Owed) -> None:
    """Nobody wants to know who is unreachable."""


async def drain(lane: Lane) -> bool:
    """Send all that can be sent now, without the lane's own loop; whether there was anything."""
    sent = False
    while await lane._claim_and_send():
        sent = True
        while lane._in_hand:
            await asyncio.wait(set(lane._in_hand))
            await asyncio.sleep(0)  # an ended task leaves the lane's hand in a callback of the loop
    return sent


@asynccontextmanager
async def running(
    database: Database,
    sender: ScriptedSender,
    *,
    owner: str = "one",
    ask_again: Callable[[Tx, Owed, str], str | datetime | None] = never_asks,
    blocked: Callable[[Tx, Owed], None] = tells_nobody,
    send_seconds: float = SEND_SECONDS,
) -> AsyncIterator[Lane]:
    """A lane at work."""
    lane = Lane(database, sender, owner, ask_again, blocked, send_seconds=send_seconds)
    lane.start()
    try:
        yield lane
    finally:
        await lane.stop()


async def row(database: Database, outbox_id: int) -> DeliveryView:
    """The delivery record as it stands."""
    found = await arun(database, lambda tx: outbox.find_delivery(tx, outbox_id=outbox_id), name="look")
    assert found is not None
    return found


async def until_row(database: Database, outbox_id: int, true: Callable[[DeliveryView], bool]) -> DeliveryView:
    """Look at the row, again and again, until it is so."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not true(found := await row(database, outbox_id)):
            pass
    return found
