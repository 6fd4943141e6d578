"""Builders for tests: valid by default, and taking only what the test is about."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from core.billing.invoices import InvoiceView, NewLine, issue_invoice
from core.billing.payers import payer_name_key
from core.contracts.quotes import RenewalItem
from core.contracts.renewals import request_renewals
from core.contracts.service import create_contract
from core.db import Tx
from core.members.service import create_member, update_member
from core.profiles.catalogue import ensure_catalogue
from core.profiles.model import Profile
from tests.support.profiles import shipped

_AFTERWARDS = frozenset({"status", "reminders_off"})


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
    profile = shipped("renewal-notice")
    parts = {
        name: getattr(profile, name).model_copy(update=value) if isinstance(value, dict) else value
        for name, value in changed.items()
    }
    return profile.model_copy(update=parts)


def a_member(tx: Tx, **changed: Any) -> int:
    """An active member, 山田太郎 unless said otherwise; gives the id. The catalogue is there afterwards."""
    ensure_catalogue(tx, profile=a_profile())
    made = {
        "name": "山田 太郎",
        "name_kana": "ヤマダ タロウ",
        "email": "taro@example.jp",
        "phone": "03-0000-0000",
        "birth_on": date(1956, 4, 1),
        **{name: value for name, value in changed.items() if name not in _AFTERWARDS},
    }
    made.setdefault("name_key", payer_name_key(str(made["name_kana"] or made["name"])))
    member_id = create_member(tx, **made).id
    later = {name: value for name, value in changed.items() if name in _AFTERWARDS}
    update_member(tx, member_id=member_id, actor_kind="system", actor_id=None, changes=later)
    return member_id


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


def a_contract(tx: Tx, *, member_id: int, **changed: Any) -> int:
    """An active contract of the standard plan, example.jp, to the last day of November 2026; gives the id."""
    made: dict[str, Any] = {
        "plan_code": "standard",
        "label": "example.jp",
        "started_on": date(2025, 12, 1),
        "expires_on": date(2026, 11, 30),
        "cause": "test",
        **changed,
    }
    return create_contract(tx, member_id=member_id, **made)


def a_renewal(
    tx: Tx, *, member_id: int, contract_ids: Sequence[int], profile: Profile | None = None, **changed: Any
) -> InvoiceView:
    """Renewals for 12 months ordered by bank transfer, on one invoice."""
    made: dict[str, Any] = {
        "items": [RenewalItem(contract_id, 12) for contract_id in contract_ids],
        "method": "bank_transfer",
        "chat_id": None,
        "shown": {"title": "最終確認"},
        "language": "ja",
        **changed,
    }
    return request_renewals(tx, profile=profile or a_profile(), member_id=member_id, **made)
