"""App Home (row Q2, dialogue-and-desk.md 1.6): a person's own tickets, what nobody has, what did not arrive. One page each.

It shows rows and keeps nothing. Drawn when it is opened, when one of its buttons is pressed, and anew for who has it open
when something changes at the desk; who that is, is only a hint held by this process.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import aiohttp
import orjson
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackClientError

from adapters.slack.blocks import Block, button, context, plain, section
from adapters.slack.parts import Parts
from adapters.slack.text import cut, escape
from core.clock import day_in_japan
from core.counter.troubles import Troubles, Undelivered, list_troubles
from core.db import Tx, aread
from core.members.identities import find_by_identity
from core.members.roles import is_allowed
from core.members.staff import StaffView
from core.tickets.threads import NOBODY, InboxFilter, InboxPage, InboxRow, get_ticket, inbox
from core.tickets.ticks import DueTicket

log = logging.getLogger(__name__)

PAGE = 20
SHORT, FAILED = 10, 5  # rows of the lists above the two long ones: all together stay below 100 blocks
SETTLE_SECONDS = 3.0  # what changes within it is drawn once
MOST_OPEN = 200
MINE, NOBODYS = "mine", "nobody"


class _Look(NamedTuple):
    """What one person's page shows."""

    staff: StaffView | None
    mine: InboxPage
    nobodys: InboxPage
    undelivered: int
    dead: int
    revisions: dict[int, int]
    due: dict[int, str]
    soon: tuple[DueTicket, ...] = ()  # mine and nobody's, of which staff have been warned
    failed: tuple[Undelivered, ...] = ()
    back_today: tuple[InboxRow, ...] = ()  # mine, their rest ends today


def register(app: AsyncApp, parts: Parts) -> None:
    """Listen to people opening the page and turning its pages."""
    home = parts.home = Home(parts)
    app.event("app_home_opened")(home.on_opened)
    app.action("mado_home:refresh")(home.on_button)
    app.action("mado_home:page")(home.on_button)


