"""How a thread looks: the header card with the buttons of its state, entries, answers with their delivery line."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import orjson

from adapters.slack.handles import Handles
from adapters.slack.requests import describe_request
from adapters.slack.text import SECTION, TOTAL, cut, escape, fit, in_sections, quoted
from adapters.slack.words import Words
from core.counter.desk_card import DeskCard
from core.counter.reservations import RequestSheet
from core.profiles.model import Profile
from core.teamchat.nudges import Nudge
from core.teamchat.plan import Change, Entry, Group

Block = dict[str, Any]
EXCERPT = 200
NAME, NAMES, HALF = 100, 300, 1_200  # of a name, of file names, of a section that holds two texts: as written
DIGEST, DIGESTED = 8_500, 20  # of a digest: characters of all words, how many entries
DECISIONS = 3  # of a kind on one card: more are decided in the browser desk
GREEN, GREY, RED = "#2e8b57", "#9aa0a6", "#c0392b"
SHORT = timedelta(seconds=1)


class Drawn(NamedTuple):
    """A message as the Web API takes it."""

    text: str
    blocks: list[Block]
    attachments: list[Block]

    @property
    def digest(self) -> str:
        """Tells whether a post shows something else by now."""
        return hashlib.sha256(orjson.dumps(list(self))).hexdigest()[:32]


def section(text: str, *, accessory: Block | None = None) -> Block:
    """A paragraph of mrkdwn."""
    return {"type": "section", "text": mrkdwn(cut(text, 3_000)), **({"accessory": accessory} if accessory else {})}


def mrkdwn(text: str) -> Block:
    """Text with Slack's marks; what people wrote in it is escaped before."""
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> Block:
    """Text without marks."""
    return {"type": "plain_text", "text": text, "emoji": True}


def context(*texts: str) -> Block:
    """Small grey words."""
    return {"type": "context", "elements": [mrkdwn(cut(text, 2_000)) for text in texts]}


def button(label: str, action: str, value: str, *, style: str = "", url: str = "") -> Block:
    """A thing to press."""
    made: Block = {"type": "button", "text": plain(cut(label, 75)), "action_id": f"mado:{action}"}
    if value:
        made["value"] = value
    if style:
        made["style"] = style
    if url:
        made["url"] = url
    return made


