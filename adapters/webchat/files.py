"""`POST /chat/files` and `GET /chat/files/{token}`: files of the conversation, kept in the database."""

import asyncio
import hashlib
import re
import unicodedata
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from adapters.webchat.acts import answer_ack, deliver, delivery_key, read_language
from adapters.webchat.guards import Refused, need_address, need_same_origin, spool_body
from adapters.webchat.ports import ACCOUNT, CHANNEL, Webchat
from adapters.webchat.session import source_of
from bot.inbound import Inbound, InboundFile
from core.db import Tx, aread, arun
from core.delivery.files import MAX_FILE_BYTES, FileContent, FileView, find_chat_file, find_file, store_file
from core.delivery.quota import has_room
from core.dialogue.service import find_chat, lock_chat_by_id

UPLOAD_SECONDS = 600.0  # 20 MB at 300 kbit/s; a sender that dawdles longer is cut off
SHOWN = ("image/jpeg", "image/png", "image/gif", "image/webp")  # in the page; others are offered as a download
KNOWN = (*SHOWN, "application/pdf", "text/plain", "text/csv", "application/zip")
_MIME = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,58}", re.ASCII)


async def receive_file(web: Webchat, request: Request) -> Response:
    """The raw file as body; `?key=` of the page, `?name=`, `?lang=`. Stored, then a turn of its own kind.

    A repeat with the same key finds the stored file again: one file, one effect.
    Refused: 403, 401, 413 `too_large` over 20 MB (nothing stored), 400 `empty_file`, 409 `no_chat` before the chat began,
    409 `upload_quota` when the hour's limits are reached (not 429, after which the page would try again by itself).
    """
    need_same_origin(web.settings, request)
    address = need_address(web.settings, request)
    key = delivery_key(address, request.query_params.get("key"))
    name = clean_name(request.query_params.get("name", ""))
    mime = clean_mime(request.headers.get("content-type", ""))
    source = source_of(web.settings, request)
    announced = request.headers.get("content-length", "")
    least = int(announced) if announced.isdecimal() and len(announced) <= 12 else 1
    if least <= MAX_FILE_BYTES:  # before a byte of it is taken; asked again under the chat's lock
        await aread(web.database, lambda tx: need_room(tx, address=address, key=key, source=source, size_bytes=least))
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            spool = await spool_body(request, MAX_FILE_BYTES)
    except TimeoutError as error:
        raise Refused(408, "too_slow") from error
    with spool:
        content = spool.read()
    if not content:
        raise Refused(400, "empty_file")
    stored = await arun(
        web.database,
        lambda tx: keep_upload(tx, address=address, key=key, name=name, mime=mime, content=content, source=source),
        name="webchat.upload",
        slow=True,
    )
    file = InboundFile(file_id=stored.id, name=stored.name, mime=stored.mime, size_bytes=stored.size_bytes)
    inbound = Inbound(
        channel=CHANNEL,
        account=ACCOUNT,
        address=address,
        delivery_key=key,
        kind="file",
        files=(file,),
        language_hint=read_language(request.query_params.get("lang")),
        source=source,
    )
    return answer_ack(await deliver(web, inbound))


def need_room(tx: Tx, *, address: str, key: str, source: str, size_bytes: int) -> FileView | None:
    """The file if this key's is stored already, else whether there is room for it.

    Refused 409 `no_chat`: a file belongs to a chat, and the page opens it first; 409 `upload_quota`.
    """
    chat = find_chat(tx, channel=CHANNEL, account=ACCOUNT, address=address)
    if chat is None:
        raise Refused(409, "no_chat")
    found = find_chat_file(tx, chat_id=chat.id, remote_ref=upload_ref(key))
    linked = chat.member_id is not None
    if found is None and not has_room(tx, chat_id=chat.id, linked=linked, source_hash=source, size_bytes=size_bytes):
        raise Refused(409, "upload_quota")
    return found


def keep_upload(tx: Tx, *, address: str, key: str, name: str, mime: str, content: bytes, source: str = "") -> FileView:
    """Store once for each key, one after the other in each chat. Refused as `need_room`."""
    chat = find_chat(tx, channel=CHANNEL, account=ACCOUNT, address=address)
    if chat is not None:
        lock_chat_by_id(tx, chat_id=chat.id)
    found = need_room(tx, address=address, key=key, source=source, size_bytes=len(content))
    return found or store_file(
        tx,
        chat_id=chat.id if chat is not None else None,
        name=name,
        mime=mime,
        content=content,
        remote_ref=upload_ref(key),
        source_hash=source,
    )


def upload_ref(key: str) -> str:
    """How a stored file remembers the page's key."""
    return "upload:" + hashlib.sha256(key.encode()).hexdigest()


async def send_file(web: Webchat, request: Request) -> Response:
    """A file of this browser's chat; for anybody else it does not exist (404 `no_file`)."""
    address = need_address(web.settings, request)
    token = str(request.path_params["token"]).replace("\0", "")  # PostgreSQL takes no NUL
    file = await aread(web.database, lambda tx: own_file(tx, address=address, token=token))
    if file is None or file.content is None:
        raise Refused(404, "no_file")
    shown = file.mime in SHOWN
    headers = {
        "Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(file.name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, max-age=86400",
    }
    mime = file.mime if file.mime in KNOWN else "application/octet-stream"
    return Response(file.content, headers=headers, media_type=mime)


def own_file(tx: Tx, *, address: str, token: str) -> FileContent | None:
    """The file if it belongs to the chat of this address (what the member, the bot or staff put there)."""
    chat = find_chat(tx, channel=CHANNEL, account=ACCOUNT, address=address)
    file = find_file(tx, token=token) if chat else None
    return file if chat and file and file.chat_id == chat.id else None


def clean_name(name: str) -> str:
    """The last part of a path, without control and direction characters; the end with its extension is kept."""
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp")).strip()
    return kept[-120:] or "file"


def clean_mime(value: str) -> str:
    """Type and subtype only; what is none is `application/octet-stream`."""
    kind = value.partition(";")[0].strip().lower()
    return kind if _MIME.fullmatch(kind) else "application/octet-stream"
