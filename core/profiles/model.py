"""The profile: everything an operator decides, typed, frozen and checked as a whole."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from core.money import TaxRounding
from core.profiles.articles import FaqArticle, check_articles
from core.profiles.booking import Bookings
from core.profiles.rules import (
    NO_REMINDERS,
    NO_RENEWAL,
    BusinessHours,
    Linking,
    Operator,
    Queue,
    Reminders,
    Renewal,
    ServiceLevel,
    Support,
    TicketKind,
    Trial,
    Wording,
)
from core.profiles.selling import BankAccount, MethodCode, Payment, PaymentMethod, Plan, PlanKind, PlanPrice
from core.profiles.shapes import Code, Flaws, Language, LocalText, Part, Rows, repeated, whole

__all__ = [
    "BankAccount",
    "Bookings",
    "BusinessHours",
    "Language",
    "Linking",
    "LocalText",
    "MethodCode",
    "Operator",
    "Payment",
    "PaymentMethod",
    "Plan",
    "PlanKind",
    "PlanPrice",
    "Profile",
    "Queue",
    "Reminders",
    "Renewal",
    "ServiceLevel",
    "Support",
    "TicketKind",
    "Trial",
    "Wording",
]


class Profile(Part):
    """One operator's rules and starting catalogue.

    Prices here are the start only: once loaded, the catalogue in the database counts. Whether prices include tax is
    one answer for the whole profile; members see totals with tax either way (algorithms.md 3).

    An operator sells plans, takes reservations, or both; what belongs to plans (renewal, reminders, trial) is left out
    where there are none.
    """

    name: Code
    title: LocalText
    language: Language
    price_includes_tax: bool
    tax_rate_percent: Annotated[int, whole("消費税率（%）", "the tax rate in percent", low=0, high=30)]
    tax_rounding: Annotated[TaxRounding, Field(strict=False)]
    operator: Operator
    renewal: Renewal = NO_RENEWAL
    reminders: Reminders = NO_REMINDERS
    trial: Trial | None = None
    payment: Payment
    linking: Linking
    support: Support
    plans: Rows[Plan] = ()
    bookings: Bookings | None = None
    faq: Rows[FaqArticle] = ()
    wording: Wording = Wording()

    def plan(self, code: str) -> Plan:
        """The plan `code`; KeyError when there is none."""
        for plan in self.plans:
            if plan.code == code:
                return plan
        raise KeyError(f"plans: {code}")

    def method(self, code: str) -> PaymentMethod:
        """The payment method `code`; KeyError when the operator does not offer it."""
        for method in self.payment.methods:
            if method.code == code:
                return method
        raise KeyError(f"payment.methods: {code}")

    def list_manual_methods(self) -> tuple[PaymentMethod, ...]:
        """Methods a member may choose when renewing by hand, in the file's order."""
        return tuple(method for method in self.payment.methods if method.manual)

    def is_month_end_offered(self, plan_code: str) -> bool:
        """Whether a renewal of this plan may be filled to the end of the month (row R5)."""
        return self.renewal.month_end_offered and self.plan(plan_code).month_end_offered

    def find_wording(self, key: str, language: Language) -> str | None:
        """The operator's own text for a wording key, or None when the product's own holds."""
        return (self.wording.ja if language == "ja" else self.wording.en).get(key)

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        self._check_parts(flaws)
        check_articles(flaws, self.faq)
        for place, day in enumerate(self.reminders.milestones):
            if day > self.renewal.grace_days:
                flaws.add(
                    ("reminders", "milestones", place),
                    f"案内の日 {day} は猶予期間（renewal.grace_days、{self.renewal.grace_days}日）より後です",
                    f"milestone {day} lies after the grace period ({self.renewal.grace_days} days)",
                )
        for place in repeated(self.plans, lambda plan: plan.code):
            flaws.add(
                ("plans", place, "code"),
                f"プラン {self.plans[place].code} が二度書かれています",
                f"plan {self.plans[place].code} is written twice",
            )
        for place, plan in enumerate(self.plans):
            for at, term in enumerate(plan.terms):
                if "renewal" in self.model_fields_set and term not in self.renewal.terms:
                    flaws.add(
                        ("plans", place, "terms", at),
                        f"{term}か月が全体の契約期間（renewal.terms）にありません",
                        f"{term} months is not among renewal.terms",
                    )
            if plan.trial_offered and self.trial is None:
                flaws.add(
                    ("plans", place, "trial_offered"),
                    "お試しの決まり（[trial]）が書かれていません",
                    "the [trial] table is missing",
                )
        flaws.raise_if_any()
        return self

    def _check_parts(self, flaws: Flaws) -> None:
        """Which parts need which."""
        given = self.model_fields_set
        if not self.plans and self.bookings is None:
            flaws.add(
                ("plans",),
                "プラン（[[plans]]）か予約（[bookings]）の少なくとも一方が必要です",
                "there must be plans, bookings, or both",
            )
        for name in ("renewal", "reminders"):
            if self.plans and name not in given:
                flaws.add((name,), f"プランがあるときは [{name}] が必要です", f"plans need a [{name}] table")
        for name in ("renewal", "reminders", "trial"):
            if not self.plans and name in given and self.bookings is not None:
                flaws.add(
                    (name,),
                    f"プランがないので [{name}] は使われません。表ごと消してください",
                    f"without plans [{name}] is not used: remove the table",
                )
        queues = [queue.code for queue in self.support.queues]
        if self.bookings is not None and self.bookings.queue not in queues:
            flaws.add(
                ("bookings", "queue"),
                f"窓口「{self.bookings.queue}」が support.queues にありません（あるもの: {'、'.join(queues)}）",
                f"queue '{self.bookings.queue}' is not among support.queues ({', '.join(queues)})",
            )
