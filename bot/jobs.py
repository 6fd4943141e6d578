"""Every timed job, in one table. Each is a tick: what is due is a query over rows, so a missed tick loses nothing."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from adapters.scheduler import Job
from bot import turn
from bot.deployment import Bot
from bot.dispatch import settle_lost
from bot.holding import deliver_held
from bot.staff_away import mail_urgent
from core.billing import lapse
from core.contracts import ending
from core.db import Database, Tx, arun
from core.delivery import inbox, leases, setaside
from core.delivery.setaside import RowFailed
from core.dialogue import forms
from core.members import sessions
from core.profiles.model import Profile
from core.reminders import service as reminders
from core.tickets import service as tickets
from core.tickets import ticks

log = logging.getLogger(__name__)

LEADER = "leader"
MOST_RETRIES = 100  # rounds in one tick; the next tick goes on
MOST_CHUNKS = 2_000  # a bound, not an expectation

PORTION_SECONDS = 0.02  # of one transaction of a job: on SQLite every chat waits for it (docs/decisions, "The turn")
FIRST_PORTION, LARGEST_PORTION = 16, 1_000

Chunk = Callable[[Tx, int], int]  # does at most so much of what is due; 0: nothing is left


@dataclass(slots=True)
class Portion:
    """How much of a job goes into one transaction: what takes about `PORTION_SECONDS`, found by measuring.

    A contract that is only looked at costs 50 µs, one whose member is written to 4 ms: no fixed number fits both.
    """

    size: int = FIRST_PORTION

    def learn(self, seconds: float) -> None:
        """After a portion that took so long."""
        if seconds > 2 * PORTION_SECONDS:
            self.size = max(1, int(self.size * PORTION_SECONDS / seconds))
        elif seconds < PORTION_SECONDS:
            self.size = min(LARGEST_PORTION, self.size * 2)


@dataclass(slots=True)
class Ticks:
    """The jobs of one process. Only the leader works; leadership saves work, correctness rests on unique keys."""

    database: Database
    bot: Bot
    owner: str
    _leads_until: datetime | None = None
    _portions: dict[str, Portion] = field(default_factory=dict)

    def business(self) -> Sequence[tuple[str, str, float, Chunk]]:
        """What follows from dates: name, what it does, seconds between ticks, one chunk. Clock travel runs these."""
        profile: Profile = self.bot.profile
        return (
            (
                "contracts",
                "契約の状態を日付に合わせる (active → in grace → ended)",
                60,
                lambda tx, most: ending.end_expired(tx, profile=profile, limit=most),
            ),
            (
                "lapse",
                "期限を過ぎた請求書を失効させる",
                60,
                lambda tx, most: lapse.lapse_due(tx, profile=profile, limit=most),
            ),
            ("tickets", "解決から24時間でボットに戻す", 60, lambda tx, most: tickets.hand_back_due(tx)),
            ("ticket_due", "回答の期限を担当者に知らせる", 30, lambda tx, most: ticks.warn_due(tx, limit=most)),
            (
                "ticket_wake",
                "保留の終わったお問い合わせを戻す",
                60,
                lambda tx, most: ticks.wake_snoozed(tx, limit=most),
            ),
            (
                "ticket_quiet",
                "お返事のないお問い合わせに伺い、その後に解決済みにする",
                60,
                lambda tx, most: ticks.end_silence(tx, profile=profile, limit=most),
            ),
            (
                "ticket_held",
                "宛先を選ばれなかった言葉を担当者に届ける",
                60,
                lambda tx, most: deliver_held(tx, self.bot, most),
            ),
            (
                "staff_away",
                "Slackにつながらない間、緊急のお問い合わせをメールで担当者に知らせる",
                60,
                lambda tx, most: mail_urgent(tx, self.bot),
            ),
            ("reminders", "更新案内を送る", 30, lambda tx, most: reminders.tick(tx, profile, limit=most)),
        )

    def table(self) -> Sequence[Job]:
        """All jobs of the product."""
        return (
            Job("lead", "one process leads", self._lead, every_seconds=5),
            *(
                Job(name, what, self._leading(name, chunk), every_seconds=seconds)
                for name, what, seconds, chunk in self.business()
            ),
            Job("inbox", "try failed deliveries again, in each chat's order", self.retry_inbox, every_seconds=1),
            Job("lost", "settle sends whose sender died", self._settle_lost, every_seconds=5),
            Job(
                "forms",
                "end forms that nobody touched for a day",
                self._leading("forms", _expire_forms),
                every_seconds=600,
            ),
            Job(
                "sessions",
                "delete ended desk sessions",
                self._leading("sessions", lambda tx, _: sessions.purge_sessions(tx)),
                daily_at="03:40",
            ),
            Job(
                "purge",
                "delete raw deliveries after 14 days",
                self._leading("purge", lambda tx, _: inbox.purge(tx)),
                daily_at="03:30",
            ),
        )

    async def run_business(self) -> None:
        """All date-driven jobs, now, to the end (clock travel, start after downtime)."""
        for name, _, _, chunk in self.business():
            await self._run_chunks(name, chunk)

    async def retry_inbox(self) -> None:
        """Each chat's first kept delivery whose time has come, each in a turn of its own, until nothing is due."""
        for _ in range(MOST_RETRIES):
            due = await arun(self.database, inbox.list_due, name="list inbox")
            for kept in due:
                await self._retry(kept.id)
            if not due:
                return

    async def _retry(self, inbox_id: int) -> None:
        """One more try. Should even telling the failure fail, it is counted all the same: it must not hold up other chats."""
        try:
            await arun(
                self.database,
                lambda tx: turn.retry(tx, inbox_id, self.bot),
                failed=lambda tx, error: turn.on_retry_failure(tx, error, inbox_id, self.bot),
                name="retry",
            )
        except Exception as error:
            log.exception("a failed delivery could not be told", extra={"inbox_id": inbox_id})
            why = type(error).__name__
            await arun(
                self.database, lambda tx: inbox.fail_again(tx, inbox_id=inbox_id, error=why), name="retry failed"
            )

    async def _lead(self) -> None:
        self._leads_until = await arun(
            self.database, lambda tx: leases.take_lease(tx, name=LEADER, owner=self.owner), name="lead"
        )

    def _leading(self, name: str, chunk: Chunk) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            if self._leads_until is None:
                await self._lead()
            if self._leads_until is not None:
                await self._run_chunks(name, chunk)

        return run

    async def _run_chunks(self, name: str, chunk: Chunk) -> None:
        portion = self._portions.setdefault(name, Portion())

        def measured(tx: Tx) -> int:
            start = time.perf_counter()
            done = chunk(tx, portion.size)
            portion.learn(time.perf_counter() - start)
            return done

        for _ in range(MOST_CHUNKS):
            try:
                if await arun(self.database, measured, name=name, slow=True) == 0:
                    return
            except RowFailed as failed:
                log.exception(
                    "a timed job sets one row aside and goes on", extra={"job": name, "subject_id": failed.subject_id}
                )
                await arun(self.database, partial(setaside.set_aside, failed=failed), name="set aside")
            except Exception:
                if portion.size == 1:
                    raise
                log.exception("a portion failed; the job goes on row by row", extra={"job": name})
                portion.size = 1
        log.warning("a timed job has more to do than its bound; it goes on at the next tick", extra={"job": name})

    async def _settle_lost(self) -> None:
        await settle_lost(self.database)


def _expire_forms(tx: Tx, _: int) -> int:
    forms.expire_old(tx)
    return 0
