"""Where in a TOML file each value stands: tomllib gives values without positions, people need a line to go to.

The scanner walks text that tomllib has already accepted, so it only has to find its way, not to judge. It notes the
line and column of every table header, key, array element and inline-table key under the value's path; the path of an
element of `[[plans]]` is `("plans", 0)`.
"""

import tomllib
from typing import NamedTuple

Path = tuple[str | int, ...]


class Position(NamedTuple):
    """A place in the file, both counted from 1."""

    line: int
    column: int


def positions(text: str) -> dict[Path, Position]:
    """The position of every table, key and array element of a valid TOML text."""
    return _Scanner(text.replace("\r\n", "\n")).scan()


def find_position(places: dict[Path, Position], path: Path) -> Position | None:
    """Where `path` stands, or the nearest thing around it that is in the file: a missing key is at its table."""
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            return places[path[:length]]
    return None


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._line_start = 0
        self._places: dict[Path, Position] = {}
        self._lengths: dict[Path, int] = {}  # how many elements each [[array of tables]] has so far

    def scan(self) -> dict[Path, Position]:
        table: Path = ()
        self._skip_blank(newlines=True)
        while self._at < len(self._text):
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip_blank(newlines=True)
        return self._places

    def _peek(self, length: int = 1) -> str:
        return self._text[self._at : self._at + length]

    def _advance(self, count: int) -> None:
        for _ in range(count):
            if self._peek() == "\n":
                self._line += 1
                self._line_start = self._at + 1
            self._at += 1

    def _here(self) -> Position:
        return Position(self._line, self._at - self._line_start + 1)

    def _note(self, path: Path, place: Position) -> None:
        for length in range(1, len(path) + 1):  # [a.b] and a.b = 1 also make a
            self._places.setdefault(path[:length], place)

    def _skip_blank(self, *, newlines: bool) -> None:
        while self._at < len(self._text):
            if self._peek() == "#":
                end = self._text.find("\n", self._at)
                self._advance((end if end >= 0 else len(self._text)) - self._at)
            elif self._peek() in " \t" or (newlines and self._peek() == "\n"):
                self._advance(1)
            else:
                return

    def _header(self) -> Path:
        place = self._here()
        is_array = self._peek(2) == "[["
        self._advance(2 if is_array else 1)
        keys = self._key()
        self._advance(2 if is_array else 1)
        path: Path = ()
        for key in keys[:-1]:
            path = (*path, key)
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
        path = (*path, keys[-1])
        if is_array:
            self._note(path, place)
            self._lengths[path] = self._lengths.get(path, 0) + 1
            path = (*path, self._lengths[path] - 1)
        self._note(path, place)
        self._places[path] = place
        return path

    def _pair(self, table: Path) -> None:
        place = self._here()
        path = (*table, *self._key())
        self._note(path, place)
        self._places[path] = place
        self._advance(1)  # =
        self._skip_blank(newlines=False)
        self._value(path)

    def _key(self) -> Path:
        parts: list[str] = []
        while True:
            self._skip_blank(newlines=False)
            start = self._at
            if self._peek() in "\"'":
                self._string()
                parts.append(next(iter(tomllib.loads(self._text[start : self._at] + "=0"))))
            else:
                while self._peek() not in " \t.=]":
                    self._advance(1)
                parts.append(self._text[start : self._at])
            self._skip_blank(newlines=False)
            if self._peek() != ".":
                return tuple(parts)
            self._advance(1)

    def _string(self) -> None:
        quote = self._peek()
        fence = quote * 3 if self._peek(3) == quote * 3 else quote
        self._advance(len(fence))
        while self._peek(len(fence)) != fence:
            self._advance(2 if quote == '"' and self._peek() == "\\" else 1)
        self._advance(len(fence))
        while len(fence) == 3 and self._peek() == quote:  # a multi-line string may end in quotes of its own
            self._advance(1)

    def _value(self, path: Path) -> None:
        if self._peek() in "\"'":
            self._string()
        elif self._peek() == "[":
            self._array(path)
        elif self._peek() == "{":
            self._inline_table(path)
        else:
            while self._at < len(self._text) and self._peek() not in ",]}#\n":
                self._advance(1)

    def _array(self, path: Path) -> None:
        self._advance(1)
        place = 0
        self._skip_blank(newlines=True)
        while self._peek() != "]":
            self._places[(*path, place)] = self._here()
            self._value((*path, place))
            place += 1
            self._skip_blank(newlines=True)
            if self._peek() == ",":
                self._advance(1)
                self._skip_blank(newlines=True)
        self._advance(1)

    def _inline_table(self, path: Path) -> None:
        self._advance(1)
        self._skip_blank(newlines=True)
        while self._peek() != "}":
            self._pair(path)
            self._skip_blank(newlines=True)
            if self._peek() == ",":
                self._advance(1)
                self._skip_blank(newlines=True)
        self._advance(1)
