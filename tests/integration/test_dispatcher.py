"""The dispatcher on both databases: order, stuck chats, dead owners, second looks, limits, leases, orderly ends."""

import asyncio
from datetime import datetime, timedelta

import pytest

from bot.dispatch import SEND_SECONDS, Lane, settle_lost
from core.clock import ManualClock
from core.db import Database, Tx, run
from core.delivery import leases, outbox
from core.delivery.ports import OutcomeUnknown, Owed, Unreachable
from core.dialogue import service as dialogue
from core.errors import PermanentError, TransientError
from tests.support.chats import a_chat
from tests.support.lanes import ScriptedSender, never_asks, owe, row, running, tells_nobody, until_row

LATER = timedelta(minutes=5)  # longer than any lease


def wake(database: Database) -> None:
    """What a commit in another process does."""
    database.wakeups.publish(["outbox:telegram", "outbox:mail"])


async def test_a_chats_messages_leave_in_order_while_another_chat_is_stuck(database: Database) -> None:
    sender = ScriptedSender(in_flight=4)
    stuck = sender.stick("1")
    first = run(database, lambda tx: owe(tx, address="1", text="one"))
    run(database, lambda tx: owe(tx, address="1", text="two"))
    async with running(database, sender):
        await sender.until(lambda: sender.texts("1") == ["one"])
        for text in ("a", "b", "c"):
            await asyncio.to_thread(run, database, lambda tx, text=text: owe(tx, address="2", text=text))
        await sender.until(lambda: sender.texts("2") == ["a", "b", "c"])
        assert sender.texts("1") == ["one"]
        assert (await row(database, first)).state == "sending"
        stuck.set()
        await sender.until(lambda: sender.texts("1") == ["one", "two"])


async def test_a_refused_message_lets_the_next_one_of_its_chat_go(database: Database) -> None:
    sender = ScriptedSender()
    sender.fail("1", PermanentError("too long"))
    first = run(database, lambda tx: owe(tx, address="1", text="one"))
    second = run(database, lambda tx: owe(tx, address="1", text="two"))
    async with running(database, sender):
        await until_row(database, second, lambda r: r.state == "sent")
    assert (await row(database, first)).state == "dead"


async def test_a_retry_keeps_its_place_in_the_chat_and_honours_retry_after(
    database: Database, clock: ManualClock
) -> None:
    sender = ScriptedSender()
    sender.fail("1", TransientError("telegram asks to wait", retry_after=30))
    first = run(database, lambda tx: owe(tx, address="1", text="one"))
    second = run(database, lambda tx: owe(tx, address="1", text="two"))
    async with running(database, sender):
        await until_row(database, first, lambda r: r.state == "queued" and r.attempts == 1)
        clock.move(timedelta(seconds=29))
        other = run(database, lambda tx: owe(tx, address="2", text="other"))
        await until_row(database, other, lambda r: r.state == "sent")  # the lane has looked since
        assert sender.texts("1") == ["one"]
        clock.move(timedelta(seconds=2))
        wake(database)
        await until_row(database, second, lambda r: r.state == "sent")
    assert sender.texts("1") == ["one", "one", "two"]
    assert (await row(database, first)).repeats == 0  # certainly not sent the first time: no repeat


async def _claimed_by_the_dead(database: Database, *, channel: str, kind: str) -> int:
    outbox_id = run(database, lambda tx: owe(tx, address="1", text=kind, kind=kind, channel=channel))
    claimed = run(database, lambda tx: outbox.claim(tx, channel=channel, owner="dead", limit=5))
    assert [c.owed.id for c in claimed] == [outbox_id]
    return outbox_id


@pytest.mark.parametrize("kind", ["reply", "code", "staff_reply", "money"])
async def test_what_a_dead_owner_had_in_hand_leaves_again_and_is_counted(
    database: Database, clock: ManualClock, kind: str
) -> None:
    outbox_id = await _claimed_by_the_dead(database, channel="telegram", kind=kind)
    assert await settle_lost(database) == 0  # it may still be alive
    clock.move(LATER)
    assert await settle_lost(database) == 1
    async with running(database, ScriptedSender()):
        sent = await until_row(database, outbox_id, lambda r: r.state == "sent")
    assert (sent.repeats, sent.attempts) == (1, 2)


