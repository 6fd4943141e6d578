"""What members and staff are told about inquiries by themselves; `bot.telling` says which fact is told by what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bot.deployment import Bot
from bot.forms import park_for_person
from bot.owing import Mail, addresses_of, as_mail, as_payload, owe_mail, tell_chat, tell_member
from bot.saying import Why, redraw_as_staff, say_as_staff
from bot.screens import telling as screens
from bot.screens import tickets as ticket_screens
from bot.screens.model import Screen
from bot.wording import Wording
from core.db import Tx
from core.dialogue import service as dialogue
from core.dialogue.service import ChatView
from core.members import links
from core.members import service as members
from core.members.service import MemberView
from core.tickets import entries
from core.tickets.facts import (
    AnswerEdited,
    AnswerRemoved,
    ChatHandedBack,
    StaffReplied,
    TicketDue,
    TicketSolved,
    TicketWentQuiet,
)
from core.tickets.policy import DECIDED
from core.tickets.ratings import ask_rating
from core.tickets.threads import get_message, get_ticket, list_open_of_person

CHANGED = Why("staff changed their answer", kind="staff_reply")
ATTACHED_BYTES = 7_000_000  # of all files of a mail: base64 makes a third more of it, and many servers take 10 MB


def staff_replied(bot: Bot, tx: Tx, fact: StaffReplied) -> None:
    why = Why(
        "staff's answer",
        kind="staff_reply",
        member_id=fact.member_id,
        ticket_id=fact.ticket_id,
        dedupe_key=f"staff-reply:{fact.ticket_message_id}",
    )
    chat = dialogue.lock_chat_by_id(tx, chat_id=fact.chat_id) if fact.chat_id is not None else None
    member = members.get_member(tx, member_id=fact.member_id) if fact.member_id is not None else None
    addresses = addresses_of(member) if member is not None else []
    outbox_id = None
    if chat is not None and (chat.reachable or not addresses):  # the only way there is: if it fails, staff see that
        park_for_person(tx, chat_id=chat.id)
        name = _name_with_number(tx, chat.id, fact)
        instead = as_payload(_answer_mail(bot, member, fact)) if member is not None else None
        chat, outbox_id = say_as_staff(
            tx, chat, name=name, text=fact.text, files=list(fact.files), why=replace(why, instead=instead)
        )
        dialogue.set_last_seq(tx, chat_id=chat.id, last_seq=chat.last_seq)
    elif member is not None:
        mail = _answer_mail(bot, member, fact)
        owed = [owe_mail(tx, to=address, mail=mail, why=why) for address in addresses]
        outbox_id = next((each for each in owed if each is not None), None)
    if outbox_id is not None:
        entries.record_delivery(tx, message_id=fact.ticket_message_id, outbox_id=outbox_id)
    else:
        words = bot.wording(bot.profile.language)("tell.no_way")
        entries.add_bot_entry(tx, ticket_id=fact.ticket_id, body=words, alarming=True)


def _name_with_number(tx: Tx, chat_id: int, fact: StaffReplied) -> str:
    """Beside the name which inquiry it answers, where the member has several: the words themselves are never altered."""
    several = len(list_open_of_person(tx, member_id=fact.member_id, chat_id=chat_id)) > 1
    return f"{fact.staff_name}（{fact.ticket_no}）" if several else fact.staff_name


def _answer_mail(bot: Bot, member: MemberView, fact: StaffReplied) -> Mail:
    return _letter(
        bot, member, ticket_no=fact.ticket_no, staff_name=fact.staff_name, text=fact.text, files=list(fact.files)
    )


def _letter(
    bot: Bot,
    member: MemberView,
    *,
    ticket_no: str,
    staff_name: str,
    text: str,
    files: Sequence[Mapping[str, Any]] = (),
) -> Mail:
    w = bot.wording(member.language)
    contact = bot.contact(w.language)
    fits = sum(int(str(file["size_bytes"])) for file in files) <= ATTACHED_BYTES
    said = [text] if text else []
    if files:
        key = "tell.mail_files" if fits else "tell.mail_files_too_large"
        names = "\n".join(f"・{file['name']}" for file in files)
        said.append(w(key, n=len(files), names=names, phone=contact["phone"]))
    said.append(w("tell.staff", name=staff_name) + w("tell.mail_footer", **contact))
    return Mail(
        f"【{bot.operator_name(w.language)}】{ticket_no}",
        "\n\n".join(said),
        tuple(int(str(file["file_id"])) for file in files) if fits else (),
    )


SOLVED_WORDS = {"staff": "ticket.solved", "silence": "ticket.solved_quiet", "member": "ticket.solved_member"}


def ticket_solved(bot: Bot, tx: Tx, fact: TicketSolved) -> None:
    """Said once where it was talked about, with the question how it was; a payment report's end was told with the money."""
    if fact.kind in DECIDED or fact.chat_id is None or fact.why not in SOLVED_WORDS:
        return
    if fact.member_id is not None and not links.is_linked(tx, chat_id=fact.chat_id, member_id=fact.member_id):
        return  # the chat is no longer theirs
    answered = get_ticket(tx, ticket_id=fact.ticket_id).answered_at is not None
    asks = fact.rate and fact.why != "silence" and answered
    rating = asks and ask_rating(tx, ticket_id=fact.ticket_id, member_id=fact.member_id)
    why = Why("ticket solved", kind="notice", member_id=fact.member_id, ticket_id=fact.ticket_id)

    def screen(w: Wording, rating: bool = rating) -> Screen:
        return ticket_screens.solved(w, fact.ticket_id, fact.ticket_no, key=SOLVED_WORDS[fact.why], rating=rating)

    if fact.member_id is None:
        tell_chat(tx, bot, fact.chat_id, screen, why)
        return
    member = members.get_member(tx, member_id=fact.member_id)
    mail = as_mail(bot, lambda w: screen(w, rating=False))  # nothing can be pressed in a mail
    if dialogue.get_chat(tx, chat_id=fact.chat_id).reachable:
        letter = as_payload(mail(bot.wording(member.language)))
        tell_chat(tx, bot, fact.chat_id, screen, replace(why, instead=letter))
    else:
        tell_member(tx, bot, member, why, screen=screen, mail=mail)


