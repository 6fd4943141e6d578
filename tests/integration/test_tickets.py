"""Row Q1 and the desk's rules: tickets from opening to solving, on both databases."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from core.billing import reports
from core.clock import ManualClock
from core.db import Database, Tx, run
from core.delivery.files import store_file
from core.dialogue.service import ChatView, get_chat, set_reachable
from core.errors import DomainError
from core.ids import SeededIds
from core.members.links import add_link, linked_members, unlink
from core.members.staff import add_staff
from core.open_database import open_database
from core.tickets import service as tickets
from core.tickets.facts import MemberWrote, StaffReplied, TicketOpened, TicketReopened, TicketSolved
from core.tickets.service import TicketView, Written
from core.tickets.threads import NOBODY, InboxFilter, Thread, inbox, list_public_messages, mark_read, thread
from core.wiring import LISTENERS
from tests.support.builders import ACCOUNTANT, ADMIN, AGENT, Somebody, a_member, a_profile, an_invoice
from tests.support.chats import a_chat
from tests.support.facts import of_kind, with_recorder

VIEWER = Somebody(903, "viewer", "閲覧 三郎")
OTHER = Somebody(904, "agent", "窓口 四郎")


@pytest.fixture
def seen() -> list[Any]:
    """The facts of the test."""
    return []


@pytest.fixture
def database(database_url: str, clock: ManualClock, ids: SeededIds, seen: list[Any]) -> Iterator[Database]:
    """As everywhere, with the facts about tickets written down."""
    kinds = (TicketOpened, MemberWrote, StaffReplied, TicketSolved, TicketReopened)
    opened = open_database(database_url, clock, ids, with_recorder(LISTENERS, seen, *kinds))
    yield opened
    opened.close()


@pytest.fixture
def chat(database: Database) -> ChatView:
    """山田太郎's chat, linked."""

    def work(tx: Tx) -> ChatView:
        made = a_chat(tx)
        add_link(tx, chat_id=made.id, member_id=a_member(tx))
        return made

    return run(database, work)


@pytest.fixture
def ticket(database: Database, chat: ChatView) -> TicketView:
    """Opened by 山田太郎 in the chat."""
    return open_for(database, chat)


def member_of(database: Database, chat: ChatView) -> int:
    return run(database, lambda tx: linked_members(tx, chat_id=chat.id))[0].id


def open_for(database: Database, chat: ChatView, body: str = "サーバーに入れません。\n昨日からです。") -> TicketView:
    member_id = member_of(database, chat)
    return run(
        database,
        lambda tx: tickets.open_ticket(
            tx, kind="technical", queue="technical", subject="", body=body, member_id=member_id, chat_id=chat.id
        ),
    )


def writes(database: Database, ticket: TicketView, text: str, **given: Any) -> Written:
    return run(database, lambda tx: tickets.add_member_message(tx, ticket_id=ticket.id, text=text, **given))


def replies(
    database: Database,
    ticket: TicketView,
    text: str = "確認します。",
    *,
    key: str = "k1",
    staff: Any = AGENT,
    **given: Any,
) -> Any:
    last_seen = given.pop("last_seen", None)
    if last_seen is None:
        last_seen = look(database, ticket).last_member_message_id

    def work(tx: Tx) -> Any:
        return tickets.reply(
            tx, staff, ticket_id=ticket.id, text=text, client_key=key, last_seen_message_id=last_seen, **given
        )

    return run(database, work)


def look(database: Database, ticket: TicketView, staff: Any = AGENT) -> Thread:
    return run(database, lambda tx: thread(tx, staff, ticket_id=ticket.id))


def speaker(database: Database, chat: ChatView) -> tuple[str, int | None]:
    found = run(database, lambda tx: get_chat(tx, chat_id=chat.id))
    return found.speaker, found.ticket_id


