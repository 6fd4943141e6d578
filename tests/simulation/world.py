"""The outside of a running product: its processes (which die), its database, a mail server, a Bot API, members and money."""

import asyncio
import email
import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import policy as mail_policy
from pathlib import Path

import aiohttp
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import bindparam, func, select, update

from adapters.telegram.adapter import TelegramSettings
from bot import handlers
from bot.deployment import Bot
from bot.telling import listeners
from core.clock import JST, SystemClock, day_in_japan
from core.db import Database, Tx, run
from core.delivery.tables import Lease, Outbox
from core.ids import SystemIds
from core.members.tables import ChatLink
from core.open_database import open_database
from core.profiles.files import load_profile
from core.statements import Read, Write
from tests.simulation.rows import Mail, Number
from tests.support.builders import a_contract, a_member
from tests.support.telegram_double import TOKEN, Call, Fault, TelegramDouble

ROOT = Path(__file__).resolve().parents[2]
MAIL_FROM = "counter@example.jp"
PATIENCE_SECONDS = 60.0
SHIPPED = ROOT / "core/profiles/renewal-notice.toml"

BURY = (
    Write(
        update(Outbox)
        .where(Outbox.state == "sending", Outbox.lease_owner.like(bindparam("owner")))
        .values(lease_until=bindparam("past"))
    ),
    Write(update(Lease).where(Lease.owner.like(bindparam("owner"))).values(until=bindparam("past"))),
)
LINKS = Read(Number, select(func.count()).select_from(ChatLink))
HOLDER = Read(Number, select(Lease.owner).where(Lease.name == bindparam("lane")))


@dataclass
class Crash:
    """Kill a process at the `nth` occurrence of `moment` from now on."""

    moment: str  # asked: a delivery is on its way in · acked: it was acknowledged · sent: Telegram has it · mailed: SMTP has it
    nth: int


@dataclass
class Died:
    """A crash that happened, for the report of a failing seed."""

    crash: Crash
    pid: int


class Process:
    """`python -m bot serve` on a port of its own, as an operator starts it."""

    def __init__(self, environment: dict[str, str], folder: Path, port: int) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self._environment, self._folder = environment, folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process; 0 when there is none."""
        return self._process.pid if self._process else 0

    @property
    def log(self) -> Path:
        """What it printed, over all its lives."""
        return self._folder / f"serve-{self.port}.log"

    async def start(self, client: aiohttp.ClientSession) -> None:
        """Returns once it says that it is ready."""
        with self.log.open("ab") as output:
            started = self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve", "--port", str(self.port)],
                cwd=self._folder,
                env={**self._environment, "MADOGUCHI_PUBLIC_URL": self.url},
                stdout=output,
                stderr=output,
            )
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await self._is_ready(client):
                if self._process is not started:
                    return  # killed while it was starting: whoever killed it starts it again
                assert started.poll() is None, f"the product ended by itself:\n{self.log.read_text()[-3000:]}"
                await asyncio.sleep(0.05)  # another process starts: there is nothing to wait on but its port

    async def _is_ready(self, client: aiohttp.ClientSession) -> bool:
        try:
            async with client.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def kill(self) -> int:
        """As a power cut for this process: SIGKILL, nothing is finished. Returns the pid, 0 when it was dead already."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.kill()
        process.wait()
        return process.pid

    def stop(self) -> int:
        """In order (SIGTERM); the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(PATIENCE_SECONDS)
        self._process = None
        return status


class WatchedTelegram(TelegramDouble):
    """The double, which tells when it has taken a message, before it answers."""

    def __init__(self, taken: Callable[[], None]) -> None:
        super().__init__()
        self._taken = taken

    async def _answer(self, call: Call, fault: Fault) -> web.Response:
        response = await super()._answer(call, fault)
        if call.method in ("sendMessage", "editMessageText") and response.status == 200:
            self._taken()
        return response


@dataclass
class MailServer:
    """SMTP on loopback: keeps what it takes, and tells when it has taken it, before it answers."""

    taken: Callable[[], None]
    mails: list[Mail] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook."""
        message = email.message_from_bytes(envelope.original_content or b"", policy=mail_policy.default)
        body = message.get_body()
        assert body is not None
        self.mails.append(Mail(str(message["Message-ID"]), envelope.rcpt_tos[0], str(body.get_content())))
        self.taken()
        return "250 OK"

    async def code_for(self, address: str, seen: int) -> str:
        """The 確認ID of the newest mail to an address after the first `seen` of them; "" when none came."""
        for _ in range(400):
            codes = [re.findall(r"確認ID：(\d{6})", m.text) for m in self.mails if m.address == address]
            found = [code for mail in codes for code in mail]
            if len(found) > seen:
                return str(found[-1])
            await asyncio.sleep(0.05)  # the mail comes from another process
        return ""

    def codes(self, address: str) -> int:
        """How many codes have come to an address."""
        return sum("確認ID：" in mail.text for mail in self.mails if mail.address == address)


