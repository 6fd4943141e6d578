"""Slack's side of Socket Mode on loopback: hello, envelopes, what was answered under which envelope_id, dropped connections.

Source: https://docs.slack.dev/apis/events-api/using-socket-mode/
"""

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

DEADLINE_SECONDS = 30.0


class SlackSocket:
    """`connect` is the handler of the address that apps.connections.open gives out."""

    def __init__(self) -> None:
        self.connections = 0  # so far
        self.answers: dict[str, dict[str, Any]] = {}
        self._open: list[web.WebSocketResponse] = []
        self._happened = asyncio.Condition()
        self._numbers = itertools.count(1)

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """One connection, until either side ends it."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        hello = {"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}, "debug_info": {}}
        await socket.send_json(hello)
        self.connections += 1
        self._open.append(socket)
        await self._tell()
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                answer = json.loads(message.data)
                self.answers[answer["envelope_id"]] = answer
                await self._tell()
        self._open.remove(socket)
        await self._tell()
        return socket

    async def send(self, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        """An envelope (events_api, interactive, slash_commands) over the newest connection; what it is answered with."""
        envelope = f"envelope-{next(self._numbers)}"
        sent = {
            "type": kind,
            "envelope_id": envelope,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        await self._open[-1].send_json(sent)
        await self.until(lambda: envelope in self.answers)
        return self.answers[envelope]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(DEADLINE_SECONDS), self._happened:
            await self._happened.wait_for(true)

    async def drop(self) -> None:
        """End all connections, as Slack does when it moves an app to another server."""
        for socket in list(self._open):
            await socket.close()

    async def _tell(self) -> None:
        async with self._happened:
            self._happened.notify_all()
