"""What the desk changes is taken up by a running process, also after a reload failed."""

import asyncio

from bot.app import follow_settings
from core.db import Wakeups


def test_a_reload_that_fails_is_tried_again_and_later_changes_are_still_followed() -> None:
    async def scenario() -> list[str]:
        wakeups, done, tried = Wakeups(), asyncio.Event(), []

        async def reload() -> None:
            tried.append("failed" if not tried else "read")
            if len(tried) == 1:
                raise ConnectionError("the database was away")
            done.set()

        task = asyncio.create_task(follow_settings(wakeups, reload, pause_seconds=0))
        await asyncio.sleep(0)
        for _ in range(2):
            done.clear()
            wakeups.publish(["settings"])
            await asyncio.wait_for(done.wait(), 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return tried

    assert asyncio.run(scenario()) == ["failed", "read", "read"]
