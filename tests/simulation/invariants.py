"""What must be true after any number of crashes. Each function names its rule and gives the breaches it found, in words."""

import re
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from adapters.telegram.draw import draw
from core.billing.books import check_books
from core.db import Tx
from core.delivery.outbox import RETRY_SAFE_CHANNELS, SEND_AGAIN
from tests.simulation.rows import (
    BUBBLES,
    CHATS,
    CONFIRMATIONS,
    FORMS,
    INBOX,
    INVOICES,
    OUTBOX,
    REMINDERS,
    RENEWAL_CHANGES,
    RENEWALS,
    REPORTS,
    STAFF_WORDS,
    TICKET_NOS,
    TICKET_WORDS,
    Delivered,
    Extension,
    Mail,
    Row,
)


@dataclass
class Seen:
    """What the outside saw of a run."""

    deliveries: list[Delivered]
    calls: Sequence[Any]  # of the Bot API, in the order of arrival
    mails: list[Mail]
    public_urls: list[str]
    staff_words: list[str] = field(default_factory=list)  # each was pressed "send" at least once

    def of_channel(self, channel: str) -> list[Delivered]:
        """The acts that came by one channel."""
        return [d for d in self.deliveries if d.channel == channel]


def each_acknowledged_delivery_is_one_finished_inbox_row(tx: Tx, seen: Seen) -> Iterator[str]:
    """Acknowledged only after it is on disk; stored once; nothing stored that nobody sent; nothing left undone."""
    rows = tx.all(INBOX)
    stored = Tally((row.channel, row.delivery_key) for row in rows)
    for key, n in stored.items():
        if n != 1:
            yield f"{key} is stored {n} times"
    for delivered in seen.deliveries:
        if delivered.acked and (delivered.channel, delivered.key) not in stored:
            yield f"acknowledged and not stored: {delivered}"
    for key in stored.keys() - {(d.channel, d.key) for d in seen.deliveries}:
        yield f"stored and never sent: {key}"
    for row in rows:
        if row.state != "done":
            yield f"not finished: {row}"


def each_delivery_has_its_effect_once(tx: Tx, seen: Seen) -> Iterator[str]:
    """A member's words stand in their chat exactly as often as they were said, whatever was delivered twice."""
    chats = {chat.id: chat for chat in tx.all(CHATS)}
    stored = {(row.channel, row.delivery_key) for row in tx.all(INBOX)}
    said: Tally[tuple[str, str]] = Tally()
    shown: Tally[tuple[str, str]] = Tally()
    presses: Tally[str] = Tally()
    pressed: Tally[str] = Tally()
    for delivered in seen.deliveries:
        if (delivered.channel, delivered.key) in stored:
            if delivered.kind == "text":
                said[delivered.address, delivered.text] += 1
            elif delivered.kind == "press":
                presses[delivered.address] += 1
    for bubble in tx.all(BUBBLES):
        if bubble.author == "member":
            address = chats[bubble.chat_id].address
            if bubble.kind == "text":
                shown[address, bubble.body["text"]] += 1
            elif bubble.body.get("pressed"):
                pressed[address] += 1
    for key in said.keys() | shown.keys():
        if said[key] != shown[key]:
            yield f"said {said[key]} times, shown {shown[key]} times: {key}"
    for address, n in pressed.items():
        if n > presses[address]:
            yield f"{n} presses shown in {address}, {presses[address]} were made"
    refs = Tally((b.chat_id, b.platform_ref) for b in tx.all(BUBBLES) if b.author == "member" and b.platform_ref)
    yield from (f"message {ref} of the platform is shown {n} times" for ref, n in refs.items() if n > 1)