@pytest.mark.parametrize("kind", ["reminder", "notice", "survey"])
async def test_a_reminder_in_a_dead_owners_hand_is_unknown_and_never_leaves_twice(
    database: Database, clock: ManualClock, kind: str
) -> None:
    outbox_id = await _claimed_by_the_dead(database, channel="telegram", kind=kind)
    clock.move(LATER)
    assert await settle_lost(database) == 1
    sender = ScriptedSender()
    after = run(database, lambda tx: owe(tx, address="1", text="after"))
    async with running(database, sender):
        await until_row(database, after, lambda r: r.state == "sent")
    found = await row(database, outbox_id)
    assert (found.state, found.repeats, sender.texts("1")) == ("unknown", 0, ["after"])
    assert outbox_id in {r.id for r in run(database, outbox.list_troubled)}


@pytest.mark.parametrize("kind", ["code", "reminder"])
async def test_a_mail_in_a_dead_owners_hand_leaves_again_as_the_same_mail(
    database: Database, clock: ManualClock, kind: str
) -> None:
    outbox_id = await _claimed_by_the_dead(database, channel="mail", kind=kind)
    clock.move(LATER)
    await settle_lost(database)
    sender = ScriptedSender("mail")
    async with running(database, sender):
        sent = await until_row(database, outbox_id, lambda r: r.state == "sent")
    assert (sent.repeats, [received[2] for received in sender.received]) == (0, [outbox_id])


async def test_a_row_that_takes_its_sender_down_again_and_again_is_given_to_staff(
    database: Database, clock: ManualClock
) -> None:
    outbox_id = run(database, lambda tx: owe(tx, address="1", text="poison"))
    for _ in range(outbox.TRIES):
        assert run(database, lambda tx: outbox.claim(tx, channel="telegram", owner="dead", limit=5))
        clock.move(LATER)
        await settle_lost(database)
    assert (await row(database, outbox_id)).state == "unknown"


@pytest.mark.parametrize(("kind", "state", "repeats"), [("reply", "queued", 1), ("reminder", "unknown", 0)])
async def test_a_send_without_an_answer_follows_the_same_table(
    database: Database, kind: str, state: str, repeats: int
) -> None:
    sender = ScriptedSender()
    sender.fail("1", OutcomeUnknown("no answer in time"))
    outbox_id = run(database, lambda tx: owe(tx, address="1", text="x", kind=kind))
    async with running(database, sender):
        found = await until_row(database, outbox_id, lambda r: r.attempts == 1 and r.state != "sending")
    assert (found.state, found.repeats) == (state, repeats)


async def test_a_sender_that_does_not_come_back_lets_go_before_another_may_send_its_row(database: Database) -> None:
    assert outbox.SEND_LEASE.total_seconds() > SEND_SECONDS
    sender = ScriptedSender(in_flight=1)
    sender.stick("1")
    stuck = run(database, lambda tx: owe(tx, address="1", text="reminder", kind="reminder"))
    async with running(database, sender, send_seconds=0.05):
        assert (await until_row(database, stuck, lambda r: r.state != "sending" and r.attempts > 0)).state == "unknown"
        other = run(database, lambda tx: owe(tx, address="2", text="other"))  # its only place is free again
        await until_row(database, other, lambda r: r.state == "sent")


async def test_a_sender_with_a_bug_loses_nothing(database: Database, clock: ManualClock) -> None:
    sender = ScriptedSender()
    sender.fail("1", ZeroDivisionError())
    outbox_id = run(database, lambda tx: owe(tx, address="1", text="x"))
    async with running(database, sender):
        await until_row(database, outbox_id, lambda r: r.state == "queued" and r.attempts == 1)
        clock.move(LATER)
        wake(database)
        await until_row(database, outbox_id, lambda r: r.state == "sent" and r.repeats == 1)


async def test_quiet_hours_put_a_reminder_off_without_holding_up_answers(
    database: Database, clock: ManualClock
) -> None:
    morning = clock.now() + timedelta(hours=11)

    def quiet(tx: Tx, owed: Owed, subject_key: str) -> datetime | None:
        return morning if tx.now < morning else None

    reminder = run(database, lambda tx: owe(tx, address="1", text="r", kind="reminder", subject_key="reminder:1"))
    answer = run(database, lambda tx: owe(tx, address="1", text="answer"))
    sender = ScriptedSender()
    async with running(database, sender, ask_again=quiet):
        await until_row(database, answer, lambda r: r.state == "sent")
        assert (await row(database, reminder)).due_at == morning
        clock.move(timedelta(hours=12))
        wake(database)
        await until_row(database, reminder, lambda r: r.state == "sent")
    assert sender.texts("1") == ["answer", "r"]


async def test_what_is_no_longer_wanted_is_withdrawn_at_the_moment_of_sending(database: Database) -> None:
    outbox_id = run(database, lambda tx: owe(tx, address="1", text="r", kind="reminder", subject_key="reminder:1"))
    sender = ScriptedSender()
    async with running(database, sender, ask_again=lambda tx, owed, key: "renewed"):
        found = await until_row(database, outbox_id, lambda r: r.state == "cancelled")
    assert (found.answer, sender.received) == ("renewed", [])


