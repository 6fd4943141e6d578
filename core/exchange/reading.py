"""CSV files as operators have them: UTF-8 or Shift_JIS, comma or tab, Excel's habits; every complaint names its line.

The file is never held whole: one pass over its bytes finds out how it is written (and refuses what is no CSV), a second
one gives its records. "Shift_JIS" always means cp932: ①, 髙 and ㈱ are outside the standard but in every real file.
"""

import codecs
import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from core.errors import DomainError

Encoding = Literal["auto", "utf-8", "cp932"]

BLOCK_BYTES = 1 << 20
MAX_FILE_BYTES = (
    512 * 1024 * 1024
)  # some three million rows: a larger file is a mistake, and its rows are kept in memory
MAX_COLUMNS = 200
_FIRST_JAPANESE = "\u3000"
_XLSX = b"PK\x03\x04"
_XLS = b"\xd0\xcf\x11\xe0"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class FileForm:
    """How a file is written, as told to the operator: `encoding` is utf-8 or cp932, `delimiter` a comma or a tab."""

    path: Path
    encoding: str
    bom: bool
    detected: bool  # found out, not asked for
    delimiter: str
    header: tuple[str, ...]
    line_count: int  # line ends: at least the number of records, for the progress bar
    sha256: str


class Record(NamedTuple):
    """One record: the line it starts on (1 is the header's) and its cells as written."""

    line: int
    cells: list[str]


def read_form(path: Path, encoding: Encoding = "auto") -> FileForm:
    """Find out how a file is written.

    Raises DomainError, data in brackets: `file_missing`, `file_unreadable`, `file_too_large` (max_bytes), `file_empty`,
    `file_is_excel`, `file_is_utf16`, `file_has_nul` (line), `file_encoding` (line, tried), `header_duplicate` (column),
    `header_blank`, `quote_open` (line), `quote_broken` (line).
    """
    if not path.is_file():
        raise DomainError("file_missing", path=str(path))
    if path.stat().st_size > MAX_FILE_BYTES:
        raise DomainError("file_too_large", max_bytes=MAX_FILE_BYTES)
    try:
        scan = _scan(path)
    except OSError as error:
        raise DomainError("file_unreadable", path=str(path), error=error.strerror) from error
    found = _settle_encoding(scan, encoding)
    text_encoding = "utf-8-sig" if scan.bom else found
    with path.open(encoding=text_encoding, newline="") as lines:
        first = next((line for line in lines if line.strip(" \t\r\n,　")), "")
    if not first:
        raise DomainError("file_empty")
    delimiter = "\t" if first.count("\t") > first.count(",") else ","
    form = FileForm(path, found, scan.bom, encoding == "auto", delimiter, (), scan.line_count, scan.sha256)
    header = next(_records(form), None)
    if header is None:
        raise DomainError("file_empty")
    return FileForm(
        path, found, scan.bom, encoding == "auto", delimiter, _checked_header(header), scan.line_count, scan.sha256
    )


def read_csv(form: FileForm) -> Iterator[Record]:
    """The records below the header; lines without any content are left out.

    Raises DomainError `quote_open`, `quote_broken` (line) where the file cannot be read on.
    """
    records = _records(form)
    next(records, None)
    yield from records


def _records(form: FileForm) -> Iterator[Record]:
    encoding = "utf-8-sig" if form.bom else form.encoding
    with form.path.open(encoding=encoding, newline="") as lines:
        reader = csv.reader(lines, delimiter=form.delimiter, strict=True)
        start = 1
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                open_quote = "unexpected end" in str(error) or "field larger" in str(error)
                raise DomainError("quote_open" if open_quote else "quote_broken", line=start) from error
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield Record(start, cells)
            start = reader.line_num + 1


def _checked_header(record: Record) -> tuple[str, ...]:
    names = [cell.strip() for cell in record.cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise DomainError("header_too_wide", max_columns=MAX_COLUMNS)
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if not name:
            raise DomainError("header_blank", line=record.line, position=position)
        if name in seen:
            raise DomainError("header_duplicate", line=record.line, column=name)
        seen.add(name)
    return tuple(names)


class _Scan(NamedTuple):
    bom: bool
    line_count: int
    sha256: str
    bad_lines: dict[str, int]  # encoding → the first line that it cannot be
    japanese_in_utf8: bool  # Japanese text came out of it as UTF-8, up to the first bad byte


def _scan(path: Path) -> _Scan:
    """One pass over the bytes: what the encodings say, line ends, a digest; refuses what is no text at all."""
    decoders = {name: codecs.getincrementaldecoder(name)("strict") for name in ("utf-8", "cp932")}
    bad_lines: dict[str, int] = {}
    digest = hashlib.sha256()
    lines, bom, last, japanese = 0, False, b"", False
    with path.open("rb") as file:
        block = file.read(BLOCK_BYTES)
        if not block:
            raise DomainError("file_empty")
        if block.startswith((_XLSX, _XLS)):
            raise DomainError("file_is_excel")
        if block.startswith(_UTF16):
            raise DomainError("file_is_utf16")
        bom = block.startswith(codecs.BOM_UTF8)
        while block:
            if (nul := block.find(b"\0")) >= 0:
                raise DomainError("file_has_nul", line=lines + _line_ends(block[:nul]) + 1)
            for name, decoder in decoders.items():
                if name in bad_lines:
                    continue
                text, at = _decoded(decoder, block)
                if at is not None:
                    bad_lines[name] = lines + _line_ends(block[:at]) + 1
                japanese = japanese or (name == "utf-8" and max(text, default="") >= _FIRST_JAPANESE)
            digest.update(block)
            lines += _line_ends(block)
            last, block = block[-1:], file.read(BLOCK_BYTES)
    for name, decoder in decoders.items():
        if name not in bad_lines and _decoded(decoder, b"", final=True)[1] is not None:
            bad_lines[name] = lines + 1
    return _Scan(bom, lines + (last not in (b"\n", b"\r")), digest.hexdigest(), bad_lines, japanese)


def _line_ends(block: bytes) -> int:
    return block.count(b"\n") or block.count(b"\r")


def _decoded(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> tuple[str, int | None]:
    """The text of a block, and where it stopped being text."""
    try:
        return decoder.decode(block, final), None
    except UnicodeDecodeError as error:
        return bytes(error.object[: error.start]).decode(error.encoding), error.start


def _settle_encoding(scan: _Scan, asked: Encoding) -> str:
    """UTF-8 when it can be (text in Shift_JIS practically never can), else cp932; a BOM decides alone.

    A file that read as Japanese in UTF-8 until a damaged byte is a damaged UTF-8 file: nearly all of it would also pass
    as Shift_JIS, and come out as 莨壼藤.
    """
    surely_utf8 = scan.bom or (asked == "auto" and scan.japanese_in_utf8)
    wanted: Sequence[str] = ("utf-8",) if surely_utf8 else ("utf-8", "cp932") if asked == "auto" else (asked,)
    for name in wanted:
        if name not in scan.bad_lines:
            return name
    raise DomainError("file_encoding", line=scan.bad_lines[wanted[0]], tried="・".join(_spoken(n) for n in wanted))


def _spoken(encoding: str) -> str:
    return {"utf-8": "UTF-8", "cp932": "Shift_JIS"}[encoding]
