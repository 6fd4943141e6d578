"""The catalogue in the database: plans, prices with valid-from dates, wording (filled from the profile, then the desk's).
With it come the frequent questions (`core/profiles/faq.py`).

The profile file starts it; from then on what stands here counts (requirements, "Everything an operator decides is data").
Who may change it is asked one layer up (`core/counter/catalogue.py`), where staff and their rights are known.
"""

from datetime import date
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.delivery.settings import get_setting, set_setting
from core.errors import DomainError
from core.money import checked_yen
from core.profiles.faq import ensure_faq, export_faq
from core.profiles.model import Plan as PlanOfFile
from core.profiles.model import PlanPrice as PriceOfFile
from core.profiles.model import Profile
from core.profiles.selling import PlanName
from core.profiles.tables import Plan, PlanPrice, Wording
from core.statements import Read, Write

FILLED = "catalogue_filled"  # says it where there are no plans to see it by
MONTHLY_LIST = 0  # the `term_months` under which a plan's monthly list price stands (row R5)
LONGEST_TERM_MONTHS = 120


class PlanView(NamedTuple):
    """A plan on offer; a retired one can be renewed but not ordered."""

    code: str
    kind: str
    name_ja: str
    name_en: str
    position: int
    retired: bool

    def name(self, language: str) -> str:
        """Its name in a language."""
        return self.name_en if language == "en" else self.name_ja


class PriceView(NamedTuple):
    """What a term costs from a day on, net or gross as the profile's prices are; `term_months` 0: a month's list price."""

    plan_code: str
    term_months: int
    price_yen: int
    valid_from: date


class OfferedTerm(NamedTuple):
    """A term that can be chosen, and its price on the day asked for."""

    term_months: int
    price_yen: int


class WordingRow(NamedTuple):
    """The operator's own words for one key."""

    key: str
    text: str


class _Key(NamedTuple):
    key: str


_PLAN = (Plan.code, Plan.kind, Plan.name_ja, Plan.name_en, Plan.position, Plan.retired)
_PRICE = (PlanPrice.plan_code, PlanPrice.term_months, PlanPrice.price_yen, PlanPrice.valid_from)
PLANS = Read(PlanView, select(*_PLAN).order_by(Plan.position, Plan.code))
PLAN = Read(PlanView, select(*_PLAN).where(Plan.code == bindparam("plan_code")))
ADD_PLAN = Read(
    _Key,
    insert(Plan)
    .values({name: bindparam(name) for name in PlanView._fields})
    .on_conflict_do_nothing()
    .returning(Plan.code),
)
PRICES = Read(
    PriceView,
    select(*_PRICE)
    .where(PlanPrice.plan_code == bindparam("plan_code"))
    .order_by(PlanPrice.term_months, PlanPrice.valid_from),
)
PRICE = Read(
    PriceView,
    select(*_PRICE)
    .where(
        PlanPrice.plan_code == bindparam("plan_code"),
        PlanPrice.term_months == bindparam("term_months"),
        PlanPrice.valid_from <= bindparam("day"),
    )
    .order_by(PlanPrice.valid_from.desc())
    .limit(1),
)
_NEW_PRICE = insert(PlanPrice).values({name: bindparam(name) for name in ("id", *PriceView._fields)})
START_PRICE = Write(_NEW_PRICE.on_conflict_do_nothing())
SET_PRICE = Write(
    _NEW_PRICE.on_conflict_do_update(
        index_elements=["plan_code", "term_months", "valid_from"], set_={"price_yen": _NEW_PRICE.excluded.price_yen}
    )
)
WORDINGS = Read(
    WordingRow,
    select(Wording.key, Wording.text).where(Wording.language == bindparam("language")).order_by(Wording.key),
)
_NEW_WORDING = insert(Wording).values({name: bindparam(name) for name in ("language", "key", "text", "updated_at")})
START_WORDING = Write(_NEW_WORDING.on_conflict_do_nothing())
SET_WORDING = Write(
    _NEW_WORDING.on_conflict_do_update(
        index_elements=["language", "key"],
        set_={"text": _NEW_WORDING.excluded.text, "updated_at": _NEW_WORDING.excluded.updated_at},
    )
)
REMOVE_WORDING = Read(
    _Key,
    Wording.__table__.delete()  # type: ignore[attr-defined]  # a Table, typed as FromClause
    .where(Wording.language == bindparam("language"), Wording.key == bindparam("key"))
    .returning(Wording.key),
)


def ensure_catalogue(tx: Tx, *, profile: Profile) -> bool:
    """Fill an empty catalogue from the profile; False and nothing done when there already is one.

    It may be repeated, and by several processes at once: the desk's edits are never overwritten.
    """
    ensure_faq(tx, profile=profile)  # by itself: a catalogue from before there were articles has none
    if tx.first(PLANS) is not None or get_setting(tx, key=FILLED, default=False):
        return False
    for position, plan in enumerate(profile.plans):
        row = PlanView(plan.code, plan.kind, plan.name.ja, plan.name.en, position, retired=False)
        if tx.first(ADD_PLAN, **row._asdict()) is None:
            continue  # another process fills at this moment
        tx.many(START_PRICE, [{"id": tx.ids.new(), **price._asdict()} for price in _prices_of(plan)])
    for language, texts in (("ja", profile.wording.ja), ("en", profile.wording.en)):
        for key, text in texts.items():
            tx.run(START_WORDING, language=language, key=key, text=text, updated_at=tx.now)
    if not profile.plans:
        set_setting(tx, key=FILLED, value=True)
    return True


