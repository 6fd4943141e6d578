"""A seeded generator of reservations as a firm that rents facilities has them; nobody in it is real, no two overlap.

Deterministic for (members, seed, day). The facilities and categories are those of the shipped profile `facility`.
"""

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from core.exchange.names import GIVEN_NAMES, SURNAMES
from core.exchange.sample import SampleMember

YEN_PER_HOUR = {"room-1": 1_800, "room-2": 2_400, "hall": 6_500, "studio": 2_200, "on-site": 9_000}
CATEGORIES = {"room-1": "room", "room-2": "room", "hall": "room", "studio": "studio", "on-site": "work"}
PURPOSES = {
    "room": ("定例会議", "採用面接", "社内研修", "説明会", "読書会", "理事会", "新年度の打ち合わせ"),
    "studio": ("バンド練習", "合唱の練習", "録音"),
    "work": ("消防設備の点検", "空調の清掃", "照明の交換", "害虫の調査"),
}
FIRST_HOUR, LAST_HOUR = 9, 21
MEASURES = ("銀行振込", "銀行振込", "クレジットカード")


@dataclass(frozen=True, slots=True)
class SampleReservation:
    """One reservation; instants are wall-clock times in Japan. `amount_yen` None: not fixed yet."""

    reservation_no: str
    member: SampleMember
    facility_code: str
    category_code: str
    status: str
    used_on: date
    used_from: time
    used_until: time
    purpose: str
    booked_at: datetime
    confirmed_at: datetime | None
    amount_yen: int | None
    payment_method: str
    payment_due_on: date | None
    payment_state: str
    contact_name: str
    contact_phone: str

    @property
    def billing_name(self) -> str:
        """Whom the bill goes to."""
        return f"{self.member.name} 経理ご担当" if self.member.kind == "corporate" else self.member.name


def make_reservations(
    members: Sequence[SampleMember], *, seed: int, day: date, number: str = "YM{:06d}", before: int = 0
) -> list[SampleReservation]:
    """Some for most of these members, in the order of booking, numbered `number` from `before` + 1 on."""
    dice = random.Random(f"{seed}/{day}/reservations")
    taken: set[tuple[str, date, int]] = set()
    made = []
    for member in members:
        for _ in range(dice.choice((0, 0, 1, 1, 1, 2, 2, 3))):
            made.append(_draw(dice, member, day, taken))  # noqa: PERF401 - each depends on those before
    made.sort(key=lambda each: (each.booked_at, each.reservation_no))
    return [_numbered(each, number.format(before + place)) for place, each in enumerate(made, start=1)]


def _numbered(each: SampleReservation, reservation_no: str) -> SampleReservation:
    values = {name: getattr(each, name) for name in SampleReservation.__dataclass_fields__}
    return SampleReservation(**{**values, "reservation_no": reservation_no})


def _draw(dice: random.Random, member: SampleMember, day: date, taken: set[tuple[str, date, int]]) -> SampleReservation:
    while True:
        facility = dice.choice(tuple(YEN_PER_HOUR))
        used_on = day + timedelta(days=dice.randint(-300, 120))
        hours = dice.randint(1, 4)
        begin = dice.randint(FIRST_HOUR, LAST_HOUR - hours)
        cells = {(facility, used_on, hour) for hour in range(begin, begin + hours)}
        if facility == "on-site" or not cells & taken:
            break
    taken |= cells
    status = _status(dice, used_on, day)
    booked_at = datetime.combine(
        min(used_on - timedelta(days=dice.randint(5, 60)), day - timedelta(days=1)),
        time(dice.randint(8, 22), dice.randint(0, 59)),
    )
    category = CATEGORIES[facility]
    fixed = status in ("confirmed", "used")
    family, given = dice.choice(SURNAMES), dice.choice(GIVEN_NAMES)
    corporate = member.kind == "corporate"
    return SampleReservation(
        reservation_no="",
        member=member,
        facility_code=facility,
        category_code=category,
        status=status,
        used_on=used_on,
        used_from=time(begin),
        used_until=time(begin + hours),
        purpose=dice.choice(PURPOSES[category]),
        booked_at=booked_at,
        confirmed_at=booked_at + timedelta(hours=dice.randint(1, 50)) if fixed else None,
        amount_yen=YEN_PER_HOUR[facility] * hours if fixed else None,
        payment_method=dice.choice(MEASURES) if fixed else "",
        payment_due_on=used_on + timedelta(days=30) if fixed else None,
        payment_state=_payment_state(dice, fixed=fixed, status=status, used_on=used_on, day=day),
        contact_name=f"{family[0]} {given[0]}" if corporate else member.name,
        contact_phone=f"03-0000-{dice.randint(0, 9999):04d}" if corporate else member.phone,
    )


