"""Words that wait for the member to say which inquiry they are for do not wait for long: staff get them all the same."""

from datetime import timedelta

from sqlalchemy import bindparam, select

from bot.deployment import Bot
from bot.forms import ASIDE
from bot.owing import tell_chat
from bot.saying import Why
from bot.screens import telling as screens
from core.db import Tx
from core.delivery import files as file_store
from core.delivery import setaside
from core.dialogue import forms as form_store
from core.dialogue.forms import FormView
from core.dialogue.service import lock_chat_by_id
from core.dialogue.tables import FormRun
from core.statements import Read, among
from core.tickets import service as tickets
from core.tickets.policy import split_text

JOB = "ticket_held"
HELD_FOR = timedelta(minutes=10)

HELD = Read(
    FormView,
    select(*(getattr(FormRun, name) for name in FormView._fields))
    .where(
        among(FormRun.state, "active", "parked"),
        FormRun.name == ASIDE,
        FormRun.touched_at <= bindparam("until"),
        setaside.not_set_aside(JOB, FormRun.id),
    )
    .order_by(FormRun.touched_at)
    .limit(bindparam("most")),
)


def deliver_held(tx: Tx, bot: Bot, limit: int) -> int:
    """After ten minutes without a choice: to the inquiry the words would have gone to, and the member hears it. One chunk."""
    held = tx.all(HELD, until=tx.now - HELD_FOR, real=tx.real, most=limit)
    for run in held:
        with setaside.one(JOB, run.id):
            lock_chat_by_id(tx, chat_id=run.chat_id)
            now = form_store.find(tx, chat_id=run.chat_id, form_id=run.id)
            if now is not None and now.state in ("active", "parked"):  # asked again under the lock
                _deliver(tx, bot, now)
    if held:
        setaside.done(tx, JOB, [run.id for run in held])
    return len(held)


def _deliver(tx: Tx, bot: Bot, run: FormView) -> None:
    form_store.save(tx, run._replace(state="closed", revision=run.revision + 1))
    ticket_id, within = int(run.answers["_current"]), bot.profile.support.reopen_within
    stored = [file_store.get_file(tx, file_id=int(file["file_id"])) for file in run.answers["_files"]]
    first, *more = split_text(str(run.answers["_text"]))
    done = tickets.add_member_message(
        tx, ticket_id=ticket_id, text=first, files=stored, chat_id=run.chat_id, reopen_within=within
    )
    for part in more:
        tickets.add_member_message(tx, ticket_id=done.ticket.id, text=part, chat_id=run.chat_id, reopen_within=within)
    why = Why("words passed on", ticket_id=done.ticket.id)
    tell_chat(
        tx,
        bot,
        run.chat_id,
        lambda w: screens.plain(w, "ticket.held_delivered", ticket_no=done.ticket.ticket_no),
        why,
    )
