"""Profile files: reading, checking with file, line and reason, and the shipped ones."""

import string
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from core.errors import MadoguchiError
from core.profiles.model import LocalText, Profile
from core.profiles.positions import Path as ValuePath
from core.profiles.positions import Position, find_position, positions
from core.profiles.reasons import Reason, known_keys, syntax_reason, type_reason, unknown_reason
from core.profiles.rules import is_check_digit_right

SHIPPED = Path(__file__).parent
MAX_BYTES = 1_000_000


class ProfileProblem(NamedTuple):
    """One thing to mend in a profile file; a warning does not stop the profile from being used."""

    file: str
    line: int | None
    column: int | None
    path: str
    reason: str
    reason_en: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        """As compilers print it, so that editors can jump there: `file:line: path: reason (English)`."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        field = f"{self.path}: " if self.path else ""
        note = "注意: " if self.severity == "warning" else ""
        return f"{where}: {field}{note}{self.reason} ({self.reason_en})"


class ProfileInfo(NamedTuple):
    """A shipped profile, as the list shows it."""

    name: str
    title: LocalText
    file: Path


class ProfileError(MadoguchiError):
    """A profile that cannot be used, with everything there is to mend."""

    def __init__(self, problems: list[ProfileProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def load_profile(name_or_path: str | Path) -> Profile:
    """The profile by the name of a shipped one, or by the path of a file (anything with a slash or ending in .toml).

    Raises ProfileError with every error found; warnings do not matter here.
    """
    profile, problems = _read(_locate(name_or_path), None)
    if profile is None:
        raise ProfileError([problem for problem in problems if problem.severity == "error"])
    return profile


def check_profile(path: str | Path, wordings: Mapping[str, Mapping[str, str]] | None = None) -> list[ProfileProblem]:
    """What there is to mend in a profile, in the file's order; without an error in it the profile can be used.

    `wordings` are the product's own texts by language and key; with them the keys and placeholders of the profile's
    wording are checked too. `path` may be the name of a shipped profile. Never raises for what stands in the file.
    """
    try:
        located = _locate(path)
    except ProfileError as error:
        return list(error.problems)
    return _read(located, wordings)[1]


def list_profiles() -> list[ProfileInfo]:
    """The shipped profiles by name; ProfileError when one of them is broken (a fault of the product)."""
    found: list[ProfileInfo] = []
    for file in sorted(SHIPPED.glob("*.toml")):
        profile = load_profile(file)
        found.append(ProfileInfo(profile.name, profile.title, file))
    return found


def _locate(name_or_path: str | Path) -> Path:
    given = str(name_or_path)
    if isinstance(name_or_path, Path) or given.endswith(".toml") or "/" in given or "\\" in given:
        return Path(name_or_path)
    shipped = sorted(file.stem for file in SHIPPED.glob("*.toml"))
    if given in shipped:
        return SHIPPED / f"{given}.toml"
    reason = Reason(
        f"「{given}」というプロファイルはありません。あるもの: {'、'.join(shipped)}。ファイルは .toml まで書いて指定してください",
        f"no profile '{given}'; shipped: {', '.join(shipped)}; a file is given with its .toml",
    )
    raise ProfileError([ProfileProblem(given, None, None, "", *reason)])


def _read(path: Path, wordings: Mapping[str, Mapping[str, str]] | None) -> tuple[Profile | None, list[ProfileProblem]]:
    shown = path.name if path.parent == SHIPPED else str(path)
    text_or_problem = _read_text(path, shown)
    if isinstance(text_or_problem, ProfileProblem):
        return None, [text_or_problem]
    try:
        data = tomllib.loads(text_or_problem)
    except tomllib.TOMLDecodeError as error:
        reason, line, column = syntax_reason(str(error))
        return None, [ProfileProblem(shown, line or text_or_problem.rstrip("\n").count("\n") + 1, column, "", *reason)]
    if not data:
        reason = Reason("ファイルに何も書かれていません", "the file is empty")
        return None, [ProfileProblem(shown, 1, None, "", *reason)]
    report = _Report(shown, text_or_problem)
    profile: Profile | None = None
    try:
        profile = Profile.model_validate(data)
    except ValidationError as error:
        report.add_errors(error)
    if profile is not None:
        report.add_warnings(profile)
        if wordings is not None and not report.add_wording_errors(profile, wordings):
            profile = None
    return profile, sorted(report.problems, key=lambda p: (p.line or 0, p.column or 0))


def _read_text(path: Path, shown: str) -> str | ProfileProblem:
    def problem(ja: str, en: str, line: int | None = None) -> ProfileProblem:
        return ProfileProblem(shown, line, None, "", ja, en)

    try:
        if path.is_dir():
            return problem("フォルダーではなくファイルを指定してください", "this is a folder, not a file")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return problem("ファイルが見つかりません", "no such file")
    except (OSError, ValueError) as error:
        return problem("ファイルを読めません", f"cannot be read: {getattr(error, 'strerror', None) or error}")
    if len(raw) > MAX_BYTES:
        return problem("ファイルが大きすぎます（1MBまで）", "the file is larger than 1 MB")
    return _decode(raw, shown)


def _decode(raw: bytes, shown: str) -> str | ProfileProblem:
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
    if _is_shift_jis(raw):
        reason = Reason(
            "文字コードがShift_JISのようです。UTF-8で保存し直してください",
            "this looks like Shift_JIS: save it as UTF-8",
        )
    else:
        reason = Reason("文字コードがUTF-8ではありません。UTF-8で保存し直してください", "not UTF-8: save it as UTF-8")
    return ProfileProblem(shown, line, None, "", *reason)


def _is_shift_jis(raw: bytes) -> bool:
    try:
        text = raw.decode("cp932")
    except UnicodeDecodeError:
        return False
    # Bytes that no Japanese text has still decode, to NUL or to U+F8F0 to U+F8F3 of the private area.
    return not any(letter == "\0" or "\uf8f0" <= letter <= "\uf8f3" for letter in text)


class _Report:
    """Collects problems with the place of each."""

    def __init__(self, shown: str, text: str) -> None:
        self._shown = shown
        self._text = text
        self.problems: list[ProfileProblem] = []

    @cached_property
    def _places(self) -> dict[ValuePath, Position]:
        return positions(self._text)  # most of the time of reading, and a profile without problems needs no places

    def _add(self, path: ValuePath, reason: Reason, severity: Literal["error", "warning"] = "error") -> None:
        place = find_position(self._places, path)
        line, column = place or (1, None)
        self.problems.append(ProfileProblem(self._shown, line, column, show_path(path), *reason, severity))

    def add_errors(self, error: ValidationError) -> None:
        """Every finding of pydantic; a key that is missing only because it was misspelt is told once."""
        meant: set[ValuePath] = set()
        missing: list[ValuePath] = []
        for detail in error.errors(include_url=False):
            path = tuple(part for part in detail["loc"] if part != "[key]")  # pydantic's mark for a key of a dict
            if detail["type"] == "extra_forbidden":
                reason, near = unknown_reason(str(path[-1]), known_keys(Profile, path[:-1]))
                if near is not None:
                    meant.add((*path[:-1], near))
                self._add(path, reason)
            elif detail["type"] == "missing":
                missing.append(path)
            else:
                self._add(path, type_reason(detail))
        for path in missing:
            if path not in meant:
                self._add(path, Reason("この項目は必須ですが、書かれていません", "this key is required but missing"))

    def add_warnings(self, profile: Profile) -> None:
        """What is allowed but probably a slip."""
        if not is_check_digit_right(profile.operator.registration_number):
            reason = Reason(
                "登録番号の検査数字が法人番号の計算と合いません。個人事業者でなければ番号を確かめてください",
                "the check digit does not fit; verify the number unless you are a sole trader",
            )
            self._add(("operator", "registration_number"), reason, "warning")

    def add_wording_errors(self, profile: Profile, wordings: Mapping[str, Mapping[str, str]]) -> bool:
        """Overrides of texts that do not exist or with placeholders the text is not given; True when all are right."""
        before = len(self.problems)
        for language, overrides in (("ja", profile.wording.ja), ("en", profile.wording.en)):
            own = wordings.get(language, {})
            for key, text in overrides.items():
                path = ("wording", language, key)
                if key not in own:
                    self._add(path, unknown_reason(key, own)[0])
                    continue
                surplus = _placeholders(text)
                allowed = _placeholders(own[key]) or set()
                if surplus is None:
                    self._add(path, Reason("波かっこ { } の書き方に誤りがあります", "the braces { } are not balanced"))
                elif surplus - allowed:
                    names = "、".join(sorted(surplus - allowed))
                    usable = "、".join(sorted(allowed)) or "なし"
                    self._add(
                        path,
                        Reason(
                            f"この文では {names} を使えません（使えるもの: {usable}）",
                            f"placeholder not available here: {names}",
                        ),
                    )
        return len(self.problems) == before


def _placeholders(text: str) -> set[str] | None:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        return None


def show_path(path: tuple[Any, ...]) -> str:
    """A value's path as people read it: `plans[2].prices[0].yen`, list positions counted from 1."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part + 1}]"
        elif part.replace("_", "").replace("-", "").isalnum():
            shown += f".{part}" if shown else part
        else:
            shown += f'."{part}"'
    return shown
