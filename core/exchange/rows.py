"""One record of a file to one row to import, or to every reason why it cannot be: pure functions.

A row carries only what its file says: columns that are not there, and empty cells, say nothing and change nothing.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from core.exchange.mapping import KEYS, Layout
from core.exchange.reading import Record
from core.exchange.values import (
    BadValueError,
    parse_anchor,
    parse_bool,
    parse_date,
    parse_email,
    parse_kana,
    parse_key,
    parse_phone,
    parse_postal_code,
    parse_text,
    parse_word,
    plain,
)

CORPORATE_MARKS = [
    "株式会社",
    "有限会社",
    "合同会社",
    "合資会社",
    "合名会社",
    "一般社団法人",
    "一般財団法人",
    "公益社団法人",
    "公益財団法人",
    "特定非営利活動法人",
    "NPO法人",
    "医療法人",
    "学校法人",
    "社会福祉法人",
    "宗教法人",
    "(株)",
    "(有)",
    "(同)",
    "㈱",
    "㈲",
]
_KINDS = {
    **dict.fromkeys(("個人", "個人会員", "individual", "personal"), "individual"),
    **dict.fromkeys(("法人", "法人会員", "企業", "団体", "corporate", "company"), "corporate"),
}
_LANGUAGES = {
    **dict.fromkeys(("日本語", "ja", "japanese"), "ja"),
    **dict.fromkeys(("英語", "en", "english"), "en"),
}
_MEMBER_STATES = {
    **dict.fromkeys(("有効", "会員", "在会", "利用中", "契約中", "active"), "active"),
    **dict.fromkeys(("退会", "退会済", "退会済み", "無効", "withdrawn"), "withdrawn"),
}
_CONTRACT_STATES = {
    **dict.fromkeys(("お試し", "試用", "試用中", "トライアル", "trial"), "trial"),
    **dict.fromkeys(("有効", "契約中", "利用中", "稼働中", "猶予期間", "active", "in_grace"), "active"),
    **dict.fromkeys(("解約", "解約済", "解約済み", "解約予定", "cancelled", "canceled"), "cancelled"),
    **dict.fromkeys(("終了", "満了", "期限切れ", "停止", "ended", "expired"), "ended"),
}


class Problem(NamedTuple):
    """Why a row cannot be imported. `value` may be personal: shown on the operator's terminal, never logged."""

    line: int
    column: str  # the file's own header, "" for the row as a whole
    value: str
    code: str
    data: Mapping[str, object] = {}


class Row(NamedTuple):
    """A sound row: its key in the old system, the number people read (None: to be given) and what the file says."""

    line: int
    key: str
    number: str | None
    given: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)  # one object for a whole import: what follows from it is remembered by it
class ImportRules:
    """What the operator's profile and catalogue say that an import must know.

    `plans`: how a file may name a plan (code, either name; NFKC, lower case) → its code, in the catalogue's order.
    Milestones are days from the expiry; those in `on_request` only for members who asked for early reminders.
    """

    today: date
    language: str  # of members whose file says nothing else
    plans: Mapping[str, str]
    plan_names: tuple[str, ...]
    grace_days: int
    trial_grace_days: int
    milestones: tuple[int, ...]
    on_request: tuple[int, ...]
    trial_milestones: tuple[int, ...]
    facilities: Mapping[str, str] = field(default_factory=dict)  # how a file may name them → code
    facility_names: tuple[str, ...] = ()
    categories: Mapping[str, str] = field(default_factory=dict)
    category_names: tuple[str, ...] = ()
    methods: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Findings:
    """What reading the rows of one file has come to so far; keys seen serve to find duplicates."""

    problems: list[Problem] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)


Parser = Callable[[str], Any]

_MEMBER_PARSERS: Mapping[str, Parser] = {
    "kind": lambda cell: parse_word(cell, _KINDS, "bad_kind"),
    "name": lambda cell: parse_text(cell, 200),
    "name_kana": lambda cell: parse_kana(cell, 200),
    "email": parse_email,
    "sub_email": parse_email,
    "phone": parse_phone,
    "postal_code": parse_postal_code,
    "address": lambda cell: parse_text(cell, 300),
    "birth_on": parse_date,
    "language": lambda cell: parse_word(cell, _LANGUAGES, "bad_language"),
    "status": lambda cell: parse_word(cell, _MEMBER_STATES, "bad_status"),
    "early_reminder": parse_bool,
    "reminders_off": parse_bool,
}
_CONTRACT_PARSERS: Mapping[str, Parser] = {
    "member_key": lambda cell: parse_key(cell, 80),
    "label": lambda cell: parse_text(cell, 200),
    "status": lambda cell: parse_word(cell, _CONTRACT_STATES, "bad_status"),
    "started_on": parse_date,
    "expires_on": parse_date,
    "anchor": parse_anchor,
    "auto_renewal": parse_bool,
}


