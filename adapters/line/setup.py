"""`madoguchi line setup`: rich menus drawn and uploaded, the webhook told to LINE and tried. A second run changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from linebot.v3.messaging import (
    AsyncApiClient,
    AsyncMessagingApi,
    AsyncMessagingApiBlob,
    Configuration,
    RichMenuRequest,
    SetWebhookEndpointRequest,
    TestWebhookEndpointRequest,
)
from linebot.v3.messaging.exceptions import ApiException

from adapters.line.adapter import API_URL
from adapters.line.inbound import PATH
from adapters.line.menus import MENUS, NAME, draw_menu, name_of, request_of
from core.db import Database, arun
from core.delivery.settings import set_setting
from core.errors import PermanentError

MENUS_SETTING = "line_menus"
SECONDS = 20.0
DATA_URL = "https://api-data.line.me"


@dataclass(frozen=True, slots=True)
class Target:
    """Which channel, and what the menus look like."""

    token: str
    api_url: str
    public_url: str
    color: str
    font_path: Path | None


async def set_up(target: Target, database: Database, say: Callable[[str], None]) -> bool:
    """Everything, each step said; False when the webhook could not be tried with success. Errors: PermanentError."""
    blob_host = DATA_URL if target.api_url.rstrip("/") == API_URL else target.api_url
    async with (
        AsyncApiClient(Configuration(access_token=target.token, host=target.api_url)) as client,
        AsyncApiClient(Configuration(access_token=target.token, host=blob_host)) as blob,
    ):
        api, pictures = AsyncMessagingApi(client), AsyncMessagingApiBlob(blob)
        try:
            ids = await _menus(api, pictures, target, say)
            await arun(database, lambda tx: set_setting(tx, key=MENUS_SETTING, value=ids), name="line menus")
            return await _webhook(api, target, say)
        except ApiException as error:
            raise PermanentError(_why(error)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PermanentError(
                f"LINEにつながりません（{target.api_url}）。通信を確かめてください / LINE cannot be reached at {target.api_url}"
            ) from error


async def _menus(
    api: AsyncMessagingApi, pictures: AsyncMessagingApiBlob, target: Target, say: Callable[[str], None]
) -> dict[str, str]:
    """Those that are missing are made; what an earlier run made and is no longer wanted goes. Gives key → id."""
    present = {
        menu.name: menu.rich_menu_id for menu in (await api.get_rich_menu_list(_request_timeout=SECONDS)).richmenus
    }
    ids: dict[str, str] = {}
    wanted = set()
    for menu in MENUS:
        name = name_of(menu, target.color, str(target.font_path))
        wanted.add(name)
        if name in present:
            ids[menu.key] = present[name]
            say(f"rich menu {menu.key}: unchanged")
            continue
        request = RichMenuRequest.from_dict(request_of(menu, name))
        ids[menu.key] = (await api.create_rich_menu(request, _request_timeout=SECONDS)).rich_menu_id
        picture = draw_menu(menu, color=target.color, font_path=target.font_path)
        await pictures.set_rich_menu_image(
            ids[menu.key], bytearray(picture), _headers={"Content-Type": "image/png"}, _request_timeout=SECONDS
        )
        say(f"rich menu {menu.key}: made ({len(picture) // 1000} kB)")
    await api.set_default_rich_menu(ids["guest-ja"], _request_timeout=SECONDS)
    for name, menu_id in present.items():
        if name.startswith(f"{NAME}-") and name not in wanted:
            await api.delete_rich_menu(menu_id, _request_timeout=SECONDS)
            say(f"rich menu {name}: removed")
    return ids


async def _webhook(api: AsyncMessagingApi, target: Target, say: Callable[[str], None]) -> bool:
    endpoint = target.public_url.rstrip("/") + PATH
    if not endpoint.startswith("https://"):
        say(f"webhook: not set, since LINE needs https (MADOGUCHI_PUBLIC_URL is {target.public_url})")
        return False
    await api.set_webhook_endpoint(SetWebhookEndpointRequest(endpoint=endpoint), _request_timeout=SECONDS)
    tried = await api.test_webhook_endpoint(TestWebhookEndpointRequest(endpoint=endpoint), _request_timeout=SECONDS)
    if tried.success:
        say(f"webhook: {endpoint} answers")
        return True
    say(f"webhook: {endpoint} was set, but LINE's try failed: {tried.reason} {tried.detail} (is the product running?)")
    return False


def _why(error: ApiException) -> str:
    if error.status in (401, 403):
        return "LINE does not accept the token: check MADOGUCHI_LINE_CHANNEL_TOKEN"
    return f"LINE refused ({error.status})"
