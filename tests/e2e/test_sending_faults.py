"""What goes wrong while sending, in one table over LINE, Telegram and mail (issue 3): how the row ends, what has arrived and in
which order, that other chats go on, and what staff see at the desk and can do about it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from core.db import Tx, arun
from core.delivery import outbox
from core.dialogue import service as dialogue
from tests.support import line_double, telegram_double
from tests.support.desk import token_of
from tests.support.line_double import LineDouble
from tests.support.running import Running, running
from tests.support.smtp_double import MailServer, mail_server
from tests.support.telegram_double import TelegramDouble
from tests.support.telegram_rules import Refused

WAITS = 1  # seconds that a 429 asks for
SWEEP = 2.0  # a row that waited is looked for so often (`bot.dispatch`)


@dataclass
class World:
    """The product, and the platforms it sends to."""

    product: Running
    line: LineDouble
    telegram: TelegramDouble
    mail: MailServer

    def arrived(self, channel: str, address: str) -> list[str]:
        """What a person has got, in order."""
        if channel == "line":
            return self.line.reads(address)
        if channel == "telegram":
            return [shown.text for shown in self.telegram.shown(address)]
        return [str(mail.get_content()).strip() for mail in self.mail.taken if mail["To"] == address]

    async def owe(self, channel: str, address: str, words: str, kind: str = "staff_reply") -> int:
        """A message to somebody, as the turn of staff's answer owes it."""
        work = _owed(channel, address, words, kind)
        return await arun(self.product.product.database, work, name="owe")

    async def row(self, outbox_id: int) -> tuple[Any, ...]:
        """State, attempts, repeats, what the platform said."""
        (found,) = await self.product.rows(
            "SELECT state, attempts, repeats, answer FROM outbox WHERE id = :id", id=outbox_id
        )
        return found

    async def until(self, outbox_id: int, true: Callable[[tuple[Any, ...]], bool]) -> tuple[Any, ...]:
        """Its row, once it is so."""
        found: tuple[Any, ...] = ()
        try:
            async with asyncio.timeout(30):
                while not true(found := await self.row(outbox_id)):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"stays {found}") from None
        return found


def _owed(channel: str, address: str, words: str, kind: str) -> Callable[[Tx], int]:
    mail = {"op": "mail", "subject": "お知らせ", "text": words}

    def work(tx: Tx) -> int:
        chat_id = None
        if channel != "mail":
            chat = dialogue.lock_chat(
                tx, channel=channel, account="4242", address=address, hint="ja", display_name="", default_language="ja"
            )
            chat_id = chat.id
        outbox_id = outbox.owe(
            tx,
            channel=channel,
            account="4242",
            address=address,
            order_key=f"{channel}:{address}",
            kind=kind,
            payload=mail if channel == "mail" else {"op": "say", "body": {"v": 1, "text": words}},
            reason="test",
            chat_id=chat_id,
        )
        assert outbox_id is not None
        return outbox_id

    return work


def line(status: int, message: str = "", **headers: str) -> Callable[[World], None]:
    return lambda world: world.line.fail("push", line_double.Fault(status, message, headers))


def telegram(status: int, description: str, retry_after: int | None = None) -> Callable[[World], None]:
    fault = telegram_double.Fault(refused=Refused(status, description, retry_after))
    return lambda world: world.telegram.fail("sendMessage", fault)


def smtp(command: str, said: str) -> Callable[[World], None]:
    return lambda world: world.mail.answer(command, said)


@dataclass(frozen=True)
class Case:
    """`breaks` meets the first of two messages to one person; `says` is what staff read about it, where they have to know."""

    name: str
    channel: str
    breaks: Callable[[World], None]
    state: str
    repeats: int = 0
    times: int = 1  # how often the first one stands in the chat
    kind: str = "staff_reply"
    says: str = ""
    reachable: bool = True


