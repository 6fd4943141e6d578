"""Calls of Slack's Web API: at Slack's pace, without hidden repeats, each failure named by what follows from it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.blocks import Drawn
from core.delivery.files import MAX_FILE_BYTES
from core.delivery.ports import OutcomeUnknown
from core.errors import PermanentError, TransientError

log = logging.getLogger(__name__)

STEP_SECONDS = 1.05  # chat.postMessage: one a second in a channel, short bursts allowed (platforms.md 3)
BURST = 3
LONGEST_WAIT_SECONDS = 15.0  # a longer wait goes back to the outbox
OUTAGE_RETRY_SECONDS = 60.0
FETCH_SECONDS = 40.0
EVENT_TYPE = "madoguchi_post"
# What an admin of the workspace has to mend; everything owed waits until then
BROKEN = frozenset(
    {
        "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "missing_scope", "no_permission",
        "not_allowed_token_type", "org_login_required", "ekm_access_denied", "team_access_not_granted", "access_denied",
        "channel_not_found", "not_in_channel", "is_archived", "restricted_action", "restricted_action_thread_only_channel",
        "restricted_action_read_only_channel", "ext_shared",
    }
)  # fmt: skip
PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
GONE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "cant_delete_message", "thread_not_found"}
)


class SlackDown(TransientError):
    """Slack cannot be used at all for now: rows wait, and the browser desk says so. `code` is Slack's word for it."""

    def __init__(self, code: str, *, retry_after: float = OUTAGE_RETRY_SECONDS) -> None:
        super().__init__(f"slack: {code}", retry_after=retry_after)
        self.code = code


class Unclear(TransientError):
    """Nobody knows whether it was done; the next try finds out by itself (a mark, the same drawing again)."""


class PostGone(PermanentError):
    """The message to be changed is not there (any more), or may not be changed."""


