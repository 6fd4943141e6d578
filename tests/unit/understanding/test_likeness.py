"""How alike two texts are: measured on labelled sentences, indifferent to spelling and length, bounded."""

from functools import cache
from pathlib import Path

import pytest

from bot.understanding.likeness import CLEAR, LIKE, MOST_SENTENCES, READ_CHARACTERS, SIMILAR, Topic, Topics, rank_texts
from core.profiles.files import load_profile

NOTHING = "-"
FOUND = {"ja": (0.95, 0.88), "en": (0.93, 0.95)}  # precision and recall at least; measured: decision 0013


@cache
def articles(profile: str) -> tuple[Topics, tuple[str, ...]]:
    faq = load_profile(profile).faq
    topics = [Topic(at, (each.question.ja, each.question.en), each.keywords) for at, each in enumerate(faq)]
    return Topics(topics), tuple(each.code for each in faq)


def matches(text: str, profile: str = "renewal-notice", least: float = LIKE) -> list[str]:
    topics, codes = articles(profile)
    return [codes[key] for key, _ in topics.best(text, most=3, least=least)]


def labelled(language: str) -> list[tuple[str, str, str]]:
    lines = (Path(__file__).parent / f"faq_{language}.tsv").read_text("utf-8").splitlines()
    return [(profile, code, text) for profile, code, text in (line.split("\t") for line in lines)]


@pytest.mark.parametrize(("language", "fewest"), [("ja", 40), ("en", 30)])
def test_labelled_sentences_are_offered_their_article_and_nothing_else(language: str, fewest: int) -> None:
    rows = labelled(language)
    assert len(rows) >= fewest and sum(code == NOTHING for _, code, _ in rows) >= 10
    offered = [(code, got) for profile, code, text in rows for got in matches(text, profile)]
    wanted = [(profile, code, text) for profile, code, text in rows if code != NOTHING]
    precision = sum(code == got for code, got in offered) / len(offered)
    recall = sum(code in matches(text, profile) for profile, code, text in wanted) / len(wanted)
    assert (precision, recall) >= FOUND[language] and recall >= FOUND[language][1], (precision, recall)


def test_what_must_match_nothing_is_never_plainly_an_article() -> None:
    rows = [(profile, text) for lang in ("ja", "en") for profile, code, text in labelled(lang) if code == NOTHING]
    assert [text for profile, text in rows if matches(text, profile, least=CLEAR)] == []


@pytest.mark.parametrize(
    "text",
    [
        "パスワードを忘れました",
        "ﾊﾟｽﾜｰﾄﾞを忘れました。",
        "ぱすわーどを忘れました!!",
        "いつもお世話になっております。\n山田です。\nパスワードを忘れました。\nよろしくお願いいたします。",
        "I FORGOT MY ＰＡＳＳＷＯＲＤ",
    ],
)
def test_spelling_width_and_greetings_change_nothing(text: str) -> None:
    assert matches(text, least=CLEAR) == ["password"]


def test_a_latin_keyword_is_a_word_of_its_own() -> None:
    topics = Topics([Topic(1, ("メールの設定",), ("port",))])
    assert topics.best("which port is it", most=1) != [] and topics.best("your support team", most=1) == []


def test_nothing_matches_nothing() -> None:
    topics, _ = articles("renewal-notice")
    assert topics.best("", most=3) == [] and topics.best("。！？", most=3) == [] and topics.best("🙏", most=3) == []
    assert Topics([]).best("パスワード", most=3) == [] and rank_texts("", [(1, "パスワード")]) == []


def test_past_inquiries_are_ranked_by_how_much_they_share() -> None:
    past = [(1, "領収書をください"), (2, "メールが届きません"), (3, "昨日からメールが届かない状態です")]
    ranked = rank_texts("きのうからメールが届きません", past)
    assert [key for key, _ in ranked] == [2, 3] and all(SIMILAR <= score <= 1 for _, score in ranked)


def test_only_the_beginning_of_a_long_message_is_compared() -> None:
    asked = "パスワードを忘れました"
    assert matches(asked + "。" + "あ" * 10_000) == ["password"]
    assert matches("あ" * READ_CHARACTERS + "。" + asked) == []
    assert matches("はい。" * MOST_SENTENCES + asked) == [] and matches("はい。" * (MOST_SENTENCES - 1) + asked) != []
