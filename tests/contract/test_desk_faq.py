"""The desk and frequent questions (row Q4): the articles' page, and past answers beside a similar inquiry."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from starlette.applications import Starlette

from bot.telling import listeners
from bot.understanding.likeness import rank_texts
from core.clock import JST, ManualClock
from core.counter.similar import LOOKED_AT, MOST, SOLVED, list_similar_answers
from core.db import Database, Tx, run
from core.ids import SeededIds
from core.members.audit import list_audit
from core.open_database import open_database
from core.profiles.articles import MOST_ARTICLES
from core.profiles.faq import list_articles, list_published, save_article
from core.tickets import service as tickets
from core.tickets.editing import edit_note, remove_note
from core.tickets.threads import TicketView
from tests.support.builders import ADMIN, AGENT, a_member
from tests.support.databases import sqlite_database
from tests.support.desk import Operator, World, application, bot, build_world
from tests.support.tickets import VIEWER

PAGE = "/desk/catalogue/faq"
WORDS = {"question_ja": "鍵はどこで受け取れますか", "answer_ja": "1階の受付です。", "keywords": "キー、開錠, key"}


@pytest.fixture
def database(database_url: str, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    """With everything that listens in the product, on a Tuesday on which staff work."""
    clock.set(datetime(2026, 11, 24, 11, 0, tzinfo=JST))
    opened = open_database(database_url, clock, ids, listeners(bot()))
    yield opened
    opened.close()


@pytest.fixture
def world(database: Database) -> World:
    return build_world(database)


@pytest.fixture
def app(database: Database, world: World) -> Starlette:
    return application(database)


async def logged_in(app: Starlette, role: str) -> Operator:
    operator = Operator(app)
    assert (await operator.log_in(role)).status_code == 303
    return operator


# ── the articles' page ───────────────────────────────────────────────────────────────────────────


async def test_an_article_is_added_changed_withdrawn_and_shown_again_and_the_trail_keeps_it(
    app: Starlette, database: Database
) -> None:
    admin = await logged_in(app, "admin")
    before = len(run(database, list_published))
    assert (await admin.press(PAGE, **WORDS)).status_code == 303
    row = run(database, list_articles)[-1]
    assert (row.question("en"), row.answer("ja")) == (WORDS["question_ja"], "1階の受付です。"), "one language is enough"
    assert row.keywords == ["キー", "開錠", "key"]
    await admin.press(PAGE, id=str(row.id), **{**WORDS, "answer_ja": "2階です。", "keywords": ""})
    changed = run(database, list_articles)[-1]
    assert (changed.id, changed.answer_ja, changed.keywords) == (row.id, "2階です。", [])
    for _ in range(2):
        await admin.press(PAGE, id=str(row.id), withdraw="1")
    assert len(run(database, list_published)) == before and "取り下げ中" in (await admin.get(PAGE)).text
    await admin.press(PAGE, id=str(row.id), publish="1")
    assert len(run(database, list_published)) == before + 1
    acts = [entry.action for entry in run(database, lambda tx: list_audit(tx, ADMIN)).entries if "faq" in entry.action]
    assert acts == ["faq.published", "faq.withdrawn", "faq.saved", "faq.saved"], "a second press writes nothing"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"answer_ja": ""}, "同じ言語で両方を"),
        ({"question_ja": "", "answer_ja": ""}, "同じ言語で両方を"),
        ({"question_en": "Where is the key?"}, "同じ言語で両方を"),
        ({"question_ja": "あ" * 81}, "80文字以内"),
        ({"answer_ja": "あ" * 2_001}, "2000"),
        ({"keywords": "、".join(f"語{n}" for n in range(21))}, "20個まで"),
        ({"keywords": "あ" * 41}, "40文字以内"),
        ({"id": "99"}, "見つかりません"),
    ],
)
async def test_what_cannot_be_an_article_is_refused_in_words(
    app: Starlette, database: Database, changed: dict[str, str], says: str
) -> None:
    admin = await logged_in(app, "admin")
    before = run(database, list_articles)
    refused = await admin.press(PAGE, scripted=True, **{**WORDS, **changed})
    assert refused.status_code in (404, 409) and says in refused.json()["text"].replace(",", "")
    assert run(database, list_articles) == before


async def test_only_who_edits_the_catalogue_sees_the_forms_and_may_use_them(app: Starlette, database: Database) -> None:
    agent = await logged_in(app, "agent")
    page = (await agent.get(PAGE)).text
    assert "パスワードを忘れたときは" in page and "取り下げる" not in page and "よくある質問を追加" not in page
    article = run(database, list_articles)[0]
    for fields in (WORDS, {"id": str(article.id), "withdraw": "1"}):
        assert (await agent.press(PAGE, **fields)).status_code == 403
    assert run(database, list_articles)[0] == article


async def test_a_long_list_has_pages_and_a_search_and_ends_at_its_limit(app: Starlette, database: Database) -> None:
    def fill(tx: Tx) -> None:
        for n in range(len(list_articles(tx)), MOST_ARTICLES):
            save_article(tx, article_id=None, question_ja=f"質問その{n}", answer_ja="回答<b>です</b>", keywords=[])

    run(database, fill)
    admin = await logged_in(app, "admin")
    first = (await admin.get(PAGE)).text
    assert first.count('<section class="box" id="faq-') == 30 and "page=2" in first
    last = (await admin.get(f"{PAGE}?page=17")).text
    assert "質問その499" in last and "page=18" not in last and "<b>です" not in last
    found = (await admin.get(f"{PAGE}?q=%E3%81%9D%E3%81%AE498")).text
    assert "質問その498" in found and "質問その499" not in found
    refused = await admin.press(PAGE, scripted=True, **WORDS)
    assert refused.status_code == 409 and "500件まで" in refused.json()["text"]


# ── past answers ─────────────────────────────────────────────────────────────────────────────────


def solved(
    database: Database,
    world: World,
    asked: str,
    *answers: str,
    kind: str = "technical",
    member_id: int | None = None,
    key: str = "",
) -> TicketView:
    """An inquiry that was answered and solved."""

    def work(tx: Tx) -> TicketView:
        ticket = tickets.open_ticket(
            tx, kind=kind, queue="technical", subject="", body=asked, member_id=member_id, chat_id=None
        )
        for n, text in enumerate(answers):
            client_key = f"{ticket.ticket_no}-{n}"
            tickets.reply(tx, AGENT, ticket_id=ticket.id, text=text, client_key=client_key, last_seen_message_id=2**62)
        tickets.solve(tx, AGENT, ticket_id=ticket.id, force=True)
        return tickets.get_ticket(tx, ticket_id=ticket.id)

    return run(database, work)


def similar_to(database: Database, ticket: TicketView) -> list[str]:
    found = run(database, lambda tx: list_similar_answers(tx, AGENT, ticket_id=ticket.id, rank=rank_texts))
    return [past.ticket_no for past in found]


ANSWER = "迷惑メールのフォルダーと、転送の設定をお確かめください。設定の画面は「メール」の中にあります。"


async def test_answers_to_similar_inquiries_stand_beside_the_ticket_and_go_into_the_box(
    app: Starlette, database: Database, world: World
) -> None:
    past = solved(database, world, "きのうからメールが届きません。", "確認します。", ANSWER)
    solved(database, world, "請求書の宛名を変えたいです。", "承りました。")
    agent = await logged_in(app, "agent")
    page = (await agent.get(f"/desk/tickets/{world.ticket.ticket_no}")).text
    panel = page.split("似たお問い合わせへの回答")[-1]
    assert f'<a href="/desk/tickets/{past.ticket_no}">' in panel and "11月24日(火)" in panel and "同じ種類" in panel
    assert "質問：きのうからメールが届きません。" in panel and "回答：迷惑メールのフォルダー" in panel
    assert f'data-insert="past-{past.ticket_no}"' in panel and f">{ANSWER}</pre>" in panel
    assert "宛名" not in panel
    viewer = (await (await logged_in(app, "viewer")).get(f"/desk/tickets/{world.ticket.ticket_no}")).text
    assert past.ticket_no in viewer and "data-insert" not in viewer
    english = await agent.http.post("/desk/language", data={"language": "en", "back": "/desk"})
    assert english.status_code == 303
    assert "Answers to similar inquiries" in (await agent.get(f"/desk/tickets/{world.ticket.ticket_no}")).text


async def test_another_members_name_numbers_and_addresses_are_masked_for_everybody(
    app: Starlette, database: Database, world: World
) -> None:
    other = run(database, lambda tx: a_member(tx, name="鈴木 花子", name_kana="スズキ ハナコ", email="h@example.jp"))
    solved(
        database,
        world,
        "メールが届きません。昨日からです。鈴木花子 M-000002",
        "鈴木 花子様、h@example.jp あての INV-2026-000123 と T-000009 をご確認ください。090-1234-5678 でも承ります。",
        member_id=other,
    )
    for role in ("viewer", "agent", "admin"):
        page = (await (await logged_in(app, role)).get(f"/desk/tickets/{world.ticket.ticket_no}")).text
        panel = page.split("似たお問い合わせへの回答")[-1]
        assert "＊＊＊様" in panel
        for secret in ("鈴木", "花子", "h@example.jp", "INV-2026-000123", "T-000009", "M-000002", "090-1234-5678"):
            assert secret not in panel, (role, secret)


def test_the_same_kind_comes_first_and_three_are_enough(database: Database, world: World) -> None:
    others = [solved(database, world, "昨日からメールが届きません。", "ご案内です。", kind="other") for _ in range(2)]
    same = [solved(database, world, "メールが届きません。", "ご案内です。") for _ in range(2)]
    found = similar_to(database, world.ticket)
    assert len(found) == MOST and set(found[:2]) == {ticket.ticket_no for ticket in same}
    assert found[2] in {ticket.ticket_no for ticket in others}
    assert similar_to(database, same[0]) != [] and same[0].ticket_no not in similar_to(database, same[0])


def test_only_answered_solved_inquiries_with_words_left_are_shown(database: Database, world: World) -> None:
    text = "昨日からメールが届きません。"
    solved(database, world, text)  # nobody answered
    run(
        database,
        lambda tx: tickets.open_ticket(
            tx, kind="technical", queue="technical", subject="", body=text, member_id=None, chat_id=None
        ),
    )  # not solved
    noted = solved(database, world, text)
    note = run(database, lambda tx: tickets.note(tx, AGENT, ticket_id=noted.id, text="内緒です。", client_key="n1"))
    run(database, lambda tx: edit_note(tx, AGENT, message_id=note.id, text="内緒でした。"))
    run(database, lambda tx: remove_note(tx, AGENT, message_id=note.id))
    assert similar_to(database, world.ticket) == []
    report = run(
        database, lambda tx: list_similar_answers(tx, VIEWER, ticket_id=world.report_ticket.id, rank=rank_texts)
    )
    assert report == [], "a payment report is decided, not answered"


def test_greetings_alone_make_nothing_similar(database: Database, world: World) -> None:
    greeting = "いつもお世話になっております。よろしくお願いします。"
    solved(database, world, f"{greeting}会議室の椅子を増やしてください。", "増やしました。")

    def ask(tx: Tx) -> TicketView:
        return tickets.open_ticket(
            tx, kind="technical", queue="technical", subject="", body=f"{greeting}画面が真っ白です。", member_id=None,
            chat_id=None,
        )  # fmt: skip

    assert similar_to(database, run(database, ask)) == []


def test_only_the_newest_few_hundred_are_read(database: Database, world: World, clock: ManualClock) -> None:
    old = solved(database, world, "メールが届きません。", ANSWER)
    assert similar_to(database, world.ticket) == [old.ticket_no]
    clock.move(timedelta(minutes=1))
    for _ in range(LOOKED_AT):
        solved(database, world, "関係のない話です。", "承りました。")
    assert len(run(database, lambda tx: tx.all(SOLVED, but=world.ticket.id))) == LOOKED_AT
    assert similar_to(database, world.ticket) == []


def test_they_are_found_by_the_index(tmp_path: Path) -> None:
    with sqlite_database(tmp_path) as url, create_engine(url).connect() as connection:
        plan = SOLVED.plan(connection.dialect)
        explained = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {plan.sql}", tuple(plan.parameters({"but": 0})))
        steps = [str(row[-1]) for row in explained]
    assert any("USING INDEX ix_ticket_solved_at" in step for step in steps), steps
    assert not any(step.startswith("SCAN ticket") and "INDEX" not in step for step in steps), steps