@dataclass(frozen=True, slots=True)
class Time:
    """Monotonic seconds and sleeping, handed in: tests have their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Calls:
    """The Web API as the desk needs it. Errors of all: TransientError, SlackDown, PermanentError, OutcomeUnknown."""

    def __init__(self, client: AsyncWebClient, at: Time | None = None) -> None:
        self._client, self._time = client, at or Time()
        self._ready: dict[str, float] = {}  # channel → when its allowance would be whole again (GCRA)
        self._paused: dict[str, float] = {}  # method → not before
        self._own: frozenset[str] = frozenset()
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def post(
        self, place: str, drawn: Drawn, *, thread: str | None, mark: dict[str, Any], broadcast: bool = False
    ) -> str:
        """One message; gives its ts. `mark` is how it is found again should its answer be lost."""
        await self._turn(place)
        answer = await self._call(
            "chat.postMessage",
            self._client.chat_postMessage,
            channel=place,
            text=drawn.text,
            blocks=drawn.blocks or None,
            attachments=drawn.attachments or None,
            thread_ts=thread,
            reply_broadcast=True if broadcast and thread else None,
            metadata={"event_type": EVENT_TYPE, "event_payload": mark},
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(answer["ts"])

    async def post_direct(self, to: str, drawn: Drawn, *, thread: str | None) -> tuple[str, str]:
        """To one person, by their id (U…) or by their direct channel (D…); gives that channel and the message's ts."""
        await self._turn(to)
        answer = await self._call(
            "chat.postMessage",
            self._client.chat_postMessage,
            channel=to,
            text=drawn.text,
            blocks=drawn.blocks or None,
            thread_ts=thread,
            unfurl_links=False,
        )
        return str(answer["channel"]), str(answer["ts"])

    async def react(self, place: str, ref: str, name: str) -> None:
        """An emoji of our own under a message; it may stand there already."""
        try:
            await self._call("reactions.add", self._client.reactions_add, channel=place, timestamp=ref, name=name)
        except PermanentError as error:
            log.info("no reaction was added: %s", error)

    async def update(self, place: str, ref: str, drawn: Drawn, *, broadcast: bool = False) -> None:
        """Draw one of our messages anew; may be repeated. `broadcast` shows a reply in the channel too. Errors: also PostGone.

        Source: https://docs.slack.dev/reference/methods/chat.update/ (reply_broadcast)
        """
        await self._call(
            "chat.update",
            self._client.chat_update,
            channel=place,
            ts=ref,
            text=drawn.text,
            blocks=drawn.blocks,
            attachments=drawn.attachments,
            reply_broadcast=True if broadcast else None,
        )

    async def whisper(self, place: str, user: str, drawn: Drawn, *, thread: str | None) -> None:
        """A message that one person sees."""
        await self._call(
            "chat.postEphemeral",
            self._client.chat_postEphemeral,
            channel=place,
            user=user,
            text=drawn.text,
            blocks=drawn.blocks or None,
            thread_ts=thread,
        )

    async def find_marked(self, place: str, post_id: int, *, thread: str | None, since: float) -> str | None:
        """The ts of our message with this mark, if it arrived after all; None: it did not.

        Source: https://docs.slack.dev/messaging/message-metadata/
        """
        found: dict[str, Any] = {"channel": place, "oldest": f"{since:.6f}", "limit": 200, "include_all_metadata": True}
        cursor = ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            if thread is None:
                answer = await self._call("conversations.history", self._client.conversations_history, **found, **more)
            else:
                answer = await self._call(
                    "conversations.replies", self._client.conversations_replies, ts=thread, **found, **more
                )
            for message in answer.get("messages") or ():
                metadata = message.get("metadata") or {}
                payload = metadata.get("event_payload") or {}
                if metadata.get("event_type") == EVENT_TYPE and str(payload.get("post_id")) == str(post_id):
                    return str(message["ts"])
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return None

    async def replies(self, place: str, thread: str, *, after: str) -> list[dict[str, Any]]:
        """What stands in a thread after a ts, oldest first."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            answer = await self._call(
                "conversations.replies",
                self._client.conversations_replies,
                channel=place,
                ts=thread,
                oldest=after,
                limit=200,
                **({"cursor": cursor} if cursor else {}),
            )
            found += [message for message in answer.get("messages") or () if str(message.get("ts", "")) > after]
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return found

    async def own_ids(self) -> frozenset[str]:
        """Our bot's id and user id; asked once."""
        if not self._own:
            answer = await self._call("auth.test", self._client.auth_test)
            self._own = frozenset(str(answer[name]) for name in ("bot_id", "user_id") if answer.get(name))
        return self._own

    async def channel_info(self, place: str) -> dict[str, Any]:
        """What Slack says of a channel."""
        answer = await self._call("conversations.info", self._client.conversations_info, channel=place)
        return dict(answer["channel"])

    async def need_private(self, place: str) -> None:
        """Errors: SlackDown for a channel shared with another company (nothing of members goes there), or an archived one."""
        info = await self.channel_info(place)
        if info.get("is_ext_shared") or info.get("is_pending_ext_shared"):
            raise SlackDown("ext_shared")
        if info.get("is_archived"):
            raise SlackDown("is_archived")

    async def begin_upload(self, name: str, content: bytes) -> str:
        """Bytes to Slack, shown nowhere yet; gives Slack's id of the file. Repeating it makes another unseen file.

        Source: https://docs.slack.dev/reference/methods/files.getUploadURLExternal/
        """
        answer = await self._call(
            "files.getUploadURLExternal",
            self._client.files_getUploadURLExternal,
            filename=name,
            length=len(content),
        )
        try:
            session = self._open_session()
            async with session.post(
                str(answer["upload_url"]), data=content, timeout=aiohttp.ClientTimeout(total=FETCH_SECONDS)
            ) as uploaded:
                if uploaded.status != 200:
                    raise TransientError(f"slack: upload answered {uploaded.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TransientError(f"slack: {type(error).__name__}") from error  # nobody sees it yet
        return str(answer["file_id"])

    async def share_upload(self, file_id: str, title: str, *, place: str, thread: str, comment: str) -> None:
        """Show an uploaded file in a thread."""
        await self._turn(place)
        await self._call(
            "files.completeUploadExternal",
            self._client.files_completeUploadExternal,
            files=[{"id": file_id, "title": title}],
            channel_id=place,
            thread_ts=thread,
            initial_comment=comment,
        )

    async def is_shared(self, file_id: str) -> bool:
        """Whether an uploaded file stands in a channel (its sharing was answered by nobody)."""
        try:
            answer = await self._call("files.info", self._client.files_info, file=file_id)
        except PermanentError:
            return False
        file = answer.get("file") or {}
        return bool(file.get("channels") or file.get("groups") or file.get("shares"))

    async def delete_file(self, file_id: str) -> None:
        """A file of ours goes away; one that is gone is gone."""
        try:
            await self._call("files.delete", self._client.files_delete, file=file_id)
        except PermanentError:
            log.info("a file to be deleted was not there")

    async def download(self, url: str) -> bytes:
        """A file that staff put into a thread. A page instead of bytes means that `files:read` is missing."""
        try:
            async with self._open_session().get(
                url,
                headers={"Authorization": f"Bearer {self._client.token}"},
                timeout=aiohttp.ClientTimeout(total=FETCH_SECONDS),
            ) as answer:
                if answer.status in (403, 404, 410):
                    raise PermanentError(f"slack: no such file ({answer.status})")
                if answer.status != 200:
                    raise TransientError(f"slack: file answered {answer.status}", retry_after=OUTAGE_RETRY_SECONDS)
                content = bytearray()
                async for chunk in answer.content.iter_chunked(65_536):
                    content += chunk
                    if len(content) > MAX_FILE_BYTES:
                        raise PermanentError("the file is larger than 20 MB")
                if answer.content_type == "text/html" and b"<html" in bytes(content[:1_000]).lower():
                    raise PermanentError("slack gave a page instead of the file: is the scope files:read there?")
                return bytes(content)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TransientError(f"slack: {type(error).__name__}") from error

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    async def _turn(self, place: str) -> None:
        """Wait for the channel's turn: one a second, a burst of three."""
        now = self._time.now()
        whole_at = max(self._ready.get(place, now), now)
        self._ready[place] = whole_at + STEP_SECONDS
        wait = whole_at - (BURST - 1) * STEP_SECONDS - now
        if wait > LONGEST_WAIT_SECONDS:
            self._ready[place] = whole_at
            raise TransientError("slack: the channel's pace", retry_after=wait)
        if wait > 0:
            await self._time.sleep(wait)

    async def _call(
        self, method: str, call: Callable[..., Awaitable[AsyncSlackResponse]], **given: Any
    ) -> AsyncSlackResponse:
        left = self._paused.get(method, 0.0) - self._time.now()
        if left > 0:
            raise TransientError("slack asks to wait", retry_after=left)
        try:
            return await call(**{name: value for name, value in given.items() if value is not None})
        except SlackApiError as error:
            raise self._named(method, error) from error
        except aiohttp.ClientConnectorError as error:
            raise SlackDown("unreachable", retry_after=5.0) from error  # never connected: certainly not done
        except (aiohttp.ClientError, TimeoutError, SlackClientError) as error:
            raise OutcomeUnknown(f"slack: {type(error).__name__}") from error

    def _named(self, method: str, error: SlackApiError) -> Exception:
        response = error.response
        status = int(getattr(response, "status_code", 200))
        data = response.data if isinstance(getattr(response, "data", None), dict) else {}
        code = str(data.get("error") or "")
        if status == 429 or code in ("ratelimited", "rate_limited"):
            seconds = _retry_after(response)
            self._paused[method] = self._time.now() + seconds
            log.warning("slack asks to wait", extra={"method": method, "seconds": seconds})
            return TransientError("slack asks to wait", retry_after=seconds)
        if code in BROKEN:
            log.error("slack refuses: %s", code, extra={"method": method})
            return SlackDown(code, retry_after=OUTAGE_RETRY_SECONDS)
        if code in GONE:
            return PostGone(f"slack: {code}")
        if status >= 500 or code in PASSING or not code:
            return OutcomeUnknown(f"slack: {code or status}")
        return PermanentError(f"slack refused {method}: {code}"[:200])


def _retry_after(response: Any) -> float:
    headers = getattr(response, "headers", None) or {}
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        return max(1.0, float(value))
    except (TypeError, ValueError):
        return 30.0
