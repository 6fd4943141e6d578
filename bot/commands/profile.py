"""`madoguchi profile list|show|check`: the operator's rules, read before they are used."""

import sys

import click
import orjson
from rich.console import Console
from rich.table import Table

from bot.wording import LANGUAGES, texts
from core.money import format_yen
from core.profiles.booking import Bookings, RequestDeadline
from core.profiles.files import ProfileError, check_profile, list_profiles, load_profile
from core.profiles.model import Profile


@click.group()
def profile() -> None:
    """プロファイル（運営会社の決まり）を見る・確かめる / Look at and check the operator's rules."""


@profile.command("list")
@click.option("--json", "as_json", is_flag=True, help="機械で読む形で出す / for programs")
def list_command(as_json: bool) -> None:
    """用意されているプロファイルの一覧 / The shipped profiles."""
    shipped = list_profiles()
    if as_json:
        _echo_json([{"name": info.name, "title": info.title.model_dump(), "file": str(info.file)} for info in shipped])
        return
    for info in shipped:
        click.echo(f"{info.name}  {info.title.ja} / {info.title.en}")


@profile.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="機械で読む形で出す / for programs")
def show_command(name: str, as_json: bool) -> None:
    """NAME（名前またはファイル）の内容 / What a profile says; NAME is a shipped name or a file."""
    try:
        shown = load_profile(name)
    except ProfileError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    if as_json:
        _echo_json(shown.model_dump(mode="json", exclude=None if shown.plans else {"renewal", "reminders", "trial"}))
        return
    console = Console(file=sys.stdout, highlight=False, markup=False)
    tables = [_rules_table(shown), _methods_table(shown)]
    if shown.plans:
        tables.append(_plans_table(shown))
    if shown.bookings is not None:
        tables += [_facilities_table(shown.bookings), _categories_table(shown.bookings)]
    for table in tables:
        for column in table.columns:
            column.overflow = "fold"  # rich's default cuts long words off with "…"
        console.print(table)


@profile.command("check")
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="機械で読む形で出す / for programs")
def check_command(file: str, as_json: bool) -> None:
    """FILE の誤りを行番号と理由つきで示す / Name file, line and reason of whatever is wrong."""
    problems = check_profile(file, {language: texts(language) for language in LANGUAGES})
    errors = [problem for problem in problems if problem.severity == "error"]
    if as_json:
        _echo_json([problem._asdict() for problem in problems])
        sys.exit(1 if errors else 0)
    for problem in problems:
        click.echo(str(problem), err=True)
    if errors:
        click.echo(f"直すところが{len(errors)}件あります / {len(errors)} to mend", err=True)
        sys.exit(1)
    checked = load_profile(file)
    click.echo(
        f"問題ありません: {checked.name}（{checked.title.ja}、{_sold_ja(checked)}、"
        f"支払方法{len(checked.payment.methods)}件） / OK: {checked.title.en}, {_sold_en(checked)}"
    )


def _sold_ja(profile: Profile) -> str:
    parts = [f"プラン{len(profile.plans)}件"] if profile.plans else []
    return "、".join([*parts, f"施設{len(profile.bookings.facilities)}件"] if profile.bookings else parts)


def _sold_en(profile: Profile) -> str:
    parts = [f"{len(profile.plans)} plans"] if profile.plans else []
    return ", ".join([*parts, f"{len(profile.bookings.facilities)} facilities"] if profile.bookings else parts)


def _echo_json(value: object) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def _rules_table(shown: Profile) -> Table:
    table = Table("決まり / rule", "内容 / value", title=f"{shown.title.ja} / {shown.title.en} ({shown.name})")
    operator, payment = shown.operator, shown.payment
    tax = "税込 / incl. tax" if shown.price_includes_tax else "税抜 / excl. tax"
    rows = {
        "運営会社 / operator": f"{operator.name.ja} ({operator.registration_number})",
        "電話 / phone": f"{operator.phone} {operator.hours.ja}",
        "価格 / prices": f"{tax} {shown.tax_rate_percent}% ({shown.tax_rounding})",
        **(_renewal_rules(shown) if shown.plans else {}),
        "支払期限 / deadline": f"{payment.deadline_days}日 / days ({payment.deadline_bank_holiday})",
        "失効 / lapse": f"{payment.confirmation}、期限後{payment.lapse_after_bank_days}銀行営業日 / bank days",
        "回答の目安 / answers": f"{shown.support.first_answer.text('ja')} / {shown.support.first_answer.text('en')}",
    }
    for account in payment.bank_accounts:
        rows[f"振込先 / account {account.bank_code}-{account.branch_code}"] = (
            f"{account.bank.ja} {account.branch.ja} {account.kind} {account.number} {account.holder_kana}"
        )
    for rule, value in rows.items():
        table.add_row(rule, value)
    return table


def _renewal_rules(shown: Profile) -> dict[str, str]:
    renewal, reminders = shown.renewal, shown.reminders
    return {
        "契約期間（月） / terms": _joined(renewal.terms),
        "更新できるまで / window": f"期限後{renewal.window_days_after_expiry}日（猶予{renewal.grace_days}日）",
        "月末にそろえる / month end": _yes_no(renewal.month_end_offered),
        "案内の日 / reminders": f"{_joined(reminders.milestones)}（希望者 / on request: {_joined(reminders.on_request)}）",
        "送信 / sending": (
            f"{reminders.send_at:%H:%M}（{reminders.quiet_from:%H:%M}〜{reminders.quiet_until:%H:%M}は送らない / quiet）"
        ),
        "お試し / trial": f"{shown.trial.days}日 / days" if shown.trial else "なし / none",
    }


def _facilities_table(bookings: Bookings) -> Table:
    table = Table("施設 / facility", "English", "一組だけ / exclusive")
    for facility in bookings.facilities:
        table.add_row(f"{facility.name.ja} ({facility.code})", facility.name.en, _yes_no(facility.exclusive))
    return table


def _categories_table(bookings: Bookings) -> Table:
    table = Table("区分 / category", "変更できる項目 / change", "変更 / until", "キャンセル / until")
    for category in bookings.categories:
        table.add_row(
            f"{category.name.ja} ({category.code})",
            "、".join(field.name.ja for field in category.change_fields),
            _until(bookings.deadline("change", category.code)),
            _until(bookings.deadline("cancel", category.code)),
        )
    return table


def _until(deadline: RequestDeadline) -> str:
    return f"{deadline.days}日前 / days before {deadline.at:%H:%M}"


def _methods_table(shown: Profile) -> Table:
    table = Table("支払方法 / method", "手動 / manual", "自動 / auto", "確認まで / confirmed in")
    for method in shown.payment.methods:
        table.add_row(
            f"{method.name.ja} ({method.code})",
            _yes_no(method.manual),
            _yes_no(method.automatic),
            method.confirmation_time.ja,
        )
    return table


def _plans_table(shown: Profile) -> Table:
    table = Table("プラン / plan", "月額定価 / list", "期間 / term", "価格 / price", "適用 / from")
    for plan in shown.plans:
        label, monthly = f"{plan.name.ja} ({plan.code})", format_yen(plan.monthly_list_yen)
        for price in plan.prices:
            table.add_row(label, monthly, f"{price.term_months}", format_yen(price.yen), price.valid_from.isoformat())
            label = monthly = ""
    return table


def _joined(numbers: tuple[int, ...]) -> str:
    return ", ".join(str(number) for number in numbers) or "なし / none"


def _yes_no(value: bool) -> str:
    return "はい / yes" if value else "いいえ / no"
