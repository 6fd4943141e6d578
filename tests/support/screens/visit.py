"""One person's way through the counter, written down screen by screen."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bot.screens.model import read_handle
from tests.support.counter import Counter
from tests.support.journeys import last_code


class Visit:
    """One person's way through the counter, written down step by step; buttons are pressed by what they do."""

    def __init__(self, counter: Counter, language: str) -> None:
        self.counter = counter
        self.person = counter.person(language=language)
        self.written: list[str] = []

    def note(self, title: str) -> None:
        clock: Any = self.counter.clock
        clock.move(timedelta(seconds=2))  # people take their time: a flood is a test of its own
        self.written.append(f"### {title}\n{self.person.answer()}\n")

    def say(self, text: str, title: str = "") -> "Visit":
        self.person.say(text)
        self.note(title or f"says {text[:40]}")
        return self

    def act(self, title: str, **what: Any) -> "Visit":
        self.person.act(**what)
        self.note(title)
        return self

    def press(self, action: str, value: Any = None, **more: Any) -> "Visit":
        self.person.act(kind="press", handle=self.handle(action, value), **more)
        self.note(f"presses {action}" + ("" if value is None else f" {value}"))
        return self

    def handle(self, action: str, value: Any = None) -> str:
        for message in reversed(self.person.history()):
            buttons = [button for row in message.body.get("buttons", ()) for button in row]
            buttons += [message.body[part]["submit"] for part in ("checks", "date") if part in message.body]
            for button in buttons:
                parts = read_handle(button.get("handle", ""))
                does, args = message.actions[parts[1]] if parts else ("", {})
                if does == action and value in (None, *args.values()):
                    return str(button["handle"])
        raise AssertionError(f"no button does {action} {value!r} in:\n{self.person.screen()}")

    def told(self, title: str, act: Callable[[], object]) -> None:
        self.person.seen = self.person.last_seq()
        act()
        self.note(title)

    def link(self) -> "Visit":
        self.person.say("/link").say("M-000001").say("taro@example.jp").say(last_code(self.counter))
        return self