class Draw:
    """Draws in the operator's language, with links to the browser desk."""

    def __init__(self, words: Words, handles: Handles, profile: Profile, public_url: str) -> None:
        self.w, self._handles, self._profile = words, handles, profile
        self._desk = f"{public_url.rstrip('/')}/desk/tickets"

    @property
    def desk_url(self) -> str:
        """Where tickets stand in the browser."""
        return self._desk

    # the header card

    def card(self, card: DeskCard) -> Drawn:
        """The root of a thread. Of the member's words only the subject stands here: taking them back is one edit."""
        w, ticket = self.w, card.ticket
        status = w.name("status", ticket.status)
        title = w("card.title", ticket_no=ticket.ticket_no, who=card.who)
        if card.member is None:
            title = w("card.title_nobody", ticket_no=ticket.ticket_no)
        blocks: list[Block] = [
            {"type": "header", "text": plain(cut(title, 150))},
            section(escape(cut(ticket.subject, EXCERPT)) or "-"),
            {"type": "section", "fields": [mrkdwn(field) for field in self._fields(card, status)]},
            section(self._member(card)),
        ]
        notes = self._notes(card)
        if notes:
            blocks.append(context(*notes))
        blocks.extend(section(self._report(card, number)) for number in range(len(card.reports[:DECISIONS])))
        blocks.extend(section(self.request(sheet)) for sheet in card.requests[:DECISIONS])
        blocks.extend(self._buttons(card))
        fallback = w(
            "card.fallback", ticket_no=ticket.ticket_no, status=status, subject=escape(cut(ticket.subject, 80))
        )
        return Drawn(fallback, blocks, [])

    def _fields(self, card: DeskCard, status: str) -> list[str]:
        w, ticket = self.w, card.ticket
        queue = next((q.name.text(w.language) for q in self._profile.support.queues if q.code == ticket.queue), "-")  # type: ignore[arg-type]
        due = w("card.no_due")
        if ticket.due_at is not None and ticket.due_for is not None:
            due = w("card.due", at=ticket.due_at, what=w.name("due", ticket.due_for))
        return [
            w("card.status", status=status),
            w("card.owner", name=escape(card.assignee_name) or w("card.nobody")),
            due,
            w("card.queue", queue=escape(queue)),
        ]

    def _member(self, card: DeskCard) -> str:
        w = self.w
        verified = w("card.not_verified")
        if card.member is not None:
            verified = w("card.verified", member_no=escape(card.member.member_no))
        lines = [
            w(
                "card.member",
                channel=w.name("channel", card.channel or "none"),
                verified=verified,
                language=w.name("language", card.language),
                past=card.past_tickets,
            )
        ]
        if card.member is not None:
            lines += [
                w(
                    "card.contract",
                    plan=escape(contract.plan_name(w.language)),
                    label=escape(contract.label),
                    expires=contract.expires_on,
                )
                for contract in card.contracts
            ] or [w("card.no_contract")]
            if card.more_contracts:
                lines.append(w("card.more_contracts", n=card.more_contracts))
            amount = {"amount": _yen(card.unpaid_yen, w)}
            lines.append(w("card.unpaid", n=card.unpaid, **amount) if card.unpaid else w("card.no_unpaid"))
        return "\n".join(lines)

    def _notes(self, card: DeskCard) -> list[str]:
        w, ticket = self.w, card.ticket
        notes = []
        if ticket.priority != "normal":
            notes.append(w("card.priority", priority=w.name("priority", ticket.priority)))
        if ticket.snoozed_until is not None:
            notes.append(w("card.snoozed", at=ticket.snoozed_until))
        if ticket.unread:
            notes.append(w("card.unread", n=ticket.unread))
        return notes

    def _report(self, card: DeskCard, number: int) -> str:
        w, report = self.w, card.reports[number]
        return w(
            "card.report",
            amount=_yen(report.amount_yen, w),
            paid_on=report.paid_on,
            payer=escape(report.payer_name),
            invoice=report.invoice_no or w("card.no_invoice"),
        )

    def _buttons(self, card: DeskCard) -> list[Block]:
        """Which there are follows from the state (dialogue-and-desk.md 1.2)."""
        ticket = card.ticket
        if ticket.status == "solved":
            return [*self._decisions(card), self._row([self._act(card, "reopen"), self._link(ticket.ticket_no)])]
        rest = "wake" if ticket.snoozed_until is not None else "snooze"
        first = [self._act(card, "claim", style="primary")] if ticket.assignee_id is None else []
        main = [*first, self._act(card, "reply"), self._act(card, rest), self._act(card, "solve")]
        more = ["assign", "priority"] if ticket.assignee_id is None else ["take_over", "assign", "priority", "release"]
        options = [{"text": plain(self.w(f"button.{name}")), "value": self._handle(card, name)} for name in more]
        main.append({"type": "overflow", "action_id": "mado:more", "options": options})
        return [self._row(main), *self._decisions(card), self._row([self._link(ticket.ticket_no)], block_id="desk")]

    def _decisions(self, card: DeskCard) -> list[Block]:
        """What waits for a yes or no stays to be pressed although the talk about it is over."""
        rows = []
        for report in card.reports[:DECISIONS]:
            acts = [self._act(card, name, extra=report.id) for name in ("ask_back", "reject_report")]
            if report.invoice_no is not None:
                acts.insert(0, self._act(card, "confirm_payment", extra=report.id, style="primary"))
            rows.append(self._row(acts, block_id=f"report:{report.id:x}"))
        for sheet in card.requests[:DECISIONS]:
            acts = [
                self._act(card, "accept_request", extra=sheet.request.id, style="primary"),
                self._act(card, "decline_request", extra=sheet.request.id),
            ]
            rows.append(self._row(acts, block_id=f"request:{sheet.request.id:x}"))
        return rows

    def request(self, sheet: RequestSheet, *, whole: bool = False) -> str:
        """A request about a reservation; `whole` for a modal."""
        bookings = self._profile.bookings
        return describe_request(self.w, bookings, sheet, whole=whole) if bookings is not None else ""

    def _act(self, card: DeskCard, action: str, *, extra: int = 0, style: str = "") -> Block:
        return button(self.w(f"button.{action}"), action, self._handle(card, action, extra), style=style)

    def _handle(self, card: DeskCard, action: str, extra: int = 0) -> str:
        return self._handles.make(card.ticket.id, action, card.ticket.revision, extra)

    def _link(self, ticket_no: str) -> Block:
        return button(self.w("card.open_desk"), "open_desk", "", url=f"{self._desk}/{ticket_no}")

    @staticmethod
    def _row(elements: list[Block], *, block_id: str = "acts") -> Block:
        return {"type": "actions", "block_id": block_id, "elements": elements}

    # what stands in the thread

    def group(self, group: Group) -> Drawn:
        """One post: a burst of the member's words, one answer, one note, or the digest of an outage."""
        if group.kind == "digest":
            return self._digest(group)
        first = group.entries[0]
        if first.message.author == "staff" and first.message.visibility == "public":
            return self._answer(first)
        blocks: list[Block] = []
        room = min(TOTAL // 3, TOTAL // len(group.entries))
        for entry in group.entries:
            blocks += self._said(entry, limit=room)
        return Drawn(self._plain_words(group.entries), blocks, [])

    def _said(self, entry: Entry, *, limit: int) -> list[Block]:
        return [context(self._by(entry)), *self._words(entry, limit=limit)]

    def _by(self, entry: Entry) -> str:
        w, message = self.w, entry.message
        name, at = escape(fit(message.author_name, NAME)), message.at
        if message.author == "member":
            return w("post.member", name=name, at=at, id=short_id(message.id))
        if message.author == "bot":
            return w("post.bot", at=at)
        key = "post.note" if message.visibility == "internal" else "post.answer"
        return w(key, name=name, at=at)

    def _words(self, entry: Entry, *, limit: int) -> list[Block]:
        message = entry.message
        body = fit(message.body, limit)
        blocks = [section(escape(part)) for part in (in_sections(body) if body else [])]
        if body != message.body:
            value = self._handles.make(message.ticket_id, "full_text", 0, message.id)
            blocks.append(
                self._row([button(self.w("button.full_text"), "full_text", value)], block_id=f"full:{message.id:x}")
            )
        if message.files:
            blocks.append(context(self.w("post.files", names=escape(fit(names_of(message.files), NAMES)))))
        return blocks

    def _answer(self, entry: Entry) -> Drawn:
        """The exact words that went out, with a coloured bar and what became of them."""
        w, message = self.w, entry.message
        line, colour = self._delivery(entry)
        blocks = [context(self._by(entry)), *self._words(entry, limit=TOTAL), context(line)]
        acts = [
            button(w(f"button.{name}"), name, self._handles.make(message.ticket_id, name, 0, message.id))
            for name in ("edit_answer", "remove_answer")
        ]
        blocks.append(self._row(acts, block_id=f"answer:{message.id:x}"))
        text = cut(
            f"{w('post.answer', name=escape(message.author_name), at=message.at)} {escape(message.body)}", SECTION
        )
        return Drawn(text, [], [{"color": colour, "blocks": blocks, "fallback": cut(text, 500)}])

    def _delivery(self, entry: Entry) -> tuple[str, str]:
        w, delivery = self.w, entry.delivery
        if delivery is None:
            return w("delivery.no_way"), RED
        if delivery.state in ("queued", "sending"):
            return w("delivery.waiting"), GREY
        if delivery.state == "sent":
            return w("delivery.mailed" if delivery.channel == "mail" else "delivery.sent"), GREEN
        if delivery.state == "unknown":
            return w("delivery.unknown"), RED
        why = escape(delivery.answer or "")
        return (
            (w("delivery.cancelled", why=why), GREY)
            if delivery.state == "cancelled"
            else (w("delivery.failed", why=why), RED)
        )

    def _digest(self, group: Group) -> Drawn:
        blocks: list[Block] = [section(f"*{self.w('post.digest', n=len(group.entries))}*")]
        shown = group.entries[:DIGESTED]
        cut_short = len(group.entries) > DIGESTED
        for entry in shown:
            words = entry.message.body or names_of(entry.message.files)
            fitting = fit(words, DIGEST // len(shown))
            cut_short |= fitting != words
            blocks += [context(self._by(entry)), section(escape(fitting))]
        if cut_short:
            blocks.append(context(self.w("post.cut")))
        return Drawn(self.w("post.digest", n=len(group.entries)), blocks, [])

    @staticmethod
    def _plain_words(entries: Sequence[Entry]) -> str:
        """For notifications and screen readers."""
        return cut(escape("\n".join(entry.message.body for entry in entries)), SECTION) or "-"

    def change(self, change: Change) -> Drawn:
        """Old and new words of the member."""
        old, new = (quoted(fit(words, HALF, quoted)) for words in (change.version.body, change.version.new_body))
        text = self.w("post.edited", at=change.message.at, old=old, new=new)
        return Drawn(cut(text, SECTION), [section(text)], [])

    def taken_back(self) -> Drawn:
        """Instead of what quoted words that the member took back."""
        return Drawn(self.w("post.unsent"), [context(self.w("post.unsent"))], [])

    # remarks to one person

    def nudge(self, nudge: Nudge) -> Drawn:
        """That a ticket of theirs will be due."""
        w, ticket = self.w, nudge.ticket
        text = w(
            f"nudge.{nudge.stage}",
            ticket_no=ticket.ticket_no,
            what=w.name("due", nudge.level),
            at=nudge.due_at,
            subject=escape(cut(ticket.subject, EXCERPT)) or "-",
        )
        return Drawn(
            cut(text, SECTION), [section(text), self._row([self._link(ticket.ticket_no)], block_id="desk")], []
        )

    def whisper(self, payload: dict[str, Any]) -> Drawn:
        """As owed by `core.teamchat.threads.whisper`."""
        data = {
            name: value if isinstance(value, int) else escape(str(value)) for name, value in payload["data"].items()
        }
        if "quote" in payload:
            data["quote"] = quoted(fit(str(payload["quote"]), 2 * HALF, quoted))
        if payload["data"].get("codes"):
            data["what"] = "、".join(self.w.name("warning", code) for code in payload["data"]["codes"])
        if "channel_code" in data:
            data["channel"] = self.w.name("channel", str(data["channel_code"]))
        if "what_code" in payload["data"]:
            data["what"] = escape(self.w.error(str(payload["data"]["what_code"]), payload["data"]))
        text = self.w(f"whisper.{payload['key']}", **data)
        blocks: list[Block] = [section(text)]
        acts = [
            button(
                self.w(f"button.{name}"),
                name,
                self._handles.make(int(payload["ticket_id"]), name, 0, int(payload["about"])),
            )
            for name in payload.get("buttons", ())
        ]
        if acts:
            blocks.append(self._row(acts, block_id=f"about:{int(payload['about']):x}"))
        return Drawn(cut(text, SECTION), blocks, [])


def short_id(message_id: int) -> str:
    """What people read out to name an entry."""
    return f"{message_id & 0xFFFFF:05x}"


def names_of(files: Sequence[dict[str, Any]]) -> str:
    """File names for one line."""
    return "、".join(str(file["name"]) for file in files)


def _yen(amount_yen: int, words: Words) -> str:
    return f"{amount_yen:,}円" if words.language == "ja" else f"¥{amount_yen:,}"
