"""A raw update of Telegram → what a person did. Nothing a person sends disappears: what has no form of ours is "other"."""

from typing import Any

from telegram import CallbackQuery, Chat, ChatMemberUpdated, Message, Update, User
from telegram.constants import ChatMemberStatus, ChatType, MessageType, UpdateType

from bot.inbound import MAX_TEXT, Inbound, InboundFile, Kind, raw_words

CHANNEL = "telegram"
ALLOWED_UPDATES = (
    UpdateType.MESSAGE.value,
    UpdateType.EDITED_MESSAGE.value,
    UpdateType.CALLBACK_QUERY.value,
    UpdateType.MY_CHAT_MEMBER.value,
)
_REF_LENGTH = 200
# What a person can send that is neither text nor a file; everything else Telegram knows is a note that nobody wrote.
_SENT_BY_PEOPLE = (
    "sticker", "venue", "location", "contact", "poll", "dice", "game", "story", "paid_media", "checklist", "giveaway",
    "giveaway_winners", "invoice", "gift", "unique_gift", "web_app_data", "users_shared", "chat_shared",
)  # fmt: skip
_FILES = ("photo", "live_photo", "animation", "document", "video", "video_note", "voice", "audio")
_NOT_CONTENT = frozenset({"effect_id", "sender_boost_count", "sender_business_bot", "business_connection_id"})
_SERVICE = tuple(
    kind.value
    for kind in MessageType
    if kind.value not in {*_SENT_BY_PEOPLE, *_FILES, *_NOT_CONTENT, "text", "reply_to_story", "suggested_post_info"}
)
_DEFAULT_MIME = {
    "photo": "image/jpeg", "live_photo": "image/jpeg", "animation": "video/mp4", "document": "application/octet-stream",
    "video": "video/mp4", "video_note": "video/mp4", "voice": "audio/ogg", "audio": "audio/mpeg",
}  # fmt: skip
_ENDINGS = {"image/jpeg": ".jpg", "video/mp4": ".mp4", "audio/ogg": ".ogg", "audio/mpeg": ".mp3"}


def parse_update(raw: dict[str, Any], *, account: str) -> Inbound | None:
    """What this update says a person did; None for kinds we did not subscribe to and acts in channels.

    `account` is the bot's id: update ids repeat across bots, so both make the delivery's key. An update that the library
    cannot read (a new version of the Bot API) is kept as kind "other" with its raw JSON.
    """
    base: dict[str, Any] = {"channel": CHANNEL, "account": account, "delivery_key": str(raw["update_id"])}
    try:
        update = Update.de_json(raw, None)
        if update.callback_query:
            return _press(update.callback_query, base)
        if update.my_chat_member:
            return _membership(update.my_chat_member, base)
        if update.edited_message:
            return _message(update.edited_message, raw["edited_message"], base, edited=True)
        if update.message:
            return _message(update.message, raw["message"], base, edited=False)
    except Exception:  # noqa: BLE001 - whatever the library stumbled over, the person has said something
        return _unreadable(raw, base)
    return None


def callback_id(raw: dict[str, Any]) -> str:
    """The id to answer a press with, or "" when the update is none."""
    query = raw.get("callback_query")
    return str(query.get("id", "")) if isinstance(query, dict) else ""


def _who(user: User | None, chat: Chat | None) -> dict[str, Any]:
    return {
        "address": str(chat.id if chat else user.id if user else ""),
        "private": chat is None or chat.type == ChatType.PRIVATE,
        "language_hint": (user.language_code or "") if user else "",
        "display_name": user.full_name if user else "",
    }


def _press(query: CallbackQuery, base: dict[str, Any]) -> Inbound:
    message = query.message
    return Inbound(
        **base,
        **_who(query.from_user, message.chat if message else None),
        kind="press",
        handle=query.data or "",
        message_ref=str(message.message_id) if message else "",
    )


def _membership(change: ChatMemberUpdated, base: dict[str, Any]) -> Inbound | None:
    if change.chat.type == ChatType.CHANNEL:
        return None
    gone = change.new_chat_member.status in {ChatMemberStatus.BANNED, ChatMemberStatus.LEFT}
    return Inbound(**base, **_who(change.from_user, change.chat), kind="blocked" if gone else "unblocked")


