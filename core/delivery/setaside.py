"""What a timed job could not do for one row: set aside, so that everybody else's work goes on, and tried again later (row X5).

A job works on portions of what is due, each in one transaction. A row that fails would undo its whole portion, at every tick,
for ever. So the job names the row at work (`one`), the failed portion is undone, the row is put aside with growing pauses and
shown to staff, and the portion runs again without it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.delivery.tables import SetAside
from core.statements import Read, Write, one_of

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
_PASSING_STATES = (
    "08",
    "40",
    "55",
    "57",
)  # lost connection, deadlock, lock not to be had, shut down: not the row's fault


class RowFailed(Exception):
    """One row of a portion could not be done; its cause is the error itself."""

    def __init__(self, job: str, subject_id: int, member_id: int | None) -> None:
        super().__init__(f"{job}: {subject_id}")
        self.job, self.subject_id, self.member_id = job, subject_id, member_id


class SetAsideView(NamedTuple):
    """A row a job could not do, for staff: `error` is the error's class, never its text (which may quote a person)."""

    job: str
    subject_id: int
    member_id: int | None
    error: str
    attempts: int
    first_at: datetime
    last_at: datetime
    next_try_at: datetime


class _Attempts(NamedTuple):
    attempts: int


_VIEW = tuple(getattr(SetAside, name) for name in SetAsideView._fields)
_KEY = and_(SetAside.job == bindparam("job_"), SetAside.subject_id == bindparam("subject"))
BEFORE = Read(_Attempts, select(SetAside.attempts).where(_KEY))
ADD = Write(
    insert(SetAside)
    .values({name: bindparam(name) for name in SetAsideView._fields})
    .on_conflict_do_update(
        index_elements=["job", "subject_id"],
        set_={
            "attempts": SetAside.attempts + literal_column("1"),
            "error": bindparam("error"),
            "last_at": bindparam("last_at"),
            "next_try_at": bindparam("next_try_at"),
        },
    )
)
DONE = Write(delete(SetAside).where(SetAside.job == bindparam("job_"), one_of(SetAside.subject_id, "subjects")))
ALL = Read(SetAsideView, select(*_VIEW).order_by(SetAside.last_at.desc()).limit(bindparam("most")))
AGAIN = Read(_Attempts, update(SetAside).where(_KEY).values(next_try_at=bindparam("now_")).returning(SetAside.attempts))


def not_set_aside(job: str, subject: Any) -> ColumnElement[bool]:
    """For a job's question what is due: without the rows that wait for their next try. Binds `real` (the machine's clock)."""
    return ~exists().where(
        SetAside.job == literal_column(f"'{job}'"),
        SetAside.subject_id == subject,
        SetAside.next_try_at > bindparam("real"),
    )


@contextmanager
def one(job: str, subject_id: int, member_id: int | None = None) -> Iterator[None]:
    """The work on one row: its errors become `RowFailed`, but for those that are the database's and pass by themselves."""
    try:
        yield
    except RowFailed:
        raise
    except Exception as error:
        if str(getattr(error, "sqlstate", "") or "").startswith(_PASSING_STATES):
            raise
        raise RowFailed(job, subject_id, member_id) from error


def set_aside(tx: Tx, failed: RowFailed) -> None:
    """In a turn of its own, after the portion was undone."""
    before = tx.first(BEFORE, job_=failed.job, subject=failed.subject_id)
    pause = PAUSES[min(before.attempts if before else 0, len(PAUSES) - 1)]
    tx.run(
        ADD,
        job=failed.job,
        subject_id=failed.subject_id,
        member_id=failed.member_id,
        error=type(failed.__cause__).__name__[:80],
        attempts=1,
        first_at=tx.now,
        last_at=tx.now,
        next_try_at=tx.real + pause,
    )
    tx.wake("desk")


def done(tx: Tx, job: str, subject_ids: Sequence[int]) -> None:
    """These were done in this portion: what was set aside of them before is settled."""
    tx.run(DONE, job_=job, subjects=list(subject_ids))


def list_set_aside(tx: Tx, *, limit: int) -> list[SetAsideView]:
    """For staff, the newest failure first."""
    return tx.all(ALL, most=limit)


def try_again(tx: Tx, *, job: str, subject_id: int) -> bool:
    """Staff's "try again": due at once, at the job's next tick; False when it is settled."""
    return tx.first(AGAIN, job_=job, subject=subject_id, now_=tx.real) is not None
