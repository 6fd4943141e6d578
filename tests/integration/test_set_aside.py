"""A row that a timed job cannot do: the others' work goes on, staff see it, it is tried again, and settled when it works."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.jobs import Ticks
from core.billing.facts import InvoiceVoided
from core.clock import JST, ManualClock
from core.counter.troubles import list_troubles, try_job_again
from core.db import Tx, run
from core.delivery import setaside
from core.delivery.setaside import RowFailed
from core.errors import DomainError
from core.ids import SeededIds
from core.reminders.facts import RemindersDue
from tests.support.builders import ACCOUNTANT, Somebody
from tests.support.counter import Counter
from tests.support.journeys import link_person, order_renewal, rows

BROKEN = "somebody's words that must not be shown"


class Fault:
    """A listener that fails for one member while `member_id` is set, before anybody else hears the fact."""

    def __init__(self) -> None:
        self.member_id: int | None = None

    def __call__(self, tx: Tx, fact: Any) -> None:
        if fact.member_id == self.member_id:
            raise ZeroDivisionError(BROKEN)


@pytest.fixture
def fault() -> Fault:
    return Fault()


@pytest.fixture
def counter(database_url: str, clock: ManualClock, ids: SeededIds, fault: Fault) -> Iterator[Counter]:
    opened = Counter(database_url, clock, ids, first={RemindersDue: fault, InvoiceVoided: fault})
    yield opened
    opened.close()


def two_members(counter: Counter, **contract: Any) -> tuple[int, int]:
    first = counter.add_member()
    second = counter.add_member(member_no="M-000002", email="jiro@example.jp", name="佐藤 次郎")
    for member_id in (first, second):
        counter.add_contract(member_id, **contract)
    return first, second


def told(counter: Counter, member_id: int) -> int:
    return len(rows(counter, "outbox", kind="reminder", member_id=member_id))


@pytest.fixture
def at_ten(clock: ManualClock) -> Callable[[int], None]:
    """On the morning so many days from now, when reminders leave."""

    def move(days: int) -> None:
        day = clock.now().astimezone(JST) + timedelta(days=days)
        clock.set(day.replace(hour=10, minute=45))

    return move


async def test_one_members_failure_does_not_keep_the_others_reminders_back(
    counter: Counter, fault: Fault, clock: ManualClock, at_ten: Callable[[int], None]
) -> None:
    bad, good = two_members(counter, expires_on=(clock.now() + timedelta(days=10)).date())
    at_ten(1)
    fault.member_id = bad
    ticks = Ticks(counter.database, counter.bot, "test")
    await ticks.run_business()
    assert (told(counter, bad), told(counter, good)) == (0, 1)
    [row] = rows(counter, "set_aside")
    assert (row.job, row.subject_id, row.member_id, row.error) == ("reminders", bad, bad, "ZeroDivisionError")

    await ticks.run_business()  # not at every tick again
    assert [row.attempts for row in rows(counter, "set_aside")] == [1]
    clock.move(timedelta(minutes=2))
    await ticks.run_business()
    assert [row.attempts for row in rows(counter, "set_aside")] == [2]

    fault.member_id = None
    clock.move(timedelta(minutes=6))
    await ticks.run_business()
    assert (told(counter, bad), told(counter, good)) == (1, 1)
    assert rows(counter, "set_aside") == []


async def test_staff_see_what_was_set_aside_and_have_it_tried_again(
    counter: Counter, fault: Fault, clock: ManualClock, at_ten: Callable[[int], None]
) -> None:
    bad, _ = two_members(counter, expires_on=(clock.now() + timedelta(days=10)).date())
    at_ten(1)
    fault.member_id = bad
    ticks = Ticks(counter.database, counter.bot, "test")
    await ticks.run_business()
    [seen] = run(counter.database, lambda tx: list_troubles(tx, ACCOUNTANT)).set_aside
    assert seen.member is not None and seen.member.member_no == "M-000001"
    assert BROKEN not in str(rows(counter, "set_aside"))

    fault.member_id = None
    with pytest.raises(DomainError, match="forbidden"):
        run(counter.database, lambda tx: try_job_again(tx, Somebody(903, "viewer"), job="reminders", subject_id=bad))
    again = [
        run(counter.database, lambda tx: try_job_again(tx, ACCOUNTANT, job="reminders", subject_id=bad)) for _ in (1, 2)
    ]
    assert again == [True, True]
    await ticks.run_business()
    assert told(counter, bad) == 1
    assert run(counter.database, lambda tx: try_job_again(tx, ACCOUNTANT, job="reminders", subject_id=bad)) is False
    assert len([row for row in rows(counter, "audit") if row.action == "job.tried_again"]) == 2


async def test_one_invoice_that_cannot_lapse_does_not_keep_the_others(
    counter: Counter, fault: Fault, clock: ManualClock
) -> None:
    bad, good = two_members(counter)
    for number, (no, email) in enumerate((("M-000001", "taro@example.jp"), ("M-000002", "jiro@example.jp"))):
        person = counter.person(address=f"browser-{number}")
        link_person(person, no, email)
        order_renewal(person)
    fault.member_id = bad
    clock.move(timedelta(days=60))
    ticks = Ticks(counter.database, counter.bot, "test")
    await ticks.run_business()
    assert {row.member_id: row.status for row in rows(counter, "invoice")} == {bad: "open", good: "void"}
    assert {row.job for row in rows(counter, "set_aside")} >= {"lapse"}

    fault.member_id = None
    clock.move(timedelta(minutes=2))
    await ticks.run_business()
    assert {row.status for row in rows(counter, "invoice")} == {"void"}
    assert rows(counter, "set_aside") == []


async def test_what_is_the_databases_own_trouble_is_nobodys_row(counter: Counter) -> None:
    class Deadlock(Exception):
        sqlstate = "40P01"

    with pytest.raises(Deadlock), setaside.one("reminders", 1):
        raise Deadlock
    with pytest.raises(RowFailed), setaside.one("reminders", 1):
        raise KeyError("x")
