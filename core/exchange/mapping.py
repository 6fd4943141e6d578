"""Which column holds what: common Japanese headers are known; a TOML file says the rest.

[members]
external_key = "顧客コード"        # field = header in the file
phone = ""                         # do not read this field, although a header is known for it

[contracts]
expires_on = "次回更新日"

[contracts.plans]
"ライト(旧)" = "light"             # the file's word for a plan = plan code

[reservations.facilities]
"大会議室" = "hall"                # the file's word for a facility = facility code; likewise [reservations.categories]
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from core.errors import DomainError
from core.exchange.values import plain


class Column(NamedTuple):
    """A field, the headers it is known by (the first is how it is called to people), and whether it must be there."""

    name: str
    headers: tuple[str, ...]
    needed: bool = False


MEMBER_COLUMNS = (
    Column("external_key", ("旧会員ID", "外部キー", "管理番号", "顧客ID", "顧客コード", "顧客番号", "external_key")),
    Column("member_no", ("会員番号", "会員ID", "会員No", "会員コード", "member_no", "member_id")),
    Column("kind", ("区分", "会員区分", "個人法人区分", "個人・法人", "kind")),
    Column("name", ("氏名", "会員名", "名前", "お名前", "顧客名", "契約者名", "氏名・法人名", "name"), True),
    Column("name_kana", ("フリガナ", "ふりがな", "カナ", "氏名カナ", "氏名(カナ)", "会員名カナ", "name_kana")),
    Column("email", ("メールアドレス", "メール", "Eメール", "E-mail", "mail", "email")),
    Column("sub_email", ("サブメールアドレス", "予備メールアドレス", "sub_email")),
    Column("phone", ("電話番号", "電話", "TEL", "携帯電話", "連絡先電話番号", "phone")),
    Column("postal_code", ("郵便番号", "〒", "postal_code", "zip")),
    Column("address", ("住所", "ご住所", "所在地", "address")),
    Column("birth_on", ("生年月日", "誕生日", "birth_on", "birthday")),
    Column("language", ("言語", "language")),
    Column("status", ("会員状態", "状態", "ステータス", "status")),
    Column("early_reminder", ("早期案内", "40日前案内", "早めの案内", "early_reminder")),
    Column("reminders_off", ("案内停止", "更新案内停止", "reminders_off")),
)
CONTRACT_COLUMNS = (
    Column("external_key", ("旧契約ID", "外部キー", "管理番号", "external_key")),
    Column("contract_no", ("契約番号", "契約ID", "契約No", "契約コード", "contract_no", "contract_id")),
    Column(
        "member_key",
        ("会員番号", "会員ID", "旧会員ID", "会員コード", "顧客ID", "顧客コード", "顧客番号", "member_no"),
        True,
    ),
    Column("plan", ("プラン", "プラン名", "プランコード", "契約プラン", "商品名", "plan", "plan_code"), True),
    Column(
        "label", ("契約名", "ラベル", "ドメイン", "ドメイン名", "サーバーID", "サーバID", "サーバー名", "label"), True
    ),
    Column("status", ("契約状態", "状態", "ステータス", "status")),
    Column("started_on", ("契約開始日", "利用開始日", "開始日", "契約日", "started_on")),
    Column(
        "expires_on",
        (
            "利用期限",
            "契約終了日",
            "ご契約更新日",
            "契約更新日",
            "契約満了日",
            "満了日",
            "有効期限",
            "期限",
            "expires_on",
        ),
        True,
    ),
    Column("anchor", ("基準日", "更新基準日", "アンカー", "anchor")),
    Column("auto_renewal", ("自動更新", "更新方法", "auto_renewal")),
)
RESERVATION_COLUMNS = (
    Column("external_key", ("旧予約ID", "外部キー", "管理番号", "external_key")),
    Column("reservation_no", ("予約番号", "予約ID", "予約No", "reservation_no", "reservation_id")),
    Column(
        "member_key",
        ("会員番号", "会員ID", "旧会員ID", "会員コード", "顧客ID", "顧客コード", "顧客番号", "member_no"),
        True,
    ),
    Column("facility", ("施設", "施設名", "施設コード", "ご利用施設", "利用施設", "会場", "facility"), True),
    Column("category", ("区分", "予約区分", "カテゴリ", "カテゴリー", "種別", "category"), True),
    Column("status", ("予約状態", "状態", "ステータス", "予約状況", "status")),
    Column("used_on", ("利用日", "ご利用日", "利用開始日", "作業日", "used_on"), True),
    Column("until_on", ("利用終了日", "終了日", "until_on")),
    Column("used_from", ("開始時刻", "利用開始時刻", "開始時間", "開始", "used_from")),
    Column("used_until", ("終了時刻", "利用終了時刻", "終了時間", "終了", "used_until")),
    Column("purpose", ("利用目的", "ご利用目的", "目的", "作業内容", "内容", "purpose")),
    Column("booked_at", ("予約完了日時", "予約日時", "申込日時", "受付日時", "booked_at"), True),
    Column("confirmed_at", ("予約確定日時", "確定日時", "confirmed_at")),
    Column("amount_yen", ("金額", "利用料金", "ご利用料金", "請求金額", "合計金額", "amount_yen", "amount")),
    Column("payment_method", ("支払方法", "お支払方法", "payment_method")),
    Column("payment_due_on", ("支払期限", "お支払期限", "payment_due_on", "due_on")),
    Column("payment_state", ("支払状況", "お支払状況", "入金状況", "payment_state")),
    Column("contact_name", ("担当者", "担当者名", "ご担当者", "contact_name")),
    Column("contact_phone", ("担当者電話番号", "担当者電話", "contact_phone")),
    Column("contact_email", ("担当者メールアドレス", "担当者メール", "contact_email")),
    Column("billing_name", ("請求担当者", "請求先", "請求先名", "請求先担当者", "billing_name")),
    Column("billing_postal_code", ("請求先郵便番号", "billing_postal_code")),
    Column("billing_address", ("請求先住所", "請求書送付先", "billing_address")),
    Column("billing_email", ("請求先メールアドレス", "請求先メール", "billing_email")),
)
COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "members": MEMBER_COLUMNS,
    "contracts": CONTRACT_COLUMNS,
    "reservations": RESERVATION_COLUMNS,
}
KEYS: Mapping[str, tuple[str, str]] = {
    "members": ("external_key", "member_no"),
    "contracts": ("external_key", "contract_no"),
    "reservations": ("external_key", "reservation_no"),
}
WORD_TABLES: Mapping[str, tuple[str, ...]] = {"contracts": ("plans",), "reservations": ("facilities", "categories")}
"""One of the two must be there: the old system's key, or the number people read (which then is the key too)."""


