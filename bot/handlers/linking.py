"""Linking a chat to a membership (row M1): member ID and registered e-mail, a 6-digit 確認ID by mail, linked."""

import re
import unicodedata

from bot import forms
from bot.forms import Answers, Form, Given, Step, Wrong
from bot.registry import Context, Reply, Slots, action, intent
from bot.screens import linking as screens
from bot.screens.model import Screen
from bot.understanding.typed import read_member_no
from core.members import linking, links
from core.members import service as members

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_CODE = re.compile(r"[0-9]{6}")
DEAD = "dead"


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _parse_member_no(c: Context, answers: Answers, given: Given) -> str:
    text = read_member_no(given.text)
    if text is None:
        raise Wrong("link.wrong_member_no")
    return text


def _parse_email(c: Context, answers: Answers, given: Given) -> str:
    text = _folded(given.text)
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        raise Wrong("link.wrong_email")
    return text


def _steps(c: Context, answers: Answers) -> list[Step]:
    return [
        Step(
            "member_no",
            lambda c, a: Screen(c.w("link.ask_member_no")),
            _parse_member_no,
            "link.member_no_label",
            lambda c, a: str(a["member_no"]),
        ),
        Step(
            "email",
            lambda c, a: Screen(c.w("link.ask_email")),
            _parse_email,
            "link.email_label",
            lambda c, a: str(a["email"]),
        ),
    ]


def _request(c: Context, answers: Answers) -> tuple[Reply, str, dict[str, str]]:
    linking.request_code(
        c.tx,
        c.profile,
        chat_id=c.chat.id,
        member_no=answers["member_no"],
        email=answers["email"],
        source=c.inbound.source,
    )
    again = {"member_no": answers["member_no"], "email": answers["email"]}
    return forms.begin(c, "link_code", {"_again": again}), "intent.show_menu", {}


forms.register(
    Form(
        name="link",
        intent="link_account",
        version=1,
        title="link.title",
        steps=_steps,
        confirm=None,
        commit=_request,
        needs_member=False,
    )
)


def _parse_code(c: Context, answers: Answers, given: Given) -> str:
    """Checks the code itself: a wrong try must count even though the form goes on."""
    code = re.sub(r"[\s-]", "", _folded(given.text))
    if not _CODE.fullmatch(code):
        raise Wrong("link.wrong_code_format")
    outcome = linking.enter_code(c.tx, c.profile, chat_id=c.chat.id, code=code)
    if outcome.state == "wrong":
        raise Wrong("link.wrong_code", left=outcome.tries_left, n=outcome.tries_left)
    return str(outcome.member.id) if outcome.member is not None else DEAD


def _code_steps(c: Context, answers: Answers) -> list[Step]:
    again = answers.get("_again", {})
    return [
        Step(
            "code",
            lambda c, a: screens.ask_code(c.w, c.profile.linking.code_minutes, again),
            _parse_code,
            "link.code_label",
            lambda c, a: "",
        )
    ]


def _linked(c: Context, answers: Answers) -> tuple[Reply, str, dict[str, str]]:
    if answers["code"] == DEAD:
        return screens.dead_code(c.w), "intent.link_account", {}
    c.member = member = members.get_member(c.tx, member_id=int(answers["code"]))
    return screens.linked(c.w, member.name, member.member_no), "intent.show_menu", {}


forms.register(
    Form(
        name="link_code",
        version=1,
        title="link.code_title",
        steps=_code_steps,
        confirm=None,
        commit=_linked,
        needs_member=False,
    )
)


@intent("link_account")
def link_account(c: Context, slots: Slots) -> Reply:
    """Start linking; a chat linked already is told so and may add another membership."""
    if c.member is not None and not slots.get("another"):
        return screens.already(c.w, c.member.name, c.member.member_no)
    known = {"member_no": str(slots["member_id"]).upper()} if slots.get("member_id") else {}
    return forms.begin(c, "link", known)


@action("link.resend")
def resend(c: Context, slots: Slots) -> Reply:
    """A new code for the same answers (limits are the core's)."""
    linking.request_code(
        c.tx,
        c.profile,
        chat_id=c.chat.id,
        member_no=str(slots["member_no"]),
        email=str(slots["email"]),
        source=c.inbound.source,
    )
    return forms.begin(c, "link_code", {"_again": {"member_no": slots["member_no"], "email": slots["email"]}})


@intent("unlink_account")
def unlink_account(c: Context, slots: Slots) -> Reply:
    """One step back out, asked once."""
    if c.member is None:
        return screens.not_linked(c.w)
    return screens.unlink_question(c.w, c.member.name, c.member.member_no, c.member.id)


@action("link.unlink")
def unlink(c: Context, slots: Slots) -> Reply:
    """Pressed twice it says the same again."""
    links.unlink(c.tx, chat_id=c.chat.id, member_id=int(slots["member"]), by="member")
    c.member = now = links.active_member(c.tx, chat_id=c.chat.id)
    return screens.unlinked(c.w) if now is None else screens.unlinked_one(c.w, now.name, now.member_no)


@action("link.choose")
def choose_member(c: Context, slots: Slots) -> Reply:
    """The switcher of a chat with several memberships (private and company)."""
    return screens.switcher(c.w, links.linked_members(c.tx, chat_id=c.chat.id))


@action("link.switch")
def switch(c: Context, slots: Slots) -> Reply:
    """Act for another of the chat's memberships from now on."""
    c.member = member = links.switch_member(c.tx, chat_id=c.chat.id, member_id=int(slots["member"]))
    return screens.switched(c.w, member.name, member.member_no)
