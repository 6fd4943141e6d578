"""What a handler gets, what it gives back, and the two tables in which handlers register themselves.

A handler is about twenty lines: parse, call one use case, show a screen. It knows neither the turn nor the channel.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.deployment import Bot
from bot.inbound import Inbound
from bot.screens.model import Screen
from bot.screens.offers import is_offered
from bot.screens.talk import not_here_screen
from bot.wording import Wording
from core.db import Tx
from core.dialogue.service import ChatView
from core.errors import DomainError
from core.members.service import MemberView
from core.profiles.model import Profile

Reply = Screen | Sequence[Screen] | None
Slots = Mapping[str, Any]


@dataclass(slots=True)
class Context:
    """One turn of a conversation: the transaction, who is talking, in which words to answer."""

    tx: Tx
    bot: Bot
    chat: ChatView
    inbound: Inbound
    w: Wording
    member: MemberView | None = None

    @property
    def profile(self) -> Profile:
        """The operator's rules."""
        return self.bot.profile

    @property
    def language(self) -> str:
        """ja or en."""
        return self.w.language

    @property
    def today(self) -> date:
        """The day of the turn, in Japan."""
        return self.tx.today

    def need_member(self) -> MemberView:
        """The active membership; a chat that is not linked is asked to link first."""
        if self.member is None:
            raise DomainError("not_linked")
        return self.member


Handler = Callable[[Context, Slots], Reply]

INTENTS: dict[str, Handler] = {}  # what sentences, commands and menu buttons mean
ACTIONS: dict[str, Handler] = {}  # what the buttons of screens do


def intent(*names: str) -> Callable[[Handler], Handler]:
    """Register a handler for intents of intents.md; it is also reachable as the action "intent.NAME".

    What this operator does not have at all (renewal without plans, reservations) is said so, with a way to a person.
    """

    def register(handler: Handler) -> Handler:
        for name in names:
            INTENTS[name] = ACTIONS[f"intent.{name}"] = _where_offered(name, handler)
        return handler

    return register


def _where_offered(name: str, handler: Handler) -> Handler:
    def handle(c: Context, slots: Slots) -> Reply:
        return handler(c, slots) if is_offered(c.profile, name) else not_here_screen(c.w, name, c.chat.last_seq)

    return handle


def action(name: str) -> Callable[[Handler], Handler]:
    """Register a handler for a button's action."""

    def register(handler: Handler) -> Handler:
        ACTIONS[name] = handler
        return handler

    return register


def as_screens(reply: Reply) -> list[Screen]:
    """A handler's answer as a list."""
    if reply is None:
        return []
    return [reply] if isinstance(reply, Screen) else list(reply)
