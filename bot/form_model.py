"""What a multi-step form is: its steps, what was given as an answer, and the table of all forms (engine: `bot.forms`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from bot.registry import Context, Reply
from bot.screens.model import Screen

Answers = dict[str, Any]
CONFIRM = "confirm"
CHECKED = "_checked"


@dataclass(frozen=True, slots=True)
class Given:
    """One answer as it came: typed, pressed, ticked, picked, or a file."""

    text: str = ""
    value: Any = None
    chosen: tuple[str, ...] | None = None
    day: date | None = None
    files: tuple[dict[str, Any], ...] = ()


class Wrong(Exception):
    """The answer does not fit the step: the text key of why and an example, with its values."""

    def __init__(self, key: str, **data: Any) -> None:
        super().__init__(key)
        self.key = key
        self.data = data


class Parse(Protocol):
    """From what was given to the stored (JSON) answer; raises Wrong."""

    def __call__(self, c: Context, answers: Answers, given: Given, /) -> Any:
        """Parse one answer."""


@dataclass(frozen=True, slots=True)
class Step:
    """One question. Its screen's own buttons are made by `answer` (press = the answer)."""

    key: str
    ask: Callable[[Context, Answers], Screen]
    parse: Parse
    label: str  # text key of its name in the summary
    show: Callable[[Context, Answers], str]  # its answer in the summary
    optional: bool = False
    asked: bool = True  # False: only by the summary's "put right"
    aside: bool = False  # a question beside the form: not in the summary
    takes_files: bool = False  # a photo is an answer too
    about: str = ""  # which of several alike ("example.jp")
    ask_again: Callable[[Context, Answers], Screen] | None = None  # after a wrong answer; None: as at first
    name: str = ""  # its name in the summary where the operator's profile gives it, instead of `label`


@dataclass(frozen=True, slots=True)
class Form:
    """A multi-step form. `version` is pinned in the row: a changed form gets a new one and old runs start over politely."""

    name: str
    version: int
    title: str  # text key
    steps: Callable[[Context, Answers], Sequence[Step]]
    confirm: Callable[[Context, Answers], Screen] | None  # None: nothing to sum up, the last answer commits
    commit: Callable[
        [Context, Answers], tuple[Reply, str, dict[str, Any]]
    ]  # reply; action and args that show it again, or ""
    intent: str = ""  # which intent it carries out: its values and a bare キャンセル are read in its light
    submit_label: str = ""
    needs_member: bool = True
    fixable: bool = True
    files: str = (
        ""  # the answer that photos belong to, at whatever step they come (an album is many messages); "": none
    )
    pins: Callable[[Context, Answers], Mapping[str, Any]] | None = None  # what the summary promises, e.g. the price
    is_settled: Callable[[Answers], bool] | None = None  # answers after which nothing more is asked or summed up


FORMS: dict[str, Form] = {}


def register(form: Form) -> Form:
    """Make a form known by its name."""
    FORMS[form.name] = form
    return form
