"""A seeded generator of members and contracts as a Japanese rental-server company has them; nobody in it is real.

Deterministic for (count, seed, day). Telephone numbers use exchanges that are never given out (03-0000-…, 090-0000-…),
mail goes to example.jp, .com and .org only. Every contract's expiry follows from its start and terms (algorithms.md 1).
"""

import csv
import random
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from core.contracts.policy import anchor_of_start, assumed_anchor, first_expiry
from core.exchange.names import (
    BUILDINGS,
    COMPANY_TRADES,
    COMPANY_WORDS,
    DOMAIN_WORDS,
    GIVEN_NAMES,
    LEGAL_FORMS,
    PLACES,
    SURNAMES,
)

SERVER_PLANS = (("light", 5), ("standard", 8), ("business", 3))
SERVER_TERMS = (3, 6, 12, 12, 12, 24)
GRACE_DAYS = 7
TRIAL_DAYS = 14


@dataclass(frozen=True, slots=True)
class SampleContract:
    """One contract; `anchor` None where an old system would not know it and the expiry says it all the same."""

    contract_no: str
    plan_code: str
    label: str
    status: str  # trial, active, cancelled
    started_on: date
    expires_on: date
    anchor: int | None
    auto_renewal: bool = False


@dataclass(frozen=True, slots=True)
class SampleMember:
    """One member with their contracts."""

    member_no: str
    kind: str
    name: str
    name_kana: str
    email: str
    sub_email: str
    phone: str
    postal_code: str
    address: str
    birth_on: date | None
    early_reminder: bool
    contracts: tuple[SampleContract, ...] = field(default=())


class Numbering(NamedTuple):
    """How members and contracts are numbered, and after which numbers: as an old system does, unless told otherwise."""

    member_no: str = "RS{:06d}"
    contract_no: str = "S{:07d}"
    members_before: int = 0
    contracts_before: int = 0
    servers_before: int = 0


def make_members(count: int, *, seed: int, day: date, numbering: Numbering | None = None) -> list[SampleMember]:
    """`count` members around `day`; their numbers are consecutive."""
    numbering = numbering or Numbering()
    workshop = _Workshop(random.Random(f"{seed}/{day}"), day, numbering)
    first = numbering.members_before + 1
    return [workshop.member(numbering.member_no.format(n)) for n in range(first, first + count)]


