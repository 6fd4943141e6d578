"""`/madoguchi`: search and one's own queue, answered to the one who asked only (row Q2).

Slash commands do not run inside threads: what is done to a ticket is done by its buttons.
"""

import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from adapters.slack.blocks import Block, button, context, section
from adapters.slack.parts import Parts
from adapters.slack.text import cut, escape
from core.counter.card import MemberCard, open_card
from core.counter.registers import list_contract_rows, list_invoice_rows
from core.db import Tx, arun
from core.errors import DomainError
from core.members.service import search_members
from core.members.staff import StaffView
from core.teamchat import intake
from core.tickets.threads import InboxFilter, find_ticket, inbox, thread

COMMAND = "/madoguchi"
SHOWN = 10
LONGEST = 100
_HELP = frozenset({"", "help", "ヘルプ", "?", "？"})
_MINE = frozenset({"mine", "queue", "自分", "対応中"})
_TICKET = re.compile(r"T-?\d{1,9}", re.IGNORECASE)
_INVOICE = re.compile(r"(?:INV-?)?\d{4}-\d{1,9}|\d{8}", re.IGNORECASE)
_STATUSES = ("open", "paid", "void")


def register(app: AsyncApp, parts: Parts) -> None:
    """Listen to the command."""

    async def on_command(ack: AsyncAck, command: dict[str, Any]) -> None:
        team, user = str(command.get("team_id") or ""), str(command.get("user_id") or "")
        asked = " ".join(str(command.get("text") or "").split())[:LONGEST]
        if command.get("is_enterprise_install") == "true" or command.get("channel_name") == "ext_shared":
            await ack(**_private([section(parts.draw.w("command.not_here"))]))
            return

        def work(tx: Tx) -> list[Block]:
            return Answer(tx, parts, intake.need_staff(tx, team=team, user=user)).to(asked)

        def failed(tx: Tx, error: Exception) -> list[Block]:
            if not isinstance(error, DomainError):
                raise error
            return [section(escape(parts.draw.w.error(error.code, error.data)))]

        # written, not only read: that a member's card was opened is recorded (row Q6)
        await ack(**_private(await arun(parts.database, work, failed=failed, name="slack.command")))

    app.command(COMMAND)(on_command)


class Answer:
    """What one person of staff may see of what they asked for."""

    def __init__(self, tx: Tx, parts: Parts, staff: StaffView) -> None:
        self._tx, self._parts, self._staff, self._w = tx, parts, staff, parts.draw.w

    def to(self, asked: str) -> list[Block]:
        """A number leads to its one thing, other words are searched for."""
        if asked.casefold() in _HELP:
            return [section(self._w("command.help"))]
        if asked.casefold() in _MINE:
            return self._mine()
        if _TICKET.fullmatch(asked):
            return self._ticket(asked)
        if _INVOICE.fullmatch(asked):
            return self._invoice(asked)
        return self._search(asked)

    def _mine(self) -> list[Block]:
        rows = inbox(self._tx, self._staff, filters=InboxFilter(assignee=self._staff.id)).rows[:SHOWN]
        lines = [
            f"*{row.ticket_no}*　{self._w.name('status', row.status)}　{escape(cut(row.subject, 80))}" for row in rows
        ]
        return [section("\n".join(lines) or self._w("home.no_mine")), self._desk("")]

    def _ticket(self, asked: str) -> list[Block]:
        number = int(re.sub(r"\D", "", asked))
        found = find_ticket(self._tx, ticket_no=f"T-{number:06d}")
        if found is None:
            return self._nothing(asked)
        seen = thread(self._tx, self._staff, ticket_id=found.id)
        words = self._w(
            "command.ticket",
            ticket_no=seen.ticket.ticket_no,
            status=self._w.name("status", seen.ticket.status),
            owner=escape(seen.assignee_name or self._w("card.nobody")),
            subject=escape(cut(seen.ticket.subject, 150)),
        )
        return [section(words), self._desk(f"/{seen.ticket.ticket_no}")]

    def _invoice(self, asked: str) -> list[Block]:
        rows = list_invoice_rows(
            self._tx, staff=self._staff, statuses=_STATUSES, query=asked, before_id=None, limit=SHOWN
        )
        if not rows:
            return self._nothing(asked)
        invoice, member = rows[0].invoice, rows[0].member
        words = self._w(
            "command.invoice",
            invoice_no=invoice.invoice_no,
            state=self._w.name("invoice_state", invoice.status),
            total_yen=invoice.total_yen,
            due=invoice.due_on,
            name=escape(member.name),
            member_no=escape(member.member_no),
        )
        return [section(words)]

    def _search(self, asked: str) -> list[Block]:
        members = search_members(self._tx, self._staff, query=asked).members
        if len(members) == 1:
            return self._card(open_card(self._tx, self._staff, profile=self._parts.profile, member_id=members[0].id))
        contracts = list_contract_rows(
            self._tx,
            staff=self._staff,
            profile=self._parts.profile,
            query=asked,
            until=None,
            skipped=0,
            limit=SHOWN,
        )
        blocks: list[Block] = []
        if members:
            lines = [f"*{escape(m.member_no)}*　{escape(m.name)}" for m in members[:SHOWN]]
            blocks.append(section("\n".join((self._w("command.members", n=len(members)), *lines))))
        if contracts:
            lines = [
                self._w(
                    "command.contract",
                    label=escape(row.contract.label),
                    expires=row.contract.expires_on,
                    name=escape(row.member.name),
                    member_no=escape(row.member.member_no),
                )
                for row in contracts
            ]
            blocks.append(section("\n".join((self._w("command.contracts", n=len(contracts)), *lines))))
        if len(members) > SHOWN or len(contracts) == SHOWN:
            blocks.append(context(self._w("command.narrow")))
        return blocks or self._nothing(asked)

    def _card(self, card: MemberCard) -> list[Block]:
        w = self._w
        lines = [w("command.member", name=escape(card.member.name), member_no=escape(card.member.member_no))]
        lines += [
            w("card.contract", plan=escape(c.plan_name(w.language)), label=escape(c.label), expires=c.expires_on)
            for c in card.contracts[:SHOWN]
        ] or [w("card.no_contract")]
        if len(card.contracts) > SHOWN:
            lines.append(w("card.more_contracts", n=len(card.contracts) - SHOWN))
        owed = sum(invoice.open_yen for invoice in card.unpaid)
        lines.append(w("command.unpaid", n=len(card.unpaid), total_yen=owed) if card.unpaid else w("card.no_unpaid"))
        lines += [
            f"・{ticket.ticket_no}　{w.name('status', ticket.status)}　{escape(cut(ticket.subject, 60))}"
            for ticket in card.tickets[:3]
        ]
        return [section("\n".join(lines)), context(w("command.recorded"))]

    def _nothing(self, asked: str) -> list[Block]:
        return [section(self._w("command.nothing", asked=escape(asked))), context(self._w("command.help_short"))]

    def _desk(self, path: str) -> Block:
        link = button(self._w("card.open_desk"), "open_desk", "", url=f"{self._parts.draw.desk_url}{path}")
        return {"type": "actions", "block_id": "desk", "elements": [link]}


def _private(blocks: list[Block]) -> dict[str, Any]:
    text = next((b["text"]["text"] for b in blocks if b["type"] == "section"), "-")
    return {"response_type": "ephemeral", "text": cut(text, 500), "blocks": blocks}