def test_a_ticket_has_a_number_the_members_words_and_is_unread(
    database: Database, seen: list[Any], ticket: TicketView, chat: ChatView
) -> None:
    assert (ticket.ticket_no, ticket.status, ticket.subject) == ("T-000001", "new", "サーバーに入れません。")
    (row,) = run(database, lambda tx: inbox(tx, AGENT)).rows
    assert (row.ticket_no, row.member_no, row.member_name, row.unread) == ("T-000001", "M-000001", "山田 太郎", 1)
    assert row.waiting_since == ticket.created_at and row.assignee_name is None
    (message,) = look(database, ticket).messages
    assert (message.author, message.author_name, message.visibility) == ("member", "山田 太郎", "public")
    assert [fact.ticket_no for fact in of_kind(seen, TicketOpened)] == ["T-000001"]
    assert speaker(database, chat) == ("bot", None)


def test_a_reply_claims_silences_the_bot_and_is_owed_to_the_chat(
    database: Database, seen: list[Any], ticket: TicketView, chat: ChatView
) -> None:
    message = replies(database, ticket, " 確認します。 ")
    (fact,) = of_kind(seen, StaffReplied)
    assert (fact.ticket_message_id, fact.chat_id, fact.text) == (message.id, chat.id, "確認します。")
    assert (fact.staff_id, fact.staff_name) == (AGENT.id, AGENT.name)
    found = look(database, ticket).ticket
    assert (found.status, found.assignee_id, found.unread) == ("waiting", AGENT.id, 0)
    assert speaker(database, chat) == ("human", ticket.id)
    assert run(database, lambda tx: inbox(tx, AGENT)).rows[0].waiting_since is None
    replies(database, ticket, "続きです。", key="k2", staff=OTHER)
    assert look(database, ticket).ticket.assignee_id == AGENT.id


def test_an_answer_in_one_ticket_leaves_the_others_waiting(
    database: Database, ticket: TicketView, chat: ChatView
) -> None:
    other = open_for(database, chat, "別の件です。")
    replies(database, other, "確認します。")
    waiting = {row.ticket_no: row.waiting_since for row in run(database, lambda tx: inbox(tx, AGENT)).rows}
    assert waiting == {ticket.ticket_no: ticket.created_at, other.ticket_no: None}


def test_a_second_press_of_send_gives_the_first_reply(database: Database, seen: list[Any], ticket: TicketView) -> None:
    last = look(database, ticket).last_member_message_id
    futures = [
        database.submit(
            lambda tx: tickets.reply(
                tx, AGENT, ticket_id=ticket.id, text="一度だけ", client_key="same", last_seen_message_id=last
            )
        )
        for _ in range(4)
    ]
    assert len({future.result().id for future in futures}) == 1
    assert len(look(database, ticket).messages) == 2
    with pytest.raises(DomainError, match="client_key_reused"):
        replies(database, ticket, "別の文", key="same")
    assert replies(database, ticket, "一度だけ", key="same", staff=OTHER).author_id == OTHER.id


def test_a_reply_to_words_not_seen_is_refused_unless_it_is_forced(
    database: Database, seen: list[Any], ticket: TicketView
) -> None:
    last_seen = look(database, ticket).last_member_message_id
    newer = writes(database, ticket, "解決しました。もう大丈夫です")
    with pytest.raises(DomainError) as refused:
        replies(database, ticket, last_seen=last_seen)
    assert refused.value.code == "stale"
    assert refused.value.data == {"message_id": newer.message.id, "text": "解決しました。もう大丈夫です"}
    assert of_kind(seen, StaffReplied) == []
    assert replies(database, ticket, last_seen=newer.message.id).body == "確認します。"
    writes(database, ticket, "もう一つ")
    assert replies(database, ticket, "それでも", key="k3", last_seen=last_seen, force=True).body == "それでも"


