"""What each role of staff may do and see (row Q6). Checked by the use cases, never only by a page."""

import re
from typing import Literal, Protocol, get_args

from core.errors import DomainError

Role = Literal["viewer", "agent", "accountant", "admin"]
Right = Literal[
    "view",
    "view_unmasked",
    "reply",
    "note",
    "claim",
    "ask_back",
    "make_link",
    "decide_request",
    "revoke_link",
    "retry_failed",
    "confirm_payment",
    "edit_catalogue",
    "manage_staff",
    "see_audit",
    "move_clock",
]
ROLES: tuple[Role, ...] = get_args(Role)  # from the least to the most
RIGHTS: tuple[Right, ...] = get_args(Right)

_FROM: dict[Right, Role] = {  # the least role that has the right; every higher one has it too
    "view": "viewer",
    "view_unmasked": "agent",
    "reply": "agent",
    "note": "agent",
    "claim": "agent",
    "ask_back": "agent",
    "make_link": "agent",
    "decide_request": "agent",
    "revoke_link": "agent",
    "retry_failed": "agent",
    "confirm_payment": "accountant",
    "edit_catalogue": "admin",
    "manage_staff": "admin",
    "see_audit": "admin",
    "move_clock": "admin",
}
_MASK = "＊"
_EMAIL_IN_TEXT = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER_IN_TEXT = re.compile(
    r"(?<!\d)\d(?:[-\s]?\d){8,}(?!\d)"
)  # phones and bank accounts; amounts and dates are shorter


class ActingStaff(Protocol):
    """Whoever acts as staff: a `StaffView`, or the `SessionView` of a log-in."""

    @property
    def id(self) -> int:
        """Of the staff row."""

    @property
    def name(self) -> str:
        """As members and colleagues read it."""

    @property
    def role(self) -> str:
        """One of `ROLES`."""


def is_allowed(role: str, right: Right) -> bool:
    """Whether a role has a right; an unknown role has none."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(_FROM[right])


def require(staff: ActingStaff, right: Right) -> None:
    """Refuse whoever lacks a right: DomainError `forbidden` (data: right)."""
    if not is_allowed(staff.role, right):
        raise DomainError("forbidden", right=right)


def list_rights(role: str) -> tuple[Right, ...]:
    """All rights of a role: which buttons a page offers."""
    return tuple(right for right in RIGHTS if is_allowed(role, right))


def mask_name(name: str) -> str:
    """山田 太郎 → 山＊＊＊: the first character tells staff apart whom they talk about, no more."""
    return name[:1] + _MASK * 3 if name else ""


def mask_email(email: str) -> str:
    """taro@example.jp → t＊＊＊@＊＊＊; the domain of a small firm names the member."""
    return f"{email[:1]}{_MASK * 3}@{_MASK * 3}" if email else ""


def mask_phone(phone: str) -> str:
    """090-1234-5678 → ＊＊＊78: two digits to compare with, never enough to call."""
    digits = re.sub(r"\D", "", phone)
    return _MASK * 3 + digits[-2:] if len(digits) > 4 else _MASK * 3 if phone else ""


def mask_all(text: str) -> str:
    """For what is shown to nobody without the right (address, birth date): only that there is something."""
    return _MASK * 3 if text else ""


def mask_text(text: str, *, names: tuple[str, ...] = ()) -> str:
    """Free words of a member: mail addresses, long numbers and the given names (with or without blanks) are masked."""
    text = _EMAIL_IN_TEXT.sub(_MASK * 3, text)
    text = _NUMBER_IN_TEXT.sub(_MASK * 3, text)
    for name in names:
        letters = [re.escape(letter) for letter in re.sub(r"\s", "", name)]
        if len(letters) > 1:
            text = re.sub(r"\s?".join(letters), _MASK * 3, text)
    return text
