"""Row M12 for reservations: dry run with every bad row, idempotent, three-way with what was changed at the counter since."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from core.bookings import requests, service
from core.bookings.service import ReservationView
from core.clock import ManualClock
from core.counter.reservations import accept, open_page
from core.db import Database, run
from core.exchange.sample_reservations import HEADER
from core.ids import SeededIds
from core.open_database import open_database
from core.wiring import LISTENERS
from tests.support.builders import AGENT, a_member
from tests.support.exchange import Importing, write_csv
from tests.support.facility import facility_profile

PROFILE = facility_profile()
COLUMNS = (
    "予約番号,会員番号,施設,区分,予約状態,利用日,開始時刻,終了時刻,予約完了日時,予約確定日時,金額,支払方法,"
    "支払状況,担当者"
)
ROW = (
    "Y-1,M-000001,第1会議室,会議室・ホール,確定,2026/12/4,13:00,15:00,2026/10/1 10:05,2026/10/2 9:00,"
    '"3,600",銀行振込,未払い,鈴木 花子'
)


@pytest.fixture
def database(database_url: str, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    opened = open_database(database_url, clock, ids, LISTENERS)
    yield opened
    opened.close()


@pytest.fixture
def member_id(database: Database) -> int:
    return run(database, a_member)


@pytest.fixture
def importing(database: Database, member_id: int) -> Importing:
    return Importing(database, PROFILE)


def stored(database: Database, number: str = "Y-1") -> ReservationView:
    found = run(database, lambda tx: service.find_reservation(tx, number=number))
    assert found is not None
    return found


def test_a_row_becomes_a_reservation(importing: Importing, database: Database, tmp_path: Path) -> None:
    answer = importing.json("reservations", write_csv(tmp_path / "r.csv", COLUMNS, ROW, encoding="cp932"))
    assert (answer["encoding"], answer["created"], answer["bad"], answer["written"]) == ("cp932", 1, [], True)
    one = stored(database)
    assert (one.facility_code, one.category_code, one.status) == ("room-1", "room", "confirmed")
    assert one.times == (date(2026, 12, 4), date(2026, 12, 4), time(13), time(15))
    assert one.booked_at == datetime(2026, 10, 1, 1, 5, tzinfo=UTC)
    assert (one.amount_yen, one.payment_method, one.payment_state) == (3_600, "bank_transfer", "unpaid")
    assert one.contact_name == "鈴木 花子"


def test_the_same_file_again_changes_nothing(importing: Importing, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "r.csv", COLUMNS, ROW)
    importing("reservations", file)
    again = importing.json("reservations", file)
    assert (again["created"], again["updated"], again["unchanged"], again["notes"]) == (0, 0, 1, [])


@pytest.mark.parametrize(
    ("old", "new", "column", "code"),
    [
        ("M-000001", "M-999999", "会員番号", "unknown_member"),
        ("第1会議室", "第9会議室", "施設", "unknown_facility"),
        ("会議室・ホール", "宴会", "区分", "unknown_category"),
        ("確定", "たぶん", "予約状態", "bad_status"),
        ("2026/12/4", "2026/2/31", "利用日", "no_such_day"),
        ("2026/12/4", "", "利用日", "missing"),
        ("13:00", "25:00", "開始時刻", "bad_clock"),
        ("15:00", "12:00", "終了時刻", "times_reversed"),
        ("2026/10/1 10:05", "きのう", "予約完了日時", "bad_date"),
        ("2026/10/1 10:05", "2026/10/1 99:05", "予約完了日時", "bad_clock"),
        ('"3,600"', "無料", "金額", "bad_yen"),
        ("未払い", "そのうち", "支払状況", "bad_payment_state"),
    ],
)
def test_a_bad_cell_is_listed_with_its_line_column_and_reason_and_stops_the_file(
    importing: Importing, database: Database, tmp_path: Path, old: str, new: str, column: str, code: str
) -> None:
    good = ROW.replace("Y-1", "Y-2")
    answer = importing.json("reservations", write_csv(tmp_path / "r.csv", COLUMNS, good, ROW.replace(old, new)))
    assert [(bad["line"], bad["column"], bad["code"]) for bad in answer["bad"]] == [(3, column, code)]  # type: ignore[attr-defined]
    assert answer["written"] is False
    assert run(database, lambda tx: service.find_reservation(tx, number="Y-2")) is None


def test_a_number_twice_and_a_ragged_row_are_bad(importing: Importing, tmp_path: Path) -> None:
    answer = importing.json(
        "reservations", write_csv(tmp_path / "r.csv", COLUMNS, ROW, ROW, "Y-3,M-000001"), "--dry-run"
    )
    assert [(bad["line"], bad["code"]) for bad in answer["bad"]] == [(3, "duplicate_key"), (4, "ragged")]  # type: ignore[attr-defined]


def test_a_dry_run_writes_nothing_and_skip_bad_writes_the_good(
    importing: Importing, database: Database, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "r.csv", COLUMNS, ROW, ROW.replace("Y-1", "Y-2").replace("第1会議室", "月"))
    dry = importing("reservations", file, "--dry-run")
    assert dry.exit_code == 1 and "3行目 施設「月」：この施設はありません" in dry.stdout
    assert run(database, lambda tx: service.find_reservation(tx, number="Y-1")) is None
    assert importing("reservations", file, "--skip-bad").exit_code == 0
    assert stored(database).reservation_no == "Y-1"


def test_other_headers_and_words_come_by_a_mapping(importing: Importing, database: Database, tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        '[reservations]\nreservation_no = "受付No"\nmember_key = "顧客"\nfacility = "部屋"\ncategory = "種"\n'
        'used_on = "日"\nbooked_at = "受付"\n[reservations.facilities]\n"A室" = "hall"\n'
        '[reservations.categories]\n"貸" = "room"\n',
        "utf-8",
    )
    file = write_csv(
        tmp_path / "r.csv", "受付No,顧客,部屋,種,日,受付", "7,M-000001,Ａ室,貸,令和8年12月4日,2026-10-01T10:05:00"
    )
    assert importing.json("reservations", file, "--mapping", mapping)["created"] == 1
    one = stored(database, "7")
    assert (one.facility_code, one.used_from, one.status, one.payment_state) == ("hall", None, "asked", "unfixed")
    mapping.write_text(mapping.read_text("utf-8").replace('"hall"', '"moon"'), "utf-8")
    refused = importing("reservations", file, "--mapping", mapping)
    assert refused.exit_code == 1 and "施設「moon」はありません" in refused.stderr


def test_without_a_number_of_its_own_a_row_gets_ours_and_its_key_is_kept(
    importing: Importing, database: Database, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "r.csv", COLUMNS.replace("予約番号", "管理番号"), ROW)
    for _ in range(2):
        importing("reservations", file)
    assert stored(database, "R-000001").external_key == "Y-1"


def accepted_change(database: Database, member_id: int) -> None:
    """The member moves Y-1 to 10 December; staff accept."""
    one = stored(database)
    request = run(
        database,
        lambda tx: requests.file_request(
            tx,
            profile=PROFILE,
            member_id=member_id,
            reservation_id=one.id,
            kind="change",
            wanted={"used_on": "2026-12-10"},
        ),
    )
    run(
        database,
        lambda tx: accept(tx, AGENT, profile=PROFILE, request_id=request.id, words="", seen_revision=one.revision),
    )


def test_an_older_file_does_not_undo_what_was_accepted_here(
    importing: Importing, database: Database, member_id: int, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "r.csv", COLUMNS, ROW)
    importing("reservations", file)
    accepted_change(database, member_id)
    answer = importing.json("reservations", file)
    assert (answer["updated"], answer["unchanged"]) == (0, 1)
    assert [(note["column"], note["code"]) for note in answer["notes"]] == [("until_on、利用日", "changed_here")]  # type: ignore[attr-defined]
    assert stored(database).used_on == date(2026, 12, 10)


def test_a_file_that_has_caught_up_or_moved_on_is_followed(
    importing: Importing, database: Database, member_id: int, tmp_path: Path
) -> None:
    importing("reservations", write_csv(tmp_path / "r.csv", COLUMNS, ROW))
    accepted_change(database, member_id)
    caught_up = importing.json("reservations", write_csv(tmp_path / "s.csv", COLUMNS, ROW.replace("12/4", "12/10")))
    assert (caught_up["updated"], caught_up["unchanged"], caught_up["notes"]) == (0, 1, [])
    moved = importing.json("reservations", write_csv(tmp_path / "t.csv", COLUMNS, ROW.replace("12/4", "12/18")))
    assert moved["updated"] == 1
    assert stored(database).used_on == date(2026, 12, 18)


def test_what_the_file_changes_while_a_request_is_open_is_followed_noted_and_shown_to_staff(
    importing: Importing, database: Database, member_id: int, tmp_path: Path
) -> None:
    importing("reservations", write_csv(tmp_path / "r.csv", COLUMNS, ROW))
    one = stored(database)
    request = run(
        database,
        lambda tx: requests.file_request(
            tx,
            profile=PROFILE,
            member_id=member_id,
            reservation_id=one.id,
            kind="change",
            wanted={"used_on": "2026-12-10"},
        ),
    )
    answer = importing.json("reservations", write_csv(tmp_path / "s.csv", COLUMNS, ROW.replace("12/4", "12/7")))
    assert [note["code"] for note in answer["notes"]] == ["request_open"]  # type: ignore[attr-defined]
    sheet = run(database, lambda tx: open_page(tx, staff=AGENT, reservation_no="Y-1")).sheets[0]
    assert sheet.changed == {"used_on": "2026-12-07"}
    assert sheet.reservation.revision == one.revision + 1 and request.revision == one.revision


def test_the_sample_file_passes_its_own_check(database: Database, tmp_path: Path) -> None:
    importing = Importing(database, PROFILE)
    assert importing("members", Path("samples/members.csv")).exit_code == 0
    answer = importing.json("reservations", Path("samples/reservations.csv"), "--dry-run")
    assert answer["bad"] == [] and answer["created"] == answer["rows"] and answer["ignored_columns"] == ["会員名"]
    assert "予約完了日時" in HEADER


def test_a_profile_without_reservations_is_the_one_reason_said(
    database: Database, member_id: int, tmp_path: Path
) -> None:
    from tests.support.builders import a_profile

    importing = Importing(database, a_profile())
    done = importing("reservations", write_csv(tmp_path / "r.csv", COLUMNS, ROW))
    assert done.exit_code == 1 and "予約（[bookings]）がありません" in done.output
