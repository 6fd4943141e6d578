"""How a person talks at each door: web chat by its HTTP routes, Telegram and LINE by doubles of theirs, which judge every call.

The same three words for all (`say`, `press`, `send_photo`), and what the person then has before their eyes.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from tests.support.counter import draw
from tests.support.line_double import LineDouble
from tests.support.line_rules import pressable
from tests.support.telegram_double import TelegramDouble

CHANNELS = ("webchat", "telegram", "line")
PERSON, CHAT = "U" + "f" * 32, 501  # who it is in LINE and in Telegram
NEXT = "次へ"
Settle = Callable[[], Awaitable[None]]


class Door(Protocol):
    """One channel, seen from the person's side."""

    async def say(self, words: str) -> None:
        """Type."""

    async def press(self, label: str) -> None:
        """Press the newest button whose words hold `label`."""

    async def tick(self, labels: tuple[str, ...], settle: Settle) -> None:
        """Tick these lines of the newest list of check marks, and go on. `settle` lets what is owed arrive."""

    async def send_photo(self, content: bytes) -> None:
        """A JPEG from the phone."""

    async def reads(self) -> list[str]:
        """All messages of the counter as they now stand, oldest first, buttons included."""

    async def links(self) -> list[str]:
        """Web addresses that can be opened from the chat, oldest first."""

    async def opens_file(self) -> bytes:
        """The newest file that came from the counter, opened; nothing when there is none."""


@dataclass
class WebDoor:
    """A browser on /chat, whose page was opened."""

    http: httpx.AsyncClient
    acts: int = 0
    own: dict[str, str] = field(default_factory=lambda: {"Sec-Fetch-Site": "same-origin"})

    def _key(self) -> str:
        self.acts += 1
        return f"0123456789abcdef{self.acts}"

    async def _act(self, **what: Any) -> None:
        content = {"key": self._key(), "lang": "ja", **what}
        answer = await self.http.post("/chat/inbound", json=content, headers=self.own)
        assert answer.status_code == 200, answer.text

    async def say(self, words: str) -> None:
        await self._act(kind="text", text=words)

    async def press(self, label: str) -> None:
        for message in reversed(await self.messages()):
            for button in _buttons(message["body"]):
                if label in button["label"] and "handle" in button:
                    return await self._act(kind="press", handle=button["handle"])
        raise AssertionError(f"no button {label!r}")

    async def tick(self, labels: tuple[str, ...], settle: Settle) -> None:
        await settle()
        checks = next(m["body"]["checks"] for m in reversed(await self.messages()) if "checks" in m["body"])
        chosen = [item["value"] for item in checks["items"] if item["label"] in labels]
        assert len(chosen) == len(labels), checks
        await self._act(kind="press", handle=checks["submit"]["handle"], chosen=chosen)

    async def send_photo(self, content: bytes) -> None:
        asked = {"key": self._key(), "name": "photo.jpg", "lang": "ja"}
        headers = {**self.own, "content-type": "image/jpeg"}
        answer = await self.http.post("/chat/files", params=asked, content=content, headers=headers)
        assert answer.status_code == 200, answer.text

    async def messages(self) -> list[dict[str, Any]]:
        """As the page receives them."""
        found: list[dict[str, Any]] = (await self.http.get("/chat/messages?limit=200")).json()["messages"]
        return found

    async def reads(self) -> list[str]:
        return [
            f"{message['author_name']}：\n{draw(message['body'])}"
            if message["author"] == "staff"
            else draw(message["body"])
            for message in await self.messages()
            if message["author"] != "member"
        ]

    async def links(self) -> list[str]:
        return [b["url"] for message in await self.messages() for b in _buttons(message["body"]) if "url" in b]

    async def opens_file(self) -> bytes:
        shown = [
            m["body"]["files"] for m in await self.messages() if m["author"] != "member" and m["body"].get("files")
        ]
        if not shown:
            return b""
        answer = await self.http.get(f"/chat/files/{shown[-1][-1]['token']}")
        assert answer.status_code == 200, answer.text
        return answer.content


