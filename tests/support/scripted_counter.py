"""A counter that answers from a script with real rows, for tests of a channel without the bot behind it."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bot.inbound import Ack, Inbound
from bot.screens.model import Button, Card, Check, Checks, DatePick, Screen, read_handle, render
from core.db import Database, Tx, arun
from core.delivery.files import get_file
from core.dialogue.service import (
    ChatView,
    add_message,
    find_message,
    lock_chat,
    save_chat,
    set_language,
    set_last_seq,
)
from core.errors import TransientError

MENU = Screen(
    text="ご用件をお選びください。",
    buttons=(
        (Button("有効期限を確認する", "say.card", style="primary"),),
        (Button("契約を更新する", "say.checks"), Button("振込を連絡する", "say.date")),
        (Button("書類を送る", "say.upload"), Button("担当者に相談する", "say.staff")),
        (Button("解約する", "say.long", style="danger"), Button("使い方", url="/help", style="quiet")),
    ),
)
SCREENS: Mapping[str, Screen] = {
    "say.menu": MENU,
    "say.card": Screen(
        text="ご契約は2件です。",
        cards=(
            Card(
                title="example.jp",
                rows=(
                    ("契約番号", "C-000123"),
                    ("プラン", "レンタルサーバー スタンダード"),
                    ("利用期限", "2026年12月2日(水)"),
                    ("更新手続き", "2026年12月9日(水)まで"),
                ),
                badge="まもなく期限",
                tone="warn",
                note="期限の翌日にサービスが止まります。お早めに更新してください。",
            ),
            Card(title="shop.example.com", rows=(("利用期限", "2027年5月31日(月)"),), badge="利用中", tone="good"),
        ),
        buttons=((Button("更新する", "say.checks", style="primary"),), (Button("メニューへ", "say.menu", style="quiet"),)),
    ),
    "say.checks": Screen(
        text="更新する契約を選んでください。(1/3)",
        checks=Checks(
            items=(
                Check("C-000123", "example.jp", "利用期限 2026年12月2日(水)"),
                Check("C-000124", "shop.example.com", "利用期限 2027年5月31日(月)"),
                Check("C-000125", "とても長い名前の契約.example.co.jp", "利用期限 2027年6月30日(水)"),
            ),
            submit=Button("次へ進む", "say.terms", style="primary"),
        ),
        buttons=((Button("やめる", "say.menu", style="quiet"),),),
    ),
    "say.terms": Screen(
        text="契約期間を選んでください。(2/3)",
        buttons=(
            (Button("1か月", "say.menu"), Button("3か月", "say.menu"), Button("6か月", "say.menu"), Button("12か月", "say.menu")),
            (Button("戻る", "say.checks", style="quiet"), Button("やめる", "say.menu", style="quiet")),
        ),
    ),
    "say.date": Screen(
        text="振り込んだ日を選んでください。(2/4)",
        date=DatePick(
            label="振込日",
            button=Button("この日に決める", "say.menu", style="primary"),
            earliest=date(2026, 10, 1),
            latest=date(2026, 11, 22),
        ),
        buttons=((Button("戻る", "say.menu", style="quiet"), Button("やめる", "say.menu", style="quiet")),),
    ),
    "say.upload": Screen(
        text="振込明細の写真かPDFを送ってください。\n1枚でかまいません。",
        upload=True,
        buttons=((Button("やめる", "say.menu", style="quiet"),),),
    ),
    "say.long": Screen(text="\n".join(f"{n}行目です。" for n in range(1, 41)), toast="長い文章です"),
    "say.hostile": Screen(text='<img src=x onerror="alert(1)"> https://example.jp/a?b=1。javascript:alert(1)'),
}  # fmt: skip
WORDS = {"/menu": "say.menu", "期限": "say.card", "更新": "say.checks", "振込": "say.date", "長い": "say.long"}


@dataclass
class ScriptedCounter:
    """`deliver` for a channel: keeps what came, answers by the words above, each delivery key once."""

    database: Database
    received: list[Inbound] = field(default_factory=list)
    attempts: int = 0
    broken: bool = False  # the database cannot take it now
    keep: bool = False  # turns fail and are kept for another try: `run_kept`
    hold: threading.Event | None = None  # turns wait for it: a slow answer
    _acks: dict[str, Ack] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def deliver(self, inbound: Inbound) -> Ack:
        """One turn of the script."""
        self.attempts += 1
        if self.broken:
            raise TransientError("on purpose")
        if self.hold:
            await asyncio.to_thread(self.hold.wait, 10)
        with self._lock:
            if inbound.delivery_key in self._acks:
                known = self._acks[inbound.delivery_key]
                return Ack("duplicate", known.toast, known.last_seq)
            self.received.append(inbound)
        if self.keep:
            return Ack("kept")
        ack = await arun(self.database, lambda tx: self._turn(tx, inbound), name="script")
        self._acks[inbound.delivery_key] = ack
        return ack

    def run_kept(self, tx: Tx) -> None:
        """The other try of what came last."""
        self._turn(tx, self.received[-1])

    def say(self, tx: Tx, address: str, screen: Screen, *, staff: str | None = None) -> None:
        """The bot or staff speak first."""
        chat = self._lock_chat(tx, address)
        self._add(tx, chat, screen, staff=staff)

    def _lock_chat(self, tx: Tx, address: str) -> ChatView:
        who = {"channel": "webchat", "account": "web", "address": address}
        return lock_chat(tx, **who, hint="ja", display_name="", default_language="ja")

    def _add(self, tx: Tx, chat: ChatView, screen: Screen, *, staff: str | None = None) -> ChatView:
        seq, key = chat.last_seq + 1, tx.ids.token(6)
        drawn = render(screen, seq=seq, key=key)
        author = "staff" if staff else "bot"
        add_message(
            tx, chat_id=chat.id, seq=seq, author=author, author_name=staff, body=drawn.body, actions=drawn.actions,
            screen_key=key,
        )  # fmt: skip
        set_last_seq(tx, chat_id=chat.id, last_seq=seq)
        return chat._replace(last_seq=seq)

    def _turn(self, tx: Tx, inbound: Inbound) -> Ack:
        chat = self._lock_chat(tx, inbound.address)
        body, answer = self._understand(tx, chat, inbound)
        if inbound.kind != "start":
            seq = chat.last_seq + 1
            add_message(tx, chat_id=chat.id, seq=seq, author="member", body={"v": 1, **body}, kind=inbound.kind)
            chat = chat._replace(last_seq=seq)
            save_chat(tx, chat)
        if inbound.text.startswith("/language "):
            set_language(tx, chat_id=chat.id, language=inbound.text[-2:])
        staff = "佐藤" if answer == "say.staff" else None
        screen = Screen(text="はい、佐藤が承ります。") if staff else SCREENS.get(answer, Screen(text=answer))
        chat = self._add(tx, chat, screen, staff=staff)
        return Ack("done", screen.toast, chat.last_seq)

    def _understand(self, tx: Tx, chat: ChatView, inbound: Inbound) -> tuple[dict[str, object], str]:
        if inbound.kind == "file":
            views = [get_file(tx, file_id=file.file_id) for file in inbound.files]
            files = [
                {"file_id": str(f.id), "name": f.name, "mime": f.mime, "size_bytes": f.size_bytes, "token": f.token}
                for f in views
            ]
            return {"text": "", "files": files}, f"「{views[0].name}」を受け取りました。"
        if inbound.kind in ("press", "date"):
            found = read_handle(inbound.handle)
            message = find_message(tx, chat_id=chat.id, seq=found[0]) if found else None
            if not found or not message or message.screen_key != found[2]:
                return {"text": ""}, "このボタンは期限切れです。"
            return {"text": _label(message.body, inbound), "pressed": True}, message.actions[found[1]][0]
        if inbound.kind == "start":
            return {}, "say.menu"
        return {"text": inbound.text}, WORDS.get(inbound.text, f"「{inbound.text[:20]}」ですね。")


def _label(body: Mapping[str, Any], inbound: Inbound) -> str:
    """What the member saw on what they pressed."""
    if inbound.chosen:
        return "、".join(item["label"] for item in body["checks"]["items"] if item["value"] in inbound.chosen)
    buttons = [button for row in body.get("buttons", ()) for button in row]
    labels = {button["handle"]: button["label"] for button in buttons if "handle" in button}
    return inbound.date or labels.get(inbound.handle, "")
