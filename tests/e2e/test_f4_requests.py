"""Row F4: change and cancel requests by the category's form; staff accept or decline, the reservation follows."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from core.bookings import requests, service
from core.clock import JST, ManualClock
from core.counter import reservations as counter_reservations
from core.db import run
from core.errors import DomainError
from core.ids import SeededIds
from core.tickets import service as tickets
from tests.support.builders import AGENT
from tests.support.counter import Counter, Person
from tests.support.databases import sqlite_database
from tests.support.doors import CHANNELS
from tests.support.facility import facility_counter, reserve
from tests.support.facility_doors import facility
from tests.support.journeys import link_person, rows


@pytest.fixture
def counter(database_url: str, clock: ManualClock, ids: SeededIds) -> Iterator[Counter]:
    with facility_counter(database_url, clock, ids) as opened:
        yield opened


@pytest.fixture
def member_id(counter: Counter) -> int:
    return counter.add_member()


@pytest.fixture
def person(counter: Counter, member_id: int) -> Person:
    return link_person(counter.person())


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_change_is_asked_for_accepted_in_the_desk_and_told(channel: str, tmp_path: Path) -> None:
    with sqlite_database(tmp_path) as url:
        async with facility(channel, url) as c:
            before = await c.day_of("R-000003")
            wanted = before + timedelta(days=7)
            await c.say(f"R-000003を{wanted.month}月{wanted.day}日に変更したい")
            await c.sees("担当者に伝えたいことがあれば")
            await c.press("スキップ")
            shown = await c.sees("この内容で変更を依頼します", "R-000003", "第1会議室")
            assert f"→ {wanted.year}年{wanted.month}月{wanted.day}日" in shown
            await c.press("この内容で依頼する")
            await c.sees("変更のご依頼を受け付けました（受付番号 T-000001）")
            assert await c.day_of("R-000003") == before
            await c.log_in()
            inbox = (await c.desk.get("/desk")).text
            assert "予約の変更の依頼 R-000003" in inbox
            answer = await c.decide("accept", "お待ちしております。")
            assert answer.status_code == 303, answer.text
            told = await c.sees("ご予約 R-000003 の変更をお受けしました", "お待ちしております。")
            assert f"{wanted.year}年{wanted.month}月{wanted.day}日" in told
            assert await c.day_of("R-000003") == wanted
            await c.press("R-000003 の詳細")
            await c.sees("予約番号 R-000003 の詳細です", f"{wanted.month}月{wanted.day}日", "13:00〜15:00")
            assert await c.rows("SELECT status FROM ticket") == [("solved",)]
            assert await c.rows("SELECT id FROM inbox WHERE state <> 'done'") == []


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_cancel_request_is_declined_with_a_reason_and_told(channel: str, tmp_path: Path) -> None:
    with sqlite_database(tmp_path) as url:
        async with facility(channel, url) as c:
            await c.say("R-000003をキャンセルしたい")
            await c.sees("キャンセルの理由")
            await c.press("予定が変わった")
            await c.sees("キャンセルを依頼します", "キャンセル料")
            await c.press("この内容で依頼する")
            await c.sees("キャンセルのご依頼を受け付けました")
            await c.log_in()
            assert (await c.decide("decline", "直前のため、お電話でご相談ください。")).status_code == 303
            await c.sees("キャンセルのご依頼は、お受けできませんでした", "直前のため、お電話でご相談ください。")
            assert await c.rows("SELECT status FROM reservation WHERE reservation_no = 'R-000003'") == [("confirmed",)]
            assert await c.rows("SELECT state FROM reservation_request") == [("declined",)]


def newest_request(counter: Counter) -> requests.RequestView:
    newest = rows(counter, "reservation_request")[-1]
    return run(counter.database, lambda tx: requests.get_request(tx, request_id=newest.id))


def accept(counter: Counter, words: str = "") -> None:
    request = newest_request(counter)
    reservation = run(counter.database, lambda tx: service.get_reservation(tx, reservation_id=request.reservation_id))
    run(
        counter.database,
        lambda tx: counter_reservations.accept(
            tx,
            AGENT,
            profile=counter.profile,
            request_id=request.id,
            words=words,
            seen_revision=reservation.revision,
        ),
    )


def ask_change(person: Person) -> Person:
    """Day, time and number of people, up to the summary."""
    person.say("R-000001").press("変更を依頼する").tick("ご利用日", "ご利用時間", "ご利用人数")
    return person.say("12月10日").say("午後2時から4時").say("１２名").say("プロジェクターも使います")


def test_the_form_asks_what_the_category_says(counter: Counter, member_id: int, person: Person) -> None:
    reserve(counter.database, member_id=member_id)
    reserve(
        counter.database, member_id=member_id, facility_code="on-site", category_code="work", used_on=date(2026, 12, 20)
    )
    room = person.say("R-000001").press("変更を依頼する").answer()
    assert "ご利用人数" in room and "机の並べ方" in room and "作業の内容" not in room
    person.say("メニュー")
    work = person.say("R-000002").press("変更を依頼する").answer()
    assert "作業の内容" in work and "当日の立会い" in work and "机の並べ方" not in work


@pytest.mark.parametrize("channel", ["webchat", "telegram"])
def test_a_change_of_day_time_and_people_follows_at_once(counter: Counter, member_id: int, channel: str) -> None:
    reserve(counter.database, member_id=member_id)
    person = ask_change(link_person(counter.person(channel)))
    shown = person.answer()
    assert "ご利用日: 2026年12月4日(金) → 2026年12月10日(木)" in shown and "13:00〜15:00 → 14:00〜16:00" in shown
    assert "ご利用人数: ご登録がありません → 12" in shown and "ご要望: プロジェクターも使います" in shown
    assert rows(counter, "reservation_request") == []
    person.press("この内容で依頼する")
    row = rows(counter, "reservation")[0]
    assert (row.used_on, row.revision) == (date(2026, 12, 4), 1)
    accept(counter, "承知しました。")
    row = rows(counter, "reservation")[0]
    assert (row.used_on, row.until_on, row.used_from, row.used_until) == (
        date(2026, 12, 10), date(2026, 12, 10), time(14), time(16),
    )  # fmt: skip
    assert (row.details, row.revision) == ({"people": 12}, 2)
    assert "変更をお受けしました" in person.screen() and "担当者より：\n承知しました。" in person.screen()
    audit = rows(counter, "audit", action="reservation.change_accepted")
    assert [(entry.actor_id, entry.subject, entry.detail) for entry in audit] == [
        (AGENT.id, "reservation:R-000001", {"changed": ["people", "used_on", "used_time"]})
    ]


def test_a_wished_day_that_has_passed_meanwhile_can_only_be_declined(
    counter: Counter, member_id: int, person: Person, clock: ManualClock
) -> None:
    reserve(counter.database, member_id=member_id)
    ask_change(person).press("この内容で依頼する")
    clock.set(datetime(2026, 12, 10, 14, tzinfo=UTC))  # still the wished day in Japan
    clock.move(timedelta(hours=1))
    with pytest.raises(DomainError, match="wished_day_past"):
        accept(counter)
    request = newest_request(counter)
    assert (request.state, rows(counter, "reservation")[0].used_on) == ("open", date(2026, 12, 4))
    run(
        counter.database,
        lambda tx: requests.decline_request(tx, staff=AGENT, request_id=request.id, words="ご希望日が過ぎました。"),
    )
    assert "ご希望日が過ぎました。" in person.screen()


def test_pressing_send_twice_files_one_request(counter: Counter, member_id: int, person: Person) -> None:
    reserve(counter.database, member_id=member_id)
    ask_change(person)
    handle = person.handle("この内容で依頼する")
    person.act(kind="press", handle=handle)
    person.act(kind="press", handle=handle)
    assert "すでに受け付け済みです" in person.answer()
    assert len(rows(counter, "reservation_request")) == 1 and len(rows(counter, "ticket")) == 1


def test_another_request_while_one_is_open_is_refused(counter: Counter, member_id: int, person: Person) -> None:
    reserve(counter.database, member_id=member_id)
    ask_change(person).press("この内容で依頼する")
    assert "すでにご依頼を受け付けています" in person.say("R-000001をキャンセルしたい").answer()
    shown = person.say("R-000001").answer()
    assert "変更のご依頼を担当者が確認しています" in shown and "<キャンセルを依頼する>" not in shown


def test_after_the_deadline_the_phone_number_is_given(counter: Counter, member_id: int, person: Person) -> None:
    reserve(counter.database, member_id=member_id, used_on=date(2026, 11, 24))
    answer = person.say("R-000001の日を変更したい").answer()
    assert "ご依頼の期限（11月21日(土) 17:00）は過ぎました" in answer and "045-000-0000" in answer
    assert rows(counter, "form_run", name="reservation_change") == []
    assert "<キャンセルを依頼する>" in person.say("R-000001").answer()


def test_a_deadline_that_passes_while_the_form_is_open_is_refused_at_the_end(
    counter: Counter, member_id: int, person: Person, clock: ManualClock
) -> None:
    reserve(counter.database, member_id=member_id, used_on=date(2026, 11, 25))
    person.say("R-000001をキャンセルしたい").press("その他")
    clock.move(timedelta(days=2, hours=6))
    person.press("この内容で依頼する")
    assert "045-000-0000 へお電話ください" in person.answer()
    assert rows(counter, "reservation_request") == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("2月31日", "その日付は暦にありません"),
        ("2026年11月1日", "過ぎた日付は選べません"),
        ("2035年1月1日", "3年より先の日付は選べません"),
        ("そのうち", "日付を読み取れませんでした"),
    ],
)
def test_a_day_that_cannot_be_is_refused_with_an_example(
    counter: Counter, member_id: int, person: Person, typed: str, said: str
) -> None:
    reserve(counter.database, member_id=member_id)
    person.say("R-000001").press("変更を依頼する").tick("ご利用日").say(typed)
    assert said in person.answer() and "「ご利用日」をどう変更しますか" in person.answer()


def test_times_and_numbers_that_cannot_be_are_refused(counter: Counter, member_id: int, person: Person) -> None:
    reserve(counter.database, member_id=member_id)
    person.say("R-000001").press("変更を依頼する").tick("ご利用時間", "ご利用人数", "机の並べ方")
    assert "終わりの時刻は、始まりより後に" in person.say("15時から13時").answer()
    assert "時刻を読み取れませんでした" in person.say("25時から").answer()
    person.say("9時から11時半")
    assert "1以上300以下の数字" in person.say("1000人").answer()
    assert "1以上300以下の数字" in person.say("0").answer()
    person.say("20")
    assert "下のボタンから選んでください" in person.say("まるく").answer()
    assert "09:00〜11:30" in person.press("ロの字").press("スキップ").answer()


def test_one_sentence_without_a_number_finds_the_only_one_that_fits(
    counter: Counter, member_id: int, person: Person
) -> None:
    reserve(counter.database, member_id=member_id)
    reserve(
        counter.database, member_id=member_id, facility_code="studio", category_code="studio", used_on=date(2026, 12, 8)
    )
    person.say("12月4日の予約を12月11日に変更したい").press("スキップ")
    assert "ご予約: R-000001" in person.answer() and "→ 2026年12月11日(金)" in person.answer()
    person.say("メニュー")
    person.say("スタジオの予約をキャンセルしたい")
    assert "キャンセルを依頼します" in person.answer() and "ご予約: R-000002" in person.answer()


def test_which_one_is_asked_where_several_fit(counter: Counter, member_id: int, person: Person) -> None:
    for day in (4, 8):
        reserve(counter.database, member_id=member_id, used_on=date(2026, 12, day))
    answer = person.say("予約を変更したい").answer()
    assert "どのご予約ですか" in answer and "R-000001 第1会議室 2026年12月4日(金)" in answer
    assert "R-000002（第1会議室、2026年12月8日(火)" in person.press("R-000002").answer()


def test_nothing_to_change_is_said(counter: Counter, member_id: int, person: Person) -> None:
    assert "依頼できるご予約はありません" in person.say("予約を変更したい").answer()
    reserve(counter.database, member_id=member_id, used_on=date(2026, 11, 23))
    assert "045-000-0000 へお電話ください" in person.say("予約を変更したい").answer()


def test_who_has_no_chat_any_more_is_told_by_mail(counter: Counter, member_id: int, person: Person) -> None:
    reserve(counter.database, member_id=member_id)
    ask_change(person).press("この内容で依頼する")
    person.act(kind="blocked")
    sent = len(counter.mails())
    accept(counter, "承知しました。")
    (mail,) = counter.mails()[sent:]
    assert "ご予約 R-000001 の変更をお受けしました" in mail.payload["text"] and "承知しました。" in mail.payload["text"]


def test_in_a_profile_without_reservations_a_person_helps(
    database_url: str, clock: ManualClock, ids: SeededIds
) -> None:
    counter = Counter(database_url, clock, ids)
    counter.add_member()
    person = link_person(counter.person())
    assert "まだお手続きできません" in person.say("/reservation").answer()
    assert "予約" not in person.say("/menu").answer()
    counter.close()


def test_in_a_profile_without_plans_nothing_is_offered_to_renew(person: Person) -> None:
    menu = person.say("/menu").answer()
    assert "<予約・ご利用履歴>" in menu and "更新" not in menu and "利用期限" not in menu
    assert "まだお手続きできません" in person.say("/renew").answer()
    assert "利用期限" not in person.say("ぬるぽ").answer()


# ── by when, beyond the screen, and what must not be ended around the decision ────────────────────


@pytest.mark.parametrize(("language", "hours"), [("ja", "営業時間："), ("en", "Hours: ")])
def test_a_request_and_a_message_say_the_instant_that_staff_are_warned_about(
    counter: Counter, member_id: int, clock: ManualClock, language: str, hours: str
) -> None:
    clock.set(datetime(2026, 11, 20, 18, 30, tzinfo=JST))  # Friday evening, Monday is a holiday
    reserve(counter.database, member_id=member_id)
    person = link_person(counter.person(language=language))
    person.say(f"/language {language}").say("R-000001をキャンセルしたい" if language == "ja" else "cancel R-000001")
    finish(person, language)
    answer, ticket = person.answer(), rows(counter, "ticket")[0]
    assert (
        hours in answer
        and "045-000-0000" in answer
        and "営業時間外" in answer + ("営業時間外" if language == "en" else "")
    )
    assert ticket.due_at.astimezone(JST) == datetime(2026, 11, 24, 18, 0, tzinfo=JST)
    assert "18:00" in answer and ("11月24日(火)" in answer or "Nov 24" in answer)
    assert ticket.away_told_at is not None


def finish(person: Person, language: str) -> None:
    """Through the cancel form by its first choices."""
    assert ("「キャンセルの理由」を選んでください。" in person.answer()) is (language == "ja"), (
        "what is pressed is not to be typed"
    )
    for _ in range(6):
        buttons = [b["label"] for m in person.history()[-1:] for row in m.body.get("buttons", ()) for b in row]
        send = next((label for label in buttons if label in ("この内容で依頼する", "Send the request")), None)
        skip = next((label for label in buttons if label in ("スキップ", "Skip")), None)
        person.press(send or skip or buttons[0])
        if send:
            return
    raise AssertionError(person.screen())


def test_one_of_many_is_named_by_its_number_where_the_screen_has_no_room(
    counter: Counter, member_id: int, person: Person
) -> None:
    for day in range(1, 13):
        reserve(counter.database, member_id=member_id, used_on=date(2027, 1, day), until_on=date(2027, 1, day))
    person.say("予約を変更したい")
    assert (
        "R-000008" in person.answer()
        and "R-000012" not in person.answer()
        and "予約番号をお書きください" in person.answer()
    )
    assert "R-000012" in person.say("Ｒ－１２").answer() and "どのご予約" not in person.answer()


def test_an_open_request_is_neither_solved_by_staff_nor_by_the_member(
    counter: Counter, member_id: int, person: Person
) -> None:
    reservation_id, chat_id = reserve(counter.database, member_id=member_id), person.chat_id()
    request = run(
        counter.database,
        lambda tx: requests.file_request(
            tx,
            profile=counter.profile,
            member_id=member_id,
            reservation_id=reservation_id,
            kind="cancel",
            wanted={"why": "plans"},
            chat_id=chat_id,
        ),
    )
    assert request.ticket_id is not None
    with pytest.raises(DomainError, match="ticket_undecided"):
        run(counter.database, lambda tx: tickets.solve(tx, AGENT, ticket_id=request.ticket_id, force=True))
    run(
        counter.database,
        lambda tx: tickets.reply(
            tx, AGENT, ticket_id=request.ticket_id, text="確かめます。", client_key="k", last_seen_message_id=2**62
        ),
    )
    person.say("/status").press("T-000001")
    assert "お返事をお待ちしています" in person.answer() and "<解決しました>" not in person.answer()
    run(
        counter.database,
        lambda tx: counter_reservations.decline(tx, AGENT, request_id=request.id, words="期限後です。"),
    )
    assert rows(counter, "ticket")[0].status == "solved"
