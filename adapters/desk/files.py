"""Files of conversations, for staff who may see personal data."""

from urllib.parse import quote

from starlette.responses import Response

from adapters.desk.guards import Refused
from adapters.desk.reading import text_in_path
from adapters.desk.visits import Visit
from core.db import Tx
from core.delivery.files import FileContent, find_file
from core.members.roles import require

SHOWN = ("image/jpeg", "image/png", "image/gif", "image/webp")  # in the page; anything else is only ever downloaded


async def send_file(visit: Visit) -> Response:
    """By the unguessable part of its address, after the right was asked."""
    token = text_in_path(visit, "token")

    def look(tx: Tx) -> FileContent | None:
        require(visit.staff, "view_unmasked")
        return find_file(tx, token=token)

    file = await visit.read(look)
    if file is None or file.content is None:
        raise Refused(404, "file_not_here")
    shown = file.mime in SHOWN
    headers = {
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(file.name, safe='')}",
    }
    return Response(file.content, headers=headers, media_type=file.mime if shown else "application/octet-stream")
