"""Expiry (C1) and renewal (C2, C3, R1, R4, R5, C10)."""

from typing import Any

from bot import forms
from bot.forms import Answers, Form, Given, Step, Wrong
from bot.paying import how_to_pay
from bot.registry import Context, Reply, Slots, action, intent
from bot.screens import contracts as screens
from bot.screens.invoices import local
from bot.screens.model import Screen
from bot.screens.paying import online
from bot.understanding.slots import find_methods
from bot.understanding.typed import read_choices
from core.billing import invoices
from core.billing.terms import BANK_TRANSFER, totals_of
from core.contracts import renewals, service
from core.contracts.quotes import RenewalItem, RenewalOrderQuote, quote_renewals
from core.contracts.service import ContractView
from core.errors import DomainError
from core.profiles import catalogue

TERM = "term:"


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value] if value else []
    return [str(item) for item in values]


def _find(c: Context, target: str, kind: str) -> list[ContractView]:
    return service.list_contracts(
        c.tx, profile=c.profile, member_id=c.need_member().id, query=target, kind=kind or None
    )


@intent("check_expiry")
@action("contract.list")
def check_expiry(c: Context, slots: Slots) -> Reply:
    """Row C1: all contracts by urgency, or those that the sentence names."""
    targets = _texts(slots.get("target"))
    kind = str(slots.get("kind") or "")
    page = int(slots.get("page") or 0)
    found = {contract.id: contract for target in targets or [""] for contract in _find(c, target, kind)}
    return screens.contract_list(c.w, list(found.values()), page=page, target=targets[0] if targets else "", kind=kind)


def _renewable(c: Context) -> list[ContractView]:
    return [contract for contract in _find(c, "", "") if contract.renewable]


def _chosen(c: Context, answers: Answers) -> list[ContractView]:
    ids = [int(item) for item in answers.get("contracts", ())]
    owned = {contract.id: contract for contract in _find(c, "", "")}
    return [owned[contract_id] for contract_id in ids if contract_id in owned]


def _parse_contracts(c: Context, answers: Answers, given: Given) -> list[str]:
    known = {str(contract.id): contract for contract in _renewable(c)}
    if given.chosen is not None:
        chosen = [key for key in known if key in given.chosen]  # as they were listed, not as they were ticked
    else:
        chosen = read_choices(given.text, {key: contract.label for key, contract in known.items()})
    if not chosen:
        raise Wrong("renew.wrong_contracts")
    return chosen


def _terms(c: Context, contract: ContractView) -> list[catalogue.OfferedTerm]:
    return catalogue.offered_terms(c.tx, plan_code=contract.plan_code, on=c.today)


def _priced(c: Context, contract: ContractView) -> list[tuple[int, int]]:
    return [(t.term_months, totals_of(c.profile, [t.price_yen]).total_yen) for t in _terms(c, contract)]


def _parse_term(c: Context, contract: ContractView, given: Given) -> int:
    offered = {term.term_months for term in _terms(c, contract)}
    term = int(given.value) if given.value is not None else _months_in(c, given.text)
    if term not in offered:
        raise Wrong("renew.wrong_term")
    return term


def _months_in(c: Context, text: str) -> int:
    """A term in words ("1年", "半年", "12 months"), by the same reading as whole sentences."""
    found = forms.read_slots(c, text, expecting="renew").get("term_months")
    return found if isinstance(found, int) else 0


def _parse_month_end(c: Context, answers: Answers, given: Given) -> bool:
    if given.value is not None:
        return bool(given.value)
    meaning = forms.read_yes_no(c, given.text)
    if meaning is None:
        raise Wrong("renew.wrong_month_end")
    return meaning


def _parse_method(c: Context, answers: Answers, given: Given) -> str:
    said = _method_named(find_methods(given.text))
    for method in c.bot.methods():
        if method.code in (given.value, said) or given.text.strip() in (method.name.ja, method.name.en):
            return method.code
    raise Wrong("renew.wrong_method")


def _method_named(said: Any) -> str:
    """The profile's code of the one method that a sentence names, else nothing."""
    named = _texts(said)
    if len(named) != 1:
        return ""
    return "konbini" if named[0] == "convenience_store" else named[0]


def _term_step(contract: ContractView) -> Step:
    key = f"{TERM}{contract.id}"
    return Step(
        key,
        lambda c, a: screens.ask_term(c.w, contract, _priced(c, contract)),
        lambda c, a, given: _parse_term(c, contract, given),
        "renew.row_term",
        lambda c, a: screens.show_term(c.w, int(a[key])),
        about=contract.label,
    )


def _steps(c: Context, answers: Answers) -> list[Step]:
    renewable = _renewable(c)
    steps = []
    if len(renewable) > 1 or "contracts" not in answers:
        steps.append(
            Step(
                "contracts",
                lambda c, a: screens.ask_contracts(c.w, renewable, a.get("contracts", ())),
                _parse_contracts,
                "renew.contracts_label",
                lambda c, a: c.w.join(contract.label for contract in _chosen(c, a)),
            )
        )
    chosen = _chosen(c, answers)
    steps += [_term_step(contract) for contract in chosen]
    if any(catalogue.month_end_offered(c.profile, contract.plan_code) for contract in chosen):
        steps.append(
            Step(
                "month_end",
                lambda c, a: screens.ask_month_end(c.w),
                _parse_month_end,
                "renew.month_end_label",
                lambda c, a: c.w("renew.month_end_yes" if a["month_end"] else "renew.month_end_no"),
            )
        )
    if len(c.bot.methods()) > 1:
        steps.append(
            Step(
                "method",
                lambda c, a: screens.ask_method(c.w, c.profile, c.bot.methods()),
                _parse_method,
                "renew.method_label",
                lambda c, a: local(c.w, c.profile.method(str(a["method"])).name),
            )
        )
    return steps


