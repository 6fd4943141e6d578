"""Staff answer in a ticket, with files or out of a prepared answer; and the thread by the number people read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from core.billing.invoices import list_unpaid
from core.contracts.service import list_contracts
from core.db import Tx
from core.delivery.files import FileView, store_file
from core.dialogue.service import get_chat
from core.errors import DomainError
from core.members.roles import ActingStaff, require
from core.members.service import get_member
from core.money import format_yen
from core.profiles.model import Language, Profile
from core.tickets.canned import fill, get_canned
from core.tickets.chats import lock_reply_chat
from core.tickets.policy import PLACE
from core.tickets.service import note, reply
from core.tickets.threads import BY_CLIENT_KEY, Thread, TicketMessageView, find_ticket, get_ticket, thread


@dataclass(frozen=True, slots=True)
class Upload:
    """A file chosen in the answer box, not stored yet."""

    name: str
    mime: str
    content: bytes = field(repr=False)


def find_thread(tx: Tx, staff: ActingStaff, *, ticket_no: str) -> Thread:
    """The thread of a number. Errors: DomainError `forbidden`, `ticket_unknown`."""
    require(staff, "view")
    ticket = find_ticket(tx, ticket_no=ticket_no)
    if ticket is None:
        raise DomainError("ticket_unknown")
    return thread(tx, staff, ticket_id=ticket.id)


def reply_with_files(
    tx: Tx,
    staff: ActingStaff,
    *,
    ticket_id: int,
    internal: bool,
    text: str,
    uploads: Sequence[Upload],
    client_key: str,
    last_seen_message_id: int,
) -> TicketMessageView:
    """An answer or (internal) a note with its files, all in one transaction: what is refused stores no file.

    A second press with the same key stores nothing again. Errors: as `core.tickets.service.reply` and `note`, and
    `file_too_large`, `file_empty`.
    """
    require(staff, "note" if internal else "reply")
    first = tx.first(BY_CLIENT_KEY, client_key=f"{staff.id}:{client_key}")
    if first is not None and first.ticket_id == ticket_id and first.body == text.strip():
        return first
    chat_id = None if internal else lock_reply_chat(tx, ticket_id)  # where the answer goes: only there the file opens
    files = [_store(tx, chat_id, upload) for upload in uploads]
    if internal:
        return note(tx, staff, ticket_id=ticket_id, text=text, files=files, client_key=client_key)
    return reply(
        tx,
        staff,
        ticket_id=ticket_id,
        text=text,
        files=files,
        client_key=client_key,
        last_seen_message_id=last_seen_message_id,
    )


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared answer for one ticket, in the member's language; `missing`: places that nothing fills."""

    text: str
    missing: tuple[str, ...]


def prepare_canned(tx: Tx, staff: ActingStaff, *, profile: Profile, canned_id: int, ticket_id: int) -> Prepared:
    """定型文 with the member's values in its places, to be read before it is sent; `reply` refuses what is left unfilled.

    The invoice is the unpaid one that is due first, the contract the one that expires first. Errors: DomainError
    `forbidden`, `canned_unknown`, `ticket_unknown`.
    """
    require(staff, "reply")
    ticket = get_ticket(tx, ticket_id=ticket_id)
    member = get_member(tx, member_id=ticket.member_id) if ticket.member_id is not None else None
    chat = get_chat(tx, chat_id=ticket.chat_id) if ticket.chat_id is not None else None
    spoken = (chat.language or chat.hint) if chat is not None else member.language if member is not None else "ja"
    language: Language = "en" if spoken == "en" else "ja"
    values = {
        "ticket_no": ticket.ticket_no,
        "staff_name": staff.name,
        "operator_name": profile.operator.name.text(language),
        "phone": profile.operator.phone,
        "hours": profile.operator.hours.text(language),
    }
    if member is not None:
        values |= {"member_name": member.name, "member_no": member.member_no}
        unpaid = next(iter(list_unpaid(tx, member_id=member.id)), None)
        if unpaid is not None:
            values |= {
                "invoice_no": unpaid.invoice_no,
                "amount": format_yen(unpaid.open_yen),
                "due_on": _day(unpaid.due_on, language),
            }
        contract = next(iter(list_contracts(tx, profile=profile, member_id=member.id, with_ended=False)), None)
        if contract is not None:
            values |= {"contract": contract.label, "expires_on": _day(contract.expires_on, language)}
    text = fill(get_canned(tx, canned_id=canned_id).text(language), values)
    return Prepared(text, tuple(dict.fromkeys(PLACE.findall(text))))


def _day(day: date, language: str) -> str:
    if language == "en":
        return f"{day:%a, %b} {day.day}, {day.year}"
    return f"{day.year}年{day.month}月{day.day}日({'月火水木金土日'[day.weekday()]})"


def _store(tx: Tx, chat_id: int | None, upload: Upload) -> FileView:
    if not upload.content:
        raise DomainError("file_empty", name=upload.name)
    return store_file(tx, chat_id=chat_id, name=upload.name, mime=upload.mime, content=upload.content)
