"""The profile: everything an operator decides, typed, frozen and checked as a whole."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from core.money import TaxRounding
from core.profiles.rules import (
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
    """

    name: Code
    title: LocalText
    language: Language
    price_includes_tax: bool
    tax_rate_percent: Annotated[int, whole("消費税率（%）", "the tax rate in percent", low=0, high=30)]
    tax_rounding: Annotated[TaxRounding, Field(strict=False)]
    operator: Operator
    renewal: Renewal
    reminders: Reminders
    trial: Trial | None = None
    payment: Payment
    linking: Linking
    support: Support
    plans: Annotated[Rows[Plan], Field(min_length=1)]
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
                if term not in self.renewal.terms:
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
