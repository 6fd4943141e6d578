"""What `serve --demo` fills an empty database with: one member to try everything as, and some forty others around them.

The member to log in with: **M-000001, 山田 太郎, taro.yamada@example.jp**, seen from the day it is made:

| contract | plan | expires |
|---|---|---|
| C-000001 srv001 | standard | in 8 days: its reminder of 5 days before comes in 3 days |
| C-000002 srv002 | light | in 40 days: the early reminder is due at once (they asked for it) |
| C-000003 srv003 | business | at the end of next month, counted by month ends |
| C-000004 srv004 | light | 3 days ago: in grace, renewable for 4 more days |
| C-000005 taro-yamada.example.jp | domain .jp | in 120 days |

With a profile that takes reservations: those of `demo_reservations`; without plans there are no contracts.
Three more members have a contract whose reminders fall on the following days, so that moving the clock a day shows some.
"""

from calendar import monthrange
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import select

from core.db import Tx
from core.delivery.counters import raise_number
from core.errors import InvariantBroken
from core.exchange.contracts import decide_contracts, write_contracts
from core.exchange.decisions import Context
from core.exchange.demo_reservations import fill_demo_reservations
from core.exchange.importing import read_rules
from core.exchange.mapping import COLUMNS, Layout
from core.exchange.members import decide_members, write_members
from core.exchange.rows import Row
from core.exchange.sample import Numbering, SampleContract, SampleMember, make_members
from core.members.tables import Member
from core.profiles.catalogue import ensure_catalogue
from core.profiles.model import Profile
from core.statements import Read

DEMO_MEMBER_NO = "M-000001"
DEMO_EMAIL = "taro.yamada@example.jp"
OTHERS = 39
SEED = 20
CHECKS_FAILED = "the demo data does not pass the import's own checks"
_KIND_OF = {"domain-jp": "domain", "domain-com": "domain"}


class _Known(NamedTuple):
    id: int


ANY_MEMBER = Read(_Known, select(Member.id).limit(1))


def fill_demo(tx: Tx, *, profile: Profile, day: date) -> bool:
    """Fill an empty database, the catalogue too; False, and nothing done, when there is any member already."""
    if tx.first(ANY_MEMBER) is not None:
        return False
    ensure_catalogue(tx, profile=profile)
    numbering = Numbering("M-{:06d}", "C-{:06d}", members_before=1, contracts_before=5, servers_before=4)
    others = make_members(OTHERS, seed=SEED, day=day, numbering=numbering)
    people = [demo_member(day), *_due_soon(others, day)]
    context = Context(read_rules(tx, profile), _layout())
    members = decide_members(tx, [_member_row(person) for person in people], context)
    write_members(tx, members, context)
    if members.problems:
        raise InvariantBroken(CHECKS_FAILED)
    raise_number(tx, series="member", at_least=len(people))
    if profile.plans:
        _fill_contracts(tx, profile, people, context)
    if profile.bookings is not None:
        fill_demo_reservations(tx, profile=profile, people=people, day=day, context=context)
    return True


def _fill_contracts(tx: Tx, profile: Profile, people: list[SampleMember], context: Context) -> None:
    contracts = [_contract_row(contract, person, profile) for person in people for contract in person.contracts]
    decided = decide_contracts(tx, contracts, context)
    if decided.problems:
        raise InvariantBroken(CHECKS_FAILED)
    write_contracts(tx, decided, context)
    raise_number(tx, series="contract", at_least=len(contracts))


def demo_member(day: date) -> SampleMember:
    """The member the demo is shown with."""
    next_month = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    month_end = next_month.replace(day=monthrange(next_month.year, next_month.month)[1])
    plans = (
        ("standard", "srv001", day + timedelta(days=8), None),
        ("light", "srv002", day + timedelta(days=40), None),
        ("business", "srv003", month_end, 31),
        ("light", "srv004", day - timedelta(days=3), None),
        ("domain-jp", "taro-yamada.example.jp", day + timedelta(days=120), None),
    )
    contracts = tuple(
        SampleContract(
            contract_no=f"C-{n:06d}",
            plan_code=plan,
            label=label,
            status="active",
            started_on=expires_on - timedelta(days=364),
            expires_on=expires_on,
            anchor=anchor or expires_on.day,
        )
        for n, (plan, label, expires_on, anchor) in enumerate(plans, start=1)
    )
    return SampleMember(
        member_no=DEMO_MEMBER_NO,
        kind="individual",
        name="山田 太郎",
        name_kana="ヤマダ タロウ",
        email=DEMO_EMAIL,
        sub_email="",
        phone="090-0000-0001",
        postal_code="100-0000",
        address="東京都千代田区架空町1-2-3",
        birth_on=date(1958, 4, 12),
        early_reminder=True,
        contracts=contracts,
    )


def _due_soon(people: list[SampleMember], day: date) -> list[SampleMember]:
    """The first three get an expiry whose milestones fall on the next days: 11, 6 and 1 days ahead."""
    soon = []
    for person, days in zip(people[:3], (11, 6, 1), strict=True):
        expires_on = day + timedelta(days=days)
        first = replace(person.contracts[0], expires_on=expires_on, anchor=expires_on.day, status="active")
        first = replace(first, started_on=min(first.started_on, expires_on - timedelta(days=364)))
        soon.append(replace(person, contracts=(first, *person.contracts[1:])))
    return soon + people[3:]


def _layout() -> Layout:
    """As if from a file with every column there is."""
    names = [column.name for kind in ("members", "contracts") for column in COLUMNS[kind]]
    return Layout({name: place for place, name in enumerate(names)}, len(names), tuple(names), ())


def _member_row(person: SampleMember) -> Row:
    given = {
        name: getattr(person, name)
        for name in ("kind", "name", "name_kana", "email", "phone", "postal_code", "address", "early_reminder")
    }
    if person.sub_email:
        given["sub_email"] = person.sub_email
    if person.birth_on:
        given["birth_on"] = person.birth_on
    return Row(0, person.member_no, person.member_no, given)


def _contract_row(contract: SampleContract, person: SampleMember, profile: Profile) -> Row:
    given = {name: getattr(contract, name) for name in ("label", "status", "started_on", "expires_on", "auto_renewal")}
    if contract.status == "trial" and profile.trial is None:
        given["status"] = "active"
    if contract.anchor is not None:
        given["anchor"] = contract.anchor
    given |= {"member_key": person.member_no, "plan_code": _plan_here(contract.plan_code, profile)}
    return Row(0, contract.contract_no, contract.contract_no, given)


def _plan_here(plan_code: str, profile: Profile) -> str:
    """The plan itself, or in another profile the first of its kind, or the first of all."""
    codes = [plan.code for plan in profile.plans]
    if plan_code in codes:
        return plan_code
    kind = _KIND_OF.get(plan_code, "server")
    return next((plan.code for plan in profile.plans if plan.kind == kind), codes[0])