@pytest.mark.parametrize(
    ("text", "key", "code"),
    [("  ", "k", "text_missing"), ("あ" * 4_001, "k", "text_too_long"), ("x", "", "client_key_invalid"),
     ("x", "k" * 61, "client_key_invalid")],
)  # fmt: skip
def test_a_reply_that_cannot_be_sent_changes_nothing(
    database: Database, ticket: TicketView, chat: ChatView, text: str, key: str, code: str
) -> None:
    with pytest.raises(DomainError, match=code):
        replies(database, ticket, text, key=key)
    assert look(database, ticket).ticket.status == "new" and speaker(database, chat) == ("bot", None)


def test_a_note_never_reaches_the_member(database: Database, seen: list[Any], ticket: TicketView) -> None:
    ids = {
        run(database, lambda tx: tickets.note(tx, AGENT, ticket_id=ticket.id, text="要注意", client_key="n1")).id
        for _ in range(2)
    }
    assert len(ids) == 1 and of_kind(seen, StaffReplied) == []
    public = run(database, lambda tx: list_public_messages(tx, ticket_id=ticket.id))
    assert [message.body for message in public] == ["サーバーに入れません。\n昨日からです。"]
    row = run(database, lambda tx: inbox(tx, AGENT)).rows[0]
    assert row.waiting_since is not None and row.unread == 1  # a note is no answer


def test_claiming_is_compare_and_swap(database: Database, ticket: TicketView, three_agents: dict[int, str]) -> None:
    futures = [
        database.submit(lambda tx, s=s: tickets.claim(tx, s, ticket_id=ticket.id))
        for s in (Somebody(staff_id, "agent", name) for staff_id, name in three_agents.items())
    ]
    errors = [error for future in futures if (error := future.exception()) is not None]
    assert len(errors) == len(three_agents) - 1
    holder = look(database, ticket).ticket.assignee_id
    assert holder is not None and look(database, ticket).assignee_name == three_agents[holder]
    for error in errors:
        assert isinstance(error, DomainError) and error.code == "claimed_by_other"
        assert error.data == {"staff_id": holder, "name": three_agents[holder]}
    again = run(database, lambda tx: tickets.claim(tx, Somebody(holder, "agent"), ticket_id=ticket.id))
    assert (again.assignee_id, again.status) == (holder, "open")
    assert run(database, lambda tx: tickets.release(tx, OTHER, ticket_id=ticket.id)).assignee_id is None


@pytest.fixture
def three_agents(database: Database) -> dict[int, str]:
    """Three agents with rows of their own."""

    def work(tx: Tx) -> dict[int, str]:
        people = [
            add_staff(tx, by=None, login=f"agent{n}", name=f"窓口 {n}", role="agent", password_hash="x")
            for n in range(3)
        ]
        return {view.id: view.name for view in people}

    return run(database, work)


@pytest.mark.parametrize(
    "act",
    [
        lambda tx, staff, n: tickets.reply(
            tx, staff, ticket_id=n, text="x", client_key="k", last_seen_message_id=2**62
        ),
        lambda tx, staff, n: tickets.note(tx, staff, ticket_id=n, text="x", client_key="k"),
        lambda tx, staff, n: tickets.claim(tx, staff, ticket_id=n),
        lambda tx, staff, n: tickets.release(tx, staff, ticket_id=n),
        lambda tx, staff, n: tickets.solve(tx, staff, ticket_id=n),
        lambda tx, staff, n: tickets.reopen(tx, staff, ticket_id=n),
        lambda tx, staff, n: tickets.give_back(tx, staff, ticket_id=n),
    ],
    ids=["reply", "note", "claim", "release", "solve", "reopen", "give_back"],
)
def test_a_viewer_only_looks(database: Database, ticket: TicketView, act: Callable[[Tx, Any, int], object]) -> None:
    before = look(database, ticket)
    with pytest.raises(DomainError, match="forbidden"):
        run(database, lambda tx: act(tx, VIEWER, ticket.id))
    assert look(database, ticket) == before
    run(database, lambda tx: act(tx, AGENT, ticket.id))  # allowed to whom it should be


