"""What is owed to a LINE chat: by its free reply token while that is fresh, else by a push under a key that may be repeated."""

import logging
import uuid
from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import aiohttp
import orjson
from linebot.v3.messaging import (
    AsyncApiClient,
    AsyncMessagingApi,
    Configuration,
    PushMessageRequest,
    ReplyMessageRequest,
)
from linebot.v3.messaging.exceptions import ApiException

from adapters.line.draw import FileUrl, Json, draw
from core.clock import Clock
from core.db import Database, Tx, aread, arun
from core.delivery.files import MAX_FILE_BYTES, fill_file
from core.delivery.ports import OutcomeUnknown, Owed, Sent, Unreachable
from core.delivery.settings import get_setting
from core.errors import PermanentError, TransientError

log = logging.getLogger(__name__)

IN_FLIGHT = 24
PER_CALL = 5  # messages in one reply or push; a push of five costs as much quota as one of one
CALL_SECONDS = 10.0
FETCH_SECONDS = 40.0
RATE_RETRY_SECONDS = 30.0
QUOTA_RETRY_SECONDS = 3_600.0
BAD_TOKEN_RETRY_SECONDS = 300.0
FETCH_RETRY_SECONDS = 5.0
REMEMBERED_REPLIES = 1_000
UNSENT, UNCLEAR, SENT = "unsent", "unclear", "sent"
_KEYS = uuid.UUID("6f9d7a1e-52a1-4f0e-9d55-7c0a7b1c1f10")


