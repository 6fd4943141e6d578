"""APScheduler as an alarm clock (decision 0005): it ticks in every process, memory store only; what is due is in our tables."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from core.clock import SystemClock

log = logging.getLogger(__name__)

TIMEZONE = "Asia/Tokyo"


@dataclass(frozen=True, slots=True)
class Job:
    """One timed job. `every_seconds`, or `daily_at` "HH:MM" in Japan; `run` must be harmless when repeated.

    `at_start`: the first time at once, because something may have been missed while nothing ran.
    """

    name: str
    what: str
    run: Callable[[], Awaitable[None]]
    every_seconds: float | None = None
    daily_at: str | None = None
    at_start: bool = False

    def trigger(self) -> BaseTrigger:
        """APScheduler's trigger, zone given: a naive one would mean the machine's."""
        if self.daily_at is not None:
            hour, minute = self.daily_at.split(":")
            return CronTrigger(hour=int(hour), minute=int(minute), timezone=TIMEZONE)
        return IntervalTrigger(seconds=self.every_seconds, timezone=TIMEZONE)


class Scheduler:
    """Starts and stops the jobs on the running loop."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone=TIMEZONE, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        for job in jobs:
            first = {"next_run_time": SystemClock().real()} if job.at_start else {}
            self._scheduler.add_job(job.run, job.trigger(), id=job.name, name=job.what, replace_existing=True, **first)
        self._scheduler.add_listener(_tell, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        """From inside the running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """No further ticks."""
        self._scheduler.shutdown(wait=False)


def _tell(event: JobExecutionEvent) -> None:
    if event.code == EVENT_JOB_ERROR:
        log.error("a timed job failed and will run again", extra={"job": event.job_id}, exc_info=event.exception)
    else:
        log.debug("a tick was left out; the next one catches up", extra={"job": event.job_id})