def test_a_viewers_inbox_and_thread_are_masked_and_reading_changes_nothing(database: Database, chat: ChatView) -> None:
    ticket = open_for(database, chat, "山田太郎です。090-1234-5678 へお電話ください。")
    run(database, lambda tx: mark_read(tx, VIEWER, ticket_id=ticket.id, seen_id=2**62))
    row = run(database, lambda tx: inbox(tx, VIEWER)).rows[0]
    assert (row.member_name, row.unread) == ("山＊＊＊", 1)
    found = look(database, ticket, VIEWER)
    shown = str(found) + str(row)
    assert "太郎" not in shown and "1234" not in shown
    assert "090-1234-5678" in str(look(database, ticket))


def test_what_comes_while_reading_stays_unread(database: Database, ticket: TicketView) -> None:
    seen_id = look(database, ticket).last_member_message_id
    writes(database, ticket, "追記です")
    run(database, lambda tx: mark_read(tx, AGENT, ticket_id=ticket.id, seen_id=seen_id))
    assert look(database, ticket).ticket.unread == 1
    run(database, lambda tx: mark_read(tx, AGENT, ticket_id=ticket.id, seen_id=2**62))
    assert look(database, ticket).ticket.unread == 0


def test_thanks_does_not_reopen_and_second_thoughts_within_seven_days_do(
    database: Database, clock: ManualClock, seen: list[Any], ticket: TicketView
) -> None:
    replies(database, ticket)
    solved = run(database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id))
    run(database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id))
    assert solved.status == "solved" and len(of_kind(seen, TicketSolved)) == 1
    thanks = writes(database, ticket, "ありがとうございました😊")
    assert (thanks.effect, thanks.ticket.status, thanks.ticket.unread) == ("courtesy", "solved", 0)
    assert len(look(database, ticket).messages) == 3
    clock.move(timedelta(days=7))
    again = writes(database, ticket, "また入れません")
    assert (again.effect, again.ticket.status, again.ticket.solved_at, again.ticket.unread) == (
        "reopened",
        "open",
        None,
        1,
    )
    assert [fact.by for fact in of_kind(seen, TicketReopened)] == ["member"]


def test_after_seven_days_a_new_ticket_goes_on_and_the_old_ones_times_stay(
    database: Database, clock: ManualClock, seen: list[Any], ticket: TicketView
) -> None:
    replies(database, ticket)
    run(database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id))
    before = look(database, ticket)
    clock.move(timedelta(days=7, seconds=1))
    done = writes(database, ticket, "また入れません")
    assert (done.effect, done.ticket.ticket_no, done.ticket.previous_id) == ("new_ticket", "T-000002", ticket.id)
    assert done.message.body == "また入れません" and done.ticket.status == "new"
    assert look(database, ticket) == before
    assert of_kind(seen, TicketOpened)[-1].previous_no == "T-000001"


def test_staff_reopen_at_any_time_and_a_reply_reopens_too(
    database: Database, clock: ManualClock, ticket: TicketView
) -> None:
    run(database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id))
    clock.move(timedelta(days=30))
    assert run(database, lambda tx: tickets.reopen(tx, AGENT, ticket_id=ticket.id)).status == "open"
    assert run(database, lambda tx: tickets.reopen(tx, AGENT, ticket_id=ticket.id)).status == "open"
    run(database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id))
    replies(database, ticket, "補足です。")
    found = look(database, ticket).ticket
    assert (found.status, found.solved_at) == ("waiting", None)


def test_the_bot_takes_its_chat_back_a_day_after_solving(
    database: Database, clock: ManualClock, ticket: TicketView, chat: ChatView
) -> None:
    replies(database, ticket)
    run(database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id))
    clock.move(timedelta(hours=24) - timedelta(seconds=1))
    assert run(database, tickets.hand_back_due) == 0
    assert speaker(database, chat) == ("human", ticket.id)
    clock.move(timedelta(seconds=1))
    assert [run(database, tickets.hand_back_due) for _ in range(2)] == [1, 0]
    assert speaker(database, chat) == ("bot", None)


