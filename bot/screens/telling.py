"""What the counter tells by itself, as screens and as mails (subject, text)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot.screens.invoices import account_kind, local
from bot.screens.model import Button, Card, Screen
from bot.screens.paying import Paying
from bot.screens.talk import intent_button, menu_button
from bot.wording import Wording
from core.billing.invoices import InvoiceView
from core.billing.terms import BANK_TRANSFER
from core.contracts.renewals import RenewalView
from core.members.service import MemberView
from core.profiles.model import Profile
from core.reminders.bundles import BundleItem, BundleView

Contact = Mapping[str, str]


def plain(w: Wording, key: str, **values: Any) -> Screen:
    """One paragraph and the way on."""
    return Screen(w(key, **values), buttons=(menu_button(w),), fresh=True)


def asked(w: Wording, words: str) -> Screen:
    """Staff ask back: the next words are for them, and there is a way out."""
    return Screen(
        w("tell.asked", words=words),
        buttons=((Button(w("ticket.human_end"), "ticket.leave", style="quiet"),),),
        fresh=True,
    )


def code_mail(w: Wording, contact: Contact, code: str, minutes: int) -> tuple[str, str]:
    """The 確認ID. The subject does not hold it: subjects show on locked screens."""
    subject = w("link.mail_subject", operator=contact["operator"])
    return subject, w("link.mail_text", code=code, minutes=minutes, **contact)


def other_chat_linked(w: Wording, channel: str) -> Screen:
    """A second chat was linked to the same membership."""
    names = {"telegram": "Telegram", "webchat": "Web", "line": "LINE"}
    return Screen(
        w("link.other_chat_linked", channel=names.get(channel, channel)),
        buttons=((intent_button(w, "talk_to_human"),), menu_button(w)),
        fresh=True,
    )


def invoice_mail(
    w: Wording,
    profile: Profile,
    contact: Contact,
    invoice: InvoiceView,
    member: MemberView,
    paying: Paying = Paying(),  # noqa: B008 - frozen
) -> tuple[str, str]:
    """Rows R7 and P2: lines, tax, total, where to send it or our payment link, by when, with which number."""
    lines = "\n".join(
        w("invoice.mail_line", description=line.description, amount=line.amount_yen) for line in invoice.lines
    )
    credit = ""
    if invoice.open_yen != invoice.total_yen:
        credit = w("invoice.mail_open", used=invoice.total_yen - invoice.open_yen, open=invoice.open_yen)
    bank = "\n".join(
        w(
            "invoice.mail_bank",
            n=len(profile.payment.bank_accounts),
            bank=local(w, account.bank),
            branch=local(w, account.branch),
            kind=account_kind(w, account.kind),
            number=account.number,
            holder=account.holder_kana,
        )
        for account in profile.payment.bank_accounts
    )
    subject = w("invoice.mail_subject", operator=contact["operator"], invoice_no=invoice.invoice_no, due=invoice.due_on)
    by_transfer = invoice.method == BANK_TRANSFER
    method = profile.method(invoice.method)
    text = w(
        "invoice.mail_text" if by_transfer else "pay.mail_text",
        name=member.name,
        kana=member.name_kana or member.name,
        invoice_no=invoice.invoice_no,
        lines=lines,
        net=invoice.net_yen,
        tax=invoice.tax_yen,
        rate=invoice.tax_rate,
        total=invoice.total_yen,
        credit=credit,
        due=invoice.due_on,
        ref=invoice.payment_ref,
        bank=bank + (_pay_line(w, paying) if by_transfer else ""),
        method=local(w, method.name),
        pay_url=paying.url or contact["url"],
        confirmation=local(w, method.confirmation_time),
        **contact,
    )
    return subject, text


def _pay_line(w: Wording, paying: Paying) -> str:
    if not paying.url:
        return ""
    codes = [method.code for method in paying.methods]
    return w(f"pay.mail_link_{codes[0]}" if len(codes) == 1 else "pay.mail_link", pay_url=paying.url)


def renewed(w: Wording, done: Sequence[RenewalView], *, online: bool = False) -> Screen:
    """Paid and extended: the new expiry of each contract. `online`: by card or in a store, where nothing was transferred."""
    cards = tuple(
        Card(
            renewal.label,
            (
                (w("tell.renewed_row_old"), w.date(renewal.old_expires_on)),
                (w("tell.renewed_row_new"), w.date(renewal.new_expires_on)),
            ),
            tone="good",
        )
        for renewal in done
    )
    rows = ((intent_button(w, "check_expiry"),), menu_button(w))
    words = w("tell.renewed_online" if online else "tell.renewed")
    return Screen(words, cards=cards, buttons=rows, fresh=True)


def renewed_mail(
    w: Wording,
    contact: Contact,
    member: MemberView,
    invoice: InvoiceView,
    done: Sequence[RenewalView],
    *,
    online: bool = False,
) -> tuple[str, str]:
    """The same on paper."""
    lines = "\n".join(w("tell.renewed_mail_line", label=r.label, day=r.new_expires_on) for r in done)
    subject = w("tell.renewed_mail_subject", operator=contact["operator"], invoice_no=invoice.invoice_no)
    text = w(
        "tell.renewed_mail_text",
        name=member.name,
        paid=w("tell.renewed_mail_paid_online" if online else "tell.renewed_mail_paid"),
        invoice_no=invoice.invoice_no,
        total=invoice.total_yen,
        lines=lines,
        **contact,
    )
    return subject, text


def _left(w: Wording, days: int) -> str:
    if days == 0:
        return w("remind.left_today")
    return w("remind.left", n=days) if days > 0 else w("remind.left_over", n=-days)


def _intro(w: Wording, profile: Profile, bundle: BundleView) -> str:
    nearest = min(bundle.items, key=lambda item: item.days_left)
    until = nearest.expires_on + timedelta(days=profile.renewal.window_days_after_expiry)
    if nearest.days_left > 0:
        return w("remind.before")
    return w("remind.today") if nearest.days_left == 0 else w("remind.after", until=until)


def _is_mixed(items: Sequence[BundleItem]) -> bool:
    """Contracts in different states: then each says its own sentence, else nobody knows which is meant."""
    return len({item.wording_state for item in items}) > 1


def _what(w: Wording, items: Sequence[BundleItem]) -> str:
    """The state decides the words: thanks, not urging, while a report is being checked."""
    states = list(dict.fromkeys(item.wording_state for item in items))
    return "\n".join(w(f"remind.{state}") for state in states)


def reminder(w: Wording, profile: Profile, operator: str, bundle: BundleView) -> Screen:
    """Row R2. The first line names no plan or amount unless the profile says so: phones show it locked."""
    mixed = _is_mixed(bundle.items)
    first = w("remind.first_line", operator=operator)
    if profile.reminders.show_details_in_first_line and len(bundle.items) == 1:
        item = bundle.items[0]
        first = w("remind.first_line_details", label=item.label, day=item.expires_on)
    cards = tuple(
        Card(
            item.label,
            (
                (w("remind.row_expiry"), w.date(item.expires_on)),
                (w("remind.row_left"), _left(w, item.days_left)),
            ),
            badge=item.plan_name_ja if w.language == "ja" else item.plan_name_en,
            note=w(f"remind.{item.wording_state}") if mixed else "",
            tone="bad" if item.days_left < 0 else "warn",
        )
        for item in bundle.items
    )
    rows: list[tuple[Button, ...]] = []
    states = {item.wording_state for item in bundle.items}
    if states & {"nothing_done", "payment_failed"}:
        rows.append((Button(w("remind.button_renew"), "intent.renew", style="primary"),))
    for item in bundle.items:
        if item.wording_state == "invoice_open" and item.invoice_id is not None:
            rows.append(
                (Button(w("remind.button_bank"), "invoice.bank", {"invoice": item.invoice_id}, style="primary"),)
            )
            break
    rows.append((Button(w("remind.button_settings"), "intent.reminder_settings", style="quiet"), *menu_button(w)))
    text = "\n".join((first, _intro(w, profile, bundle), *([] if mixed else [_what(w, bundle.items)])))
    return Screen(text, cards=cards, buttons=tuple(rows), kind="reminder", fresh=True)


def reminder_mail(
    w: Wording, profile: Profile, contact: Contact, member: MemberView, bundle: BundleView
) -> tuple[str, str]:
    """The same on paper, with what the chat's cards show."""
    lines = "\n".join(
        w(
            "remind.mail_line",
            label=item.label,
            plan=item.plan_name_ja if w.language == "ja" else item.plan_name_en,
            day=item.expires_on,
            left=_left(w, item.days_left),
        )
        + (f"\n  {w(f'remind.{item.wording_state}')}" if _is_mixed(bundle.items) else "")
        for item in bundle.items
    )
    text = w(
        "remind.mail_text",
        name=member.name,
        intro=_intro(w, profile, bundle),
        lines=lines,
        what="" if _is_mixed(bundle.items) else f"{_what(w, bundle.items)}\n\n",
        **contact,
    )
    return w("remind.mail_subject", operator=contact["operator"]), text
