"""Paying online, staff's answers, and reservations: the ways that came with card payments, tickets and `facility`."""

from datetime import UTC, date, datetime
from typing import Any

from core.billing.attempts import PROVIDER_OF, record_page, request_attempt
from core.billing.provider_news import AttemptNews, take_news
from core.counter import reservations as counter_reservations
from core.db import Tx, run
from core.delivery.files import store_file
from core.tickets import service as tickets
from core.tickets.editing import edit_answer, remove_answer
from tests.support.builders import AGENT
from tests.support.facility import reserve
from tests.support.journeys import rows
from tests.support.screens.visit import Visit
from tests.support.stripe_double import STORES

PROVIDER = "stripe"
NUMBER_UNTIL = datetime(2026, 11, 29, 14, 59, 59, tzinfo=UTC)


def online_payment(v: Visit) -> None:
    """Which way to pay; a card; a number for the store, its end, a new one, paid."""
    v.counter.bot.online = frozenset(PROVIDER_OF)
    v.counter.bot.public_url = "https://madoguchi.example.jp"
    v.link()
    member_id = rows(v.counter, "member")[0].id
    v.counter.add_contract(member_id, label="card.example.jp", expires_on=date(2026, 12, 10))
    v.person.say("/renew")
    v.press("form.answer", 12).press("form.answer", False).press("form.answer", "credit_card").press("form.commit")
    v.say("/unpaid", "a card payment is owed").press("invoice.detail").say("入金は確認できましたか")
    v.told("paid by card", lambda: _news(v, "credit_card", "paid"))
    v.counter.add_contract(member_id, label="store.example.jp", expires_on=date(2026, 12, 12))
    v.person.say("/renew").tick("store.example.jp")
    v.press("form.answer", 1).press("form.answer", False).press("form.answer", "konbini").press("form.commit")
    v.told("the number comes", lambda: _news(v, "konbini", "number", expires_at=NUMBER_UNTIL, numbers=STORES))
    v.say("コンビニの番号をもう一度教えて").say("入金は確認できましたか").say("/unpaid")
    v.told("nobody paid in time", lambda: _news(v, "konbini", "failed"))
    v.told("the next number", lambda: _news(v, "konbini", "number", expires_at=NUMBER_UNTIL, numbers=STORES))
    v.told("paid at the store", lambda: _news(v, "konbini", "paid"))
    v.say("支払い履歴")


def _news(v: Visit, method: str, seen: Any, **more: Any) -> None:
    """What the provider tells of the newest invoice's page, which is made when it is needed."""
    invoice = rows(v.counter, "invoice")[-1]

    def work(tx: Tx) -> None:
        attempt = request_attempt(
            tx, profile=v.counter.profile, online=PROVIDER_OF, invoice_id=invoice.id, method=method
        )
        if attempt.session_ref is None:
            page = {"session_ref": f"cs_{attempt.id}", "payment_ref": None, "url": "https://pay.example.com/1"}
            record_page(tx, attempt_id=attempt.id, expires_at=tx.now, **page)
        told = AttemptNews(
            PROVIDER, seen, tx.now, attempt.id, f"cs_{attempt.id}", f"pi_{attempt.id}",
            amount=invoice.total_yen if seen == "paid" else 0, **more,
        )  # fmt: skip
        take_news(tx, profile=v.counter.profile, news=told)

    run(v.counter.database, work)


def answers(v: Visit) -> None:
    """Staff answer with a file, change it, take one back; two inquiries at once; solved, reopened, rated."""
    v.link().say("/ticket").press("form.answer", "technical").say("画面が真っ白です").press("form.skip")
    v.act("sends a photo", kind="file", files=(_file(v, "photo.jpg", "image/jpeg", b"\xff\xd8"),))
    v.press("form.commit")
    v.told("staff answer with a file", lambda: _answer(v, "手順書をお送りします。\n3ページをご覧ください。", pdf=True))
    v.told("staff change it", lambda: _change(v, "手順書をお送りします。\n5ページをご覧ください。"))
    v.told("staff take it back", lambda: _change(v, None))
    v.say("/status").press("ticket.show").press("ticket.write").say("まだ直りません")
    v.person.say("/ticket")
    v.press("form.answer", "other").say("請求書の宛名を変えたい").press("form.skip").press("form.commit")
    v.told("staff answer the second", lambda: _answer(v, "どの宛名にしますか。"))
    v.told("and the first", lambda: _answer(v, "いまは直っていますか。", nth=0))
    v.say("株式会社ヤマダです", "words for one of two")
    v.act("a photo with them", kind="file", files=(_file(v, "name.png", "image/png", b"png"),))
    v.press("form.answer", rows(v.counter, "ticket")[0].id)
    second = rows(v.counter, "ticket")[-1].id
    v.told("staff solve it", lambda: _solve(v, second))
    v.press("ticket.rate", 3).say("親切でした")
    v.say("/status").press("ticket.show", rows(v.counter, "ticket")[0].id).press("ticket.settle")


