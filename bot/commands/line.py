"""`madoguchi line setup`: rich menus and webhook of the LINE Official Account."""

import asyncio
import re
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from bot.commands import load_settings
from bot.commands.opened import opened_database
from core.db import Database
from core.errors import MadoguchiError


@click.group()
def line() -> None:
    """LINE公式アカウント / The LINE Official Account."""


@line.command("setup")
@click.option("--color", default="#0b6b4f", show_default=True, help="メニューの色 / colour of the menu, #rrggbb")
@click.option("--font", default="", help="日本語フォントのファイル / a font file with Japanese letters")
@click.option("--image-dir", type=click.Path(path_type=Path), help="画像だけを作って置く / only draw the pictures here")
@click.pass_context
def setup_command(context: click.Context, /, *, color: str, font: str, image_dir: Path | None) -> None:
    """リッチメニューを作って送り、Webhookを登録して試す / Make and upload the rich menus, register and try the webhook."""
    from adapters.line import menus  # noqa: PLC0415 - drawing is needed here only

    if re.fullmatch(r"#[0-9a-fA-F]{6}", color) is None:
        raise click.BadParameter("#rrggbb", param_hint="--color")
    font_path = menus.find_font(font)
    if font_path is None:
        click.echo(
            "日本語のフォントがありません。apt-get install fonts-noto-cjk で入れるか、--font で指定してください。 / "
            "No font with Japanese letters: install fonts-noto-cjk or name one with --font.",
            err=True,
        )
        sys.exit(1)
    if image_dir is not None:
        image_dir.mkdir(parents=True, exist_ok=True)
        for menu in menus.MENUS:
            target = image_dir / f"{menu.key}.png"
            target.write_bytes(menus.draw_menu(menu, color=color, font_path=font_path))
            click.echo(str(target))
        return
    _set_up(context.obj, color, font_path)


def _set_up(given: Any, color: str, font_path: Path) -> None:
    settings = load_settings()
    token = settings.line_channel_token.get_secret_value()
    if not token:
        raise click.ClickException("MADOGUCHI_LINE_CHANNEL_TOKEN がありません / is missing")
    secret = settings.line_channel_secret.get_secret_value()
    if secret and re.fullmatch(r"[0-9a-fA-F]{32}", secret) is None:
        raise click.ClickException(
            "MADOGUCHI_LINE_CHANNEL_SECRET は16進数の32文字です。写し間違いがないか確かめてください"
            " / is not 32 hexadecimal characters: was it copied whole?"
        )
    from adapters.line.setup import Target, set_up  # noqa: PLC0415 - the SDK costs a second

    opening: AbstractContextManager[Database] = given() if given else opened_database(settings)
    target = Target(token, settings.line_api_url, settings.public_url, color, font_path)
    try:
        with opening as database:
            fine = asyncio.run(set_up(target, database, click.echo))
    except MadoguchiError as error:
        raise click.ClickException(str(error)) from error
    sys.exit(0 if fine else 1)
