"""What is owed to a Telegram chat: said, redrawn in place where that works, fetched; every end of a send has its own name."""

import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from telegram import Bot, InputFile, LinkPreviewOptions, Message
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError

from adapters.telegram.draw import Part, draw
from adapters.telegram.pace import Pace, Time
from adapters.telegram.request import NotSent, PerhapsSent
from core.db import Database, Tx, aread, arun
from core.delivery.files import MAX_FILE_BYTES, fill_file, find_file
from core.delivery.ports import OutcomeUnknown, Owed, Sent, Unreachable
from core.errors import PermanentError, TransientError

log = logging.getLogger(__name__)

IN_FLIGHT = 24  # fewer than the 30 places of the pace: nobody waits for a place that nobody gives back
SEND_SECONDS = 30.0  # a bubble in many parts stops here and goes on at the next try, within the outbox's lease
BAD_TOKEN_RETRY_SECONDS = 300.0
FETCH_RETRY_SECONDS = 3.0
REMEMBERED_PARTS = 1_000
_PREVIEW = LinkPreviewOptions(is_disabled=True)
_GONE = (
    "chat not found",
    "user is deactivated",
    "peer_id_invalid",
    "bot was kicked",
    "bot was blocked",
    "user not found",
)
_NOT_EDITABLE = (
    "message can't be edited", "message to edit not found", "there is no text in the message to edit", "message_id_invalid",
    "message identifier is not specified", "there is no caption in the message to edit",
)  # fmt: skip
T = TypeVar("T")
_Call = Callable[[dict[str, Any]], Awaitable[Message | bool]]


