"""How a person is told something by itself: in the chat they used last, by mail when there is none, the recipient frozen."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.deployment import Bot
from bot.saying import Why, say
from bot.screens.model import Screen
from bot.screens.offers import without_missing
from bot.wording import Wording
from core.db import Tx
from core.delivery import outbox
from core.dialogue import service as dialogue
from core.dialogue.service import ChatView
from core.members import links
from core.members.service import MemberView

MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Mail:
    """A plain-text mail, with the ids of stored files to attach."""

    subject: str
    text: str
    files: tuple[int, ...] = ()


def as_payload(mail: Mail) -> dict[str, Any]:
    """As it stands in the row that owes it."""
    return {
        "subject": mail.subject,
        "text": mail.text,
        **({"files": list(mail.files)} if mail.files else {}),
    }


def owe_mail(tx: Tx, *, to: str, mail: Mail, why: Why) -> int | None:
    """Owe one mail to a frozen address; None when its dedupe key was owed before."""
    return outbox.owe(
        tx,
        channel=MAIL,
        account="",
        address=to,
        order_key=f"mail:{to}",
        kind=why.kind,
        payload={"op": "mail", **as_payload(mail)},
        reason=why.reason,
        subject_key=why.subject_key,
        dedupe_key=f"{why.dedupe_key}:{to}" if why.dedupe_key else None,
        member_id=why.member_id,
        ticket_id=why.ticket_id,
    )


def addresses_of(member: MemberView) -> list[str]:
    """Main and sub-address, each once."""
    return list(dict.fromkeys(address for address in (member.email, member.sub_email) if address))


def best_chat(tx: Tx, member_id: int) -> ChatView | None:
    """The reachable chat of the member that was used last."""
    return next((chat for chat in links.linked_chats(tx, member_id=member_id) if chat.reachable), None)


def as_automatic(w: Wording, screen: Screen) -> Screen:
    """While a person talks with the member the bot's own words are marked as such (dialogue-and-desk.md 2.5)."""
    return replace(screen, text=f"{w('talk.auto')}\n{screen.text}")


def tell_chat(tx: Tx, bot: Bot, chat_id: int, screen: Callable[[Wording], Screen], why: Why) -> None:
    """One bubble in one chat, in that chat's language."""
    chat = dialogue.lock_chat_by_id(tx, chat_id=chat_id)
    w = bot.wording(chat.language or chat.hint)
    shown = without_missing(bot.profile, screen(w))
    if chat.speaker == "human" and why.kind != "staff_reply":
        shown = as_automatic(w, shown)
    chat = say(tx, chat, shown, why)
    dialogue.set_last_seq(tx, chat_id=chat.id, last_seq=chat.last_seq)


def tell_member(
    tx: Tx,
    bot: Bot,
    member: MemberView,
    why: Why,
    *,
    screen: Callable[[Wording], Screen],
    mail: Callable[[Wording], Mail] | None = None,
    always_mail: bool = False,
) -> None:
    """In the chat used last; by mail when there is none, or as well where the matter is to be on paper.

    Should that chat turn out to be gone, the mail that lies with the row leaves then (`bot.instead`).
    """
    chat = best_chat(tx, member.id)
    letter = mail(bot.wording(member.language)) if mail is not None else None
    if chat is not None:
        beside = always_mail and bool(addresses_of(member))
        instead = None if letter is None else {} if beside else as_payload(letter)
        tell_chat(tx, bot, chat.id, screen, replace(why, instead=instead))
    if letter is not None and (chat is None or always_mail):
        for address in addresses_of(member):
            owe_mail(tx, to=address, mail=letter, why=why)


def as_mail(bot: Bot, screen: Callable[[Wording], Screen]) -> Callable[[Wording], Mail]:
    """A screen's words as a mail, with how to reach the operator below."""

    def mail(w: Wording) -> Mail:
        text = screen(w).text
        return Mail(
            f"【{bot.operator_name(w.language)}】{text.splitlines()[0][:40]}",
            text + w("tell.mail_footer", **bot.contact(w.language)),
        )

    return mail
