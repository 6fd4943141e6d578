"""An import as a whole: look at every row first, write only when they are sound, a thousand rows a transaction.

Nothing is written before the last row of the file was read, checked and compared with the database, so *all or nothing*
holds without one transaction over 100 000 rows, which would stop every member's chat. A run that is killed half-way has
written whole chunks; running it again finds those unchanged and goes on (same end state).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import NamedTuple

from core.db import Database, Tx, run
from core.errors import DomainError
from core.exchange.contracts import decide_contracts, reserve_contract_numbers, write_contracts
from core.exchange.decisions import Change, Context, Decision, Note
from core.exchange.mapping import Layout, MappingFile, lay_out
from core.exchange.members import decide_members, reserve_member_numbers, write_members
from core.exchange.reading import FileForm, Record, read_csv
from core.exchange.reservation_rows import read_reservation
from core.exchange.reservations import decide_reservations, reserve_reservation_numbers, write_reservations
from core.exchange.rows import Findings, ImportRules, Problem, Row, read_contract, read_member
from core.exchange.values import plain
from core.members.audit import record
from core.profiles.catalogue import list_plans
from core.profiles.model import Profile

CHUNK_ROWS = 1000
LOOK_ROWS = 250
Progress = Callable[[int], None]


class Kind(NamedTuple):
    """The steps of one kind of import."""

    read: Callable[[Record, Layout, ImportRules, Findings], Row | None]
    decide: Callable[[Tx, Sequence[Row], Context], Decision]
    write: Callable[[Tx, Decision, Context], None]
    reserve: Callable[[Tx, Sequence[Row]], None]


KINDS = {
    "members": Kind(read_member, decide_members, write_members, reserve_member_numbers),
    "contracts": Kind(read_contract, decide_contracts, write_contracts, reserve_contract_numbers),
    "reservations": Kind(read_reservation, decide_reservations, write_reservations, reserve_reservation_numbers),
}


@dataclass(slots=True)
class Tally:
    """What an import would do, or did."""

    created: int = 0
    unchanged: int = 0
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def add(self, decision: Decision) -> None:
        """Count one chunk in."""
        self.created += len(decision.inserts)
        self.unchanged += decision.unchanged
        self.changes += decision.changes
        self.problems += decision.problems
        self.notes += decision.notes


@dataclass(slots=True)
class ImportPlan:
    """A file looked at: its sound rows, and what would become of all of them (the dry run)."""

    kind: str
    form: FileForm
    context: Context
    rows: list[Row]
    row_count: int
    tally: Tally


def read_rules(tx: Tx, profile: Profile) -> ImportRules:
    """The profile's and the catalogue's part in an import; as long as the catalogue is empty, the profile's own plans."""
    plans = [(plan.code, plan.name_ja, plan.name_en) for plan in list_plans(tx, with_retired=True)]
    plans = plans or [(plan.code, plan.name.ja, plan.name.en) for plan in profile.plans]
    trial, bookings = profile.trial, profile.bookings
    facilities = [(each.code, each.name.ja, each.name.en) for each in bookings.facilities] if bookings else []
    categories = [(each.code, each.name.ja, each.name.en) for each in bookings.categories] if bookings else []
    methods = [(method.code, method.name.ja, method.name.en) for method in profile.payment.methods]
    return ImportRules(
        today=tx.today,
        language=profile.language,
        plans=_by_word(plans),
        plan_names=_known(plans),
        grace_days=profile.renewal.grace_days,
        trial_grace_days=trial.grace_days if trial else 0,
        milestones=profile.reminders.milestones,
        on_request=profile.reminders.on_request,
        trial_milestones=trial.milestones if trial else (),
        facilities=_by_word(facilities),
        facility_names=_known(facilities),
        categories=_by_word(categories),
        category_names=_known(categories),
        methods=_by_word(methods),
    )


