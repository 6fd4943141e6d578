"""What an import would do with the rows of one chunk, and small rules both kinds share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from core.exchange.mapping import Layout
from core.exchange.rows import ImportRules, Problem

LIVE = frozenset({"trial", "active", "in_grace"})


class Note(NamedTuple):
    """Something the operator must know about a sound row: an anchor assumed, a value held back."""

    line: int
    column: str
    code: str
    data: Mapping[str, object] = {}


class Change(NamedTuple):
    """A row already here that its file changes: which fields, under the file's own headers."""

    line: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What every decision of one import looks at. `allow_earlier`: an expiry may move backwards too."""

    rules: ImportRules
    layout: Layout
    allow_earlier: bool = False


@dataclass(slots=True)
class Decision:
    """One chunk decided: rows to insert and to update whole (values by column name), the rest only counted."""

    inserts: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    before: list[dict[str, Any]] = field(default_factory=list)  # of each update: the changed columns as they were
    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def first_milestone_on(
    rules: ImportRules, *, expires_on: date, status: str, trial: bool, silent: bool, early: bool
) -> date | None:
    """The day the next reminder of a cycle born today is due; milestones before its birth are suppressed (algorithms.md 8).

    None when nothing can come: the contract is not live, renews by itself, or the member wants none (`silent`).
    """
    if status not in LIVE or silent:
        return None
    days = rules.trial_milestones if trial else rules.milestones
    dates = [expires_on + timedelta(days=day) for day in days if early or trial or day not in rules.on_request]
    return min((day for day in dates if day >= rules.today), default=None)
