"""One turn of a conversation: one act of a person, one transaction (architecture.md, "The four ways through").

Store the delivery under its key, lock the chat, find out who and what, call the handler, owe its screens. When the handler
refuses (DomainError) everything it wrote is undone and the refusal is told; when it fails, the delivery is kept and tried
again in its chat's order, at last shown to staff while the member is pointed to a person.
"""

import logging
import traceback
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.deployment import Bot
from bot.inbound import Ack, Inbound, InboundFile
from bot.masking import mask_secrets
from bot.owing import as_automatic
from bot.registry import Context, as_screens
from bot.routing import NO_TRACE_ACTIONS, Pressed, find_pressed, route
from bot.saying import REDRAWS, Reply, Why, say
from bot.screens.model import Screen
from bot.screens.offers import without_missing
from bot.screens.talk import (
    cut_screen,
    files_refused_screen,
    flood_screen,
    masked_screen,
    private_only_screen,
    refusal_screen,
    sorry_screen,
)
from bot.wording import LANGUAGES, written_in
from core.db import Tx
from core.delivery import files as file_store
from core.delivery import inbox, outbox
from core.delivery.quota import has_room
from core.dialogue import service as dialogue
from core.dialogue.service import ChatView
from core.errors import DomainError
from core.members import service as members
from core.teamchat import intake
from core.tickets.unsend import taken_back

log = logging.getLogger(__name__)

FLOOD_WINDOW = timedelta(seconds=60)


def handle(tx: Tx, inbound: Inbound, bot: Bot) -> Ack:
    """The turn. A delivery seen before changes nothing; one of a chat with an unfinished delivery waits behind it."""
    inbound, masked = _without_secrets(inbound)
    inbox_id = _record(tx, inbound)
    if inbox_id is None:
        chat = dialogue.find_chat(tx, channel=inbound.channel, account=inbound.account, address=inbound.address)
        return Ack("duplicate", last_seq=chat.last_seq if chat else 0)
    chat = _lock(tx, inbound, bot)
    if inbox.has_unfinished(tx, chat_key=inbound.chat_key, but=inbox_id):
        inbox.keep_waiting(tx, inbox_id=inbox_id)
        return Ack("kept", last_seq=chat.last_seq)
    return _converse(tx, chat, inbound, bot, masked=masked)


def on_failure(tx: Tx, error: Exception, inbound: Inbound, bot: Bot) -> Ack:
    """After the turn was undone: tell a refusal, or keep the delivery for another try."""
    inbound, masked = _without_secrets(inbound)
    if isinstance(error, DomainError):
        if _record(tx, inbound) is None:
            return Ack("duplicate")
        return _tell_refusal(tx, inbound, bot, error, masked=masked)
    _log_failure(inbound, error)
    inbox_id = _record(tx, inbound)
    if inbox_id is None:
        return Ack("duplicate")
    chat = _lock(tx, inbound, bot)
    inbox.fail(tx, inbox_id=inbox_id, attempts=1, error=type(error).__name__)
    return Ack("kept", last_seq=chat.last_seq)


def retry(tx: Tx, inbox_id: int, bot: Bot) -> None:
    """Another try of a kept delivery, in a turn of its own."""
    kept = inbox.take(tx, inbox_id=inbox_id)
    if kept is None:
        return
    if intake.is_ours(kept.payload):
        intake.take_again(tx, kept)
        return
    inbound = Inbound.from_json(kept.payload)
    chat = _lock(tx, inbound, bot)
    _converse(tx, chat, inbound, bot, masked=False)
    inbox.finish(tx, inbox_id=inbox_id)


def on_retry_failure(tx: Tx, error: Exception, inbox_id: int, bot: Bot) -> None:
    """The next try failed too: refusals are told; the third failure makes a dead letter and points the member to a person."""
    kept = inbox.take(tx, inbox_id=inbox_id)
    if kept is None:
        return
    if intake.is_ours(kept.payload):
        intake.fail_again(tx, kept, error)
        return
    inbound = Inbound.from_json(kept.payload)
    if isinstance(error, DomainError):
        _tell_refusal(tx, inbound, bot, error)
        inbox.finish(tx, inbox_id=inbox_id)
        return
    _log_failure(inbound, error)
    if inbox.fail(tx, inbox_id=inbox_id, attempts=kept.attempts + 1, error=type(error).__name__):
        chat = _lock(tx, inbound, bot)
        w = bot.wording(_language(chat, bot))
        dialogue.save_chat(tx, say(tx, chat, sorry_screen(w, bot.profile), Why("failed delivery")))


def _is_overheard(inbound: Inbound) -> bool:
    """People of a group talking among themselves: only a command is meant for the bot."""
    return not inbound.private and not inbound.text.startswith("/")


def _without_secrets(inbound: Inbound) -> tuple[Inbound, bool]:
    """What may be stored of an act, and whether a card number was taken out; of what was overheard only that it came."""
    inbound = inbound.without_nul()
    if _is_overheard(inbound):
        return replace(inbound, text="", files=(), payload="", display_name=""), False
    return mask_secrets(inbound)


