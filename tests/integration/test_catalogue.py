"""The catalogue: filled once from the profile, then the desk's; prices with valid-from dates."""

from datetime import date, timedelta

import pytest

from core.counter import catalogue as desk
from core.db import Database, Tx, run
from core.errors import DomainError
from core.members.audit import list_audit
from core.profiles.catalogue import (
    ensure_catalogue,
    export_profile,
    get_plan,
    list_plans,
    list_wordings,
    monthly_list_price,
    offered_terms,
    price_of,
    remove_wording,
    set_price,
    set_wording,
)
from tests.support.builders import ACCOUNTANT, ADMIN, a_profile

TODAY = date(2026, 11, 22)


def filled(tx: Tx) -> None:
    ensure_catalogue(tx, profile=a_profile())


def test_an_empty_catalogue_is_filled_once_and_the_desks_edits_stay(database: Database) -> None:
    profile = a_profile()
    assert run(database, lambda tx: ensure_catalogue(tx, profile=profile))
    run(database, lambda tx: set_price(tx, plan_code="standard", term_months=12, price_yen=9_800, valid_from=TODAY))
    assert not run(database, lambda tx: ensure_catalogue(tx, profile=profile))
    assert run(database, lambda tx: price_of(tx, plan_code="standard", term_months=12, on=TODAY)) == 9_800
    plans = run(database, list_plans)
    assert [plan.code for plan in plans] == [plan.code for plan in profile.plans]
    assert plans[1].name("en") == "Standard plan"


def test_the_newest_price_valid_on_the_day_counts_and_a_later_one_waits_for_its_day(database: Database) -> None:
    run(database, filled)
    later = TODAY + timedelta(days=30)
    run(database, lambda tx: set_price(tx, plan_code="standard", term_months=12, price_yen=13_000, valid_from=later))

    def prices(tx: Tx) -> list[int | None]:
        return [
            price_of(tx, plan_code="standard", term_months=12, on=day)
            for day in (date(2024, 3, 31), TODAY, later - timedelta(days=1), later)
        ]

    assert run(database, prices) == [None, 12_000, 12_000, 13_000]


def test_terms_on_offer_are_those_with_a_price_and_the_list_price_is_not_one_of_them(database: Database) -> None:
    run(database, filled)
    light = run(database, lambda tx: offered_terms(tx, plan_code="light", on=TODAY))
    assert [term.term_months for term in light] == [3, 6, 12, 24, 36]
    assert light[0].price_yen == 1_500
    assert run(database, lambda tx: monthly_list_price(tx, plan_code="standard", on=TODAY)) == 1_200


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"valid_from": TODAY - timedelta(days=1)}, "price_in_past"),
        ({"plan_code": "gone"}, "plan_unknown"),
        ({"term_months": -1}, "term_out_of_range"),
        ({"term_months": 121}, "term_out_of_range"),
        ({"price_yen": -1}, "yen_out_of_range"),
    ],
)
def test_a_price_that_cannot_be_is_refused(database: Database, changed: dict[str, object], code: str) -> None:
    run(database, filled)
    asked = {"plan_code": "standard", "term_months": 12, "price_yen": 100, "valid_from": TODAY, **changed}
    with pytest.raises(DomainError) as refusal:
        run(database, lambda tx: set_price(tx, **asked))  # type: ignore[arg-type]
    assert refusal.value.code == code


def test_the_operators_words_replace_the_products_until_they_are_taken_back(database: Database) -> None:
    run(database, lambda tx: set_wording(tx, language="ja", key="menu.title", text="窓口へようこそ"))
    run(database, lambda tx: set_wording(tx, language="ja", key="menu.title", text="ご用件をどうぞ"))
    assert run(database, lambda tx: list_wordings(tx, language="ja")) == {"menu.title": "ご用件をどうぞ"}
    assert run(database, lambda tx: list_wordings(tx, language="en")) == {}
    assert run(database, lambda tx: remove_wording(tx, language="ja", key="menu.title"))
    assert not run(database, lambda tx: remove_wording(tx, language="ja", key="menu.title"))
    assert run(database, lambda tx: list_wordings(tx, language="ja")) == {}


def test_the_catalogue_as_edited_goes_back_into_a_profile(database: Database) -> None:
    profile = a_profile()
    run(database, filled)
    assert run(database, lambda tx: export_profile(tx, profile=profile)) == profile
    run(database, lambda tx: set_price(tx, plan_code="light", term_months=60, price_yen=20_000, valid_from=TODAY))
    light = run(database, lambda tx: export_profile(tx, profile=profile)).plan("light")
    assert light.terms == (3, 6, 12, 24, 36, 60)
    assert light.prices[-1].yen == 20_000 and light.trial_offered


def test_an_unknown_plan_is_refused(database: Database) -> None:
    with pytest.raises(DomainError, match="plan_unknown"):
        run(database, lambda tx: get_plan(tx, plan_code="gone"))


def test_only_an_admin_changes_the_catalogue_and_the_trail_says_who(database: Database) -> None:
    run(database, filled)

    def add(tx: Tx, staff: object) -> object:
        return desk.add_price(
            tx,
            staff=staff,  # type: ignore[arg-type]
            plan_code="light",
            term_months=12,
            price_yen=6_000,
            valid_from=TODAY,
        )

    with pytest.raises(DomainError, match="forbidden"):
        run(database, lambda tx: add(tx, ACCOUNTANT))
    run(database, lambda tx: add(tx, ADMIN))
    run(database, lambda tx: desk.set_wording(tx, staff=ADMIN, language="ja", key="a.b", text="はい"))
    run(database, lambda tx: desk.remove_wording(tx, staff=ADMIN, language="ja", key="a.b"))
    trail = run(database, lambda tx: list_audit(tx, ADMIN)).entries
    assert [(entry.action, entry.actor_id) for entry in trail] == [
        ("catalogue.wording_removed", ADMIN.id),
        ("catalogue.wording_set", ADMIN.id),
        ("catalogue.price_added", ADMIN.id),
    ]
    assert run(database, lambda tx: price_of(tx, plan_code="light", term_months=12, on=TODAY)) == 6_000
