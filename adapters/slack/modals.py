"""The modals of the desk: composing and previewing an answer, solving, resting, giving, deciding reports and requests."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from adapters.slack.blocks import Block, context, names_of, plain, section
from adapters.slack.text import cut, escape, fit, in_sections, quoted
from adapters.slack.words import Words
from core.counter.desk_card import DeskCard
from core.errors import DomainError
from core.tickets.assignment import Colleague
from core.tickets.canned import CannedView
from core.tickets.policy import DECIDED, PRIORITIES, SOLVE_REASONS

View = dict[str, Any]
PICK = "mado_prepared"  # the action of choosing a prepared answer
INPUT_LENGTH = 3_000  # a plain text input takes no more
RATE = "rate"
DECISION_WORDS = 1_000  # as at the browser desk
OPTIONS = 100  # a select takes no more
SNOOZES = ("1h", "4h", "tomorrow", "3d", "7d")


@dataclass(frozen=True, slots=True)
class Memo:
    """What a modal must not forget until it is sent (`private_metadata`, 3 000 characters)."""

    ticket_id: int
    revision: int = 0  # of the ticket; of the reservation where a request is decided
    seen_id: int = 0  # the member's last entry when it was opened
    source: str = ""  # which message of staff these words are
    about: int = 0  # an entry, a payment report, a request, a draft
    reason: str = ""  # why a ticket is solved
    rate: bool = True  # whether its member is asked how it was

    def pack(self) -> str:
        """As text."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def unpack(cls, packed: str) -> "Memo":
        """As it was."""
        return cls(**orjson.loads(packed))


