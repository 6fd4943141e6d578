"""A turn that fails: undone, kept, tried again in its chat's order, at last a dead letter with a sorry; never lost."""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import pytest
from sqlalchemy import func, select

from bot.jobs import Ticks
from bot.registry import INTENTS, Context, Reply, Slots
from core.clock import ManualClock
from core.db import run
from core.delivery import inbox
from core.ids import SeededIds
from core.statements import Read
from core.tickets import service as tickets
from core.tickets.tables import Ticket
from tests.support.counter import Counter, Person


class Faulty:
    """A handler that breaks after it has written: `broken` more times, then as it was."""

    def __init__(self) -> None:
        self.broken = 0
        self.real = INTENTS["show_menu"]

    def __call__(self, c: Context, slots: Slots) -> Reply:
        if self.broken:
            self.broken -= 1
            tickets.open_ticket(
                c.tx, kind="inquiry", queue="support", subject="half done", body="x", member_id=None, chat_id=c.chat.id
            )
            raise ZeroDivisionError("a bug with somebody's words in its text")
        return self.real(c, slots)


@pytest.fixture
def counter(database_url: str, clock: ManualClock, ids: SeededIds) -> Iterator[Counter]:
    opened = Counter(database_url, clock, ids)
    yield opened
    opened.close()


@pytest.fixture
def faulty(counter: Counter) -> Iterator[Faulty]:
    handler = Faulty()
    INTENTS["show_menu"] = handler  # the table in which handlers register themselves
    yield handler
    INTENTS["show_menu"] = handler.real


def words(person: Person) -> list[str]:
    return [m.body["text"] for m in person.history() if m.author == "member"]


class Number(NamedTuple):
    n: int


TICKETS = Read(Number, select(func.count()).select_from(Ticket))


def tickets_in(counter: Counter) -> int:
    return run(counter.database, lambda tx: tx.one(TICKETS)).n


async def tick(counter: Counter, seconds: float) -> None:
    counter.clock.move(timedelta(seconds=seconds))
    await Ticks(counter.database, counter.bot, "one").retry_inbox()


async def test_a_failed_turn_is_undone_kept_and_tried_again(counter: Counter, faulty: Faulty) -> None:
    person = counter.person()
    faulty.broken = 1
    ack = person.act(kind="text", text="メニュー", delivery_key="k1")
    assert ack.outcome == "kept"
    assert (words(person), tickets_in(counter)) == ([], 0)
    assert person.act(kind="text", text="メニュー", delivery_key="k1").outcome == "duplicate"
    await tick(counter, 1)
    assert words(person) == ["メニュー"]
    assert person.act(kind="text", text="メニュー", delivery_key="k1").outcome == "duplicate"
    assert words(person) == ["メニュー"]


async def test_later_messages_of_the_chat_wait_their_turn_and_other_chats_do_not(
    counter: Counter, faulty: Faulty
) -> None:
    person, other = counter.person(), counter.person(address="browser-2")
    faulty.broken = 2
    person.act(kind="text", text="メニュー")
    assert person.act(kind="text", text="二つ目です").outcome == "kept"
    assert other.act(kind="text", text="ほかの人です").outcome == "done"
    assert person.act(kind="text", text="三つ目です").outcome == "kept"
    await tick(counter, 1)  # fails for the second time
    assert words(person) == []
    await tick(counter, 4)
    assert words(person) == ["メニュー", "二つ目です", "三つ目です"]
    assert person.act(kind="text", text="四つ目です").outcome == "done"
    seqs = [m.seq for m in person.history()]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_the_third_failure_is_a_dead_letter_with_a_sorry_and_the_chat_goes_on(
    counter: Counter, faulty: Faulty
) -> None:
    person = counter.person()
    faulty.broken = 3
    person.act(kind="text", text="メニュー")
    person.act(kind="text", text="二つ目です")
    await tick(counter, 1)
    await tick(counter, 4)
    (dead,) = run(counter.database, inbox.list_dead)
    assert (dead.attempts, dead.error) == (3, "ZeroDivisionError")
    assert "担当者" in person.screen()
    assert words(person) == ["二つ目です"]
    assert person.act(kind="text", text="三つ目です").outcome == "done"


async def test_staff_revive_a_dead_letter_and_it_has_its_effect_once(counter: Counter, faulty: Faulty) -> None:
    person = counter.person()
    faulty.broken = 3
    person.act(kind="text", text="メニュー", delivery_key="k1")
    await tick(counter, 1)
    await tick(counter, 4)
    (dead,) = run(counter.database, inbox.list_dead)
    assert run(counter.database, lambda tx: inbox.revive(tx, inbox_id=dead.id))
    assert not run(counter.database, lambda tx: inbox.revive(tx, inbox_id=dead.id))
    await tick(counter, 0)
    assert words(person) == ["メニュー"]
    assert run(counter.database, inbox.list_dead) == []
    await tick(counter, 60)
    assert words(person) == ["メニュー"]


async def test_what_cannot_even_be_told_does_not_hold_up_other_chats(counter: Counter, faulty: Faulty) -> None:
    """A chat whose stored delivery cannot be read any more (an older program's): counted, dead, the others go on."""
    broken = {"channel": "webchat", "nonsense": True}
    run(
        counter.database,
        lambda tx: inbox.record(
            tx, channel="webchat", account="web", delivery_key="old", chat_key="old", payload=broken, state="retry"
        ),
    )
    person = counter.person()
    faulty.broken = 1
    person.act(kind="text", text="メニュー")
    for seconds in (1, 4, 4):
        await tick(counter, seconds)
    assert words(person) == ["メニュー"]
    assert [d.chat_key for d in run(counter.database, inbox.list_dead)] == ["old"]


async def test_what_was_given_up_goes_after_14_days_like_every_raw_delivery(counter: Counter, faulty: Faulty) -> None:
    """It holds what the person wrote (row X12); staff have seen it long before."""
    person = counter.person()
    faulty.broken = 3
    person.say("/menu")
    for seconds in (1, 4):
        await tick(counter, seconds)
    assert len(run(counter.database, inbox.list_dead)) == 1
    counter.clock.move(timedelta(days=13, hours=23))
    run(counter.database, inbox.purge)
    assert len(run(counter.database, inbox.list_dead)) == 1
    counter.clock.move(timedelta(hours=2))
    assert run(counter.database, inbox.purge) > 0
    assert run(counter.database, inbox.list_dead) == []
