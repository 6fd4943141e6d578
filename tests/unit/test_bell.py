"""The bell of open streams: one for chat page and desk, rung from any thread, ended with the process."""

import ast
import asyncio
from pathlib import Path

from core.bell import Bell
from core.db import SHUTDOWN_TOPIC, Wakeups

ROOT = Path(__file__).parents[2]


async def test_news_of_any_topic_from_any_thread_rings() -> None:
    wakeups = Wakeups()
    bell = Bell(wakeups, ["desk", "chat:1"])
    for topic in ("desk", "chat:1"):
        bell.clear()
        await asyncio.to_thread(wakeups.publish, [topic])
        assert await bell.wait(5)
    bell.clear()
    await asyncio.to_thread(wakeups.publish, ["chat:2"])
    assert not await bell.wait(0)


async def test_the_end_of_the_process_is_never_cleared_away() -> None:
    wakeups = Wakeups()
    bell = Bell(wakeups, ["desk"])
    await asyncio.to_thread(wakeups.publish, [SHUTDOWN_TOPIC])
    assert await bell.wait(5) and bell.closing
    bell.clear()
    assert await bell.wait(5)


async def test_a_stopped_bell_listens_no_more() -> None:
    wakeups = Wakeups()
    bell = Bell(wakeups, ["desk"])
    bell.stop()
    await asyncio.to_thread(wakeups.publish, ["desk", SHUTDOWN_TOPIC])
    assert not await bell.wait(0) and not bell.closing


def test_there_is_one_bell() -> None:
    sources = [path for part in ("core", "bot", "adapters") for path in (ROOT / part).rglob("*.py")]
    makers = [
        path.relative_to(ROOT).as_posix()
        for path in sources
        if any(isinstance(node, ast.ClassDef) and node.name == "Bell" for node in ast.walk(ast.parse(path.read_text())))
    ]
    assert makers == ["core/bell.py"]
