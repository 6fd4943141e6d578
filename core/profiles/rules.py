"""Who the operator is, and the rules for renewing, reminding, linking and answering."""

import datetime as dt
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from core.profiles.shapes import (
    ClockTime,
    Code,
    DayOffset,
    Flaws,
    LocalText,
    Part,
    Rows,
    TermMonths,
    Text,
    refusal,
    repeated,
    whole,
    worded,
)

Days = Annotated[int, whole("日数", "a number of days", low=0, high=365)]
Count = Annotated[int, whole("回数", "a count", low=1, high=10_000)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Operator(Part):
    """The company members deal with; printed on invoices and shown at every hand-over to a person."""

    name: LocalText
    registration_number: Annotated[
        str,
        worded(
            r"T\d{13}",
            "適格請求書の登録番号は「T」と半角数字13桁で指定してください",
            "the invoice registration number is T and 13 digits",
        ),
    ]
    postal_code: Annotated[str, worded(r"\d{3}-\d{4}", "郵便番号は 123-4567 の形にしてください", "as 123-4567")]
    address: LocalText
    phone: Annotated[
        str, worded(r"0[\d-]{8,12}\d", "電話番号は 0120-000-000 の形にしてください", "a phone number as 0120-000-000")
    ]
    hours: LocalText
    mail_from_name: LocalText
    website: Annotated[
        str, worded(r"https?://\S+", "https:// で始まるアドレスを指定してください", "must start with https://")
    ]


def is_check_digit_right(registration_number: str) -> bool:
    """Whether T + 13 digits carries the check digit of a corporate number.

    The first digit is 9 − (Σ of the other twelve, counted from the right, odd places once, even places twice) mod 9
    (法人番号の指定等に関する省令2条). Sole traders' numbers need not follow it, so a failure is only warned about
    (algorithms.md 3).
    """
    first, rest = int(registration_number[1]), registration_number[2:]
    weighted = sum(int(digit) * (1 if place % 2 else 2) for place, digit in enumerate(reversed(rest), start=1))
    return first == 9 - weighted % 9


def _check_milestones(flaws: Flaws, field: str, milestones: tuple[int, ...]) -> None:
    for place in range(1, len(milestones)):
        if milestones[place] <= milestones[place - 1]:
            flaws.add(
                (field, place),
                f"案内の日は早いものから順に、重ならないように並べてください（{milestones[place]} が順番どおりではありません）",
                f"milestones go from early to late without repetition ({milestones[place]} is out of order)",
            )


class Renewal(Part):
    """Renewal by hand (row R1): until when, for how long, and what holds in grace."""

    window_days_after_expiry: Days
    grace_days: Days
    grace_service_runs: bool
    month_end_offered: bool
    terms: Annotated[Rows[TermMonths], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        if self.window_days_after_expiry > self.grace_days:
            flaws.add(
                ("window_days_after_expiry",),
                f"更新できる日数（{self.window_days_after_expiry}日）は猶予期間（grace_days、{self.grace_days}日）以内にしてください。"
                "猶予期間を過ぎた契約は終了しています",
                "the renewal window cannot be longer than grace_days: after grace a contract has ended",
            )
        for place in range(1, len(self.terms)):
            if self.terms[place] <= self.terms[place - 1]:
                flaws.add(
                    ("terms", place),
                    "契約期間は短いものから順に、重ならないように並べてください",
                    "terms go from short to long without repetition",
                )
        flaws.raise_if_any()
        return self


class Reminders(Part):
    """Milestones of the reminders for contracts renewed by hand, and the hours they may arrive (rows R2, X4)."""

    milestones: Annotated[Rows[DayOffset], Field(min_length=1)]
    on_request: Rows[DayOffset]
    send_at: ClockTime
    quiet_from: ClockTime
    quiet_until: ClockTime
    spread_minutes: Annotated[int, whole("分数", "minutes", low=0, high=720)]
    show_details_in_first_line: bool

    def is_quiet(self, at: dt.time) -> bool:
        """Whether nothing may be sent at this time of day in Japan; `quiet_until` itself is allowed again."""
        if self.quiet_from < self.quiet_until:
            return self.quiet_from <= at < self.quiet_until
        return at >= self.quiet_from or at < self.quiet_until

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        _check_milestones(flaws, "milestones", self.milestones)
        for place, day in enumerate(self.on_request):
            if day not in self.milestones:
                flaws.add(
                    ("on_request", place),
                    f"希望者だけに送る案内の日 {day} が milestones にありません",
                    f"{day} is not among milestones",
                )
        for place in repeated(self.on_request, lambda day: day):
            flaws.add(("on_request", place), "同じ日が二度書かれています", "the same day is written twice")
        if self.quiet_from == self.quiet_until:
            flaws.add(
                ("quiet_until",),
                "通知しない時間帯の始まりと終わりが同じです。別の時刻にしてください",
                "quiet_from and quiet_until must differ",
            )
        elif any(self.is_quiet(_later(self.send_at, minutes)) for minutes in range(self.spread_minutes + 1)):
            flaws.add(
                ("send_at",),
                "送信時刻から spread_minutes 分のあいだに、通知しない時間帯が重なっています",
                "send_at and the spread_minutes after it fall into the quiet hours",
            )
        flaws.raise_if_any()
        return self


def _later(at: dt.time, minutes: int) -> dt.time:
    total = at.hour * 60 + at.minute + minutes
    return dt.time(total // 60 % 24, total % 60)


NO_RENEWAL = Renewal.model_construct(
    window_days_after_expiry=0, grace_days=0, grace_service_runs=False, month_end_offered=False, terms=()
)
"""Of an operator without plans: nothing to renew."""
NO_REMINDERS = Reminders.model_construct(
    milestones=(),
    on_request=(),
    send_at=dt.time(10),
    quiet_from=dt.time(21),
    quiet_until=dt.time(8),
    spread_minutes=0,
    show_details_in_first_line=False,
)
"""Of an operator without plans: nobody is reminded of an expiry."""


class Trial(Part):
    """A trial contract (row C11): its length, its own reminders, and how long it can still be turned into a paid one."""

    days: Annotated[int, whole("お試しの日数", "the length of a trial in days", low=1, high=365)]
    milestones: Rows[DayOffset]
    grace_days: Days

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        _check_milestones(flaws, "milestones", self.milestones)
        for place, day in enumerate(self.milestones):
            if not -self.days < day <= self.grace_days:
                flaws.add(
                    ("milestones", place),
                    f"案内の日 {day} は、お試しが始まってから grace_days が終わるまでのあいだにしてください",
                    f"milestone {day} must lie between the trial's start and the end of grace_days",
                )
        flaws.raise_if_any()
        return self


class Linking(Part):
    """Limits of the confirmation ID that ties a chat to a membership (row M1)."""

    code_minutes: Annotated[int, whole("確認IDの有効時間（分）", "minutes a code lives", low=1, high=60)]
    tries_per_code: Annotated[int, whole("入力できる回数", "tries for a code", low=1, high=10)]
    codes_per_member_hour: Count
    codes_per_member_day: Count
    codes_per_chat_hour: Count
    codes_per_address_hour: Count

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        if self.codes_per_member_day < self.codes_per_member_hour:
            flaws.add(
                ("codes_per_member_day",),
                "1日の回数は1時間の回数（codes_per_member_hour）以上にしてください",
                "the daily limit cannot be below the hourly limit",
            )
        flaws.raise_if_any()
        return self


class ServiceLevel(Part):
    """How soon a person answers: what the member is promised and what staff are warned about is this one value."""

    hours: int
    clock: Literal["elapsed", "business"]

    def text(self, language: str) -> str:
        """The promise as members read it."""
        if language == "ja":
            return f"{self.hours}時間以内" if self.clock == "elapsed" else f"営業時間で{self.hours}時間以内"
        return f"within {self.hours} hours" if self.clock == "elapsed" else f"within {self.hours} business hours"


def _to_service_level(value: Any) -> Any:
    if isinstance(value, ServiceLevel):
        return value
    found = re.fullmatch(r"([1-9]\d{0,2})h (elapsed|business)", value) if isinstance(value, str) else None
    if not found:
        raise refusal(
            '回答の目安は "8h business"（営業時間で）または "48h elapsed"（経過時間で）の形にしてください',
            'a service level is written as "8h business" or "48h elapsed"',
        )
    return ServiceLevel.model_validate({"hours": int(found[1]), "clock": found[2]})


Promise = Annotated[
    ServiceLevel,
    BeforeValidator(_to_service_level),
    PlainSerializer(lambda level: f"{level.hours}h {level.clock}", return_type=str),
]


class BusinessHours(Part):
    """When staff work; the business clock of the service levels runs only then."""

    weekdays: Annotated[Rows[Weekday], Field(min_length=1)]
    opens_at: ClockTime
    closes_at: ClockTime
    lunch_from: ClockTime | None = None
    lunch_until: ClockTime | None = None
    closed_on_holidays: bool
    closed_days: Rows[
        Annotated[
            str,
            worded(
                r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])",
                '毎年の休業日は "12-29" のように月-日で指定してください',
                'a yearly closing day is written as "12-29"',
            ),
        ]
    ] = ()
    days_off: Rows[dt.date] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        if self.opens_at >= self.closes_at:
            flaws.add(("closes_at",), "終了時刻は開始時刻より後にしてください", "must be later than opens_at")
        if (self.lunch_from is None) != (self.lunch_until is None):
            flaws.add(
                ("lunch_until" if self.lunch_until else "lunch_from",),
                "昼休みは lunch_from と lunch_until の両方を書いてください",
                "lunch needs both lunch_from and lunch_until",
            )
        elif (
            self.lunch_from is not None
            and self.lunch_until is not None
            and not (self.opens_at <= self.lunch_from < self.lunch_until <= self.closes_at)
        ):
            flaws.add(
                ("lunch_from",),
                "昼休みは営業時間の中で、始まりを終わりより前にしてください",
                "lunch must lie within the business hours",
            )
        for place in repeated(self.weekdays, lambda day: day):
            flaws.add(("weekdays", place), "同じ曜日が二度書かれています", "the same weekday is written twice")
        for place in repeated(self.days_off, lambda day: day):
            flaws.add(("days_off", place), "同じ日が二度書かれています", "the same day is written twice")
        flaws.raise_if_any()
        return self


class Queue(Part):
    """A desk queue of tickets, e.g. accounting (経理) or technical."""

    code: Code
    name: LocalText


class FieldChoice(Part):
    """One of the answers that a field of an inquiry offers."""

    code: Code
    name: LocalText


class TicketField(Part):
    """Something more that a kind of inquiry asks for; `contract` offers the member's contracts, `choice` its choices."""

    code: Code
    name: LocalText
    type: Literal["text", "number", "date", "choice", "contract"]
    required: bool = False
    choices: Rows[FieldChoice] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        if (self.type == "choice") != bool(self.choices):
            flaws.add(
                ("choices",),
                "選択肢（choices）は type が choice の項目だけに、1つ以上書いてください",
                "choices belong to a field of type choice, at least one",
            )
        for place in repeated(self.choices, lambda choice: choice.code):
            flaws.add(("choices", place, "code"), "同じコードの選択肢が二つあります", "two choices have the same code")
        flaws.raise_if_any()
        return self


class TicketKind(Part):
    """A kind of inquiry a member chooses; it decides the queue and what is asked for (row Q1)."""

    code: Code
    name: LocalText
    queue: Code
    fields: Rows[TicketField] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        for place in repeated(self.fields, lambda field: field.code):
            flaws.add(("fields", place, "code"), "同じコードの項目が二つあります", "two fields have the same code")
        flaws.raise_if_any()
        return self


class Support(Part):
    """How people answer: queues, kinds of inquiry, promises and hours."""

    first_answer: Promise
    next_answer: Promise
    resolution: Promise
    reopen_days: Annotated[int, whole("日数", "a number of days", low=0, high=365)] = 7
    silence_warning_days: Annotated[int, whole("日数", "a number of days", low=1, high=365)] = 5
    silence_close_days: Annotated[int, whole("日数", "a number of days", low=1, high=365)] = 3
    alert_email: Annotated[
        str,
        worded(
            r"|[^@\s]+@[^@\s]+",
            "担当者に緊急を知らせるメールアドレスを指定してください（なければ空にします）",
            "a mail address of staff for what is urgent, or empty",
        ),
    ] = ""
    business_hours: BusinessHours
    queues: Annotated[Rows[Queue], Field(min_length=1)]
    kinds: Annotated[Rows[TicketKind], Field(min_length=1)]

    @property
    def reopen_within(self) -> dt.timedelta:
        """How long after solving the member's words open the same ticket again."""
        return dt.timedelta(days=self.reopen_days)

    def kind(self, code: str) -> TicketKind:
        """The kind of inquiry `code`; KeyError when the profile has none of that name."""
        return next((kind for kind in self.kinds if kind.code == code), None) or _unknown("support.kinds", code)

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        known = [queue.code for queue in self.queues]
        for place in repeated(self.queues, lambda queue: queue.code):
            flaws.add(("queues", place, "code"), "同じコードの窓口が二つあります", "two queues have the same code")
        for place in repeated(self.kinds, lambda kind: kind.code):
            flaws.add(("kinds", place, "code"), "同じコードの種類が二つあります", "two kinds have the same code")
        for place, kind in enumerate(self.kinds):
            if kind.queue not in known:
                flaws.add(
                    ("kinds", place, "queue"),
                    f"窓口「{kind.queue}」が support.queues にありません（あるもの: {'、'.join(known)}）",
                    f"queue '{kind.queue}' is not among support.queues ({', '.join(known)})",
                )
        flaws.raise_if_any()
        return self


def _unknown(table: str, code: str) -> Any:
    raise KeyError(f"{table}: {code}")


WordingKey = Annotated[
    str,
    worded(
        r"[a-z0-9_.-]{1,80}",
        "文言のキーは半角の英小文字・数字・「.」「_」で80文字以内です",
        "a wording key has lower-case letters, digits, '.' and '_', 80 at most",
    ),
]


def _refuse_unquoted_key(value: Any) -> Any:
    if isinstance(value, dict):  # TOML reads renew.done = "…" as a table "renew"
        raise refusal(
            '「.」を含むキーは引用符で囲んでください（例: "renew.done" = "…"）',
            'a key with a dot needs quotes, e.g. "renew.done" = "…"',
        )
    return value


OwnText = Annotated[Text, BeforeValidator(_refuse_unquoted_key)]


class Wording(Part):
    """Texts that replace the product's own, by wording key, per language."""

    ja: dict[WordingKey, OwnText] = Field(default_factory=dict)
    en: dict[WordingKey, OwnText] = Field(default_factory=dict)
