"""What people read, screen by screen, in both languages and in each channel; compared with tests/unit/screens/snapshots.

`MADOGUCHI_SNAPSHOTS=write` draws them anew; then read them aloud before committing.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.screens import talk as talk_screens
from bot.screens.model import Screen, render
from bot.wording import LANGUAGES, Wording, texts
from core.clock import ManualClock
from core.errors import DomainError
from core.ids import SeededIds
from core.profiles.files import load_profile
from tests.support.counter import Counter, draw
from tests.support.databases import sqlite_database
from tests.support.journeys import rows, run_jobs
from tests.support.screens.channels import DRAWN
from tests.support.screens.everyday import (
    contracts,
    inquiries,
    invoices,
    lapse_and_reminders,
    linking,
    renewal,
    talk,
)
from tests.support.screens.frequent import frequent_questions
from tests.support.screens.newer import answers, online_payment, reservations
from tests.support.screens.visit import Visit
from tests.support.snapshots import compare as compare_with

SNAPSHOTS = Path(__file__).parent / "snapshots"
JOURNEYS = [
    linking, contracts, renewal, invoices, online_payment, lapse_and_reminders, inquiries, answers, reservations, talk,
    frequent_questions,
]  # fmt: skip
PROFILES = {"reservations": "facility"}  # the rest is walked through at `renewal-notice`


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Callable[..., Visit]]:
    opened: list[Counter] = []

    def start(language: str, profile: str = "renewal-notice") -> Visit:
        with sqlite_database(tmp_path) as url:
            clock = ManualClock(datetime(2026, 11, 22, 3, 0, tzinfo=UTC))
            counter = Counter(url, clock, SeededIds(), profile=load_profile(profile))
        opened.append(counter)
        counter.add_member(language=language)
        visit = Visit(counter, language)
        if language != "ja":  # the journeys are typed in Japanese: only a chosen language stands against that
            visit.person.say(f"/language {language}")
        return visit

    yield start
    for counter in opened:
        counter.close()


def compare(name: str, drawn: str) -> None:
    compare_with(SNAPSHOTS / f"{name}.txt", drawn)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)
def test_screens_read_as_they_were_read_aloud(
    visit: Callable[..., Visit], journey: Callable[[Visit], None], language: str
) -> None:
    """One walk for all: as text, and as each channel gets it, within that channel's own limits."""
    name = journey.__name__
    v = visit(language, PROFILES.get(name, "renewal-notice"))
    journey(v)
    compare(f"{name}.{language}", "\n".join(v.written))
    for channel, drawn in DRAWN.items():
        compare(f"{channel}/{name}.{language}", "\n".join(drawn(v.person.history())))


@pytest.mark.parametrize("language", LANGUAGES)
def test_mails_read_as_they_were_read_aloud(visit: Callable[..., Visit], language: str) -> None:
    v = visit(language)
    invoices(v)
    lapse_member = rows(v.counter, "member")[0].id
    v.counter.add_contract(lapse_member, label="mail.example.jp", expires_on=date(2026, 12, 2))
    clock: Any = v.counter.clock
    clock.set(datetime(2026, 11, 23, 3, 0, tzinfo=UTC))
    run_jobs(v.counter)
    mails = [f"### {mail.payload['subject']}\n{mail.payload['text']}\n" for mail in v.counter.mails()]
    assert len(mails) > 4
    compare(f"mails.{language}", "\n".join(mails))


@pytest.mark.parametrize("language", LANGUAGES)
def test_refusals_read_as_they_were_read_aloud(language: str) -> None:
    given: dict[str, object] = {
        "day": date(2026, 11, 30), "today": date(2026, 11, 22), "earliest_on": date(2025, 11, 22),
        "expires_on": date(2026, 11, 30), "last_day": date(2026, 12, 7), "retry_at": datetime(2026, 11, 22, 4, tzinfo=UTC),
        "total_yen": 14_300, "most_yen": 9_999_999_999, "least_yen": 1, "most": 20, "longest": 40, "least": 12, "count": 3,
        "member_no": "M-000001", "invoice_no": "INV-2026-000001", "reference": "bank-1", "name": "管理 太郎", "key": "menu.hello",
        "plan_code": "standard", "external_key": "old-1", "login": "taro", "role": "boss",
        "team": "T1", "user": "U1", "channel": "line",
        "title": "お支払い", "place": "menber", "known": "{{member_name}}", "places": "{{invoice_no}}",
        "ticket_no": "T-000001",
        "reservation_no": "R-000001", "until_at": datetime(2026, 12, 1, 8, tzinfo=UTC), "phone": "045-000-0000",
    }  # fmt: skip
    w = Wording(language)
    codes = sorted(key.removeprefix("errors.") for key in texts(language) if key.startswith("errors."))
    screens: list[tuple[str, Screen]] = [
        (code, talk_screens.refusal_screen(w, DomainError(code, **given))) for code in codes
    ]
    drawn = "\n".join(f"### {code}\n{draw(render(screen, seq=1, key='aaaa').body)}\n" for code, screen in screens)
    compare(f"refusals.{language}", drawn)
