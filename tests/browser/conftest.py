"""A real Chromium for tests of pages. In CI a missing one is a failure; elsewhere such tests say that they were skipped."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

SCREENSHOTS = Path(__file__).parent / "screenshots"
PHONE = (390, 844)
DESKTOP = (1280, 800)

expect.set_options(timeout=20_000)  # milliseconds; the five it waits by itself are too few on a busy machine

OpenPage = Callable[..., Awaitable[Page]]


def find_chromium() -> str:
    """The path of a Chromium; without one the test is skipped, in CI failed."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    if os.environ.get("CI") == "true":
        pytest.fail("CI needs Chromium: apt-get install chromium fonts-noto-cjk")
    pytest.skip("no Chromium: apt-get install chromium fonts-noto-cjk")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests share one event loop: a browser belongs to the loop it was started on, and starting one takes 2 s."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser process for all; each page has a profile of its own."""
    path = find_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def chromium_page(chromium: Browser) -> AsyncIterator[OpenPage]:
    """`await chromium_page(base_url, viewport=PHONE, errors_allowed=False, **context)`: a page of a fresh profile.

    Whatever the page complains about (exceptions, console errors, refused resources) fails the test at its end,
    unless `errors_allowed`. Further keywords go to `Browser.new_context` (locale, timezone_id, reduced_motion, …).
    """
    complaints: list[str] = []

    async def open_page(
        base_url: str, viewport: tuple[int, int] = PHONE, *, errors_allowed: bool = False, **context: object
    ) -> Page:
        width, height = viewport
        settings = {"locale": "ja-JP", "has_touch": width < 600, **context}
        profile = await chromium.new_context(base_url=base_url, viewport={"width": width, "height": height}, **settings)
        profile.set_default_timeout(20_000)
        page = await profile.new_page()
        if not errors_allowed:
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        return page

    yield open_page
    for profile in chromium.contexts:
        await profile.close()
    assert not complaints, complaints


@pytest.fixture
def screenshots() -> Path:
    """Where pictures for people to look at are kept (not in the repository)."""
    SCREENSHOTS.mkdir(exist_ok=True)
    return SCREENSHOTS


async def has_no_sideways_scroll(page: Page) -> bool:
    """Whether everything fits the width of the window."""
    return bool(await page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"))
