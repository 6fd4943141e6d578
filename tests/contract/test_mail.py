"""Mail over SMTP: what arrives, and what each end of a send means for the outbox (algorithms.md 8)."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.mail import SmtpSender
from core.delivery.files import FileContent
from core.delivery.ports import OutcomeUnknown, Owed
from core.errors import PermanentError, TransientError
from tests.support.smtp_double import MailServer, mail_server


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        yield running


def owed(*, address: str = "taro@example.jp", subject: str = "確認IDのお知らせ", text: str = "確認ID 123456") -> Owed:
    payload = {"op": "mail", "subject": subject, "text": text}
    return Owed(7, "mail", "", address, "code", payload, None, None, 1)


def sender(server: MailServer, *, name: str = "みどり野サーバー株式会社") -> SmtpSender:
    return SmtpSender(server.url, "counter@example.jp", name)


async def test_a_mail_arrives_with_its_japanese_words_and_the_operators_name(server: MailServer) -> None:
    await sender(server).send(owed())
    (mail,) = server.taken
    assert (mail["Subject"], mail["To"], mail["Message-ID"]) == (
        "確認IDのお知らせ",
        "taro@example.jp",
        "<7@example.jp>",
    )
    (origin,) = mail["From"].addresses
    assert (origin.display_name, origin.addr_spec) == ("みどり野サーバー株式会社", "counter@example.jp")
    assert mail.get_content().strip() == "確認ID 123456"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
async def test_no_header_can_be_put_into_a_subject(server: MailServer, line_end: str) -> None:
    await sender(server, name=f"窓口{line_end}Bcc: a@example.jp").send(owed(subject=f"件名{line_end}Bcc: a@example.jp"))
    (mail,) = server.taken
    assert mail["Subject"] == "件名 Bcc: a@example.jp" and mail["Bcc"] is None


async def test_greylisting_is_asked_again_and_an_unknown_address_is_not(server: MailServer) -> None:
    server.answer("RCPT", "450 4.2.0 greylisted", "550 5.1.1 unknown")
    with pytest.raises(TransientError):
        await sender(server).send(owed())
    with pytest.raises(PermanentError):
        await sender(server).send(owed())
    assert server.taken == []


@pytest.mark.parametrize(
    ("command", "said", "end"),
    [
        ("MAIL", "451 later", TransientError),
        (".", "452 full", TransientError),
        (".", "554 spam", PermanentError),
        (".", "hang up", OutcomeUnknown),
    ],
)
async def test_each_end_of_a_send_has_its_name(
    server: MailServer, command: str, said: str, end: type[Exception]
) -> None:
    server.answer(command, said)
    with pytest.raises(end):
        await sender(server).send(owed())


@pytest.mark.parametrize("address", ["たろう@example.jp", "taro@example.jp\nBcc: x@example.jp", "taro", "a@b@c"])
async def test_an_address_that_no_server_takes_is_given_up_at_once(server: MailServer, address: str) -> None:
    with pytest.raises(PermanentError):
        await sender(server).send(owed(address=address))
    assert server.taken == []


async def test_no_server_is_no_loss() -> None:
    with pytest.raises(TransientError):
        await SmtpSender("smtp://127.0.0.1:1", "counter@example.jp", "窓口").send(owed())


def test_a_password_for_a_mail_server_elsewhere_is_refused_without_encryption() -> None:
    with pytest.raises(PermanentError, match=r"smtps://.*smtp\+starttls://") as refused:
        SmtpSender("smtp://user:geheim@mail.example.jp:587", "counter@example.jp", "窓口")
    assert "geheim" not in str(refused.value)
    for url in (
        "smtps://user:geheim@mail.example.jp",
        "smtp+starttls://user:geheim@mail.example.jp:587",
        "smtp://mail.example.jp",
        "smtp://user:geheim@127.0.0.1:2525",
        "smtp://user:geheim@localhost",
        "smtp://user:geheim@[::1]:2525",
    ):
        SmtpSender(url, "counter@example.jp", "窓口")


async def test_where_encryption_was_asked_for_no_password_leaves_without_it(server: MailServer) -> None:
    asked = server.url.replace("smtp://", "smtp+starttls://user:geheim@")
    with pytest.raises(TransientError):
        await SmtpSender(asked, "counter@example.jp", "窓口").send(owed())
    assert server.taken == [] and "AUTH" not in server.heard


def stored(name: str, mime: str, content: bytes) -> FileContent:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return FileContent(1, None, name, mime, len(content), "stored", "t", content, at)


def promising(*file_ids: int) -> Owed:
    plain = owed()
    return replace(plain, payload={**plain.payload, "files": list(file_ids)})


async def test_the_files_of_a_mail_arrive_whole_with_their_names(server: MailServer) -> None:
    kept = {
        5: stored("請求書\r\nBcc: a@example.jp.pdf", "application/pdf", b"%PDF\r\n.\r\n" + bytes(range(256))),
        6: stored("メモ.txt", "text/plain", "了解です".encode()),
        7: stored("転送.eml", "message/rfc822", b"Subject: x\r\n\r\ny"),
    }

    async def load(file_ids: Sequence[int]) -> list[FileContent]:
        return [kept[file_id] for file_id in file_ids]

    await SmtpSender(server.url, "counter@example.jp", "窓口", load).send(promising(5, 6, 7))
    (mail,) = server.taken
    body = mail.get_body()
    assert body is not None and body.get_content().strip() == "確認ID 123456" and mail["Bcc"] is None
    parts = list(mail.iter_attachments())
    assert [part.get_filename() for part in parts] == ["請求書 Bcc: a@example.jp.pdf", "メモ.txt", "転送.eml"]
    assert [part.get_content_type() for part in parts] == ["application/pdf", "text/plain", "application/octet-stream"]
    assert [part.get_payload(decode=True) for part in parts] == [file.content for file in kept.values()]


async def test_a_mail_whose_file_is_gone_is_not_sent_without_it(server: MailServer) -> None:
    async def load(file_ids: Sequence[int]) -> list[FileContent]:
        return []

    with pytest.raises(PermanentError):
        await SmtpSender(server.url, "counter@example.jp", "窓口", load).send(promising(5))
    assert server.taken == []
