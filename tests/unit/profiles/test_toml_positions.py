"""A value's path leads to the line and column it stands at, however the file is written."""

import tomllib
from typing import Any

import pytest

from core.profiles.files import SHIPPED
from core.profiles.positions import Path, find_position, positions


@pytest.mark.parametrize(
    ("text", "path", "place"),
    [
        ("a = 1\nb = 2", ("b",), (2, 1)),
        ("# note [x]\n\n  a = 1", ("a",), (3, 3)),
        ("[t]\na = 1\n[u.v]\nb = 2", ("u", "v", "b"), (4, 1)),
        ("[u.v]\nb = 2", ("u",), (1, 1)),
        ("[[p]]\na = 1\n[[p]]\na = 2", ("p", 1), (3, 1)),
        ("[[p]]\na = 1\n[[p]]\na = 2", ("p", 1, "a"), (4, 1)),
        ("[[p]]\n[[p.q]]\n[[p]]\n[[p.q]]\n[[p.q]]\nx = 1", ("p", 1, "q", 1, "x"), (6, 1)),
        ("[[p]]\n[p.s]\nx = 1\n[[p]]\n[p.s]\nx = 2", ("p", 1, "s", "x"), (6, 1)),
        ("a.b.c = 1", ("a", "b", "c"), (1, 1)),
        ("a = { x = 1, y = { z = 2 } }", ("a", "y", "z"), (1, 20)),
        ("a = [1, 2,\n  3]", ("a", 2), (2, 3)),
        ("a = [\n  { x = 1 }, # one\n  { x = 2 },\n]", ("a", 1, "x"), (3, 5)),
        ("a = [[1], [2, 3]]", ("a", 1, 1), (1, 15)),
        ('a = """\n[x]\nb = 1\n"""\nb = 2', ("b",), (5, 1)),
        ("a = '''\nb = 1'''\nb = 2", ("b",), (3, 1)),
        ('a = """x""\\""""""\nb = 2', ("b",), (2, 1)),
        ('a = "x \\" # [y]" # b = 1\nb = 2', ("b",), (2, 1)),
        ('"k.\\u0065" = 1', ("k.e",), (1, 1)),
        ("'a b'.c = 1", ("a b", "c"), (1, 1)),
        ('[wording.ja]\n"x.y" = "{n}]"\n"z" = ""', ("wording", "ja", "z"), (3, 1)),
        ("a = 1\r\nb = 2\r\n", ("b",), (2, 1)),
        ("a = 2026-04-01\nt = 10:00:00\nb = 1", ("b",), (3, 1)),
    ],
)
def test_a_path_leads_to_its_place(text: str, path: Path, place: tuple[int, int]) -> None:
    tomllib.loads(text)  # the scanner only promises to follow what TOML accepts
    assert positions(text)[path] == place


def test_a_missing_key_is_at_its_table_and_a_missing_table_is_nowhere() -> None:
    places = positions("x = 1\n[t]\na = 1")
    assert find_position(places, ("t", "gone")) == (2, 1)
    assert find_position(places, ("gone",)) is None


def test_a_key_missing_in_the_second_table_of_an_array_is_at_that_table() -> None:
    assert find_position(positions("[[p]]\na = 1\n\n[[p]]\nb = 1"), ("p", 1, "a")) == (4, 1)


def _paths(value: Any, path: Path = ()) -> list[Path]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deep for key, child in children for deep in _paths(child, (*path, key)))]


def test_every_value_of_the_shipped_profile_has_a_place_at_which_its_key_stands() -> None:
    text = (SHIPPED / "renewal-notice.toml").read_text("utf-8")
    places, lines = positions(text), text.split("\n")
    paths = _paths(tomllib.loads(text))[1:]
    assert len(paths) > 300
    for path in paths:
        line, column = places[path]
        if isinstance(path[-1], str):
            there = lines[line - 1][column - 1 :]
            assert there.startswith((path[-1], "[" + ".".join(p for p in path if isinstance(p, str)), "[")), path
            assert path[-1] in there, path
