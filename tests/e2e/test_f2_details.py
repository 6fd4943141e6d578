"""Row F2: the details of a reservation: when it was booked and confirmed, usage, payment, contact and billing contact."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.ids import SeededIds
from tests.support.counter import Counter, Person
from tests.support.databases import sqlite_database
from tests.support.doors import CHANNELS
from tests.support.facility import facility_counter, reserve
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


@pytest.mark.parametrize("channel", CHANNELS)
async def test_everything_about_a_reservation_is_shown_at_every_door(channel: str, tmp_path: Path) -> None:
    with sqlite_database(tmp_path) as url:
        async with facility(channel, url) as c:
            await c.say("R-000003の状況は？")
            day = await c.day_of("R-000003")
            shown = await c.sees("予約番号 R-000003 の詳細です", "予約完了日時", "予約確定日時")
            for words in (
                "第1会議室", "会議室・ホール", "説明会", f"{day.year}年{day.month}月{day.day}日", "13:00〜15:00", "予約確定",
                "3,600円", "銀行振込", "お支払い待ち", "担当者", "山田 太郎", "請求担当者",
                "〒100-0000 東京都千代田区架空町1-2-3",
            ):  # fmt: skip
                assert words in shown, words
            await c.press("コンタクト履歴")
            await c.sees("予約番号 R-000003 のコンタクト履歴はまだありません")


def test_every_field_of_the_row_is_there(counter: Counter, member_id: int, person: Person) -> None:
    reserve(counter.database, member_id=member_id, details={"people": 12, "layout": "school"})
    answer = person.say("予約番号000001の詳細を見せて").answer()
    for words in (
        "施設: 第1会議室", "区分: 会議室・ホール", "ご利用日時: 2026年12月4日(金) 13:00〜15:00", "ご利用目的: 定例会議",
        "ご利用人数: 12", "机の並べ方: スクール形式", "予約完了日時: 2026年10月1日(木) 10:05",
        "予約確定日時: 2026年10月2日(金) 09:00", "金額: 3,600円", "お支払方法: 銀行振込", "お支払期限: 2027年1月3日(日)",
        "お支払状況: お支払い待ち", "お名前: 鈴木 花子", "電話番号: 03-0000-1111", "メール: hanako@example.jp",
        "お名前: 山田商店 経理ご担当", "住所: 〒100-0000 東京都千代田区架空町1-2-3", "メール: keiri@example.jp",
    ):  # fmt: skip
        assert words in answer, words


def test_in_english_all_of_it_is_english(counter: Counter, member_id: int) -> None:
    reserve(counter.database, member_id=member_id, details={"layout": "school"})
    answer = link_person(counter.person(language="en")).say("what is the status of R-000001?").answer()
    for words in (
        "Facility: Meeting room 1", "Date and time: Fri, Dec 4, 2026, 13:00 to 15:00", "Layout: Classroom",
        "Booked at: Thu, Oct 1, 2026, 10:05", "Payment method: Bank transfer", "Payment: to be paid", "confirmed",
    ):  # fmt: skip
        assert words in answer, words


def test_what_is_not_fixed_yet_says_so(counter: Counter, member_id: int, person: Person) -> None:
    reserve(
        counter.database, member_id=member_id, status="asked", confirmed_at=None, amount_yen=None, payment_method="",
        payment_due_on=None, payment_state="unfixed", billing_name="", billing_postal_code="", billing_address="",
        billing_email="",
    )  # fmt: skip
    answer = person.say("R-000001").answer()
    assert "予約確定日時: まだ確定していません" in answer and "金額: まだ確定していません" in answer
    assert "お支払状況: 金額の確定前" in answer and "お支払期限" not in answer
    assert "[請求担当者]  ご登録がありません" in answer


def test_a_reservation_of_several_days_shows_both(counter: Counter, member_id: int, person: Person) -> None:
    reserve(
        counter.database, member_id=member_id, facility_code="hall", until_on=date(2026, 12, 6), used_from=None,
        used_until=None,
    )  # fmt: skip
    assert "ご利用日時: 2026年12月4日(金)〜2026年12月6日(日)" in person.say("R-000001").answer()


def test_a_facility_that_the_profile_has_no_more_is_shown_by_its_code(
    counter: Counter, member_id: int, person: Person
) -> None:
    reserve(counter.database, member_id=member_id, facility_code="old-annex", category_code="old", details={"x": "y"})
    answer = person.say("R-000001").answer()
    assert "施設: old-annex" in answer and "区分: old" in answer and "x: y" in answer


def test_somebody_elses_number_is_found_as_little_as_one_that_is_not(counter: Counter, person: Person) -> None:
    other = counter.add_member(name="鈴木 一郎", email="ichiro@example.jp")
    reserve(counter.database, member_id=other, purpose="秘密の会合")
    theirs, nobodys = person.say("R-000001").answer(), person.say("R-999999").answer()
    assert theirs == nobodys
    assert "このご予約は見つかりませんでした" in theirs and "秘密" not in theirs


def test_the_day_after_it_was_used(counter: Counter, member_id: int, person: Person) -> None:
    reserve(counter.database, member_id=member_id, used_on=date(2026, 11, 21))
    answer = person.say("R-000001").answer()
    assert "[ご利用内容] ご利用済み" in answer and "<変更を依頼する>" not in answer