def _status(dice: random.Random, used_on: date, day: date) -> str:
    if used_on < day:
        return "cancelled" if dice.random() < 0.12 else "used"
    return dice.choices(("confirmed", "asked", "waiting", "cancelled"), (70, 18, 6, 6))[0]


def _payment_state(dice: random.Random, *, fixed: bool, status: str, used_on: date, day: date) -> str:
    if not fixed:
        return "none" if status == "cancelled" else "unfixed"
    if used_on + timedelta(days=30) < day:
        return "unpaid" if dice.random() < 0.04 else "paid"
    return "paid" if dice.random() < 0.3 else "unpaid"


HEADER = (
    *("予約番号", "会員番号", "会員名", "施設", "区分", "予約状態", "利用日", "開始時刻", "終了時刻", "利用目的"),
    *("予約完了日時", "予約確定日時", "金額", "支払方法", "支払期限", "支払状況", "担当者", "担当者電話番号"),
    *("請求担当者", "請求先郵便番号", "請求先住所", "請求先メールアドレス"),
)
FACILITY_NAMES = {
    "room-1": "第1会議室",
    "room-2": "第2会議室",
    "hall": "多目的ホール",
    "studio": "音楽スタジオ",
    "on-site": "出張作業",
}
CATEGORY_NAMES = {"room": "会議室・ホール", "studio": "スタジオ", "work": "作業（点検・清掃）"}
_STATES = {
    "asked": "申込中",
    "waiting": "キャンセル待ち",
    "confirmed": "確定",
    "used": "利用済み",
    "cancelled": "キャンセル",
}
_PAYMENT_STATES = {"unfixed": "金額未確定", "unpaid": "未払い", "paid": "入金済み", "none": "請求なし"}


def write_reservations_sample(reservations: Sequence[SampleReservation], folder: Path) -> Path:
    """reservations.csv (Shift_JIS) as an old system writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "reservations.csv"
    with path.open("w", encoding="cp932", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(_cells(each) for each in reservations)
    return path


def _cells(each: SampleReservation) -> tuple[str, ...]:
    member = each.member
    return (
        each.reservation_no,
        member.member_no,
        member.name,
        FACILITY_NAMES[each.facility_code],
        CATEGORY_NAMES[each.category_code],
        _STATES[each.status],
        _day(each.used_on),
        f"{each.used_from:%H:%M}",
        f"{each.used_until:%H:%M}",
        each.purpose,
        _moment(each.booked_at),
        _moment(each.confirmed_at),
        "" if each.amount_yen is None else f"{each.amount_yen:,}",
        each.payment_method,
        _day(each.payment_due_on),
        _PAYMENT_STATES[each.payment_state],
        each.contact_name,
        each.contact_phone,
        each.billing_name,
        member.postal_code,
        member.address,
        member.email,
    )


def _day(day: date | None) -> str:
    return f"{day.year}/{day.month}/{day.day}" if day else ""


def _moment(at: datetime | None) -> str:
    return f"{at.year}/{at.month}/{at.day} {at:%H:%M}" if at else ""
