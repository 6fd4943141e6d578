"""A mail server on loopback that answers as it is told, and keeps what it took."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class MailServer:
    """`says` holds answers for the next times a command (RCPT, DATA, …) comes; everything else is taken."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.heard: list[str] = []  # the commands, in order
        self.says: dict[str, deque[str]] = {}
        self.url = ""

    def answer(self, command: str, *answers: str) -> None:
        """The next answers to a command; an empty one closes the connection."""
        self.says.setdefault(command, deque()).extend(answers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        usual = {"EHLO": "250 ok", "DATA": "354 go on", ".": "250 taken", "QUIT": "221 bye"}
        await self._say(writer, "220 double")
        while line := await reader.readline():
            command = line.split()[0].decode("ascii", "replace").upper() if line.split() else ""
            self.heard.append(command)
            said = self._scripted(command) or usual.get(command, "250 ok")
            if command == "DATA" and said.startswith("354"):
                await self._say(writer, said)
                content = await reader.readuntil(b"\r\n.\r\n")
                said = self._scripted(".") or usual["."]
                if said.startswith("250"):
                    self.taken.append(message_from_bytes(content[:-3], _class=EmailMessage, policy=policy.default))
            if said == "hang up":
                break
            await self._say(writer, said)
        writer.close()

    def _scripted(self, command: str) -> str:
        waiting = self.says.get(command)
        return waiting.popleft() if waiting else ""

    @staticmethod
    async def _say(writer: asyncio.StreamWriter, line: str) -> None:
        writer.write(f"{line}\r\n".encode())
        await writer.drain()


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """A running one."""
    double = MailServer()
    server = await asyncio.start_server(double.serve, "127.0.0.1", 0)
    double.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield double
    finally:
        server.close()