def _items(c: Context, answers: Answers) -> list[RenewalItem]:
    return [
        RenewalItem(
            contract.id,
            int(answers[f"{TERM}{contract.id}"]),
            bool(answers.get("month_end")) and catalogue.month_end_offered(c.profile, contract.plan_code),
        )
        for contract in _chosen(c, answers)
    ]


def _method(c: Context, answers: Answers) -> str:
    methods = c.bot.methods()
    if not methods:
        raise DomainError("method_not_offered", method="")
    return str(answers.get("method") or methods[0].code)


def _quote(c: Context, answers: Answers) -> RenewalOrderQuote:
    return quote_renewals(
        c.tx,
        profile=c.profile,
        member_id=c.need_member().id,
        items=_items(c, answers),
        method=_method(c, answers),
    )


def _confirm(c: Context, answers: Answers) -> Screen:
    return screens.confirm(c.w, c.profile, _quote(c, answers), c.profile.method(_method(c, answers)))


def _promised(c: Context, answers: Answers) -> dict[str, Any]:
    """Price and new expiry dates as the summary shows them."""
    quote = _quote(c, answers)
    return {
        "total_yen": quote.total_yen,
        "credit_yen": quote.credit_yen,
        "until": [item.quote.new_expires_on.isoformat() for item in quote.renewals],
    }


def _order(c: Context, answers: Answers) -> tuple[Reply, str, dict[str, Any]]:
    shown = _confirm(c, answers)
    invoice = renewals.request_renewals(
        c.tx,
        profile=c.profile,
        member_id=c.need_member().id,
        items=_items(c, answers),
        method=_method(c, answers),
        chat_id=c.chat.id,
        language=c.language,
        expected_total_yen=answers.get(forms.PINNED, {}).get("total_yen"),
        shown={"text": shown.text, "cards": [[card.title, [list(row) for row in card.rows]] for card in shown.cards]},
    )
    again = {"invoice": invoice.id}
    return show_order(c, again), "renew.show", again


forms.register(
    Form(
        name="renew",
        intent="renew",
        version=1,
        title="renew.title",
        steps=_steps,
        confirm=_confirm,
        commit=_order,
        submit_label="renew.submit",
        pins=_promised,
    )
)


@action("renew.show")
def show_order(c: Context, slots: Slots) -> Reply:
    """The order as received; a second press of "order" comes here again."""
    member = c.need_member()
    invoice = invoices.get_invoice(c.tx, invoice_id=int(slots["invoice"]), member_id=member.id)
    if invoice.status != "open":
        return screens.contract_list(c.w, _find(c, "", ""), page=0, target="", kind="")
    mailed = bool(member.email)
    paying = how_to_pay(c.tx, c.bot, invoice)
    if invoice.method != BANK_TRANSFER:
        return online(c.w, c.profile, invoice, paying, lead=screens.received(c.w, invoice, mailed=mailed))
    return screens.done(c.w, c.profile, invoice, member.name_kana or member.name, mailed=mailed, paying=paying)


@intent("renew")
def renew(c: Context, slots: Slots) -> Reply:
    """Row C2: what the sentence names is ticked and its term set; what is missing is asked."""
    renewable = _renewable(c)
    if not renewable:
        return screens.nothing_to_renew(c.w, waiting=any(contract.open_renewal for contract in _find(c, "", "")))
    targets = [service.label_key(target) for target in _texts(slots.get("target"))]
    kind = slots.get("kind")
    named = [x for x in renewable if service.label_key(x.label) in targets] if targets else []
    if targets and not named:
        waiting = [x for x in _find(c, "", "") if service.label_key(x.label) in targets and x.open_renewal]
        if waiting and waiting[0].open_renewal is not None:
            raise DomainError("renewal_open", invoice_no=waiting[0].open_renewal.invoice_no)
        return screens.contract_list(c.w, [], page=0, target=_texts(slots.get("target"))[0], kind="")
    if not named and kind:
        named = [contract for contract in renewable if contract.kind == kind]
    chosen = named or (renewable if len(renewable) == 1 else [])
    return _begin(c, chosen, slots.get("term_months"), _method_named(find_methods(c.inbound.text)))


def _begin(c: Context, chosen: list[ContractView], term: Any, method: str = "") -> Reply:
    answers: Answers = {"contracts": [str(contract.id) for contract in chosen]} if chosen else {}
    offered = [each.code for each in c.bot.methods()]
    if len(offered) > 1 and method in offered:
        answers["method"] = method
    if isinstance(term, int):
        for contract in chosen:
            if term in {each.term_months for each in _terms(c, contract)}:
                answers[f"{TERM}{contract.id}"] = term
    return forms.begin(c, "renew", answers)


@action("renew.start")
def start(c: Context, slots: Slots) -> Reply:
    """From a contract's own button, however old: what cannot be renewed any more says so."""
    contract = service.get_contract(
        c.tx, profile=c.profile, contract_id=int(slots["contract"]), member_id=c.need_member().id
    )
    if contract.open_renewal is not None:
        raise DomainError("renewal_open", invoice_no=contract.open_renewal.invoice_no)
    if not contract.renewable:
        return screens.contract_list(c.w, [contract], page=0, target="", kind="")
    return _begin(c, [contract], None)
