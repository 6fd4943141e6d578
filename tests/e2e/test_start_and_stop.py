"""`madoguchi serve` as a user meets it: bad starts say in one plain message what is wrong; good ones start and stop quickly."""

import json
import logging
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner

from bot.__main__ import main
from core.migrate import current, head
from tests.support.databases import PostgresServer
from tests.support.started import ROOT, Started, command, environment

KEY = "k" * 64
Refused = Callable[..., str]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Started]:
    started = Started(tmp_path)
    yield started
    started.kill()


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """`serve` sets up the logs of its process; here that is the tests' own."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """What a start that must fail says on stderr: nothing promised on stdout, one message. The command, in this process."""

    def start(*arguments: str, **settings: str) -> str:
        with monkeypatch.context() as own:
            own.chdir(tmp_path)
            for name in [name for name in os.environ if name.startswith("MADOGUCHI_")]:
                own.delenv(name)
            for name, value in settings.items():
                own.setenv(f"MADOGUCHI_{name}", value)
            done = CliRunner().invoke(main, ["serve", "--port", "0", *arguments])
        assert done.exit_code in (1, 2), done
        return the_message(done.stdout, done.stderr)

    return start


def the_message(stdout: str, stderr: str) -> str:
    """The one line that a refused start ends with."""
    assert "Traceback" not in stderr
    assert "start page" not in stdout
    lines = stderr.strip().splitlines()
    assert len(lines) == 1, stderr
    assert 10 < len(lines[0]) < 500
    return lines[0]


@pytest.mark.parametrize(
    ("mode", "url", "says"),
    [
        (["--demo"], "mysql://user:s3cret@host/data", "mysql is not supported (sqlite:///… or postgresql://…)"),
        ([], "what is this", "MADOGUCHI_DATABASE_URL is no database URL"),
        (["--demo"], "sqlite:////proc/ours/data.sqlite", "the folder of the database cannot be made: /proc/ours"),
        (["--demo"], "postgresql://user:s3cret@127.0.0.1:1/data", "Connection refused"),
        ([], "postgresql://user:s3cret@127.0.0.1:1/data", "Connection refused"),
    ],
)
def test_a_wrong_database_is_named_without_its_password(refused: Refused, mode: list[str], url: str, says: str) -> None:
    message = refused(*mode, DATABASE_URL=url, SECRET_KEY=KEY)
    assert says in message
    assert "s3cret" not in message


def test_a_file_that_is_no_database_is_named_and_left_as_it_is(refused: Refused, tmp_path: Path) -> None:
    letter = tmp_path / "letter.sqlite"
    letter.write_text("お客様各位" * 300)
    assert "letter.sqlite" in refused("--demo", DATABASE_URL=f"sqlite:///{letter}")
    assert letter.read_text() == "お客様各位" * 300


def test_a_schema_that_is_not_current_says_what_to_run(
    refused: Refused, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    message = refused(DATABASE_URL="sqlite:///new.sqlite", SECRET_KEY=KEY)
    assert "run `madoguchi migrate`" in message
    with postgres_server.database(empty=True) as url:
        assert "run `madoguchi migrate`" in refused(DATABASE_URL=url, SECRET_KEY=KEY)
        assert current(url) is None
        migrated = subprocess.run(
            command("migrate"), cwd=tmp_path, env=environment(DATABASE_URL=url), capture_output=True, check=False
        )
        assert migrated.returncode == 0
        assert current(url) == head()


def test_a_port_in_use_is_named_before_anything_is_made(refused: Refused, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        message = refused("--demo", "--port", port)
    assert f"ポート {port} で待ち受けできません" in message
    assert "--port" in message
    assert list(tmp_path.iterdir()) == []


def test_a_profile_with_a_typo_is_told_with_file_line_and_the_word_meant(refused: Refused, tmp_path: Path) -> None:
    shipped = (ROOT / "core/profiles/renewal-notice.toml").read_text("utf-8")
    wrong = tmp_path / "ours.toml"
    wrong.write_text(shipped.replace("\nlanguage = ", "\nlangage = ", 1), "utf-8")
    line = shipped.splitlines().index(next(text for text in shipped.splitlines() if text.startswith("language = "))) + 1
    message = refused("--demo", PROFILE="ours.toml")
    assert f"ours.toml:{line}: langage" in message
    assert "「language」ではありませんか" in message
    assert "あるもの: facility、renewal-notice" in refused("--demo", PROFILE="renewal-notise")


@pytest.mark.parametrize(
    ("arguments", "settings", "says"),
    [
        ([], {"DATABASE_URL": "sqlite:///a.sqlite"}, "MADOGUCHI_SECRET_KEY is missing"),
        (["--demo", "--host", "0.0.0.0"], {}, "--demo listens on loopback only"),
        (["--demo"], {"TELEGRAM_TOKEN": "not-a-token"}, "MADOGUCHI_TELEGRAM_TOKEN does not look like a token"),
        (["--demo"], {"TELEGRAM_MODE": "carrier pigeon"}, "MADOGUCHI_TELEGRAM_MODE: Input should be 'webhook' or"),
        (["--demo", "--role", "worker"], {}, "SQLite serves one process only"),
    ],
)
def test_a_setting_that_cannot_work_is_named(
    refused: Refused, arguments: list[str], settings: dict[str, str], says: str
) -> None:
    assert says in refused(*arguments, **settings)


def test_the_start_names_the_convenience_stores_that_cannot_be_paid_in(server: Started) -> None:
    server.start()
    (off,) = [line.strip() for line in server.said.splitlines() if "7-Eleven" in line]
    assert (
        off == "off: 7-Eleven and other chains: Stripe's convenience stores are FamilyMart, Lawson, Ministop, Seicomart"
    )


def test_the_second_start_on_one_sqlite_file_is_refused_and_the_first_goes_on(server: Started) -> None:
    server.start()
    assert server.process is not None
    second = subprocess.run(
        command("serve", "--port", "0", "--demo"),
        cwd=server.folder, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    message = the_message(second.stdout, second.stderr)
    assert "先にそちらを止めてください" in message
    assert str(server.process.pid) in message
    assert httpx.get(f"{server.url}/readyz").text == "ready"
    server.kill()
    server.start()  # a lock of somebody who died is nobody's
    assert httpx.get(f"{server.url}/readyz").text == "ready"


def test_a_second_start_takes_seconds_and_finds_everything_again(
    server: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    first = server.start().seconds
    page = httpx.Client(base_url=server.url)
    page.get("/chat")
    act = {"kind": "text", "text": "こんにちは", "key": "first-words", "lang": "ja"}
    assert page.post("/chat/inbound", json=act, headers={"origin": server.url}).status_code == 200
    before = page.get("/chat/messages").json()["messages"]
    assert len(before) == 2
    stopped = server.interrupt()
    second = server.start().seconds
    computed = server.cpu_seconds()
    assert page.get("/chat/messages").json()["messages"] == before  # the cookie still counts
    with capsys.disabled():
        sys.stderr.write(
            f"\n  start {first:.1f} s, stop {stopped:.1f} s, second start {second:.1f} s ({computed:.1f} s CPU)\n"
        )
    assert min(second, computed) < 5  # seconds on a machine that has nothing else to do
    with sqlite3.connect(server.database) as rows:
        assert rows.execute("SELECT count(*) FROM staff").fetchone() == (1,)
    assert "Traceback" not in server.errors()


def test_ctrl_c_ends_it_soon_though_a_browser_listens(server: Started) -> None:
    server.start()
    page = httpx.Client(base_url=server.url)
    page.get("/chat")
    page.post("/chat/inbound", json={"kind": "start", "key": "first-visit"}, headers={"origin": server.url})
    with page.stream("GET", "/chat/events") as stream:
        events = stream.iter_lines()
        assert next(line for line in events if line.startswith("data:"))
        process = server.process
        assert process is not None
        assert server.interrupt() < 10
        assert list(events) is not None  # the stream was ended, not cut
    assert process.returncode == 0
    assert "Traceback" not in server.errors()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", urlsplit(server.url).port or 0))


def test_a_demo_keeps_its_clock_over_a_restart(server: Started) -> None:
    server.start()
    moved = httpx.post(f"{server.url}/demo/clock", content=json.dumps({"days": 2}), timeout=60).json()["now"]
    server.interrupt()
    server.start()
    now = httpx.get(f"{server.url}/demo/clock").json()["now"]
    assert moved <= now < moved[:11] + "99"
