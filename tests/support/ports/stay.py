"""A member's stay at one door of a counter, and the staff behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.clock import ManualClock
from core.db import Tx, run
from core.delivery.files import store_file
from core.tickets import service as tickets
from tests.support.builders import AGENT
from tests.support.counter import Counter
from tests.support.doors import Visit
from tests.support.journeys import rows

PHOTO = b"\xff\xd8\xff\xe0 a photo of a white screen"
PDF = b"%PDF-1.7\nhow to set up mail"
SEEN_ALL = 2**62


@dataclass
class Stay:
    """The visit, the counter, its clock. Time moves only between abilities: rows made by one have its instant."""

    visit: Visit
    counter: Counter
    clock: ManualClock

    async def later(self, **step: float) -> None:
        """Time passes, and what is owed by then arrives."""
        self.clock.move(timedelta(**step))
        await self.visit.settle()

    async def staff(self, work: Callable[[Tx], Any]) -> Any:
        """Somebody of staff acts, and the person sees what comes of it."""
        await self.visit.looks_away()
        result = run(self.counter.database, work)
        await self.visit.settle()
        return result

    def newest(self, table: str) -> Any:
        """The newest row of a table."""
        return rows(self.counter, table)[-1]

    async def answer(self, text: str, *, pdf: bytes = b"") -> None:
        """Staff answer the newest ticket, with a file if there is one."""
        ticket = self.newest("ticket")

        def work(tx: Tx) -> None:
            files = []
            if pdf:
                stored = store_file(tx, chat_id=ticket.chat_id, name="手順書.pdf", mime="application/pdf", content=pdf)
                files = [stored]
            tickets.reply(
                tx, AGENT, ticket_id=ticket.id, text=text, files=files, client_key=f"answer:{text[:20]}",
                last_seen_message_id=SEEN_ALL,
            )  # fmt: skip

        await self.staff(work)
