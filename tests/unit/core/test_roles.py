"""Row Q6: each role has exactly its rights, and a viewer sees nobody's personal data."""

import pytest

from core.errors import DomainError
from core.members.roles import RIGHTS, ROLES, list_rights, mask_email, mask_name, mask_phone, mask_text, require
from tests.support.builders import Somebody

AGENT_RIGHTS = {
    "view", "view_unmasked", "reply", "note", "claim", "ask_back", "decide_request", "make_link", "revoke_link", "retry_failed",
}  # fmt: skip
EXPECTED = {
    "viewer": {"view"},
    "agent": AGENT_RIGHTS,
    "accountant": AGENT_RIGHTS | {"confirm_payment"},
    "admin": AGENT_RIGHTS | {"confirm_payment", "edit_catalogue", "manage_staff", "see_audit", "move_clock"},
}


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
@pytest.mark.parametrize("right", RIGHTS)
def test_each_role_has_exactly_its_rights(role: str, right: str) -> None:
    staff = Somebody(role=role)
    if right in EXPECTED.get(role, set()):
        require(staff, right)  # type: ignore[arg-type]
    else:
        with pytest.raises(DomainError) as refused:
            require(staff, right)  # type: ignore[arg-type]
        assert (refused.value.code, refused.value.data) == ("forbidden", {"right": right})


def test_every_right_is_somebodys() -> None:
    assert set(list_rights("admin")) == set(RIGHTS)
    assert list_rights("nobody") == ()


@pytest.mark.parametrize(
    ("masked", "expected"),
    [
        (mask_name("山田 太郎"), "山＊＊＊"),
        (mask_name(""), ""),
        (mask_email("taro@example.jp"), "t＊＊＊@＊＊＊"),
        (mask_email(""), ""),
        (mask_phone("090-1234-5678"), "＊＊＊78"),
        (mask_phone("110"), "＊＊＊"),
        (mask_phone(""), ""),
        (
            mask_text("山田太郎です。taro@example.jp か 090-1234-5678 へ", names=("山田 太郎",)),
            "＊＊＊です。＊＊＊ か ＊＊＊ へ",
        ),
        (mask_text("13,200円を2026-11-20に振り込みました"), "13,200円を2026-11-20に振り込みました"),
    ],
)
def test_masks_hide_who_it_is_and_keep_what_it_is_about(masked: str, expected: str) -> None:
    assert masked == expected
