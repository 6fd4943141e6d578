"""The catalogue in the desk's hands: whoever changes it needs the right, and the audit trail keeps it (rows Q3, Q6)."""

from datetime import date

from core.db import Tx
from core.members.audit import record
from core.members.roles import ActingStaff, require
from core.profiles import catalogue
from core.profiles.catalogue import PriceView


def add_price(
    tx: Tx, *, staff: ActingStaff, plan_code: str, term_months: int, price_yen: int, valid_from: date
) -> PriceView:
    """A price from today or a later day on; `term_months` 0 is the monthly list price of the daily rate.

    Errors: DomainError `forbidden` and those of `core.profiles.catalogue.set_price`.
    """
    require(staff, "edit_catalogue")
    price = catalogue.set_price(
        tx, plan_code=plan_code, term_months=term_months, price_yen=price_yen, valid_from=valid_from
    )
    detail = {"term_months": term_months, "price_yen": price_yen, "valid_from": valid_from.isoformat()}
    _record(tx, staff, "catalogue.price_added", f"plan:{plan_code}", detail)
    return price


def set_wording(tx: Tx, *, staff: ActingStaff, language: str, key: str, text: str) -> None:
    """The operator's words for a key. Errors: DomainError `forbidden`, `wording_empty`."""
    require(staff, "edit_catalogue")
    catalogue.set_wording(tx, language=language, key=key, text=text)
    tx.wake("settings")  # every process of the bot says it from now on
    _record(tx, staff, "catalogue.wording_set", f"wording:{key}"[:80], {"language": language})


def remove_wording(tx: Tx, *, staff: ActingStaff, language: str, key: str) -> bool:
    """Back to the product's words; False when they were in place already. Errors: DomainError `forbidden`."""
    require(staff, "edit_catalogue")
    removed = catalogue.remove_wording(tx, language=language, key=key)
    if removed:
        tx.wake("settings")
        _record(tx, staff, "catalogue.wording_removed", f"wording:{key}"[:80], {"language": language})
    return removed


def _record(tx: Tx, staff: ActingStaff, action: str, subject: str, detail: dict[str, object]) -> None:
    record(tx, actor_kind="staff", actor_id=staff.id, action=action, subject=subject, detail=detail)
