"""The shipped profile `renewal-notice` says what its requirement rows say."""

import datetime as dt

from core.profiles.files import check_profile, list_profiles, load_profile


def test_every_shipped_profile_is_without_errors_and_warnings() -> None:
    shipped = list_profiles()
    assert "renewal-notice" in [info.name for info in shipped]
    for info in shipped:
        assert info.file.stem == info.name
        assert check_profile(info.name) == []


def test_renewal_notice_keeps_rows_r1_and_r2() -> None:
    profile = load_profile("renewal-notice")
    assert profile.renewal.terms == (1, 3, 6, 12, 24, 36, 60)
    assert profile.renewal.window_days_after_expiry == 7
    assert profile.reminders.milestones == (-40, -10, -5, 0, 1)
    assert profile.reminders.on_request == (-40,)
    assert (profile.reminders.send_at, profile.reminders.quiet_from, profile.reminders.quiet_until) == (
        dt.time(10),
        dt.time(21),
        dt.time(8),
    )
    assert any(set(plan.terms) < set(profile.renewal.terms) for plan in profile.plans)


def test_renewal_notice_keeps_the_limits_of_row_m1() -> None:
    linking = load_profile("renewal-notice").linking
    assert (linking.code_minutes, linking.tries_per_code) == (10, 5)
    assert (linking.codes_per_member_hour, linking.codes_per_member_day) == (3, 10)
    assert (linking.codes_per_chat_hour, linking.codes_per_address_hour) == (5, 30)


def test_the_standard_plan_carries_the_prices_of_the_worked_example() -> None:
    plan = load_profile("renewal-notice").plan("standard")
    assert plan.monthly_list_yen == 1_200
    assert [price.yen for price in plan.prices if price.term_months == 12] == [12_000]


def test_bank_transfer_is_offered_for_manual_renewal_with_two_accounts() -> None:
    profile = load_profile("renewal-notice")
    codes = [method.code for method in profile.list_manual_methods()]
    assert codes == ["bank_transfer", "credit_card", "konbini"]
    assert len(profile.payment.bank_accounts) == 2
    assert profile.method("bank_transfer").confirmation_time.text("en")
