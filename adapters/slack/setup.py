"""`madoguchi slack manifest|setup`: the app as Slack wants it described, and a check of everything that must be right.

Source: https://docs.slack.dev/reference/app-manifest/ , platforms.md 3 "Events and scopes".
"""

from collections.abc import Callable
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.command import COMMAND
from adapters.slack.inbound import PATH
from adapters.slack.parts import SlackSettings
from core.errors import PermanentError

SECONDS = 15
SCOPES = {  # scope → what it is for, as `setup` says when it is missing
    "chat:write": "スレッドに書く / to write into threads",
    "commands": f"{COMMAND} とメッセージのショートカット / the slash command and the message shortcut",
    "channels:read": "窓口のチャンネルを確かめる / to look at the desk channel",
    "groups:read": "窓口の非公開チャンネルを確かめる / the same where it is private",
    "channels:history": "スレッドの返事を読む / to read replies in threads",
    "groups:history": "非公開チャンネルの返事を読む / the same where it is private",
    "files:read": "担当者が付けたファイルを受け取る / to fetch files staff attach",
    "files:write": "会員のファイルをスレッドに置く / to put members' files into threads",
    "reactions:read": "絵文字の近道（👀 ✅ 🚨 🔒）を読む / emoji as shortcuts",
    "reactions:write": "絵文字が効いたことを示す / to show that an emoji was understood",
    "metadata.message:read": "送ったか分からない投稿を探す / to find a post whose answer was lost",
}
_BOT_EVENTS = ("app_home_opened", "message.channels", "message.groups", "reaction_added")


def manifest(*, name: str, public_url: str, socket_mode: bool) -> dict[str, Any]:
    """The app's manifest: pasted into api.slack.com once, it sets every scope, event, command and address."""
    address = f"{public_url.rstrip('/')}{PATH}"
    there: dict[str, Any] = {} if socket_mode else {"request_url": address}
    command: dict[str, Any] = {
        "command": COMMAND,
        "description": "会員・契約・請求書・お問い合わせを探す",
        "usage_hint": "山田 / M-000123 / INV-2026-000123 / T-000123 / 自分",
        "should_escape": False,
    }
    return {
        "display_information": {"name": name[:35], "description": "会員の窓口（お問い合わせ・入金の確認）"},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,  # reminders to one person stand there
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": name[:80], "always_online": True},
            "slash_commands": [command if socket_mode else {**command, "url": address}],
            "shortcuts": [
                {
                    "name": "この内容で返信",
                    "type": "message",
                    "callback_id": "mado_reply_with",
                    "description": "このメモの内容を会員に送る",
                },
                {
                    "name": "内部メモにする",
                    "type": "message",
                    "callback_id": "mado_keep_internal",
                    "description": "送信待ちの投稿を会員に送らない",
                },
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**there, "bot_events": list(_BOT_EVENTS)},
            "interactivity": {"is_enabled": True, **there},
            "socket_mode_enabled": socket_mode,
            "org_deploy_enabled": False,
            "token_rotation_enabled": False,
        },
    }


async def check(settings: SlackSettings, say: Callable[[str], None]) -> bool:
    """Token, scopes, channel: each said with how to mend it; True when all is right. Errors: PermanentError: no answer."""
    client = AsyncWebClient(token=settings.bot_token, base_url=settings.api_url, timeout=SECONDS, retry_handlers=[])
    try:
        who = await client.auth_test()
    except SlackApiError as error:
        say(f"NG  ボットトークン / bot token: {error.response.get('error', '')}")
        say(
            "    api.slack.com の「OAuth & Permissions」で入れ直し、xoxb- で始まるトークンを設定してください / reinstall the app"
        )
        return False
    except (aiohttp.ClientError, TimeoutError) as error:
        raise PermanentError(f"Slackにつながりません / Slack cannot be reached ({type(error).__name__})") from error
    say(f"OK  {who.get('team', '')}（{who.get('team_id', '')}）に {who.get('user', '')} として入りました / signed in")
    given = {scope.strip() for scope in str(_header(who, "x-oauth-scopes")).split(",") if scope.strip()}
    missing = [scope for scope in SCOPES if scope not in given]
    for scope in missing:
        say(f"NG  権限がありません / scope missing: {scope}（{SCOPES[scope]}）")
    if missing:
        say("    マニフェストを貼り直し、アプリを入れ直してください / paste the manifest again and reinstall the app")
    else:
        say(f"OK  権限 {len(SCOPES)}個がそろっています / all scopes are there")
    channel = await _check_channel(client, settings, say)
    socket = await _check_socket(client, settings, say)
    return not missing and channel and socket


async def _check_socket(client: AsyncWebClient, settings: SlackSettings, say: Callable[[str], None]) -> bool:
    """The app-level token, where Socket Mode is to be used: asked for an address, which is not connected to."""
    if not settings.socket_mode:
        return True
    try:
        await client.apps_connections_open(app_token=settings.app_token)
    except SlackApiError as error:
        say(f"NG  アプリレベルトークン / app-level token: {error.response.get('error', '')}")
        say(
            "    api.slack.com の「Basic Information」→「App-Level Tokens」で connections:write を付けて作り、"
            "xapp- で始まるものを設定してください / make one with connections:write"
        )
        return False
    say("OK  Socket Modeでつながります / Socket Mode is ready")
    return True


async def _check_channel(client: AsyncWebClient, settings: SlackSettings, say: Callable[[str], None]) -> bool:
    place = settings.desk_channel
    try:
        info = dict((await client.conversations_info(channel=place)).get("channel") or {})
    except SlackApiError as error:
        say(f"NG  チャンネル / channel {place}: {error.response.get('error', '')}")
        say(
            "    チャンネルIDを確かめ、そのチャンネルで /invite @アプリ名 を実行してください / check the id, invite the app"
        )
        return False
    wrong = [
        (info.get("is_archived"), "保管されています。戻すか、別のチャンネルにしてください / it is archived"),
        (
            info.get("is_ext_shared") or info.get("is_shared") or info.get("is_pending_ext_shared"),
            "ほかの会社と共有されています。会員の情報を書くため使えません / it is shared with another company",
        ),
        (
            not info.get("is_member", False),
            "アプリが入っていません。/invite @アプリ名 を実行してください / invite the app",
        ),
    ]
    found = [words for is_so, words in wrong if is_so]
    for words in found:
        say(f"NG  #{info.get('name', place)}: {words}")
    if not found:
        say(f"OK  #{info.get('name', place)} に書けます / the desk channel is fine")
        if not info.get("is_private", False):
            say(
                "注意 公開チャンネルです。会員の情報が社内の全員に見えます / note: everybody in the workspace can read it"
            )
    return not found


def _header(answer: Any, wanted: str) -> str:
    headers = getattr(answer, "headers", None) or {}
    return next((str(value) for name, value in headers.items() if str(name).lower() == wanted), "")
