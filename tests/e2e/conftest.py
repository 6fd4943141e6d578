"""A counter and people in front of it, on both databases."""

from collections.abc import Callable, Iterator

import pytest

from core.clock import ManualClock
from core.ids import SeededIds
from tests.support.counter import Counter, Person
from tests.support.journeys import link_person


@pytest.fixture
def counter(database_url: str, clock: ManualClock, ids: SeededIds) -> Iterator[Counter]:
    """The product without its edges, on an empty database with its catalogue."""
    opened = Counter(database_url, clock, ids)
    yield opened
    opened.close()


@pytest.fixture
def member_id(counter: Counter) -> int:
    """山田太郎, M-000001, taro@example.jp."""
    return counter.add_member()


@pytest.fixture
def person(counter: Counter, member_id: int) -> Person:
    """山田太郎 in the web chat, linked."""
    return link_person(counter.person())


@pytest.fixture
def linked(counter: Counter, member_id: int) -> Callable[..., Person]:
    """As `person`, with the channel, address and language to choose."""

    def make(**who: str) -> Person:
        return link_person(counter.person(**who))

    return make