CASES = [
    Case("429", "line", line(429, "Too many requests", **{"Retry-After": str(WAITS)}), "sent"),
    Case("500", "line", line(500, "Internal error"), "sent"),
    Case("accepted, the answer lost", "line", lambda w: w.line.fail("push", line_double.Fault(after="drop")), "sent"),
    Case("a reminder, the answer lost", "line", lambda w: w.line.fail("push", line_double.Fault(after="drop")), "sent",
        kind="reminder"),
    Case("no friend any more", "line", line(400, "Failed to send messages"), "dead", times=0,
        says="line: failed to send", reachable=False),
    Case("nobody by that id", "line", line(400, "The property, 'to', in the request body is invalid"), "dead", times=0,
        says="line: failed to send", reachable=False),
    Case("refused", "line", line(400, "The request body has 1 error(s)"), "dead", times=0, says="line refused (400)"),
    Case("token refused", "line", line(401, "Authentication failed"), "queued", times=0, says="line: token refused (401)"),
    Case("429", "telegram", telegram(429, "Too Many Requests: retry after 1", WAITS), "sent"),
    Case("500", "telegram", telegram(500, "Internal Server Error"), "sent"),
    Case("an answer, the answer lost", "telegram",
        lambda w: w.telegram.fail("sendMessage", telegram_double.Fault(after="drop")), "sent", repeats=1, times=2),
    Case("a reminder, the answer lost", "telegram",
        lambda w: w.telegram.fail("sendMessage", telegram_double.Fault(after="drop")), "unknown", kind="reminder",
        says="telegram: connection lost"),
    Case("blocked", "telegram", telegram(403, "Forbidden: bot was blocked by the user"), "dead", times=0,
        says="bot was blocked by the user", reachable=False),
    Case("refused", "telegram", telegram(400, "Bad Request: message is too long"), "dead", times=0,
        says="telegram refused: Message is too long"),
    Case("token refused", "telegram", telegram(401, "Unauthorized"), "queued", times=0, says="telegram: wrong token"),
    Case("later, please", "mail", smtp("RCPT", "450 4.2.0 greylisted"), "sent"),
    Case("no room", "mail", smtp(".", "452 full"), "sent"),
    Case("taken, the answer lost", "mail", smtp(".", "hang up"), "sent"),
    Case("nobody there", "mail", smtp("RCPT", "550 5.1.1 unknown"), "dead", times=0,
        says="the mail server refused the address"),
    Case("refused", "mail", smtp(".", "554 spam"), "dead", times=0, says="the mail server said 554"),
]  # fmt: skip


@asynccontextmanager
async def world(database_url: str, *, away: bool = False) -> AsyncIterator[World]:
    """Everything is up; `away`: nobody listens where the product sends to."""
    nowhere = "http://127.0.0.1:9"
    async with LineDouble() as at_line, TelegramDouble() as at_telegram, mail_server() as post:
        async with running(
            database_url, demo=False,
            line_channel_secret=line_double.SECRET, line_channel_token=line_double.TOKEN,
            line_api_url=nowhere if away else at_line.url,
            telegram_token=telegram_double.TOKEN, telegram_mode="webhook", telegram_api_url=at_telegram.url,
            smtp_url="smtp://127.0.0.1:9" if away else post.url, mail_from="counter@example.jp",
        ) as product:  # fmt: skip
            await product.log_in()
            yield World(product, at_line, at_telegram, post)
        assert at_line.violations == at_telegram.violations == []


def address_of(channel: str, number: int) -> str:
    """Somebody of a channel."""
    people = {"line": f"U{number:032x}", "telegram": f"{700 + number}", "mail": f"person{number}@example.jp"}
    return people[channel]


async def goes_wrong(w: World, case: Case, number: int) -> int:
    """Two messages to one person, the first meets the fault; and one to somebody else. Gives the first one's row."""
    address, other = address_of(case.channel, number), address_of(case.channel, 500 + number)
    case.breaks(w)
    first = await w.owe(case.channel, address, "一つ目", case.kind)
    await w.until(first, lambda row: row[1] >= 1 and row[0] != "sending")
    second = await w.owe(case.channel, address, "二つ目")
    elsewhere = await w.owe(case.channel, other, "ほかの人へ")
    await w.until(elsewhere, lambda row: row[0] == "sent")
    assert w.arrived(case.channel, other) == ["ほかの人へ"]
    _, _, repeats, answer = await w.until(first, lambda row: row[0] == case.state)
    assert (repeats, case.says in answer) == (case.repeats, True), (case, answer)
    if case.state == "queued":  # the later one does not overtake it
        assert (await w.row(second))[:2] == ("queued", 0)
    else:
        await w.until(second, lambda row: row[0] == "sent")
    wanted = ["一つ目"] * case.times + ["二つ目"] * (case.state != "queued")
    assert w.arrived(case.channel, address) == wanted, case
    return first