class LineSender:
    """The way out of one channel (see `core.delivery.ports.Sender`)."""

    channel = "line"
    in_flight = IN_FLIGHT

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        token: str,
        api_url: str,
        data_url: str,
        public_url: str = "",
        file_url: FileUrl | None = None,
    ) -> None:
        self._database, self._clock = database, clock
        self._token, self._api_url, self._data_url = token, api_url, data_url
        self._public_url, self._file_url = public_url, file_url
        self._client: AsyncApiClient | None = None
        self._session: aiohttp.ClientSession | None = None
        self._replies: dict[int, str] = {}  # how the reply of a row ended that is not finished: unsent, unclear, sent

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
        if self._session is not None:
            await self._session.close()

    @property
    def api(self) -> AsyncMessagingApi:
        """The SDK's client, made on the running loop: outside of one it cannot be."""
        if self._client is None:
            self._client = AsyncApiClient(Configuration(access_token=self._token, host=self._api_url))
        return AsyncMessagingApi(self._client)

    async def send(self, owed: Owed) -> Sent:
        """Send one row. Errors: TransientError (certainly not sent), Unreachable, PermanentError, OutcomeUnknown.

        Source: https://developers.line.biz/en/docs/messaging-api/retrying-api-request/
        """
        if owed.payload["op"] == "fetch":
            return await self._fetch(owed)
        if owed.payload["op"] == "menu":
            return await self._menu(owed)
        bodies = [owed.payload["body"], *(owed.payload.get("more") or ())]
        messages = [m for body in bodies for m in draw(body, public_url=self._public_url, file_url=self._file_url)]
        chunks = [messages[at : at + PER_CALL] for at in range(0, len(messages), PER_CALL)]
        ref = how = ""
        for number, chunk in enumerate(chunks):
            if number == 0 and (self._replies.get(owed.id) == SENT or await self._reply(owed, chunk)):
                how = "reply"
                continue
            ref = await self._push(owed, chunk, number) or ref
            how = "reply and push" if how.startswith("reply") else "push"
        self._replies.pop(owed.id, None)
        return Sent(ref, how)

    async def _reply(self, owed: Owed, messages: list[Json]) -> bool:
        """By the reply token, which is free; False when there is none, or LINE takes it no more: then it is pushed.

        A token counts once. After an unclear outcome it is tried again: refused then, it was used, so the answer is there.
        What another process tried before it died is pushed: a double does less harm than a loss (algorithms.md 8).
        """
        reply = owed.payload.get("reply")
        before = self._replies.pop(owed.id, "")
        may_try = owed.attempts == 1 or before in (UNSENT, UNCLEAR)
        if not reply or not may_try or self._clock.real() >= datetime.fromisoformat(reply["until"]):
            return False
        request = ReplyMessageRequest.from_dict({"replyToken": reply["token"], "messages": messages})
        try:
            await self.api.reply_message(request, _request_timeout=CALL_SECONDS)
        except ApiException as error:
            if error.status == 400 and "reply token" in _words(error).lower():
                return before == UNCLEAR
            raise self._kept(owed, _named(error)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._kept(owed, _lost(error)) from error
        self._remember(owed, SENT)
        return True

    def _kept(self, owed: Owed, error: Exception) -> Exception:
        self._remember(owed, UNCLEAR if isinstance(error, OutcomeUnknown) else UNSENT)
        return error

    def _remember(self, owed: Owed, how: str) -> None:
        self._replies[owed.id] = how
        if len(self._replies) > REMEMBERED_REPLIES:
            del self._replies[next(iter(self._replies))]

    async def _push(self, owed: Owed, messages: list[Json], number: int) -> str:
        request = PushMessageRequest.from_dict({"to": owed.address, "messages": messages})
        try:
            answer = await self.api.push_message(
                request, x_line_retry_key=retry_key(owed, number), _request_timeout=CALL_SECONDS
            )
        except ApiException as error:
            if error.status == 409:  # this very push was taken before
                return ""
            raise _named(error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _lost(error) from error
        return str(answer.sent_messages[-1].id) if answer.sent_messages else ""

    async def _menu(self, owed: Owed) -> Sent:
        """The rich menu of this person's state; nothing to do where `madoguchi line setup` has made none. May be repeated."""
        wanted = f"{owed.payload['state']}-{owed.payload['language']}"
        ids = await aread(self._database, lambda tx: get_setting(tx, key="line_menus", default={}))
        if wanted not in ids:
            return Sent("", "no rich menus")
        try:
            await self.api.link_rich_menu_id_to_user(owed.address, ids[wanted], _request_timeout=CALL_SECONDS)
        except ApiException as error:
            raise _named(error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TransientError(f"line: {type(error).__name__}", retry_after=FETCH_RETRY_SECONDS) from error
        return Sent("", wanted)

    async def _fetch(self, owed: Owed) -> Sent:
        """Bring a member's file into the store; may be repeated. One that will never come is marked as failed."""
        file_id = int(owed.payload["file_id"])
        try:
            content = await _as_transient(self._download(str(owed.payload["remote_ref"])))
        except PermanentError:
            await self._store(owed, file_id, None)
            raise
        await self._store(owed, file_id, content)
        return Sent("", f"fetched {len(content)} bytes")

    async def _download(self, message_id: str) -> bytes:
        """At most the 20 MB we keep: LINE does not say how large a video is before it is read."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.get(
            f"{self._data_url}/v2/bot/message/{message_id}/content",
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=aiohttp.ClientTimeout(total=FETCH_SECONDS),
        ) as answer:
            if answer.status == 202:
                raise TransientError("line is still preparing the file", retry_after=FETCH_RETRY_SECONDS)
            if answer.status in (400, 404, 410):
                raise PermanentError(f"line: no such content ({answer.status})")
            if answer.status != 200:
                raise TransientError(f"line: content answered {answer.status}", retry_after=RATE_RETRY_SECONDS)
            content = bytearray()
            async for chunk in answer.content.iter_chunked(65_536):
                content += chunk
                if len(content) > MAX_FILE_BYTES:
                    raise PermanentError("the file is larger than 20 MB")
            return bytes(content)

    async def _store(self, owed: Owed, file_id: int, content: bytes | None) -> None:
        def fill(tx: Tx) -> None:
            fill_file(tx, file_id=file_id, content=content)
            tx.wake("desk")
            if owed.chat_id is not None:
                tx.wake(f"chat:{owed.chat_id}")

        await arun(self._database, fill, name="line.fetch", slow=True)


def retry_key(owed: Owed, number: int) -> str:
    """The same for the same part of the same row, in any process: LINE takes it once within 24 hours."""
    return str(uuid.uuid5(_KEYS, f"{owed.account}:{owed.id}:{number}"))


async def _as_transient(download: Awaitable[bytes]) -> bytes:
    try:
        return await download
    except (aiohttp.ClientError, TimeoutError) as error:
        raise TransientError(f"line: {type(error).__name__}", retry_after=FETCH_RETRY_SECONDS) from error


def _named(error: ApiException) -> Exception:
    """A refusal by what follows from it; LINE's own words without what they quote of the message."""
    words = _words(error)
    if error.status == 429 and "monthly" in words.lower():
        log.error("LINE: this month's messages are used up; pushes wait")
        return TransientError("line: monthly quota used up", retry_after=QUOTA_RETRY_SECONDS)
    if error.status == 429:
        return TransientError("line asks to wait", retry_after=_retry_after(error))
    if error.status in (401, 403):
        log.error("LINE does not accept our token: check MADOGUCHI_LINE_CHANNEL_TOKEN")
        return TransientError(f"line: token refused ({error.status})", retry_after=BAD_TOKEN_RETRY_SECONDS)
    if error.status == 400 and any(text in words.lower() for text in _GONE):
        return Unreachable("line: failed to send (not a friend of this account)")
    if error.status is not None and error.status < 500:
        return PermanentError(f"line refused ({error.status}): {words}"[:200])
    return OutcomeUnknown(f"line: {error.status}")


_GONE = ("failed to send messages", "the property, 'to',")  # not a friend any more; no such user


def _lost(error: Exception) -> Exception:
    if isinstance(error, aiohttp.ClientConnectorError):
        return TransientError(f"line: {type(error).__name__}")  # never connected: certainly not sent
    return OutcomeUnknown(f"line: {type(error).__name__}")


def _words(error: ApiException) -> str:
    """LINE's `message` and the properties it complains about, never the values."""

    try:
        body: Any = orjson.loads(error.body or b"{}")
    except (ValueError, TypeError):
        return ""
    if not isinstance(body, dict):
        return ""
    where = ", ".join(str(d.get("property", "")) for d in body.get("details") or () if isinstance(d, dict))
    return f"{body.get('message', '')} {where}".strip()[:150]


def _retry_after(error: ApiException) -> float:
    try:
        return max(1.0, float((error.headers or {}).get("Retry-After", "")))
    except ValueError:
        return RATE_RETRY_SECONDS
