"""What is owed to the staff in Slack: looks at threads, remarks to one person, files to fetch."""

import logging
from datetime import datetime

from adapters.slack.blocks import Draw
from adapters.slack.calls import Calls, SlackDown, Time, Unclear
from adapters.slack.parts import Parts
from adapters.slack.sync import Sync
from core.db import Tx, aread, arun
from core.delivery.files import fill_file
from core.delivery.ports import OutcomeUnknown, Owed, Sent
from core.errors import PermanentError, TransientError
from core.teamchat.health import report_health
from core.teamchat.nudges import read_nudge, record_direct
from core.teamchat.threads import find_thread, owe_look, whisper

log = logging.getLogger(__name__)

IN_FLIGHT = 4
CHECK_EVERY_SECONDS = 600.0
MANY_TRIES = 40  # before the outbox gives a row up: a thread is never given up
UNCLEAR_SECONDS, LONGEST_SECONDS = 2.0, 60.0
TOO_LATE, NOT_THERE = "too late to be of use", "user_not_in_channel"


class SlackSender:
    """The way out to Slack (see `core.delivery.ports.Sender`)."""

    channel = "slack"
    in_flight = IN_FLIGHT

    def __init__(self, parts: Parts, draw: Draw, at: Time | None = None) -> None:
        self._parts, self._draw = parts, draw
        self._time = at or Time()
        self.calls = Calls(parts.client, self._time)
        self._sync = Sync(parts, self.calls, draw)
        self._health: str | None = None  # what was last reported; None: nothing yet
        self._checked_at = float("-inf")

    async def close(self) -> None:
        """Close the connections."""
        await self.calls.close()

    async def send(self, owed: Owed) -> Sent:
        """Send one row. Errors: TransientError (certainly not sent), PermanentError. While Slack cannot be used, rows wait."""
        try:
            sent = await self._send(owed)
        except SlackDown as error:
            await self._report(error.code)
            return await self._not_given_up(owed, error)
        except (Unclear, OutcomeUnknown) as error:
            await self._report("unclear")
            return await self._not_given_up(owed, TransientError(str(error), retry_after=_patience(owed.attempts)))
        except TransientError as error:
            return await self._not_given_up(owed, error)
        if sent.answer != TOO_LATE and owed.payload.get("op") != "fetch":  # those say nothing about the channel
            await self._report("")
        return sent

    async def _send(self, owed: Owed) -> Sent:
        op = owed.payload.get("op")
        if op == "sync":
            await self._check_channel(owed.address)
            return Sent("", await self._sync.run(int(owed.payload["ticket_id"])))
        if op == "whisper":
            return await self._whisper(owed)
        if op == "fetch":
            return await self._fetch(owed)
        if op == "nudge":
            return await self._nudge(owed)
        if op == "react":
            await self.calls.react(owed.address, str(owed.payload["ref"]), str(owed.payload["name"]))
            return Sent("", "shown")
        raise PermanentError(f"slack: no such act: {op}")

    async def _check_channel(self, place: str) -> None:
        """Nothing of a member goes to a channel that is shared with another company; asked now and then."""
        if self._time.now() - self._checked_at < CHECK_EVERY_SECONDS:
            return
        await self.calls.need_private(place)
        self._checked_at = self._time.now()

    async def _whisper(self, owed: Owed) -> Sent:
        payload = owed.payload
        if self._parts.clock.real() > datetime.fromisoformat(payload["until"]):
            return Sent("", TOO_LATE)
        try:
            await self.calls.whisper(
                owed.address, str(payload["user"]), self._draw.whisper(payload), thread=payload.get("thread")
            )
        except PermanentError as error:
            if NOT_THERE not in str(error):
                raise
            return Sent("", NOT_THERE)  # pressed in App Home by somebody who is not in the channel: the page shows it
        return Sent("", "told")

    async def _nudge(self, owed: Owed) -> Sent:
        """A reminder that cannot be brought is no trouble of a member's: the channel is told at the end."""
        payload = owed.payload
        nudge = await aread(self._parts.database, lambda tx: read_nudge(tx, payload))
        if nudge is None:
            return Sent("", "no longer of use")
        to, root = (nudge.direct.place, nudge.direct.root_ref) if nudge.direct is not None else (owed.address, None)
        try:
            place, ref = await self.calls.post_direct(to, self._draw.nudge(nudge), thread=root)
        except PermanentError as error:
            log.warning("a reminder to one of staff was not taken: %s", error)
            return Sent("", str(error)[:100])
        except SlackDown as error:
            if error.code != "channel_not_found":
                raise
            return Sent("", "this person cannot be written to")
        await arun(
            self._parts.database,
            lambda tx: record_direct(tx, payload, place=place, root_ref=root or ref),
            name="slack.nudge",
        )
        return Sent("", "told")

    async def _fetch(self, owed: Owed) -> Sent:
        """Bring a file of staff into the store; may be repeated. One that will never come is marked so, and its writer told."""
        try:
            content = await self.calls.download(str(owed.payload["remote_ref"]))
        except PermanentError:
            await self._fill(owed, None)
            raise
        await self._fill(owed, content)
        return Sent("", f"fetched {len(content)} bytes")

    async def _fill(self, owed: Owed, content: bytes | None) -> None:
        def fill(tx: Tx) -> None:
            given = owed.payload
            fill_file(tx, file_id=int(given["file_id"]), content=content)
            if content is None and given.get("user"):
                names = {"names": str(given["name"])}
                whisper(
                    tx, place=owed.address, root_ref=given["thread"], user=given["user"], key="file_failed", data=names
                )
            tx.wake("desk")

        await arun(self._parts.database, fill, name="slack.fetch", slow=True)

    async def _report(self, why: str) -> None:
        if why != self._health:
            await arun(self._parts.database, lambda tx: report_health(tx, why=why), name="slack.health")
            self._health = why
        if why:
            self._checked_at = float("-inf")  # whatever was wrong with the channel is asked again first

    async def _not_given_up(self, owed: Owed, error: TransientError) -> Sent:
        """As any row that could not be sent; but after many tries a thread is looked at by a new row, in its turn."""
        if owed.payload.get("op") != "sync" or owed.attempts < MANY_TRIES:
            raise error
        ticket_id = int(owed.payload["ticket_id"])

        def put_off(tx: Tx) -> None:
            thread = find_thread(tx, ticket_id=ticket_id)
            if thread is not None:
                owe_look(tx, thread)

        await arun(self._parts.database, put_off, name="slack.put_off")
        return Sent("", "put off to the next look")


def _patience(attempts: int) -> float:
    """Seconds until an unclear outcome is looked up: soon at first, slowly while Slack does not answer at all."""
    return float(min(UNCLEAR_SECONDS * 2 ** min(max(attempts - 1, 0), 10), LONGEST_SECONDS))
