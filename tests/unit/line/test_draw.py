"""Screens become LINE messages: nothing cut off or left out, every one within LINE's own schema and lengths."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.line.draw import draw
from adapters.line.text import split, units
from bot.screens.model import Button, Card, Check, Checks, DatePick, Screen, render
from core.errors import InvariantBroken
from tests.support.line_rules import pressable, said, violations

PNG = {"file_id": "1", "name": "写真.png", "mime": "image/png", "size_bytes": 10, "token": "t"}
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n 。😀👨‍👩‍👧がん゙"), max_size=400)


def body(screen: Screen) -> dict[str, Any]:
    return render(screen, seq=12, key="abc123").body


def judged(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for at in range(0, len(messages), 5):
        assert violations("PushMessageRequest", {"to": "U1", "messages": messages[at : at + 5]}) == []
    return messages


def test_words_alone_are_a_text_message() -> None:
    assert judged(draw({"v": 1, "text": "どういたしまして。"})) == [{"type": "text", "text": "どういたしまして。"}]


def test_a_card_is_a_table_whose_content_is_read_aloud() -> None:
    screen = Screen(
        "ご契約です。",
        cards=(Card("example.jp", (("利用期限", "2026年11月22日(日)"),), "期限間近", "warn", "お早めに"),),
    )
    (message,) = judged(draw(body(screen)))
    for words in ("ご契約です。", "example.jp", "期限間近", "利用期限", "2026年11月22日(日)", "お早めに"):
        assert words in said(message)
    assert message["altText"] == "ご契約です。\nexample.jp 期限間近 利用期限：2026年11月22日(日)"


def test_a_check_list_is_lines_that_toggle_and_a_button_that_goes_on() -> None:
    checks = Checks(
        (Check("1", "example.jp", "11月22日まで", True), Check("2", "example.com")),
        Button("次へ", "renew.go", style="primary"),
    )
    drawn = body(Screen("どれを更新しますか。", checks=checks, buttons=((Button("やめる", "cancel"),),)))
    (message,) = judged(draw(drawn))
    found = pressable(message)
    assert list(found) == ["☑ example.jp\n　11月22日まで", "☐ example.com", "次へ", "やめる"]
    assert found["☐ example.com"]["data"] == drawn["checks"]["items"][1]["toggle"]
    assert "displayText" not in found["☐ example.com"] and found["次へ"]["displayText"] == "次へ"


def test_a_date_is_chosen_in_lines_own_picker_within_its_bounds() -> None:
    first, last, present = date(2026, 10, 1), date(2026, 11, 22), date(2026, 11, 20)
    pick = DatePick("お振り込みの日", Button("日付を選ぶ", "form.answer"), first, last, present)
    (message,) = judged(draw(body(Screen("いつですか。", date=pick))))
    (action,) = pressable(message).values()
    assert action["type"] == "datetimepicker" and action["mode"] == "date"
    assert (action["initial"], action["min"], action["max"]) == ("2026-11-20", "2026-10-01", "2026-11-22")


def test_a_picture_is_shown_where_line_can_show_it_and_else_a_link_is_pressed() -> None:
    words = {"v": 1, "text": "こちらです。", "author": "staff", "author_name": "鈴木", "files": [PNG]}
    text, picture = judged(draw(words, file_url=lambda file: f"https://x.example/m/files/{file['token']}"))
    assert text["text"] == "担当 鈴木：\nこちらです。" and picture["type"] == "image"
    _, link = judged(draw(words, file_url=lambda file: f"http://127.0.0.1/m/files/{file['token']}"))
    assert pressable(link) == {"📎 写真.png": {"type": "uri", "label": "写真.png", "uri": "http://127.0.0.1/m/files/t"}}


def test_many_cards_and_buttons_go_on_in_further_bubbles() -> None:
    cards = tuple(Card(f"契約{n}", (("プラン", "ライト"), ("利用期限", "2026年11月22日(日)")) * 4) for n in range(60))
    buttons = tuple((Button(f"{n}番を選ぶ。これはとても長い言葉のボタンです", "x", {"n": n}),) for n in range(80))
    messages = judged(draw(body(Screen("一覧です。", cards=cards, buttons=buttons))))
    everything = "\n".join(said(message) for message in messages)
    assert all(f"契約{n}\n" in everything for n in range(60))
    assert sum(len(pressable(message)) for message in messages) == 80


def test_a_handle_that_line_would_refuse_is_a_bug_found_here() -> None:
    with pytest.raises(InvariantBroken):
        draw({"v": 1, "text": "x", "buttons": [[{"label": "y", "handle": "z" * 301}]]})


@given(text=TEXTS, label=TEXTS, title=TEXTS, value=TEXTS)
@settings(max_examples=80, deadline=None)
def test_whatever_was_typed_line_takes_it(text: str, label: str, title: str, value: str) -> None:
    screen = Screen(text, cards=(Card(title, ((label, value),)),), buttons=((Button(label, "x"),),))
    judged(draw(body(screen)))
    judged(draw({"v": 1, "text": text}))


@given(text=st.text(max_size=60), most=st.integers(min_value=2, max_value=30))
def test_a_long_text_is_split_and_nothing_is_left_out(text: str, most: int) -> None:
    parts = split(text, most)
    assert all(units(part) <= most for part in parts)
    assert "".join(parts).rstrip() == text.rstrip() or not text.strip()