def _prices_of(plan: PlanOfFile) -> list[PriceView]:
    first = min(price.valid_from for price in plan.prices)
    return [
        PriceView(plan.code, MONTHLY_LIST, plan.monthly_list_yen, first),
        *(PriceView(plan.code, price.term_months, price.yen, price.valid_from) for price in plan.prices),
    ]


def list_plans(tx: Tx, *, with_retired: bool = False) -> list[PlanView]:
    """All plans in the order members see them."""
    return [plan for plan in tx.all(PLANS) if with_retired or not plan.retired]


def get_plan(tx: Tx, *, plan_code: str) -> PlanView:
    """A plan, retired or not. Errors: DomainError `plan_unknown` (plan_code)."""
    plan = tx.first(PLAN, plan_code=plan_code)
    if plan is None:
        raise DomainError("plan_unknown", plan_code=plan_code)
    return plan


def price_of(tx: Tx, *, plan_code: str, term_months: int, on: date) -> int | None:
    """What a term of a plan costs on a day: the newest price valid by then; None when there is none."""
    row = tx.first(PRICE, plan_code=plan_code, term_months=term_months, day=on)
    return None if row is None else row.price_yen


def monthly_list_price(tx: Tx, *, plan_code: str, on: date) -> int | None:
    """P of algorithms.md 2: the monthly list price that the daily rate is taken from, whatever the term."""
    return price_of(tx, plan_code=plan_code, term_months=MONTHLY_LIST, on=on)


def offered_terms(tx: Tx, *, plan_code: str, on: date) -> list[OfferedTerm]:
    """The terms of a plan that have a price on a day, short to long."""
    newest = {p.term_months: p.price_yen for p in tx.all(PRICES, plan_code=plan_code) if p.valid_from <= on}
    return [OfferedTerm(term, price) for term, price in sorted(newest.items()) if term != MONTHLY_LIST]


def list_prices(tx: Tx, *, plan_code: str) -> list[PriceView]:
    """All prices of a plan, past, present and announced, by term and day."""
    return tx.all(PRICES, plan_code=plan_code)


def set_price(tx: Tx, *, plan_code: str, term_months: int, price_yen: int, valid_from: date) -> PriceView:
    """A price from today or a later day on; past prices are what members were quoted and stay as they were.

    Setting the same day again replaces a price not yet announced to anybody. Errors: DomainError `plan_unknown`,
    `term_out_of_range` (least, most), `price_in_past` (earliest_on), `yen_out_of_range`.
    """
    get_plan(tx, plan_code=plan_code)
    if not MONTHLY_LIST <= term_months <= LONGEST_TERM_MONTHS:
        raise DomainError("term_out_of_range", least=MONTHLY_LIST, most=LONGEST_TERM_MONTHS)
    if valid_from < tx.today:
        raise DomainError("price_in_past", earliest_on=tx.today)
    price = PriceView(plan_code, term_months, checked_yen(price_yen), valid_from)
    tx.run(SET_PRICE, id=tx.ids.new(), **price._asdict())
    return price


def list_wordings(tx: Tx, *, language: str) -> dict[str, str]:
    """The operator's own texts of a language by key."""
    return {row.key: row.text for row in tx.all(WORDINGS, language=language)}


def set_wording(tx: Tx, *, language: str, key: str, text: str) -> None:
    """Put the operator's words in place of the product's. Errors: DomainError `wording_empty`."""
    if not text.strip():
        raise DomainError("wording_empty", key=key)
    tx.run(SET_WORDING, language=language, key=key, text=text, updated_at=tx.now)


def remove_wording(tx: Tx, *, language: str, key: str) -> bool:
    """Back to the product's own words; False when they were in place already."""
    return tx.first(REMOVE_WORDING, language=language, key=key) is not None


def export_profile(tx: Tx, *, profile: Profile) -> Profile:
    """The profile with the catalogue as it now stands: what `profile export` writes back to a file.

    Retired plans and plans without any price are left out. The monthly list price is today's: the file holds only one.
    """
    plans = [_exported(tx, plan, profile) for plan in list_plans(tx)]
    wording = profile.wording.model_copy(
        update={"ja": list_wordings(tx, language="ja"), "en": list_wordings(tx, language="en")}
    )
    return profile.model_copy(
        update={"plans": tuple(plan for plan in plans if plan), "faq": export_faq(tx), "wording": wording}
    )


def _exported(tx: Tx, plan: PlanView, profile: Profile) -> PlanOfFile | None:
    prices = [price for price in list_prices(tx, plan_code=plan.code) if price.term_months != MONTHLY_LIST]
    if not prices:
        return None
    before = next((known for known in profile.plans if known.code == plan.code), None)
    return PlanOfFile(
        code=plan.code,
        kind=plan.kind,  # type: ignore[arg-type]  # checked by the model
        name=PlanName(ja=plan.name_ja, en=plan.name_en),
        monthly_list_yen=monthly_list_price(tx, plan_code=plan.code, on=tx.today) or 0,
        terms=tuple(sorted({price.term_months for price in prices})),
        month_end_offered=before.month_end_offered if before else profile.renewal.month_end_offered,
        trial_offered=before.trial_offered if before else False,
        prices=tuple(PriceOfFile(term_months=p.term_months, yen=p.price_yen, valid_from=p.valid_from) for p in prices),
    )


def month_end_offered(profile: Profile, plan_code: str) -> bool:
    """Whether a renewal of this plan may be filled to the month's end; a plan only the desk knows follows the profile."""
    known = any(plan.code == plan_code for plan in profile.plans)
    return profile.is_month_end_offered(plan_code) if known else profile.renewal.month_end_offered
