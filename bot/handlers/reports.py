"""Payment reports (row P3): in a form, or in one sentence that fills the form."""

import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from bot import forms
from bot.forms import Answers, Form, Given, Step, Wrong
from bot.registry import Context, Reply, Slots, action, intent
from bot.screens import reports as screens
from bot.screens.model import Screen
from bot.understanding import DateProblem, parse_amount, parse_choice_number, read_date
from bot.understanding.typed import is_negative
from core.billing import invoices, reports
from core.billing.invoices import InvoiceView
from core.errors import DomainError
from core.money import MAX_YEN

OLDEST_DAYS = 366
LONGEST_PAYER = 48  # bytes of a bank's field, half-width: as many characters at the most
MOST_INVOICES = 8


def _unpaid(c: Context) -> list[InvoiceView]:
    return invoices.list_unpaid(c.tx, member_id=c.need_member().id)[:MOST_INVOICES]


def _invoice(c: Context, answers: Answers) -> InvoiceView | None:
    wanted = answers.get("invoice")
    if wanted is None:
        return None
    return invoices.get_invoice(c.tx, invoice_id=int(wanted), member_id=c.need_member().id)


def _parse_invoice(c: Context, answers: Answers, given: Given) -> str:
    if given.value is not None:
        return str(given.value)
    text = unicodedata.normalize("NFKC", given.text).strip().upper()
    number = parse_choice_number(given.text)
    for place, invoice in enumerate(_unpaid(c), start=1):
        if text in (invoice.invoice_no, invoice.payment_ref) or place == number:
            return str(invoice.id)
    raise Wrong("report.wrong_invoice")


def _parse_amount(c: Context, answers: Answers, given: Given) -> int:
    amount = int(given.value) if given.value is not None else parse_amount(given.text)
    if is_negative(given.text):
        raise Wrong("report.amount_zero")
    if amount is None:
        raise Wrong("report.wrong_amount")
    return _checked_amount(amount)


def _checked_amount(amount_yen: int) -> int:
    if amount_yen <= 0:
        raise Wrong("report.amount_zero")
    if amount_yen > MAX_YEN:
        raise Wrong("report.amount_too_large")
    return amount_yen


def _parse_date(c: Context, answers: Answers, given: Given) -> str:
    if given.value is not None:
        return _checked_day(c, date.fromisoformat(str(given.value))).isoformat()
    if given.day is not None:
        return _checked_day(c, given.day).isoformat()
    reading = read_date(given.text, today=c.today, past=True)
    if reading.problem is DateProblem.IMPOSSIBLE:
        raise Wrong("report.impossible_date")
    if reading.problem is DateProblem.FUTURE:
        raise Wrong("report.future_date", day=c.today)
    if reading.on is None:
        raise Wrong("report.wrong_date")
    return _checked_day(c, reading.on).isoformat()


def _checked_day(c: Context, day: date) -> date:
    if day > c.today:
        raise Wrong("report.future_date", day=c.today)
    if day < c.today - timedelta(days=OLDEST_DAYS):
        raise Wrong("report.old_date", day=c.today)
    return day


def _parse_payer(c: Context, answers: Answers, given: Given) -> str:
    name = str(given.value) if given.value is not None else unicodedata.normalize("NFKC", given.text).strip()
    if not 1 <= len(name) <= LONGEST_PAYER or not any(ch.isalnum() for ch in name):
        raise Wrong("report.wrong_payer")
    return name


def _steps(c: Context, answers: Answers) -> list[Step]:
    unpaid = _unpaid(c)
    steps = []
    if len(unpaid) > 1 or "invoice" not in answers:
        steps.append(
            Step(
                "invoice",
                lambda c, a: screens.ask_invoice(c.w, unpaid),
                _parse_invoice,
                "report.invoice_label",
                lambda c, a: inv.invoice_no if (inv := _invoice(c, a)) else "",
            )
        )
    steps += [
        Step(
            "amount",
            lambda c, a: screens.ask_amount(c.w, _invoice(c, a)),
            _parse_amount,
            "report.amount_label",
            lambda c, a: c.w.yen(int(a["amount"])),
        ),
        Step(
            "date",
            lambda c, a: screens.ask_date(c.w, c.today, OLDEST_DAYS),
            _parse_date,
            "report.date_label",
            lambda c, a: c.w.date(date.fromisoformat(a["date"])),
        ),
        Step(
            "payer",
            lambda c, a: screens.ask_payer(c.w, c.need_member()),
            _parse_payer,
            "report.payer_label",
            lambda c, a: str(a["payer"]),
        ),
    ]
    return steps


