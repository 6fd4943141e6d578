"""The catalogue: what the profile file starts it with, and the desk edits from then on."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.statements import Base, Instant, Json


class Plan(Base):
    """A plan on offer (プラン)."""

    __tablename__ = "plan"
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))  # server, domain, ssl, option, membership
    name_ja: Mapped[str] = mapped_column(String(100))
    name_en: Mapped[str] = mapped_column(String(100))
    position: Mapped[int]
    retired: Mapped[bool]


class PlanPrice(Base):
    """What a term of a plan costs from a day on. `term_months` 0 is the monthly list price of the daily rate (row R5)."""

    __tablename__ = "plan_price"
    __table_args__ = (UniqueConstraint("plan_code", "term_months", "valid_from"),)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    plan_code: Mapped[str] = mapped_column(String(40), ForeignKey("plan.code"))
    term_months: Mapped[int]
    price_yen: Mapped[int] = mapped_column(BigInteger)
    valid_from: Mapped[date]


class Wording(Base):
    """A text of the bot in the operator's own words."""

    __tablename__ = "wording"
    language: Mapped[str] = mapped_column(String(2), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(Instant)


class FaqArticle(Base):
    """A frequent question and its answer (よくある質問), offered before a person is asked (row Q4)."""

    __tablename__ = "faq_article"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    position: Mapped[int]
    question_ja: Mapped[str] = mapped_column(String(80))  # an empty one: there is only the other language
    question_en: Mapped[str] = mapped_column(String(80))
    answer_ja: Mapped[str] = mapped_column(Text)
    answer_en: Mapped[str] = mapped_column(Text)
    keywords: Mapped[Any] = mapped_column(Json)  # other words people use for it, either language
    withdrawn: Mapped[bool]  # never shown, kept for the record
    helped: Mapped[int] = mapped_column(BigInteger)  # how often somebody said that it answered their question
    updated_at: Mapped[datetime] = mapped_column(Instant)


class FaqHelp(Base):
    """One press of 「解決しました」: a second tap of the same button counts nothing."""

    __tablename__ = "faq_help"
    press_key: Mapped[str] = mapped_column(String(80), primary_key=True)
    article_id: Mapped[int] = mapped_column(BigInteger)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(Instant)
