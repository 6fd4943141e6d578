"""Settings and registered details."""

from bot.screens.model import Button, Card, Screen
from bot.screens.talk import intent_button, menu_button
from bot.wording import Wording
from core.members.service import MemberView


def settings(w: Wording, member: MemberView, *, several: bool, changed: bool) -> Screen:
    """Row M10: what is on, in words; each button says what it will do."""
    early, off = member.early_reminder, member.reminders_off
    lines = [w("settings.changed")] if changed else []
    lines += [
        w("settings.title"),
        "・" + w("settings.reminders_off" if off else "settings.reminders_on"),
        w("settings.off_warning") if off else "・" + w("settings.early_on" if early else "settings.early_off"),
    ]
    rows = [
        (_set(w, "turn_reminders_on" if off else "turn_reminders_off", early=early, off=not off),),
        *([] if off else [(_set(w, "turn_early_off" if early else "turn_early_on", early=not early, off=off),)]),
        (intent_button(w, "show_profile"), intent_button(w, "change_language")),
        (Button(w("settings.unlink"), "intent.unlink_account", style="quiet"),),
    ]
    if several:
        rows.insert(2, (Button(w("settings.switch"), "link.choose"),))
    return Screen("\n".join(lines), buttons=(*rows, menu_button(w)))


def _set(w: Wording, key: str, *, early: bool, off: bool) -> Button:
    return Button(w(f"settings.{key}"), "settings.set", {"early": early, "off": off})


def registered_details(w: Wording, member: MemberView) -> Screen:
    """Row M2, showing."""
    rows = [
        ("row_member_no", member.member_no),
        ("row_name", member.name),
        ("row_kana", member.name_kana),
        ("row_email", member.email),
        ("row_sub_email", member.sub_email),
        ("row_phone", member.phone),
        ("row_address", " ".join(part for part in (member.postal_code, member.address) if part)),
    ]
    card = Card(w("settings.profile"), tuple((w(f"settings.{key}"), value) for key, value in rows if value))
    change = Button(w("settings.change_profile"), "intent.change_profile")
    return Screen(w("settings.profile_title"), cards=(card,), buttons=((change,), menu_button(w)))
