"""Payment reports."""

from collections.abc import Sequence
from datetime import date, timedelta

from bot.screens.invoices import local
from bot.screens.model import Button, Card, DatePick, Screen, answer
from bot.screens.talk import intent_button, menu_button
from bot.wording import Wording
from core.billing.invoices import InvoiceView
from core.billing.reports import ReportView
from core.members.service import MemberView
from core.profiles.model import Profile


def ask_invoice(w: Wording, unpaid: Sequence[InvoiceView]) -> Screen:
    """Which one?"""
    rows = [(answer(w("report.invoice_choice", invoice_no=i.invoice_no, total=i.open_yen), str(i.id)),) for i in unpaid]
    return Screen(w("report.ask_invoice"), buttons=tuple(rows))


def ask_amount(w: Wording, invoice: InvoiceView | None) -> Screen:
    """How much? The amount billed is one press."""
    rows = (
        ((answer(w("report.amount_same", total=invoice.open_yen), invoice.open_yen, primary=True),),) if invoice else ()
    )
    return Screen(w("report.ask_amount"), buttons=rows)


def ask_date(w: Wording, today: date, oldest_days: int) -> Screen:
    """When? Today and yesterday are one press, other days by picker or in words."""
    yesterday = today - timedelta(days=1)
    rows = (
        (answer(w("report.date_today", day=today), today.isoformat()),),
        (answer(w("report.date_yesterday", day=yesterday), yesterday.isoformat()),),
    )
    pick = DatePick(
        w("report.date_label"),
        Button(w("report.date_pick"), "form.answer"),
        earliest=today - timedelta(days=oldest_days),
        latest=today,
        value=today,
    )
    return Screen(w("report.ask_date"), buttons=rows, date=pick)


def ask_payer(w: Wording, member: MemberView) -> Screen:
    """Under which name? The registered one is one press."""
    name = member.name_kana or member.name
    return Screen(w("report.ask_payer"), buttons=((answer(w("report.payer_self", name=name), name, primary=True),),))


def confirm(w: Wording, rows: Sequence[tuple[str, str]], invoice: InvoiceView | None, amount_yen: int) -> Screen:
    """All at a glance; an amount that differs from the bill is pointed out, not refused."""
    note = ""
    if invoice is not None and invoice.open_yen != amount_yen:
        note = w("report.differs", total=invoice.open_yen)
    card = Card(w("report.filed_card"), tuple(rows), tone="warn" if note else "plain", note=note)
    return Screen(w("report.confirm"), cards=(card,))


def filed(w: Wording, profile: Profile, report: ReportView) -> Screen:
    """Received; what happens next and how long it takes."""
    rows = [
        (w("report.amount_label"), w.yen(report.amount_yen)),
        (w("report.date_label"), w.date(report.paid_on)),
        (w("report.payer_label"), report.payer_name),
    ]
    if report.invoice_no:
        rows.insert(0, (w("report.invoice_label"), report.invoice_no))
    text = w("report.filed", confirmation=local(w, profile.method(report.method).confirmation_time))
    return Screen(text, cards=(Card(w("report.filed_card"), tuple(rows), tone="good"),), buttons=(menu_button(w),))


def nothing_to_report(w: Wording) -> Screen:
    """No unpaid invoice: a person looks into it."""
    rows = ((intent_button(w, "talk_to_human", primary=True),), (intent_button(w, "check_expiry"),), menu_button(w))
    return Screen(w("report.no_invoice"), buttons=rows)
