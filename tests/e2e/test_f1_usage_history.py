"""Row F1: ご利用履歴, searched by number, status, facility and day, sorted by when the booking was completed, in pages."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.db import run
from core.ids import SeededIds
from tests.support.counter import Counter, Person
from tests.support.databases import sqlite_database
from tests.support.doors import CHANNELS
from tests.support.facility import a_reservation, facility_counter, reserve
from tests.support.facility_doors import facility
from tests.support.journeys import link_person


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


def booked(day: int) -> datetime:
    return datetime(2026, 9, day, tzinfo=UTC)


@pytest.fixture
def history(counter: Counter, member_id: int) -> None:
    """R-000001 to R-000008, booked one day after the other."""
    for n, facility_code in enumerate(("room-1", "room-2", "hall", "studio", "room-1", "room-2", "hall"), start=1):
        reserve(
            counter.database,
            member_id=member_id,
            facility_code=facility_code,
            used_on=date(2026, 10, n),
            booked_at=booked(n),
        )
    reserve(
        counter.database, member_id=member_id, status="waiting", facility_code="hall",
        used_on=date(2026, 12, 24), booked_at=booked(20),
    )  # fmt: skip


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_member_finds_their_reservations_at_every_door(channel: str, tmp_path: Path) -> None:
    with sqlite_database(tmp_path) as url:
        async with facility(channel, url) as c:
            await c.say("/reservation")
            newest = await c.sees("ご利用履歴は7件です（ご予約の新しい順）", "1〜5件目")
            await c.press("次の2件を見る")
            older = await c.sees("6〜7件目を表示しています")
            assert {f"R-{n:06d}" for n in range(1, 8)} == {
                number for number in (f"R-{n:06d}" for n in range(1, 60)) if number in newest + older
            }
            await c.press("古い順に並べる")
            await c.sees("ご利用履歴は7件です（ご予約の古い順）")
            await c.press("条件を指定して探す")
            await c.sees("どの条件でさがしますか")
            await c.press("施設")
            await c.sees("どの施設ですか")
            await c.press("多目的ホール")
            await c.sees("ご利用履歴は2件です", "条件：多目的ホール", "R-000005", "R-000007")
            await c.press("条件をリセット")
            await c.sees("ご利用履歴は7件です（ご予約の新しい順）")
            await c.say("キャンセル待ちの予約を見せて")
            await c.sees("ご利用履歴は1件です", "条件：キャンセル待ち", "R-000007")


@pytest.mark.usefixtures("history")
def test_the_newest_booking_comes_first_and_five_make_a_page(person: Person) -> None:
    answer = person.say("/reservation").answer()
    assert "ご利用履歴は8件です（ご予約の新しい順）" in answer and "1〜5件目" in answer
    shown = [line for line in answer.splitlines() if line.startswith("[R-")]
    assert [line[1:9] for line in shown] == ["R-000008", "R-000007", "R-000006", "R-000005", "R-000004"]
    answer = person.press("次の3件を見る").answer()
    assert "[R-000001 第1会議室] ご利用済み" in answer and "前の5件に戻る" in answer and "次の" not in answer


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("sentence", "numbers"),
    [
        ("10月の会議室の予約を見せて", {"R-000001", "R-000002", "R-000005", "R-000006"}),
        ("第1会議室の予約を確認したい", {"R-000001", "R-000005"}),
        ("大ホールの予約一覧", {"R-000003", "R-000007", "R-000008"}),
        ("10月3日の予約はどうなってますか", {"R-000003"}),
        ("来月の予約を見せて", {"R-000008"}),
        ("キャンセル待ちの予約", {"R-000008"}),
        ("show my hall reservations in December", {"R-000008"}),
        ("show me the reservations of October for the studio", {"R-000004"}),
    ],
)
def test_one_sentence_searches(person: Person, sentence: str, numbers: set[str]) -> None:
    answer = person.say(sentence).answer()
    assert {line[1:9] for line in answer.splitlines() if line.startswith("[R-")} == numbers, answer


@pytest.mark.usefixtures("history")
def test_the_form_narrows_down_and_a_reset_shows_all_again(person: Person) -> None:
    person.say("/reservation").press("条件を指定して探す").press("施設").press("多目的ホール")
    assert "ご利用履歴は3件です" in person.answer() and "条件：多目的ホール" in person.answer()
    person.press("さらに絞り込む").press("ご利用日").say("12月")
    assert "条件：多目的ホール、2026年12月1日(火)〜2026年12月31日(木)" in person.answer()
    assert "[R-000008 多目的ホール]" in person.answer() and "R-000007" not in person.answer()
    assert "ご利用履歴は8件です" in person.press("条件をリセット").answer()


@pytest.mark.usefixtures("history")
def test_the_form_takes_a_typed_search_at_once(person: Person) -> None:
    person.say("/reservation").press("条件を指定して探す")
    assert "[R-000004 音楽スタジオ]" in person.say("音楽スタジオ").answer()
    person.say("/reservation").press("条件を指定して探す").press("予約番号")
    assert "ご利用履歴は1件です" in person.say("Ｒ－０００００２").answer()


@pytest.mark.usefixtures("history")
def test_a_day_that_no_calendar_has_is_refused_with_an_example(person: Person) -> None:
    person.say("/reservation").press("条件を指定して探す").press("ご利用日")
    assert "その日付は暦にありません" in person.say("2月31日").answer()
    assert "日付を読み取れませんでした" in person.say("いつか").answer()


def test_no_reservation_is_said_with_a_way_on(person: Person) -> None:
    answer = person.say("/reservation").answer()
    assert "ご予約はまだありません" in answer and "<問い合わせる>" in answer


@pytest.mark.usefixtures("history")
def test_a_facility_nobody_has_is_answered_with_those_there_are(person: Person) -> None:
    answer = person.say("テニスコートの予約を見せて").answer()
    assert "「テニスコート」という施設は見つかりませんでした" in answer and "第1会議室、第2会議室" in answer


def test_five_hundred_reservations_come_page_by_page(counter: Counter, member_id: int, person: Person) -> None:
    def many(tx: object) -> None:
        for n in range(500):
            a_reservation(tx, member_id=member_id, used_on=date(2025, 1, 1) + timedelta(days=n), booked_at=booked(1))  # type: ignore[arg-type]

    run(counter.database, many, slow=True)
    answer = person.say("/reservation").answer()
    assert "ご利用履歴は500件です" in answer and answer.count("[R-") == 5
    for page in range(3):
        answer = person.press("次の5件を見る").answer()
        assert f"{page * 5 + 6}〜{page * 5 + 10}件目" in answer
    assert "ご利用履歴は31件です" in person.say("2025年3月の予約を見せて").answer()


def test_other_members_reservations_never_appear(counter: Counter, member_id: int, person: Person) -> None:
    other = counter.add_member(name="鈴木 一郎", email="ichiro@example.jp")
    reserve(counter.database, member_id=other, reservation_no="R-000900")
    assert "ご予約はまだありません" in person.say("/reservation").answer()
    assert "このご予約は見つかりませんでした" in person.say("R-000900の状況は？").answer()
    person.say("/reservation")


def test_who_is_not_linked_is_asked_to_link(counter: Counter) -> None:
    assert "会員との連携が必要です" in counter.person(address="stranger").say("/reservation").answer()
