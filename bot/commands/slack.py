"""`madoguchi slack manifest|setup`: the desk in Slack."""

import asyncio
import sys

import click
import orjson

from bot.commands import load_settings, profile_of
from core.errors import MadoguchiError


@click.group()
def slack() -> None:
    """Slackの窓口 / The desk in Slack."""


@slack.command("manifest")
@click.option("--socket-mode/--http", default=True, show_default=True, help="外から見えない機械なら --socket-mode")
def manifest_command(socket_mode: bool) -> None:
    """アプリのマニフェストを出す（api.slack.com に貼り付けます） / Print the app manifest."""
    from adapters.slack.setup import manifest  # noqa: PLC0415 - the SDK costs half a second

    settings = load_settings()
    if not socket_mode and not settings.public_url.startswith("https://"):
        raise click.ClickException(
            "--http には、外から見える https:// のアドレスを MADOGUCHI_PUBLIC_URL に設定してください"
            " / --http needs MADOGUCHI_PUBLIC_URL with https://"
        )
    name = f"{profile_of(settings).operator.name.ja} 窓口"
    made = manifest(name=name, public_url=settings.public_url, socket_mode=socket_mode)
    click.echo(orjson.dumps(made, option=orjson.OPT_INDENT_2).decode())


@slack.command("setup")
def setup_command() -> None:
    """トークン・権限・チャンネルを確かめる / Check token, scopes and channel; exit code 0 when all is right."""
    from adapters.slack.parts import SlackSettings  # noqa: PLC0415
    from adapters.slack.setup import check  # noqa: PLC0415

    settings = load_settings()
    token, channel = settings.slack_bot_token.get_secret_value(), settings.slack_desk_channel
    missing = [
        name
        for name, value in (("MADOGUCHI_SLACK_BOT_TOKEN", token), ("MADOGUCHI_SLACK_DESK_CHANNEL", channel))
        if not value
    ]
    app_token, secret = settings.slack_app_token.get_secret_value(), settings.slack_signing_secret.get_secret_value()
    if not app_token and not secret:
        missing.append("MADOGUCHI_SLACK_APP_TOKEN（Socket Mode）か MADOGUCHI_SLACK_SIGNING_SECRET（HTTP）")
    if missing:
        raise click.ClickException("設定がありません / missing: " + ", ".join(missing))
    given = SlackSettings(token, app_token, secret, channel, settings.slack_api_url, settings.public_url)
    try:
        fine = asyncio.run(check(given, click.echo))
    except MadoguchiError as error:
        raise click.ClickException(str(error)) from error
    sys.exit(0 if fine else 1)