def went_quiet(bot: Bot, tx: Tx, fact: TicketWentQuiet) -> None:
    """Before a ticket ends in silence the member is asked, in the chat or by mail."""
    key = f"quiet:{fact.ticket_id}:{fact.ends_at.isoformat()}"
    why = Why("no answer from the member", "notice", fact.member_id, fact.ticket_id, dedupe_key=key)
    values = {"ticket_no": fact.ticket_no, "ends_at": fact.ends_at}

    def screen(w: Wording) -> Screen:
        return ticket_screens.quiet(w, fact.ticket_id, values)

    if fact.member_id is not None:
        member = members.get_member(tx, member_id=fact.member_id)
        tell_member(tx, bot, member, why, screen=screen, mail=as_mail(bot, screen))
    elif fact.chat_id is not None:
        tell_chat(tx, bot, fact.chat_id, screen, why)


def ticket_due(bot: Bot, tx: Tx, fact: TicketDue) -> None:
    """For staff: in the thread, once before a deadline and once when it is missed; at half time only its holder is told."""
    if fact.stage == "half":
        return
    w = bot.wording(bot.profile.language)
    words = w(f"staff.due_{fact.stage}", level=w(f"staff.level_{fact.level}"), due=fact.due_at)
    entries.add_bot_entry(tx, ticket_id=fact.ticket_id, body=words, alarming=fact.stage == "late")


def handed_back(bot: Bot, tx: Tx, fact: ChatHandedBack) -> None:
    why = Why("bot speaks again", kind="notice", ticket_id=fact.ticket_id)
    tell_chat(tx, bot, fact.chat_id, lambda w: screens.plain(w, "ticket.back_to_bot", ticket_no=fact.ticket_no), why)


def answer_edited(bot: Bot, tx: Tx, fact: AnswerEdited) -> None:
    """The member's bubble says the new words; channels mark it as changed themselves. What cannot redraw was refused before."""
    ticket = get_ticket(tx, ticket_id=fact.ticket_id)
    why = replace(CHANGED, member_id=ticket.member_id, ticket_id=ticket.id)
    if ticket.member_id is not None:
        member = members.get_member(tx, member_id=ticket.member_id)
        name = get_message(tx, message_id=fact.ticket_message_id).author_name
        mail = _letter(bot, member, ticket_no=ticket.ticket_no, staff_name=name, text=fact.text)
        why = replace(why, instead=as_payload(mail))
    _redraw(tx, fact.chat_message_id, lambda _: fact.text, why)


def answer_removed(bot: Bot, tx: Tx, fact: AnswerRemoved) -> None:
    """Where the answer stood the member reads that it was taken back."""
    words = partial(_removed, bot)
    _redraw(tx, fact.chat_message_id, words, replace(CHANGED, ticket_id=fact.ticket_id), files=False)


def _removed(bot: Bot, chat: ChatView) -> str:
    return bot.wording(chat.language or chat.hint)("tell.removed")


def _redraw(tx: Tx, message_id: int, text: Callable[[ChatView], str], why: Why, *, files: bool = True) -> None:
    bubble = dialogue.find_message_by_id(tx, message_id=message_id)
    if bubble is None:
        return
    chat = dialogue.lock_chat_by_id(tx, chat_id=bubble.chat_id)
    body = {**bubble.body, "text": text(chat)}
    if not files:
        body.pop("files", None)
    dialogue.blank_message(tx, message_id=bubble.id, chat_id=chat.id, body=body)
    redraw_as_staff(tx, chat, bubble.id, ref=bubble.platform_ref or "", body=body, why=why)
