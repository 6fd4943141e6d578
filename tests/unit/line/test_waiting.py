"""LINE's loading indicator: only while an answer takes long, only in one-to-one chats, never in a turn's way."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from adapters.line.waiting import Waiting
from bot.inbound import Ack, Inbound


class Shown:
    def __init__(self) -> None:
        self.people: list[str] = []
        self.first = asyncio.Event()

    async def show(self, person: str) -> None:
        self.people.append(person)
        self.first.set()


def act(**changed: object) -> Inbound:
    given: dict[str, object] = {"address": "U1", "kind": "text", "text": "こんにちは", **changed}
    return Inbound(channel="line", account="bot", delivery_key="k", **given)  # type: ignore[arg-type]


def answering(outcome: str, after: asyncio.Event | None = None) -> Callable[[Inbound], Awaitable[Ack]]:
    async def deliver(_: Inbound) -> Ack:
        if after is not None:
            await after.wait()
        return Ack(outcome)  # type: ignore[arg-type]

    return deliver


async def test_a_quick_turn_shows_nothing() -> None:
    shown = Shown()
    waiting = Waiting(shown.show, patience_seconds=0)
    assert (await waiting.over(act(), answering("done"))).outcome == "done"
    await waiting.close()
    assert shown.people == []


async def test_a_long_turn_shows_it_once() -> None:
    shown = Shown()
    waiting = Waiting(shown.show, patience_seconds=0)
    await waiting.over(act(), answering("done", shown.first))  # the turn ends after the indicator stands
    assert shown.people == ["U1"]


async def test_a_delivery_kept_for_another_try_shows_it() -> None:
    shown = Shown()
    waiting = Waiting(shown.show)
    await waiting.over(act(), answering("kept"))
    await asyncio.wait_for(shown.first.wait(), 5)
    await waiting.close()


@pytest.mark.parametrize("changed", [{"private": False}, {"kind": "unsend"}, {"kind": "blocked"}, {"kind": "edit"}])
async def test_groups_and_acts_without_an_answer_show_nothing(changed: dict[str, object]) -> None:
    shown = Shown()
    waiting = Waiting(shown.show, patience_seconds=0)
    await waiting.over(act(**changed), answering("kept"))
    await waiting.close()
    assert shown.people == []


async def test_a_turn_that_fails_still_fails() -> None:
    async def fails(_: Inbound) -> Ack:
        raise RuntimeError("on purpose")

    waiting = Waiting(Shown().show)
    with pytest.raises(RuntimeError):
        await waiting.over(act(), fails)
    await waiting.close()
