"""What a sent modal does, and what is shown next. Refusals are DomainErrors; the listener shows them at the field."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from adapters.slack.modals import Memo, Modals, read_value
from adapters.slack.parts import Parts
from core.clock import at_in_japan
from core.counter.desk_card import read_desk_card
from core.counter.reservations import accept, decline
from core.counter.sheets import ask_about_report, confirm_reported_payment, refuse_report
from core.db import Tx
from core.delivery.files import get_file
from core.errors import DomainError
from core.members.staff import StaffView
from core.teamchat.acting import need_current
from core.teamchat.releases import draft_release, get_release, newer_words, send_draft, take_draft, warnings_of
from core.tickets.assignment import assign
from core.tickets.editing import edit_answer
from core.tickets.handling import set_priority, snooze, solve
from core.tickets.threads import get_message, get_ticket

Answer = dict[str, Any]
DONE: Answer = {"response_action": "clear"}
MORNING = time(9, 0)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What a submission needs."""

    tx: Tx
    parts: Parts
    modals: Modals
    staff: StaffView
    team: str
    user: str
    view: dict[str, Any]

    @property
    def memo(self) -> Memo:
        """What the modal remembered."""
        return Memo.unpack(str(self.view["private_metadata"]))

    def value(self, block_id: str) -> str:
        """What was given in an input."""
        return read_value(self.view, block_id)


def _reply(s: Submitted) -> Answer:
    """Composed: the preview is next."""
    memo = s.memo
    files = [int(file["file_id"]) for file in get_message(s.tx, message_id=memo.about).files] if memo.source else []
    draft = draft_release(
        s.tx,
        s.staff,
        ticket_id=memo.ticket_id,
        team=s.team,
        user=s.user,
        source_key=memo.source or f"modal:{s.view['id']}",
        text=s.value("text"),
        files=files,
        seen_id=memo.seen_id,
    )
    return _preview(s, draft.id, memo.seen_id)


def _preview(s: Submitted, release_id: int, seen_id: int) -> Answer:
    draft = get_release(s.tx, release_id=release_id)
    newer = newer_words(s.tx, ticket_id=draft.ticket_id, seen_id=seen_id)
    memo = Memo(draft.ticket_id, seen_id=newer.id if newer is not None else seen_id, about=release_id)
    view = s.modals.preview(
        read_desk_card(s.tx, profile=s.parts.profile, ticket_id=draft.ticket_id),
        memo,
        draft.text,
        warnings=warnings_of(s.tx, ticket_id=draft.ticket_id, text=draft.text),
        newer=newer.body if newer is not None else None,
        files=_names(s, draft.files),
    )
    return {"response_action": "update", "view": view}


def _names(s: Submitted, file_ids: list[str]) -> list[dict[str, Any]]:
    return [get_file(s.tx, file_id=int(file_id))._asdict() for file_id in file_ids]


def _send(s: Submitted) -> Answer:
    """Previewed: sent, unless the member wrote meanwhile; then their words are shown and a second press is asked."""
    memo = s.memo
    try:
        send_draft(s.tx, s.staff, release_id=memo.about, seen_id=memo.seen_id)
    except DomainError as error:
        if error.code != "stale":
            raise
        return _preview(s, memo.about, memo.seen_id)
    return DONE


def _solve(s: Submitted) -> Answer:
    """At once when nothing is said to the member and they have said nothing meanwhile, else after a look at it."""
    memo = replace(s.memo, reason=s.value("reason"), rate=bool(s.value("rate")))
    text = s.value("text").strip()
    if not text and newer_words(s.tx, ticket_id=memo.ticket_id, seen_id=memo.seen_id) is None:
        return _solved(s, memo, "")
    if text:
        draft = draft_release(
            s.tx,
            s.staff,
            ticket_id=memo.ticket_id,
            team=s.team,
            user=s.user,
            source_key=f"solve:{s.view['id']}",
            text=text,
            seen_id=memo.seen_id,
        )
        memo = replace(memo, about=draft.id)
    return _solve_preview(s, memo, text)


def _solve_preview(s: Submitted, memo: Memo, text: str) -> Answer:
    newer = newer_words(s.tx, ticket_id=memo.ticket_id, seen_id=memo.seen_id)
    view = s.modals.solve_preview(
        read_desk_card(s.tx, profile=s.parts.profile, ticket_id=memo.ticket_id),
        memo if newer is None else replace(memo, seen_id=newer.id, revision=_revision(s, memo)),
        text,
        warnings=warnings_of(s.tx, ticket_id=memo.ticket_id, text=text),
        newer=newer.body if newer is not None else None,
    )
    return {"response_action": "update", "view": view}


