"""Identifiers and secrets, handed in so that a simulation with a seed gives the same ones again."""

import random
import secrets
import threading
import time
from typing import Protocol

_EPOCH_MS = 1_735_689_600_000  # 2025-01-01 UTC; 41 bits of milliseconds last until 2094
_ALPHABET = "0123456789abcdefghijkmnpqrstuvwxyz"  # no l and o: people read some of these aloud


class Ids(Protocol):
    """Source of row ids (63 bits, sortable by birth), opaque tokens and numeric codes."""

    def new(self) -> int:
        """A new row id, greater than those made before by this source."""

    def token(self, length: int = 22) -> str:
        """An unguessable string of `length` characters; 22 carry more than 110 bits."""

    def code(self, digits: int = 6) -> str:
        """A numeric one-time code with leading zeros."""


class SystemIds:
    """Ids of time, node and counter; secrets from the operating system."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._node = secrets.randbelow(1024)
        self._last_ms = 0
        self._counter = 0

    def new(self) -> int:
        """41 bits of milliseconds, 10 of node, 12 of counter; never goes back when the machine's clock does."""
        with self._lock:
            ms = max(time.time_ns() // 1_000_000 - _EPOCH_MS, self._last_ms)
            if ms == self._last_ms:
                self._counter += 1
                if self._counter == 4096:
                    ms, self._counter = ms + 1, 0
            else:
                self._counter = 0
            self._last_ms = ms
            return ms << 22 | self._node << 12 | self._counter

    def token(self, length: int = 22) -> str:
        """From the operating system's randomness."""
        return "".join(secrets.choice(_ALPHABET) for _ in range(length))

    def code(self, digits: int = 6) -> str:
        """From the operating system's randomness."""
        return f"{secrets.randbelow(10**digits):0{digits}d}"


class SeededIds:
    """The same ids and "secrets" for the same seed: tests and simulations only."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._next = seed * 1_000_000

    def new(self) -> int:
        """Consecutive."""
        self._next += 1
        return self._next

    def token(self, length: int = 22) -> str:
        """Pseudo-random."""
        return "".join(self._random.choice(_ALPHABET) for _ in range(length))

    def code(self, digits: int = 6) -> str:
        """Pseudo-random."""
        return f"{self._random.randrange(10**digits):0{digits}d}"
