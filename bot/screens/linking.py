"""Screens of linking."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.screens.model import Button, Screen
from bot.screens.talk import intent_button, menu_button
from bot.wording import Wording
from core.members.service import MemberView


def ask_code(w: Wording, minutes: int, again: Mapping[str, str]) -> Screen:
    """The same words whether or not a mail went out: the answer never tells whether a member exists."""
    return Screen(w("link.ask_code", minutes=minutes), buttons=_resend(w, again), kind="code")


def ask_code_again(w: Wording, again: Mapping[str, str]) -> Screen:
    """After a wrong code: no further mail went out, and none is spoken of."""
    return Screen(w("link.ask_code_again"), buttons=_resend(w, again), kind="code")


def _resend(w: Wording, again: Mapping[str, str]) -> tuple[tuple[Button, ...], ...]:
    return ((Button(w("link.resend"), "link.resend", dict(again)),),) if again else ()


def or_on_a_page(w: Wording, asked: Screen, url: str) -> Screen:
    """The first question, and a page of ours for whoever would rather type there."""
    return replace(asked, buttons=((Button(w("link.on_a_page"), url=url),), *asked.buttons))


def is_it_you(w: Wording, name: str, token_id: int) -> Screen:
    """A one-time link was opened: by the right person?"""
    rows = (
        (Button(w("link.its_me"), "link.its_me", {"link": token_id}, style="primary"),),
        (Button(w("link.not_me"), "intent.show_menu"),),
    )
    return Screen(w("link.is_it_you", name=name), buttons=rows, fresh=True)


def dead_link(w: Wording) -> Screen:
    """Wrong, used, too old, of somebody who left: the same words for all."""
    return Screen(w("link.dead_link"), buttons=((intent_button(w, "link_account", primary=True),), menu_button(w)))


def account_not_linked(w: Wording) -> Screen:
    """LINE's account link did not come about."""
    return Screen(w("link.account_failed"), buttons=((intent_button(w, "link_account", primary=True),), menu_button(w)))


def dead_code(w: Wording) -> Screen:
    """Five wrong tries or ten minutes."""
    start = Button(w("link.again"), "intent.link_account", {"another": True}, style="primary")
    return Screen(w("link.dead_code"), buttons=((start,), (intent_button(w, "talk_to_human"),), menu_button(w)))


def linked(w: Wording, name: str, member_no: str) -> Screen:
    """Done; the most wanted next steps at hand."""
    rows = ((intent_button(w, "check_expiry", primary=True), intent_button(w, "list_unpaid")), menu_button(w))
    return Screen(w("link.linked", name=name, member_no=member_no), buttons=rows)


def already(w: Wording, name: str, member_no: str) -> Screen:
    """Linked before."""
    rows = (
        (Button(w("link.another"), "intent.link_account", {"another": True}),),
        (Button(w("link.unlink_yes"), "intent.unlink_account"),),
        menu_button(w),
    )
    return Screen(w("link.already", name=name, member_no=member_no), buttons=rows)


def not_linked(w: Wording) -> Screen:
    """Nothing to disconnect."""
    return Screen(w("link.not_linked"), buttons=((intent_button(w, "link_account", primary=True),), menu_button(w)))


def unlink_question(w: Wording, name: str, member_no: str, member_id: int) -> Screen:
    """Asked once."""
    rows = (
        (Button(w("link.unlink_yes"), "link.unlink", {"member": member_id}, style="danger"),),
        (Button(w("link.unlink_no"), "intent.show_menu"),),
    )
    return Screen(w("link.unlink_question", name=name, member_no=member_no), buttons=rows)


def unlinked(w: Wording) -> Screen:
    """Done."""
    return Screen(w("link.unlinked"), buttons=((intent_button(w, "link_account"),), menu_button(w)))


def unlinked_one(w: Wording, name: str, member_no: str) -> Screen:
    """Done; the chat goes on for another of its memberships, which has to be said."""
    return Screen(w("link.unlinked_one", name=name, member_no=member_no), buttons=(menu_button(w),))


def switcher(w: Wording, members: Sequence[MemberView]) -> Screen:
    """Which membership?"""
    rows = [
        (Button(w("link.switch_choice", name=m.name, member_no=m.member_no), "link.switch", {"member": m.id}),)
        for m in members
    ]
    return Screen(w("link.switch_question"), buttons=(*rows, menu_button(w)))


def switched(w: Wording, name: str, member_no: str) -> Screen:
    """Who the chat acts for now."""
    return Screen(w("link.switched", name=name, member_no=member_no), buttons=(menu_button(w),))