def _record(tx: Tx, inbound: Inbound) -> int | None:
    return inbox.record(
        tx,
        channel=inbound.channel,
        account=inbound.account,
        delivery_key=inbound.delivery_key,
        chat_key=inbound.chat_key,
        payload=inbound.to_json(),
    )


def _lock(tx: Tx, inbound: Inbound, bot: Bot) -> ChatView:
    hint = inbound.language_hint[:2].lower()
    return dialogue.lock_chat(
        tx,
        channel=inbound.channel,
        account=inbound.account,
        address=inbound.address,
        hint=hint if hint in LANGUAGES else "",
        display_name=inbound.display_name,
        default_language=bot.profile.language,
    )


def _language(chat: ChatView, bot: Bot) -> str:
    chosen = chat.language or chat.hint or bot.profile.language
    return chosen if chosen in LANGUAGES else bot.profile.language


def _context(tx: Tx, chat: ChatView, inbound: Inbound, bot: Bot) -> Context:
    member = members.get_member(tx, member_id=chat.member_id) if chat.member_id is not None else None
    return Context(tx, bot, chat, inbound, bot.wording(_language(chat, bot)), member)


def _converse(tx: Tx, chat: ChatView, inbound: Inbound, bot: Bot, *, masked: bool) -> Ack:
    if inbound.kind in ("blocked", "unblocked"):
        dialogue.set_reachable(tx, chat_id=chat.id, reachable=inbound.kind == "unblocked")
        return Ack("done", last_seq=chat.last_seq)
    if inbound.kind == "unsend":
        taken_back(tx, chat_id=chat.id, platform_ref=inbound.message_ref)
        return Ack("done", last_seq=chat.last_seq)
    if _is_overheard(inbound):
        return Ack("done", last_seq=chat.last_seq)
    chat, flooding = _count(tx, chat, inbound, bot)
    pressed = find_pressed(tx, chat, inbound) if inbound.kind in ("press", "date") else None
    inbound, files_refused = _store_files(tx, chat, inbound, flooding=bool(flooding))
    chat = _add_members_bubble(tx, chat, inbound, pressed)
    if flooding:
        return _answer(tx, chat, inbound, bot, [flood_screen] if flooding == "tell" else [], pressed)
    if not inbound.private:
        return _answer(tx, chat, inbound, bot, [private_only_screen], pressed)
    if files_refused:
        if not inbound.text:
            return _answer(tx, chat, inbound, bot, [files_refused_screen], pressed)
        inbound = replace(inbound, kind="text", other="")  # what was written with the files counts by itself
    c = _context(tx, chat, inbound, bot)
    screens = as_screens(route(c, pressed))
    if files_refused:
        screens = [files_refused_screen(c.w), *screens]
    if inbound.cut:
        screens = [cut_screen(c.w), *screens]
    if masked:
        screens = [masked_screen(c.w), *screens]
    return _owe(c, screens, pressed)


def _answer(tx: Tx, chat: ChatView, inbound: Inbound, bot: Bot, makers: list[Any], pressed: Pressed | None) -> Ack:
    c = _context(tx, chat, inbound, bot)
    return _owe(c, [make(c.w) for make in makers], pressed)


def _owe(c: Context, screens: list[Screen], pressed: Pressed | None) -> Ack:
    now = dialogue.get_chat(c.tx, chat_id=c.chat.id)  # what was told meanwhile has moved its numbers on
    if c.chat.speaker == now.speaker == "human":  # a person talks before and after: these words are not theirs
        screens = [as_automatic(c.w, screen) for screen in screens]
    chat = now._replace(
        last_seq=max(now.last_seq, c.chat.last_seq),
        misses=c.chat.misses,
        window_at=c.chat.window_at,
        window_count=c.chat.window_count,
        display_name=c.chat.display_name,
        hint=c.chat.hint,
        reachable=c.chat.reachable,
        last_inbound_at=c.chat.last_inbound_at,
    )
    over = pressed.seq if pressed and chat.channel in REDRAWS else None
    reply = Reply(c.inbound.reply_token, c.inbound.reply_until) if c.inbound.reply_token else None
    for screen in screens:
        why = Why("answer", kind=screen.kind)
        screen = without_missing(c.profile, screen)  # noqa: PLW2901 - the same screen, as this operator shows it
        chat = say(c.tx, chat, screen, why, over=over, over_ref=c.inbound.message_ref if over else "", reply=reply)
        over = None
    dialogue.save_chat(c.tx, chat)
    toast = next((screen.toast for screen in screens if screen.toast), "")
    return Ack("done", toast=toast, last_seq=chat.last_seq)


