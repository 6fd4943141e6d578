"""What members and staff are told about inquiries by themselves; `bot.telling` says which fact is told by what."""

from collections.abc import Callable

from bot.deployment import Bot
from bot.owing import Mail, addresses_of, owe_mail, tell_chat
from bot.saying import Why, redraw_as_staff, say_as_staff
from bot.screens import telling as screens
from core.db import Tx
from core.dialogue import service as dialogue
from core.dialogue.service import ChatView
from core.members import links
from core.members import service as members
from core.members.service import MemberView
from core.tickets import entries
from core.tickets.facts import AnswerEdited, AnswerRemoved, ChatHandedBack, StaffReplied, TicketSolved

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
        chat, outbox_id = say_as_staff(tx, chat, name=fact.staff_name, text=fact.text, files=list(fact.files), why=why)
        dialogue.set_last_seq(tx, chat_id=chat.id, last_seq=chat.last_seq)
    elif member is not None:
        mail = _answer_mail(bot, member, fact)
        owed = [owe_mail(tx, to=address, mail=mail, why=why) for address in addresses]
        outbox_id = next((each for each in owed if each is not None), None)
    if outbox_id is not None:
        entries.record_delivery(tx, message_id=fact.ticket_message_id, outbox_id=outbox_id)
    else:
        entries.add_bot_entry(tx, ticket_id=fact.ticket_id, body=bot.wording(bot.profile.language)("tell.no_way"))


def _answer_mail(bot: Bot, member: MemberView, fact: StaffReplied) -> Mail:
    w = bot.wording(member.language)
    contact = bot.contact(w.language)
    fits = sum(int(str(file["size_bytes"])) for file in fact.files) <= ATTACHED_BYTES
    said = [fact.text] if fact.text else []
    if fact.files:
        key = "tell.mail_files" if fits else "tell.mail_files_too_large"
        names = "\n".join(f"・{file['name']}" for file in fact.files)
        said.append(w(key, n=len(fact.files), names=names, phone=contact["phone"]))
    said.append(w("tell.staff", name=fact.staff_name) + w("tell.mail_footer", **contact))
    return Mail(
        f"【{bot.operator_name(w.language)}】{fact.ticket_no}",
        "\n\n".join(said),
        tuple(int(str(file["file_id"])) for file in fact.files) if fits else (),
    )


def ticket_solved(bot: Bot, tx: Tx, fact: TicketSolved) -> None:
    """Said once where it was talked about; a payment report's end was told with the money."""
    if fact.kind != "inquiry" or fact.chat_id is None:
        return
    if fact.member_id is not None and not links.is_linked(tx, chat_id=fact.chat_id, member_id=fact.member_id):
        return  # the chat is no longer theirs
    why = Why("ticket solved", kind="notice", member_id=fact.member_id, ticket_id=fact.ticket_id)
    tell_chat(tx, bot, fact.chat_id, lambda w: screens.plain(w, "ticket.solved", ticket_no=fact.ticket_no), why)


def handed_back(bot: Bot, tx: Tx, fact: ChatHandedBack) -> None:
    why = Why("bot speaks again", kind="notice", ticket_id=fact.ticket_id)
    tell_chat(tx, bot, fact.chat_id, lambda w: screens.plain(w, "ticket.back_to_bot", ticket_no=fact.ticket_no), why)


def answer_edited(bot: Bot, tx: Tx, fact: AnswerEdited) -> None:
    """The member's bubble says the new words; channels mark it as changed themselves. What cannot redraw was refused before."""
    _redraw(tx, fact.chat_message_id, lambda _: fact.text)


def answer_removed(bot: Bot, tx: Tx, fact: AnswerRemoved) -> None:
    """Where the answer stood the member reads that it was taken back."""
    _redraw(tx, fact.chat_message_id, lambda chat: bot.wording(chat.language or chat.hint)("tell.removed"), files=False)


def _redraw(tx: Tx, message_id: int, text: Callable[[ChatView], str], *, files: bool = True) -> None:
    bubble = dialogue.find_message_by_id(tx, message_id=message_id)
    if bubble is None:
        return
    chat = dialogue.lock_chat_by_id(tx, chat_id=bubble.chat_id)
    body = {**bubble.body, "text": text(chat)}
    if not files:
        body.pop("files", None)
    dialogue.blank_message(tx, message_id=bubble.id, chat_id=chat.id, body=body)
    redraw_as_staff(tx, chat, bubble.id, ref=bubble.platform_ref or "", body=body)
