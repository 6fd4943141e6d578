"""The alarm clock: what may have been missed while nothing ran is looked for at once, everything else after its interval."""

import asyncio

from adapters.scheduler import Job, Scheduler


async def test_what_runs_at_the_start_does_not_wait_for_its_interval() -> None:
    ran: list[str] = []
    both = asyncio.Event()

    def note(name: str) -> Job:
        async def run() -> None:
            ran.append(name)
            if len(ran) == 2:
                both.set()

        return Job(name, name, run, every_seconds=3_600, at_start=name != "later")

    scheduler = Scheduler([note("missed"), note("later"), note("quota")])
    scheduler.start()
    async with asyncio.timeout(10):
        await both.wait()
    await asyncio.sleep(0.05)
    scheduler.stop()
    assert sorted(ran) == ["missed", "quota"]
