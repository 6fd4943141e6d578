"""One record of a file of reservations to one row to import, or to every reason why it cannot be: pure functions."""

from collections.abc import Mapping

from core.exchange.mapping import Layout
from core.exchange.reading import Record
from core.exchange.rows import Draft, Findings, ImportRules, Parser, Row
from core.exchange.values import (
    parse_clock,
    parse_date,
    parse_email,
    parse_instant,
    parse_key,
    parse_phone,
    parse_postal_code,
    parse_text,
    parse_word,
    parse_yen,
    plain,
)

_STATES = {
    **dict.fromkeys(("申込中", "お申し込み中", "申し込み中", "申請中", "受付中", "仮予約", "未確定", "asked"), "asked"),
    **dict.fromkeys(("pending", "requested", "tentative"), "asked"),
    **dict.fromkeys(("キャンセル待ち", "空き待ち", "waiting", "waitlisted"), "waiting"),
    **dict.fromkeys(("確定", "予約確定", "確定済", "確定済み", "予約中", "confirmed"), "confirmed"),
    **dict.fromkeys(("利用済", "利用済み", "ご利用済み", "完了", "終了", "used", "completed"), "used"),
    **dict.fromkeys(("キャンセル", "キャンセル済", "キャンセル済み", "取消", "取消済み", "cancelled"), "cancelled"),
    "canceled": "cancelled",
    **dict.fromkeys(("お断り", "却下", "不可", "declined", "rejected"), "declined"),
}
_PAYMENT_STATES = {
    **dict.fromkeys(("金額未確定", "未確定", "未請求", "unfixed"), "unfixed"),
    **dict.fromkeys(("未払い", "未払", "未入金", "お支払い待ち", "請求中", "請求済", "請求済み", "unpaid"), "unpaid"),
    **dict.fromkeys(("支払済", "支払済み", "お支払い済み", "入金済", "入金済み", "paid"), "paid"),
    **dict.fromkeys(("返金済", "返金済み", "refunded"), "refunded"),
    **dict.fromkeys(("請求なし", "不要", "無料", "none"), "none"),
}
_PARSERS: Mapping[str, Parser] = {
    "member_key": lambda cell: parse_key(cell, 80),
    "status": lambda cell: parse_word(cell, _STATES, "bad_status"),
    "used_on": parse_date,
    "until_on": parse_date,
    "used_from": parse_clock,
    "used_until": parse_clock,
    "purpose": lambda cell: parse_text(cell, 300),
    "booked_at": parse_instant,
    "confirmed_at": parse_instant,
    "amount_yen": parse_yen,
    "payment_method": lambda cell: parse_text(cell, 60),
    "payment_due_on": parse_date,
    "payment_state": lambda cell: parse_word(cell, _PAYMENT_STATES, "bad_payment_state"),
    "contact_name": lambda cell: parse_text(cell, 200),
    "contact_phone": parse_phone,
    "contact_email": parse_email,
    "billing_name": lambda cell: parse_text(cell, 200),
    "billing_postal_code": parse_postal_code,
    "billing_address": lambda cell: parse_text(cell, 300),
    "billing_email": parse_email,
}


_UNKNOWN = {"facility": "unknown_facility", "category": "unknown_category"}


def read_reservation(record: Record, layout: Layout, rules: ImportRules, findings: Findings) -> Row | None:
    """The row of one reservation, or None with its problems noted; whether its member exists is asked later."""
    draft = Draft(record, layout, findings)
    if not draft.fits():
        return None
    key, number = draft.keys("reservations")
    given = draft.parse(_PARSERS)
    for column, code_name, table, known, names in (
        ("facility", "facility_code", "facilities", rules.facilities, rules.facility_names),
        ("category", "category_code", "categories", rules.categories, rules.category_names),
    ):
        cell = draft.cell(column)
        code = layout.words.get(table, {}).get(plain(cell).lower()) or known.get(plain(cell).lower())
        if not cell:
            draft.refuse(column, "missing")
        elif code is None:
            draft.refuse(column, _UNKNOWN[column], known="、".join(names))
        else:
            given[code_name] = code
    draft.need(given, "member_key", "used_on", "booked_at")
    if "payment_method" in given:
        given["payment_method"] = rules.methods.get(plain(given["payment_method"]).lower(), given["payment_method"])
    used_on = given.get("used_on")
    if used_on and given.get("until_on", used_on) < used_on:
        draft.refuse("until_on", "ends_before_start", used_on=used_on)
    one_day = given.get("until_on", used_on) == used_on
    begin, end = given.get("used_from"), given.get("used_until")
    if one_day and begin is not None and end is not None and begin >= end:
        draft.refuse("used_until", "times_reversed")
    return draft.row(key, number, given)
