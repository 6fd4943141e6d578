"""What an import would do with the rows of one chunk, and small rules both kinds share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from core.contracts.policy import grace_end_on
from core.exchange.mapping import Layout
from core.exchange.rows import ImportRules, Problem
from core.reminders.policy import ReminderCycle, StopReason, next_milestone_on, wanted_milestones


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


@lru_cache(maxsize=8192)
def first_milestone_on(rules: ImportRules, *, expires_on: date, status: str, trial: bool, early: bool) -> date | None:
    """The day the next reminder of a cycle born today is due; milestones before its birth are suppressed (algorithms.md 8).

    None when nothing can come. Automatic renewal, a cancellation or the wish for no reminders do not count here: they may
    be taken back, and the tick asks for them.
    """
    milestones = rules.trial_milestones if trial else rules.milestones
    wanted = wanted_milestones(
        milestones, on_request=() if trial else rules.on_request, asked_for=rules.on_request if early else ()
    )
    cycle = ReminderCycle(
        expires_on=expires_on,
        born_on=rules.today,
        grace_end_on=grace_end_on(expires_on, rules.trial_grace_days if trial else rules.grace_days),
        milestones=wanted,
        decided=frozenset(day for day in wanted if expires_on + timedelta(days=day) < rules.today),
        stopped=StopReason.ENDED if status == "ended" else None,
    )
    return next_milestone_on(cycle)
