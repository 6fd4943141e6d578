"""`madoguchi line setup`: menus within LINE's schema, uploaded once, replaced when they change; the webhook told and tried."""

import io
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image, ImageFont

from adapters.line.menus import HEIGHT, MENUS, WIDTH, draw_menu
from adapters.line.setup import MENUS_SETTING, Target, set_up
from bot.__main__ import main
from core.clock import ManualClock
from core.db import Database, run
from core.delivery.settings import get_setting
from core.errors import PermanentError
from core.ids import SeededIds
from core.open_database import open_database
from tests.support.databases import sqlite_database
from tests.support.line_double import SECRET, TOKEN, LineDouble


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    with sqlite_database(tmp_path) as url:
        opened = open_database(url, clock, ids, {})
        yield opened
        opened.close()


@pytest.fixture
async def line() -> AsyncIterator[LineDouble]:
    async with LineDouble() as double:
        yield double
    assert double.violations == []


def target(line: LineDouble, **changed: str) -> Target:
    given = {"token": TOKEN, "color": "#0b6b4f", "public_url": "https://madoguchi.example.jp/", **changed}
    return Target(api_url=line.url, font_path=None, **given)


async def test_menus_are_made_once_and_the_webhook_is_told_and_tried(line: LineDouble, database: Database) -> None:
    said: list[str] = []
    assert await set_up(target(line), database, said.append)
    assert len(line.menus) == len(line.pictures) == 4
    assert line.endpoint == "https://madoguchi.example.jp/webhooks/line"
    ids = run(database, lambda tx: get_setting(tx, key=MENUS_SETTING))
    assert set(ids) == {"guest-ja", "member-ja", "guest-en", "member-en"} and line.menu_of == {"all": ids["guest-ja"]}

    again: list[str] = []
    assert await set_up(target(line), database, again.append)
    assert len(line.called("menu")) == 4 and again.count("rich menu member-ja: unchanged") == 1

    await set_up(target(line, color="#803300"), database, said.append)
    assert len(line.menus) == 4 and len(line.called("menu")) == 8  # the old ones are gone
    assert run(database, lambda tx: get_setting(tx, key=MENUS_SETTING)) != ids


async def test_what_stands_in_the_way_is_said(line: LineDouble, database: Database) -> None:
    said: list[str] = []
    assert not await set_up(target(line, public_url="http://127.0.0.1:8000"), database, said.append)
    assert "LINE needs https" in said[-1] and line.endpoint == ""
    line.answers_tries = False
    assert not await set_up(target(line), database, said.append)
    assert "is the product running?" in said[-1]
    with pytest.raises(PermanentError, match="MADOGUCHI_LINE_CHANNEL_TOKEN"):
        await set_up(target(line, token="wrong"), database, said.append)


@pytest.mark.parametrize("menu", MENUS, ids=lambda menu: menu.key)
def test_a_picture_is_within_lines_limits_and_its_words_fit_their_fields(menu: object) -> None:
    content = draw_menu(menu, color="#0b6b4f", font_path=None)  # type: ignore[arg-type]
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (WIDTH, HEIGHT) and image.format == "PNG"
    assert len(content) < 1_000_000


def test_without_a_japanese_font_it_says_so_and_draws_nothing(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["line", "setup", "--font", "/nowhere.ttf", "--image-dir", str(tmp_path / "out")])
    assert done.exit_code == 1 and "fonts-noto-cjk" in done.output
    assert not (tmp_path / "out").exists()


def test_the_pictures_alone_can_be_looked_at(tmp_path: Path) -> None:
    font = tmp_path / "font.ttf"
    built_in = ImageFont.load_default(20)
    assert isinstance(built_in, ImageFont.FreeTypeFont) and isinstance(built_in.path, io.BytesIO)
    font.write_bytes(built_in.path.getvalue())
    done = CliRunner().invoke(main, ["line", "setup", "--font", str(font), "--image-dir", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "out").glob("*.png"))) == 4


def test_a_colour_that_is_none_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["line", "setup", "--color", "green"])
    assert done.exit_code == 2 and "#rrggbb" in done.output


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        (SECRET, ("LINEにつながりません", "LINE cannot be reached at http://127.0.0.1:1")),
        (SECRET[:-1], ("MADOGUCHI_LINE_CHANNEL_SECRET は16進数の32文字", "32 hexadecimal characters")),
    ],
    ids=["away", "secret cut short"],
)
def test_the_command_says_plainly_what_is_wrong_outside(
    database: Database, tmp_path: Path, secret: str, says: tuple[str, ...]
) -> None:
    font = tmp_path / "font.ttf"
    font.write_bytes(b"")  # it is asked for before, and read only once LINE has answered
    names = ("CHANNEL_TOKEN", "CHANNEL_SECRET", "API_URL")
    given = dict(zip(names, (TOKEN, secret, "http://127.0.0.1:1"), strict=True))
    env = {f"MADOGUCHI_LINE_{name}": value for name, value in given.items()}
    done = CliRunner().invoke(main, ["line", "setup", "--font", str(font)], env=env, obj=lambda: nullcontext(database))
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit)
    assert all(part in done.output for part in says)
    assert ("cannot be reached" in done.output) == (secret == SECRET)
    assert TOKEN not in done.output and secret not in done.output
