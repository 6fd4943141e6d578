"""A counter with something on its desk: staff of every role, members, a contract being renewed, a payment report, a chat."""

import re
from dataclasses import dataclass
from datetime import date

import httpx
from argon2 import PasswordHasher
from starlette.applications import Starlette

from adapters import desk
from bot.deployment import Bot
from core.billing.invoices import InvoiceView
from core.billing.reports import ReportView, file_report
from core.db import Database, Tx, run
from core.dialogue.service import lock_chat, save_chat
from core.members.links import add_link
from core.members.staff import add_staff
from core.tickets.service import open_ticket
from core.tickets.threads import TicketView, list_member_tickets
from tests.support.builders import a_contract, a_member, a_profile, a_renewal

PASSWORD = "madoguchi-test-1"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)  # what it costs is not tested here
ROLES = ("viewer", "agent", "accountant", "admin")
BASE = "http://desk.test"


@dataclass(frozen=True)
class World:
    """What is on the desk at the start."""

    member_id: int
    member_no: str
    chat_id: int
    link_id: int
    invoice: InvoiceView
    report: ReportView
    report_ticket: TicketView
    ticket: TicketView


def build_world(database: Database, *, channel: str = "webchat", name: str = "山田 太郎") -> World:
    """山田 太郎 renews two contracts and has reported the transfer; he also asks something."""

    def work(tx: Tx) -> World:
        for role in ROLES:
            add_staff(tx, by=None, login=role, name=f"{role}さん", role=role, password_hash=HASH)
        member_id = a_member(tx, name=name)
        chat = lock_chat(
            tx, channel=channel, account="web", address="a" * 64, hint="ja", display_name=name, default_language="ja"
        )
        link_id = add_link(tx, chat_id=chat.id, member_id=member_id)
        assert link_id is not None
        save_chat(tx, chat._replace(last_inbound_at=tx.now))
        contracts = [a_contract(tx, member_id=member_id, label=label) for label in ("example.jp", "example.com")]
        invoice = a_renewal(tx, member_id=member_id, contract_ids=contracts, chat_id=chat.id)
        report = file_report(
            tx,
            member_id=member_id,
            chat_id=chat.id,
            invoice_id=invoice.id,
            amount_yen=invoice.total_yen,
            paid_on=date(2026, 11, 21),
            payer_name="ヤマダ タロウ",
            method="bank_transfer",
        )
        ticket = open_ticket(
            tx,
            kind="technical",
            queue="technical",
            subject="メールが届きません",
            body="昨日からメールが届きません。",
            member_id=member_id,
            chat_id=chat.id,
        )
        report_ticket = next(t for t in list_member_tickets(tx, member_id=member_id) if t.kind == "payment_report")
        return World(member_id, "M-000001", chat.id, link_id, invoice, report, report_ticket, ticket)

    return run(database, work)


def application(database: Database, *, demo: bool = False) -> Starlette:
    """The desk alone, as the product mounts it."""
    settings = desk.DeskSettings(
        secure_cookies=False, demo=demo, demo_login="admin" if demo else "", demo_password=PASSWORD if demo else ""
    )
    return Starlette(routes=desk.build(database=database, profile=a_profile(), settings=settings))


def bot() -> Bot:
    """The conversation's deployment, for the listeners that tell members."""
    return Bot(a_profile(), BASE)


class Operator:
    """A browser of one staff member without script."""

    def __init__(self, app: Starlette) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE)
        self.csrf = ""

    async def log_in(self, login: str, password: str = PASSWORD) -> httpx.Response:
        """Through the form; remembers the session's token."""
        form = await self.http.get("/desk/login")
        answer = await self.http.post(
            "/desk/login", data={"csrf": token_of(form.text), "login": login, "password": password}
        )
        if answer.status_code == 303:
            self.csrf = token_of((await self.http.get("/desk")).text)
        return answer

    async def get(self, address: str, **headers: str) -> httpx.Response:
        """A page."""
        return await self.http.get(address, headers=headers)

    async def press(self, address: str, *, scripted: bool = False, **fields: str) -> httpx.Response:
        """A form of a page; `scripted` as our script sends it."""
        headers = {"x-desk": "1"} if scripted else {}
        return await self.http.post(address, data={"csrf": self.csrf, **fields}, headers=headers)


def token_of(html: str) -> str:
    """The token in the first form of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found, html[:400]
    return found[1]


def field_of(html: str, name: str) -> str:
    """A hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, f"no field {name}"
    return found[1]
