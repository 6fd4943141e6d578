"""The port suite: one journey, written once, at every door; the same rows afterwards, whatever the door and the database.

`tests/e2e/ports` holds the rows as they were read once; `MADOGUCHI_SNAPSHOTS=write` draws them anew.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from core.billing.attempts import PROVIDER_OF
from core.billing.books import check_books
from core.clock import ManualClock
from core.db import run
from core.ids import SeededIds
from tests.support.counter import Counter
from tests.support.counter_doors import at_door
from tests.support.doors import CHANNELS
from tests.support.facility import facility_counter, reserve
from tests.support.journeys import rows
from tests.support.ports.abilities import RENEWAL
from tests.support.ports.facility_abilities import FACILITY
from tests.support.ports.rows import dump
from tests.support.ports.stay import Stay
from tests.support.snapshots import compare

ROWS = Path(__file__).parent / "ports"
CONTRACTS = {"a.example.jp": 10, "b.example.jp": 10, "c.example.com": 10, "d.example.jp": 20}  # last day in December
Ability = Callable[[Stay], Awaitable[None]]


async def walk(counter: Counter, clock: ManualClock, channel: str, abilities: Sequence[Ability]) -> None:
    """All abilities, one after the other; a failure says which."""
    async with at_door(counter, channel) as visit:
        stay = Stay(visit, counter, clock)
        for ability in abilities:
            await stay.later(minutes=2)  # a flood is a test of its own
            try:
                await ability(stay)
            except AssertionError as error:
                error.add_note(f"in {ability.__name__}, by {channel}")
                raise
    assert rows(counter, "inbox", state="done") == rows(counter, "inbox")
    owed = [row for row in rows(counter, "outbox") if row.state != "sent" and row.channel != "mail"]
    assert owed == []
    assert run(counter.database, check_books) == []


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_year_at_the_counter_leaves_the_same_rows(counter: Counter, clock: ManualClock, channel: str) -> None:
    member_id = counter.add_member()
    for label, last_day in CONTRACTS.items():
        plan = "domain-com" if label.endswith(".com") else "standard"
        counter.add_contract(member_id, label=label, plan_code=plan, expires_on=date(2026, 12, last_day))
    counter.bot.online = frozenset(PROVIDER_OF)
    await walk(counter, clock, channel, RENEWAL)
    compare(ROWS / "renewal.txt", dump(counter))


@pytest.mark.parametrize("channel", CHANNELS)
async def test_reservations_at_every_door_leave_the_same_rows(
    database_url: str, clock: ManualClock, ids: SeededIds, channel: str
) -> None:
    with facility_counter(database_url, clock, ids) as counter:
        member_id = counter.add_member()
        reserve(counter.database, member_id=member_id)
        studio = {"facility_code": "studio", "category_code": "studio", "used_on": date(2026, 12, 8)}
        reserve(counter.database, member_id=member_id, **studio)
        await walk(counter, clock, channel, FACILITY)
        compare(ROWS / "facility.txt", dump(counter))
