"""A person's own password: the present one, the new one twice; every other session of theirs ends."""

import asyncio

from starlette.responses import Response

from adapters.desk.guards import SESSION_COOKIE, Refused
from adapters.desk.login import CHECKS_AT_ONCE
from adapters.desk.visits import Visit
from core.ids import SystemIds
from core.members.passwords import check_password, hash_password, is_password_right
from core.members.staff import find_credentials, record_password_change

SALT = SystemIds()  # secrets of the operating system


async def show_form(visit: Visit) -> Response:
    """For everybody who is logged in."""
    return visit.show("own_password.html")


async def change(visit: Visit) -> Response:
    """Checked and hashed on a thread of its own. Refused 409 `password_mismatch`, `password_wrong`, and by the rules."""
    form, login = visit.need_form(), visit.staff.login
    present, new, again = (form.text(name, limit=1_000, trimmed=False) for name in ("present", "new", "again"))
    if new != again:
        raise Refused(409, "password_mismatch")
    check_password(login=login, password=new)
    credentials = await visit.read(lambda tx: find_credentials(tx, login=login))
    async with CHECKS_AT_ONCE:
        right = await asyncio.to_thread(is_password_right, credentials.password_hash, present)
        hashed = await asyncio.to_thread(hash_password, SALT, login=login, password=new)
    changed = await visit.write(
        lambda tx: record_password_change(
            tx,
            credentials=credentials,
            right=right,
            password_hash=hashed,
            token=visit.request.cookies[SESSION_COOKIE],
        ),
        name="own_password",
    )
    if not changed:
        raise Refused(409, "password_wrong")
    return visit.go("/desk/password", done="password_set")
