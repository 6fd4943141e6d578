"""Reminder settings and registered details (rows M10 and M2, the showing half)."""

from bot import forms
from bot.registry import Context, Reply, Slots, action, intent
from bot.screens import settings as screens
from core.members import links
from core.members import service as members
from core.reminders import service as reminders


@intent("reminder_settings")
def reminder_settings(c: Context, slots: Slots) -> Reply:
    """What is on, and one press to change it."""
    several = len(links.linked_members(c.tx, chat_id=c.chat.id)) > 1
    return screens.settings(c.w, c.need_member(), several=several, changed=False)


@action("settings.set")
def change(c: Context, slots: Slots) -> Reply:
    """The button says the state it leads to, so that a second press changes nothing."""
    member = c.need_member()
    reminders.set_preferences(c.tx, c.profile, member_id=member.id, early=bool(slots["early"]), off=bool(slots["off"]))
    c.member = members.get_member(c.tx, member_id=member.id)
    several = len(links.linked_members(c.tx, chat_id=c.chat.id)) > 1
    return screens.settings(c.w, c.need_member(), several=several, changed=True)


@intent("show_profile")
def show_profile(c: Context, slots: Slots) -> Reply:
    """登録情報; the chat is linked, so the member sees their own data whole."""
    return screens.registered_details(c.w, c.need_member())


@intent("change_profile", "change_email")
def change_profile(c: Context, slots: Slots) -> Reply:
    """Changes are staff's for now: the ticket's subject is filled in."""
    c.need_member()
    return forms.begin(c, "ticket", {"_subject": c.w("settings.change_profile_subject")})
