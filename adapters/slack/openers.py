"""Which modal a press opens, drawn from the ticket as it is now."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from adapters.slack.modals import Memo, Modals, View, read_value
from adapters.slack.parts import Parts
from core.counter.answering import prepare_canned
from core.counter.desk_card import DeskCard, read_desk_card
from core.counter.reservations import RequestSheet
from core.db import Tx
from core.errors import DomainError
from core.members.roles import require
from core.members.staff import StaffView
from core.teamchat.acting import Press, need_current
from core.teamchat.releases import release_of_answer
from core.teamchat.threads import find_post
from core.tickets.assignment import list_assignable
from core.tickets.canned import CannedView, list_canned
from core.tickets.editing import can_edit_answer, channel_of_answer
from core.tickets.threads import LAST_OF_MEMBER, get_message


@dataclass(frozen=True, slots=True)
class Opening:
    """What an opener needs."""

    tx: Tx
    parts: Parts
    modals: Modals
    staff: StaffView
    pressed: Press

    @property
    def card(self) -> DeskCard:
        """The ticket with everything around it."""
        return read_desk_card(self.tx, profile=self.parts.profile, ticket_id=self.pressed.ticket_id)

    def memo(self, *, ticket_id: int = 0, source: str = "", about: int = 0) -> Memo:
        """What the modal remembers: what its opener could have read."""
        ticket_id = ticket_id or self.pressed.ticket_id
        last = self.tx.first(LAST_OF_MEMBER, ticket_id=ticket_id)
        return Memo(ticket_id, self.pressed.revision, last.id if last else 0, source, about or self.pressed.about)


def open_shortcut(o: Opening, *, place: str, ref: str) -> View:
    """The writer's own words as an answer. Errors: DomainError `forbidden`, `not_yours`, `already_released`."""
    require(o.staff, "reply")
    post = find_post(o.tx, place=place, ref=ref)
    if post is None or post.kind != "staff" or post.author != f"{o.pressed.team}:{o.pressed.user}":
        raise DomainError("not_yours")
    if post.message_id is None:
        raise DomainError("already_released")
    note = get_message(o.tx, message_id=post.message_id)
    card = read_desk_card(o.tx, profile=o.parts.profile, ticket_id=post.ticket_id)
    memo = o.memo(ticket_id=post.ticket_id, source=f"{place}:{ref}", about=note.id)
    return o.modals.compose(card, memo, text=note.body, files=note.files, prepared=_prepared(o, card))


def fill_prepared(o: Opening, view: View) -> View:
    """A prepared answer was chosen: its words with the member's values, below what was typed before.

    Errors: DomainError `forbidden`, `canned_unknown`.
    """
    memo, typed = Memo.unpack(str(view["private_metadata"])), read_value(view, "text").strip()
    filled = prepare_canned(o.tx, o.staff, profile=o.parts.profile, canned_id=o.pressed.about, ticket_id=memo.ticket_id)
    card = o.card
    files = get_message(o.tx, message_id=memo.about).files if memo.source else ()
    return o.modals.compose(
        card,
        memo,
        text="\n\n".join(part for part in (typed, filled.text) if part),
        files=files,
        prepared=_prepared(o, card),
        missing=filled.missing,
        block_id=_next_block(view),
    )


def _prepared(o: Opening, card: DeskCard) -> list[CannedView]:
    return list_canned(o.tx, o.staff, queue=card.ticket.queue)


def _next_block(view: View) -> str:
    number = next((str(b["block_id"]).partition(":")[2] for b in view["blocks"] if b.get("type") == "input"), "")
    return f"text:{int(number or 0) + 1}"


def _reply(o: Opening) -> View:
    require(o.staff, "reply")
    card = o.card
    return o.modals.compose(card, o.memo(), prepared=_prepared(o, card))


def _solve(o: Opening) -> View:
    require(o.staff, "reply")
    _current(o)
    return o.modals.solve(o.card, o.memo())


def _snooze(o: Opening) -> View:
    require(o.staff, "claim")
    _current(o)
    return o.modals.snooze(o.memo())


def _assign(o: Opening) -> View:
    require(o.staff, "claim")
    _current(o)
    return o.modals.assign(o.memo(), list_assignable(o.tx, o.staff))


def _priority(o: Opening) -> View:
    require(o.staff, "claim")
    _current(o)
    return o.modals.priority(o.memo())


def _confirm(o: Opening) -> View:
    require(o.staff, "confirm_payment")
    _undecided(o)
    return o.modals.confirm_payment(o.card, o.memo(), today=o.tx.today.isoformat())


def _ask_back(o: Opening) -> View:
    require(o.staff, "ask_back")
    _undecided(o)
    return o.modals.ask_back(o.card, o.memo())


def _reject(o: Opening) -> View:
    require(o.staff, "confirm_payment")
    _undecided(o)
    return o.modals.reject_report(o.card, o.memo())


def _accept(o: Opening) -> View:
    card, sheet = _request(o)
    return o.modals.accept_request(card, _memo_of(o, sheet), about=o.parts.draw.request(sheet, whole=True))


def _decline(o: Opening) -> View:
    card, sheet = _request(o)
    return o.modals.decline_request(card, _memo_of(o, sheet), about=o.parts.draw.request(sheet, whole=True))


def _request(o: Opening) -> tuple[DeskCard, RequestSheet]:
    require(o.staff, "decide_request")
    card = o.card
    sheet = next((sheet for sheet in card.requests if sheet.request.id == o.pressed.about), None)
    if sheet is None:
        raise DomainError("ticket_changed")
    return card, sheet


def _memo_of(o: Opening, sheet: RequestSheet) -> Memo:
    """With the reservation as the modal shows it: should it move meanwhile, nothing is accepted unseen."""
    return replace(o.memo(), revision=sheet.reservation.revision)


def _edit(o: Opening) -> View:
    require(o.staff, "reply")
    if not can_edit_answer(o.tx, message_id=o.pressed.about):
        channel = channel_of_answer(o.tx, message_id=o.pressed.about)
        raise DomainError("cannot_edit", channel=channel)
    return o.modals.edit(o.memo(), text=get_message(o.tx, message_id=o.pressed.about).body)


def _correct(o: Opening) -> View:
    """A new answer instead of an edit that the channel cannot do."""
    require(o.staff, "reply")
    found = release_of_answer(o.tx, message_id=o.pressed.about)
    card = o.card
    text = found.text if found is not None else ""
    return o.modals.compose(card, o.memo(), text=text, prepared=_prepared(o, card))


def _full_text(o: Opening) -> View:
    require(o.staff, "view_unmasked")
    return o.modals.full_text(get_message(o.tx, message_id=o.pressed.about).body)


def _current(o: Opening) -> None:
    need_current(o.tx, ticket_id=o.pressed.ticket_id, revision=o.pressed.revision)


def _undecided(o: Opening) -> None:
    if o.pressed.about not in {report.id for report in o.card.reports}:
        raise DomainError("ticket_changed")


OPENERS: dict[str, Callable[[Opening], View]] = {
    "reply": _reply,
    "solve": _solve,
    "snooze": _snooze,
    "assign": _assign,
    "priority": _priority,
    "confirm_payment": _confirm,
    "ask_back": _ask_back,
    "reject_report": _reject,
    "accept_request": _accept,
    "decline_request": _decline,
    "edit_answer": _edit,
    "correct": _correct,
    "full_text": _full_text,
}
