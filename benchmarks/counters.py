"""A counter full of linked chats, on a database of its own, and the same statements for the bare driver."""

import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters.webchat.session import address_of
from bot import handlers, turn
from bot.deployment import Bot
from bot.inbound import Ack, Inbound
from bot.telling import listeners
from core.billing.payers import payer_name_key
from core.clock import SystemClock
from core.contracts.service import create_contract
from core.db import Database, Tx, run
from core.dialogue import service as dialogue
from core.ids import SystemIds
from core.members import links
from core.members.service import create_member
from core.migrate import upgrade
from core.open_database import open_database
from core.profiles import catalogue
from core.profiles.files import load_profile

CHATS = 64
CONTRACTS = 3
Recorded = list[tuple[Any, Any]]


class _Recording:
    """A cursor that notes what is asked of it."""

    def __init__(self, cursor: Any, notes: Recorded) -> None:
        self._cursor, self._notes = cursor, notes

    def execute(self, sql: Any, parameters: Any = (), /) -> Any:
        self._notes.append((sql, parameters))
        return self._cursor.execute(sql, parameters)

    def executemany(self, sql: Any, parameters: Any, /) -> Any:
        self._notes.extend((sql, row) for row in parameters)
        return self._cursor.executemany(sql, parameters)

    def fetchall(self) -> Any:
        return self._cursor.fetchall()


@dataclass
class Bench:
    """One database with `CHATS` linked chats; `ask` is the product's turn, `bare` the driver's."""

    database: Database
    bot: Bot
    chats: list[str]
    _keys: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _recorded: dict[str, list[Recorded]] = field(default_factory=dict)

    def inbound(self, chat: str, text: str) -> Inbound:
        """One act of one person."""
        key = f"bench-{next(self._keys)}"
        return Inbound(channel="webchat", account="web", address=chat, delivery_key=key, kind="text", text=text)

    def ask(self, tx: Tx, inbound: Inbound) -> Ack:
        """The product's own turn."""
        return turn.handle(tx, inbound, self.bot)

    def record(self, text: str) -> None:
        """Two turns of each chat, statement by statement: what differs between them is what changes from turn to turn."""
        for chat in self.chats:
            turns: list[Recorded] = []
            for _ in range(2):
                notes: Recorded = []

                def noted(tx: Tx, notes: Recorded = notes, chat: str = chat) -> None:
                    recorded = Tx(_Recording(tx._cursor, notes), tx._dialect, tx.clock, tx.ids, tx._listeners)
                    turn.handle(recorded, self.inbound(chat, text), self.bot)

                run(self.database, noted)
                turns.append(notes)
            self._recorded[chat] = turns

    def bare(self, chat: str) -> Callable[[Tx], None]:
        """The statements of one turn by hand: the same SQL, fresh values where the recorded turns differ."""
        first, second = self._recorded[chat]
        fresh = next(self._keys)
        ready = [(sql, _renewed(before, after, fresh)) for (sql, before), (_, after) in zip(first, second, strict=True)]

        def work(tx: Tx) -> None:
            cursor = tx._cursor
            for sql, parameters in ready:
                cursor.execute(sql, parameters)
                if sql.lstrip()[:6] == "SELECT" or "RETURNING" in sql:
                    cursor.fetchall()

        return work


def _renewed(before: Any, after: Any, fresh: int) -> Any:
    if isinstance(after, dict):
        return {name: _new(before[name], value, fresh) for name, value in after.items()}
    return [_new(old, value, fresh) for old, value in zip(before, after, strict=True)]


def _new(old: Any, value: Any, fresh: int) -> Any:
    if old == value:
        return value
    if isinstance(value, int):
        return value + fresh * 1_000 if value > 1_000_000 else value + fresh * 10
    return f"{value}{fresh}"[-120:] if isinstance(value, str) and len(value) < 60 and "T" not in value else value


@contextmanager
def bench_on(url: str, sessions: Sequence[str] = ()) -> Iterator[Bench]:
    """A migrated database with linked chats and their contracts."""
    handlers.register_all()
    upgrade(url)
    profile = load_profile("renewal-notice")
    sessions = sessions or [f"bench-{n}" for n in range(CHATS)]
    bot = Bot(profile, "http://127.0.0.1:8000", flood_acts=10**9)
    database = open_database(url, SystemClock(), SystemIds(), listeners(bot))
    chats = [address_of(session) for session in sessions]

    def fill(tx: Tx) -> None:
        catalogue.ensure_catalogue(tx, profile=profile)
        for n, address in enumerate(chats):
            member = create_member(
                tx,
                name=f"会員 {n}",
                name_kana="カイイン",
                name_key=payer_name_key("カイイン"),
                email=f"m{n}@example.jp",
            )
            for k in range(CONTRACTS):
                create_contract(
                    tx,
                    member_id=member.id,
                    plan_code="standard",
                    label=f"srv{n}-{k}",
                    started_on=tx.today,
                    expires_on=tx.today + timedelta(days=30 + k),
                    cause="bench",
                )
            chat = dialogue.lock_chat(
                tx, channel="webchat", account="web", address=address, hint="ja", display_name="", default_language="ja"
            )
            links.add_link(tx, chat_id=chat.id, member_id=member.id)
            dialogue.set_active_member(tx, chat_id=chat.id, member_id=member.id)

    run(database, fill)
    try:
        yield Bench(database, bot, chats)
    finally:
        database.close()


@contextmanager
def sqlite_bench() -> Iterator[Bench]:
    """On SQLite, in a scratch folder."""
    with tempfile.TemporaryDirectory() as folder, bench_on(f"sqlite:///{Path(folder) / 'bench.sqlite'}") as bench:
        yield bench