def _revision(s: Submitted, memo: Memo) -> int:
    """The member's words may have changed the state of the card that was pressed; they are shown, so it is seen."""
    return get_ticket(s.tx, ticket_id=memo.ticket_id).revision


def _solve_seen(s: Submitted) -> Answer:
    """Previewed: solved, unless the member wrote meanwhile; then their words are shown and a second press is asked."""
    memo = s.memo
    text = get_release(s.tx, release_id=memo.about).text if memo.about else ""
    if newer_words(s.tx, ticket_id=memo.ticket_id, seen_id=memo.seen_id) is not None:
        return _solve_preview(s, memo, text)
    if memo.about and take_draft(s.tx, s.staff, release_id=memo.about) is None:
        return DONE
    return _solved(s, memo, text)


def _solved(s: Submitted, memo: Memo, text: str) -> Answer:
    solve(
        s.tx,
        s.staff,
        ticket_id=memo.ticket_id,
        text=text,
        client_key=f"view:{s.view['id']}",
        last_seen_message_id=memo.seen_id,
        seen_revision=memo.revision,
        reason=memo.reason,
        rate=memo.rate,
    )
    return DONE


def _snooze(s: Submitted) -> Answer:
    memo = s.memo
    until = _until(s.value("until"), s.tx.now, s.tx.today)
    snooze(s.tx, s.staff, ticket_id=memo.ticket_id, until=until, seen_revision=memo.revision)
    return DONE


def _until(code: str, now: datetime, today: date) -> datetime:
    if code.endswith("h"):
        return now + timedelta(hours=int(code[:-1]))
    days = 1 if code == "tomorrow" else int(code[:-1])
    return at_in_japan(today + timedelta(days=days), MORNING)


def _assign(s: Submitted) -> Answer:
    memo = s.memo
    need_current(s.tx, ticket_id=memo.ticket_id, revision=memo.revision)
    holder = get_ticket(s.tx, ticket_id=memo.ticket_id).assignee_id
    assign(s.tx, s.staff, ticket_id=memo.ticket_id, to_staff_id=int(s.value("to")), seen_assignee_id=holder)
    return DONE


def _priority(s: Submitted) -> Answer:
    memo = s.memo
    set_priority(s.tx, s.staff, ticket_id=memo.ticket_id, priority=s.value("priority"), seen_revision=memo.revision)
    return DONE


def _confirm(s: Submitted) -> Answer:
    amount = s.value("amount").replace(",", "").strip()
    if not (amount.isascii() and amount.isdecimal() and len(amount) <= 12):
        raise DomainError("number_wrong")
    confirm_reported_payment(
        s.tx,
        s.staff,
        profile=s.parts.profile,
        report_id=s.memo.about,
        invoice_id=None,
        amount_yen=int(amount),
        value_on=date.fromisoformat(s.value("on")),
    )
    return DONE


def _ask_back(s: Submitted) -> Answer:
    ask_about_report(s.tx, s.staff, report_id=s.memo.about, words=s.value("text"))
    return DONE


def _reject(s: Submitted) -> Answer:
    refuse_report(s.tx, s.staff, report_id=s.memo.about, words=s.value("text"))
    return DONE


def _accept(s: Submitted) -> Answer:
    memo = s.memo
    accept(
        s.tx,
        s.staff,
        profile=s.parts.profile,
        request_id=memo.about,
        words=s.value("text"),
        seen_revision=memo.revision,
    )
    return DONE


def _decline(s: Submitted) -> Answer:
    decline(s.tx, s.staff, request_id=s.memo.about, words=s.value("text"))
    return DONE


def _edit(s: Submitted) -> Answer:
    edit_answer(s.tx, s.staff, message_id=s.memo.about, text=s.value("text"))
    return DONE


SUBMISSIONS: dict[str, Callable[[Submitted], Answer]] = {
    "mado_reply": _reply,
    "mado_preview": _send,
    "mado_solve": _solve,
    "mado_solve_preview": _solve_seen,
    "mado_snooze": _snooze,
    "mado_assign": _assign,
    "mado_priority": _priority,
    "mado_confirm": _confirm,
    "mado_ask": _ask_back,
    "mado_reject": _reject,
    "mado_accept": _accept,
    "mado_decline": _decline,
    "mado_edit": _edit,
    "mado_full": lambda s: DONE,
}