def _buttons(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [button for row in body.get("buttons", ()) for button in row]


@dataclass
class TelegramDoor:
    """A private chat with the bot."""

    telegram: TelegramDouble
    chat: int = CHAT

    async def say(self, words: str) -> None:
        assert await self.telegram.say(self.chat, words) == 200

    async def press(self, label: str) -> None:
        assert await self.telegram.press(self.chat, label) == 200

    async def tick(self, labels: tuple[str, ...], settle: Settle) -> None:
        await _toggle(self, labels, settle)

    async def send_photo(self, content: bytes) -> None:
        assert await self.telegram.send_photo(self.chat, content) == 200

    async def reads(self) -> list[str]:
        return ["\n".join((shown.text, *shown.labels)) for shown in self.telegram.shown(self.chat)]

    async def links(self) -> list[str]:
        return [b["url"] for shown in self.telegram.shown(self.chat) for b in shown.buttons if "url" in b]

    async def opens_file(self) -> bytes:
        return next((shown.file[1] for shown in reversed(self.telegram.shown(self.chat)) if shown.file), b"")


@dataclass
class LineDoor:
    """A friend of the official account; `http` opens the links."""

    line: LineDouble
    http: httpx.AsyncClient
    person: str = PERSON
    photos: int = 9000

    async def say(self, words: str) -> None:
        assert await self.line.deliver(self.line.text(self.person, words)) == 200

    async def press(self, label: str) -> None:
        assert await self.line.deliver(self.line.pressed(self.person, label)) == 200

    async def tick(self, labels: tuple[str, ...], settle: Settle) -> None:
        await _toggle(self, labels, settle)

    async def send_photo(self, content: bytes) -> None:
        self.photos += 1
        self.line.content[number := str(self.photos)] = content
        photo = {"type": "image", "id": number, "contentProvider": {"type": "line"}}
        assert await self.line.deliver(self.line.event(self.person, "message", message=photo)) == 200

    async def reads(self) -> list[str]:
        return self.line.reads(self.person)

    async def links(self) -> list[str]:
        actions = [action for message in self.line.shown(self.person) for action in pressable(message).values()]
        return [action["uri"] for action in actions if action["type"] == "uri"]

    async def opens_file(self) -> bytes:
        pictures = [m["originalContentUrl"] for m in self.line.shown(self.person) if m["type"] == "image"]
        found = [address for address in [*pictures, *await self.links()] if "/m/files/" in address]
        if not found:
            return b""
        answer = await self.http.get(urlsplit(found[-1]).path)
        assert answer.status_code == 200, answer.text
        return answer.content


async def _toggle(door: Door, labels: tuple[str, ...], settle: Settle) -> None:
    """Each line is a button, and the list is drawn anew after each press."""
    await settle()
    for label in labels:
        await door.press(f"☐ {label}")
        async with asyncio.timeout(20):
            while not any(f"☑ {label}" in words for words in await door.reads()):
                await settle()
    await door.press(NEXT)


@dataclass
class Visit:
    """A person at a door: does something, and sees what came of it. `patience`: seconds until it must be there."""

    door: Door
    settle: Settle
    code: Callable[[], Awaitable[str]]
    patience: float = 0.0
    seen: list[str] = field(default_factory=list)

    async def say(self, words: str) -> None:
        """Type."""
        self.seen = await self.door.reads()
        await self.door.say(words)
        await self.settle()

    async def press(self, label: str) -> None:
        """Press the newest button whose words hold `label`."""
        self.seen = await self.door.reads()
        await self.door.press(label)
        await self.settle()

    async def tick(self, *labels: str) -> None:
        """Tick these lines, and go on."""
        self.seen = await self.door.reads()
        await self.door.tick(labels, self.settle)
        await self.settle()

    async def send_photo(self, content: bytes) -> None:
        """A picture."""
        self.seen = await self.door.reads()
        await self.door.send_photo(content)
        await self.settle()

    async def looks_away(self) -> None:
        """What is on the screen now is old; then whatever is owed arrives."""
        self.seen = await self.door.reads()

    async def news(self) -> list[str]:
        """Messages that came, or changed, since the person's last act."""
        return [words for n, words in enumerate(await self.door.reads()) if self.seen[n : n + 1] != [words]]

    async def sees(self, *texts: str) -> str:
        """Some message that came since the last act says all of this; the newest such."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.patience
        while True:
            await self.settle()
            news = await self.news()
            found = [words for words in news if all(text in words for text in texts)]
            if found or loop.time() >= end:
                break
        assert found, f"{texts} not among:\n" + "\n---\n".join(news)
        return found[-1]

    async def link(self, member_no: str = "M-000001", email: str = "taro.yamada@example.jp") -> None:
        """From the first word to a linked chat."""
        await self.say("/link")
        await self.sees("会員番号を入力してください")
        await self.say(member_no)
        await self.sees("ご登録のメールアドレス")
        await self.say(email)
        await self.sees("6桁の確認ID")
        await self.say(await self.code())
        await self.sees("連携できました")


def newest_code(mails: list[dict[str, str]]) -> str:
    """The confirmation ID of the newest mail that holds one (newest first)."""
    return next(re.findall(r"\b[0-9]{6}\b", mail["text"])[0] for mail in mails if "確認ID" in mail["subject"])