def read_member(record: Record, layout: Layout, rules: ImportRules, findings: Findings) -> Row | None:
    """The row of one member, or None with its problems noted in `findings`."""
    draft = Draft(record, layout, findings)
    if not draft.fits():
        return None
    key, number = draft.keys("members")
    given = draft.parse(_MEMBER_PARSERS)
    draft.need(given, "name")
    if "birth_on" in given and given["birth_on"] > rules.today:
        draft.refuse("birth_on", "birth_in_future")
    return draft.row(key, number, given)


def read_contract(record: Record, layout: Layout, rules: ImportRules, findings: Findings) -> Row | None:
    """The row of one contract, or None with its problems noted; whether its member exists is asked later."""
    draft = Draft(record, layout, findings)
    if not draft.fits():
        return None
    key, number = draft.keys("contracts")
    given = draft.parse(_CONTRACT_PARSERS)
    if cell := draft.cell("plan"):
        _read_plan(cell, given, draft, layout, rules)
    else:
        draft.refuse("plan", "missing")
    draft.need(given, "member_key", "label", "expires_on")
    expires_on = given.get("expires_on")
    if expires_on and given.get("started_on", expires_on) > expires_on:
        draft.refuse("started_on", "starts_after_expiry", expires_on=expires_on)
    if expires_on and "anchor" in given and not is_anchor_of(given["anchor"], expires_on):
        draft.refuse("anchor", "anchor_mismatch", expires_on=expires_on)
    return draft.row(key, number, given)


def guessed_kind(name: str) -> str:
    """Whether a name is a company's, for a new member whose file does not say so."""
    return "corporate" if any(mark in name for mark in CORPORATE_MARKS) else "individual"


def is_anchor_of(anchor: int, expires_on: date) -> bool:
    """Whether a contract counted by this day of the month can expire on that day (algorithms.md 1)."""
    return expires_on.day == min(anchor, monthrange(expires_on.year, expires_on.month)[1])


def _read_plan(cell: str, given: dict[str, Any], draft: "Draft", layout: Layout, rules: ImportRules) -> None:
    word = plain(cell).lower()
    code = layout.words.get("plans", {}).get(word) or rules.plans.get(word)
    if code is None:
        draft.refuse("plan", "unknown_plan", known="、".join(rules.plan_names))
    else:
        given["plan_code"] = code


class Draft:
    """One record on its way to a row; remembers whether anything was wrong."""

    def __init__(self, record: Record, layout: Layout, findings: Findings) -> None:
        self.line, self.cells = record
        self._layout, self._findings = layout, findings
        self._sound = True

    def fits(self) -> bool:
        """Whether the record has as many cells as the header; empty ones beyond it are Excel's and do not count."""
        width = self._layout.width
        if len(self.cells) < width or any(cell.strip() for cell in self.cells[width:]):
            self._note("", "", "ragged", {"expected": width, "found": len(self.cells)})
        return self._sound

    def cell(self, name: str) -> str:
        """What stands in the column of a field; "" without one."""
        position = self._layout.positions.get(name)
        return "" if position is None else self.cells[position].strip()

    def keys(self, kind: str) -> tuple[str, str | None]:
        """The key in the old system and the number people read; a second row with one of them is refused."""
        key_name, number_name = KEYS[kind]
        key, number = self._key(key_name, 80), self._key(number_name, 40)
        if not key and not number and self._sound:
            self.refuse(number_name if number_name in self._layout.positions else key_name, "key_missing")
        for name, value, seen in (
            (key_name if key else number_name, key or number, self._findings.keys),
            (number_name, number, self._findings.numbers),
        ):
            if not value:
                continue
            first = seen.setdefault(value, self.line)
            if first != self.line:
                self.refuse(name, "duplicate_key", first_line=first)
                break
        return key or number, number or None

    def _key(self, name: str, longest: int) -> str:
        cell = self.cell(name)
        if not cell:
            return ""
        try:
            return parse_key(cell, longest)
        except BadValueError as error:
            self._note(self._layout.header(name), cell, error.code, error.data)
            return ""

    def parse(self, parsers: Mapping[str, Parser]) -> dict[str, Any]:
        """The values of all cells that say something; what cannot be read is noted."""
        given: dict[str, Any] = {}
        positions = self._layout.positions
        for name, parse in parsers.items():
            position = positions.get(name)
            if position is not None and (cell := self.cells[position].strip()):
                try:
                    given[name] = parse(cell)
                except BadValueError as error:
                    self._note(self._layout.header(name), cell, error.code, error.data)
        return given

    def need(self, given: Mapping[str, Any], *names: str) -> None:
        """Note empty cells that must not be."""
        for name in names:
            if name not in given and not self.cell(name):
                self.refuse(name, "missing")

    def refuse(self, name: str, code: str, **data: object) -> None:
        """Note a problem of one field."""
        self._note(self._layout.header(name), self.cell(name), code, data)

    def _note(self, column: str, value: str, code: str, data: Mapping[str, object]) -> None:
        self._sound = False
        self._findings.problems.append(Problem(self.line, column, value, code, data))

    def row(self, key: str, number: str | None, given: dict[str, Any]) -> Row | None:
        """The finished row; None when anything was wrong."""
        return Row(self.line, key, number, given) if self._sound else None