def _by_word(things: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """How a file may name them (code, either name) → code; of equal words the first counts."""
    return {plain(word).lower(): thing[0] for thing in reversed(things) for word in reversed(thing)}


def _known(things: Sequence[tuple[str, str, str]]) -> tuple[str, ...]:
    return tuple(f"{name_ja}({code})" for code, name_ja, _ in things)


def plan_import(
    database: Database,
    *,
    kind: str,
    form: FileForm,
    mapping: MappingFile,
    rules: ImportRules,
    allow_earlier: bool = False,
    progress: Progress = lambda rows: None,
) -> ImportPlan:
    """Read and check a whole file and compare it with the database; nothing is written.

    Raises DomainError as `lay_out` and `read_csv`, and `mapping_unknown_plan`, `…_facility`, `…_category` (plan, known),
    and `no_bookings`.
    `progress` is told how many more rows have been looked at.
    """
    if kind == "reservations" and not rules.facilities:
        raise DomainError("no_bookings")
    layout = lay_out(kind, form.header, mapping)
    _check_words(mapping, rules)
    context = Context(rules, layout, allow_earlier)
    steps, findings, tally = KINDS[kind], Findings(), Tally()
    kept: list[Row] = []
    row_count = 0
    records = read_csv(form)
    while chunk := list(islice(records, LOOK_ROWS)):
        row_count += len(chunk)
        rows = [row for record in chunk if (row := steps.read(record, layout, rules, findings))]
        decision = database.submit_read(partial(_decide_chunk, rows=rows, steps=steps, context=context)).result()
        tally.add(decision)
        refused = {problem.line for problem in decision.problems}
        kept += [row for row in rows if row.line not in refused]
        progress(len(chunk))
    tally.problems = sorted(findings.problems + tally.problems, key=lambda problem: (problem.line, problem.column))
    return ImportPlan(kind, form, context, kept, row_count, tally)


def _check_words(mapping: MappingFile, rules: ImportRules) -> None:
    known = {
        "plans": ("mapping_unknown_plan", rules.plans, rules.plan_names),
        "facilities": ("mapping_unknown_facility", rules.facilities, rules.facility_names),
        "categories": ("mapping_unknown_category", rules.categories, rules.category_names),
    }
    for table, words in mapping.words.items():
        refusal, codes, names = known[table]
        for code in words.values():
            if code not in codes.values():
                raise DomainError(refusal, plan=code, known="、".join(names))


def apply_import(
    database: Database, plan: ImportPlan, *, skip_bad: bool, progress: Progress = lambda rows: None
) -> Tally:
    """Write what was planned, each chunk decided anew under lock in the transaction that writes it.

    Raises DomainError `bad_rows` (count), before anything is written, when rows are bad and are not to be skipped.
    The tally has problems only where the database has changed since the plan was made; those rows were left out.
    """
    if plan.tally.problems and not skip_bad:
        raise DomainError("bad_rows", count=len({problem.line for problem in plan.tally.problems}))
    steps, tally = KINDS[plan.kind], Tally()
    run(database, lambda tx: steps.reserve(tx, plan.rows), name="import", slow=True)
    for start in range(0, len(plan.rows), CHUNK_ROWS):
        rows = plan.rows[start : start + CHUNK_ROWS]
        write = partial(_write_chunk, rows=rows, steps=steps, context=plan.context)
        tally.add(run(database, write, name="import", slow=True))
        progress(len(rows))
    run(database, lambda tx: _record_import(tx, plan, tally), name="import")
    return tally


def _decide_chunk(tx: Tx, *, rows: Sequence[Row], steps: Kind, context: Context) -> Decision:
    return steps.decide(tx, rows, context)


def _write_chunk(tx: Tx, *, rows: Sequence[Row], steps: Kind, context: Context) -> Decision:
    decision = steps.decide(tx, rows, context)
    steps.write(tx, decision, context)
    return decision


def _record_import(tx: Tx, plan: ImportPlan, tally: Tally) -> None:
    """In the audit trail: that it was done and how much, by the file's digest; nothing of what was in it."""
    record(
        tx,
        actor_kind="system",
        action="import.done",
        subject=f"import:{plan.kind}",
        detail={
            "sha256": plan.form.sha256,
            "rows": plan.row_count,
            "created": tally.created,
            "updated": len(tally.changes),
            "unchanged": tally.unchanged,
            "bad": len({problem.line for problem in plan.tally.problems + tally.problems}),
        },
    )
