"""A counter to talk to: the whole conversation on a real database, without a web server. What a person sees, and does."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot import handlers, turn
from bot.deployment import Bot
from bot.inbound import Ack, Inbound
from bot.telling import listeners
from core.clock import ManualClock
from core.db import Database, Listeners, Tx, run
from core.delivery import outbox
from core.delivery.outbox import MailView
from core.dialogue import service as dialogue
from core.ids import Ids
from core.open_database import open_database
from core.profiles import catalogue
from core.profiles.model import Profile
from tests.support.builders import a_contract, a_member
from tests.support.profiles import shipped


class Counter:
    """The product without its edges: turns, facts told, a manual clock."""

    def __init__(
        self,
        url: str,
        clock: ManualClock,
        ids: Ids,
        profile: Profile | None = None,
        first: Mapping[type, Callable[[Tx, Any], None]] | None = None,
        wrap: Callable[[Listeners], Listeners] = lambda told: told,
    ) -> None:
        """`first`: listeners that hear a kind of fact before the product's own; `wrap` adds others after them."""
        handlers.register_all()
        self.profile = profile or shipped("renewal-notice")
        self.bot = Bot(self.profile, "http://127.0.0.1:8000")
        self.clock = clock
        heard = dict(listeners(self.bot))
        heard.update({kind: (listener, *heard.get(kind, ())) for kind, listener in (first or {}).items()})
        self.database: Database = open_database(url, clock, ids, wrap(heard), threads=2)
        run(self.database, lambda tx: catalogue.ensure_catalogue(tx, profile=self.profile))
        self._keys = itertools.count(1)

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def person(self, channel: str = "webchat", address: str = "browser-1", language: str = "ja") -> "Person":
        """Somebody in front of a chat."""
        return Person(self, channel, address, language)

    def deliver(self, inbound: Inbound) -> Ack:
        """One turn, as adapters ask for it."""
        return self.database.submit(
            lambda tx: turn.handle(tx, inbound, self.bot),
            failed=lambda tx, error: turn.on_failure(tx, error, inbound, self.bot),
        ).result()

    def mails(self) -> list[MailView]:
        """Mails owed so far, oldest first."""
        return run(self.database, outbox.list_mails)[::-1]

    def add_member(self, **changed: Any) -> int:
        """A member as `builders.a_member` makes them; gives the id."""
        return run(self.database, lambda tx: a_member(tx, **changed))

    def add_contract(self, member_id: int, **changed: Any) -> int:
        """A contract as `builders.a_contract` makes it; gives the id."""
        return run(self.database, lambda tx: a_contract(tx, member_id=member_id, **changed))

    def key(self) -> str:
        """A delivery key that was not used before."""
        return f"key-{next(self._keys)}"


@dataclass
class Person:
    """One chat partner: says, presses, sees."""

    counter: Counter
    channel: str
    address: str
    language: str
    seen: int = field(default=0)

    def act(self, **what: Any) -> Ack:
        """One act, as the adapter normalises it; `delivery_key` repeats a delivery."""
        self.seen = self.last_seq()
        inbound = Inbound(
            channel=self.channel,
            account="web",
            address=self.address,
            delivery_key=what.pop("delivery_key", None) or self.counter.key(),
            language_hint=self.language,
            **what,
        )
        return self.counter.deliver(inbound)

    def say(self, text: str, **more: Any) -> "Person":
        """Type a text."""
        self.act(kind="text", text=text, **more)
        return self

    def press(self, label: str, *, chosen: tuple[str, ...] | None = None, **more: Any) -> "Person":
        """Press the newest button whose label holds `label`."""
        self.act(kind="press", handle=self.handle(label), chosen=chosen, **more)
        return self

    def tick(self, *labels: str) -> "Person":
        """Tick the lines of the newest check-mark list with these labels, and go on."""
        if self.channel == "telegram":
            return self._toggle(labels)
        checks = self._checks()
        chosen = tuple(item["value"] for label in labels for item in checks["items"] if label == item["label"])
        self.act(kind="press", handle=checks["submit"]["handle"], chosen=chosen)
        return self

    def _checks(self) -> dict[str, Any]:
        return next(m.body["checks"] for m in reversed(self.history()) if "checks" in m.body)

    def _toggle(self, labels: tuple[str, ...]) -> "Person":
        """As in Telegram: each line is a button, and the list is drawn anew after each press."""
        for label in labels:
            item = next(item for item in self._checks()["items"] if label == item["label"])
            self.act(kind="press", handle=item["toggle"])
        self.act(kind="press", handle=self._checks()["submit"]["handle"])
        return self

    def handle(self, label: str) -> str:
        """The handle of the newest button with this label."""
        for message in reversed(self.history()):
            for row in message.body.get("buttons", ()):
                for button in row:
                    if label in button["label"] and "handle" in button:
                        return str(button["handle"])
        raise AssertionError(f"no button {label!r} in:\n{self.screen()}")

    def history(self) -> list[Any]:
        """All bubbles."""
        chat_id = self.chat_id()
        if chat_id is None:
            return []
        return run(
            self.counter.database, lambda tx: dialogue.list_messages(tx, chat_id=chat_id, after_seq=0, limit=1000)
        )

    def chat_id(self) -> int | None:
        """The chat's row, once it is there."""
        chat = run(
            self.counter.database,
            lambda tx: dialogue.find_chat(tx, channel=self.channel, account="web", address=self.address),
        )
        return chat.id if chat else None

    def last_seq(self) -> int:
        """Number of the newest bubble."""
        history = self.history()
        return history[-1].seq if history else 0

    def answer(self) -> str:
        """What the bot said to the last act, all bubbles as text with cards and buttons."""
        return "\n".join(draw(m.body) for m in self.history() if m.seq > self.seen and m.author != "member")

    def screen(self) -> str:
        """The last bubbles."""
        return "\n---\n".join(f"{m.author}: {draw(m.body)}" for m in self.history()[-6:])


def draw(body: dict[str, Any]) -> str:
    """A bubble as text."""
    lines = [body.get("text", "")]
    for card in body.get("cards", ()):
        lines.append(f"[{card['title']}] {card['badge']} {card['note']}")
        lines.extend(f"  {label}: {value}" for label, value in card["rows"])
    items = body.get("checks", {}).get("items", ())
    lines.extend(f"  ({'x' if item['checked'] else ' '}) {item['label']} {item['hint']}" for item in items)
    lines.extend(" ".join(f"<{button['label']}>" for button in row) for row in body.get("buttons", ()))
    return "\n".join(lines)
