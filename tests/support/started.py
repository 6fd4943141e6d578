"""`madoguchi serve` as an operator starts it: a process of its own, in a folder of its own, stopped and started again."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0  # a busy machine; how fast it is on an idle one is test_start_and_stop.py
STOP_SECONDS = 15.0
LAST_LINE = "Ctrl+C"


def environment(**settings: str) -> dict[str, str]:
    """What the process sees: nothing of the caller's own settings, only these (`MADOGUCHI_` is put before each)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MADOGUCHI_")}
    return {**kept, "PYTHONPATH": str(ROOT), **{f"MADOGUCHI_{name}": value for name, value in settings.items()}}


def command(*arguments: str) -> list[str]:
    """`madoguchi …` with this Python."""
    return [sys.executable, "-m", "bot", *arguments]


@dataclass
class Started:
    """A server in `folder`: `start` returns once it said where it listens; the same port is kept over restarts."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    url: str = ""
    port: int = 0
    said: str = ""
    seconds: float = 0.0  # from the start to the last line it says
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def database(self) -> Path:
        """Demo's own file when nothing else is set."""
        return self.folder / "var" / "demo-renewal-notice.sqlite"

    def start(self, *more: str) -> "Started":
        """Start, or start again. Fails with what the process said when it ends instead."""
        begun = time.monotonic()
        arguments = command("serve", "--demo", "--port", str(self.port), *more)
        with (self.folder / "stderr.txt").open("ab") as errors:
            self.process = subprocess.Popen(
                arguments, cwd=self.folder, env=environment(**self.settings), stdout=subprocess.PIPE, stderr=errors
            )
        self.said = self._read_until_last_line(begun + START_SECONDS)
        self.seconds = time.monotonic() - begun
        found = re.search(r"start page\s+(http://127\.0\.0\.1:([0-9]+))/", self.said)
        assert found, self.said
        self.url, self.port = found[1], int(found[2])
        return self

    def _read_until_last_line(self, deadline: float) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        pipe, said = self.process.stdout.fileno(), b""
        while LAST_LINE not in said.decode(errors="replace"):
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(pipe, 65_536) if ready else b""
            if not chunk:
                self.kill()
                raise AssertionError(f"did not start: {said.decode(errors='replace')}\n{self.errors()}")
            said += chunk
        return said.decode()

    def cpu_seconds(self) -> float:
        """What the process has computed since its start: the same on a busy machine and on an idle one."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime: proc(5)

    def errors(self) -> str:
        """All it said on stderr, over all starts."""
        return (self.folder / "stderr.txt").read_text("utf-8")

    def interrupt(self) -> float:
        """Ctrl+C; seconds until it had ended."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._close()
        return time.monotonic() - begun

    def kill(self) -> None:
        """As the power fails; nothing when it has ended."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
