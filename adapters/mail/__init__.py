"""Mail: SMTP for real, a built-in mailbox in demo."""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

import aiosmtplib

from core.delivery.files import FileContent
from core.delivery.ports import OutcomeUnknown, Owed, Sent
from core.errors import PermanentError, TransientError

TIMEOUT_SECONDS = 30
IN_FLIGHT = 4
_ADDRESS = re.compile(r"[^@\s<>\r\n]+@[^@\s<>\r\n]+")
_MIME = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}", re.ASCII)
LoadFiles = Callable[[Sequence[int]], Awaitable[list[FileContent]]]  # by their ids


class SmtpSender:
    """One mail for each owed row. Its Message-ID is fixed by the row, so that a repeat can be recognised as one.

    Errors: PermanentError, in words for the operator, for settings that cannot work or would send a password in clear.
    """

    channel = "mail"
    in_flight = IN_FLIGHT

    def __init__(self, url: str, mail_from: str, from_name: str, load: LoadFiles | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname:
            raise PermanentError(
                "MADOGUCHI_SMTP_URL must be smtps://user:password@host[:465], smtp+starttls://user:password@host[:587] "
                "or, without a password, smtp://host[:port]"
            )
        if parts.scheme == "smtp" and parts.password and not _is_loopback(parts.hostname):
            # smtp:// encrypts only if the server offers it, and whoever sits in between can take the offer away
            raise PermanentError(
                "MADOGUCHI_SMTP_URL: smtp:// ではパスワードが暗号化されずに送られることがあります。"
                "smtps://（ポート465）か smtp+starttls://（ポート587）に書きかえてください。"
                " (the password may leave in clear: write smtps:// or smtp+starttls:// in place of smtp://)"
            )
        if not _ADDRESS.fullmatch(mail_from):
            raise PermanentError("MADOGUCHI_MAIL_FROM must be a mail address")
        self._tls = parts.scheme == "smtps"
        self._start_tls = True if parts.scheme == "smtp+starttls" else None  # None: encrypted if the server offers it
        self._host = parts.hostname
        self._port = parts.port or (465 if self._tls else 587)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._from, self._from_name = mail_from, from_name
        self._load = load

    async def send(self, owed: Owed) -> Sent:
        """Refused recipients and content are permanent, everything before the data is transient."""
        files = [int(file_id) for file_id in owed.payload.get("files", ())]
        attached = await self._load(files) if files and self._load is not None else []
        if len(attached) != len(files):
            raise PermanentError("a file that this mail promises is gone")
        try:
            message = self._message(owed, attached)
        except ValueError as error:  # also UnicodeError: what no mail can be made of fails the same at each try
            raise PermanentError(f"no mail can be made of this: {type(error).__name__}") from error
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._tls,
            timeout=TIMEOUT_SECONDS,
            start_tls=self._start_tls,
        )
        try:
            await client.connect()
            if self._user and self._password:
                await client.login(self._user, self._password)
        except aiosmtplib.SMTPAuthenticationError as error:
            raise TransientError("the mail server refused the login") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise TransientError(f"no connection to the mail server: {type(error).__name__}") from error
        try:
            _, answer = await client.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            if all(400 <= code < 500 for code in codes):  # greylisting, a full mailbox: it wants to be asked again
                raise TransientError(f"the mail server said {codes} about the address") from error
            raise PermanentError("the mail server refused the address") from error
        except aiosmtplib.SMTPNotSupported as error:
            raise PermanentError("the mail server takes no such address") from error
        except aiosmtplib.SMTPResponseException as error:
            if 400 <= error.code < 500:
                raise TransientError(f"the mail server said {error.code}") from error
            raise PermanentError(f"the mail server said {error.code}") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise OutcomeUnknown(f"the connection ended while sending: {type(error).__name__}") from error
        finally:
            client.close()
        return Sent(platform_ref=str(message["Message-ID"])[:64], answer=answer[:100])

    def _message(self, owed: Owed, files: Sequence[FileContent]) -> EmailMessage:
        if not _ADDRESS.fullmatch(owed.address):
            raise PermanentError("no mail address")
        message = EmailMessage()
        message["Subject"] = " ".join(str(owed.payload["subject"]).split())  # no line of its own can begin in it
        message["From"] = Address(" ".join(self._from_name.split()), addr_spec=self._from)
        message["To"] = owed.address
        message["Date"] = formatdate(localtime=False)
        message["Message-ID"] = f"<{owed.id}@{self._from.rsplit('@', 1)[1]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(str(owed.payload["text"]))
        for file in files:
            kind, _, subtype = file.mime.partition("/")
            if kind in ("message", "multipart") or not _MIME.fullmatch(file.mime):  # only bytes are handed on
                kind, subtype = "application", "octet-stream"
            name = " ".join(file.name.split())  # no line of its own can begin in it
            message.add_attachment(file.content or b"", maintype=kind, subtype=subtype, filename=name)
        return message


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class DemoMailbox:
    """In demo nothing leaves: the owed rows themselves are the mailbox, shown at /demo/mail."""

    channel = "mail"
    in_flight = IN_FLIGHT

    async def send(self, owed: Owed) -> Sent:
        """Kept where it is."""
        return Sent(platform_ref=f"demo-{owed.id}", answer="kept in the demo mailbox")
