"""Rich menus (リッチメニュー): the home screen below every LINE chat, drawn in the operator's colour and uploaded once.

Two states, two languages: who is not linked yet, and members. A menu cannot be edited at LINE: its name carries a mark of all
it is made of, so a second run changes nothing and a changed one replaces the old. Not shown in LINE for PC: everything
on it can be typed as well. Source: https://developers.line.biz/en/docs/messaging-api/using-rich-menus/
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageColor, ImageDraw, ImageFont

WIDTH, HEIGHT = 2500, 1686  # LINE's own template of six
COLUMNS, ROWS = 3, 2
NAME = "madoguchi"
FONT_PATHS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/fonts-japanese-gothic.ttf",
    "/usr/share/fonts/opentype/ipafont-gothic/ipag.ttf",
    "/usr/share/fonts/truetype/takao-gothic/TakaoGothic.ttf",
)
_MARGIN, _LARGEST, _SMALLEST, _SHADES = 28, 150, 60, 64
Font = ImageFont.FreeTypeFont


@dataclass(frozen=True, slots=True)
class Tile:
    """A field to tap: what it says, and the command it sends."""

    label: str
    command: str


@dataclass(frozen=True, slots=True)
class Menu:
    """One menu of six tiles."""

    state: str  # guest, member
    language: str
    bar: str  # at most 14 characters
    tiles: tuple[Tile, ...]

    @property
    def key(self) -> str:
        """Under which its id is kept."""
        return f"{self.state}-{self.language}"


def _menu(state: str, language: str, bar: str, *tiles: tuple[str, str]) -> Menu:
    return Menu(state, language, bar, tuple(Tile(label, command) for label, command in tiles))


MENUS = (
    _menu("guest", "ja", "メニュー",
          ("会員と\n連携する", "/link"), ("お問い\n合わせ", "/ticket"), ("担当者と\n話す", "/human"),
          ("メニュー", "/menu"), ("使い方", "/help"), ("English", "/language en")),
    _menu("member", "ja", "メニュー",
          ("利用期限", "/expiry"), ("更新する", "/renew"), ("未払いの\n請求書", "/unpaid"),
          ("振込を\n連絡する", "/report"), ("お問い\n合わせ", "/ticket"), ("メニュー", "/menu")),
    _menu("guest", "en", "Menu",
          ("Link my\nmembership", "/link"), ("Ask a\nquestion", "/ticket"), ("Talk to\na person", "/human"),
          ("Menu", "/menu"), ("Help", "/help"), ("日本語", "/language ja")),
    _menu("member", "en", "Menu",
          ("Expiry\ndates", "/expiry"), ("Renew", "/renew"), ("Unpaid\ninvoices", "/unpaid"),
          ("Report a\ntransfer", "/report"), ("Ask a\nquestion", "/ticket"), ("Menu", "/menu")),
)  # fmt: skip


def find_font(path: str = "") -> Path | None:
    """A font with Japanese letters: the one named, else what Debian's packages install; None when there is none."""
    return next((found for found in map(Path, [path] if path else FONT_PATHS) if found.is_file()), None)


def name_of(menu: Menu, color: str, font: str) -> str:
    """The menu's name at LINE, with a mark of everything it is made of."""
    made_of = repr((menu, color, font, WIDTH, HEIGHT))
    return f"{NAME}-{menu.key}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"


def request_of(menu: Menu, name: str) -> dict[str, Any]:
    """The body that creates it: every tile with the words a screen reader says."""
    width, height = WIDTH // COLUMNS, HEIGHT // ROWS
    areas = []
    for at, tile in enumerate(menu.tiles):
        row, column = divmod(at, COLUMNS)
        label = tile.label.replace("\n", "" if menu.language == "ja" else " ")
        areas.append(
            {
                "bounds": {"x": column * width, "y": row * height, "width": width, "height": height},
                "action": {
                    "type": "postback",
                    "label": label[:20],
                    "data": f"say:{tile.command}",
                    "displayText": label,
                },
            }
        )
    return {
        "size": {"width": WIDTH, "height": HEIGHT},
        "selected": True,
        "name": name,
        "chatBarText": menu.bar,
        "areas": areas,
    }


def draw_menu(menu: Menu, *, color: str, font_path: Path | None) -> bytes:
    """The picture as PNG, well below LINE's 1 MB: six fields with large words, readable at 320 px."""
    light = Image.new("L", (WIDTH, HEIGHT), 0)  # how much white lies on the colour
    pen = ImageDraw.Draw(light)
    width, height = WIDTH // COLUMNS, HEIGHT // ROWS
    for at, tile in enumerate(menu.tiles):
        row, column = divmod(at, COLUMNS)
        left, top = column * width + _MARGIN, row * height + _MARGIN
        right, bottom = left + width - 2 * _MARGIN, top + height - 2 * _MARGIN
        pen.rounded_rectangle((left, top, right, bottom), radius=48, fill=255)
        font = _fitting(pen, tile.label, font_path, right - left - 80)
        centre = ((left + right) / 2, (top + bottom) / 2)
        pen.multiline_text(centre, tile.label, fill=0, font=font, anchor="mm", align="center", spacing=30)
    out = io.BytesIO()
    image = Image.frombytes("P", light.size, light.point(lambda value: value * (_SHADES - 1) // 255).tobytes())
    image.putpalette(_shades(color))
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _shades(color: str) -> list[int]:
    """The palette from the operator's colour to white: its edges are smooth, and the file stays far below LINE's megabyte."""
    dark = ImageColor.getrgb(color)[:3]
    steps = [step / (_SHADES - 1) for step in range(_SHADES)]
    return [round(part + (255 - part) * step) for step in steps for part in dark]


def _fitting(pen: ImageDraw.ImageDraw, label: str, font_path: Path | None, width: int) -> Font:
    """The largest size in which the longest line fits."""
    size = _LARGEST
    while True:
        font = ImageFont.truetype(str(font_path), size) if font_path else ImageFont.load_default(size)
        if size <= _SMALLEST or all(pen.textlength(line, font=font) <= width for line in label.split("\n")):
            assert isinstance(font, ImageFont.FreeTypeFont)
            return font
        size -= 10