def _count(tx: Tx, chat: ChatView, inbound: Inbound, bot: Bot) -> tuple[ChatView, str]:
    """Flood guard, and what an inbound tells about the person."""
    if tx.now - chat.window_at > FLOOD_WINDOW or tx.now < chat.window_at:
        chat = chat._replace(window_at=tx.now, window_count=0)
    count = chat.window_count + 1
    flooding = "" if count <= bot.flood_acts else "tell" if count == bot.flood_acts + 1 else "silent"
    return chat._replace(
        window_count=count,
        hint=written_in(inbound.text) or chat.hint,
        last_inbound_at=tx.now,
        reachable=True,
        display_name=inbound.display_name[:100] or chat.display_name,
    ), flooding


def _store_files(tx: Tx, chat: ChatView, inbound: Inbound, *, flooding: bool) -> tuple[Inbound, bool]:
    """Files that still lie at the platform get their row now and are owed as a download.

    Of a flood, and over the hour's quota, they stay where they are: the act without them, and whether it was the quota.
    """
    remote = [file for file in inbound.files if not file.file_id]
    if remote and flooding:
        return replace(inbound, files=(), other=inbound.other or "file"), False
    if remote and not _has_room(tx, chat, inbound, remote):
        return replace(inbound, files=(), other=inbound.other or "file"), True
    stored = []
    for file in inbound.files:
        if file.file_id:
            stored.append(file)
            continue
        view = file_store.store_file(
            tx,
            chat_id=chat.id,
            name=file.name,
            mime=file.mime,
            content=None,
            remote_ref=file.remote_ref,
            size_bytes=file.size_bytes,
            source_hash=inbound.source,
        )
        outbox.owe(
            tx,
            channel=chat.channel,
            account=chat.account,
            address=chat.address,
            order_key=f"file:{view.id}",
            kind="fetch",
            payload={"op": "fetch", "file_id": view.id, "remote_ref": file.remote_ref},
            reason="file sent by the member",
            chat_id=chat.id,
        )
        stored.append(replace(file, file_id=view.id))
    return replace(inbound, files=tuple(stored)), False


def _has_room(tx: Tx, chat: ChatView, inbound: Inbound, files: list[InboundFile]) -> bool:
    size = sum(file.size_bytes for file in files)
    if any(file.size_bytes > file_store.MAX_FILE_BYTES for file in files):
        return True  # refused as too large, which is the better answer
    return has_room(
        tx,
        chat_id=chat.id,
        linked=chat.member_id is not None,
        source_hash=inbound.source,
        size_bytes=size,
        files=len(files),
    )


def _add_members_bubble(tx: Tx, chat: ChatView, inbound: Inbound, pressed: Pressed | None) -> ChatView:
    if inbound.kind in ("start", "account_link") or (
        inbound.kind in ("press", "date") and (pressed is None or pressed.action in NO_TRACE_ACTIONS)
    ):
        return chat
    body: dict[str, Any] = {"v": 1, "text": inbound.text}
    if pressed is not None:
        body = {"v": 1, "text": inbound.date or pressed.ticked(inbound.chosen) or pressed.label, "pressed": True}
    if inbound.files:
        views = [file_store.get_file(tx, file_id=file.file_id) for file in inbound.files]
        body["files"] = [
            {"file_id": str(v.id), "name": v.name, "mime": v.mime, "size_bytes": v.size_bytes, "token": v.token}
            for v in views
        ]
    if inbound.other:
        body["other"] = inbound.other
    if inbound.kind == "edit":
        body["edited"] = True
    seq = chat.last_seq + 1
    dialogue.add_message(
        tx,
        chat_id=chat.id,
        seq=seq,
        author="member",
        body=body,
        kind=inbound.kind,
        platform_ref=inbound.message_ref if inbound.kind not in ("press", "date") else None,
    )
    # At once: what listeners say in this same chat and turn (credit used, contracts renewed) takes the numbers after it
    dialogue.set_last_seq(tx, chat_id=chat.id, last_seq=seq)
    return chat._replace(last_seq=seq)


def _tell_refusal(tx: Tx, inbound: Inbound, bot: Bot, error: DomainError, *, masked: bool = False) -> Ack:
    chat = _lock(tx, inbound, bot)
    chat, _ = _count(tx, chat, inbound, bot)
    pressed = find_pressed(tx, chat, inbound) if inbound.kind in ("press", "date") else None
    text_only = replace(inbound, files=()) if any(not file.file_id for file in inbound.files) else inbound
    chat = _add_members_bubble(tx, chat, text_only, pressed)
    c = _context(tx, chat, inbound, bot)
    return _owe(c, [*([masked_screen(c.w)] if masked else []), refusal_screen(c.w, error)], None)


def _log_failure(inbound: Inbound, error: Exception) -> None:
    """The place of the fault and its kind; never its message, which may hold the person's words or a row's values."""
    frames = "".join(traceback.format_tb(error.__traceback__)[-4:])
    log.error(
        "a turn failed: %s\n%s",
        type(error).__name__,
        frames,
        extra={"channel": inbound.channel, "kind": inbound.kind, "error": type(error).__name__},
    )