def _rows(c: Context, answers: Answers) -> list[tuple[str, str]]:
    invoice = _invoice(c, answers)
    rows = [(c.w("report.invoice_label"), invoice.invoice_no)] if invoice else []
    return rows + [
        (c.w(s.label), s.show(c, answers)) for s in _steps(c, answers) if s.key != "invoice" and s.key in answers
    ]


def _confirm(c: Context, answers: Answers) -> Screen:
    return screens.confirm(c.w, _rows(c, answers), _invoice(c, answers), int(answers["amount"]))


def _file(c: Context, answers: Answers) -> tuple[Reply, str, dict[str, Any]]:
    invoice = _invoice(c, answers)
    report = reports.file_report(
        c.tx,
        member_id=c.need_member().id,
        chat_id=c.chat.id,
        invoice_id=invoice.id if invoice else None,
        amount_yen=int(answers["amount"]),
        paid_on=date.fromisoformat(answers["date"]),
        payer_name=answers["payer"],
        method="bank_transfer",
        note="",
    )
    return show_filed(c, {"report": report.id}), "report.show", {"report": report.id}


forms.register(
    Form(
        name="report",
        intent="report_payment",
        version=1,
        title="report.title",
        steps=_steps,
        confirm=_confirm,
        commit=_file,
        submit_label="report.submit",
    )
)


@action("report.show")
def show_filed(c: Context, slots: Slots) -> Reply:
    """What was reported, and what happens next."""
    report = reports.get_report(c.tx, report_id=int(slots["report"]), member_id=c.need_member().id)
    return screens.filed(c.w, c.profile, report)


def _start(c: Context, answers: Answers) -> Reply:
    unpaid = _unpaid(c)
    if not unpaid:
        return screens.nothing_to_report(c.w)
    if len(unpaid) == 1:
        answers = {"invoice": str(unpaid[0].id), **answers}
    elif "amount" in answers and "invoice" not in answers:
        equal = [invoice for invoice in unpaid if invoice.open_yen == answers["amount"]]
        if len(equal) == 1:
            answers = {"invoice": str(equal[0].id), **answers}
    return forms.begin(c, "report", answers)


@action("report.start")
def start(c: Context, slots: Slots) -> Reply:
    """From an invoice's own button."""
    invoice = invoices.get_invoice(c.tx, invoice_id=int(slots["invoice"]), member_id=c.need_member().id)
    return _start(c, {"invoice": str(invoice.id)} if invoice.status == "open" else {})


@intent("report_payment")
def report_payment(c: Context, slots: Slots) -> Reply:
    """In one sentence: what it says is filled in, what is missing is asked, and all is confirmed before it is sent."""
    return _start(c, _from_sentence(c, slots))


def _from_sentence(c: Context, slots: Mapping[str, Any]) -> Answers:
    answers: Answers = {}
    number = slots.get("invoice_number")
    if isinstance(number, str):
        found = invoices.find_invoice_by_no(c.tx, invoice_no=number, member_id=c.need_member().id)
        if found is None:
            raise DomainError("invoice_not_found", invoice_no=number)
        if found.status == "open":
            answers["invoice"] = str(found.id)
    if isinstance(slots.get("amount"), int):
        answers |= _kept("amount", lambda: _checked_amount(int(slots["amount"])))
    if isinstance(slots.get("transfer_date"), str):
        day = date.fromisoformat(slots["transfer_date"])
        answers |= _kept("date", lambda: _checked_day(c, day).isoformat())
    if isinstance(slots.get("payer_name"), str):
        answers |= _kept("payer", lambda: _parse_payer(c, {}, Given(text=slots["payer_name"])))
    return answers


def _kept(key: str, value: Any) -> Answers:
    """What a sentence says counts only when the form would take it too; else it is asked."""
    try:
        return {key: value()}
    except Wrong:
        return {}