class Home:
    """Everybody's page."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._open: OrderedDict[tuple[str, str], tuple[int, str]] = OrderedDict()  # who → page, digest of what is shown
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stop: Callable[[], None] | None = None

    def start(self) -> None:
        """Follow the desk's wake-ups on the running loop."""
        loop = asyncio.get_running_loop()
        self._stop = self._parts.database.wakeups.listen("desk", lambda: loop.call_soon_threadsafe(self._changed.set))
        self._task = asyncio.create_task(self._follow(), name="slack-home")

    async def stop(self) -> None:
        """Follow nothing more."""
        if self._stop is not None:
            self._stop()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def on_opened(self, body: dict[str, Any], event: dict[str, Any]) -> None:
        """Somebody looks at the page (not at the messages beside it)."""
        if event.get("tab", "home") == "home":
            await self.show(str(body.get("team_id") or ""), str(event.get("user") or ""), page=1, always=True)

    async def on_button(self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        """更新, or another page."""
        await ack()
        value = str(action.get("value") or "1")
        user = body.get("user") or {}
        team = str(user.get("team_id") or (body.get("team") or {}).get("id") or "")
        page = int(value) if value.isascii() and value.isdigit() and len(value) < 5 else 1
        await self.show(team, str(user.get("id") or ""), page=max(page, 1), always=True)

    async def show(self, team: str, user: str, *, page: int, always: bool = False) -> None:
        """Draw somebody's page; when it shows the same already, only if `always`."""
        look = await aread(self._parts.database, lambda tx: self._look(tx, team, user, page))
        view = self.draw(look, team, user, page)
        digest = hashlib.sha256(orjson.dumps(view)).hexdigest()
        who = (team, user)
        if not always and self._open.get(who, (0, ""))[1] == digest:
            return
        self._open[who] = (page, digest)
        self._open.move_to_end(who)
        while len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)
        try:
            await self._parts.client.views_publish(user_id=user, view=view)
        except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
            self._open.pop(who, None)  # it is drawn again when it is opened again
            log.warning("a home page was not shown", extra={"error": type(error).__name__})

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(SETTLE_SECONDS)
            self._changed.clear()
            for (team, user), (page, _) in list(self._open.items()):
                try:
                    await self.show(team, user, page=page)
                except Exception:  # one page must not end the drawing of all others
                    log.exception("a home page was not drawn")

    def _look(self, tx: Tx, team: str, user: str, page: int) -> _Look:
        staff = find_by_identity(tx, team=team, user=user)
        if staff is None:
            nothing = InboxPage((), 1, False)
            return _Look(None, nothing, nothing, 0, 0, {}, {})
        mine = inbox(tx, staff, filters=InboxFilter(assignee=staff.id), page=page)
        nobodys = inbox(tx, staff, filters=InboxFilter(assignee=NOBODY), page=page)
        troubles = list_troubles(tx, staff)
        tickets = [get_ticket(tx, ticket_id=row.id) for row in (*mine.rows[:PAGE], *nobodys.rows[:PAGE])]
        w = self._parts.draw.w
        due = {
            ticket.id: w("home.due", at=ticket.due_at, what=w.name("due", ticket.due_for or ""))
            for ticket in tickets
            if ticket.due_at is not None
        }
        revisions = {ticket.id: ticket.revision for ticket in tickets}
        rows = sorted(mine.rows, key=lambda row: _due_at(tickets, row))
        return _Look(
            staff,
            mine._replace(rows=tuple(rows)),
            nobodys,
            len(troubles.undelivered),
            len(troubles.dead_letters),
            revisions,
            due,
            _soon(tx, staff, troubles),
            tuple(each for each in troubles.undelivered if each.ticket is not None)[:FAILED],
            _back_today(tx, staff),
        )

    def draw(self, look: _Look, team: str, user: str, page: int) -> dict[str, Any]:
        """The view: at most 100 blocks (twenty tickets a list, two blocks each at most)."""
        w = self._parts.draw.w
        if look.staff is None:
            words = w("home.unmapped", team=team, user=user)
            return {"type": "home", "blocks": [section(words)]}
        blocks: list[Block] = [
            {"type": "header", "text": plain(cut(w("home.title", name=look.staff.name), 150))},
            {
                "type": "actions",
                "block_id": "home",
                "elements": [
                    {**button(w("home.refresh"), "x", str(page)), "action_id": "mado_home:refresh"},
                    button(w("home.desk"), "open_desk", "", url=self._parts.draw.desk_url),
                ],
            },
        ]
        if look.undelivered or look.dead:
            blocks.append(section(w("home.troubles", n=look.undelivered, dead=look.dead)))
        blocks += self._lines("failed", [self._failed_line(each) for each in look.failed])
        blocks += self._lines("soon", [self._soon_line(each) for each in look.soon])
        blocks += self._lines("today", [(row.ticket_no, self._back_line(row)) for row in look.back_today])
        blocks += self._list(MINE, look.mine, look)
        blocks.append({"type": "divider"})
        blocks += self._list(NOBODYS, look.nobodys, look)
        pages = []
        if page > 1:
            pages.append({**button(w("home.newer"), "x", str(page - 1)), "action_id": "mado_home:page"})
        if look.mine.more or look.nobodys.more:
            pages.append({**button(w("home.more"), "x", str(page + 1)), "action_id": "mado_home:page"})
        for place, block in enumerate(pages):
            blocks.append({"type": "actions", "block_id": f"page:{place}", "elements": [block]})
        return {"type": "home", "blocks": blocks[:100]}

    def _list(self, which: str, found: InboxPage, look: _Look) -> list[Block]:
        w = self._parts.draw.w
        blocks = [section(f"*{w(f'home.{which}')}*")]
        if not found.rows:
            blocks.append(context(w(f"home.no_{which}")))
        return [*blocks, *(self._row(which, row, look) for row in found.rows[:PAGE])]

    def _lines(self, which: str, lines: list[tuple[str, str]]) -> list[Block]:
        """A short list above the others: number and words of each, with the way to the desk; nothing when it is empty."""
        w, url = self._parts.draw.w, self._parts.draw.desk_url
        opened = button(w("card.open_desk"), "open_desk", "", url=url)
        rows = [section(words, accessory={**opened, "url": f"{url}/{number}"}) for number, words in lines]
        return [section(f"*{w(f'home.{which}')}*"), *rows] if rows else []

    def _soon_line(self, ticket: DueTicket) -> tuple[str, str]:
        w = self._parts.draw.w
        due = w("home.due", at=ticket.due_at, what=w.name("due", ticket.level))
        return ticket.ticket_no, f"*{ticket.ticket_no}*　{due}"

    def _failed_line(self, each: Undelivered) -> tuple[str, str]:
        w, number = self._parts.draw.w, each.ticket.ticket_no if each.ticket is not None else ""
        channel = w.name("channel", each.delivery.channel)
        return number, f"*{number}*　{w('home.not_arrived', channel=channel, at=each.delivery.created_at)}"

    def _back_line(self, row: InboxRow) -> str:
        w = self._parts.draw.w
        return f"*{row.ticket_no}*　{escape(cut(row.subject, 150)) or '-'}\n{w('card.snoozed', at=row.snoozed_until)}"

    def _acts(self, row: InboxRow, look: _Look) -> Block:
        """開く・保留・渡す, as on the card: an old page changes nothing."""
        w, handles = self._parts.draw.w, self._parts.handles
        options: list[Block] = [
            {
                "text": plain(w(f"button.{name}")),
                "value": handles.make(row.id, name, look.revisions[row.id]),
            }
            for name in ("snooze", "assign")
        ]
        there = f"{self._parts.draw.desk_url}/{row.ticket_no}"
        options.insert(0, {"text": plain(w("card.open_desk")), "value": "open", "url": there})
        return {"type": "overflow", "action_id": "mado:more", "options": options}

    def _row(self, which: str, row: InboxRow, look: _Look) -> Block:
        w = self._parts.draw.w
        who = escape(row.member_name or w("home.no_member"))
        lines = [
            f"*{row.ticket_no}*　{who}　{w.name('status', row.status)}",
            escape(cut(row.subject, 150)) or "-",
            look.due.get(row.id) or w("home.touched", at=row.touched_at),
        ]
        if row.unread:
            lines.append(w("card.unread", n=row.unread))
        may_claim = look.staff is not None and is_allowed(look.staff.role, "claim")
        if which == MINE and may_claim:
            accessory = self._acts(row, look)
        elif may_claim:
            handle = self._parts.handles.make(row.id, "claim", look.revisions[row.id])
            accessory = button(w("button.claim"), "claim", handle, style="primary")
        else:
            accessory = button(w("card.open_desk"), "open_desk", "", url=f"{self._parts.draw.desk_url}/{row.ticket_no}")
        return section("\n".join(lines), accessory=accessory)


def _soon(tx: Tx, staff: StaffView, troubles: Troubles) -> tuple[DueTicket, ...]:
    holders = {each.ticket.ticket_id: get_ticket(tx, ticket_id=each.ticket.ticket_id) for each in troubles.overdue}
    found = [each.ticket for each in troubles.overdue if holders[each.ticket.ticket_id].assignee_id in (None, staff.id)]
    return tuple(found[:SHORT])


def _back_today(tx: Tx, staff: StaffView) -> tuple[InboxRow, ...]:
    rows = inbox(tx, staff, filters=InboxFilter(state="snoozed", assignee=staff.id)).rows
    today = [row for row in rows if row.snoozed_until is not None and day_in_japan(row.snoozed_until) == tx.today]
    return tuple(today[:SHORT])


def _due_at(tickets: Any, row: InboxRow) -> tuple[bool, Any]:
    due = next((ticket.due_at for ticket in tickets if ticket.id == row.id), None)
    return (due is None, due or row.touched_at)
