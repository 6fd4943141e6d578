"""The dispatcher: sends what is owed, lane by lane, and may die at any point (architecture.md, "At-least-once, said honestly").

A lane is a channel. The process that holds the lane's lease claims rows (each chat's first due one), sends them side by side
and notes each outcome in a turn of its own. What it had in hand when it died is settled by `core.delivery.outbox.settle_lost`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from core.db import Database, Tx, arun
from core.delivery import leases, outbox
from core.delivery.outbox import Claimed
from core.delivery.ports import OutcomeUnknown, Owed, Sender, Unreachable
from core.dialogue import service as dialogue
from core.errors import PermanentError, TransientError

log = logging.getLogger(__name__)

SWEEP_SECONDS = 2.0  # the safety net under the wake-ups
DRAIN_SECONDS = 10.0
SEND_SECONDS = 45.0  # below `outbox.SEND_LEASE`: after that another one may send the row, so this one must have let go
RENEW = timedelta(seconds=5)

# Asked again at sending: None to send, a reason to withdraw, an instant to send later (quiet hours)
AskAgain = Callable[[Tx, Owed, str], "str | datetime | None"]
# Told when the person cannot be reached there: core marks the chat, staff see it, another channel may be used
Blocked = Callable[[Tx, Owed], None]


class Lane:
    """One channel's loop."""

    def __init__(
        self,
        database: Database,
        sender: Sender,
        owner: str,
        ask_again: AskAgain,
        blocked: Blocked,
        *,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        self._database = database
        self._sender = sender
        self._owner = owner
        self._ask_again = ask_again
        self._blocked = blocked
        self._send_seconds = send_seconds
        self._wake = asyncio.Event()
        self._stopping = False
        self._in_hand: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._lease_until: datetime | None = None

    def start(self) -> None:
        """Begin on the running loop."""
        loop = asyncio.get_running_loop()
        self._unlisten = self._database.wakeups.listen(
            f"outbox:{self._sender.channel}", lambda: loop.call_soon_threadsafe(self._wake.set)
        )
        self._task = asyncio.create_task(self._run(), name=f"lane-{self._sender.channel}")

    async def stop(self) -> None:
        """Claim nothing more, let what is in hand finish."""
        self._stopping = True
        self._wake.set()
        if self._task:
            await self._task
            self._unlisten()
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=DRAIN_SECONDS)

    async def _run(self) -> None:
        """Woken by what is owed, by each send that ends, and by the sweep: a stuck chat never holds up another one."""
        while not self._stopping:
            self._wake.clear()  # before the look: what is committed during it wakes again
            try:
                found = await self._claim_and_send()
            except Exception:
                log.exception("the lane stumbled and goes on", extra={"lane": self._sender.channel})
                await asyncio.sleep(1)
                continue
            if not found and not self._stopping:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), SWEEP_SECONDS)

    async def _claim_and_send(self) -> bool:
        """Keep the lane, claim as much as there are free hands, begin to send it; whether anything was found."""
        free = self._sender.in_flight - len(self._in_hand)

        def claim(tx: Tx) -> tuple[datetime | None, list[Claimed]]:
            until = self._lease_until
            if until is None or until - tx.real <= leases.LEASE - RENEW:
                until = leases.take_lease(tx, name=f"lane:{self._sender.channel}", owner=self._owner)
            if until is None or free <= 0 or self._stopping:
                return until, []
            return until, outbox.claim(tx, channel=self._sender.channel, owner=self._owner, limit=free)

        self._lease_until, claimed = await arun(self._database, claim, name="claim")
        for row in claimed:
            task = asyncio.create_task(self._send(row))
            self._in_hand.add(task)
            task.add_done_callback(self._sent)
        return bool(claimed)

    def _sent(self, task: "asyncio.Task[None]") -> None:
        self._in_hand.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # The row stays claimed; its lease runs out and `settle_lost` decides by the table
            log.error("an outcome could not be noted", extra={"lane": self._sender.channel}, exc_info=error)

    async def _send(self, row: Claimed) -> None:
        note = await self._outcome(row)
        if note is not None:
            await arun(self._database, note, name="note")

    async def _outcome(self, row: Claimed) -> Callable[[Tx], Any] | None:
        """Send one row; what is to be noted about it (None: it was withdrawn or put off)."""
        owed, owner = row.owed, self._owner
        try:
            if row.subject_key is not None and not await self._is_wanted(owed, row.subject_key):
                return None
        except Exception as error:
            log.exception("asking again failed: certainly not sent", extra={"outbox_id": owed.id})
            return _noted_not_sent(owed, owner, type(error).__name__, None)
        try:
            async with asyncio.timeout(self._send_seconds):
                sent = await self._sender.send(owed)
        except TimeoutError:
            log.error("a sender did not come back", extra={"lane": owed.channel, "outbox_id": owed.id})
            return _noted_unknown(owed, owner, "the sender did not come back in time")
        except Unreachable as error:
            return _noted_unreachable(owed, owner, _short(error), self._blocked)
        except TransientError as error:
            return _noted_not_sent(owed, owner, _short(error), error.retry_after)
        except PermanentError as error:
            why = _short(error)
            return lambda tx: outbox.record_dead(tx, outbox_id=owed.id, owner=owner, answer=why)
        except OutcomeUnknown as error:
            return _noted_unknown(owed, owner, _short(error))
        except Exception as error:
            # A bug in a sender: the row must not be lost, and whether it left is not known
            log.exception("a sender failed", extra={"lane": owed.channel, "outbox_id": owed.id})
            return _noted_unknown(owed, owner, type(error).__name__)
        return _noted_sent(owed, owner, sent.platform_ref, sent.answer)

    async def _is_wanted(self, owed: Owed, subject_key: str) -> bool:
        def ask(tx: Tx) -> bool:
            verdict = self._ask_again(tx, owed, subject_key)
            if verdict is None:
                return True
            if isinstance(verdict, datetime):
                outbox.postpone(tx, outbox_id=owed.id, owner=self._owner, due_at=verdict)
            else:
                outbox.record_cancelled(tx, outbox_id=owed.id, owner=self._owner, answer=verdict)
            return False

        return await arun(self._database, ask, name="ask again")


def _short(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__


def _noted_sent(owed: Owed, owner: str, ref: str, answer: str) -> Callable[[Tx], None]:
    def note(tx: Tx) -> None:
        outbox.record_sent(tx, outbox_id=owed.id, owner=owner, platform_ref=ref, answer=answer)
        if ref and owed.message_id is not None:
            dialogue.record_platform_ref(tx, message_id=owed.message_id, platform_ref=ref)

    return note


def _noted_not_sent(owed: Owed, owner: str, why: str, wait: float | None) -> Callable[[Tx], Any]:
    return lambda tx: outbox.record_not_sent(
        tx, outbox_id=owed.id, owner=owner, attempts=owed.attempts, answer=why, retry_after=wait
    )


def _noted_unknown(owed: Owed, owner: str, why: str) -> Callable[[Tx], None]:
    return lambda tx: outbox.record_unknown(
        tx, outbox_id=owed.id, owner=owner, channel=owed.channel, kind=owed.kind, attempts=owed.attempts, answer=why
    )


def _noted_unreachable(owed: Owed, owner: str, why: str, blocked: Blocked) -> Callable[[Tx], None]:
    def note(tx: Tx) -> None:
        if outbox.record_dead(tx, outbox_id=owed.id, owner=owner, answer=why):
            blocked(tx, owed)

    return note


async def settle_lost(database: Database) -> int:
    """The timed job: decide about rows whose sender died in the middle."""
    return await arun(database, outbox.settle_lost, name="settle lost")