class Modals:
    """Draws modals in the operator's language."""

    def __init__(self, words: Words) -> None:
        self.w = words

    def compose(
        self,
        card: DeskCard,
        memo: Memo,
        *,
        text: str = "",
        files: Sequence[dict[str, Any]] = (),
        prepared: Sequence[CannedView] = (),
        missing: Sequence[str] = (),
        block_id: str = "text",
    ) -> View:
        """Words to the member; the next step shows them as they will be read.

        `prepared`: answers to choose from; `missing`: places of the chosen one that nothing fills. Slack keeps what was typed
        in an input as long as its `block_id` stays: other words need another one (`text:1`).
        """
        blocks = [self._to(card)]
        if prepared:
            blocks.append(self._picker(prepared))
        blocks.append(self._input(block_id, "modal.text", text=cut(text, INPUT_LENGTH), multiline=True))
        if missing:
            places = "、".join(f"{{{{{place}}}}}" for place in missing)
            blocks.append(section(self.w("modal.missing", places=places)))
        if len(text) > INPUT_LENGTH:
            blocks.append(section(self.w("modal.too_long", most=INPUT_LENGTH)))
        if files:
            blocks.append(context(self.w("modal.files", names=escape(names_of(files)))))
        return self._view("mado_reply", "modal.reply_title", "modal.next", blocks, memo)

    def _picker(self, prepared: Sequence[CannedView]) -> Block:
        """Choosing one fills the words at once."""
        options = [{"text": plain(cut(each.title, 75)), "value": str(each.id)} for each in prepared[:OPTIONS]]
        chosen = {"type": "static_select", "action_id": PICK, "placeholder": plain(self.w("modal.prepared"))}
        return {"type": "actions", "block_id": "prepared", "elements": [{**chosen, "options": options}]}

    def preview(
        self,
        card: DeskCard,
        memo: Memo,
        text: str,
        *,
        warnings: Sequence[str],
        newer: str | None,
        files: Sequence[dict[str, Any]] = (),
    ) -> View:
        """Exactly what will be sent, with what should be thought of first."""
        blocks = [*self._doubts(warnings, newer, send="modal.send"), self._to(card)]
        blocks += [section(quoted(part)) for part in in_sections(text, limit=2_500, shown=quoted)]
        shown = [self.w("modal.length", n=len(text))]
        if files:
            shown.append(self.w("modal.files", names=escape(names_of(files))))
        return self._view("mado_preview", "modal.preview_title", "modal.send", [*blocks, context(*shown)], memo)

    def _doubts(self, warnings: Sequence[str], newer: str | None, *, send: str) -> list[Block]:
        blocks: list[Block] = []
        if newer is not None:
            quote = quoted(fit(newer, 2_400, quoted))
            blocks.append(section(self.w("modal.newer", quote=quote, send=self.w(send))))
        if warnings:
            what = "、".join(self.w.name("warning", code) for code in warnings)
            blocks.append(section(self.w("modal.warned", what=what, send=self.w(send))))
        return blocks

    def solve(self, card: DeskCard, memo: Memo) -> View:
        """With or without a closing text to the member, and whether they are asked how it was (never where it is decided)."""
        reasons = [(code, self.w.name("reason", code)) for code in SOLVE_REASONS]
        blocks = [
            self._to(card),
            {**self._select("reason", "modal.solve_reason", reasons), "optional": True},
            self._input("text", "modal.solve_text", multiline=True, optional=True),
        ]
        if card.ticket.kind not in DECIDED:
            asks = {"text": plain(self.w("modal.solve_asks")), "value": RATE}
            element = {"type": "checkboxes", "action_id": "value", "options": [asks], "initial_options": [asks]}
            label = plain(self.w("modal.solve_rate"))
            blocks.append({"type": "input", "block_id": "rate", "label": label, "element": element, "optional": True})
        return self._view("mado_solve", "modal.solve_title", "modal.solve_send", blocks, memo)

    def solve_preview(
        self, card: DeskCard, memo: Memo, text: str, *, warnings: Sequence[str], newer: str | None
    ) -> View:
        """The closing text as it will be read, or only what the member wrote meanwhile."""
        blocks = [*self._doubts(warnings, newer, send="modal.solve_send"), self._to(card)]
        blocks += [section(quoted(part)) for part in in_sections(text, limit=2_500, shown=quoted)] if text else []
        shown = [self.w.name("reason", memo.reason)] if memo.reason else []
        if card.ticket.kind not in DECIDED:
            shown.append(self.w("modal.solve_asks" if memo.rate else "modal.solve_asks_not"))
        if shown:
            blocks.append(context(*shown))
        return self._view("mado_solve_preview", "modal.solve_title", "modal.solve_send", blocks, memo)

    def snooze(self, memo: Memo) -> View:
        """Until when."""
        options = [(code, self.w(f"snooze.{code}")) for code in SNOOZES]
        blocks = [self._select("until", "modal.snooze_until", options)]
        return self._view("mado_snooze", "modal.snooze_title", "modal.snooze_send", blocks, memo)

    def assign(self, memo: Memo, colleagues: Sequence[Colleague]) -> View:
        """To whom; at most as many as a select takes."""
        options = [(str(each.id), each.name) for each in colleagues[:OPTIONS]]
        blocks = [self._select("to", "modal.assign_to", options)]
        return self._view("mado_assign", "modal.assign_title", "modal.assign_send", blocks, memo)

    def priority(self, memo: Memo) -> View:
        """One of four."""
        options = [(code, self.w.name("priority", code)) for code in PRIORITIES]
        blocks = [self._select("priority", "modal.priority", options)]
        return self._view("mado_priority", "modal.priority_title", "modal.priority_send", blocks, memo)

    def confirm_payment(self, card: DeskCard, memo: Memo, *, today: str) -> View:
        """Amount and day as reported, to be compared with the bank's statement."""
        report = next(report for report in card.reports if report.id == memo.about)
        about = self.w(
            "modal.confirm_about",
            invoice=report.invoice_no or "",
            amount=f"{report.amount_yen:,}",
            payer=escape(report.payer_name),
        )
        day = {"type": "datepicker", "action_id": "value", "initial_date": min(report.paid_on.isoformat(), today)}
        blocks = [
            section(about),
            self._input("amount", "modal.confirm_amount", text=str(report.amount_yen)),
            {"type": "input", "block_id": "on", "label": plain(self.w("modal.confirm_on")), "element": day},
        ]
        return self._view("mado_confirm", "modal.confirm_title", "modal.confirm_send", blocks, memo)

    def ask_back(self, card: DeskCard, memo: Memo) -> View:
        """A question to the member about their report."""
        words = self._input("text", "modal.ask_words", multiline=True)
        return self._view("mado_ask", "modal.ask_title", "modal.ask_send", [self._to(card), words], memo)

    def reject_report(self, card: DeskCard, memo: Memo) -> View:
        """No such money came: the member reads these words."""
        words = self._input("text", "modal.reject_words", multiline=True, most=DECISION_WORDS)
        return self._view("mado_reject", "modal.reject_title", "modal.reject_send", [self._to(card), words], memo)

    def accept_request(self, card: DeskCard, memo: Memo, *, about: str) -> View:
        """The reservation follows at once; words beside it are optional."""
        words = self._input("text", "modal.accept_words", multiline=True, optional=True, most=DECISION_WORDS)
        blocks = [self._to(card), section(about), words, context(self.w("modal.accept_says"))]
        return self._view("mado_accept", "modal.accept_title", "modal.accept_send", blocks, memo)

    def decline_request(self, card: DeskCard, memo: Memo, *, about: str) -> View:
        """With the reason that the member reads."""
        words = self._input("text", "modal.decline_words", multiline=True, most=DECISION_WORDS)
        blocks = [self._to(card), section(about), words]
        return self._view("mado_decline", "modal.decline_title", "modal.decline_send", blocks, memo)

    def edit(self, memo: Memo, *, text: str) -> View:
        """The words that went out, to be changed at the member's side."""
        words = self._input("text", "modal.text", text=cut(text, INPUT_LENGTH), multiline=True)
        return self._view("mado_edit", "modal.edit_title", "modal.edit_send", [words], memo)

    def full_text(self, text: str) -> View:
        """A long entry, whole."""
        blocks = [section(escape(part)) for part in in_sections(text)][:50]
        return {
            "type": "modal",
            "callback_id": "mado_full",
            "title": plain(self.w("modal.full_title")),
            "close": plain(self.w("modal.close")),
            "blocks": blocks,
        }

    def refusal(self, error: DomainError) -> View:
        """Why nothing can be opened, or be done."""
        return self._told("modal.refused_title", escape(self.w.error(error.code, error.data)))

    def failed(self, reference: str) -> View:
        """Something went wrong on our side; `reference` finds it in the log."""
        return self._told("modal.refused_title", self.w("whisper.failed", ref=reference))

    def _told(self, title: str, text: str) -> View:
        return {
            "type": "modal",
            "callback_id": "mado_full",
            "title": plain(self.w(title)),
            "close": plain(self.w("modal.close")),
            "blocks": [section(text)],
        }

    def _to(self, card: DeskCard) -> Block:
        channel = self.w.name("channel", card.channel or "none")
        return section(self.w("modal.to", who=escape(card.who) or card.ticket.ticket_no, channel=channel))

    def _input(
        self,
        block_id: str,
        label: str,
        *,
        text: str = "",
        multiline: bool = False,
        optional: bool = False,
        most: int = INPUT_LENGTH,
    ) -> Block:
        element: Block = {"type": "plain_text_input", "action_id": "value", "multiline": multiline}
        if multiline:
            element["max_length"] = most
        if text:
            element["initial_value"] = text
        made = {"type": "input", "block_id": block_id, "label": plain(self.w(label)), "element": element}
        return {**made, "optional": True} if optional else made

    def _select(self, block_id: str, label: str, options: Sequence[tuple[str, str]]) -> Block:
        made = [{"text": plain(cut(text, 75)), "value": code} for code, text in options]
        element = {"type": "static_select", "action_id": "value", "options": made}
        return {"type": "input", "block_id": block_id, "label": plain(self.w(label)), "element": element}

    def _view(self, callback_id: str, title: str, submit: str, blocks: list[Block], memo: Memo) -> View:
        return {
            "type": "modal",
            "callback_id": callback_id,
            "title": plain(self.w(title)),
            "submit": plain(self.w(submit)),
            "close": plain(self.w("modal.cancel")),
            "private_metadata": memo.pack(),
            "blocks": blocks,
        }


def read_value(view: View, block_id: str) -> str:
    """What was typed, chosen or picked in an input (`text`, or `text:1` once its words were replaced); nothing when it was
    left empty."""
    values: dict[str, Any] = (view.get("state") or {}).get("values") or {}
    for block, actions in values.items():
        if block.partition(":")[0] != block_id:
            continue
        for action in actions.values():
            chosen = [action.get("selected_option") or {}, *(action.get("selected_options") or ())]
            option = next((str(each["value"]) for each in chosen if each), "")
            return str(action.get("value") or option or action.get("selected_date") or "")
    return ""
