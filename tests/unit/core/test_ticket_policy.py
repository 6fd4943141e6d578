"""Row Q1: thanks does not reopen, 7 days to reopen, then a new ticket; states and acts."""

from datetime import UTC, datetime, timedelta

import pytest

from core.errors import DomainError
from core.tickets.policy import (
    PAYMENT_REPORT,
    check_text,
    decide_written,
    is_courtesy,
    next_status,
    queue_of,
    subject_of,
)
from tests.support.builders import a_profile

SOLVED_AT = datetime(2026, 11, 22, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "ありがとうございました",
        "ありがとうございます！",
        "ご対応いただきありがとうございました。助かりました。",
        "早速のご回答ありがとうございます",
        "有難うございます😊",
        "了解です",
        "承知しました。よろしくお願いいたします。",
        "ｔｈａｎｋ　ｙｏｕ",
        "Thanks a lot!",
    ],
)
def test_thanks_is_courtesy_at_any_time(text: str) -> None:
    assert is_courtesy(text, settled=True) and is_courtesy(text, settled=False)


@pytest.mark.parametrize("text", ["はい", "直りました", "OK", "👍", "👍🏽", "大丈夫です。", "解決しました！"])
def test_a_short_answer_is_courtesy_only_when_nothing_is_asked_any_more(text: str) -> None:
    assert is_courtesy(text, settled=True)
    assert not is_courtesy(text, settled=False)


@pytest.mark.parametrize(
    "text",
    [
        "ありがとうございます。でもまだ入れません",
        "ありがとうございますか？",
        "了解ですが、請求書はいつ届きますか",
        "😡",
        "直っていません",
        "どうも調子が悪いです",
        "",
        "解約したい",
    ],
)
def test_thanks_with_anything_else_is_no_courtesy(text: str) -> None:
    assert not is_courtesy(text, settled=True)


@pytest.mark.parametrize(
    ("status", "after", "text", "files", "effect", "becomes"),
    [
        ("new", timedelta(0), "まだですか", 0, "added", "new"),
        ("open", timedelta(0), "ありがとう", 0, "added", "open"),
        ("waiting", timedelta(0), "こうしました", 0, "added", "open"),
        ("waiting", timedelta(0), "ありがとうございます", 0, "courtesy", "waiting"),
        ("waiting", timedelta(0), "はい", 0, "added", "open"),
        ("solved", timedelta(days=1), "ありがとうございました", 0, "courtesy", "solved"),
        ("solved", timedelta(days=1), "ありがとうございました", 1, "reopened", "open"),
        ("solved", timedelta(days=7), "また起きました", 0, "reopened", "open"),
        ("solved", timedelta(days=7, microseconds=1), "また起きました", 0, "new_ticket", "solved"),
        ("solved", timedelta(days=90), "ありがとうございました", 0, "courtesy", "solved"),
    ],
)
def test_what_a_members_words_do(
    status: str, after: timedelta, text: str, files: int, effect: str, becomes: str
) -> None:
    solved_at = SOLVED_AT if status == "solved" else None
    done = decide_written(status=status, solved_at=solved_at, now=SOLVED_AT + after, text=text, files=files)
    assert (done.effect, done.status) == (effect, becomes)


def test_only_a_solved_ticket_can_be_reopened_and_only_an_unsolved_one_solved() -> None:
    for status, act in [("new", "reopen"), ("open", "reopen"), ("waiting", "reopen"), ("solved", "solve")]:
        with pytest.raises(DomainError, match="ticket_state"):
            next_status(status, act)  # type: ignore[arg-type]


def test_the_kind_decides_the_queue() -> None:
    profile = a_profile()
    for kind in profile.support.kinds:
        assert queue_of(profile, kind.code) == kind.queue
    assert queue_of(profile, PAYMENT_REPORT) == "accounting"
    with pytest.raises(DomainError, match="ticket_kind_unknown"):
        queue_of(profile, "weather")


def test_a_subject_is_the_first_line_shortened() -> None:
    assert subject_of("\n 入れません \n二行目") == "入れません"
    assert len(subject_of("あ" * 200)) == 80


@pytest.mark.parametrize(("text", "files", "code"), [("  ", 0, "text_missing"), ("あ" * 4_001, 0, "text_too_long")])
def test_empty_and_endless_words_are_refused(text: str, files: int, code: str) -> None:
    with pytest.raises(DomainError, match=code):
        check_text(text, files=files)
    assert check_text(" ", files=1) == ""