class _Workshop:
    """Makes one member after the other; keeps what must not repeat."""

    def __init__(self, dice: random.Random, day: date, numbering: Numbering) -> None:
        self._dice, self._day, self._contract_no = dice, day, numbering.contract_no
        self._labels: set[str] = set()
        self._emails: set[str] = set()
        self._contracts = numbering.contracts_before
        self._servers = numbering.servers_before

    def member(self, member_no: str) -> SampleMember:
        dice = self._dice
        corporate = dice.random() < 0.3
        name, kana, domain = self._company() if corporate else self._person()
        place = dice.choice(PLACES)
        tail = f"{dice.randint(1, 9)}-{dice.randint(1, 20)}-{dice.randint(1, 15)}"
        building = dice.choice(BUILDINGS)
        contracts = tuple(self._contract(domain) for _ in range(dice.choice((1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 5))))
        if dice.random() < 0.04:
            contracts = (*contracts, self._trial())
        return SampleMember(
            member_no=member_no,
            kind="corporate" if corporate else "individual",
            name=name,
            name_kana=kana,
            email=self._email("info" if corporate and dice.random() < 0.6 else domain),
            sub_email=self._email(f"{domain}.sub") if dice.random() < 0.12 else "",
            phone=self._phone(corporate),
            postal_code=f"{place[0]}-{dice.randint(1, 99):04d}",
            address=f"{place[1]}{place[2]}{tail}" + (f" {building}" if building else ""),
            birth_on=None if corporate else date(1945, 1, 1) + timedelta(days=dice.randrange(22_000)),
            early_reminder=dice.random() < 0.15,
            contracts=contracts,
        )

    def _person(self) -> tuple[str, str, str]:
        family, given = self._dice.choice(SURNAMES), self._dice.choice(GIVEN_NAMES)
        return f"{family[0]} {given[0]}", f"{family[1]} {given[1]}", self._dice.choice(DOMAIN_WORDS)

    def _company(self) -> tuple[str, str, str]:
        word, trade = self._dice.choice(COMPANY_WORDS), self._dice.choice(COMPANY_TRADES)
        form = self._dice.choice(LEGAL_FORMS)
        name, kana = f"{word[0]}{trade[0]}", f"{word[1]}{trade[1]}"
        domain = f"{word[2]}-{trade[2]}"
        if self._dice.random() < 0.6:
            return f"{form[0]}{name}", f"{form[1]} {kana}", domain
        return f"{name}{form[0]}", f"{kana} {form[1]}", domain

    def _email(self, local: str) -> str:
        n = 0
        while True:
            end = self._dice.choice(("jp", "jp", "com", "org"))
            address = f"{local}{f'.{self._dice.randint(1, 9999)}' if n else ''}@example.{end}"
            if address not in self._emails:
                self._emails.add(address)
                return address
            n += 1

    def _phone(self, corporate: bool) -> str:
        last = f"{self._dice.randint(0, 9999):04d}"
        return f"{'03' if corporate else self._dice.choice(('090', '080', '050', '03'))}-0000-{last}"

    def _contract(self, domain: str) -> SampleContract:
        dice = self._dice
        if dice.random() < 0.3:
            label = self._label(domain)
            plan, term = ("domain-jp" if label.endswith(".jp") else "domain-com"), 12
        else:
            self._servers += 1
            plan = dice.choices([code for code, _ in SERVER_PLANS], [weight for _, weight in SERVER_PLANS])[0]
            term, label = dice.choice(SERVER_TERMS), f"srv{self._servers:03d}"
        return self._running(plan, label, term)

    def _running(self, plan: str, label: str, term: int) -> SampleContract:
        """A contract that began some terms ago and runs out somewhere around the day: most ahead, some in grace, few over."""
        dice, day = self._dice, self._day
        chance = dice.random()
        if chance < 0.04:
            nearest = day - timedelta(days=dice.randint(1, GRACE_DAYS))
        elif chance < 0.06:
            nearest = day - timedelta(days=dice.randint(GRACE_DAYS + 1, 300))
        elif chance < 0.4:
            nearest = day + timedelta(days=dice.randint(0, 45))
        else:
            nearest = day + timedelta(days=dice.randint(46, 366 if term == 12 else 180))
        ahead = nearest > day
        expires_on, anchor = self._fall(nearest)
        if ahead and expires_on < day:
            expires_on, anchor = nearest, nearest.day
        terms_run = dice.randint(1, max(1, 96 // term))
        started_on = _start_before(expires_on, anchor, term * terms_run)
        known = started_on is not None and dice.random() < 0.7
        if not known and assumed_anchor(expires_on).anchor != anchor:
            known = True  # an old system that counts so does know why
        self._contracts += 1
        return SampleContract(
            contract_no=self._contract_no.format(self._contracts),
            plan_code=plan,
            label=label,
            status="cancelled" if ahead and dice.random() < 0.03 else "active",
            started_on=started_on or expires_on - timedelta(days=30 * term),
            expires_on=expires_on,
            anchor=anchor if known else None,
        )

    def _fall(self, nearest: date) -> tuple[date, int]:
        """The expiry near a day: a third on the month's last day, some counted by the 29th or 30th."""
        chance = self._dice.random()
        last = monthrange(nearest.year, nearest.month)[1]
        anchor = 31 if chance < 0.33 else self._dice.choice((29, 30)) if chance < 0.4 else nearest.day
        return nearest.replace(day=min(anchor, last)), anchor

    def _label(self, domain: str) -> str:
        n = 0
        while True:
            name = (
                f"{domain if n < 2 else self._dice.choice(DOMAIN_WORDS)}{'' if n == 0 else self._dice.randint(2, 999)}"
            )
            label = f"{name}.example.{self._dice.choice(('jp', 'com'))}"
            if label not in self._labels:
                self._labels.add(label)
                return label
            n += 1

    def _trial(self) -> SampleContract:
        started_on = self._day - timedelta(days=self._dice.randint(0, TRIAL_DAYS - 1))
        self._contracts += 1
        self._servers += 1
        expires_on = started_on + timedelta(days=TRIAL_DAYS - 1)
        return SampleContract(
            contract_no=self._contract_no.format(self._contracts),
            plan_code="light",
            label=f"srv{self._servers:03d}",
            status="trial",
            started_on=started_on,
            expires_on=expires_on,
            anchor=expires_on.day,
        )


def _start_before(expires_on: date, anchor: int, months: int) -> date | None:
    """The day a contract with this expiry and anchor began, `months` ago; None when no day of the law leads there."""
    month0 = expires_on.year * 12 + expires_on.month - 1 - months
    first_of_next = date((month0 + 1) // 12, (month0 + 1) % 12 + 1, 1)
    if anchor == 31:
        candidate = first_of_next
    else:
        year, month = divmod(month0, 12)
        if anchor + 1 > monthrange(year, month + 1)[1]:
            return None
        candidate = date(year, month + 1, anchor + 1)
    reached = first_expiry(candidate, months) if anchor_of_start(candidate) == anchor else None
    return candidate if reached == expires_on else None


MEMBER_HEADER = (
    *("会員番号", "区分", "氏名", "フリガナ", "メールアドレス", "サブメールアドレス"),
    *("電話番号", "郵便番号", "住所", "生年月日", "早期案内"),
)
CONTRACT_HEADER = (
    "契約番号",
    "会員番号",
    "会員名",
    "プラン",
    "契約名",
    "状態",
    "契約開始日",
    "利用期限",
    "基準日",
    "自動更新",
)
_STATUS = {"trial": "お試し", "active": "有効", "cancelled": "解約"}


def write_sample(members: list[SampleMember], folder: Path, *, plan_names: Mapping[str, str]) -> tuple[Path, Path]:
    """members.csv (UTF-8 with BOM) and contracts.csv (Shift_JIS) as old systems write them; plans by their names."""
    folder.mkdir(parents=True, exist_ok=True)
    ours, theirs = folder / "members.csv", folder / "contracts.csv"
    with ours.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(MEMBER_HEADER)
        writer.writerows(_member_cells(member) for member in members)
    with theirs.open("w", encoding="cp932", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CONTRACT_HEADER)
        writer.writerows(
            _contract_cells(contract, member, plan_names) for member in members for contract in member.contracts
        )
    return ours, theirs


def _member_cells(member: SampleMember) -> tuple[str, ...]:
    return (
        member.member_no,
        "法人" if member.kind == "corporate" else "個人",
        member.name,
        member.name_kana,
        member.email,
        member.sub_email,
        member.phone,
        member.postal_code,
        member.address,
        _day(member.birth_on),
        "はい" if member.early_reminder else "いいえ",
    )


def _contract_cells(contract: SampleContract, member: SampleMember, plan_names: Mapping[str, str]) -> tuple[str, ...]:
    return (
        contract.contract_no,
        member.member_no,
        member.name,
        plan_names[contract.plan_code],
        contract.label,
        _STATUS[contract.status],
        _day(contract.started_on),
        _day(contract.expires_on),
        "" if contract.anchor is None else str(contract.anchor),
        "する" if contract.auto_renewal else "しない",
    )


def _day(day: date | None) -> str:
    return f"{day.year}/{day.month}/{day.day}" if day else ""