def each_order_is_one_invoice(tx: Tx, seen: Seen) -> Iterator[str]:
    """As many invoices as orders were placed; each order's final confirmation is kept; numbers without gaps."""
    invoices = tx.all(INVOICES)
    orders = [run for run in tx.all(FORMS) if run.name == "renew" and run.state == "done"]
    if len(orders) != len(invoices):
        yield f"{len(orders)} orders made {len(invoices)} invoices"
    if sorted(row.n for row in tx.all(CONFIRMATIONS)) != sorted(invoice.id for invoice in invoices):
        yield "final confirmations and invoices differ"
    yield from _gaps("invoice", [invoice.invoice_no for invoice in invoices])


def each_report_form_is_one_report(tx: Tx, seen: Seen) -> Iterator[str]:
    """A report exists exactly for the forms that were sent (the same claim twice while undecided is one report)."""
    reports = {row.n for row in tx.all(REPORTS)}
    sent = {form.result["args"]["report"] for form in tx.all(FORMS) if form.name == "report" and form.state == "done"}
    if sent != reports:
        yield f"reports without a form or forms without a report: {sent ^ reports}"


def each_word_to_staff_and_from_staff_is_there_once(tx: Tx, seen: Seen) -> Iterator[str]:
    """Tickets: what was written to a person once stands there once; an answer sent twice is one answer; no gaps."""
    for words, n in Tally(row.n for row in tx.all(TICKET_WORDS) if "番目の言葉" in row.n).items():
        if n != 1:
            yield f"{n} times in a ticket: {words}"
    if Tally(row.n for row in tx.all(STAFF_WORDS)) != Tally(seen.staff_words):
        yield "staff's answers are not there exactly once each"
    yield from _gaps("ticket", [row.n for row in tx.all(TICKET_NOS)])


def _gaps(what: str, numbers: list[str]) -> Iterator[str]:
    found = sorted(int(re.findall(r"\d+", number)[-1]) for number in numbers)
    if found != list(range(1, len(found) + 1)):
        yield f"{what} numbers have gaps or doubles: {found}"


def the_books_balance(tx: Tx, seen: Seen) -> Iterator[str]:
    """Double entry, allocations, suspense: the independent checker's own rules."""
    yield from (f"{error.rule}: {error.subject}" for error in check_books(tx))


def a_paid_renewal_extended_its_term_once(tx: Tx, seen: Seen) -> Iterator[str]:
    """Paid ⇔ extended, one change of the contract for each, and the contract ends where the last one says."""
    changes = Tally(str(row.n) for row in tx.all(RENEWAL_CHANGES))
    last: dict[int, Extension] = {}
    done: Tally[int] = Tally()
    for renewal in tx.all(RENEWALS):
        expected = {"paid": "done", "open": "open"}.get(renewal.invoice_status, "")
        if renewal.state != expected and not (renewal.invoice_status == "void" and renewal.state in _CLOSED):
            yield f"invoice {renewal.invoice_status}, renewal {renewal.state}: {renewal.id}"
        if changes[f"renewal:{renewal.id}"] != (1 if renewal.state == "done" else 0):
            yield f"{changes[f'renewal:{renewal.id}']} changes of the contract for a {renewal.state} renewal"
        if renewal.state == "done":
            done[renewal.contract_id] += 1
            before = last.get(renewal.contract_id)
            if before is not None and before.new_expires_on != renewal.old_expires_on:
                yield f"renewal {renewal.id} does not begin where the one before ended"
            last[renewal.contract_id] = renewal
    for contract_id, renewal in last.items():
        if renewal.contract_expires_on != renewal.new_expires_on:
            yield f"contract {contract_id} ends {renewal.contract_expires_on}, paid until {renewal.new_expires_on}"
        if renewal.contract_cycle_no != 1 + done[contract_id]:
            yield f"contract {contract_id} is in cycle {renewal.contract_cycle_no} after {done[contract_id]} renewals"


_CLOSED = ("lapsed", "cancelled")