async def test_each_fault_ends_as_it_should_and_staff_see_what_they_have_to(database_url: str) -> None:
    async with world(database_url) as w:
        rows = [await goes_wrong(w, case, number) for number, case in enumerate(CASES)]
        page = (await w.product.http.get("/desk")).text
        for case, outbox_id in zip(CASES, rows, strict=True):
            assert (f'data-key="out-{outbox_id}"' in page) == (case.state in ("dead", "unknown")), case
            assert case.says in page, case
        assert 'data-key="stalled-line"' in page
        assert "LINEに送れずに待っているメッセージが1件あります" in page
        assert 'data-key="stalled-mail"' not in page
        gone = [address_of(case.channel, n) for n, case in enumerate(CASES) if not case.reachable]
        found = await w.product.rows("SELECT address FROM chat WHERE NOT reachable ORDER BY address")
        assert [address for (address,) in found] == sorted(gone)

        # again, as staff may: what was refused for good is owed anew, and arrives
        for case, number in ((case, n) for n, case in enumerate(CASES) if case.state in ("dead", "unknown")):
            again = f"/desk/deliveries/{rows[number]}/again"
            assert (await w.product.http.post(again, data={"csrf": token_of(page)})).status_code == 303
            await w.until(rows[number], lambda row: row[0] == "sent")
            assert w.arrived(case.channel, address_of(case.channel, number))[-1] == "一つ目"
        assert 'data-key="out-' not in (await w.product.http.get("/desk")).text


async def test_a_push_is_repeated_under_its_key_after_the_time_asked_for_and_a_mail_under_its_id(
    database_url: str,
) -> None:
    async with world(database_url) as w:
        for number, after in enumerate((line_double.Fault(after="drop"), line_double.Fault(500))):
            w.line.fail("push", after)
            await w.until(await w.owe("line", address_of("line", number), "一"), lambda row: row[0] == "sent")
            first, second = w.line.called("push")[-2:]
            assert first.key == second.key != ""
        w.mail.answer(".", "hang up")
        await w.until(await w.owe("mail", "a@example.jp", "一"), lambda row: row[0] == "sent")
        assert w.mail.heard.count("DATA") == 2

        loop = asyncio.get_running_loop()
        w.line.fail("push", line_double.Fault(429, "", {"Retry-After": "3"}))
        before = loop.time()
        await w.until(await w.owe("line", address_of("line", 9), "一"), lambda row: row[0] == "sent")
        assert 3 <= loop.time() - before < 3 + SWEEP + 3
        assert len(w.line.called("push")) == 6  # asked once, and once more after that


async def test_whoever_cannot_be_reached_is_waited_for_and_after_a_while_staff_know(database_url: str) -> None:
    async with world(database_url, away=True) as w:
        line_row = await w.owe("line", address_of("line", 1), "一")
        mail_row = await w.owe("mail", "a@example.jp", "一")
        for row in (line_row, mail_row):
            state, _, repeats, _ = await w.until(row, lambda row: row[1] >= 1 and row[0] == "queued")
            assert (state, repeats) == ("queued", 0)  # certainly not sent
        assert "困りごとはありません" in (await w.product.http.get("/desk")).text  # it mends itself, as a rule
        await w.product.rows("UPDATE outbox SET attempts = 8 WHERE state = 'queued'")
        await w.until(line_row, lambda row: row[1] >= 9 and row[0] == "queued")
        await w.until(mail_row, lambda row: row[1] >= 9 and row[0] == "queued")
        page = (await w.product.http.get("/desk")).text
        assert 'data-key="stalled-line"' in page and 'data-key="stalled-mail"' in page
        assert "no connection to the mail server" in page


@pytest.mark.parametrize(("used", "warned"), [(159, False), (160, True), (200, True)])
async def test_staff_are_warned_before_the_months_pushes_are_used_up(
    database_url: str, used: int, *, warned: bool
) -> None:
    async with world(database_url) as w:
        w.line.quota = (200, used)
        assert w.product.product.line is not None
        await w.product.product.line.read_quota()
        page = (await w.product.http.get("/desk")).text
        assert ("LINEの今月の通数を" in page) == warned
        row = await w.owe("line", address_of("line", 1), "一")
        if used < 200:
            await w.until(row, lambda row: row[0] == "sent")
            return
        await w.until(row, lambda row: row[0] == "queued" and row[3] == "line: monthly quota used up")
        page = (await w.product.http.get("/desk")).text
        assert 'data-key="stalled-line"' in page and "line: monthly quota used up" in page
