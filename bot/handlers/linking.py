"""Linking a chat to a membership (row M1): member ID and registered e-mail, a 6-digit 確認ID by mail, linked."""

import re
import unicodedata

from bot import forms
from bot.forms import Answers, Form, Given, Parse, Step, Wrong
from bot.registry import Context, Reply, Slots, action, intent
from bot.screens import linking as screens
from bot.screens.model import Screen
from bot.understanding.dates import read_birth_date
from bot.understanding.typed import read_member_no
from core.members import link_tokens, linking, links
from core.members import service as members

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_CODE = re.compile(r"[0-9]{6}")
DEAD = "dead"
ON_A_PAGE = frozenset({"line"})  # channels that tell us themselves who was linked (LINE's account link)


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
    return _proved(c, code, "link.wrong_code")


def _proved(c: Context, code: str, wrong: str) -> str:
    outcome = linking.enter_code(c.tx, c.profile, chat_id=c.chat.id, code=code)
    if outcome.state == "wrong":
        raise Wrong(wrong, left=outcome.tries_left, n=outcome.tries_left)
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
            ask_again=lambda c, a: screens.ask_code_again(c.w, again),
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
    asked = forms.begin(c, "link", known)
    if c.chat.channel not in ON_A_PAGE or not isinstance(asked, Screen):
        return asked
    page = link_tokens.open_page(c.tx, chat_id=c.chat.id)
    return screens.or_on_a_page(c.w, asked, f"{c.bot.public_url}/m/link/line/{page}")


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


@action("link.open")
def open_link(c: Context, slots: Slots) -> Reply:
    """A one-time link of the operator's: "○○様ですか？". Nothing is used up before the answer."""
    found = link_tokens.open_deep_link(c.tx, token=str(slots["token"]))
    if found is None:
        return screens.dead_link(c.w)
    token_id, member = found
    if c.member is not None and links.is_linked(c.tx, chat_id=c.chat.id, member_id=member.id):
        return screens.already(c.w, member.name, member.member_no)
    return screens.is_it_you(c.w, member.name, token_id)


@action("link.its_me")
def ask_proof(c: Context, slots: Slots) -> Reply:
    """Yes: the link is used, and one proof more is asked for."""
    kind = link_tokens.ask_proof(
        c.tx, c.profile, chat_id=c.chat.id, token_id=int(slots["link"]), source=c.inbound.source or None
    )
    if kind is None:
        return screens.dead_link(c.w)
    return forms.begin(c, "link_code", {"_again": {}}) if kind == "mail" else forms.begin(c, f"link_{kind}")


def _parse_birth(c: Context, answers: Answers, given: Given) -> str:
    day = read_birth_date(given.text, today=c.today)
    if day is None:
        raise Wrong("link.wrong_birth")
    return _proved(c, f"{day:%Y%m%d}", "link.wrong_proof")


def _parse_phone(c: Context, answers: Answers, given: Given) -> str:
    digits = re.sub(r"[\s-]", "", _folded(given.text))
    if not re.fullmatch(r"[0-9]{4,11}", digits):
        raise Wrong("link.wrong_phone")
    return _proved(c, digits[-link_tokens.PHONE_DIGITS :], "link.wrong_proof")


def _proof_form(name: str, question: str, parse: Parse) -> None:
    """One question whose answer is counted like a code's."""

    def steps(c: Context, answers: Answers) -> list[Step]:
        return [Step("code", lambda c, a: Screen(c.w(question)), parse, "link.code_label", lambda c, a: "")]

    forms.register(
        Form(
            name=name,
            version=1,
            title="link.proof_title",
            steps=steps,
            confirm=None,
            commit=_linked,
            needs_member=False,
        )
    )


_proof_form("link_birth", "link.ask_birth", _parse_birth)
_proof_form("link_phone", "link.ask_phone", _parse_phone)


@action("link.account")
def finish_account_link(c: Context, slots: Slots) -> Reply:
    """LINE brought the nonce of our page back: linked, or said that it did not come about."""
    member = link_tokens.finish_account_link(c.tx, chat_id=c.chat.id, nonce=str(slots["nonce"]))
    if member is None:
        return screens.account_not_linked(c.w)
    c.member = member
    return screens.linked(c.w, member.name, member.member_no)
