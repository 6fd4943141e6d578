"""Row F5: the contact history of a reservation, from either side, with the words of its tickets where they stand."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import bindparam, update

from core.bookings.tables import Reservation
from core.clock import ManualClock
from core.counter import reservations as counter_reservations
from core.db import run
from core.ids import SeededIds
from core.statements import Write
from core.tickets import service as tickets
from core.tickets.service import note, reply
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
async def test_request_message_and_decision_stand_in_it_at_every_door(channel: str, tmp_path: Path) -> None:
    with sqlite_database(tmp_path) as url:
        async with facility(channel, url) as c:
            await c.say("R-000003をキャンセルしたい")
            await c.sees("キャンセルの理由")
            await c.press("人数が集まらない")
            await c.sees("キャンセルを依頼します")
            await c.press("この内容で依頼する")
            await c.sees("キャンセルのご依頼を受け付けました")
            await c.say("R-000003を見せて")
            await c.sees("キャンセルのご依頼を担当者が確認しています")
            await c.press("この予約について連絡する")
            await c.sees("担当者に伝える内容")
            await c.say("請求書はどうなりますか")
            await c.sees("この内容で担当者に送ります")
            await c.press("送信する")
            await c.sees("ご連絡を受け付けました（受付番号 T-000001）")
            await c.log_in()
            assert (await c.decide("accept", "請求書はお送りしません。")).status_code == 303
            await c.sees("キャンセルをお受けしました", "請求書はお送りしません。")
            await c.say("R-000003を見せて")
            await c.sees("予約番号 R-000003 の詳細です", "キャンセル済み")
            await c.press("コンタクト履歴")
            told = await c.sees("予約番号 R-000003 のコンタクト履歴です（新しい順）")
            places = [
                told.index(words)
                for words in (
                    "キャンセルのご依頼をお受けしました。",
                    "請求書はお送りしません。",
                    "請求書はどうなりますか",
                    "キャンセルを依頼しました。",
                    "人数が集まらない",
                )
            ]
            assert places == sorted(places)
            page = (await c.desk.get("/desk/reservations/R-000003")).text
            assert (
                "請求書はどうなりますか" in page and "キャンセルを受付" in page and "請求書はお送りしません。" in page
            )


def write(person: Person, words: str) -> None:
    person.say("R-000001").press("この予約について連絡する").say(words).press("送信する")


def test_staffs_answers_are_in_it_and_internal_notes_never(counter: Counter, member_id: int, person: Person) -> None:
    reserve(counter.database, member_id=member_id)
    write(person, "駐車場は使えますか")
    ticket_id = rows(counter, "ticket")[0].id
    run(
        counter.database,
        lambda tx: reply(
            tx, AGENT, ticket_id=ticket_id, text="3台まで使えます。", client_key="k1", last_seen_message_id=2**60
        ),
    )
    run(counter.database, lambda tx: note(tx, AGENT, ticket_id=ticket_id, text="上客", client_key="k2"))
    run(counter.database, lambda tx: tickets.give_back(tx, AGENT, ticket_id=ticket_id))
    person.say("R-000001").press("コンタクト履歴")
    answer = person.answer()
    assert (
        "担当 窓口 次郎\n3台まで使えます。" in answer
        and "お客様\n駐車場は使えますか" in answer
        and "上客" not in answer
    )
    assert rows(counter, "reservation_ticket")[0].ticket_id == ticket_id


def test_more_words_go_into_the_ticket_that_is_open(counter: Counter, member_id: int, person: Person) -> None:
    reserve(counter.database, member_id=member_id)
    write(person, "駐車場は使えますか")
    write(person, "3台です")
    assert len(rows(counter, "ticket")) == 1 and len(rows(counter, "reservation_ticket")) == 1
    assert rows(counter, "ticket")[0].queue == "reservations"


def test_a_long_history_comes_in_parts(counter: Counter, member_id: int, person: Person) -> None:
    reservation_id = reserve(counter.database, member_id=member_id)
    chat_id = person.chat_id()
    assert chat_id is not None
    for n in range(11):
        run(
            counter.database,
            lambda tx, n=n: counter_reservations.write_about(
                tx,
                profile=counter.profile,
                member_id=member_id,
                chat_id=chat_id,
                reservation_id=reservation_id,
                text=f"連絡その{n:02d}",
            ),
        )
        counter.clock.move(timedelta(minutes=1))
    answer = person.say("R-000001").press("コンタクト履歴").answer()
    assert "連絡その10" in answer and "連絡その03" in answer and "連絡その02" not in answer
    assert "連絡その00" in person.press("前の3件を見る").answer()


def test_somebody_elses_history_cannot_be_opened(counter: Counter, member_id: int, person: Person) -> None:
    """A button of before: the reservation has passed to another member (an import), the old chat may not read on."""
    reserve(counter.database, member_id=member_id)
    person.say("R-000001")
    other = counter.add_member(name="鈴木 一郎", email="ichiro@example.jp")
    run(counter.database, lambda tx: tx.run(_give_away(), member_id=other))
    assert "このご予約は見つかりませんでした" in person.press("コンタクト履歴").answer()


def _give_away() -> Write:
    return Write(update(Reservation).values(member_id=bindparam("member_id")))
