"""Multi-step forms as rows (row X2): they survive restarts, and their revision makes old buttons harmless."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, select, update

from core.db import Tx
from core.dialogue.tables import FormRun
from core.statements import Read, Write, among

IDLE = timedelta(minutes=15)  # after it the person is asked whether to go on
LIFETIME = timedelta(hours=24)


class FormView(NamedTuple):
    """A form under way in a chat, or done."""

    id: int
    chat_id: int
    member_id: int | None
    name: str
    form_version: int
    state: str  # active, parked, done, cancelled, expired (not told yet), closed (too old, and nobody need be told)
    step: str
    answers: dict[str, Any]
    revision: int
    wrong: int
    result: dict[str, Any] | None
    started_at: datetime
    touched_at: datetime


_FORM = tuple(getattr(FormRun, name) for name in FormView._fields)
ADD = Write(insert(FormRun).values({name: bindparam(name) for name in FormView._fields}))
ACTIVE = Read(FormView, select(*_FORM).where(FormRun.chat_id == bindparam("chat_id"), FormRun.state == "active"))
BY_ID = Read(
    FormView, select(*_FORM).where(FormRun.id == bindparam("form_id"), FormRun.chat_id == bindparam("chat_id"))
)
UNDER_WAY = Read(
    FormView,
    select(*_FORM)
    .where(FormRun.chat_id == bindparam("chat_id"), among(FormRun.state, "active", "expired"))
    .order_by(FormRun.state, FormRun.id.desc())
    .limit(1),
)
PARKED = Read(
    FormView,
    select(*_FORM)
    .where(
        FormRun.chat_id == bindparam("chat_id"),
        FormRun.state == "parked",
        FormRun.touched_at > bindparam("since"),
        func.coalesce(FormRun.member_id, bindparam("member")) == bindparam("member"),
        FormRun.name != bindparam("but"),
    )
    .order_by(FormRun.id.desc())
    .limit(20),
)
SAVE = Write(
    update(FormRun)
    .where(FormRun.id == bindparam("form_id"))
    .values(
        state=bindparam("new_state"),
        step=bindparam("new_step"),
        answers=bindparam("new_answers"),
        revision=bindparam("new_revision"),
        wrong=bindparam("new_wrong"),
        result=bindparam("new_result"),
        touched_at=bindparam("new_touched_at"),
    )
)
PARK_ACTIVE = Write(
    update(FormRun).where(FormRun.chat_id == bindparam("chat"), FormRun.state == "active").values(state="parked")
)
_LIVE = among(FormRun.state, "active", "parked")  # the partial index's own words
EXPIRE = Write(
    update(FormRun)
    .where(_LIVE, FormRun.state == "active", FormRun.touched_at < bindparam("before"))
    .values(state="expired")
)
CLOSE_PARKED = Write(
    update(FormRun)
    .where(_LIVE, FormRun.state == "parked", FormRun.touched_at < bindparam("before"))
    .values(state="closed")
)


def start(
    tx: Tx, *, chat_id: int, member_id: int | None, name: str, form_version: int, answers: dict[str, Any]
) -> FormView:
    """A new form; one under way in the same chat is parked, not lost."""
    tx.run(PARK_ACTIVE, chat=chat_id)
    form = FormView(
        tx.ids.new(), chat_id, member_id, name, form_version, "active", "", answers, 1, 0, None, tx.now, tx.now
    )
    tx.run(ADD, **form._asdict())
    return form


def save(tx: Tx, form: FormView) -> FormView:
    """Write back; the time of the last touch is now."""
    form = form._replace(touched_at=tx.now)
    tx.run(
        SAVE,
        form_id=form.id,
        new_state=form.state,
        new_step=form.step,
        new_answers=form.answers,
        new_revision=form.revision,
        new_wrong=form.wrong,
        new_result=form.result,
        new_touched_at=form.touched_at,
    )
    return form


def find_active(tx: Tx, *, chat_id: int) -> FormView | None:
    """The form under way in a chat; one older than its lifetime is `expired` by then."""
    return tx.first(ACTIVE, chat_id=chat_id)


def find(tx: Tx, *, chat_id: int, form_id: int) -> FormView | None:
    """By id, of this chat only."""
    return tx.first(BY_ID, chat_id=chat_id, form_id=form_id)


def find_under_way(tx: Tx, *, chat_id: int) -> FormView | None:
    """The form under way, or the newest that ran out of time without the person having been told."""
    return tx.first(UNDER_WAY, chat_id=chat_id)


def list_parked(tx: Tx, *, chat_id: int, member_id: int | None, but: str = "") -> list[FormView]:
    """Those left aside that this membership can still take up (None: nobody is linked), newest first; none named `but`."""
    return tx.all(PARKED, chat_id=chat_id, since=tx.now - LIFETIME, member=member_id or 0, but=but)


def park(tx: Tx, *, chat_id: int) -> None:
    """Leave aside what is under way: the menu offers it again for a day."""
    tx.run(PARK_ACTIVE, chat=chat_id)


def resume(tx: Tx, form: FormView) -> FormView:
    """Take up a parked form; another one under way is parked."""
    tx.run(PARK_ACTIVE, chat=form.chat_id)
    return save(tx, form._replace(state="active", revision=form.revision + 1))


def expire_old(tx: Tx) -> None:
    """The timed job: what nobody touched for a day is over."""
    tx.run(EXPIRE, before=tx.now - LIFETIME)
    tx.run(CLOSE_PARKED, before=tx.now - LIFETIME)
