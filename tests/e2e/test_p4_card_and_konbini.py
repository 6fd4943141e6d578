"""Rows P2, P4, P8, P9: card and convenience store through Stripe: our link, its page, its news in any order, money back."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from starlette.applications import Starlette

from adapters.stripe.demo import DemoStripe
from core.billing.books import check_books
from core.billing.lapse import void_invoice
from core.clock import ManualClock
from core.db import run
from tests.support.counter import Counter, Person, draw
from tests.support.journeys import newest_invoice, pay, report_transfer, rows, run_jobs
from tests.support.paying import PayDoor, pay_door
from tests.support.stripe_double import SECRET

CARD, KONBINI = "クレジットカード", "コンビニ払い"


@pytest.fixture
async def door(counter: Counter, member_id: int, person: Person) -> AsyncIterator[PayDoor]:
    """One contract until 31 March 2027, and both ways to pay online."""
    counter.add_contract(member_id, expires_on=date(2027, 3, 31))
    async with pay_door(counter) as opened:
        yield opened
        assert run(counter.database, check_books) == []


def expiry(counter: Counter) -> date:
    return rows(counter, "contract")[0].expires_on


def told(person: Person, words: str) -> int:
    """How often the chat says so."""
    return sum(words in draw(message.body) for message in person.history() if message.author != "member")


async def test_a_card_payment_extends_the_contract_and_is_told_once_however_its_news_comes(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    link = door.order(person, CARD)
    assert "クレジットカードでお支払いください" in person.answer()
    assert "振込" not in person.answer()
    session = await door.session(link, "credit_card")
    events = door.stripe.pay(session)
    assert await door.stripe.deliver_all([*events[::-1], *events, events[0]]) == [200] * 5
    assert expiry(counter) == date(2028, 3, 31)
    assert door.states() == ["captured"]
    assert [row.amount_yen for row in rows(counter, "payment")] == [newest_invoice(person).total_yen]
    assert person.answer().count("契約の更新が完了しました") == 1
    assert "お支払いを確認しました" in (await door.http.get(link)).text


async def test_the_link_is_in_the_mail_and_shows_nothing_of_the_person(person: Person, door: PayDoor) -> None:
    link = door.order(person, CARD)
    assert any(link in mail.payload["text"] for mail in door.counter.mails())
    shown = await door.http.get(link)
    assert "山田" not in shown.text
    assert "taro" not in shown.text
    assert (shown.headers["referrer-policy"], shown.headers["x-robots-tag"]) == ("no-referrer", "noindex, nofollow")
    assert (await door.http.get(link)).status_code == 200
    assert door.stripe.calls == []  # looking (a mail scanner, a preview) makes nothing
    assert (await door.http.get("/m/pay/nobodys")).status_code == 404
    assert (await door.press("/m/pay/nobodys", "credit_card")).status_code == 404


async def test_pressing_twice_leads_to_one_page_and_a_lost_answer_to_the_same_one(
    person: Person, door: PayDoor
) -> None:
    link = door.order(person, CARD)
    door.stripe.fail(200, after=True, times=3)  # the call and its two repeats
    refused = await door.press(link, "credit_card")
    assert refused.status_code == 503
    assert "いま決済会社につながりません。お金は引かれていません" in refused.text
    first = await door.session(link, "credit_card")
    assert await door.session(link, "credit_card") == first
    assert list(door.stripe.sessions) == [first]
    assert len({key for call, key in door.stripe.calls if call == "create"}) == 1
    assert door.states() == ["open"]


@pytest.mark.parametrize("status", [500, 429])
async def test_a_provider_in_trouble_is_said_and_the_next_press_goes_on(
    person: Person, door: PayDoor, status: int
) -> None:
    """A 500 stays under its key for a day: asked again with the same key the member would be locked out for as long."""
    link = door.order(person, CARD)
    door.stripe.fail(status)
    assert (await door.press(link, "credit_card")).status_code == 503
    assert await door.session(link, "credit_card") == await door.session(link, "credit_card")
    assert len(door.stripe.sessions) == 1
    assert door.states() == (["expired", "open"] if status == 500 else ["open"])


async def test_the_same_key_with_other_words_does_not_lock_the_page(person: Person, door: PayDoor) -> None:
    """The answer was lost, and the next press comes from a browser in English: Stripe refuses the key then."""
    link, english = door.order(person, CARD), {"accept-language": "en"}
    door.stripe.fail(200, after=True, times=3)
    presses = [await door.press(link, "credit_card")]
    presses += [await door.http.post(link, data={"method": "credit_card"}, headers=english) for _ in range(2)]
    assert [answer.status_code for answer in presses] == [503, 503, 303]
    assert door.states() == ["expired", "open"]


async def test_the_page_speaks_the_browsers_language_and_what_is_not_offered_leads_back(
    person: Person, door: PayDoor
) -> None:
    link = door.order(person, CARD)
    english = await door.http.get(link, headers={"accept-language": "en-US,en;q=0.9"})
    assert "¥13,200" in english.text
    assert "Mon, Dec 7, 2026" in english.text
    assert "カード" not in english.text
    for method in ("konbini", "paypay", "", "x" * 5_000):
        assert (await door.press(link, method)).headers["location"] == link
    assert door.stripe.calls == []


async def test_paid_by_transfer_meanwhile_the_open_page_is_ended(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    link = door.order(person, "銀行振込")
    session = await door.session(link, "credit_card")
    pay(counter, newest_invoice(person))
    await door.drain()
    assert door.stripe.sessions[session]["status"] == "expired"
    assert "<form" not in (await door.http.get(link)).text


async def test_a_page_that_ended_is_replaced_by_a_fresh_one(person: Person, door: PayDoor, clock: ManualClock) -> None:
    link = door.order(person, CARD)
    first = await door.session(link, "credit_card")
    clock.set(datetime.fromtimestamp(time.time(), UTC) + timedelta(days=2))
    assert await door.session(link, "credit_card") != first


async def test_a_number_for_the_store_is_told_waited_for_and_paid(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    link = door.order(person, KONBINI)
    assert "コンビニ払い 手数料" in str(rows(counter, "invoice_line"))
    session = await door.session(link, "konbini")
    assert door.stripe.sessions[session]["method"] == "konbini"
    number, completed = door.stripe.take_number(session)
    assert await door.stripe.deliver_all([completed, number, number, completed]) == [200] * 4
    assert door.states() == ["pending"]
    assert expiry(counter) == date(2027, 3, 31)
    assert person.answer().count("コンビニのお支払い番号です") == 1
    assert "確認番号: 01234567890" in person.answer()
    person.say("コンビニの番号をもう一度教えて")
    assert "[ローソン]" in person.answer()
    person.say("コンビニで払ったけど反映されていますか")
    assert "コンビニのお支払い番号を発行しています" in person.answer()
    assert "01234567890" in (await door.http.get(link)).text
    assert (await door.press(link, "konbini")).headers["location"] == link  # no second number
    await door.stripe.deliver_all(door.stripe.pay(session))
    assert expiry(counter) == date(2028, 3, 31)
    assert door.states() == ["captured"]


@pytest.mark.parametrize(("language", "fee_of_choice", "fee_of_order", "by", "amount", "due", "labels"), [
    ("ja", "・コンビニ払い：手数料242円（税込）", "コンビニ払い手数料（税抜）: 220円", "コンビニでお支払いください",
     "13,442円", "お支払期限", ("1年", "そろえない", KONBINI, "この内容で申し込む")),
    ("en", "- Convenience store: fee ¥242 (incl. tax)", "Fee (Convenience store, excl. tax): ¥220",
     "Please pay at a convenience store", "¥13,442", "Pay by", ("1 year", "No", "Convenience store", "Order")),
])  # fmt: skip
async def test_the_fee_is_told_before_the_order_and_the_receipt_says_all_once(
    counter: Counter, person: Person, door: PayDoor,
    language: str, fee_of_choice: str, fee_of_order: str, by: str, amount: str, due: str, labels: tuple[str, ...],
) -> None:  # fmt: skip
    person.say(f"/language {language}").say("/renew").press(labels[0]).press(labels[1])
    assert fee_of_choice in person.answer()
    person.press(labels[2])
    assert fee_of_order in person.answer() and amount in person.answer()
    person.press(labels[3])
    receipt = person.answer()
    assert by in receipt and receipt.count(amount) == 1 and receipt.count(due) == 1
    (stored,) = rows(counter, "final_confirmation")
    assert fee_of_order.split(": ") in stored.shown["cards"][-1][1]


async def test_an_invoice_paid_online_offers_no_report_of_a_transfer(person: Person, door: PayDoor) -> None:
    door.order(person, KONBINI)
    assert "<振込を連絡する>" not in person.press("くわしく見る").answer()
    assert "<振込を連絡する>" not in person.say("/unpaid").answer()


async def test_page_and_chat_name_the_numbers_alike_and_the_page_leads_back(person: Person, door: PayDoor) -> None:
    link = door.order(person, KONBINI)
    await door.stripe.deliver_all(door.stripe.take_number(await door.session(link, "konbini")))
    page = (await door.http.get(link)).text
    for name in ("番号の有効期限", "お支払い受付番号", "お客様番号", "確認番号"):
        assert name in page and name in person.answer(), name
    assert page.count("お支払期限") == 1 and "お支払いの期限" not in page + person.answer()
    assert '/chat">トークに戻る</a>' in page and "アプリのトークに戻ってください" in page


async def test_demo_says_what_was_done_and_a_store_payment_has_no_chargeback(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    door.order(person, KONBINI)
    demo = DemoStripe(counter.database, counter.clock, secret=SECRET, url=str(door.http.base_url))
    session = await door.session(door.link_of(person), "konbini")
    await door.stripe.deliver_all([*door.stripe.take_number(session), *door.stripe.pay(session)])
    (attempt,) = rows(counter, "payment_attempt")
    transport = httpx.ASGITransport(Starlette(routes=demo.routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://demo") as visitor:
        assert "チャージバック</button>" not in (await visitor.get("/demo/stripe")).text
        assert (await visitor.post(f"/demo/stripe/act/{attempt.id}/chargeback")).status_code == 404
        assert "返金を知らせました" not in (await visitor.get("/demo/stripe")).text
        done = await visitor.post(f"/demo/stripe/act/{attempt.id}/refund", follow_redirects=True)
        assert "返金を知らせました" in done.text


async def test_the_number_and_the_steps_of_each_chain_are_mailed_too(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    session = await door.session(door.order(person, KONBINI), "konbini")
    before = len(counter.mails())
    await door.stripe.deliver_all(door.stripe.take_number(session))
    (mail,) = counter.mails()[before:]
    for chain in ("ファミリーマート", "ローソン", "ミニストップ", "セイコーマート"):
        assert chain in mail.payload["text"] and chain in person.answer()
    assert "確認番号: 01234567890" in mail.payload["text"]
    assert "このメールへの返信は受け取れません" in mail.payload["text"]


async def test_which_chains_are_not_among_them_is_said_at_every_place(person: Person, door: PayDoor) -> None:
    link = door.order(person, KONBINI)
    assert "セブン-イレブンなど、ほかのコンビニでは払えません" in person.answer()
    page = await door.http.get(link)
    assert "セブン-イレブンなど、ほかのコンビニでは払えません" in page.text


@pytest.mark.parametrize("ended", ["paid", "lapsed", "withdrawn"])
async def test_a_link_of_an_invoice_that_is_settled_shows_so_and_asks_for_nothing(
    counter: Counter, person: Person, door: PayDoor, clock: ManualClock, ended: str
) -> None:
    link = door.order(person, CARD)
    if ended == "paid":
        pay(counter, newest_invoice(person))
    elif ended == "lapsed":
        clock.set(datetime(2026, 12, 20, 3, tzinfo=UTC))
        run_jobs(counter)
    else:
        invoice_id = newest_invoice(person).id
        run(counter.database, lambda tx: void_invoice(tx, invoice_id=invoice_id, reason="withdrawn"))
    assert newest_invoice(person).status == ("paid" if ended == "paid" else "void")
    shown = await door.http.get(link)
    assert shown.status_code == 200 and "<form" not in shown.text
    for _ in range(2):
        assert (await door.press(link, "credit_card")).headers["location"] == link
    assert door.stripe.calls == []
    assert door.states() == []


async def test_whoever_comes_back_without_paying_may_go_on(person: Person, door: PayDoor) -> None:
    """Stripe's way back ("cancel") is our link: nothing has happened, and the same page is waiting."""
    link = door.order(person, CARD)
    session = await door.session(link, "credit_card")
    assert door.stripe.sessions[session]["cancel_url"].endswith(f"{link}?left=1")
    back = (await door.http.get(f"{link}?left=1")).text
    assert "<form" in back and "お支払いは終わっていません" in back and "カードが使えなかったときは" in back
    assert "You have not paid yet" in (await door.http.get(f"{link}?left=1", headers={"accept-language": "en"})).text
    assert "お支払いは終わっていません" not in (await door.http.get(link)).text
    assert await door.session(link, "credit_card") == session
    assert door.states() == ["open"]


