"""Finding and masking what is a value, not a word: numbers, dates, amounts, domains, addresses (intents.md, slots).

The mask keeps one private-use character a value, so that the wording around it can be compared with other wording.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum

from bot.understanding.amounts import find_amounts, read_number
from bot.understanding.dates import DateReading, find_dates


class Kind(Enum):
    """What a masked value is; the value is the character that stands for it in the masked text."""

    AMOUNT = "\ue001"
    DATE = "\ue002"
    DOMAIN = "\ue003"
    EMAIL = "\ue004"
    INVOICE = "\ue005"
    RESERVATION = "\ue006"
    TICKET = "\ue007"
    CONTRACT = "\ue008"
    TERM = "\ue009"
    MEMBER = "\ue00a"


MASKS = "".join(kind.value for kind in Kind)


@dataclass(frozen=True, slots=True)
class Entity:
    """One value: where it stood in the normalised text, where its mask stands, and what it means."""

    kind: Kind
    start: int
    end: int
    at: int
    written: str
    text: str = ""
    number: int = 0
    past: DateReading | None = None
    coming: DateReading | None = None
    tense: int = 0


@dataclass(frozen=True, slots=True)
class Masked:
    """A normalised text and the same with its values masked."""

    plain: str
    text: str
    entities: tuple[Entity, ...]

    def of(self, kind: Kind) -> list[Entity]:
        """The values of one kind, in the order said."""
        return [entity for entity in self.entities if entity.kind is kind]

    def written(self, start: int, end: int) -> str:
        """The words between two places of the masked text, as the member wrote them."""
        origins = {entity.at: entity.written for entity in self.entities}
        return "".join(origins.get(at, self.text[at]) for at in range(start, end))


_TLD = (
    "jp|com|net|org|info|biz|co|io|dev|app|me|tv|asia|tokyo|osaka|nagoya|kyoto|yokohama|okinawa|xyz|shop|site|"
    "online|club|cloud|store"
    "|blog|tech|work|fun|us|uk|eu|de|fr|cn|kr|tw|ai|cc|ws|mobi|space|website|page|link|pro|design|studio|media|"
    "wiki|world|life|name"
    "|example|test|gr|or|ne|ac|go|ed|lg|one|moe|fm|to|in|jobs|pub|inc|ltd|agency|art|bar|cafe|news|email|live|"
    "today|art"
)
_EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_DOMAIN = re.compile(
    r"(?:https?://)?(?P<domain>(?<![A-Za-z0-9@.])(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    rf"(?:{_TLD})(?![A-Za-z0-9-])(?!\.[A-Za-z0-9]))(?:/[\x21-\x7e]*)?",
    re.IGNORECASE,
)
_IDN = re.compile(
    r"(?:^|(?<=[\s、。「『(,]))(?P<domain>[\u3041-\u30ff\u4e00-\u9fff々A-Za-z0-9-]{1,40}\.(?:jp|com|net|"
    r"tokyo))(?![A-Za-z0-9.-])"
)
_LABEL_END = r"\s?(?:番号|ナンバー|no\.?|nr\.?|number|num|id|#|№)?\s?(?:は|が|の|:|=|is|#|「|no\.?)?\s?"
_COUNTED = (
    r"(?!\s?(?:円|月|日|年|枚|件|通|つ|個|本|人|名|時|分|yen|days?|weeks?|months?|years?)|"
    r"[\d,./:-]*\d(?:円|月|日|年))(?![A-Za-z\d])"
)
_CODES: list[tuple[Kind, re.Pattern[str]]] = [
    (Kind.INVOICE, re.compile(r"(?<![A-Za-z0-9])inv\s?-?\s?(?P<a>20\d\d)\s?-\s?(?P<b>\d{1,8})(?!\d)|"
            r"(?<![A-Za-z0-9])inv-?(?P<c>20\d\d)(?P<d>\d{6})(?!\d)", re.I)),
    (Kind.RESERVATION, re.compile(r"(?<![A-Za-z0-9])(?P<code>r-\d{1,8})(?![\d.-])", re.I)),
    (Kind.TICKET, re.compile(r"(?<![A-Za-z0-9])(?P<code>t-\d{1,8})(?![\d.-])", re.I)),
    (Kind.MEMBER, re.compile(r"(?<![A-Za-z0-9])(?P<code>m-\d{1,8})(?![\d.-])", re.I)),
    (Kind.CONTRACT, re.compile(r"(?<![A-Za-z0-9])(?P<code>c-\d{1,8})(?![\d.-])", re.I)),
]  # fmt: skip
_LABELLED: list[tuple[Kind, re.Pattern[str]]] = [
    (Kind.INVOICE, re.compile(rf"(?:(?:請求書?|invoice|bill){_LABEL_END})(?P<code>\d{{2,12}}){_COUNTED}", re.I)),
    (Kind.RESERVATION, re.compile(rf"(?:(?:予約|reservation|"
            rf"booking){_LABEL_END})(?P<code>\d{{2,12}}){_COUNTED}", re.I)),
    (Kind.TICKET, re.compile(rf"(?:(?:お?問い?合わ?せ|チケット|受付|ticket|inquiry|enquiry|"
            rf"case){_LABEL_END})(?P<code>\d{{2,12}}){_COUNTED}", re.I)),
    (
        Kind.MEMBER,
        re.compile(
            r"(?:(?:会員|メンバー|ユーザー?|利用者|顧客)\s?(?:番号|id|ナンバー|no\.?)|(?:member(?:ship)?|"
            r"customer|user|account)\s?(?:id|number|no\.?|#)|\bmy\sid|\bid)"
            r"\s?(?:は|が|:|=|is|「)?\s?(?P<code>(?=[A-Za-z_-]*\d)[A-Za-z0-9][A-Za-z0-9_-]{2,31})(?![A-Za-z0-9])",
            re.I,
        ),
    ),
]  # fmt: skip
_NUMBER_LABEL = re.compile(r"番号|ナンバー|no\b|number|#", re.IGNORECASE)
_CONTRACT_NAME = re.compile(
    r"(?<![A-Za-z0-9_.-])(?P<code>(?=[A-Za-z_-]*\d)[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)*)(?![A-Za-z0-9_-])(?!\s?(?:プラン|plan|会議室|ホール))"
)
_NOT_A_CONTRACT = re.compile(
    r"(?:[rhs]\d{1,2}|ns\d|[a-z]\d|tls\d*|ipv[46]|php\d*|mp3|mp4|h264|utf8|win(?:dows)?\d+|iphone\d*|ps[45]|"
    r"office\d+|3d|2fa|b2b|covid19|room\d*"
    r"|(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)\d+|jpy\d+|no\d+|x\d+|p\d+|sha\d+|md5|html5|"
    r"css3|web3|s3|ec2|v\d+)",
    re.IGNORECASE,
)
_TERM_JA = re.compile(
    r"(?P<half>半年)(?:間|分)?|(?<![\d年/])(?P<y>\d{1,2}|[一二三四五六七八九十]{1,2})\s?(?:年(?!前|後|目|度|"
    r"\s?\d{1,2}月|払)(?:間|分)?(?P<plus>半)?|ねん(?:間|かん)?)"
    r"|(?<!\d)(?P<m>\d{1,2}|[一二三四五六七八九十]{1,2})\s?(?:[ヶかヵカケ箇]\s?月|か?げつ)(?!前|後)(?:間|分)?"
    r"|(?P<one>ひと月|一月分|1月分)"
)
_EN_COUNT = {
    "a": 1,
    "an": 1,
    "one": 1,
    "another": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "ten": 10,
    "twelve": 12,
    "eighteen": 18,
    "twenty-four": 24,
}
_EN_NUM = rf"(?:\d{{1,2}}|{'|'.join(sorted(_EN_COUNT, key=len, reverse=True))})"
_TERM_EN = re.compile(
    rf"\b(?P<half>half[ -](?:a[ -])?year|half[ -]yearly|six[ -]months?)\b|\b(?P<n>{_EN_NUM})(?:\s(?:more|full|"
    rf"extra|whole))?[ -]?(?P<unit>years?|yrs?|months?|mos?)(?P<andhalf>\sand\sa\shalf)?\b(?!\s(?:ago|"
    rf"later|before|from now))",
    re.IGNORECASE,
)
_MONTH_COUNT_BEFORE = re.compile(r"\b(?:in|for the last|past|last|next|this|every|per)\s$", re.IGNORECASE)


def _term_months(match: re.Match[str]) -> int:
    groups = match.groupdict()
    if groups.get("half"):
        return 6
    if groups.get("one"):
        return 1
    if groups.get("y"):
        return (read_number(groups["y"]) or 0) * 12 + (6 if groups["plus"] else 0)
    if groups.get("m"):
        return read_number(groups["m"]) or 0
    word = groups["n"].lower()
    count = int(word) if word.isdigit() else _EN_COUNT[word]
    return count * 12 + (6 if groups["andhalf"] else 0) if groups["unit"].lower().startswith("y") else count


class _Collector:
    """Gathers values without overlap, the first come first served."""

    def __init__(self, plain: str) -> None:
        self.plain = plain
        self._taken = bytearray(len(plain))
        self.found: list[Entity] = []

    def add(self, kind: Kind, start: int, end: int, **values: object) -> None:
        if start < end and not any(self._taken[start:end]):
            self._taken[start:end] = b"\x01" * (end - start)
            self.found.append(Entity(kind, start, end, 0, self.plain[start:end], **values))  # type: ignore[arg-type]

    def masked(self) -> Masked:
        parts, entities, at, length = [], [], 0, 0
        for entity in sorted(self.found, key=lambda one: one.start):
            between = self.plain[at : entity.start]
            length += len(between)
            parts += [between, entity.kind.value]
            entities.append(_placed(entity, length))
            length += 1
            at = entity.end
        parts.append(self.plain[at:])
        return Masked(self.plain, "".join(parts), tuple(entities))


def _placed(entity: Entity, at: int) -> Entity:
    return Entity(
        entity.kind, entity.start, entity.end, at, entity.written, entity.text, entity.number, entity.past,
        entity.coming, entity.tense,
    )  # fmt: skip


def find_entities(plain: str, *, today: date) -> Masked:
    """All values of a normalised text. Dates carry both readings, since only the intent says which one is meant."""
    collect = _Collector(plain)
    for match in _EMAIL.finditer(plain):
        collect.add(Kind.EMAIL, *match.span(), text=match.group())
    for pattern in (_DOMAIN, _IDN):
        for match in pattern.finditer(plain):
            collect.add(Kind.DOMAIN, *match.span(), text=match["domain"])
    _collect_numbers(collect, plain)
    for amount in find_amounts(plain):
        collect.add(Kind.AMOUNT, amount.start, amount.end, number=amount.yen)
    coming = {(one.start, one.end): one.reading for one in find_dates(plain, today=today, past=False)}
    for found in find_dates(plain, today=today, past=True):
        there = coming.get((found.start, found.end), found.reading)
        collect.add(Kind.DATE, found.start, found.end, past=found.reading, coming=there, tense=found.tense)
    for pattern in (_TERM_JA, _TERM_EN):
        for match in pattern.finditer(plain):
            if not _MONTH_COUNT_BEFORE.search(plain[: match.start()]):
                collect.add(Kind.TERM, *match.span(), number=_term_months(match))
    for match in _CONTRACT_NAME.finditer(plain):
        if not _NOT_A_CONTRACT.fullmatch(match["code"]):
            collect.add(Kind.CONTRACT, *match.span(), text=match["code"])
    return collect.masked()


def _collect_numbers(collect: _Collector, plain: str) -> None:
    for kind, pattern in _CODES:
        for match in pattern.finditer(plain):
            if kind is Kind.INVOICE:
                printed = f"INV-{match['a']}-{match['b']}" if match["a"] else f"INV-{match['c']}-{match['d']}"
            else:
                printed = match["code"].upper()
            collect.add(kind, *match.span(), text=printed)
    for kind, pattern in _LABELLED:
        for match in pattern.finditer(plain):
            label = plain[match.start() : match.start("code")]
            start = match.start() if _NUMBER_LABEL.search(label) else match.start("code")
            collect.add(kind, start, match.end("code"), text=match["code"])