def _solve(v: Visit, ticket_id: int) -> None:
    run(v.counter.database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket_id))


def _file(v: Visit, name: str, mime: str, content: bytes) -> Any:
    from bot.inbound import InboundFile

    chat_id = v.person.chat_id()
    stored = run(v.counter.database, lambda tx: store_file(tx, chat_id=chat_id, name=name, mime=mime, content=content))
    return InboundFile(stored.id, stored.name, stored.mime, stored.size_bytes, "")


def _answer(v: Visit, text: str, *, pdf: bool = False, nth: int = -1) -> None:
    ticket = rows(v.counter, "ticket")[nth]

    def work(tx: Tx) -> None:
        made = {"name": "手順書.pdf", "mime": "application/pdf", "content": b"%PDF"}
        files = [store_file(tx, chat_id=ticket.chat_id, **made)] if pdf else []
        tickets.reply(
            tx, AGENT, ticket_id=ticket.id, text=text, files=files, client_key=text[:9], last_seen_message_id=2**62
        )

    run(v.counter.database, work)


def _change(v: Visit, text: str | None) -> None:
    """The newest answer gets other words, or (None) is taken back; the person sees that bubble anew."""
    answer = rows(v.counter, "ticket_message", author="staff")[-1]

    def work(tx: Tx) -> None:
        if text is None:
            remove_answer(tx, AGENT, message_id=answer.id)
        else:
            edit_answer(tx, AGENT, message_id=answer.id, text=text)

    run(v.counter.database, work)
    v.person.seen -= 1


def reservations(v: Visit) -> None:
    """The list, its order and conditions, one in detail, a change, a cancellation, what was said about it."""
    v.link().say("/menu").say("/reservation", "none yet")
    member_id = rows(v.counter, "member")[0].id
    database = v.counter.database
    reserve(database, member_id=member_id)
    studio = {"facility_code": "studio", "category_code": "studio", "used_on": date(2026, 12, 8)}
    reserve(database, member_id=member_id, **studio, payment_state="paid", status="asked", confirmed_at=None)
    reserve(database, member_id=member_id, used_on=date(2026, 11, 24))
    reserve(database, member_id=member_id, used_on=date(2026, 10, 5), status="used", payment_state="paid")
    v.say("/reservation", "all of them").say("12月の会議室の予約").say("キャンセルした予約を見たい")
    v.say("R-000001").press("reservation.history")
    v.say("R-000001").press("reservation.change")
    v.person.tick(*(_words(v, name) for name in ("used_on", "used_time")))
    v.note("ticks the day and the time")
    v.say("2月31日").say("12月10日").say("15時から13時").say("午後2時から4時").say("プロジェクターも使います")
    v.press("form.commit").say("R-000001")
    v.told("staff accept", lambda: _decide(v, accept=True, words="お待ちしております。"))
    v.say("R-000002をキャンセルしたい").press("form.commit")
    v.told("staff decline", lambda: _decide(v, accept=False, words="お電話でご相談ください。"))
    v.say("R-000003の日を変更したい", "too late").say("R-000003").say("R-000001").press("reservation.history")


def _words(v: Visit, value: str) -> str:
    """How a line of the newest list of check marks is called in the person's language."""
    checks = next(m.body["checks"] for m in reversed(v.person.history()) if "checks" in m.body)
    return next(str(item["label"]) for item in checks["items"] if item["value"] == value)


def _decide(v: Visit, *, accept: bool, words: str) -> None:
    request = rows(v.counter, "reservation_request")[-1]
    reservation = rows(v.counter, "reservation", id=request.reservation_id)[0]

    def work(tx: Tx) -> None:
        if accept:
            counter_reservations.accept(
                tx, AGENT, profile=v.counter.profile, request_id=request.id, words=words,
                seen_revision=reservation.revision,
            )  # fmt: skip
        else:
            counter_reservations.decline(tx, AGENT, request_id=request.id, words=words)

    run(v.counter.database, work)
