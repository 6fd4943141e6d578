"""Bubbles become Telegram messages: escaped, split on the source text, within every limit."""

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.telegram.draw import draw
from adapters.telegram.text import Run, split_runs, to_html, to_plain
from bot.screens.model import Button, Card, Check, Checks, DatePick, Screen, render
from core.errors import InvariantBroken, PermanentError
from tests.support.telegram_rules import check_keyboard, parse_html, utf16

PNG = {"file_id": "1", "name": "a.png", "mime": "image/png", "size_bytes": 10, "token": "t"}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>&\"'\n\n 。😀👨‍👩‍👧がん゙"), max_size=400)


def body(screen: Screen) -> dict[str, Any]:
    return render(screen, seq=12, key="abc123").body


def labels(part: Any) -> list[list[str]]:
    return [[button.text for button in row] for row in part.keyboard.inline_keyboard]


def test_a_card_is_a_bold_title_and_its_lines() -> None:
    screen = Screen(
        "ご契約です。",
        cards=(
            Card("example.jp", (("有効期限", "2026年11月22日(日)"), ("Plan", "S")), "期限間近", "warn", "お早めに"),
        ),
    )
    (part,) = draw(body(screen))
    assert part.html == (
        "ご契約です。\n\n<b>example.jp</b>  ⚠️ 期限間近\n有効期限：2026年11月22日(日)\nPlan: S\nお早めに"
    )


def test_what_members_and_operators_typed_is_escaped() -> None:
    screen = Screen("<b>&amp;", cards=(Card("<i>", (("a<b", "c>d & e"),), "&", note="</b>"),))
    (part,) = draw(body(screen))
    assert parse_html(part.html).text == part.plain
    assert "<b>&amp;" in part.plain and "c>d & e" in part.plain


def test_a_check_list_is_rows_that_toggle_and_a_button_that_goes_on() -> None:
    checks = Checks(
        (Check("1", "example.jp", "11月22日まで", True), Check("2", "example.com")),
        Button("次へ", "renew.go", style="primary"),
    )
    screen = Screen("どれを更新しますか。", checks=checks, buttons=((Button("やめる", "cancel"),),))
    drawn = body(screen)
    (part,) = draw(drawn)
    assert labels(part) == [["☑ example.jp"], ["☐ example.com"], ["次へ"], ["やめる"]]
    rows = part.keyboard.inline_keyboard
    assert rows[0][0].callback_data == drawn["checks"]["items"][0]["toggle"]
    assert (rows[2][0].callback_data, rows[2][0].style) == (drawn["checks"]["submit"]["handle"], "primary")
    assert part.plain.endswith("・example.jp: 11月22日まで")


def test_a_date_picker_is_a_hint_to_type() -> None:
    (part,) = draw(
        body(
            Screen("いつ?", date=DatePick("例：11/22 のように入力してください", Button("送る", "x"), date(2026, 1, 1)))
        )
    )
    assert part.plain == "いつ?\n\n例：11/22 のように入力してください"
    assert part.keyboard is None


def test_a_row_too_wide_for_a_phone_is_stacked() -> None:
    screen = Screen(
        "?",
        buttons=(
            (Button("12か月（13,200円）", "a"), Button("24か月（26,400円）", "b"), Button("やめる", "c")),
            (Button("はい", "y"), Button("いいえ", "n")),
        ),
    )
    (part,) = draw(body(screen))
    assert labels(part) == [["12か月（13,200円）"], ["24か月（26,400円）"], ["やめる"], ["はい", "いいえ"]]


def test_more_than_eight_in_a_row_go_into_the_next() -> None:
    (part,) = draw(body(Screen("?", buttons=(tuple(Button(str(n), "a") for n in range(20)),))))
    assert [len(row) for row in labels(part)] == [8, 8, 4]


def test_more_buttons_than_telegram_shows_are_a_fault_that_staff_see() -> None:
    with pytest.raises(PermanentError):
        draw(body(Screen("?", buttons=tuple((Button(str(n), "a"),) for n in range(101)))))


