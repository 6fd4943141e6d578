"""A counter with members and contracts, a clock that is set, and a listener that owes what the reminders ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from core.clock import JST, ManualClock
from core.contracts.tables import Contract, Renewal
from core.db import Database, Listeners, Tx, run
from core.delivery.outbox import owe
from core.ids import SeededIds
from core.members.service import create_member
from core.members.tables import Member
from core.open_database import open_database
from core.profiles.catalogue import ensure_catalogue
from core.profiles.model import Profile
from core.reminders import service
from core.reminders.facts import RemindersDue
from core.reminders.tables import Reminder
from core.statements import Read, Write
from core.wiring import LISTENERS
from tests.support.builders import a_profile

_ADD = Write(insert(Contract).values({column.name: bindparam(column.name) for column in Contract.__table__.columns}))
_ADD_RENEWAL = Write(
    insert(Renewal).values({column.name: bindparam(column.name) for column in Renewal.__table__.columns})
)


class Row(NamedTuple):
    contract_id: int
    expires_on: date
    milestone: int
    state: str
    reason: str
    bundle_id: int | None
    decided_at: datetime


class _State(NamedTuple):
    milestone_on: date | None
    expires_on: date
    cycle_no: int
    member_id: int
    plan_code: str


_ROWS = Read(
    Row, select(*(getattr(Reminder, name) for name in Row._fields)).order_by(Reminder.expires_on, Reminder.milestone)
)
_STATE = Read(
    _State, select(*(getattr(Contract, name) for name in _State._fields)).where(Contract.id == bindparam("contract_id"))
)
_RENEW = Write(
    update(Contract)
    .where(Contract.id == bindparam("contract_id"))
    .values(
        expires_on=bindparam("new_on"),
        cycle_no=Contract.cycle_no + 1,
        cycle_born_on=bindparam("today"),
        milestone_on=bindparam("today"),
        status="active",
    )
)


_PLAN_CODE = a_profile().plans[0].code


def a_member(tx: Tx, *, early_reminder: bool = False) -> int:
    """An active member; quicker than the builder, which looks after the catalogue each time."""
    return create_member(tx, name="山田 太郎", name_key="ヤマダタロウ", early_reminder=early_reminder).id


def a_contract(tx: Tx, *, member_id: int, expires_on: date, born_on: date, **changed: Any) -> int:
    """An active contract renewed by hand; reminders look at it from its birth on."""
    contract_id = tx.ids.new()
    row: dict[str, Any] = {
        "id": contract_id,
        "contract_no": f"C-{contract_id:06d}",
        "external_key": None,
        "member_id": member_id,
        "plan_code": _PLAN_CODE,
        "label": f"srv{contract_id}.example.jp",
        "label_key": f"srv{contract_id}.example.jp",
        "status": "active",
        "auto_renewal": False,
        "started_on": born_on,
        "expires_on": expires_on,
        "anchor": expires_on.day,
        "cycle_no": 0,
        "cycle_born_on": born_on,
        "milestone_on": born_on,
        "ended_on": None,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    tx.run(_ADD, **{**row, **changed})
    return contract_id


def a_renewal(tx: Tx, *, contract_id: int, invoice_id: int, new_expires_on: date, state: str) -> None:
    """An extension of the contract's present cycle, open or done."""
    contract = tx.one(_STATE, contract_id=contract_id)
    tx.run(
        _ADD_RENEWAL,
        id=tx.ids.new(),
        contract_id=contract_id,
        member_id=contract.member_id,
        invoice_id=invoice_id,
        cycle_no=contract.cycle_no,
        plan_code=contract.plan_code,
        term_months=12,
        to_month_end=False,
        old_expires_on=contract.expires_on,
        new_expires_on=new_expires_on,
        new_anchor=new_expires_on.day,
        term_yen=12_000,
        daily_days=0,
        daily_yen=0,
        state=state,
        asked_at=tx.now,
        closed_at=tx.now if state == "done" else None,
    )


def renewed(tx: Tx, *, contract_id: int, new_expires_on: date) -> None:
    """The money of a renewal came today: a new cycle, which reminders are to look at."""
    a_renewal(tx, contract_id=contract_id, invoice_id=tx.ids.new(), new_expires_on=new_expires_on, state="done")
    tx.run(_RENEW, contract_id=contract_id, new_on=new_expires_on, today=tx.today)


