"""The web chat's routes, for the application to mount."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.webchat.acts import receive_act
from adapters.webchat.assets import Assets
from adapters.webchat.events import stream_events
from adapters.webchat.files import receive_file, send_file
from adapters.webchat.guards import Refused, json_answer
from adapters.webchat.history import list_history
from adapters.webchat.link import open_link
from adapters.webchat.ports import Deliver, Webchat, WebchatSettings
from core.db import Database

Endpoint = Callable[[Request], Awaitable[Response]]


def build(*, database: Database, deliver: Deliver, settings: WebchatSettings) -> list[Route]:
    """Everything under `/chat`. `deliver` runs one turn and answers after its commit."""
    web = Webchat(database, deliver, settings)
    assets = Assets(settings)

    def bound(endpoint: Callable[[Webchat, Request], Awaitable[Response]]) -> Endpoint:
        async def call(request: Request) -> Response:
            return await endpoint(web, request)

        return refusing(call)

    return [
        Route("/chat", refusing(assets.show_page), methods=["GET"]),
        Route("/chat/static/{version}/{name}", refusing(assets.send_asset), methods=["GET"]),
        Route("/chat/link/{token}", bound(open_link), methods=["POST"]),
        Route("/chat/inbound", bound(receive_act), methods=["POST"]),
        Route("/chat/files", bound(receive_file), methods=["POST"]),
        Route("/chat/files/{token}", bound(send_file), methods=["GET"]),
        Route("/chat/messages", bound(list_history), methods=["GET"]),
        Route("/chat/events", bound(stream_events), methods=["GET"]),
    ]


def refusing(endpoint: Endpoint) -> Endpoint:
    """A refusal is an answer in JSON with a code, never an error page."""

    async def call(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refused as refused:
            return json_answer(refused.content, refused.status)

    return call
