"""Reservations, decided: state as of today, deadlines, what fits a field, what an accepted request changes, overlaps."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from core.bookings.policy import (
    ReservationStatus,
    Times,
    changes_of,
    do_overlap,
    flaw_of_value,
    last_request_at,
    number_candidates,
    refusal_of_request,
    status_today,
    value_of,
)
from core.profiles.booking import RequestDeadline, RequestField

TODAY = date(2026, 11, 22)
DEADLINE = RequestDeadline.model_validate({"days": 3, "at": "17:00"})


def a_field(**changed: Any) -> RequestField:
    made = {"code": "people", "name": {"ja": "人数", "en": "People"}, "kind": "number", "most": 300, **changed}
    return RequestField.model_validate(made)


@pytest.mark.parametrize(
    ("status", "until_on", "shown"),
    [
        ("confirmed", date(2026, 11, 22), "confirmed"),
        ("confirmed", date(2026, 11, 21), "used"),
        ("asked", date(2026, 11, 21), "asked"),
        ("cancelled", date(2026, 11, 21), "cancelled"),
    ],
)
def test_a_confirmed_reservation_is_used_the_day_after_its_last_day(status: str, until_on: date, shown: str) -> None:
    assert status_today(status, until_on=until_on, today=TODAY) == shown


def test_the_deadline_is_a_clock_in_japan_days_before_the_day_of_use() -> None:
    assert last_request_at(date(2026, 12, 4), DEADLINE) == datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "has_open", "now", "refused"),
    [
        ("confirmed", False, datetime(2026, 12, 1, 8, 0, tzinfo=UTC), None),
        ("confirmed", False, datetime(2026, 12, 1, 8, 0, 1, tzinfo=UTC), "request_too_late"),
        ("asked", False, datetime(2026, 11, 1, tzinfo=UTC), None),
        ("waiting", True, datetime(2026, 11, 1, tzinfo=UTC), "request_open"),
        ("used", False, datetime(2026, 11, 1, tzinfo=UTC), "reservation_over"),
        ("cancelled", True, datetime(2026, 11, 1, tzinfo=UTC), "reservation_over"),
        ("declined", False, datetime(2026, 11, 1, tzinfo=UTC), "reservation_over"),
    ],
)
def test_what_can_be_asked_for(status: str, has_open: bool, now: datetime, refused: str | None) -> None:
    assert (
        refusal_of_request(
            status=ReservationStatus(status), used_on=date(2026, 12, 4), deadline=DEADLINE, now=now, has_open=has_open
        )
        == refused
    )


@pytest.mark.parametrize(
    ("field", "value", "flaw"),
    [
        ({}, 12, None),
        ({}, 0, "number_out_of_range"),
        ({}, 301, "number_out_of_range"),
        ({}, True, "number_out_of_range"),
        ({}, "12", "number_out_of_range"),
        ({}, None, "field_missing"),
        ({"required": False}, None, None),
        ({"code": "used_on", "kind": "date"}, "2026-11-22", None),
        ({"code": "used_on", "kind": "date"}, "2026-11-21", "day_in_past"),
        ({"code": "used_on", "kind": "date"}, "2026-02-31", "day_unreadable"),
        ({"code": "used_on", "kind": "date"}, "2035-01-01", "day_too_far"),
        ({"code": "used_time", "kind": "time"}, ["13:00", "15:00"], None),
        ({"code": "used_time", "kind": "time"}, ["15:00", "15:00"], "times_reversed"),
        ({"code": "used_time", "kind": "time"}, ["25:00", "26:00"], "times_unreadable"),
        ({"code": "used_time", "kind": "time"}, "13:00", "times_unreadable"),
        ({"code": "facility", "kind": "facility"}, "room-1", None),
        ({"code": "facility", "kind": "facility"}, "moon", "facility_unknown"),
        ({"code": "note", "kind": "text"}, "  ", "field_missing"),
        ({"code": "note", "kind": "text"}, "あ" * 301, "field_too_long"),
    ],
)
def test_which_values_fit_a_field(field: dict[str, Any], value: Any, flaw: str | None) -> None:
    assert flaw_of_value(a_field(**field), value, today=TODAY, facilities=["room-1"]) == flaw


def test_a_choice_is_one_of_its_own() -> None:
    layout = a_field(kind="choice", choices=[{"code": "school", "name": {"ja": "スクール", "en": "School"}}])
    assert flaw_of_value(layout, "school", today=TODAY, facilities=[]) is None
    assert flaw_of_value(layout, "round", today=TODAY, facilities=[]) == "choice_unknown"


def test_moved_to_another_day_a_reservation_keeps_its_length() -> None:
    times = Times(date(2026, 12, 4), date(2026, 12, 6), None, None)
    changes = changes_of({"used_on": "2027-01-30"}, times=times, details={})
    assert changes.columns == {"used_on": date(2027, 1, 30), "until_on": date(2027, 2, 1)}


def test_own_fields_move_the_reservation_and_others_become_its_details() -> None:
    times = Times(date(2026, 12, 4), date(2026, 12, 4), time(13), time(15))
    wanted = {"used_time": ["09:00", "11:30"], "facility": "hall", "purpose": "発表会", "people": 20, "layout": None}
    changes = changes_of(wanted, times=times, details={"people": 5, "layout": "school"})
    assert changes.columns == {
        "used_from": time(9), "used_until": time(11, 30), "facility_code": "hall", "purpose": "発表会",
    }  # fmt: skip
    assert changes.details == {"people": 20, "layout": "school"}


def test_the_present_value_of_a_field_reads_like_a_wanted_one() -> None:
    columns = {
        "used_on": date(2026, 12, 4), "used_from": time(13), "used_until": time(15), "facility_code": "hall", "purpose": "",
    }  # fmt: skip
    assert value_of("used_on", columns, {}) == "2026-12-04"
    assert value_of("used_time", columns, {}) == ["13:00", "15:00"]
    assert value_of("facility", columns, {}) == "hall"
    assert value_of("purpose", columns, {}) is None
    assert value_of("people", columns, {"people": 3}) == 3


DAY, NEXT, LAST = date(2026, 12, 4), date(2026, 12, 5), date(2026, 12, 6)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (Times(DAY, DAY, time(13), time(15)), Times(DAY, DAY, time(15), time(16)), False),
        (Times(DAY, DAY, time(13), time(15)), Times(DAY, DAY, time(14, 59), time(16)), True),
        (Times(DAY, DAY, time(13), time(15)), Times(DAY, DAY, None, None), True),
        (Times(DAY, DAY, None, None), Times(NEXT, NEXT, None, None), False),
        (
            Times(DAY, LAST, time(9), time(12)),
            Times(NEXT, NEXT, None, None),
            True,
        ),
        (
            Times(DAY, LAST, time(9), time(12)),
            Times(LAST, LAST, time(12), time(13)),
            False,
        ),
    ],
)
def test_when_two_uses_meet(one: Times, other: Times, meet: bool) -> None:
    assert do_overlap(one, other) is meet
    assert do_overlap(other, one) is meet


@pytest.mark.parametrize("typed", ["R-000123", "r-123", "ｒ－１２３", "123", "Ｒ１２３", " 000123 "])
def test_a_number_is_found_however_it_is_typed(typed: str) -> None:
    assert "R-000123" in number_candidates(typed)


def test_the_operators_own_number_stays_as_it_is() -> None:
    assert number_candidates("ym-77a")[:2] == ["ym-77a", "YM-77A"]