class Counter:
    """One process of the product on a database, as far as reminders go."""

    def __init__(self, url: str, clock: ManualClock, ids: SeededIds, profile: Profile) -> None:
        self.clock, self.profile = clock, profile
        self.told: list[tuple[str, RemindersDue]] = []
        self.database: Database = open_database(url, clock, ids, self._listeners())
        run(self.database, lambda tx: ensure_catalogue(tx, profile=profile))

    def _listeners(self) -> Listeners:
        def tell(tx: Tx, fact: RemindersDue) -> None:
            self.told.append((tx.now.astimezone(JST).strftime("%m-%d %H:%M"), fact))
            owe(
                tx,
                channel="mail",
                account="",
                address="taro@example.jp",
                order_key="taro@example.jp",
                kind="reminder",
                payload={"bundle": fact.bundle_id},
                reason="reminder",
                subject_key=f"reminder:{fact.bundle_id}",
                dedupe_key=f"reminder:{fact.bundle_id}:mail",
                member_id=fact.member_id,
            )

        return {**LISTENERS, RemindersDue: (tell,)}

    def at(self, day: date | str, clock_time: str = "10:30") -> None:
        """Set the clock to a time of day in Japan."""
        day = date.fromisoformat(day) if isinstance(day, str) else day
        self.clock.set(datetime.combine(day, time.fromisoformat(clock_time), tzinfo=JST))

    def tick(self, *, limit: int = 1_000) -> int:
        """Chunks until nothing is left, as the scheduled job does; gives the number of contracts handled."""
        total = 0
        for _ in range(1_000):
            done = run(self.database, lambda tx: service.tick(tx, self.profile, limit=limit))
            if done == 0:
                return total
            total += done
        raise AssertionError("a tick that never ends")

    def member(self, **changed: Any) -> int:
        """An active member, some columns changed."""
        member_id = run(self.database, a_member)
        if changed:
            self.change_member(member_id, **changed)
        return member_id

    def contract(self, expires_on: str, born_on: str, *, member_id: int | None = None, **changed: Any) -> int:
        """A contract, of a member of its own unless told."""
        end, born = date.fromisoformat(expires_on), date.fromisoformat(born_on)

        def add(tx: Tx) -> int:
            owner = a_member(tx) if member_id is None else member_id
            return a_contract(tx, member_id=owner, expires_on=end, born_on=born, **changed)

        return run(self.database, add)

    def renew(self, contract_id: int, new_expires_on: str) -> None:
        """A renewal whose money came."""
        end = date.fromisoformat(new_expires_on)
        run(self.database, lambda tx: renewed(tx, contract_id=contract_id, new_expires_on=end))

    def rows(self) -> list[Row]:
        """All reminder rows by cycle and milestone."""
        return run(self.database, lambda tx: tx.all(_ROWS))

    def outcome(self, contract_id: int) -> dict[int, str]:
        """Milestone to "state reason" for a contract with one cycle."""
        found = [row for row in self.rows() if row.contract_id == contract_id]
        assert len({row.milestone for row in found}) == len(found)
        return {row.milestone: f"{row.state} {row.reason}" for row in found}

    def milestone_on(self, contract_id: int) -> date | None:
        """The day stored in the contract's index."""
        return run(self.database, lambda tx: tx.one(_STATE, contract_id=contract_id)).milestone_on

    def change_member(self, member_id: int, **values: Any) -> None:
        """Set columns of a member as another service would."""
        statement = Write(update(Member).where(Member.id == member_id).values(**values))
        run(self.database, lambda tx: tx.run(statement))

    def change_contract(self, contract_id: int, **values: Any) -> None:
        """Set columns of a contract as another service would."""
        statement = Write(update(Contract).where(Contract.id == contract_id).values(**values))
        run(self.database, lambda tx: tx.run(statement))


@contextmanager
def a_counter(url: str, clock: ManualClock, ids: SeededIds | None = None, **rules: Any) -> Iterator[Counter]:
    """An open counter; `rules` replace parts of the profile."""
    counter = Counter(url, clock, ids or SeededIds(), a_profile(**rules))
    yield counter
    counter.database.close()