@pytest.mark.parametrize("handle", ["", "あ" * 22])
def test_a_handle_over_64_bytes_is_never_sent(handle: str) -> None:
    with pytest.raises(InvariantBroken):
        draw({"v": 1, "text": "?", "buttons": [[{"label": "a", "style": "normal", "handle": handle}]]})


def test_a_page_on_this_machine_is_a_line_since_telegram_refuses_such_a_button() -> None:
    screen = Screen(
        "領収書です。", buttons=((Button("開く", url="/m/abc"),), (Button("規約", url="https://example.jp/k"),))
    )
    (local,) = draw(body(screen), public_url="http://127.0.0.1:8000")
    assert local.plain == "領収書です。\n\n開く：http://127.0.0.1:8000/m/abc"
    assert labels(local) == [["規約"]]
    (public,) = draw(body(screen), public_url="https://madoguchi.example.jp")
    assert (
        public.keyboard is not None
        and public.keyboard.inline_keyboard[0][0].url == "https://madoguchi.example.jp/m/abc"
    )


def test_words_of_staff_carry_their_name() -> None:
    (part,) = draw({"v": 1, "text": "確認しました <3", "author": "staff", "author_name": "佐藤"})
    assert part.html == "<b>担当 佐藤：</b>\n確認しました &lt;3"


def test_one_file_carries_a_short_text_as_its_caption_with_the_keyboard() -> None:
    button = [[{"label": "次へ", "style": "normal", "handle": "1.0.abcd"}]]
    (part,) = draw({"v": 1, "text": "領収書", "files": [PNG], "buttons": button})
    assert (part.file, part.plain, part.is_photo) == (PNG, "領収書", True)
    assert part.keyboard is not None


def test_files_come_first_and_the_keyboard_last() -> None:
    button = [[{"label": "次へ", "style": "normal", "handle": "1.0.abcd"}]]
    parts = draw({"v": 1, "text": "長" * 5000, "files": [PNG, PNG], "buttons": button})
    assert [bool(part.file) for part in parts] == [True, True, False, False]
    assert [part.keyboard is not None for part in parts] == [False, False, False, True]


def test_a_keyboard_without_words_still_has_something_to_hang_on() -> None:
    (part,) = draw({"v": 1, "text": " ", "buttons": [[{"label": "次へ", "style": "normal", "handle": "1.0.abcd"}]]})
    assert part.plain


def test_a_long_text_is_cut_between_paragraphs_if_it_can_be() -> None:
    first, second = "あ" * 3000, "い" * 3000
    assert [to_plain(part) for part in split_runs([Run(f"{first}\n\n{second}")])] == [first, second]


def test_an_emoji_family_is_not_torn_apart() -> None:
    family = "👨‍👩‍👧"
    parts = split_runs([Run("あ" * 9 + family + "い" * 9)], 12)
    assert any(family in to_plain(part) for part in parts)


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, st.booleans()), max_size=5), st.integers(8, 200))
def test_splitting_loses_nothing_but_white_space_and_cuts_no_tag(pieces: list[tuple[str, bool]], limit: int) -> None:
    runs = [Run(text, bold) for text, bold in pieces]
    parts = split_runs(runs, limit)
    assert re.sub(r"\s", "", "".join(map(to_plain, parts))) == re.sub(r"\s", "", to_plain(runs))
    for part in parts:
        assert to_plain(part).strip()
        assert utf16(to_plain(part)) <= limit
        assert parse_html(to_html(part)).text == to_plain(part)


@settings(deadline=None)
@given(TEXTS, st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=3), st.lists(TEXTS.filter(bool), max_size=6))
def test_any_screen_is_within_the_limits(text: str, cards: list[tuple[str, str, str]], buttons: list[str]) -> None:
    screen = Screen(
        text * 20,
        cards=tuple(Card(title, ((label, value),)) for title, label, value in cards),
        buttons=(tuple(Button(label, "a") for label in buttons),),
    )
    parts = draw(body(screen))
    assert parts
    for part in parts:
        assert 1 <= utf16(part.plain) <= 4096
        assert parse_html(part.html).text == part.plain
        if part.keyboard:
            check_keyboard(part.keyboard.to_dict())
    assert all(part.keyboard is None for part in parts[:-1])
    assert bool(parts[-1].keyboard) == bool(buttons)
