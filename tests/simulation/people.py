"""Members at their phones and an operator at work: they repeat what was not acknowledged, and sometimes what was."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import aiohttp

from adapters.telegram.inbound import PATH
from adapters.webchat.session import COOKIE, address_of
from core.billing import invoices, reports
from core.clock import day_in_japan
from core.db import Tx, run
from core.errors import DomainError
from core.reminders import service as reminders
from core.tickets import service as tickets
from core.tickets import threads
from tests.simulation.rows import Delivered
from tests.simulation.world import World, address_of_member
from tests.support.builders import ADMIN

PAUSE_SECONDS = 0.05  # a platform's pause before it repeats; a page's is the same
ANSWER_SECONDS = 10.0  # a person waits so long for an answer, then does the next thing all the same
TWICE, LATER = 0.15, 0.15  # how often a delivery comes twice at once, or once more much later

Post = Callable[[], Awaitable[bool]]


class Phone:
    """What every channel has in common: deliver until acknowledged, and the deliberate repeats."""

    channel = ""

    def __init__(self, world: World, n: int, seed: int) -> None:
        self.world, self.n = world, n
        self.random = random.Random(f"{seed}:{n}")
        self.delivered: list[Delivered] = []
        self.address = ""
        self._again: list[tuple[Delivered, Post]] = []

    async def deliver(self, what: Delivered, post: Post) -> None:
        """Until a 2xx; then perhaps again."""
        self.delivered.append(what)
        self._remember(what, post)
        if self.random.random() < TWICE:
            await asyncio.gather(self._until_acked(what, post), self._until_acked(what, post))
        else:
            await self._until_acked(what, post)
        if self._again and self.random.random() < LATER:
            await self._until_acked(*self._again.pop(self.random.randrange(len(self._again))))

    def _remember(self, what: Delivered, post: Post) -> None:
        if self.random.random() < LATER:
            self._again.append((what, post))

    async def _until_acked(self, what: Delivered, post: Post) -> None:
        while True:
            what.times += 1
            self.world.happened("asked")
            try:
                if await post():
                    what.acked = True
                    self.world.happened("acked")
                    return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(PAUSE_SECONDS)

    async def repeat_the_rest(self) -> None:
        """Everything kept for later comes once more, in any order."""
        self.random.shuffle(self._again)
        for what, post in self._again:
            await self._until_acked(what, post)

    async def start(self) -> None:
        """Open the chat."""
        raise NotImplementedError

    async def say(self, text: str, *, answered: bool = True) -> None:
        """Write; `answered` is False where the bot keeps silent because a person talks."""
        raise NotImplementedError

    async def press(self, *labels: str) -> bool:
        """Press the newest live button whose label holds one of these; False when there is none."""
        raise NotImplementedError


class Browser(Phone):
    """The web chat over HTTP, as its page does."""

    channel = "webchat"

    async def start(self) -> None:
        """The first visit makes the session."""
        while True:
            try:
                async with self.world.client.get(f"{self.world.any_url()}/chat") as answer:
                    self._cookie = answer.cookies[COOKIE].value
                    break
            except (aiohttp.ClientError, TimeoutError, KeyError):
                await asyncio.sleep(PAUSE_SECONDS)
        self.address = address_of(self._cookie)
        self._messages: list[dict[str, Any]] = []
        await self._act("start")

    async def say(self, text: str, *, answered: bool = True) -> None:
        await self._act("text", text=text)

    async def press(self, *labels: str) -> bool:
        for message in reversed(self._messages):
            body = message["body"]
            buttons = [b for row in body.get("buttons", ()) for b in row]
            if "checks" in body:
                buttons.append(body["checks"]["submit"])
            if message["author"] != "bot" or not buttons:
                continue
            for label in labels:
                for button in buttons:
                    if label in button["label"] and "handle" in button:
                        chosen = [i["value"] for i in body["checks"]["items"]] if "checks" in body else None
                        await self._act("press", handle=button["handle"], chosen=chosen)
                        return True
            return False
        return False

    async def _act(self, kind: str, **what: Any) -> None:
        key = f"{self.random.getrandbits(64):016x}"
        body = {"kind": kind, "key": key, "lang": "ja", **what}

        async def post() -> bool:
            url = self.world.any_url()
            headers = {"Origin": url, "Cookie": f"{COOKIE}={self._cookie}"}
            async with self.world.client.post(f"{url}/chat/inbound", json=body, headers=headers) as answer:
                assert answer.status < 400 or answer.status >= 500, await answer.text()
                return answer.status < 300

        delivered = Delivered(self.channel, self.address, f"{self.address[:32]}:{key}", kind, what.get("text", ""))
        await self.deliver(delivered, post)
        await self._look()

    async def _look(self) -> None:
        while True:
            try:
                headers = {"Cookie": f"{COOKIE}={self._cookie}"}
                async with self.world.client.get(
                    f"{self.world.any_url()}/chat/messages?limit=20", headers=headers
                ) as answer:
                    self._messages = (await answer.json())["messages"]
                    return
            except (aiohttp.ClientError, TimeoutError, KeyError):
                await asyncio.sleep(PAUSE_SECONDS)


class TelegramPhone(Phone):
    """Telegram: updates pushed to the webhook, answers seen in the double."""

    channel = "telegram"

    def __init__(self, world: World, n: int, seed: int) -> None:
        super().__init__(world, n, seed)
        self.chat = 5_000 + n
        self.address = str(self.chat)

    async def start(self) -> None:
        command = [{"type": "bot_command", "offset": 0, "length": 6}]
        await self._push("start", message=self.world.telegram.message(self.chat, text="/start", entities=command))

    async def say(self, text: str, *, answered: bool = True) -> None:
        message = self.world.telegram.message(self.chat, text=text)
        await self._push("text", text=text, answered=answered, message=message)

    async def press(self, *labels: str) -> bool:
        for shown in reversed(self.world.telegram.shown(self.chat)):
            if not shown.buttons:
                continue
            for label in labels:
                for button in shown.buttons:
                    if label in button["text"] and "callback_data" in button:
                        update = self.world.telegram.press_update(self.chat, shown, button["callback_data"])
                        await self._push("press", update=update)
                        return True
            return False
        return False

    async def _push(
        self,
        kind: str,
        *,
        text: str = "",
        answered: bool = True,
        update: dict[str, Any] | None = None,
        **content: Any,
    ) -> None:
        update = update or self.world.telegram.update(**content)
        before = self._answers()
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.world.secret}

        async def post() -> bool:
            async with self.world.client.post(self.world.any_url() + PATH, json=update, headers=headers) as answer:
                return answer.status < 300

        await self.deliver(Delivered(self.channel, self.address, str(update["update_id"]), kind, text), post)
        if not answered:
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.world.telegram.until(lambda: self._answers() > before)
        except TimeoutError:
            pass  # a person goes on after a while; some acts get no answer

    def _answers(self) -> int:
        return sum(
            call.params.get("chat_id") == self.address
            for call in self.world.telegram.calls
            if call.method in ("sendMessage", "editMessageText")
        )


async def link(phone: Phone) -> None:
    """Row M1, until the mail came and its code was typed."""
    for _ in range(2):
        mail, address = phone.world.mail, address_of_member(phone.n)
        seen = mail.codes(address)
        if not await phone.press("会員と連携する", "もう一度"):
            await phone.say("会員と連携したい")
        await phone.say(phone.world.member_nos[phone.n])
        await phone.say(address)
        code = await mail.code_for(address, seen)
        if code:
            await phone.say(code)
            return


async def renew(phone: Phone) -> None:
    """Rows C2, R1: ask, fill in, order; the order is pressed with an impatient second tap now and then."""
    await phone.say(f"{phone.random.choice('ab')}{phone.n}.example.jpを12か月更新したい")
    for _ in range(7):
        if await phone.press("この内容で申し込む"):
            return
        if not await phone.press("次へ", "月末にそろえる", "1年", "12か月", "銀行振込"):
            return


async def report(phone: Phone) -> None:
    """Row P3: a sentence, then what it left open."""
    await phone.say(f"今日、カイイン {phone.n}名義で{phone.random.choice((13200, 14051, 5000))}円振り込みました")
    for _ in range(6):
        if await phone.press("この内容で連絡する"):
            return
        if not await phone.press("INV", "請求額どおり", "今日（", "（登録のお名前）", "-"):
            return


async def report_by_buttons(phone: Phone) -> None:
    """The same from the list of what is unpaid."""
    await phone.say("未払いの請求書を見たい")
    await phone.press("振込を連絡する")
    for _ in range(6):
        if await phone.press("この内容で連絡する"):
            return
        if not await phone.press("請求額どおり", "今日（", "（登録のお名前）"):
            return


async def cancel_order(phone: Phone) -> None:
    """申込の取消."""
    await phone.say("申込を取り消したい")
    await phone.press("取り消す")


async def check_expiry(phone: Phone) -> None:
    """Row C1."""
    await phone.say("利用期限を知りたい")


async def talk_to_a_person(phone: Phone) -> None:
    """Row Q1: a person, some words that must each be there once, back to the bot."""
    await phone.say("担当者と話したい")
    for place in range(2):
        await phone.say(f"{phone.random.getrandbits(40):x}という{place}番目の言葉", answered=False)
    if not await phone.press("自動案内に戻る"):
        await phone.say("メニュー")


async def chatter(phone: Phone) -> None:
    """Something nobody can understand."""
    await phone.say(f"ほげ{phone.random.getrandbits(24):x}")


MOST_GOALS = 4
GOALS = (renew, report_by_buttons, check_expiry, report, cancel_order, renew, chatter)


async def live(phone: Phone) -> None:
    """A member's day: link, then everything a member does, renewing first so that there is something to pay."""
    await phone.start()
    await link(phone)
    await renew(phone)
    await report_by_buttons(phone)
    for goal in phone.random.sample(GOALS, MOST_GOALS):
        await goal(phone)
    await talk_to_a_person(phone)  # last: from here on staff's answers may silence the bot