def every_chat_is_numbered_without_gaps(tx: Tx, seen: Seen) -> Iterator[str]:
    """seq 1 … last_seq, each once."""
    numbers: dict[int, list[int]] = {}
    for bubble in tx.all(BUBBLES):
        numbers.setdefault(bubble.chat_id, []).append(bubble.seq)
    for chat in tx.all(CHATS):
        if numbers.get(chat.id, []) != list(range(1, chat.last_seq + 1)):
            yield f"chat {chat.id}: {numbers.get(chat.id)} of {chat.last_seq}"


def every_owed_message_ended_as_the_table_says(tx: Tx, seen: Seen) -> Iterator[str]:
    """Sent, withdrawn, or unknown where the table allows it; nothing is still owed; repeats only where they are allowed."""
    for row in tx.all(OUTBOX):
        if row.state == "unknown":
            if row.channel in RETRY_SAFE_CHANNELS or row.kind in SEND_AGAIN:
                yield f"should have been sent again: {row.kind} by {row.channel}"
        elif row.state not in ("sent", "cancelled"):
            yield f"still owed or given up: {row.state} {row.kind} by {row.channel} ({row.answer})"
        if row.repeats and (row.channel in RETRY_SAFE_CHANNELS or row.kind not in SEND_AGAIN):
            yield f"repeated against the table: {row.kind} by {row.channel}"
        if row.repeats >= max(row.attempts, 1):
            yield f"{row.repeats} repeats in {row.attempts} attempts"


def mails_arrived_and_repeats_are_recognisable(tx: Tx, seen: Seen) -> Iterator[str]:
    """Each sent mail reached the server under its fixed Message-ID, never more often than it was tried."""
    received = Tally(mail.message_id.strip("<>").split("@")[0] for mail in seen.mails)
    owed = {str(row.id): row for row in tx.all(OUTBOX) if row.channel == "mail"}
    yield from (f"a mail that nobody owed: {key}" for key in received.keys() - owed.keys())
    for key, row in owed.items():
        if row.state == "sent" and received[key] == 0:
            yield f"lost mail: {row.kind} to {row.address}"
        if received[key] > row.attempts:
            yield f"{received[key]} copies in {row.attempts} attempts"


class Receipt(NamedTuple):
    """A message as Telegram took it: new, or drawn over an older one; its text and its buttons' handles."""

    over: str
    text: str
    handles: tuple[str, ...]


def telegram_got_every_chat_in_order(tx: Tx, seen: Seen) -> Iterator[str]:
    """Receipts of a chat = its owed rows in their order, each once, plus at most `repeats` more of a row at its place.

    Hence: nothing owed was lost, nothing overtook, each double is counted, and what may not be repeated never was.
    """
    receipts: dict[str, list[Receipt]] = {}
    for call in seen.calls:
        if call.status == 200 and call.method in ("sendMessage", "editMessageText"):
            receipts.setdefault(str(call.params["chat_id"]), []).append(_receipt(call.method, call.params))
    chats: dict[str, list[Row]] = {}
    for row in tx.all(OUTBOX):
        if row.channel == "telegram" and row.payload["op"] == "say":
            chats.setdefault(row.address, []).append(row)
    for address in receipts.keys() | chats.keys():
        got = receipts.get(address, [])
        yield from _walk(address, chats.get(address, []), got, seen.public_urls)
    extra = sum(map(len, receipts.values())) - sum(row.state == "sent" for rows in chats.values() for row in rows)
    unknown = sum(row.state == "unknown" for rows in chats.values() for row in rows)
    repeats = sum(row.repeats for rows in chats.values() for row in rows)
    if extra > repeats + unknown:
        yield f"{extra} receipts too many, {repeats} repeats counted"