async def test_a_number_that_failed_before_anything_was_told_ends_all_the_same(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    """async_payment_failed first, the number's own news after it: nobody is sent to the shop with a dead number."""
    session = await door.session(door.order(person, KONBINI), "konbini")
    number, completed = door.stripe.take_number(session)
    failed = door.stripe.end_number(session)
    await door.stripe.deliver_all([*failed, number, completed])
    assert door.states() == ["expired"]
    assert told(person, "コンビニのお支払い番号です") == 0
    assert expiry(counter) == date(2027, 3, 31)


async def test_a_number_that_never_came_is_asked_for(
    counter: Counter, person: Person, door: PayDoor, clock: ManualClock
) -> None:
    link = door.order(person, KONBINI)
    session = await door.session(link, "konbini")
    _, completed = door.stripe.take_number(session)
    await door.stripe.deliver(completed)
    assert "番号を準備しています" in (await door.http.get(link)).text
    clock.set(clock.now() + timedelta(minutes=1))
    await door.drain()
    assert person.answer().count("コンビニのお支払い番号です") == 1


async def test_an_unpaid_number_ends_is_told_and_can_be_had_anew(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    link = door.order(person, KONBINI)
    session = await door.session(link, "konbini")
    await door.stripe.deliver_all(door.stripe.take_number(session))
    await door.stripe.deliver_all(door.stripe.end_number(session))
    assert person.answer().count("番号の有効期限が切れました") == 1
    assert await door.session(link, "konbini") != session
    assert door.states() == ["expired", "open"]


async def test_a_living_number_keeps_its_invoice_from_lapsing_and_an_hour_after_it_lapses(
    counter: Counter, person: Person, door: PayDoor, clock: ManualClock
) -> None:
    link = door.order(person, KONBINI)
    session = await door.session(link, "konbini")
    ends = datetime(2026, 12, 9, 14, 59, 59, tzinfo=UTC)
    await door.stripe.deliver_all(door.stripe.take_number(session, expires_at=int(ends.timestamp())))
    assert newest_invoice(person).due_on == date(2026, 12, 7)
    clock.set(ends + timedelta(minutes=59))
    run_jobs(counter)
    assert newest_invoice(person).status == "open"
    clock.set(ends + timedelta(minutes=61))
    run_jobs(counter)
    assert newest_invoice(person).status == "void"
    await door.drain()
    assert ("cancel", door.stripe.sessions[session]["payment_intent"]) in door.stripe.calls


async def test_money_for_a_lapsed_invoice_waits_in_suspense_and_staff_and_member_know(
    counter: Counter, person: Person, door: PayDoor, clock: ManualClock
) -> None:
    link = door.order(person, CARD)
    session = await door.session(link, "credit_card")
    clock.set(datetime(2026, 12, 8, 3, tzinfo=UTC))  # a card is not waited for beyond its day
    run_jobs(counter)
    assert newest_invoice(person).status == "void"
    await door.drain()
    assert ("expire", session) in door.stripe.calls
    await door.stripe.deliver_all(door.stripe.pay(session))  # in the moment before
    assert [row.suspense_yen for row in rows(counter, "payment")] == [newest_invoice(person).total_yen]
    assert expiry(counter) == date(2027, 3, 31)
    assert told(person, "担当者が確認") == 1


@pytest.mark.parametrize("paid", [1, 99_999])
async def test_another_amount_than_asked_for_is_suspense_and_a_ticket(
    counter: Counter, person: Person, door: PayDoor, paid: int
) -> None:
    session = await door.session(door.order(person, CARD), "credit_card")
    await door.stripe.deliver_all(door.stripe.pay(session, amount=paid))
    assert [row.suspense_yen for row in rows(counter, "payment")] == [paid]
    assert expiry(counter) == date(2027, 3, 31)
    assert [row.queue for row in rows(counter, "ticket", kind="payment_notice")] == ["accounting"]
    person.say("/status")
    assert "お支払いの確認" not in person.answer()  # staff's own


async def test_money_in_another_currency_is_not_booked_and_is_a_ticket(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    session = await door.session(door.order(person, CARD), "credit_card")
    await door.stripe.deliver_all(door.stripe.pay(session, currency="usd"))
    assert rows(counter, "payment") == []
    assert door.states() == ["mismatch"]
    assert len(rows(counter, "ticket", kind="payment_notice")) == 1


async def test_a_second_way_of_paying_is_ended_and_its_money_caught(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    """Bank transfer was ordered; the page offers the card, which costs the same."""
    link = door.order(person, "銀行振込")
    assert "クレジットカード" in (await door.http.get(link)).text
    assert "お支払い番号を発行する" not in (await door.http.get(link)).text  # it has a fee that was not billed
    session = await door.session(link, "credit_card")
    await door.stripe.deliver_all(door.stripe.pay(session))
    assert expiry(counter) == date(2028, 3, 31)
    again = await door.press(link, "credit_card")
    assert again.headers["location"] == link
    assert "お支払いを確認しました" in (await door.http.get(link)).text


async def test_a_refund_is_booked_once_told_and_undone_when_it_fails(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    session = await door.session(door.order(person, CARD), "credit_card")
    await door.stripe.deliver_all(door.stripe.pay(session))
    total = newest_invoice(person).total_yen
    given, failed = door.stripe.refund(session, total), door.stripe.refund(session, total, status="failed")
    await door.stripe.deliver_all([given, given, door.stripe.refund(session, total)])
    assert told(person, "返金の手続きをしました") == 1
    assert run(counter.database, check_books) == []
    assert [row.kind for row in rows(counter, "ledger_entry")].count("refund") == 1
    assert expiry(counter) == date(2028, 3, 31)  # the sample profile keeps the contract, staff decide
    await door.stripe.deliver_all([failed, failed, given])
    assert [row.kind for row in rows(counter, "ledger_entry")].count("refund_undone") == 1
    assert len(rows(counter, "ticket", kind="payment_notice")) == 2


async def test_a_refund_that_overtakes_its_payment_is_booked_when_that_comes(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    session = await door.session(door.order(person, CARD), "credit_card")
    events = door.stripe.pay(session)
    await door.stripe.deliver(door.stripe.refund(session, 500))
    assert rows(counter, "payment") == []
    await door.stripe.deliver_all(events)
    assert [row.kind for row in rows(counter, "ledger_entry")].count("refund") == 1


async def test_a_chargeback_is_owed_again_flagged_and_reversed_when_it_is_won(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    session = await door.session(door.order(person, CARD), "credit_card")
    await door.stripe.deliver_all(door.stripe.pay(session))
    await door.stripe.deliver(door.stripe.dispute(session))
    await door.stripe.deliver(door.stripe.dispute(session, "lost"))
    assert newest_invoice(person).open_yen == newest_invoice(person).total_yen
    assert told(person, "カード会社から取り消されました") == 1
    await door.stripe.deliver(door.stripe.dispute(session, "won"))
    assert newest_invoice(person).open_yen == 0
    assert len(rows(counter, "ticket", kind="payment_notice")) == 2


async def test_the_profile_may_take_back_what_was_refunded(counter: Counter, person: Person, door: PayDoor) -> None:
    payment = counter.profile.payment.model_copy(update={"after_return": "take_back"})
    door.adapter._profile = counter.profile.model_copy(update={"payment": payment})
    session = await door.session(door.order(person, CARD), "credit_card")
    await door.stripe.deliver_all(door.stripe.pay(session))
    total = newest_invoice(person).total_yen
    await door.stripe.deliver(door.stripe.refund(session, total - 1, name="re_1"))
    assert expiry(counter) == date(2028, 3, 31)
    await door.stripe.deliver(door.stripe.refund(session, 1, name="re_2"))
    assert expiry(counter) == date(2027, 3, 31)


async def test_what_was_ordered_on_an_expiry_that_is_taken_back_is_void_told_and_ordered_anew(
    counter: Counter, person: Person, door: PayDoor
) -> None:
    payment = counter.profile.payment.model_copy(update={"after_return": "take_back"})
    door.adapter._profile = counter.profile.model_copy(update={"payment": payment})
    session = await door.session(door.order(person, CARD), "credit_card")
    await door.stripe.deliver_all(door.stripe.pay(session))
    first = newest_invoice(person)
    door.order(person, "銀行振込")
    further = newest_invoice(person)
    assert further.id != first.id and further.status == "open"
    report_transfer(person)
    refund = door.stripe.refund(session, first.total_yen)
    await door.stripe.deliver_all([refund, refund])
    assert expiry(counter) == date(2027, 3, 31)
    assert newest_invoice(person).void_reason == "overtaken"
    assert told(person, f"更新の請求書 {further.invoice_no}") == 1
    assert [row.subject for row in rows(counter, "ticket", kind="payment_notice")].count(
        f"更新の請求の取り消し {further.invoice_no}"
    ) == 1
    assert any(
        "お支払報告が届いています" in row.body for row in rows(counter, "ticket_message")
    )  # money may be on its way
    door.order(person, "銀行振込")
    again = newest_invoice(person)
    assert again.status == "open" and again.id != further.id
    assert rows(counter, "renewal", invoice_id=again.id)[0].old_expires_on == date(2027, 3, 31)


async def test_what_never_arrived_is_found_in_the_providers_books(
    counter: Counter, person: Person, door: PayDoor, clock: ManualClock
) -> None:
    session = await door.session(door.order(person, CARD), "credit_card")
    door.stripe.undelivered = door.stripe.pay(session)
    await door.adapter.look_up_overdue()
    assert expiry(counter) == date(2028, 3, 31)
    await door.adapter.look_up_overdue()
    assert len(rows(counter, "payment")) == 1


async def test_a_page_whose_end_was_never_told_is_looked_at(
    counter: Counter, person: Person, door: PayDoor, clock: ManualClock
) -> None:
    session = await door.session(door.order(person, CARD), "credit_card")
    door.stripe.pay(session)  # and no event at all
    clock.set(datetime.fromtimestamp(time.time(), UTC) + timedelta(days=2))
    await door.adapter.look_up_overdue()
    assert expiry(counter) == date(2028, 3, 31)


async def test_what_is_not_ours_is_kept_as_ignored(counter: Counter, door: PayDoor) -> None:
    """The account may serve a shop too."""
    other = {"id": "cs_x", "object": "checkout.session", "status": "complete", "payment_status": "paid"}
    assert await door.stripe.deliver(door.stripe.event("checkout.session.completed", other)) == 200
    assert await door.stripe.deliver(door.stripe.event("customer.created", {"id": "cus_1"})) == 200
    assert [row.state for row in rows(counter, "inbox", channel="stripe")] == ["ignored", "ignored"]
    assert rows(counter, "payment") == []


@pytest.mark.parametrize(
    ("body", "off", "secret", "status"),
    [
        (b'{"id": "evt_1"', 0, "", 400),
        (b'{"id": "evt_1", "type": "refund.created", "created": 1, "data": {"object": 3}}', 0, "", 400),
        (b"[]", 0, "", 400),
        (b'{"id": "evt_1"}', 0, "whsec_other", 401),
        (b'{"id": "evt_1"}', -301, "", 401),
        (b'{"id": "evt_1"}', 400, "", 401),
        (b"x" * 5_000_000, 0, "", 413),
    ],
    ids=["broken", "no-object", "list", "wrong-secret", "old", "future", "5MB"],
)
async def test_what_is_no_event_is_refused_and_not_stored(
    counter: Counter, door: PayDoor, body: bytes, off: int, secret: str, status: int
) -> None:
    more = {"secret": secret} if secret else {}
    before = len(rows(counter, "inbox"))
    assert await door.stripe.deliver(body, at=int(time.time()) + off, **more) == status
    assert len(rows(counter, "inbox")) == before