async def test_a_second_look_that_fails_is_certainly_not_sent(database: Database, clock: ManualClock) -> None:
    asked: list[str] = []

    def fails_once(tx: Tx, owed: Owed, subject_key: str) -> None:
        asked.append(subject_key)
        if len(asked) == 1:
            raise ZeroDivisionError

    outbox_id = run(database, lambda tx: owe(tx, address="1", text="r", kind="reminder", subject_key="reminder:1"))
    sender = ScriptedSender()
    async with running(database, sender, ask_again=fails_once):
        await until_row(database, outbox_id, lambda r: r.state == "queued" and r.attempts == 1)
        clock.move(LATER)
        wake(database)
        found = await until_row(database, outbox_id, lambda r: r.state == "sent")
    assert (found.repeats, sender.texts("1")) == (0, ["r"])


async def test_an_unreachable_person_is_marked_and_their_message_is_listed(database: Database) -> None:
    chat = run(database, lambda tx: a_chat(tx, channel="telegram"))

    def mark(tx: Tx, owed: Owed) -> None:
        assert owed.chat_id is not None
        dialogue.set_reachable(tx, chat_id=owed.chat_id, reachable=False)

    sender = ScriptedSender()
    sender.fail(chat.address, Unreachable("bot was blocked by the user"))
    outbox_id = run(database, lambda tx: owe(tx, address=chat.address, text="x", chat_id=chat.id))
    async with running(database, sender, blocked=mark):
        await until_row(database, outbox_id, lambda r: r.state == "dead")
    assert not run(database, lambda tx: dialogue.get_chat(tx, chat_id=chat.id)).reachable
    assert outbox_id in {r.id for r in run(database, outbox.list_troubled)}


async def test_of_two_processes_one_sends_a_lane_and_the_other_takes_over_when_it_is_gone(
    database: Database, clock: ManualClock
) -> None:
    first, second = ScriptedSender(), ScriptedSender()
    ids = [run(database, lambda tx, n=n: owe(tx, address=str(n), text=str(n))) for n in range(5)]
    async with running(database, first, owner="first"):
        for outbox_id in ids:
            await until_row(database, outbox_id, lambda r: r.state == "sent")
        async with running(database, second, owner="second"):
            later = [run(database, lambda tx, n=n: owe(tx, address=str(n), text=str(n))) for n in range(5)]
            for outbox_id in later:
                await until_row(database, outbox_id, lambda r: r.state == "sent")
            assert (len(first.received), len(second.received)) == (10, 0)
    async with running(database, second, owner="second"):
        clock.move(leases.LEASE + timedelta(seconds=1))
        wake(database)
        last = run(database, lambda tx: owe(tx, address="9", text="last"))
        await until_row(database, last, lambda r: r.state == "sent")
    assert second.texts("9") == ["last"]


async def test_a_lane_at_work_keeps_its_lease(database: Database, clock: ManualClock) -> None:
    """A long queue must not let the lease run out: two processes would pace one bot."""
    sender, other = ScriptedSender(in_flight=1), ScriptedSender()
    async with running(database, sender, owner="first"):
        for n in range(8):
            outbox_id = await asyncio.to_thread(run, database, lambda tx, n=n: owe(tx, address=str(n), text=str(n)))
            await until_row(database, outbox_id, lambda r: r.state == "sent")
            clock.move(timedelta(seconds=8))
        held = run(database, lambda tx: leases.take_lease(tx, name="lane:telegram", owner="other"))
    assert (held, other.received) == (None, [])


async def test_stop_leaves_nothing_in_hand_and_claims_nothing_more(database: Database) -> None:
    sender = ScriptedSender()
    stuck = sender.stick("1")
    first = run(database, lambda tx: owe(tx, address="1", text="one"))
    second = run(database, lambda tx: owe(tx, address="1", text="two"))
    lane = Lane(database, sender, "one", never_asks, tells_nobody)
    lane.start()
    await sender.until(lambda: sender.texts("1") == ["one"])
    stopping = asyncio.create_task(lane.stop())
    stuck.set()
    await stopping
    after = run(database, lambda tx: owe(tx, address="2", text="after"))
    wake(database)
    assert (await row(database, first)).state == "sent"
    assert (await row(database, second)).state in ("queued", "sent")  # never in a hand that is gone
    assert ((await row(database, after)).state, sender.texts("2")) == ("queued", [])
