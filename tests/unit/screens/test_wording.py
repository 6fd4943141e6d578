"""Every text exists in both languages with the same values, every refusal of the core has one, and labels fit buttons."""

import ast
import re
import string
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bot.wording import LANGUAGES, texts

ROOT = Path(__file__).resolve().parents[3]
CONVERSATION = (
    "contract", "errors", "form", "intents", "invoice", "link", "menu", "remind", "renew", "report", "reservation",
    "settings", "talk", "tell", "ticket",
)  # fmt: skip


def is_counted(key: str, known: Mapping[str, str]) -> bool:
    return key.endswith(".one") and key.removesuffix(".one") in known


def placeholders(text: str) -> set[str]:
    return {name.split(".")[0].split("[")[0] for _, name, _, _ in string.Formatter().parse(text) if name}


def trees(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text("utf-8"))


def refusals(tree: ast.AST) -> Iterator[tuple[str, frozenset[str] | None]]:
    """(code, names of its data) of every DomainError made; data None where it is handed on whole."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DomainError"):
            continue
        codes = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
        whole = any(keyword.arg is None for keyword in node.keywords)
        names = None if whole else frozenset(str(keyword.arg) for keyword in node.keywords)
        yield from ((code, names) for code in codes if isinstance(code, str))


def test_both_languages_have_the_same_keys_but_for_counts_of_one() -> None:
    ja, en = ({key for key in texts(language) if not is_counted(key, texts(language))} for language in LANGUAGES)
    assert len(ja) > 300
    assert ja == en


def test_a_text_uses_the_same_values_in_both_languages() -> None:
    ja, en = (texts(language) for language in LANGUAGES)
    differing = {key for key in ja.keys() & en.keys() if placeholders(ja[key]) != placeholders(en[key])}
    assert differing <= {"contract.plan_name"}


def test_a_count_of_one_uses_no_value_that_its_plural_lacks() -> None:
    en = texts("en")
    ones = [key for key in en if is_counted(key, en)]
    assert len(ones) > 5
    assert [
        key for key in ones if not placeholders(en[key]) <= placeholders(en[key.removesuffix(".one")]) | {"n"}
    ] == []


def test_placeholders_are_found() -> None:
    assert placeholders("{day:date}まで{n}件") == {"day", "n"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_of_core_and_bot_has_a_text_that_needs_no_more_than_it_is_given(language: str) -> None:
    known = texts(language)
    seen = 0
    missing, unfilled = set(), set()
    for path, tree in trees("core", "bot"):
        for code, names in refusals(tree):
            seen += 1
            topics = [f"errors.{code}", *([f"import.refused.{code}"] if "exchange" in path.parts else [])]
            text = next((known[key] for key in topics if key in known), None)
            if text is None:
                missing.add(code)
            elif names is not None and not placeholders(text) <= names:
                unfilled.add(code)
    assert seen > 70
    assert missing == set()
    assert unfilled == set()


def test_a_refusal_is_found_with_both_of_its_codes() -> None:
    tree = ast.parse('raise DomainError("a" if x else "b", one=1)\nraise DomainError(error.code, **data)')
    assert set(refusals(tree)) == {("a", frozenset({"one"})), ("b", frozenset({"one"}))}


def keys_used(tree: ast.AST) -> Iterator[str]:
    """Keys in `w("…")`, `c.w("…")`, `Wrong("…")`, and label fields of steps and forms."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("w", "Wrong", "plain", "_plain", "_set"):
                for part in ast.walk(ast.Module([ast.Expr(arg) for arg in node.args[:5]], [])):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_key_that_the_bot_uses_exists() -> None:
    known = texts("ja")
    shaped = re.compile(rf"(?:{'|'.join(CONVERSATION)})\.[a-z_0-9.]+")
    actions = _names_of_actions()
    used = {
        key
        for path, tree in trees("bot")
        if "understanding" not in path.parts
        for key in keys_used(tree)
        if shaped.fullmatch(key) and not key.endswith((".py", ".toml", "_", "talk.miss"))
    }
    assert len(used) > 150
    assert {key for key in used if key not in known and key not in actions and not key.startswith("form.")} == set()
    assert {key for key in used if key.startswith("form.") and key not in known and key not in actions} == set()


def _names_of_actions() -> set[str]:
    from bot import handlers
    from bot.registry import ACTIONS

    handlers.register_all()
    return set(ACTIONS)


def test_no_text_of_the_conversation_is_unused() -> None:
    source = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "bot").rglob("*.py")))
    built = re.compile(
        r"^(errors|intents)\.|^contract\.badge_|^invoice\.void_|^remind\.|^reservation\.(?:state|payment|flaw|event|find)_|^settings\.|^talk\.|^ticket\.(?:state|score|effect|ask_typed)_"
    )
    unused = {
        key
        for key in texts("ja")
        if key.split(".")[0] in CONVERSATION
        and not built.match(key)
        and not is_counted(key, texts("ja"))
        and f'"{key}"' not in source
        and f"'{key}'" not in source
    }
    assert unused == set()


def width(text: str) -> int:
    """Full-width characters count 2."""
    return sum(2 if unicodedata.east_asian_width(ch) in "WFA" else 1 for ch in text)


def test_width_counts_full_width_characters_double() -> None:
    assert width("更新a") == 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_of_intents_fit_a_button(language: str) -> None:
    labels = [
        text for key, text in texts(language).items() if key.startswith(("intents.", "menu.")) and "\n" not in text
    ]
    short = [text for text in labels if not text.endswith(("。", ".", "?")) and "{" not in text]
    assert len(short) > 50
    assert [text for text in short if width(text) > 40] == []


FULL_WIDTH = re.compile(r"[ぁ-んァ-ヶ一-龠][,.!?:;()](?![0-9A-Za-z])|[,!?:;][ぁ-んァ-ヶ一-龠]")


def test_japanese_texts_use_full_width_punctuation() -> None:
    ja = {key: text for key, text in texts("ja").items() if key.split(".")[0] in CONVERSATION}
    assert FULL_WIDTH.search("これは,だめ")
    assert [key for key, text in ja.items() if FULL_WIDTH.search(re.sub(r"\{[^}]*\}", "X", text))] == []