class TelegramSender:
    """The way out of one bot (see `core.delivery.ports.Sender`)."""

    channel = "telegram"
    in_flight = IN_FLIGHT

    def __init__(self, bot: Bot, database: Database, *, public_url: str = "", at: Time | None = None) -> None:
        self._bot = bot
        self._database = database
        self._public_url = public_url
        self._time = at or Time()
        self._pace = Pace(self._time)
        self._doubtful = False  # the last outcome was unclear: ask getMe before anything that cannot be repeated
        self._sent_parts: dict[int, list[str]] = {}  # owed id → refs of the parts that arrived before a failure

    async def send(self, owed: Owed) -> Sent:
        """Send one row.

        Errors: TransientError (certainly not sent), Unreachable (blocked or gone), PermanentError (Telegram refuses it),
        OutcomeUnknown (sent, but no answer). Source: platforms.md 1, "Sending limits".
        """
        if self._doubtful:
            await self._translated(self._probe())
        if owed.payload["op"] == "fetch":
            return await self._fetch(owed)
        return await self._say(owed)

    async def _probe(self) -> None:
        """After an unclear outcome: so an outage makes a handful of messages unclear, not all that are owed."""
        try:
            await self._bot.get_me()
        except (RetryAfter, InvalidToken):
            raise
        except TelegramError as error:
            raise NotSent(error.message) from error  # only the question was lost
        self._doubtful = False

    async def _say(self, owed: Owed) -> Sent:
        parts = draw(owed.payload["body"], public_url=self._public_url)
        strip = [str(ref) for ref in owed.payload.get("strip") or ()]
        replaces = str(owed.payload.get("replaces") or "")
        refs = self._sent_parts.pop(owed.id, [])
        if replaces:
            one_text = (
                sum(part.file is None for part in parts) <= 1
            )  # files stay as they are; the last part has the words
            redrawable = not refs and one_text and replaces.isascii() and replaces.isdigit()
            if redrawable and await self._translated(self._edit(owed, parts[-1], replaces)):
                await self._strip(owed.address, [ref for ref in strip if ref != replaces])
                return Sent(replaces, "edited")
            if owed.payload["body"].get("author") == "staff":
                await self._withdraw(
                    owed.address, replaces
                )  # what a person took back or changed must not stay readable
            strip = [replaces, *(ref for ref in strip if ref != replaces)]
        await self._send_parts(owed, parts, refs)
        await self._strip(owed.address, strip)
        return Sent(refs[-1], "sent" if len(refs) == 1 else f"sent in {len(refs)} parts")

    async def _send_parts(self, owed: Owed, parts: list[Part], refs: list[str]) -> None:
        """Send those that have no ref yet; what has arrived is remembered, so that a second try does not repeat it."""
        started = self._time.now()
        try:
            for part in parts[len(refs) :]:
                if self._time.now() - started > SEND_SECONDS:
                    raise TransientError("a long message goes on later", retry_after=1)
                refs.append(await self._translated(self._send_part(owed, part)))
        except (TransientError, OutcomeUnknown):
            if refs:
                self._sent_parts[owed.id] = refs
            if len(self._sent_parts) > REMEMBERED_PARTS:
                del self._sent_parts[next(iter(self._sent_parts))]
            raise

    async def _edit(self, owed: Owed, part: Part, ref: str) -> bool:
        """Redraw an older bubble; False when Telegram says that this one cannot be redrawn."""

        async def call(text: dict[str, Any]) -> Message | bool:
            place: dict[str, Any] = {"chat_id": owed.address, "message_id": int(ref), "reply_markup": part.keyboard}
            if part.file is not None:
                return await self._bot.edit_message_caption(**place, **text)
            return await self._bot.edit_message_text(**place, link_preview_options=_PREVIEW, **text)

        try:
            async with self._pace.message(owed.address):
                await _html_or_plain(call, "text" if part.file is None else "caption", part)
        except BadRequest as error:
            reason = error.message.lower()
            if "message is not modified" in reason:
                return True
            if any(text in reason for text in _NOT_EDITABLE):
                return False
            raise
        except PerhapsSent as error:
            self._doubtful = True
            raise NotSent(error.message) from error  # redrawing twice gives the same bubble: it may be repeated
        return True

    async def _send_part(self, owed: Owed, part: Part) -> str:
        if part.file is None:

            async def call(text: dict[str, Any]) -> Message | bool:
                return await self._bot.send_message(
                    chat_id=owed.address, reply_markup=part.keyboard, link_preview_options=_PREVIEW, **text
                )

            async with self._pace.message(owed.address):
                return _ref(await _html_or_plain(call, "text", part))
        upload = await self._upload(part)

        async def call_file(text: dict[str, Any]) -> Message | bool:
            if part.is_photo:
                return await self._bot.send_photo(owed.address, upload, reply_markup=part.keyboard, **text)
            return await self._bot.send_document(
                owed.address, upload, reply_markup=part.keyboard, disable_content_type_detection=True, **text
            )

        async with self._pace.message(owed.address):
            return _ref(await _html_or_plain(call_file, "caption", part))

    async def _upload(self, part: Part) -> InputFile:
        token = str(part.file["token"]) if part.file else ""
        stored = await aread(self._database, lambda tx: find_file(tx, token=token))
        if stored is not None and stored.state == "pending":
            raise TransientError("the file is still on its way to us", retry_after=5)
        if stored is None or stored.content is None:
            raise PermanentError("the file is not in the store")
        return InputFile(stored.content, filename=stored.name)

    async def _strip(self, address: str, refs: list[str]) -> None:
        """Old keyboards away; what fails stays, since a press on an old button is answered anyway."""
        for ref in refs:
            with contextlib.suppress(TelegramError, TransientError, ValueError):
                async with self._pace.call():
                    await self._bot.edit_message_reply_markup(chat_id=address, message_id=int(ref))

    async def _withdraw(self, address: str, ref: str) -> None:
        """Delete a message that cannot be changed; Telegram refuses after 48 hours, and then it stays."""
        with contextlib.suppress(TelegramError, TransientError, ValueError):
            async with self._pace.call():
                await self._bot.delete_message(chat_id=address, message_id=int(ref))

    async def _fetch(self, owed: Owed) -> Sent:
        """Bring a member's file into the store; may be repeated. One that will never come is marked as failed."""
        file_id = int(owed.payload["file_id"])
        try:
            content = await self._translated(self._download(str(owed.payload["remote_ref"])))
        except (OutcomeUnknown, TransientError) as error:
            after = error.retry_after if isinstance(error, TransientError) else FETCH_RETRY_SECONDS
            raise TransientError(str(error), retry_after=after) from error
        except PermanentError:
            await self._store(owed, file_id, None)
            raise
        await self._store(owed, file_id, content)
        return Sent("", f"fetched {len(content)} bytes")

    async def _download(self, remote_ref: str) -> bytes:
        file = await self._bot.get_file(remote_ref)
        if (file.file_size or 0) > MAX_FILE_BYTES:
            raise PermanentError("the file is larger than 20 MB")
        content = bytes(await file.download_as_bytearray())
        if len(content) > MAX_FILE_BYTES:
            raise PermanentError("the file is larger than 20 MB")
        return content

    async def _store(self, owed: Owed, file_id: int, content: bytes | None) -> None:
        def fill(tx: Tx) -> None:
            fill_file(tx, file_id=file_id, content=content)
            tx.wake("desk")
            if owed.chat_id is not None:
                tx.wake(f"chat:{owed.chat_id}")

        await arun(self._database, fill, name="telegram.fetch", slow=True)

    async def _translated(self, call: Awaitable[T]) -> T:
        """Await `call` and name its failure by what follows from it (see `send`)."""
        try:
            return await call
        except RetryAfter as error:
            seconds = _seconds(error)
            self._pace.pause(seconds)
            log.warning("telegram asks to wait", extra={"seconds": seconds})
            raise TransientError("telegram asks to wait", retry_after=seconds) from error
        except NotSent as error:
            raise TransientError(f"telegram: {error.message}") from error
        except Forbidden as error:
            raise Unreachable(f"telegram: {_reason(error)}") from error
        except BadRequest as error:
            if any(text in error.message.lower() for text in _GONE):
                raise Unreachable(f"telegram: {_reason(error)}") from error
            raise PermanentError(f"telegram refused: {_reason(error)}") from error
        except ChatMigrated as error:
            raise PermanentError("telegram: the group has become a supergroup with a new id") from error
        except InvalidToken as error:
            log.error("telegram does not know this bot: check MADOGUCHI_TELEGRAM_TOKEN")
            raise TransientError("telegram: wrong token", retry_after=BAD_TOKEN_RETRY_SECONDS) from error
        except TelegramError as error:  # time-out, lost connection, gateway error, unreadable answer
            self._doubtful = True
            raise OutcomeUnknown(f"telegram: {_reason(error)}") from error


def _seconds(error: RetryAfter) -> float:
    asked: timedelta = error._retry_after  # the public name warns at each use until its type has changed
    return asked.total_seconds()


def _reason(error: TelegramError) -> str:
    """Telegram's own words without what it quotes from the message."""
    return re.sub(r'".*"', '"…"', error.message, flags=re.DOTALL)[:120]


async def _html_or_plain(call: _Call, field: str, part: Part) -> Message | bool:
    """Our markup, or none of it should Telegram not be able to read it: the words matter more than the bold."""
    if not part.runs:
        return await call({})
    try:
        return await call({field: part.html, "parse_mode": ParseMode.HTML})
    except BadRequest as error:
        if "can't parse entities" not in error.message.lower():
            raise
        log.error("telegram could not read our markup: sent as plain text")
        return await call({field: part.plain})


def _ref(message: Message | bool) -> str:
    return str(message.message_id) if isinstance(message, Message) else ""
