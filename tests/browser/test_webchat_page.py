"""The web chat's page in a real Chromium: what a member sees and does, on a phone and on a desktop."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, Route, expect
from starlette.applications import Starlette

from adapters.webchat import WebchatSettings, build
from bot.screens.model import Screen
from core.clock import ManualClock
from core.db import SHUTDOWN_TOPIC, Database, run
from core.ids import SeededIds
from core.open_database import open_database
from tests.browser.conftest import DESKTOP, PHONE, OpenPage, has_no_sideways_scroll
from tests.support.databases import sqlite_database
from tests.support.loopback import serve
from tests.support.scripted_counter import SCREENS, ScriptedCounter

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    with sqlite_database(tmp_path) as url:
        opened = open_database(url, clock, ids, {})
        yield opened
        opened.close()


@pytest.fixture
def counter(database: Database) -> ScriptedCounter:
    return ScriptedCounter(database)


@pytest.fixture
def base(database: Database, counter: ScriptedCounter) -> Iterator[str]:
    settings = WebchatSettings(secret_key="k" * 32, secure_cookies=False, operator=lambda: "みどりレンタルサーバー")
    app = Starlette(routes=list(build(database=database, deliver=counter.deliver, settings=settings)))
    with serve(app, before_exit=lambda: database.wakeups.publish([SHUTDOWN_TOPIC])) as url:
        yield url


async def opened(page: Page) -> Page:
    await page.goto("/chat")
    await expect(page.get_by_text("ご用件をお選びください。")).to_be_visible()
    return page


def bubbles(page: Page, text: str) -> Locator:
    return page.locator("article:not(.pending)").filter(has_text=text)


async def say(page: Page, text: str) -> None:
    await page.get_by_label("メッセージ", exact=True).fill(text)
    await page.keyboard.press("Enter")


async def choose(page: Page, label: str) -> None:
    await page.get_by_role("button", name=label, exact=True).last.click()


@pytest.mark.parametrize(("size", "name"), [(PHONE, "phone"), (DESKTOP, "desktop")])
async def test_a_member_goes_through_every_kind_of_screen(
    base: str, chromium_page: OpenPage, screenshots: Path, counter: ScriptedCounter, size: tuple[int, int], name: str
) -> None:
    page = await opened(await chromium_page(base, size))

    async def look(step: str) -> None:
        assert await has_no_sideways_scroll(page), step
        await page.screenshot(path=screenshots / f"webchat-{name}-{step}.png")

    await look("1-menu")
    await choose(page, "有効期限を確認する")
    await expect(page.get_by_text("まもなく期限")).to_be_visible()
    await look("2-cards")
    await choose(page, "更新する")
    submit = page.get_by_role("button", name="次へ進む")
    await expect(submit).to_be_disabled()
    await page.get_by_label("example.jp").first.check()
    await page.get_by_label("shop.example.com").check()
    await look("3-checks")
    await submit.click()
    await expect(bubbles(page, "example.jp、shop.example.com")).to_be_visible()
    await look("4-terms")
    await say(page, "振込")
    await expect(page.get_by_role("button", name="この日に決める")).to_be_disabled()
    await page.get_by_label("振込日").fill("2026-11-20")
    await look("5-date")
    await choose(page, "この日に決める")
    await expect(page.get_by_text("ご用件をお選びください。")).to_have_count(2)
    await expect(bubbles(page, "2026年11月20日(金)")).to_be_visible()
    await choose(page, "担当者に相談する")
    await expect(bubbles(page, "はい、佐藤が承ります。").get_by_text("担当者")).to_be_visible()
    await look("6-staff")
    assert [(i.kind, i.chosen, i.date) for i in counter.received] == [
        ("start", None, ""),
        ("press", None, ""),
        ("press", None, ""),
        ("press", ("C-000123", "C-000124"), ""),
        ("text", None, ""),
        ("date", None, "2026-11-20"),
        ("press", None, ""),
    ]


async def test_history_is_there_after_a_reload_and_an_unsent_draft_too(base: str, chromium_page: OpenPage) -> None:
    page = await opened(await chromium_page(base))
    await say(page, "おはようございます")
    await expect(bubbles(page, "ですね。")).to_be_visible()
    await page.get_by_label("メッセージ", exact=True).fill("書きかけ")
    await page.reload()
    await expect(bubbles(page, "おはようございます").first).to_be_visible()
    await expect(page.locator("article")).to_have_count(3)
    await expect(page.get_by_label("メッセージ", exact=True)).to_have_value("書きかけ")


async def test_enter_sends_but_not_while_a_word_is_converted_and_shift_enter_makes_a_line(
    base: str, chromium_page: OpenPage, counter: ScriptedCounter
) -> None:
    page = await opened(await chromium_page(base))
    text = page.get_by_label("メッセージ", exact=True)
    await text.fill("にほん")
    await text.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    await text.dispatch_event("keydown", {"key": "Enter", "keyCode": 229})
    await text.press("Shift+Enter")
    await text.press_sequentially("ご")
    await expect(text).to_have_value("にほん\nご")
    await text.press("Enter")
    await expect(bubbles(page, "ですね。")).to_be_visible()
    assert [inbound.text for inbound in counter.received] == ["", "にほん\nご"]
    await expect(text).to_have_value("")


async def test_everything_works_with_the_keyboard_alone(
    base: str, chromium_page: OpenPage, counter: ScriptedCounter
) -> None:
    page = await opened(await chromium_page(base, DESKTOP))

    async def tab_to(name: str) -> None:
        for _ in range(30):
            await page.keyboard.press("Tab")
            label = "document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText"
            if (await page.evaluate(label)).startswith(name):
                return
        raise AssertionError(f"not reached: {name}")

    await tab_to("契約を更新する")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("更新する契約を選んで")).to_be_visible()
    await expect(
        page.locator("article:has(.checks)")
    ).to_be_focused()  # the answer has the focus: next is its first line
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await tab_to("次へ進む")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("契約期間を選んで")).to_be_visible()
    assert counter.received[-1].chosen == ("C-000123",)


async def test_two_taps_on_one_button_are_one_act(base: str, chromium_page: OpenPage, counter: ScriptedCounter) -> None:
    page = await opened(await chromium_page(base))
    await page.get_by_role("button", name="契約を更新する").dblclick()
    await expect(page.get_by_text("更新する契約を選んで")).to_be_visible()
    await say(page, "終わり")
    await expect(bubbles(page, "「終わり」ですね。")).to_be_visible()
    assert [inbound.kind for inbound in counter.received] == ["start", "press", "text"]


async def test_an_answered_question_is_closed_and_old_menus_stay_pressable(base: str, chromium_page: OpenPage) -> None:
    page = await opened(await chromium_page(base))
    await choose(page, "契約を更新する")
    await page.get_by_label("shop.example.com").check()
    await say(page, "やっぱり質問です")
    await expect(bubbles(page, "ですね。")).to_be_visible()
    await expect(page.get_by_label("shop.example.com")).to_be_disabled()
    await expect(page.get_by_role("button", name="次へ進む")).to_be_hidden()
    await page.get_by_role("button", name="契約を更新する").click()
    await expect(page.get_by_label("shop.example.com").last).to_be_enabled()
    await expect(page.get_by_label("shop.example.com").first).to_be_disabled()


async def test_a_photo_is_sent_and_shown_and_one_of_thirty_megabytes_is_refused(
    base: str, chromium_page: OpenPage, tmp_path: Path, counter: ScriptedCounter
) -> None:
    page = await opened(await chromium_page(base))
    await choose(page, "書類を送る")
    async with page.expect_file_chooser() as chooser:
        await choose(page, "写真・ファイルを選ぶ")
    await (await chooser.value).set_files({"name": "振込明細.png", "mimeType": "image/png", "buffer": PIXEL})
    await expect(page.get_by_text("「振込明細.png」を受け取りました。")).to_be_visible()
    picture = page.get_by_alt_text("画像：振込明細.png")
    await expect(picture).to_have_js_property("naturalWidth", 1)
    await expect(picture).to_have_count(1)
    big = tmp_path / "big.pdf"
    big.write_bytes(bytes(30_000_000))
    await page.locator("#file").set_input_files(big)
    await expect(page.get_by_text("20MBまで送れます")).to_be_visible()
    assert [inbound.kind for inbound in counter.received] == ["start", "press", "file"]


async def test_what_was_said_offline_waits_is_sent_once_and_survives_a_reload(
    base: str, chromium_page: OpenPage, counter: ScriptedCounter
) -> None:
    page = await opened(await chromium_page(base, errors_allowed=True))
    await page.context.set_offline(True)
    await say(page, "電車の中です")
    await say(page, "トンネルです")
    await expect(page.locator("article.pending").get_by_text("送信待ち")).to_have_count(2)
    await expect(page.get_by_text("インターネットに接続していません")).to_be_visible()
    assert len(counter.received) == 1
    stored = await page.evaluate("localStorage.getItem('madoguchi.queue')")
    await page.context.set_offline(False)
    await expect(bubbles(page, "「トンネルです」ですね。")).to_be_visible()
    await expect(page.locator("article.pending")).to_have_count(0)
    assert [inbound.text for inbound in counter.received] == ["", "電車の中です", "トンネルです"]
    await page.evaluate(
        "text => localStorage.setItem('madoguchi.queue', text)", stored
    )  # a reload before the answer came
    await page.reload()
    await say(page, "着きました")
    await expect(bubbles(page, "「着きました」ですね。")).to_be_visible()
    assert [inbound.text for inbound in counter.received][1:] == ["電車の中です", "トンネルです", "着きました"]


async def test_a_lost_answer_is_asked_for_again_without_a_second_effect(
    base: str, chromium_page: OpenPage, counter: ScriptedCounter
) -> None:
    page = await opened(await chromium_page(base, errors_allowed=True))
    lost: list[str] = []

    async def lose_the_first_answer(route: Route) -> None:
        if lost:
            await route.continue_()
            return
        lost.append(await (await route.fetch()).text())
        await route.abort()

    await page.route("**/chat/inbound", lose_the_first_answer)
    async with page.expect_response("**/chat/inbound"):  # of the second try: the first had none
        await say(page, "聞こえますか")
    await expect(page.locator("article.pending")).to_have_count(0)
    await expect(bubbles(page, "聞こえますか")).to_have_count(2)  # mine and the answer
    assert lost and counter.attempts == 3
    assert [inbound.text for inbound in counter.received] == ["", "聞こえますか"]


async def test_a_refused_message_is_shown_as_not_sent_and_can_be_sent_again(
    base: str, chromium_page: OpenPage, counter: ScriptedCounter
) -> None:
    page = await opened(await chromium_page(base, errors_allowed=True))
    await page.route("**/chat/inbound", lambda route: route.fulfill(status=400, json={"error": "odd"}), times=1)
    await say(page, "届きますか")
    await expect(page.get_by_text("送信できませんでした")).to_be_visible()
    await page.get_by_role("button", name="再送").click()
    await expect(bubbles(page, "「届きますか」ですね。")).to_be_visible()
    await expect(page.locator("article.pending")).to_have_count(0)
    assert counter.received[-1].text == "届きますか"


async def test_what_the_server_keeps_for_another_try_stays_on_the_page(
    base: str, chromium_page: OpenPage, database: Database, counter: ScriptedCounter
) -> None:
    page = await opened(await chromium_page(base))
    counter.keep = True
    await say(page, "大事なことです")
    await expect(page.locator("article.pending").get_by_text("受付済み")).to_be_visible()
    run(database, counter.run_kept)
    await expect(bubbles(page, "「大事なことです」ですね。")).to_be_visible()
    await expect(bubbles(page, "大事なことです")).to_have_count(2)
    await expect(page.locator("article.pending")).to_have_count(0)


async def test_the_indicator_shows_while_an_answer_is_prepared(
    base: str, chromium_page: OpenPage, counter: ScriptedCounter, screenshots: Path
) -> None:
    page = await opened(await chromium_page(base))
    counter.hold = threading.Event()
    await say(page, "期限")
    await expect(page.locator(".typing")).to_be_visible()
    await page.screenshot(path=screenshots / "webchat-phone-7-typing.png")
    counter.hold.set()
    await expect(page.get_by_text("ご契約は2件です。")).to_be_visible()
    await expect(page.locator(".typing")).to_be_hidden()


async def test_who_writes_while_an_answer_is_on_its_way_stays_in_the_line(
    base: str, chromium_page: OpenPage, counter: ScriptedCounter
) -> None:
    page = await opened(await chromium_page(base))
    text = page.get_by_label("メッセージ", exact=True)
    counter.hold = threading.Event()
    await choose(page, "有効期限を確認する")
    await text.fill("振込")
    counter.hold.set()
    await expect(page.get_by_text("まもなく期限")).to_be_visible()
    await expect(text).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="この日に決める")).to_be_visible()


async def test_staff_words_arrive_live_and_do_not_pull_a_reader_down(
    base: str, chromium_page: OpenPage, database: Database, counter: ScriptedCounter
) -> None:
    page = await opened(await chromium_page(base))
    address = counter.received[0].address
    await say(page, "長い")
    await expect(page.get_by_text("40行目です。")).to_be_attached()
    top = await page.evaluate("document.querySelector('article.bot:last-of-type').getBoundingClientRect().top")
    assert top >= 0, "the beginning of a long answer stays in sight"
    await page.evaluate("document.getElementById('scroller').scrollTop = 0")
    newest = page.get_by_role("button", name="新しいメッセージ ↓")
    await expect(newest).to_be_hidden()
    run(database, lambda tx: counter.say(tx, address, Screen(text="お待たせしました。"), staff="佐藤"))
    await expect(newest).to_be_visible()
    await newest.click()
    await expect(page.get_by_text("お待たせしました。")).to_be_in_viewport()
    await expect(newest).to_be_hidden()


async def test_a_page_that_slept_catches_up_when_it_wakes(
    base: str, chromium_page: OpenPage, database: Database, counter: ScriptedCounter
) -> None:
    page = await opened(await chromium_page(base, errors_allowed=True))
    await page.route("**/chat/events*", lambda route: route.abort())
    await page.reload()
    await expect(page.get_by_text("ご用件をお選びください。")).to_be_visible()
    run(database, lambda tx: counter.say(tx, counter.received[0].address, Screen(text="お知らせです。")))
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page.get_by_text("お知らせです。")).to_be_visible()


async def test_nothing_a_person_wrote_is_read_as_html_and_only_https_is_clickable(
    base: str, chromium_page: OpenPage, database: Database, counter: ScriptedCounter
) -> None:
    page = await opened(await chromium_page(base))
    run(database, lambda tx: counter.say(tx, counter.received[0].address, SCREENS["say.hostile"]))
    bubble = bubbles(page, "onerror")
    await expect(bubble).to_be_visible()
    assert await bubble.locator("img").count() == 0
    links = await bubble.locator("a").evaluate_all("nodes => nodes.map(node => node.href)")
    assert links == ["https://example.jp/a?b=1"]


async def test_english_is_one_tap_away_and_remembered(base: str, chromium_page: OpenPage) -> None:
    page = await opened(await chromium_page(base))
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("button", name="Menu", exact=True)).to_be_visible()
    await expect(page.get_by_text("Sun, Nov 22, 2026")).to_be_visible()
    await expect(bubbles(page, "English").first).to_be_visible()  # not "/language en"
    await page.reload()
    await expect(page.get_by_label("Message", exact=True)).to_be_visible()


async def test_a_long_history_opens_at_its_end_and_goes_back_by_pages(
    base: str, chromium_page: OpenPage, database: Database, counter: ScriptedCounter
) -> None:
    page = await opened(await chromium_page(base))
    address = counter.received[0].address
    run(database, lambda tx: [counter.say(tx, address, Screen(text=f"{n}番目です。")) for n in range(70)])
    await page.reload()
    await expect(page.get_by_text("69番目です。")).to_be_in_viewport()
    await expect(page.get_by_text("ご用件をお選びください。")).to_have_count(0)
    await page.get_by_role("button", name="以前のメッセージを見る").click()
    await expect(page.get_by_text("ご用件をお選びください。")).to_be_attached()
    await expect(page.get_by_role("button", name="以前のメッセージを見る")).to_be_hidden()
    numbers = await page.locator("article").evaluate_all("nodes => nodes.map(node => Number(node.dataset.seq))")
    assert numbers == list(range(1, 72))


@pytest.mark.parametrize("size", [(320, 568), (195, 422), (640, 400)])
async def test_small_windows_and_200_percent_zoom_need_no_sideways_scroll(
    base: str, chromium_page: OpenPage, screenshots: Path, size: tuple[int, int]
) -> None:
    page = await opened(await chromium_page(base, size))
    await say(page, "期限")
    await expect(page.get_by_text("まもなく期限")).to_be_attached()
    await say(page, "更新")
    await expect(page.get_by_role("button", name="次へ進む")).to_be_attached()
    assert await has_no_sideways_scroll(page)
    wide = "nodes => nodes.filter(node => node.scrollWidth > node.clientWidth + 1).map(node => node.className)"
    assert await page.locator(".scroller, .bubble, .card").evaluate_all(wide) == []
    await page.screenshot(path=screenshots / f"webchat-small-{size[0]}.png")


async def test_every_target_is_large_enough_for_a_finger(base: str, chromium_page: OpenPage) -> None:
    page = await opened(await chromium_page(base))
    await say(page, "更新")
    await expect(page.get_by_role("button", name="次へ進む")).to_be_visible()
    sizes = "nodes => nodes.filter(n => n.offsetParent).map(n => [n.innerText, n.offsetHeight, n.offsetWidth])"
    found = await page.locator("button, a.button, label.check, textarea").evaluate_all(sizes)
    assert len(found) > 12
    assert [target for target in found if target[1] < 44 or target[2] < 44] == []


CONTRASTS = """() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const over = ([r, g, b, a = 1], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const light = (color) => {
    const [r, g, b] = color.map((c) => ((c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) =>
    node ? over(channels(getComputedStyle(node).backgroundColor), behind(node.parentElement)) : [255, 255, 255];
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim();
    const node = walker.currentNode.parentElement;
    if (!text || !node.checkVisibility() || node.closest(".sr, noscript")) continue;
    const back = behind(node);
    const [a, b] = [light(over(channels(getComputedStyle(node).color), back)), light(back)].sort((x, y) => y - x);
    found.push([text, (a + 0.05) / (b + 0.05)]);
  }
  return found;
}"""


async def test_all_text_has_a_contrast_of_4_5_in_every_state(
    base: str, chromium_page: OpenPage, counter: ScriptedCounter
) -> None:
    page = await opened(await chromium_page(base, errors_allowed=True))
    for text in ("期限", "更新", "振込"):
        await say(page, text)
    await choose(page, "やめる")
    await choose(page, "担当者に相談する")
    await expect(page.get_by_text("佐藤が承ります")).to_be_visible()
    await page.route("**/chat/inbound", lambda route: route.fulfill(status=400, json={"error": "odd"}), times=1)
    await say(page, "期限")
    await expect(page.get_by_text("送信できませんでした")).to_be_visible()
    found = await page.evaluate(CONTRASTS)
    assert len(found) > 50
    assert [(text, round(ratio, 2)) for text, ratio in found if ratio < 4.5] == []


async def test_without_motion_for_those_who_ask(base: str, chromium_page: OpenPage) -> None:
    page = await opened(await chromium_page(base, reduced_motion="reduce"))
    assert await page.locator(".typing i").first.evaluate("node => getComputedStyle(node).animationName") == "none"