def _walk(address: str, rows: list[Row], got: list[Receipt], urls: list[str]) -> Iterator[str]:
    """Which places in `got` each row can lead to; none means that the order or the number is wrong there."""
    places = {0}
    for row in rows:
        least, most = {"sent": (1, 1 + row.repeats), "unknown": (0, 1)}.get(row.state, (0, row.repeats))
        expected = [_expected(row, url) for url in urls]
        reached: set[int] = set()
        for place in places:
            n = 0
            while n <= most:
                if n >= least:
                    reached.add(place + n)
                if place + n >= len(got) or got[place + n] not in expected:
                    break
                n += 1
        if not reached:
            there = got[min(places) : min(places) + 2]
            yield f"chat {address}: {row.state} row {row.id} ({row.kind}, {row.repeats} repeats, {row.answer}) is not " \
                  f"where it belongs; {expected[:1]} came: {there}"  # fmt: skip
            return
        places = reached
    if len(got) not in places:
        yield f"chat {address}: {len(got) - max(places)} receipts that nothing accounts for: {got[max(places) :][:2]}"


def _expected(row: Row, url: str) -> Receipt:
    (part,) = draw(row.payload["body"], public_url=url)
    over = str(row.payload["replaces"]) if row.answer == "edited" else ""
    keyboard = part.keyboard.to_dict() if part.keyboard else {}
    return Receipt(over, part.html if part.runs else "", _handles(keyboard))


def _receipt(method: str, params: dict[str, Any]) -> Receipt:
    over = str(params["message_id"]) if method == "editMessageText" else ""
    return Receipt(over, params["text"], _handles(params.get("reply_markup") or {}))


def _handles(keyboard: dict[str, Any]) -> tuple[str, ...]:
    return tuple(b["callback_data"] for row in keyboard.get("inline_keyboard", ()) for b in row if "callback_data" in b)


def reminders_never_come_twice(tx: Tx, seen: Seen) -> Iterator[str]:
    """One decision for a contract and milestone; in Telegram its text comes at most once."""
    yield from (f"{row.b} reminders for contract {row.a}" for row in tx.all(REMINDERS) if row.b > 1)
    texts = Tally(
        (call.params["chat_id"], call.params["text"])
        for call in seen.calls
        if call.status == 200 and call.method == "sendMessage"
    )
    for row in tx.all(OUTBOX):
        if row.kind == "reminder" and row.channel == "telegram":
            n = texts[row.address, _expected(row, seen.public_urls[0]).text]
            if n > 1 or (row.state == "sent" and n == 0):
                yield f"reminder {row.id} came {n} times"


def platform_numbers_point_at_what_was_sent(tx: Tx, seen: Seen) -> Iterator[str]:
    """Two bubbles of a chat never claim the same Telegram message: later edits would draw over the wrong one."""
    refs = Tally((b.chat_id, b.platform_ref) for b in tx.all(BUBBLES) if b.platform_ref)
    yield from (f"{n} bubbles claim message {ref}" for ref, n in refs.items() if n > 1)


def deliveries_were_really_repeated(tx: Tx, seen: Seen) -> Iterator[str]:
    """The run would prove nothing had everything come once."""
    if sum(d.times > 1 for d in seen.deliveries) < len(seen.deliveries) // 10:
        yield "hardly anything was delivered twice"
    for channel in ("webchat", "telegram"):
        if not seen.of_channel(channel):
            yield f"{channel} was silent"


INVARIANTS: tuple[Callable[[Tx, Seen], Iterator[str]], ...] = (
    each_acknowledged_delivery_is_one_finished_inbox_row,
    each_delivery_has_its_effect_once,
    each_order_is_one_invoice,
    each_report_form_is_one_report,
    each_word_to_staff_and_from_staff_is_there_once,
    the_books_balance,
    a_paid_renewal_extended_its_term_once,
    every_chat_is_numbered_without_gaps,
    every_owed_message_ended_as_the_table_says,
    mails_arrived_and_repeats_are_recognisable,
    telegram_got_every_chat_in_order,
    reminders_never_come_twice,
    platform_numbers_point_at_what_was_sent,
    deliveries_were_really_repeated,
)


def breaches(tx: Tx, seen: Seen) -> list[str]:
    """All rules, each breach with the rule's name."""
    return [f"{rule.__name__}: {breach}" for rule in INVARIANTS for breach in rule(tx, seen)]
