"""`GET /chat/messages`: history, and what a page missed, by sequence number."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from adapters.webchat.guards import Refused, json_answer, need_address
from adapters.webchat.ports import ACCOUNT, CHANNEL, Webchat
from core.db import Tx, aread
from core.dialogue.service import MessageView, find_chat, list_latest, list_messages

PAGE = 50
MAX_PAGE = 200


async def list_history(web: Webchat, request: Request) -> Response:
    """`?after=SEQ`: what came later, oldest first; `?before=SEQ`: the page before it; neither: the newest page.

    A browser without a chat yet gets an empty list and `last_seq` 0. Refused 400 `bad_number`.
    """
    address = need_address(web.settings, request)
    after, before = read_number(request, "after"), read_number(request, "before")
    limit = min(read_number(request, "limit") or PAGE, MAX_PAGE)
    return json_answer(
        await aread(web.database, lambda tx: show_history(tx, address=address, after=after, before=before, limit=limit))
    )


def show_history(tx: Tx, *, address: str, after: int | None, before: int | None, limit: int) -> dict[str, Any]:
    """The public form of a stretch of the chat."""
    chat = find_chat(tx, channel=CHANNEL, account=ACCOUNT, address=address)
    if chat is None:
        return {"messages": [], "last_seq": 0, "language": None}
    if after is not None:
        found = list_messages(tx, chat_id=chat.id, after_seq=after, limit=limit)
    else:
        found = list_latest(tx, chat_id=chat.id, before_seq=before or 2**62, limit=limit)
    return {
        "messages": [show_message(message) for message in found],
        "last_seq": chat.last_seq,
        "language": chat.language,
    }


def show_message(message: MessageView) -> dict[str, Any]:
    """What a browser may know of a message: never what its buttons do."""
    return {
        "seq": message.seq,
        "author": message.author,
        "author_name": message.author_name,
        "kind": message.kind,
        "body": message.body,
        "at": message.at,
        "edited_at": message.edited_at,
    }


def read_number(request: Request, name: str) -> int | None:
    """A count or sequence number of the query; None when absent. Refused 400 `bad_number`."""
    value = request.query_params.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= 18):
        raise Refused(400, "bad_number")
    return int(value)