def test_a_ticket_open_again_keeps_its_chat(
    database: Database, clock: ManualClock, ticket: TicketView, chat: ChatView
) -> None:
    replies(database, ticket)
    run(database, lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id))
    writes(database, ticket, "まだです")
    clock.move(timedelta(days=2))
    assert run(database, tickets.hand_back_due) == 0
    assert speaker(database, chat) == ("human", ticket.id)
    run(database, lambda tx: tickets.give_back(tx, AGENT, ticket_id=ticket.id))
    assert speaker(database, chat) == ("bot", None)
    assert look(database, ticket).ticket.status == "open"


def test_an_answer_never_goes_to_a_chat_that_is_no_longer_the_members(
    database: Database, seen: list[Any], ticket: TicketView, chat: ChatView
) -> None:
    member_id = member_of(database, chat)
    replies(database, ticket)
    run(database, lambda tx: unlink(tx, chat_id=chat.id, member_id=member_id))
    assert speaker(database, chat) == ("bot", None)
    replies(database, ticket, "届きますか", key="k2")
    assert of_kind(seen, StaffReplied)[-1].chat_id is None

    def link_another(tx: Tx) -> ChatView:
        made = a_chat(tx)
        add_link(tx, chat_id=made.id, member_id=member_id)
        return made

    second = run(database, link_another)
    replies(database, ticket, "こちらへ", key="k3")
    assert of_kind(seen, StaffReplied)[-1].chat_id == second.id
    assert speaker(database, chat) == ("bot", None) and speaker(database, second) == ("human", ticket.id)


def test_an_answer_follows_the_member_to_where_they_wrote_last_and_away_from_a_blocked_chat(
    database: Database, seen: list[Any], ticket: TicketView, chat: ChatView
) -> None:
    member_id = member_of(database, chat)
    second = run(database, a_chat)
    run(database, lambda tx: add_link(tx, chat_id=second.id, member_id=member_id))
    writes(database, ticket, "こちらで続けます", chat_id=second.id)
    replies(database, ticket)
    assert of_kind(seen, StaffReplied)[-1].chat_id == second.id
    run(database, lambda tx: set_reachable(tx, chat_id=second.id, reachable=False))
    replies(database, ticket, "二つ目", key="k2")
    assert of_kind(seen, StaffReplied)[-1].chat_id == chat.id


def test_files_are_kept_with_their_address(database: Database, ticket: TicketView, chat: ChatView) -> None:
    file = run(database, lambda tx: store_file(tx, chat_id=chat.id, name="画面.png", mime="image/png", content=b"png"))
    done = writes(database, ticket, "", files=[{"file_id": str(file.id), "name": "forged"}])
    assert done.message.files == [
        {"file_id": str(file.id), "name": "画面.png", "mime": "image/png", "size_bytes": 3, "token": file.token}
    ]
    assert look(database, ticket).messages[-1].files == done.message.files


def test_the_inbox_filters_and_pages(database: Database, clock: ManualClock, chat: ChatView) -> None:
    made = []
    for n in range(33):
        clock.move(timedelta(minutes=1))
        made.append(open_for(database, chat, f"件 {n}"))
    run(database, lambda tx: tickets.solve(tx, AGENT, ticket_id=made[0].id))
    clock.move(timedelta(minutes=1))
    replies(database, made[1])

    def numbers(page: int = 1, **given: Any) -> list[str]:
        return [
            row.ticket_no
            for row in run(database, lambda tx: inbox(tx, AGENT, filters=InboxFilter(**given), page=page)).rows
        ]

    assert len(numbers()) == 30 and len(numbers(2)) == 2 and "T-000001" not in numbers() + numbers(2)
    assert numbers()[0] == "T-000002"  # touched last
    assert numbers(state="solved") == ["T-000001"]
    assert len(numbers(2, state="all")) == 3
    assert numbers(assignee=AGENT.id) == ["T-000002"] and "T-000002" not in numbers(assignee=NOBODY)
    assert numbers(queue="accounting") == [] and numbers(kind="payment_report") == []
    assert numbers(member_id=1) == []


