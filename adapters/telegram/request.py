"""HTTP for python-telegram-bot on aiohttp, which says of every failure whether the request can have arrived.

Sending a message has no idempotency key, so "not sent" and "perhaps sent" must never be mixed up (algorithms.md 8): a
refused connection was certainly not sent, a time-out while waiting for the answer perhaps was.
"""

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

READ_SECONDS = 15.0
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 45.0  # below the outbox's lease of 60 s: a send must end before somebody else takes it
KEEP_ALIVE_SECONDS = 15.0  # shorter than the server's: a connection closed meanwhile looks like "perhaps sent"
FALLBACK_RETRY_SECONDS = 5  # a 429 that does not say how long
POOL_SIZE = 64


class NotSent(NetworkError):
    """The request certainly did not reach Telegram, or Telegram said itself that it did nothing."""


class PerhapsSent(TimedOut):
    """The request left, no usable answer came: it may or may not have had its effect."""


def is_loopback(url: str) -> bool:
    """Whether a URL points at this machine (a double, a Bot API server of one's own): no proxy, no link for phones."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class AiohttpRequest(BaseRequest):
    """One pool of connections. python-telegram-bot wants two of these: one of them for `getUpdates`."""

    def __init__(self, *, api_url: str, read_seconds: float = READ_SECONDS) -> None:
        self._proxies = not is_loopback(api_url)  # HTTPS_PROXY and the like count, except for loopback
        self._read_seconds = read_seconds
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        """Seconds to wait for an answer when the call does not say."""
        return self._read_seconds

    async def initialize(self) -> None:
        """Open the pool; may be repeated."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=POOL_SIZE, keepalive_timeout=KEEP_ALIVE_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector, trust_env=self._proxies, auto_decompress=True)

    async def shutdown(self) -> None:
        """Close the pool; may be repeated."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Status and body. Errors: NotSent, PerhapsSent, RetryAfter; their texts never hold the URL, which has the token."""
        await self.initialize()
        if self._session is None:  # for the type checker: initialize sets it
            raise NotSent("no session")
        read = self._read_seconds if read_timeout is BaseRequest.DEFAULT_NONE else read_timeout
        connect = CONNECT_SECONDS if connect_timeout is BaseRequest.DEFAULT_NONE else connect_timeout
        timeout = aiohttp.ClientTimeout(
            total=max(TOTAL_SECONDS, (read or 0) + CONNECT_SECONDS),
            connect=connect,
            sock_connect=connect,
            sock_read=read,
        )
        try:
            async with self._session.request(method, url, data=_body(request_data), timeout=timeout) as response:
                status, payload = response.status, await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotSent(f"not connected: {type(error).__name__}") from None
        except TimeoutError:
            raise PerhapsSent("no answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise PerhapsSent(f"connection lost: {type(error).__name__}") from None
        _refuse_server_errors(status, payload)
        return status, payload

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """As the base class, without writing the payload (which may hold a member's words) into the log."""
        try:
            parsed = orjson.loads(payload)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise TelegramError("Invalid server response")
        return parsed


def _body(request_data: RequestData | None) -> aiohttp.FormData | dict[str, str] | None:
    if request_data is None:
        return None
    if not request_data.contains_files:
        return request_data.json_parameters
    form = aiohttp.FormData(quote_fields=False)
    for name, text in request_data.json_parameters.items():
        form.add_field(name, text)
    for name, (filename, content, mime) in request_data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=mime)
    return form


def _refuse_server_errors(status: int, payload: bytes) -> None:
    """5xx: from Telegram itself (it says ok: false) nothing was done; from a gateway before it nobody knows."""
    if status == 429 and b'"retry_after"' not in payload:
        raise RetryAfter(FALLBACK_RETRY_SECONDS)
    if status == 413:
        raise BadRequest("Request Entity Too Large")
    if status in {502, 504}:
        raise PerhapsSent(f"gateway answered {status}")
    if status >= 500:
        raise NotSent(f"server answered {status}")