def _message(message: Message, raw: dict[str, Any], base: dict[str, Any], *, edited: bool) -> Inbound | None:
    if message.chat.type == ChatType.CHANNEL:
        return None
    kind: Kind
    files: tuple[InboundFile, ...] = ()
    payload = other = ""
    text = message.text or message.caption or ""
    if message.text is not None:
        kind, text, payload = _words(message.text)
    elif found := _file(message):
        kind, other, files = "file", found[0], (found[1],)
    else:
        kind = "other"
        other = _other_kind(message, raw)
        text = _describe(message, other)
        known = other in _SENT_BY_PEOPLE or other == "service"
        payload = "" if known else raw_words(raw)
    if edited:
        kind, text = "edit", message.text if message.text is not None else text
    return Inbound(
        **base,
        **_who(message.from_user, message.chat),
        kind=kind,
        text=text[:MAX_TEXT],
        cut=len(text) > MAX_TEXT,
        files=files,
        payload=payload,
        other=other,
        message_ref=str(message.message_id),
    )


def _words(text: str) -> tuple[Kind, str, str]:
    """Text or a command; "/menu@our_bot" (in groups) reads as "/menu"."""
    if not text.startswith("/"):
        return "text", text, ""
    command, space, rest = text.partition(" ")
    command = command.partition("@")[0]
    if command == "/start":
        return "start", command, rest.strip()
    return "text", command + space + rest, ""


def _file(message: Message) -> tuple[str, InboundFile] | None:
    """The file of a message with its kind; of a photo the largest size. It stays at Telegram until it is fetched."""
    for kind in _FILES:
        media = getattr(message, kind, None)
        if not media:
            continue
        item = media[-1] if isinstance(media, (tuple, list)) else media
        ref = getattr(item, "file_id", "")
        if not ref or len(ref) > _REF_LENGTH:
            continue  # a kind whose file cannot be fetched by an id: it is kept as "other"
        mime = getattr(item, "mime_type", None) or _DEFAULT_MIME[kind]
        name = getattr(item, "file_name", None) or f"{kind}_{message.message_id}{_ENDINGS.get(mime, '')}"
        return kind, InboundFile(0, name, mime, getattr(item, "file_size", None) or 0, ref)
    return None


def _other_kind(message: Message, raw: dict[str, Any]) -> str:
    for kind in _SENT_BY_PEOPLE:  # a venue has a location too: the more telling one stands first
        if getattr(message, kind, None):
            return kind
    if any(getattr(message, kind, None) for kind in _SERVICE):
        return "service"
    unknown = sorted(message.api_kwargs) or sorted(raw.keys() - {"message_id", "from", "chat", "date"})
    return unknown[0] if unknown else "unknown"


def _describe(message: Message, kind: str) -> str:
    """The part of it that staff can read, in the person's own data; of a service note its name."""
    text = message.caption or ""
    if kind == "service":
        text = next(name for name in _SERVICE if getattr(message, name, None))
    elif message.sticker:
        text = message.sticker.emoji or ""
    elif message.venue:
        text = f"{message.venue.title} {message.venue.address}"
    elif message.location:
        text = f"{message.location.latitude:.6f}, {message.location.longitude:.6f}"
    elif message.contact:
        names = (message.contact.last_name, message.contact.first_name, message.contact.phone_number)
        text = " ".join(part for part in names if part)
    elif message.poll:
        text = "\n".join([message.poll.question, *(option.text for option in message.poll.options)])
    elif message.dice:
        text = f"{message.dice.emoji} {message.dice.value}"
    elif message.web_app_data:
        text = message.web_app_data.data
    return text


def _unreadable(raw: dict[str, Any], base: dict[str, Any]) -> Inbound | None:
    """The library could not read it (the Bot API has changed): the words and the press still count, the rest is kept raw."""
    for update_kind in ALLOWED_UPDATES:
        item = raw.get(update_kind)
        if not isinstance(item, dict):
            continue
        message = item.get("message") if update_kind == UpdateType.CALLBACK_QUERY else item
        message = message if isinstance(message, dict) else {}
        chat = message.get("chat") or item.get("from")
        if not isinstance(chat, dict) or "id" not in chat:
            continue
        text, handle = item.get("text") or item.get("caption"), item.get("data")
        kind: Kind = "other"
        if update_kind == UpdateType.CALLBACK_QUERY and isinstance(handle, str):
            kind = "press"
        elif update_kind == UpdateType.MESSAGE and isinstance(item.get("text"), str):
            kind = "text"
        return Inbound(
            **base,
            address=str(chat["id"]),
            kind=kind,
            text=text[:MAX_TEXT] if isinstance(text, str) else "",
            handle=handle if kind == "press" and isinstance(handle, str) else "",
            other=next((name for name in (*_FILES, *_SENT_BY_PEOPLE) if name in item), "unknown")
            if kind == "other"
            else "",
            private=chat.get("type", ChatType.PRIVATE) == ChatType.PRIVATE,
            payload=raw_words(item),
            message_ref=str(message.get("message_id", "")),
        )
    return None
