"""An event of LINE's webhook → what a person did. Nothing a person sends disappears: what has no form of ours is "other"."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.inbound import MAX_TEXT, Inbound, InboundFile, raw_words

CHANNEL = "line"
REPLY_FOR = timedelta(seconds=50)  # LINE promises no figure; integrators see about a minute (platforms.md 2)
_FILES = {
    "image": ("image/jpeg", ".jpg"),
    "video": ("video/mp4", ".mp4"),
    "audio": ("audio/mp4", ".m4a"),
    "file": ("application/octet-stream", ""),
}
_MIME_OF = {
    ".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".txt": "text/plain",
    ".csv": "text/csv", ".zip": "application/zip", ".heic": "image/heic",
}  # fmt: skip


def parse_event(event: dict[str, Any], *, account: str) -> Inbound | None:
    """What this event says a person did; None for what is nothing of ours (standby mode, no sender, an empty id).

    `account` is the bot's user id (`destination`): the same person has one address for each provider.
    Source: https://developers.line.biz/en/reference/messaging-api/#webhook-event-objects
    """
    source = event.get("source")
    key = event.get("webhookEventId")
    if event.get("mode") == "standby" or not isinstance(source, dict) or not isinstance(key, str) or not key:
        return None
    kind = source.get("type")
    address = source.get({"group": "groupId", "room": "roomId"}.get(str(kind), "userId"))
    if not isinstance(address, str) or not address:
        return None
    base: dict[str, Any] = {
        "channel": CHANNEL,
        "account": account,
        "address": address,
        "delivery_key": key,
        "private": kind == "user",
        **_reply(event),
    }
    read = _READERS.get(str(event.get("type")))
    try:
        return read(event, base) if read is not None else _unknown(event, base, str(event.get("type")))
    except (TypeError, ValueError, AttributeError):  # a known kind in a form newer than this program
        return _unknown(event, base, str(event.get("type")))


def _reply(event: dict[str, Any]) -> dict[str, str]:
    token, at = event.get("replyToken"), event.get("timestamp")
    if not isinstance(token, str) or not token or not isinstance(at, int):
        return {}
    try:
        until = datetime.fromtimestamp(at / 1000, UTC) + REPLY_FOR
    except (OverflowError, OSError, ValueError):  # no time that a calendar holds
        return {}
    return {"reply_token": token, "reply_until": until.isoformat()}


def _message(event: dict[str, Any], base: dict[str, Any]) -> Inbound:
    message = event.get("message")
    message = message if isinstance(message, dict) else {}
    base = {**base, "message_ref": str(message.get("id") or "")}
    kind = str(message.get("type"))
    if kind == "text":
        return _text(str(message.get("text") or ""), base)
    if kind in _FILES:
        return _file(kind, message, base)
    if kind == "sticker":
        words = message.get("text") or ", ".join(str(word) for word in (message.get("keywords") or ())[:3])
        return Inbound(**base, kind="other", other="sticker", text=str(words)[:200])
    if kind == "location":
        parts = (message.get("title"), message.get("address"), message.get("latitude"), message.get("longitude"))
        return Inbound(**base, kind="other", other="location", text=" ".join(str(p) for p in parts if p is not None))
    return _unknown(event, base, kind)


def _text(text: str, base: dict[str, Any]) -> Inbound:
    if text.split(maxsplit=1)[:1] == ["/start"]:
        return Inbound(**base, kind="start", text="/start", payload=text.removeprefix("/start").strip())
    return Inbound(**base, kind="text", text=text[:MAX_TEXT], cut=len(text) > MAX_TEXT)


def _file(kind: str, message: dict[str, Any], base: dict[str, Any]) -> Inbound:
    mime, ending = _FILES[kind]
    name = str(message.get("fileName") or f"{kind}_{message.get('id')}{ending}")
    if kind == "file":
        mime = _MIME_OF.get("." + name.rpartition(".")[2].lower(), mime)
    size = message.get("fileSize")
    # An image that a company's own server provides is not at LINE; its address would make us fetch from anywhere
    external = (message.get("contentProvider") or {}).get("type") == "external"
    if external:
        return Inbound(**base, kind="other", other=kind)
    file = InboundFile(0, name, mime, size if isinstance(size, int) else 0, str(message.get("id")))
    return Inbound(**base, kind="file", other="" if kind == "file" else kind, files=(file,))


def _postback(event: dict[str, Any], base: dict[str, Any]) -> Inbound:
    postback = event.get("postback")
    postback = postback if isinstance(postback, dict) else {}
    params = postback.get("params")
    day = str(params.get("date") or "") if isinstance(params, dict) else ""
    data = str(postback.get("data") or "")
    if data.startswith("say:"):  # a tile of the rich menu
        return Inbound(**base, kind="text", text=data.removeprefix("say:")[:200])
    return Inbound(**base, kind="date" if day else "press", handle=data, date=day)


def _follow(event: dict[str, Any], base: dict[str, Any]) -> Inbound:
    """Added as a friend, or unblocked: both are greeted, and both make the chat reachable again."""
    return Inbound(**base, kind="start", text="/start")


def _unfollow(event: dict[str, Any], base: dict[str, Any]) -> Inbound:
    return Inbound(**base, kind="blocked")


def _unsend(event: dict[str, Any], base: dict[str, Any]) -> Inbound:
    unsend = event.get("unsend")
    return Inbound(
        **base, kind="unsend", message_ref=str(unsend.get("messageId") or "") if isinstance(unsend, dict) else ""
    )


def _edited(event: dict[str, Any], base: dict[str, Any]) -> Inbound:
    message = event.get("message")
    message = message if isinstance(message, dict) else {}
    text = str(message.get("text") or "")
    return Inbound(**base, kind="edit", text=text[:MAX_TEXT], message_ref=str(message.get("id") or ""))


def _join(event: dict[str, Any], base: dict[str, Any]) -> Inbound:
    """Invited into a group: it says once to write privately."""
    return Inbound(**base, kind="text", text="/menu")


def _service(event: dict[str, Any], base: dict[str, Any]) -> Inbound:
    return Inbound(**base, kind="other", other="service", text=str(event.get("type")))


def _account_link(event: dict[str, Any], base: dict[str, Any]) -> Inbound:
    """The person pressed "link" at LINE: the nonce our page made, which LINE checked to have come back to the same person."""
    link = event.get("link")
    link = link if isinstance(link, dict) else {}
    nonce = str(link.get("nonce") or "") if link.get("result") == "ok" else ""
    return Inbound(**base, kind="account_link", payload=nonce[:255])


def _unknown(event: dict[str, Any], base: dict[str, Any], kind: str) -> Inbound:
    """Of a kind newer than this program: kept raw, so that staff and a later version can read it."""
    raw = {name: value for name, value in event.items() if name != "replyToken"}
    return Inbound(**base, kind="other", other=kind[:30] or "unknown", payload=raw_words(raw))


_READERS = {
    "message": _message,
    "postback": _postback,
    "follow": _follow,
    "unfollow": _unfollow,
    "unsend": _unsend,
    "messageEdited": _edited,
    "join": _join,
    "leave": _service,
    "memberJoined": _service,
    "memberLeft": _service,
    "accountLink": _account_link,
    "videoPlayComplete": _service,
    "membership": _service,
    "beacon": _service,
}
