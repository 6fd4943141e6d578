"""A real HTTP server on a loopback port for tests: in a thread with its own event loop, or on the running one."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

import httpx
import uvicorn
from starlette.types import ASGIApp


def caller(url: str = "", seconds: float = 20) -> httpx.AsyncClient:
    """A client for loopback: as any other, but without reading all certificates of the machine, which takes its time."""
    return httpx.AsyncClient(base_url=url, timeout=seconds, verify=False)


@contextmanager
def serve(app: ASGIApp, *, before_exit: Callable[[], None] = lambda: None) -> Iterator[str]:
    """The base URL of `app` while the block runs. `before_exit` ends open streams; a server that hangs fails the test."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started.set()

    server = Server(uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    if not started.wait(10):
        raise RuntimeError("the test server did not start")
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        before_exit()
        server.should_exit = True
        thread.join(30)
        if thread.is_alive():
            raise RuntimeError("the test server did not end: a stream is still open")


@asynccontextmanager
async def serving(
    make: Callable[[str], Awaitable[ASGIApp]], *, lifespan: Literal["on", "off"] = "off"
) -> AsyncIterator[str]:
    """The base URL of an application that is made when its address is known, served on the running loop."""
    server = uvicorn.Server(uvicorn.Config("unset", port=0, log_level="error", lifespan=lifespan))
    listening = server.config.bind_socket()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.config.app = await make(url)
    task = asyncio.create_task(server.serve([listening]))
    try:
        async with asyncio.timeout(60):
            while not server.started:
                await asyncio.sleep(0.01)
        yield url
    finally:
        server.should_exit = True
        await task