def test_the_members_own_list_and_a_strangers(database: Database, ticket: TicketView, chat: ChatView) -> None:
    def strangers(tx: Tx) -> ChatView:
        made = a_chat(tx, name="通りすがり")
        tickets.open_ticket(
            tx, kind="other", queue="technical", subject="質問", body="質問です", member_id=None, chat_id=made.id
        )
        return made

    stranger = run(database, strangers)
    mine = run(database, lambda tx: tickets.list_of_person(tx, member_id=ticket.member_id, chat_id=chat.id))
    theirs = run(database, lambda tx: tickets.list_of_person(tx, member_id=None, chat_id=stranger.id))
    assert ([t.id for t in mine], [t.subject for t in theirs]) == ([ticket.id], ["質問"])
    found = run(database, lambda tx: tickets.find_ticket(tx, ticket_no="t-000002"))
    assert found is not None and look(database, found).messages[0].author_name == "通りすがり"
    replies(database, found)
    assert speaker(database, stranger) == ("human", found.id)


def report_for(database: Database, chat: ChatView) -> reports.ReportView:
    member_id = member_of(database, chat)

    def work(tx: Tx) -> reports.ReportView:
        invoice = an_invoice(tx, member_id=member_id)
        return reports.file_report(
            tx, member_id=member_id, chat_id=chat.id, invoice_id=invoice.id, amount_yen=14_051,
            paid_on=date(2026, 11, 20), payer_name="ヤマダ タロウ", method="bank_transfer", note="妻の口座からです",
        )  # fmt: skip

    return run(database, work)


def ticket_of(database: Database, report: reports.ReportView) -> TicketView:
    assert report.ticket_id is not None
    return run(database, lambda tx: tickets.get_ticket(tx, ticket_id=report.ticket_id or 0))


def test_a_payment_report_is_a_ticket_for_accounting(database: Database, chat: ChatView) -> None:
    report = report_for(database, chat)
    ticket = ticket_of(database, report)
    assert (ticket.kind, ticket.queue, ticket.status) == ("payment_report", "accounting", "new")
    assert ticket.subject == f"お支払報告 14,051円 {report.invoice_no}"
    (message,) = look(database, ticket).messages
    for part in ("14,051円", "2026-11-20", "ヤマダ タロウ", report.invoice_no or "?", "妻の口座からです"):
        assert part in message.body


def test_confirming_a_report_settles_its_ticket(database: Database, seen: list[Any], chat: ChatView) -> None:
    report = report_for(database, chat)
    for _ in range(2):
        run(
            database,
            lambda tx: reports.confirm_report(
                tx, profile=a_profile(), staff=ACCOUNTANT, report_id=report.id, amount_yen=14_051,
                value_on=date(2026, 11, 20),
            ),
        )  # fmt: skip
    assert ticket_of(database, report).status == "solved"
    assert len(of_kind(seen, TicketSolved)) == 1


def test_asking_back_lets_the_member_answer_in_the_ticket_and_a_rejection_ends_it(
    database: Database, seen: list[Any], chat: ChatView
) -> None:
    report = report_for(database, chat)
    run(database, lambda tx: reports.ask_back(tx, staff=AGENT, report_id=report.id, words="振込日はいつですか"))
    ticket = ticket_of(database, report)
    assert ticket.status == "waiting" and speaker(database, chat) == ("human", ticket.id)
    assert writes(database, ticket, "20日です").ticket.status == "open"
    run(database, lambda tx: reports.reject_report(tx, staff=ADMIN, report_id=report.id, words="見つかりません"))
    assert ticket_of(database, report).status == "solved" and speaker(database, chat) == ("human", ticket.id)
    public = run(database, lambda tx: list_public_messages(tx, ticket_id=ticket.id))
    assert [m.body for m in public][1:] == ["振込日はいつですか", "20日です", "見つかりません"]
