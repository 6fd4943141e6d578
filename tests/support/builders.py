"""Builders for tests: valid by default, and taking only what the test is about."""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert

from core.billing.invoices import InvoiceView, NewLine, issue_invoice
from core.db import Tx
from core.members.tables import Member
from core.profiles.catalogue import ensure_catalogue
from core.profiles.files import load_profile
from core.profiles.model import Profile
from core.statements import Write

_COLUMNS = [column.name for column in Member.__table__.columns]
_ADD_MEMBER = Write(insert(Member).values({name: bindparam(name) for name in _COLUMNS}))


class Somebody(NamedTuple):
    """Who acts for the operator in a test."""

    id: int = 900
    role: str = "accountant"
    name: str = "経理 花子"


ACCOUNTANT = Somebody()
ADMIN = Somebody(901, "admin", "管理 太郎")
AGENT = Somebody(902, "agent", "窓口 次郎")


def a_profile(**changed: Any) -> Profile:
    """The shipped profile `renewal-notice`; `payment={...}` and the like replace single rules."""
    profile = load_profile("renewal-notice")
    parts = {
        name: getattr(profile, name).model_copy(update=value) if isinstance(value, dict) else value
        for name, value in changed.items()
    }
    return profile.model_copy(update=parts)


def a_member(tx: Tx, **changed: Any) -> int:
    """An active member, 山田太郎 unless said otherwise; gives the id. The catalogue is there afterwards."""
    ensure_catalogue(tx, profile=a_profile())
    member_id = changed.pop("id", None) or tx.ids.new()
    row: dict[str, Any] = {
        "id": member_id,
        "member_no": f"M-{member_id:06d}",
        "external_key": None,
        "kind": "individual",
        "name": "山田 太郎",
        "name_kana": "ヤマダ タロウ",
        "name_key": "ヤマダタロウ",
        "email": f"taro{member_id}@example.jp",
        "email_key": f"taro{member_id}@example.jp",
        "sub_email": None,
        "phone": "03-0000-0000",
        "postal_code": "100-0001",
        "address": "東京都千代田区千代田1-1",
        "birth_on": date(1956, 4, 1),
        "language": "ja",
        "status": "active",
        "early_reminder": False,
        "reminders_off": False,
        "search_text": "山田太郎 ヤマダタロウ",
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    tx.run(_ADD_MEMBER, **{**row, **changed})
    return int(member_id)


def an_invoice(
    tx: Tx, *, member_id: int, net_yen: int = 12_774, profile: Profile | None = None, method: str = "bank_transfer"
) -> InvoiceView:
    """An issued invoice of one line, 12,774 yen net and 14,051 with tax unless said otherwise."""
    return issue_invoice(
        tx,
        profile=profile or a_profile(),
        member_id=member_id,
        method=method,
        lines=[NewLine("test:1", "スタンダードプラン 更新 12か月", net_yen)],
    )