class Operator:
    """Staff: confirm, ask back, reject, answer; every act perhaps twice, as a page that was pressed twice does."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(f"{seed}:operator")
        self.words: list[str] = []
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Finish the round."""
        self._stopping.set()

    async def work(self) -> None:
        """Until stopped, and then one more round, so that nothing reported is left."""
        while not self._stopping.is_set():
            await asyncio.to_thread(self.round, final=False)
            try:
                async with asyncio.timeout(0.7):
                    await self._stopping.wait()
            except TimeoutError:
                pass
        await asyncio.to_thread(self.round, final=True)

    def round(self, *, final: bool) -> None:
        """Decide about the waiting reports, answer a ticket, let the reminders tick."""
        for waiting in run(self.world.database, reports.list_waiting):
            if final or self.random.random() < 0.7:
                self._decide(waiting.id, final=final)
        self._answer()
        if self.world.links() >= len(self.world.member_nos):  # earlier they would all go by mail
            run(self.world.database, lambda tx: reminders.tick(tx, self.world.profile))

    def _twice(self, act: Callable[[Tx], object]) -> bool:
        """Whether it was taken; two presses at the same moment are one act."""
        times = 2 if self.random.random() < 0.4 else 1
        futures = [self.world.database.submit(act) for _ in range(times)]
        taken = False
        for future in futures:
            try:
                future.result()
                taken = True
            except DomainError:
                pass  # decided or paid meanwhile: the page would say so
        return taken

    def _decide(self, report_id: int, *, final: bool) -> None:
        fate = self.random.random()
        if fate < 0.1 and not final:
            self._twice(lambda tx: reports.reject_report(tx, staff=ADMIN, report_id=report_id, words="見当たりません"))
        elif fate < 0.2 and not final:
            self._twice(lambda tx: reports.ask_back(tx, staff=ADMIN, report_id=report_id, words="日付は合っていますか"))
        else:
            self._twice(lambda tx: self._confirm(tx, report_id))

    def _confirm(self, tx: Tx, report_id: int) -> None:
        found = reports.get_report(tx, report_id=report_id)
        if found.invoice_id is None:
            reports.reject_report(tx, staff=ADMIN, report_id=report_id, words="請求書が分かりません")
            return
        invoice = invoices.get_invoice(tx, invoice_id=found.invoice_id)
        paid: date = day_in_japan(tx.now)
        reports.confirm_report(
            tx,
            profile=self.world.profile,
            staff=ADMIN,
            report_id=report_id,
            amount_yen=invoice.open_yen or found.amount_yen,
            value_on=paid,
        )

    def _answer(self) -> None:
        unsolved = run(self.world.database, lambda tx: threads.inbox(tx, ADMIN)).rows
        inquiries = [row for row in unsolved if row.kind == "inquiry"]
        if not inquiries:
            return
        ticket_id = self.random.choice(inquiries).id
        words = f"回答 {self.random.getrandbits(40):x}"

        def reply(tx: Tx) -> None:
            tickets.reply(
                tx, ADMIN, ticket_id=ticket_id, text=words, client_key=words, last_seen_message_id=0, force=True
            )

        if self._twice(reply):
            self.words.append(words)
        if self.random.random() < 0.5:
            self._twice(lambda tx: tickets.solve(tx, ADMIN, ticket_id=ticket_id))
