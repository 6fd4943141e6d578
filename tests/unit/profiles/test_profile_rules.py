"""What a loaded profile answers by itself: quiet hours, look-ups, promises."""

import datetime as dt

import pytest
from pydantic import ValidationError

from core.profiles.files import load_profile
from core.profiles.model import Reminders, ServiceLevel


@pytest.mark.parametrize(
    ("at", "quiet"), [("20:59", False), ("21:00", True), ("00:00", True), ("07:59", True), ("08:00", False)]
)
def test_quiet_hours_run_over_midnight_and_end_at_their_end(at: str, quiet: bool) -> None:
    assert load_profile("renewal-notice").reminders.is_quiet(dt.time.fromisoformat(at)) is quiet


def test_quiet_hours_within_a_day_are_quiet_only_there() -> None:
    reminders = Reminders.model_validate(
        {
            "milestones": [0],
            "on_request": [],
            "send_at": "10:00",
            "quiet_from": "12:00",
            "quiet_until": "13:00",
            "spread_minutes": 119,
            "show_details_in_first_line": False,
        }
    )
    assert [reminders.is_quiet(dt.time(hour)) for hour in (11, 12, 13)] == [False, True, False]


def test_unknown_codes_are_a_key_error() -> None:
    profile = load_profile("renewal-notice")
    for look_up in (profile.plan, profile.method, profile.support.kind):
        with pytest.raises(KeyError, match="gone"):
            look_up("gone")
    assert profile.support.kind("payment").queue == "accounting"


def test_a_domain_is_not_aligned_to_the_months_end() -> None:
    profile = load_profile("renewal-notice")
    assert profile.is_month_end_offered("standard")
    assert not profile.is_month_end_offered("domain-jp")


def test_the_promise_is_worded_from_its_number_and_clock() -> None:
    assert ServiceLevel(hours=8, clock="business").text("ja") == "営業時間で8時間以内"
    assert ServiceLevel(hours=48, clock="elapsed").text("en") == "within 48 hours"


def test_a_profile_cannot_be_changed_after_loading() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_profile("renewal-notice").renewal.grace_days = 30  # type: ignore[misc]
