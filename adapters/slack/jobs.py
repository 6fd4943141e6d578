"""What the Slack desk does by the clock: held answers leave, threads that are behind are looked at, missed words are read."""

import logging
from datetime import timedelta

from adapters.slack.calls import Calls
from adapters.slack.events import read_event, take
from adapters.slack.parts import Parts
from core.db import aread, arun
from core.delivery.ports import OutcomeUnknown
from core.errors import DomainError, PermanentError, TransientError
from core.teamchat import releases, threads
from core.teamchat.intake import TeamEvent
from core.teamchat.threads import ThreadView

log = logging.getLogger(__name__)

READ_EVERY = timedelta(minutes=4)
PER_TICK = 10  # threads read at a tick: conversations.replies is 50 a minute


class Jobs:
    """Harmless when repeated, and when two processes do them at once."""

    def __init__(self, parts: Parts, calls: Calls) -> None:
        self._parts, self._calls = parts, calls
        self._booted = False

    async def release_held(self) -> None:
        """Each in a turn of its own: one that the rules refuse holds up no other."""
        for release_id in await aread(self._parts.database, releases.list_due):
            try:
                await arun(
                    self._parts.database,
                    lambda tx, release_id=release_id: releases.release_now(tx, release_id=release_id),  # type: ignore[misc]
                    name="slack.release",
                )
            except DomainError as error:
                code = error.code
                await arun(
                    self._parts.database,
                    lambda tx, release_id=release_id, code=code: releases.refuse_release(  # type: ignore[misc]
                        tx, release_id=release_id, code=code
                    ),
                    name="slack.refuse",
                )

    async def look_behind(self) -> None:
        """Threads that do not show everything and for which nothing is owed any more (a crash, a row given up)."""
        for thread in await aread(self._parts.database, threads.list_behind):
            await arun(
                self._parts.database,
                lambda tx, thread=thread: threads.owe_look_if_idle(tx, thread),  # type: ignore[misc]
                name="slack.behind",
            )

    async def catch_up(self) -> None:
        """Read open threads since the last message known: at the start all of them, then each every few minutes.

        Socket Mode drops events while it reconnects (pains.md 12); what is read here is known by its ts if it came before.
        """
        clock = self._parts.clock
        before = clock.real() if not self._booted else clock.real() - READ_EVERY
        due = await aread(self._parts.database, lambda tx: threads.list_to_read(tx, before=before, limit=PER_TICK))
        private: set[str] = set()  # what stands in a channel shared with another company is not read
        for thread in due:
            try:
                if thread.place not in private:
                    await self._calls.need_private(thread.place)
                    private.add(thread.place)
                await self._read(thread)
            except (TransientError, OutcomeUnknown, PermanentError) as error:
                log.info("a thread could not be read: %s", error)
                return
        if len(due) < PER_TICK:
            self._booted = True

    async def _read(self, thread: ThreadView) -> None:
        root, own = thread.root_ref or "", await self._calls.own_ids()
        seen = max(thread.seen_ref, root)
        for message in await self._calls.replies(thread.place, root, after=seen):
            seen = max(seen, str(message["ts"]))
            event = read_event({**message, "channel": thread.place}, team=str(message.get("team") or ""))
            if event is not None and not own & {str(message.get("bot_id")), event.user} and await self._is_new(event):
                await take(self._parts, event, f"read:{event.place}:{event.ref}")
        await arun(
            self._parts.database,
            lambda tx: threads.record_read(tx, ticket_id=thread.ticket_id, seen_ref=seen),
            name="slack.read",
        )

    async def _is_new(self, event: TeamEvent) -> bool:
        found = await aread(self._parts.database, lambda tx: threads.find_post(tx, place=event.place, ref=event.ref))
        return found is None
