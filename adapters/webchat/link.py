"""`POST /chat/link/…`: the operator's one-time link goes on in this browser's chat, which is made here if there is none."""

import re
import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from adapters.webchat.acts import deliver, delivery_key
from adapters.webchat.guards import Refused, need_same_origin
from adapters.webchat.ports import ACCOUNT, CHANNEL, Webchat
from adapters.webchat.session import address_of, new_session, read_session, set_session, source_of
from bot.inbound import DEEP_LINK, Inbound

_TOKEN = re.compile(r"[0-9a-z]{16,48}", re.ASCII)


async def open_link(web: Webchat, request: Request) -> Response:
    """To the chat, where "○○様ですか？" is asked. Refused: 403 another site, 404 no link."""
    need_same_origin(web.settings, request)
    token = str(request.path_params["token"])
    if _TOKEN.fullmatch(token) is None:
        raise Refused(404, "no_link")
    session = read_session(web.settings, request) or new_session(web.settings)
    address = address_of(session)
    inbound = Inbound(
        channel=CHANNEL,
        account=ACCOUNT,
        address=address,
        delivery_key=delivery_key(address, secrets.token_urlsafe(16)),
        kind="start",
        text="/start",
        payload=DEEP_LINK + token,
        source=source_of(web.settings, request),
    )
    await deliver(web, inbound)
    response = RedirectResponse("/chat", 303)
    set_session(web.settings, response, session)
    return response
