"""Never a 31st message within a second of the first, nor a chat flooded; proved under a time of our own."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.telegram.pace import LONGEST_WAIT_SECONDS, Pace, Time
from core.errors import TransientError


class FakeTime:
    """Time that moves on only when everybody waits."""

    def __init__(self) -> None:
        self.at = 0.0
        self.running = 0
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.at + seconds, next(self._order), future))
        self.running -= 1
        self._move()
        await future

    def _move(self) -> None:
        if self.running == 0 and self._sleepers:
            self.at, _, future = heapq.heappop(self._sleepers)
            self.running += 1
            future.set_result(None)

    async def run(self, jobs: list[Callable[[], Awaitable[None]]]) -> None:
        async def one(job: Callable[[], Awaitable[None]]) -> None:
            try:
                await job()
            finally:
                self.running -= 1
                self._move()

        self.running = len(jobs)
        await asyncio.gather(*(one(job) for job in jobs))


def workers(jobs: list[Callable[[], Awaitable[None]]], number: int) -> list[Callable[[], Awaitable[None]]]:
    waiting = list(reversed(jobs))

    async def work() -> None:
        while waiting:
            await waiting.pop()()

    return [work] * number


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 1)), min_size=100, max_size=130), st.integers(1, 24))
def test_whatever_the_delays_no_31_messages_fall_into_one_second(
    delays: list[tuple[float, float]], in_flight: int
) -> None:
    clock = FakeTime()
    pace = Pace(Time(clock.now, clock.sleep))
    counted: list[float] = []

    def job(number: int, way: float, back: float) -> Callable[[], Awaitable[None]]:
        async def send() -> None:
            async with pace.message(str(number)):
                await clock.sleep(way)
                counted.append(clock.now())  # when the platform counts it: anywhere between leaving and answer
                await clock.sleep(back)

        return send

    asyncio.run(clock.run(workers([job(n, *delay) for n, delay in enumerate(delays)], in_flight)))
    counted.sort()
    assert len(counted) == len(delays)
    assert all(later - first > 1.0 for first, later in zip(counted, counted[30:], strict=False))


def test_without_delays_the_lane_is_used_well() -> None:
    clock = FakeTime()
    pace = Pace(Time(clock.now, clock.sleep))

    def job(number: int) -> Callable[[], Awaitable[None]]:
        async def send() -> None:
            async with pace.message(str(number)):
                pass

        return send

    asyncio.run(clock.run(workers([job(n) for n in range(300)], 24)))
    assert 9.8 < clock.at < 10.0  # 300 messages: ten places of a second and a margin, the first one free


@pytest.mark.parametrize(("address", "most_in_a_minute"), [("77", 61), ("-500", 20)])
def test_a_chat_gets_a_short_burst_and_then_one_at_a_time(address: str, most_in_a_minute: int) -> None:
    clock = FakeTime()
    pace = Pace(Time(clock.now, clock.sleep))
    times: list[float] = []

    async def talk() -> None:
        for _ in range(80):
            async with pace.message(address):
                times.append(clock.now())

    asyncio.run(clock.run([talk]))
    assert times[:3] == [0.0, 0.0, 0.0]
    assert all(second - first >= 1.0 for first, second in pairwise(times[2:]))
    assert all(sum(start <= at < start + 60 for at in times) <= most_in_a_minute for start in times)


def test_a_chat_with_a_backlog_does_not_delay_another() -> None:
    clock = FakeTime()
    pace = Pace(Time(clock.now, clock.sleep))
    done: dict[str, float] = {}

    def talk(address: str, messages: int) -> Callable[[], Awaitable[None]]:
        async def say() -> None:
            for _ in range(messages):
                async with pace.message(address):
                    pass
            done[address] = clock.now()

        return say

    asyncio.run(clock.run([talk("1", 12), talk("2", 2)]))
    assert done["2"] == 0.0
    assert done["1"] > 9


def test_after_retry_after_nothing_leaves_before_its_time() -> None:
    clock = FakeTime()
    pace = Pace(Time(clock.now, clock.sleep))
    left: list[float] = []

    async def send() -> None:
        async with pace.call():
            left.append(clock.now())

    pace.pause(7)
    asyncio.run(clock.run([send, send]))
    assert min(left) > 7


def test_a_long_pause_goes_back_to_the_outbox_and_costs_no_place() -> None:
    clock = FakeTime()
    pace = Pace(Time(clock.now, clock.sleep), places=1)
    pace.pause(LONGEST_WAIT_SECONDS + 100)

    async def refused() -> None:
        with pytest.raises(TransientError) as caught:
            async with pace.message("1"):
                raise AssertionError("must not be sent")
        assert caught.value.retry_after is not None and caught.value.retry_after > LONGEST_WAIT_SECONDS

    asyncio.run(clock.run([refused]))
    clock.at += LONGEST_WAIT_SECONDS + 101
    sent: list[float] = []

    async def send() -> None:
        async with pace.message("1"):
            sent.append(clock.now())

    asyncio.run(clock.run([send]))
    assert sent == [clock.at]