class World:
    """One run: everything around the product, and the crashes of its plan."""

    def __init__(self, url: str, folder: Path, seed: int, *, processes: int, members: int) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        self.plan: list[Crash] = []
        self.died: list[Died] = []
        handlers.register_all()
        self.profile_path = folder / "renewal-notice.toml"
        self.profile_path.write_text(_awake_now(SHIPPED.read_text("utf-8")), "utf-8")
        self.profile = load_profile(str(self.profile_path))
        bot = Bot(self.profile, "http://127.0.0.1")
        self.database: Database = open_database(url, SystemClock(), SystemIds(), listeners(bot), threads=2)
        self.member_nos = [run(self.database, lambda tx, n=n: self._fill(tx, n)) for n in range(members)]
        self.telegram = WatchedTelegram(lambda: self.happened("sent"))
        self.mail = MailServer(lambda: self.happened("mailed"))
        self._smtp = Controller(self.mail, hostname="127.0.0.1", port=_free_port())
        self._url = url
        self._count = processes
        self.processes: list[Process] = []
        self._revivals: set[asyncio.Task[None]] = set()
        self.secret = TelegramSettings(token=TOKEN).secret

    def _fill(self, tx: Tx, n: int) -> str:
        """A member with three contracts; nobody renews the last one, which is due for a reminder today."""
        today = day_in_japan(tx.now)
        member_id = a_member(tx, name=f"会員 {n}", name_kana=f"カイイン {n}", email=_address(n))
        for label, days in (("a", 12), ("b", 25), ("c", 10)):
            a_contract(
                tx,
                member_id=member_id,
                label=f"{label}{n}.example.jp",
                started_on=today - timedelta(days=300),
                expires_on=today + timedelta(days=days),
            )
        return f"M-{n + 1:06d}"

    async def open(self) -> None:
        """Start everything."""
        self.client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        await self.telegram.__aenter__()
        self._smtp.start()
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MADOGUCHI_")} | {
            "PYTHONPATH": str(ROOT),
            "MADOGUCHI_PROFILE": str(self.profile_path),
            "MADOGUCHI_DATABASE_URL": self._url,
            "MADOGUCHI_SECRET_KEY": "a-key-for-a-simulation-only",
            "MADOGUCHI_TELEGRAM_TOKEN": TOKEN,
            "MADOGUCHI_TELEGRAM_MODE": "webhook",
            "MADOGUCHI_TELEGRAM_API_URL": self.telegram.url,
            "MADOGUCHI_SMTP_URL": f"smtp://127.0.0.1:{self._smtp.port}",
            "MADOGUCHI_MAIL_FROM": MAIL_FROM,
        }
        self.processes = [Process(environment, self.folder, _free_port()) for _ in range(self._count)]
        await asyncio.gather(*(process.start(self.client) for process in self.processes))

    async def close(self) -> None:
        """End everything that still runs."""
        for task in self._revivals:
            task.cancel()
        for process in self.processes:
            process.kill()
        self._smtp.stop()
        await self.telegram.__aexit__()
        await self.client.close()
        self.database.close()

    def links(self) -> int:
        """How many chats are linked."""
        return int(run(self.database, lambda tx: tx.one(LINKS)).n)

    def any_url(self) -> str:
        """One of the processes, as a load balancer picks: it may be dead."""
        return self.random.choice(self.processes).url

    def happened(self, moment: str) -> None:
        """Something has happened; perhaps the next crash was waiting for it. Called from any thread."""
        if not self.plan or self.plan[0].moment != moment:
            return
        self.plan[0].nth -= 1
        if self.plan[0].nth <= 0 and any(process.pid for process in self.processes):
            crash = self.plan.pop(0)
            victim = self._victim(moment)
            pid = victim.kill()
            if pid:
                self.died.append(Died(crash, pid))
                self._loop.call_soon_threadsafe(self._revive_later, victim, pid)

    def start_crashing(self, plan: list[Crash]) -> None:
        """From now on the plan counts."""
        self._loop = asyncio.get_running_loop()
        self.plan = plan

    def _victim(self, moment: str) -> Process:
        """Whoever has the message in hand, where that can be known."""
        alive = [process for process in self.processes if process.pid]
        lane = {"sent": "lane:telegram", "mailed": "lane:mail"}.get(moment)
        if lane and len(alive) > 1:
            holders = run(self.database, lambda tx: tx.all(HOLDER, lane=lane))
            alive = [p for p in alive if any(f"-{p.pid}-" in str(holder.n) for holder in holders)] or alive
        return self.random.choice(alive or self.processes)

    def _revive_later(self, process: Process, pid: int) -> None:
        task = asyncio.create_task(self._revive(process, pid))
        self._revivals.add(task)

    async def _revive(self, process: Process, pid: int) -> None:
        if not self.database.embedded:
            await asyncio.to_thread(self._bury, pid)
        await process.start(self.client)

    def _bury(self, pid: int) -> None:
        """The minute passes that the others wait before they believe that a process is dead (an embedded one knows at once)."""

        def pass_by(tx: Tx) -> None:
            for statement in BURY:
                tx.run(statement, owner=f"%-{pid}-%", past=tx.real - timedelta(seconds=1))

        run(self.database, pass_by)

    async def revived(self) -> None:
        """All processes are up again; a failed start is raised here."""
        while self._revivals:
            await asyncio.gather(*self._revivals)
            self._revivals = {task for task in self._revivals if not task.done()}

    async def until(self, what: str, true: Callable[[Tx], bool]) -> None:
        """Look at the database until it is so: what happens there is another process's."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await asyncio.to_thread(lambda: self.database.submit_read(true).result()):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"never happened: {what}\n{self.logs()}") from None

    def logs(self) -> str:
        """The end of what the processes printed."""
        return "\n".join(p.log.read_text()[-4000:] for p in self.processes if p.log.exists())


def _awake_now(profile: str) -> str:
    """The shipped profile with its quiet hours at the other side of the clock: the simulation runs at any time of day."""
    other_side = datetime.now(JST) + timedelta(hours=12)
    quiet = {"quiet_from": other_side, "quiet_until": other_side + timedelta(minutes=1)}
    for name, at in quiet.items():
        profile = re.sub(rf'^{name} = "[0-9:]+"', f'{name} = "{at:%H:%M}"', profile, count=1, flags=re.M)
    send_at = "00:00" if not 0 <= other_side.hour * 60 + other_side.minute <= 1 else "00:05"
    profile = re.sub(r'^send_at = "[0-9:]+"', f'send_at = "{send_at}"', profile, count=1, flags=re.M)
    return re.sub(r"^spread_minutes = \d+", "spread_minutes = 0", profile, count=1, flags=re.M)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _address(n: int) -> str:
    return f"member{n}@example.jp"


def address_of_member(n: int) -> str:
    """The mail address of the nth member."""
    return _address(n)