@dataclass(frozen=True, slots=True)
class MappingFile:
    """What a mapping file says about one kind: field → header ("" = leave out), and by table (plans, facilities,
    categories) the file's words → codes.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each field stands in the records of one file."""

    positions: Mapping[str, int]
    width: int
    headers: tuple[str, ...]
    ignored: tuple[str, ...]
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """The file's own header for a field; the usual one where the file has none."""
        position = self.positions.get(name)
        return self.headers[position] if position is not None else name


def read_mapping(path: Path, kind: str) -> MappingFile:
    """The part of a mapping file about `kind` (members, contracts, reservations).

    Raises DomainError `mapping_missing`, `mapping_broken` (reason: with its line), `mapping_no_table` (kind),
    `mapping_unknown_field` (field, known), `mapping_bad_value` (field).
    """
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise DomainError("mapping_missing", path=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DomainError("mapping_broken", reason=str(error)) from error
    table = document.get(kind)
    if not isinstance(table, dict):
        raise DomainError("mapping_no_table", kind=kind)
    known = [column.name for column in COLUMNS[kind]]
    headers: dict[str, str] = {}
    words: dict[str, Mapping[str, str]] = {}
    for name, value in table.items():
        if name in WORD_TABLES.get(kind, ()) and isinstance(value, dict):
            words[name] = {plain(word).lower(): str(code) for word, code in value.items()}
        elif name not in known:
            raise DomainError("mapping_unknown_field", field=name, known="、".join(known))
        elif not isinstance(value, str):
            raise DomainError("mapping_bad_value", field=name)
        else:
            headers[name] = value
    return MappingFile(headers, words)


def lay_out(kind: str, header: Sequence[str], mapping: MappingFile) -> Layout:
    """Find the columns of a file.

    Raises DomainError `column_not_in_file` (field, column, found) for a header the mapping names and the file lacks,
    `columns_missing` (columns, found) when needed ones are not there under any known name.
    """
    folded = {_folded(name): position for position, name in reversed(list(enumerate(header)))}
    positions: dict[str, int] = {}
    for name, wanted in mapping.headers.items():
        if wanted and _folded(wanted) not in folded:
            raise DomainError("column_not_in_file", field=name, column=wanted, found="、".join(header))
        if wanted:
            positions[name] = folded[_folded(wanted)]
    taken = set(positions.values())
    for column in COLUMNS[kind]:
        if column.name in mapping.headers:
            continue
        for known in column.headers:
            position = folded.get(_folded(known))
            if position is not None and position not in taken:
                positions[column.name] = position
                taken.add(position)
                break
    missing = [column.headers[0] for column in COLUMNS[kind] if column.needed and column.name not in positions]
    if not any(key in positions for key in KEYS[kind]):
        missing.insert(0, next(c.headers[0] for c in COLUMNS[kind] if c.name == KEYS[kind][1]))
    if missing:
        raise DomainError("columns_missing", columns="、".join(missing), found="、".join(header))
    ignored = tuple(name for position, name in enumerate(header) if position not in taken)
    return Layout(positions, len(header), tuple(header), ignored, mapping.words)


def _folded(header: str) -> str:
    """Headers compare without width, case, spaces and marks of being required."""
    return plain(header).lower().replace(" ", "").strip("*※").replace("(必須)", "").replace("[必須]", "")
