"""What is sold and how it is paid: plans with their starting prices, payment methods, bank accounts, deadlines."""

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from core.profiles.shapes import Code, Flaws, LocalText, Part, Rows, TermMonths, Text, Yen, repeated, whole, worded

MethodCode = Literal[
    "bank_transfer", "credit_card", "konbini", "pay_easy", "paypal", "paypay", "wallet", "direct_debit"
]
ShortText = Annotated[
    Text, worded(r"[^\n]{1,100}", "100文字以内の1行にしてください", "one line of 100 letters at most")
]
PlanKind = Literal["server", "domain", "ssl", "option"]


class PaymentMethod(Part):
    """A way to pay, offered for renewal by hand, for automatic renewal, or both (row P2)."""

    code: MethodCode
    name: LocalText
    manual: bool
    automatic: bool
    confirmation_time: LocalText
    fee_yen: Yen = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        if self.automatic and self.code not in ("credit_card", "wallet", "direct_debit", "paypal"):
            flaws.add(
                ("automatic",),
                f"{self.code} は自動更新には使えません。automatic = false にしてください",
                f"{self.code} cannot be charged without the member; set automatic = false",
            )
        if not self.automatic and not self.manual:
            flaws.add(
                ("manual",),
                "manual と automatic がどちらも false なので、この方法は使われません。使わない方法は行ごと消してください",
                "neither manual nor automatic: remove a method that is not used",
            )
        flaws.raise_if_any()
        return self


class BankAccount(Part):
    """An account members transfer to, as it is shown and mailed to them."""

    bank: LocalText
    bank_code: Annotated[str, worded(r"\d{4}", "金融機関コードは数字4桁です", "a bank code has 4 digits")]
    branch: LocalText
    branch_code: Annotated[str, worded(r"\d{3}", "支店コードは数字3桁です", "a branch code has 3 digits")]
    kind: Literal["普通", "当座"]
    number: Annotated[str, worded(r"\d{7}", "口座番号は数字7桁です", "an account number has 7 digits")]
    holder_kana: Annotated[
        str,
        worded(
            r"[ァ-ヴーA-Z0-9 　()（）.．・\-]+",
            "口座名義は全角カタカナで指定してください",
            "the holder's name is written in full-width katakana",
        ),
    ]

    @property
    def kind_en(self) -> str:
        """The kind of account in English."""
        return "ordinary" if self.kind == "普通" else "checking"


class Payment(Part):
    """Methods, deadline and lapse (rows P2, P4, P7; algorithms.md 9)."""

    deadline_days: Annotated[int, whole("支払期限の日数", "days until the deadline", low=1, high=90)]
    deadline_bank_holiday: Literal["keep", "move"]
    confirmation: Literal["staff", "statement"]
    lapse_after_bank_days: Annotated[
        int, whole("失効までの銀行営業日数", "bank days from deadline to lapse", low=1, high=30)
    ]
    bears_fees_up_to_yen: Yen
    after_return: Literal["keep", "take_back"] = "keep"  # the contract after a refund or chargeback of all (row P8)
    methods: Annotated[Rows[PaymentMethod], Field(min_length=1)]
    bank_accounts: Rows[BankAccount] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        for place in repeated(self.methods, lambda method: method.code):
            flaws.add(
                ("methods", place, "code"),
                f"支払方法 {self.methods[place].code} が二度書かれています",
                f"payment method {self.methods[place].code} is written twice",
            )
        if not any(method.manual for method in self.methods):
            flaws.add(
                ("methods",),
                "手動の更新に使える支払方法（manual = true）が一つ必要です",
                "at least one method with manual = true is needed",
            )
        if any(method.code == "bank_transfer" for method in self.methods) and not self.bank_accounts:
            flaws.add(
                ("bank_accounts",),
                "銀行振込を使うには、振込先の口座（payment.bank_accounts）が一つ以上必要です",
                "bank_transfer needs at least one entry in payment.bank_accounts",
            )
        for place in repeated(self.bank_accounts, lambda a: (a.bank_code, a.branch_code, a.kind, a.number)):
            flaws.add(("bank_accounts", place, "number"), "同じ口座が二度書かれています", "the same account twice")
        flaws.raise_if_any()
        return self


class PlanPrice(Part):
    """The price of one term from one day on; the newest that is valid on the day of the quote counts."""

    term_months: TermMonths
    yen: Yen
    valid_from: dt.date


class PlanName(LocalText):
    """A plan's name in both languages, as lists, invoices and the catalogue carry it."""

    ja: ShortText
    en: ShortText


class Plan(Part):
    """Something a member holds a contract for. `monthly_list_yen` is P of algorithms.md 2."""

    code: Code
    kind: PlanKind
    name: PlanName
    monthly_list_yen: Yen
    terms: Annotated[Rows[TermMonths], Field(min_length=1)]
    month_end_offered: bool = True
    trial_offered: bool = False
    prices: Annotated[Rows[PlanPrice], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        for place in range(1, len(self.terms)):
            if self.terms[place] <= self.terms[place - 1]:
                flaws.add(
                    ("terms", place),
                    "契約期間は短いものから順に、重ならないように並べてください",
                    "terms go from short to long without repetition",
                )
        for place, price in enumerate(self.prices):
            if price.term_months not in self.terms:
                flaws.add(
                    ("prices", place, "term_months"),
                    f"{price.term_months}か月はこのプランの契約期間（terms）にありません",
                    f"{price.term_months} months is not among this plan's terms",
                )
        for place in repeated(self.prices, lambda p: (p.term_months, p.valid_from)):
            flaws.add(
                ("prices", place),
                f"{self.prices[place].term_months}か月、{self.prices[place].valid_from}からの価格が二度書かれています",
                f"the price for {self.prices[place].term_months} months from {self.prices[place].valid_from} is given twice",
            )
        priced = {price.term_months for price in self.prices}
        for place, term in enumerate(self.terms):
            if term not in priced:
                flaws.add(
                    ("terms", place), f"{term}か月の価格が prices にありません", f"no price is given for {term} months"
                )
        flaws.raise_if_any()
        return self
