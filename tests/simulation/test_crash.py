"""kill -9 at any point: the database's effects happen exactly once, nothing owed is lost, every repeat is counted.

The real product runs as `python -m bot serve`; members talk to it over HTTP and by Telegram's webhook and repeat what was
not acknowledged, staff decide, and the process dies at seeded moments: while a delivery is on its way in, just after one was
acknowledged, and between "Telegram (or the mail server) has it" and "noted".

Replay one seed: MADOGUCHI_SIMULATION_SEEDS=7 python -m pytest tests/simulation -k sqlite
"""

import asyncio
import os
import random
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.contracts.tables import Renewal
from core.db import Tx, run
from core.delivery.tables import Inbox, Outbox
from core.statements import Read, among
from tests.simulation.invariants import Seen, breaches
from tests.simulation.people import Browser, Operator, Phone, TelegramPhone, live
from tests.simulation.rows import Number
from tests.simulation.world import LINKS, Crash, World
from tests.support.databases import PostgresServer, sqlite_database
from tests.support.telegram_double import Fault
from tests.support.telegram_rules import Refused

SEEDS = [int(seed) for seed in os.environ.get("MADOGUCHI_SIMULATION_SEEDS", "1").split(",")]
MEMBERS = 4  # half of them in browsers, half in Telegram
CRASHES = 5
MOMENTS = ("asked", "acked", "sent", "mailed")

pytestmark = pytest.mark.timeout(300)

UNFINISHED = Read(Number, select(func.count()).where(among(Inbox.state, "retry", "waiting")))
OWED = Read(
    Number,
    select(func.count()).where(among(Outbox.state, "queued", "sending")),
)
PAID = Read(Number, select(func.count()).where(Renewal.state == "done"))
REPEATS = Read(Number, select(func.coalesce(func.sum(Outbox.repeats), 0)))
REMINDED = Read(Number, select(func.count()).where(Outbox.kind == "reminder", Outbox.channel == "telegram"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database on both kinds."""
    if request.param == "sqlite":
        with sqlite_database(tmp_path) as url:
            yield url
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            yield url


def plan_of(seed: int) -> list[Crash]:
    """Every kind of moment at least once, in the seed's order."""
    chance = random.Random(f"{seed}:plan")
    moments = [*MOMENTS, *chance.choices(MOMENTS, weights=(3, 3, 3, 1), k=CRASHES - len(MOMENTS))]
    chance.shuffle(moments)
    reach = {"asked": 30, "acked": 25, "sent": 12, "mailed": 3}
    return [Crash(moment, chance.randint(1, reach[moment])) for moment in moments]


def faults_of(seed: int) -> list[Fault]:
    """What Telegram's sendMessage meets by itself: lost answers, a gateway's error, "too many requests"."""
    chance = random.Random(f"{seed}:faults")
    kinds = [
        Fault(after="drop"),
        Fault(raw=(502, "<html>Bad Gateway</html>")),
        Fault(refused=Refused(429, "Too Many", 1)),
    ]
    return [chance.choice(kinds) if chance.random() < 0.06 else Fault() for _ in range(150)]


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_and_nothing_happens_twice_however_often_the_product_is_killed(
    database_url: str, tmp_path: Path, seed: int
) -> None:
    processes = 1 if database_url.startswith("sqlite") else 2
    world = World(database_url, tmp_path, seed, processes=processes, members=MEMBERS)
    try:
        seen = await talk_while_it_dies(world, seed)
        found = await asyncio.to_thread(run, world.database, lambda tx: [*breaches(tx, seen), *hollow(tx, world)])
        assert not found, explain(world, seed, found)
        if processes == 1:
            with sqlite3.connect(database_url.removeprefix("sqlite:///")) as file:
                assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        await world.close()


async def talk_while_it_dies(world: World, seed: int) -> Seen:
    """The run itself, up to the orderly end of every process."""
    await world.open()
    phones: list[Phone] = [(Browser, TelegramPhone)[n % 2](world, n, seed) for n in range(MEMBERS)]
    operator = Operator(world, seed)
    world.telegram.fail("sendMessage", *faults_of(seed))
    world.start_crashing(plan_of(seed))
    working = asyncio.create_task(operator.work())
    await asyncio.gather(*(live(phone) for phone in phones))
    await world.revived()
    await asyncio.gather(*(phone.repeat_the_rest() for phone in phones))
    operator.stop()
    await working
    world.plan.clear()
    await world.revived()
    await world.until("everything that came is done", lambda tx: tx.one(UNFINISHED).n == 0)
    await world.until("everything that was owed has ended", lambda tx: tx.one(OWED).n == 0)
    for process in world.processes:
        # uvicorn ends in order and then dies of the signal it was sent, as its documentation says
        assert await asyncio.to_thread(process.stop) in (0, -signal.SIGTERM)
    assert world.telegram.violations == []
    urls = [process.url for process in world.processes]
    deliveries = [delivered for phone in phones for delivered in phone.delivered]
    return Seen(deliveries, world.telegram.calls, world.mail.mails, urls, operator.words)


def hollow(tx: Tx, world: World) -> list[str]:
    """A run in which little happened proves little."""
    enough = {
        "chats were linked": tx.one(LINKS).n >= MEMBERS,
        "renewals were paid": tx.one(PAID).n >= 1,
        "processes died": len(world.died) >= CRASHES - 2,
        "reminders went to Telegram": tx.one(REMINDED).n >= 1,
    }
    return [f"too little: {what}" for what, so in enough.items() if not so]


def explain(world: World, seed: int, found: list[str]) -> str:
    """The breaches, where it died, and how to see it again."""
    died = "\n".join(f"  {d.crash.moment} (pid {d.pid})" for d in world.died)
    return (
        f"{len(found)} breaches:\n  " + "\n  ".join(found[:20]) + f"\ndied at:\n{died}\n"
        f"replay: MADOGUCHI_SIMULATION_SEEDS={seed} python -m pytest tests/simulation\n{world.logs()[-3000:]}"
    )
