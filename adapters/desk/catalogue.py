"""The catalogue: plans with their prices from a day on, and the bot's words in the operator's own."""

from dataclasses import dataclass
from string import Formatter

from starlette.responses import Response

from adapters.desk.guards import Refused
from adapters.desk.reading import field_day, field_yen, query_number, query_text, with_query
from adapters.desk.texts import LANGUAGES
from adapters.desk.visits import Visit
from bot.wording import texts
from core.counter import catalogue
from core.db import Tx
from core.errors import DomainError
from core.members.roles import require
from core.profiles.catalogue import MONTHLY_LIST, PlanView, PriceView, list_plans, list_prices, list_wordings

PAGE_ROWS = 50


@dataclass(frozen=True, slots=True)
class PlanPrices:
    """A plan with all its prices; `current` are the newest ones valid today."""

    plan: PlanView
    prices: list[PriceView]
    current: frozenset[PriceView]


async def show_plans(visit: Visit) -> Response:
    """Plans and prices: past, present and announced."""
    plans = await visit.read(lambda tx: _plans(tx, visit))
    return visit.show(
        "catalogue.html",
        plans=plans,
        terms=visit.desk.profile.renewal.terms,
        monthly=MONTHLY_LIST,
        gross=visit.desk.profile.price_includes_tax,
    )


def _plans(tx: Tx, visit: Visit) -> list[PlanPrices]:
    require(visit.staff, "view")
    found = []
    for plan in list_plans(tx, with_retired=True):
        prices = list_prices(tx, plan_code=plan.code)
        newest = {price.term_months: price for price in prices if price.valid_from <= tx.today}
        found.append(PlanPrices(plan, prices, frozenset(newest.values())))
    return found


async def set_price(visit: Visit) -> Response:
    """A price from a day on; the same again changes nothing."""
    form = visit.need_form()
    term = form.text("term", limit=4)
    if not term.isascii() or not term.isdecimal():
        raise Refused(400, "bad_form")
    price_yen, valid_from = field_yen(form, "price"), field_day(form, "valid_from")
    plan_code = form.text("plan", limit=40)
    await visit.write(
        lambda tx: catalogue.add_price(
            tx,
            staff=visit.staff,
            plan_code=plan_code,
            term_months=int(term),
            price_yen=price_yen,
            valid_from=valid_from,
        ),
        name="set_price",
    )
    return visit.go("/desk/catalogue", done="price_added")


@dataclass(frozen=True, slots=True)
class WordingRow:
    """One text of the bot: the product's and the operator's own."""

    key: str
    default: str
    own: str | None


async def show_wordings(visit: Visit) -> Response:
    """All texts of a language, searched in key and words; changed ones can be shown alone."""
    language = query_text(visit, "language", limit=2)
    language = language if language in LANGUAGES else LANGUAGES[0]
    query, only = query_text(visit, "q", limit=100), query_text(visit, "only", limit=5)
    page = query_number(visit, "page") or 1

    def look(tx: Tx) -> dict[str, str]:
        require(visit.staff, "view")
        return list_wordings(tx, language=language)

    own = await visit.read(look)
    rows = [WordingRow(key, text, own.get(key)) for key, text in sorted(texts(language).items())]
    words = query.casefold()
    rows = [
        row
        for row in rows
        if words in f"{row.key}\n{row.default}\n{row.own or ''}".casefold() and (not only or row.own is not None)
    ]
    start = (max(page, 1) - 1) * PAGE_ROWS
    return visit.show(
        "wordings.html",
        rows=rows[start : start + PAGE_ROWS],
        count=len(rows),
        given={"language": language, "q": query, "only": only},
        older=with_query(visit, page=page + 1) if len(rows) > start + PAGE_ROWS else "",
        newer=with_query(visit, page=page - 1) if page > 1 else "",
    )


async def set_wording(visit: Visit) -> Response:
    """The operator's own words for a key, or (with the other button) the product's again."""
    form = visit.need_form()
    language, key, text = form.text("language", limit=2), form.text("key", limit=80), form.text("text", limit=4_000)
    if language not in LANGUAGES or key not in texts(language):
        raise DomainError("wording_unknown", key=key)
    back = form.text("back", limit=300)
    address = back if back.startswith("/desk/catalogue/wordings") else "/desk/catalogue/wordings"
    if form.text("reset"):
        await visit.write(
            lambda tx: catalogue.remove_wording(tx, staff=visit.staff, language=language, key=key), name="reset_wording"
        )
        return visit.go(address, done="wording_reset")
    _check_places(text, texts(language)[key])
    await visit.write(
        lambda tx: catalogue.set_wording(tx, staff=visit.staff, language=language, key=key, text=text),
        name="set_wording",
    )
    return visit.go(address, done="wording_set")


def _check_places(text: str, default: str) -> None:
    """The operator's words may leave a value out, never ask for one that is not there: the bot could not say it."""
    try:
        wanted = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise DomainError("wording_braces") from error
    known = {name for _, name, _, _ in Formatter().parse(default) if name is not None}
    if extra := sorted(wanted - known):
        raise DomainError(
            "wording_place", place=extra[0], known=", ".join(f"{{{name}}}" for name in sorted(known)) or "–"
        )
