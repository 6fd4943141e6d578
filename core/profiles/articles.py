"""Frequent questions as the profile file starts them (よくある質問, row Q4); afterwards the desk keeps them."""

from typing import Annotated, Self

from pydantic import model_validator

from core.profiles.shapes import Code, Flaws, LocalText, Part, Rows, Text, worded

LONGEST_QUESTION = 80  # it stands on a button
LONGEST_ANSWER = 2_000
MOST_KEYWORDS, LONGEST_KEYWORD = 20, 40
MOST_ARTICLES = 500  # all of them are compared with a member's words

Keyword = Annotated[
    Text,
    worded(
        rf"[^\n]{{1,{LONGEST_KEYWORD}}}",
        f"キーワードは{LONGEST_KEYWORD}文字以内の1行にしてください",
        f"a keyword is one line of {LONGEST_KEYWORD} letters at most",
    ),
]


class FaqArticle(Part):
    """A frequent question, its answer, and other words that people use for it (either language)."""

    code: Code
    question: LocalText
    answer: LocalText
    keywords: Rows[Keyword] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        flaws = Flaws()
        for part, text, most in (
            ("question", self.question, LONGEST_QUESTION),
            ("answer", self.answer, LONGEST_ANSWER),
        ):
            for language, words in (("ja", text.ja), ("en", text.en)):
                if len(words) > most:
                    flaws.add(
                        (part, language), f"{most}文字以内で書いてください", f"must have {most} characters at most"
                    )
        if len(self.keywords) > MOST_KEYWORDS:
            flaws.add(
                ("keywords",),
                f"キーワードは{MOST_KEYWORDS}個までです",
                f"there can be {MOST_KEYWORDS} keywords at most",
            )
        flaws.raise_if_any()
        return self


def check_articles(flaws: Flaws, articles: tuple[FaqArticle, ...]) -> None:
    """What only all of them together show."""
    seen: set[str] = set()
    for place, article in enumerate(articles):
        if article.code in seen:
            flaws.add(
                ("faq", place, "code"),
                f"よくある質問 {article.code} が二度書かれています",
                f"article {article.code} is written twice",
            )
        seen.add(article.code)
    if len(articles) > MOST_ARTICLES:
        flaws.add(
            ("faq",), f"よくある質問は{MOST_ARTICLES}件までです", f"there can be {MOST_ARTICLES} articles at most"
        )
