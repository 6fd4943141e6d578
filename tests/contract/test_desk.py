"""The desk over HTTP (rows Q3, Q6): coming in, rights on every act, answering, confirming, what members wrote stays text."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette

from adapters.desk.routes import ACTS, BY_THE_PAGE, UPLOADS
from adapters.desk.texts import load_texts
from bot.telling import listeners
from bot.wording import texts
from core.billing.invoices import get_invoice
from core.billing.payments import list_payments
from core.billing.reports import get_report
from core.clock import ManualClock
from core.contracts.service import list_contracts
from core.db import Database, Tx, run
from core.delivery.outbox import claim, list_troubled, owe, record_dead
from core.dialogue.service import list_messages
from core.ids import SeededIds
from core.members.audit import list_audit
from core.members.link_tokens import open_deep_link
from core.members.links import list_links
from core.open_database import open_database
from core.profiles.catalogue import list_prices, list_wordings
from core.tickets.service import add_member_message
from core.tickets.threads import get_ticket, thread
from tests.support.builders import ADMIN, a_profile
from tests.support.databases import sqlite_database
from tests.support.desk import PASSWORD, Operator, World, application, bot, build_world, field_of, token_of


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    """SQLite with everything that listens in the product."""
    with sqlite_database(tmp_path) as url:
        opened = open_database(url, clock, ids, listeners(bot()))
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


# ── coming in ────────────────────────────────────────────────────────────────────────────────────


async def test_without_a_session_every_page_leads_to_the_login_and_back(app: Starlette) -> None:
    operator = Operator(app)
    answer = await operator.get("/desk/members?q=x")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/login?next=/desk/members%3Fq%3Dx")
    form = (await operator.get(answer.headers["location"])).text
    fields = {"csrf": token_of(form), "login": "agent", "password": PASSWORD, "next": field_of(form, "next")}
    answer = await operator.http.post("/desk/login", data=fields)
    assert answer.headers["location"] == "/desk/members?q=x"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/desk" in cookie


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "/chat", "javascript:x"]
)
async def test_the_login_leads_nowhere_but_to_the_desk(app: Starlette, elsewhere: str) -> None:
    operator = Operator(app)
    form = (await operator.get("/desk/login")).text
    fields = {"csrf": token_of(form), "login": "agent", "password": PASSWORD, "next": elsewhere}
    assert (await operator.http.post("/desk/login", data=fields)).headers["location"] == "/desk"


async def test_unknown_login_wrong_password_and_locked_account_are_answered_the_same(app: Starlette) -> None:
    pages = []
    for login, password in [("nobody", PASSWORD), *[("agent", "wrong-password-0")] * 5, ("agent", PASSWORD)]:
        answer = await Operator(app).log_in(login, password)
        assert answer.status_code == 401
        pages.append(re.sub(r'value="[^"]*"', "", answer.text))
    assert len(set(pages)) == 1


async def test_a_locked_account_opens_after_fifteen_minutes(app: Starlette, clock: ManualClock) -> None:
    for _ in range(5):
        await Operator(app).log_in("agent", "wrong-password-0")
    assert (await Operator(app).log_in("agent")).status_code == 401
    clock.at += timedelta(minutes=15, seconds=1)
    assert (await Operator(app).log_in("agent")).status_code == 303


async def test_a_login_form_of_another_browser_is_refused(app: Starlette) -> None:
    token = token_of((await Operator(app).get("/desk/login")).text)
    other = Operator(app)
    await other.get("/desk/login")
    answer = await other.http.post("/desk/login", data={"csrf": token, "login": "agent", "password": PASSWORD})
    assert answer.status_code == 403


async def test_logging_out_ends_the_session_for_the_old_cookie_too(app: Starlette) -> None:
    operator = await logged_in(app, "agent")
    cookie = operator.http.cookies["madoguchi_desk"]
    await operator.press("/desk/logout")
    answer = await operator.http.get("/desk", headers={"cookie": f"madoguchi_desk={cookie}"})
    assert answer.status_code == 303


NEW = "a new long password"


async def test_a_person_changes_their_own_password_and_all_other_log_ins_end(
    app: Starlette, database: Database
) -> None:
    here, elsewhere = await logged_in(app, "viewer"), await logged_in(app, "viewer")
    colleague = await logged_in(app, "agent")
    page = await here.get("/desk/password")
    assert page.status_code == 200 and "いまのパスワード" in page.text
    done = await here.press("/desk/password", present=PASSWORD, new=NEW, again=NEW)
    assert done.status_code == 303 and "パスワードを変えました" in (await here.get(done.headers["location"])).text
    assert (await elsewhere.get("/desk")).status_code == 303
    assert (await colleague.get("/desk")).status_code == 200
    assert (await Operator(app).log_in("viewer")).status_code == 401
    assert (await Operator(app).log_in("viewer", NEW)).status_code == 303
    actions = [entry.action for entry in run(database, lambda tx: list_audit(tx, ADMIN)).entries]
    assert "staff.password_set" in actions


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"present": "not the right one", "new": NEW, "again": NEW}, "いまのパスワードが違います"),
        ({"present": PASSWORD, "new": NEW, "again": NEW + "x"}, "2回の入力が違います"),
        ({"present": PASSWORD, "new": "short", "again": "short"}, "12文字以上"),
        ({}, "12文字以上"),
    ],
)
async def test_a_password_is_not_changed_by_mistake(app: Starlette, fields: dict[str, str], says: str) -> None:
    operator = await logged_in(app, "agent")
    refused = await operator.press("/desk/password", scripted=True, **fields)
    assert refused.status_code == 409 and says in refused.json()["text"]
    assert (await Operator(app).log_in("agent")).status_code == 303


async def test_the_present_password_cannot_be_guessed_on_a_page_left_open(app: Starlette) -> None:
    operator = await logged_in(app, "agent")
    for _ in range(5):
        await operator.press("/desk/password", present="a guess", new=NEW, again=NEW)
    locked = await operator.press("/desk/password", scripted=True, present=PASSWORD, new=NEW, again=NEW)
    assert locked.status_code == 409
    assert (await Operator(app).log_in("agent")).status_code == 401


async def test_only_in_demo_the_login_page_shows_a_password(database: Database, world: World) -> None:
    assert PASSWORD not in (await Operator(application(database)).get("/desk/login")).text
    assert PASSWORD in (await Operator(application(database, demo=True)).get("/desk/login")).text


# ── rights and tokens on every act ───────────────────────────────────────────────────────────────


def acts(world: World) -> dict[str, tuple[str, dict[str, str], str]]:
    """For every POST route: an address, a valid form, and the least role that may."""
    report = f"/desk/reports/{world.report.id}"
    ticket = f"/desk/tickets/{world.ticket.ticket_no}"
    invoice = f"/desk/invoices/{world.invoice.invoice_no}"
    words = {"words": "ご確認ください。"}
    money = {"amount": str(world.invoice.total_yen), "on": "2026-11-21", "invoice": str(world.invoice.id)}
    return {
        "/desk/logout": ("/desk/logout", {}, "viewer"),
        "/desk/tickets/{ticket_no}/read": (f"{ticket}/read", {"last_seen": "1"}, "viewer"),
        "/desk/tickets/{ticket_no}/act/{act}": (f"{ticket}/act/claim", {}, "agent"),
        "/desk/tickets/{ticket_no}/answer": (
            f"{ticket}/answer",
            {"kind": "reply", "text": "確認します。", "client_key": "k1", "last_seen": str(2**60)},
            "agent",
        ),
        "/desk/tickets/{ticket_no}/composing": (f"/desk/tickets/{world.ticket.ticket_no}/composing", {}, "agent"),
        "/desk/catalogue/canned": ("/desk/catalogue/canned", {"title": "あいさつ", "text_ja": "こんにちは"}, "admin"),
        "/desk/catalogue/faq": ("/desk/catalogue/faq", {"question_ja": "鍵は？", "answer_ja": "受付です。"}, "admin"),
        "/desk/deliveries/{outbox_id}/again": ("/desk/deliveries/12345/again", {}, "agent"),
        "/desk/inbox/{inbox_id}/again": ("/desk/inbox/12345/again", {}, "agent"),
        "/desk/jobs/{job}/{subject_id}/again": ("/desk/jobs/reminders/12345/again", {}, "agent"),
        "/desk/reports/{report_id}/confirm": (f"{report}/confirm", money, "accountant"),
        "/desk/reports/{report_id}/ask": (f"{report}/ask", words, "agent"),
        "/desk/reports/{report_id}/reject": (f"{report}/reject", words, "accountant"),
        "/desk/reservations/{reservation_no}/write": (
            "/desk/reservations/R-000001/write",
            {"text": "ご連絡です。", "client_key": "k3"},
            "agent",
        ),
        "/desk/requests/{request_id}/accept": ("/desk/requests/12345/accept", {"revision": "1"}, "agent"),
        "/desk/requests/{request_id}/decline": ("/desk/requests/12345/decline", words, "agent"),
        "/desk/members/{member_no}/links/{link_id}/revoke": (
            f"/desk/members/{world.member_no}/links/{world.link_id}/revoke",
            {},
            "agent",
        ),
        "/desk/members/{member_no}/link": (f"/desk/members/{world.member_no}/link", {}, "agent"),
        "/desk/invoices/{invoice_no}/payment": (f"{invoice}/payment", {**money, "client_key": "k2"}, "accountant"),
        "/desk/invoices/{invoice_no}/withdraw": (
            f"{invoice}/withdraw",
            {"invoice": str(world.invoice.id), **words},
            "accountant",
        ),
        "/desk/suspense/{payment_id}/place": ("/desk/suspense/12345/place", {"to": "credit"}, "accountant"),
        "/desk/catalogue/prices": (
            "/desk/catalogue/prices",
            {"plan": "standard", "term": "12", "price": "13000", "valid_from": "2027-04-01"},
            "admin",
        ),
        "/desk/catalogue/wordings": (
            "/desk/catalogue/wordings",
            {"language": "ja", "key": next(iter(ja_texts())), "text": "こんにちは"},
            "admin",
        ),
        "/desk/password": ("/desk/password", {"present": "x", "new": "y" * 12, "again": "z" * 12}, "viewer"),
        "/desk/staff": (
            "/desk/staff",
            {"login": "new.person", "name": "新人", "password": "a-long-password-1", "role": "agent"},
            "admin",
        ),
        "/desk/staff/{staff_id}/role": ("/desk/staff/1/role", {"role": "agent"}, "admin"),
        "/desk/staff/{staff_id}/disable": ("/desk/staff/1/disable", {}, "admin"),
    }


def ja_texts() -> dict[str, str]:
    return {key: text for key, text in sorted(texts("ja").items()) if "{" not in text}


ORDER = ("viewer", "agent", "accountant", "admin")


async def test_each_act_is_refused_to_every_role_below_its_own(app: Starlette, world: World) -> None:
    table = acts(world)
    assert table.keys() == ACTS.keys() | BY_THE_PAGE.keys() | UPLOADS.keys()
    for role in ORDER[:-1]:
        operator = await logged_in(app, role)
        for address, fields, least in table.values():
            if ORDER.index(role) >= ORDER.index(least):
                continue
            answer = await operator.press(address, **fields)
            assert answer.status_code == 403, (role, address)
            assert "権限がありません" in answer.text


@pytest.mark.parametrize("role", ORDER)
async def test_each_act_is_open_to_the_least_role_that_has_it(app: Starlette, world: World, role: str) -> None:
    for path, (address, fields, least) in acts(world).items():
        if least == role:
            operator = await logged_in(app, role)
            answer = await operator.press(address, **fields)
            assert answer.status_code in (200, 303, 404, 409), (
                path,
                answer.text[-600:],
            )  # 409: done by the one before it


async def test_an_act_without_the_token_or_from_another_site_does_nothing(app: Starlette, world: World) -> None:
    operator = await logged_in(app, "admin")
    for address, fields, _ in acts(world).values():
        assert (await operator.http.post(address, data=fields)).status_code == 403, address
        assert (await operator.http.post(address, data={**fields, "csrf": "x" * 32})).status_code == 403, address
        other = await operator.http.post(
            address, data={**fields, "csrf": operator.csrf}, headers={"origin": "https://evil.example"}
        )
        assert other.status_code == 403, address


async def test_pages_for_admins_are_closed_to_others(app: Starlette) -> None:
    operator = await logged_in(app, "accountant")
    for address in ("/desk/audit", "/desk/staff"):
        assert (await operator.get(address)).status_code == 403
    assert "/desk/audit" not in (await operator.get("/desk")).text


async def test_a_viewer_sees_no_personal_data_anywhere(app: Starlette, world: World) -> None:
    operator = await logged_in(app, "viewer")
    addresses = [
        "/desk", "/desk/members", "/desk/contracts", "/desk/invoices", f"/desk/invoices/{world.invoice.invoice_no}",
        f"/desk/tickets/{world.ticket.ticket_no}", f"/desk/tickets/{world.report_ticket.ticket_no}",
        *(f"/desk/members/{world.member_no}?tab={tab}" for tab in ("contracts", "invoices", "chats", "tickets", "deliveries")),
    ]  # fmt: skip
    for address in addresses:
        answer = await operator.get(address)
        assert answer.status_code == 200, address
        for secret in ("山田 太郎", "山田太郎", "ヤマダ", "taro@example.jp", "03-0000-0000"):
            assert secret not in answer.text, (address, secret)


async def test_every_page_is_drawn_in_both_languages(app: Starlette, world: World) -> None:
    operator = await logged_in(app, "admin")
    member = f"/desk/members/{world.member_no}"
    addresses = [
        "/desk", "/desk?who=mine&kind=payment_report", f"/desk/tickets/{world.report_ticket.ticket_no}", "/desk/members",
        "/desk/members?q=%E3%83%A4%E3%83%9E%E3%83%80",
        *(f"{member}?tab={t}" for t in ("contracts", "invoices", "chats", "tickets", "deliveries", "audit")),
        "/desk/contracts?until=2026-12-31", "/desk/invoices", f"/desk/invoices/{world.invoice.invoice_no}", "/desk/catalogue",
        "/desk/catalogue/wordings", "/desk/catalogue/faq", "/desk/audit?member=M-000001&since=2026-01-01", "/desk/staff",
        f"/desk/reports/{world.report.id}/confirm?amount=100&on=2026-11-21",
    ]  # fmt: skip
    for language in ("ja", "en"):
        await operator.http.post("/desk/language", data={"language": language, "back": "/desk"})
        for address in addresses:
            answer = await operator.get(address)
            assert answer.status_code == 200, (address, answer.text[:300])
            assert f'<html lang="{language}">' in answer.text
            assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (await operator.get("/desk/nothing")).status_code == 404
    assert (await operator.get("/desk/tickets/T-999999")).status_code == 404


def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    ja, en = load_texts("ja"), load_texts("en")
    assert ja.keys() == en.keys()
    for key, text in ja.items():
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", en[key])), key


# ── answering ────────────────────────────────────────────────────────────────────────────────────


def seen_id(database: Database, world: World) -> str:
    return str(run(database, lambda tx: thread(tx, ADMIN, ticket_id=world.ticket.id)).last_member_message_id)


async def test_pressing_send_twice_sends_once(app: Starlette, database: Database, world: World) -> None:
    operator = await logged_in(app, "agent")
    page = (await operator.get(f"/desk/tickets/{world.ticket.ticket_no}")).text
    fields = {
        "kind": "reply",
        "text": "確認いたします。",
        "client_key": field_of(page, "client_key"),
        "last_seen": field_of(page, "last_seen"),
    }
    for _ in range(2):
        answer = await operator.press(f"/desk/tickets/{world.ticket.ticket_no}/answer", **fields)
        assert answer.status_code == 303
    said = [
        m
        for m in run(database, lambda tx: thread(tx, ADMIN, ticket_id=world.ticket.id)).messages
        if m.author == "staff"
    ]
    assert [m.body for m in said] == ["確認いたします。"]
    assert "受付済" in (await operator.get(answer.headers["location"])).text


async def test_words_the_member_wrote_meanwhile_are_shown_first_and_what_was_typed_stays(
    app: Starlette, database: Database, world: World
) -> None:
    operator = await logged_in(app, "agent")
    address = f"/desk/tickets/{world.ticket.ticket_no}"
    seen = seen_id(database, world)
    run(database, lambda tx: add_member_message(tx, ticket_id=world.ticket.id, text="直りました！と思ったらまたです"))
    fields = {"kind": "reply", "text": "お待ちください。", "client_key": "k", "last_seen": seen}
    plain = await operator.press(f"{address}/answer", **fields)
    assert plain.status_code == 409
    assert "直りました！と思ったらまたです" in plain.text
    assert ">お待ちください。</textarea>" in plain.text
    scripted = (await operator.press(f"{address}/answer", scripted=True, **fields)).json()
    assert scripted["error"] == "stale"
    again = await operator.press(f"{address}/answer", **{**fields, "last_seen": scripted["last_seen"]})
    assert again.status_code == 303


async def test_an_internal_note_never_becomes_a_message_to_the_member(
    app: Starlette, database: Database, world: World
) -> None:
    operator = await logged_in(app, "agent")
    before = run(
        database,
        lambda tx: list_messages(tx, chat_id=world.chat_id),
    )
    await operator.press(
        f"/desk/tickets/{world.ticket.ticket_no}/answer", kind="note", text="要注意", client_key="n", last_seen="0"
    )
    after = run(
        database,
        lambda tx: list_messages(tx, chat_id=world.chat_id),
    )
    assert after == before
    assert "要注意" in (await operator.get(f"/desk/tickets/{world.ticket.ticket_no}")).text


async def test_files_of_an_answer_are_kept_once_and_downloaded_only_by_those_who_may(
    app: Starlette, database: Database, world: World
) -> None:
    operator = await logged_in(app, "agent")
    address = f"/desk/tickets/{world.ticket.ticket_no}"
    for _ in range(2):
        answer = await operator.http.post(
            f"{address}/answer",
            data={
                "csrf": operator.csrf,
                "kind": "reply",
                "text": "手順書です。",
                "client_key": "f",
                "last_seen": seen_id(database, world),
            },
            files={"files": ("手順.html", b"<script>alert(1)</script>", "text/html")},
        )
        assert answer.status_code == 303, answer.text[-500:]
    page = (await operator.get(address)).text
    tokens = set(re.findall(r'/desk/files/([0-9a-z]+)"', page))
    assert len(tokens) == 1
    file = await operator.get(f"/desk/files/{tokens.copy().pop()}")
    assert file.content == b"<script>alert(1)</script>"
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.headers["content-type"] == "application/octet-stream"
    viewer = await logged_in(app, "viewer")
    assert (await viewer.get(f"/desk/files/{tokens.pop()}")).status_code == 403


async def test_a_second_claimer_is_told_who_has_it(app: Starlette, database: Database, world: World) -> None:
    first, second = await logged_in(app, "agent"), await logged_in(app, "accountant")
    address = f"/desk/tickets/{world.ticket.ticket_no}/act/claim"
    for _ in range(2):
        assert (await first.press(address)).status_code == 303
    answer = await second.press(address)
    assert answer.status_code == 409
    assert "agentさんさんが担当しています" in answer.text
    assert run(database, lambda tx: get_ticket(tx, ticket_id=world.ticket.id)).assignee_id is not None


async def test_what_people_write_is_text_never_markup(database: Database, clock: ManualClock) -> None:
    evil = '"><script>alert(1)</script>'
    world = build_world(database, name=evil)
    run(
        database,
        lambda tx: add_member_message(tx, ticket_id=world.ticket.id, text=f"{evil}<img src=x onerror=alert(1)>"),
    )
    operator = await logged_in(application(database), "admin")
    for address in (
        "/desk",
        "/desk/members",
        f"/desk/members/{world.member_no}",
        f"/desk/tickets/{world.ticket.ticket_no}",
        "/desk/members?q=%3Cscript%3Ealert(1)",
    ):
        page = (await operator.get(address)).text
        assert "<script>alert" not in page, address
        assert "<img src=x" not in page, address
    assert "&lt;script&gt;alert(1)" in page


async def test_a_session_that_ends_meanwhile_says_so_without_losing_the_page(
    app: Starlette, database: Database, world: World
) -> None:
    operator = await logged_in(app, "agent")
    old_token = operator.csrf
    operator.http.cookies.delete("madoguchi_desk")
    address = f"/desk/tickets/{world.ticket.ticket_no}/answer"
    fields = {"kind": "reply", "text": "x", "client_key": "s", "last_seen": seen_id(database, world)}
    answer = await operator.press(address, scripted=True, **fields)
    assert (answer.status_code, answer.json()["error"]) == (401, "login_needed")
    await operator.log_in("agent")
    stale_form = await operator.http.post(address, data={**fields, "csrf": old_token}, headers={"x-desk": "1"})
    assert stale_form.json()["csrf"] == operator.csrf
    assert (await operator.press(address, scripted=True, **fields)).json()["go"]


# ── money ────────────────────────────────────────────────────────────────────────────────────────


async def test_confirming_a_report_shows_what_will_happen_then_extends_once(
    app: Starlette, database: Database, world: World
) -> None:
    operator = await logged_in(app, "accountant")
    page = (await operator.get(f"/desk/tickets/{world.report_ticket.ticket_no}")).text
    assert "金額が一致しています" in page
    address = f"/desk/reports/{world.report.id}/confirm"
    preview = await operator.get(f"{address}?amount=%EF%BC%92%EF%BC%96%2C400%E5%86%86&on=2026-11-21")
    assert "example.jp：2026年11月30日(月) → 2027年11月30日(火)" in preview.text
    fields = {"amount": field_of(preview.text, "amount"), "on": "2026-11-21", "invoice": str(world.invoice.id)}
    for _ in range(2):
        answer = await operator.press(address, **fields)
        assert answer.headers["location"].startswith(f"/desk/tickets/{world.report_ticket.ticket_no}")

    def look(tx: Tx) -> tuple[str, int, list[date], str]:
        contracts = list_contracts(tx, profile=a_profile(), member_id=world.member_id)
        return (
            get_invoice(tx, invoice_id=world.invoice.id).status,
            len(list_payments(tx, invoice_id=world.invoice.id)),
            [contract.expires_on for contract in contracts],
            get_report(tx, report_id=world.report.id).state,
        )

    assert run(database, look) == ("paid", 1, [date(2027, 11, 30)] * 2, "confirmed")


async def test_too_little_money_is_said_before_it_is_recorded(app: Starlette, world: World) -> None:
    operator = await logged_in(app, "accountant")
    preview = await operator.get(f"/desk/reports/{world.report.id}/confirm?amount=10000&on=2026-11-21")
    assert "足りません。契約はまだ延びません" in preview.text
    assert "2027年" not in preview.text


@pytest.mark.parametrize(
    ("amount", "on", "says"),
    [
        ("0", "2026-11-21", "の間で入力してください"),
        ("-5", "2026-11-21", "の間で入力してください"),
        ("9999999999999", "2026-11-21", "の間で入力してください"),
        ("abc", "2026-11-21", "金額を数字で"),
        ("100", "2026-11-23", "先の日付"),
        ("100", "2026-02-31", "日付を入力"),
    ],
)
async def test_bad_amounts_and_dates_are_refused_in_plain_words(
    app: Starlette, database: Database, world: World, amount: str, on: str, says: str
) -> None:
    operator = await logged_in(app, "accountant")
    answer = await operator.press(
        f"/desk/reports/{world.report.id}/confirm", amount=amount, on=on, invoice=str(world.invoice.id)
    )
    assert answer.status_code == 409
    assert says in answer.text
    assert run(database, lambda tx: list_payments(tx, invoice_id=world.invoice.id)) == []


async def test_asking_back_tells_the_member_and_keeps_the_report(
    app: Starlette, database: Database, world: World
) -> None:
    operator = await logged_in(app, "agent")
    await operator.press(f"/desk/reports/{world.report.id}/ask", words="お名義をお知らせください。")
    assert run(database, lambda tx: get_report(tx, report_id=world.report.id)).state == "asked"
    assert "お名義をお知らせください。" in (await operator.get(f"/desk/tickets/{world.report_ticket.ticket_no}")).text


async def test_a_transfer_without_a_report_is_recorded_once_for_two_presses(
    app: Starlette, database: Database, world: World
) -> None:
    operator = await logged_in(app, "accountant")
    address = f"/desk/invoices/{world.invoice.invoice_no}/payment"
    preview = await operator.get(
        f"{address}?amount=26400&on=2026-11-20&invoice={world.invoice.id}&payer=%E3%83%A4%E3%83%9E%E3%83%80"
    )
    fields = {name: field_of(preview.text, name) for name in ("amount", "on", "invoice", "payer", "client_key")}
    for _ in range(2):
        assert (await operator.press(address, **fields)).status_code == 303
    assert [p.payer_name for p in run(database, lambda tx: list_payments(tx, invoice_id=world.invoice.id))] == [
        "ヤマダ"
    ]


# ── the rest ─────────────────────────────────────────────────────────────────────────────────────


async def test_every_look_at_a_member_is_in_the_audit_trail(app: Starlette, database: Database, world: World) -> None:
    operator = await logged_in(app, "viewer")
    await operator.get(f"/desk/members/{world.member_no}")
    await operator.get(f"/desk/tickets/{world.ticket.ticket_no}")
    views = run(database, lambda tx: list_audit(tx, ADMIN, action="member.viewed")).entries
    assert [view.staff_login for view in views] == ["viewer", "viewer"]


async def test_an_undelivered_message_is_shown_and_sent_again(app: Starlette, database: Database, world: World) -> None:
    def fail(tx: Tx) -> int:
        outbox_id = owe(
            tx, channel="telegram", account="1", address="5", order_key="telegram:1:5", kind="staff_reply", payload={},
            reason="staff's answer", member_id=world.member_id,
        )  # fmt: skip
        claim(tx, channel="telegram", owner="t", limit=5)
        assert outbox_id is not None
        record_dead(tx, outbox_id=outbox_id, owner="t", answer="blocked by the user")
        return outbox_id

    outbox_id = run(database, fail)
    operator = await logged_in(app, "agent")
    page = (await operator.get("/desk")).text
    assert "届いていないメッセージ" in page and "blocked by the user" in page
    for done in ("sent_again", "was_done"):
        answer = await operator.press(f"/desk/deliveries/{outbox_id}/again")
        assert answer.headers["location"] == f"/desk?done={done}"
    assert run(database, list_troubled) == []


async def test_a_revoked_link_ends_at_once_and_twice_is_once(app: Starlette, database: Database, world: World) -> None:
    operator = await logged_in(app, "agent")
    for _ in range(2):
        await operator.press(f"/desk/members/{world.member_no}/links/{world.link_id}/revoke")
    links = run(database, lambda tx: list_links(tx, ADMIN, member_id=world.member_id))
    assert [link.ended_at is not None for link in links] == [True]


async def test_a_link_is_shown_once_and_the_audit_says_who_made_it(
    app: Starlette, database: Database, world: World
) -> None:
    operator = await logged_in(app, "agent")
    assert "連携リンクを作る" in (await operator.get(f"/desk/members/{world.member_no}?tab=chats")).text
    made = await operator.press(f"/desk/members/{world.member_no}/link")
    (token,) = re.findall(r"/m/link/([0-9a-z]{32})", made.text)
    found = run(database, lambda tx: open_deep_link(tx, token=token))
    assert found is not None and found[1].member_no == world.member_no
    assert token not in (await operator.get(f"/desk/members/{world.member_no}?tab=chats")).text
    entries = run(database, lambda tx: list_audit(tx, ADMIN, member_id=world.member_id)).entries
    assert [entry.actor_kind for entry in entries if entry.action == "link.issued"] == ["staff"]


async def test_an_admin_announces_a_price_and_changes_the_bots_words(app: Starlette, database: Database) -> None:
    operator = await logged_in(app, "admin")
    await operator.press(
        "/desk/catalogue/prices", plan="standard", term="12", price="１３，０００円", valid_from="2027-04-01"
    )
    prices = run(database, lambda tx: list_prices(tx, plan_code="standard"))
    assert (13_000, date(2027, 4, 1)) in [(p.price_yen, p.valid_from) for p in prices]
    past = await operator.press(
        "/desk/catalogue/prices", plan="standard", term="12", price="1", valid_from="2026-01-01"
    )
    assert past.status_code == 409
    key = next(iter(ja_texts()))
    await operator.press("/desk/catalogue/wordings", language="ja", key=key, text="いらっしゃいませ")
    assert run(database, lambda tx: list_wordings(tx, language="ja"))[key] == "いらっしゃいませ"
    broken = await operator.press("/desk/catalogue/wordings", language="ja", key=key, text="{nobody_gives_this}")
    assert "nobody_gives_this" in broken.text and broken.status_code == 409
    await operator.press("/desk/catalogue/wordings", language="ja", key=key, text="x", reset="1")
    assert key not in run(database, lambda tx: list_wordings(tx, language="ja"))


async def test_the_last_admin_cannot_be_removed_and_a_disabled_person_is_out_at_once(
    app: Starlette, database: Database
) -> None:
    admin, agent = await logged_in(app, "admin"), await logged_in(app, "agent")
    page = (await admin.get("/desk/staff")).text
    rows = dict(re.findall(r"<code>(\w+)</code>.*?/desk/staff/(\d+)/role", page, re.S))
    assert (await admin.press(f"/desk/staff/{rows['admin']}/disable")).status_code == 409
    await admin.press(f"/desk/staff/{rows['agent']}/disable")
    assert (await agent.get("/desk")).status_code == 303
    new = {"login": "keiri2", "name": "経理", "password": "a-long-password-1", "role": "accountant", "language": "ja"}
    assert (await admin.press("/desk/staff", **new)).status_code == 303
    assert (await Operator(app).log_in("keiri2", "a-long-password-1")).status_code == 303
    short = await admin.press("/desk/staff", **{**new, "login": "x.y.z", "password": "short"})
    assert "12文字以上" in short.text


async def test_a_form_larger_than_the_limit_is_not_read(app: Starlette) -> None:
    operator = await logged_in(app, "agent")
    answer = await operator.http.post(
        "/desk/logout", content=b"x" * 300_000, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 413
