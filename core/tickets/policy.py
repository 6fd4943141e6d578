"""Tickets, decided: which act leads to which state, what merely says thanks, when an old ticket becomes a new one (row Q1)."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from core.errors import DomainError
from core.profiles.model import Profile

Status = Literal["new", "open", "waiting", "solved"]
PAYMENT_REPORT = "payment_report"
PAYMENT_NOTICE = "payment_notice"  # opened by the product: money that staff must look at
RESERVATION_REQUEST = "reservation_request"
DECIDED = frozenset({PAYMENT_REPORT, PAYMENT_NOTICE, RESERVATION_REQUEST})  # to be decided: never timed out or rated
REOPEN_WITHIN = timedelta(days=7)
LONGEST_TEXT = 4_000  # Telegram takes 4 096 characters, with what the bot writes around
LONGEST_SUBJECT = 80
PLACES = (  # of prepared answers, filled from the ticket and its member
    "member_name", "member_no", "ticket_no", "invoice_no", "amount", "due_on", "contract", "expires_on", "staff_name",
    "operator_name", "phone", "hours",
)  # fmt: skip
PLACE = re.compile(r"\{\{\s*(" + "|".join(PLACES) + r")\s*\}\}")

_NEXT: dict[tuple[str, str], Status] = {
    ("new", "claim"): "open",
    ("open", "claim"): "open",
    ("waiting", "claim"): "waiting",
    ("solved", "claim"): "solved",
    ("new", "release"): "new",
    ("open", "release"): "open",
    ("waiting", "release"): "waiting",
    ("solved", "release"): "solved",
    ("new", "reply"): "waiting",
    ("open", "reply"): "waiting",
    ("waiting", "reply"): "waiting",
    ("solved", "reply"): "waiting",  # staff have more to say: the conversation goes on
    ("new", "write"): "new",
    ("open", "write"): "open",
    ("waiting", "write"): "open",
    ("solved", "write"): "open",
    ("new", "solve"): "solved",
    ("open", "solve"): "solved",
    ("waiting", "solve"): "solved",
    ("solved", "reopen"): "open",
}
Act = Literal["claim", "release", "reply", "write", "solve", "reopen"]
Priority = Literal["low", "normal", "high", "urgent"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
SolveReason = Literal["answered", "done", "no_answer", "duplicate", "not_ours"]
SOLVE_REASONS: tuple[SolveReason, ...] = get_args(SolveReason)
LONGEST_SNOOZE = timedelta(days=90)

_THANKS = re.compile(  # says that nothing more is asked
    r"(?:いつも|どうも|本当に|ほんとに|ほんとうに|大変|たいへん|誠に|早速|さっそく|早速の|迅速な|すぐに|ご?丁寧な?|早い|わざわざ"
    r"|ご?(?:対応|回答|返信|返事|連絡|確認|説明|案内)(?:を|、)?(?:いただき|頂き|くださり|下さり)?)*"
    r"(?:有難う|有り難う|ありがとう|感謝)(?:ご(?:ざ|座)い(?:ます|ました)|です|致します|いたします|しています|しております)?"
    r"|(?:大変|本当に|とても)?助かり(?:ます|ました)"
    r"|(?:了解|承知|かしこまり|畏まり)(?:です|しました|いたしました|致しました|ました)?"
    r"|お疲れ(?:様|さま)(?:です|でした)?|(?:引き続き|今後とも)?よろしくお願い(?:し|いた|致)します"
    r"|お世話に(?:なり|なって)(?:ます|ました|おります)"
    r"|(?:many |so )?(?:thanks|thank you|thx|ty)(?: so much| very much| a lot| again)?|got it|understood"
)
_CLOSING = re.compile(  # thanks once all is settled, but the answer while staff have asked something
    r"(?:分|わ)かりました|(?:解決|確認)(?:しました|できました)|(?:直|なお)りました|大丈夫です|問題ありません|どうも|はい"
    r"|ok|okay|オッケー|オーケー|(?:all )?good|great|perfect|solved|yes"
)
_KIND_SIGNS = frozenset("👍👌🙏😊🙂😀😃😄😁☺♡♥❤💕🎉✨🙇🙆👏💯")
_BETWEEN = re.compile(r"[。．.!！、,，~〜～ー\n\r…・]+")
_TRAILING = re.compile(r"[ね笑w]+\Z")


@dataclass(frozen=True, slots=True)
class Written:
    """What a member's message does to a ticket."""

    effect: Literal["added", "courtesy", "reopened", "new_ticket"]
    status: Status  # of the old ticket afterwards


def next_status(status: str, act: Act) -> Status:
    """The state after an act. Errors: DomainError `ticket_state` (data: status, act) where the act makes no sense."""
    found = _NEXT.get((status, act))
    if found is None:
        raise DomainError("ticket_state", status=status, act=act)
    return found


def check_priority(priority: str) -> None:
    """Errors: DomainError `priority_unknown`."""
    if priority not in PRIORITIES:
        raise DomainError("priority_unknown", priority=priority)


def check_reason(reason: str) -> None:
    """Why a ticket is over; none needs to be given. Errors: DomainError `reason_unknown`."""
    if reason and reason not in SOLVE_REASONS:
        raise DomainError("reason_unknown", reason=reason)


def check_snooze(status: str, *, until: datetime, now: datetime) -> None:
    """A ticket that is not solved may rest until an instant to come, 90 days at most.

    Errors: DomainError `ticket_state`, `snooze_out_of_range` (most).
    """
    if status == "solved":
        raise DomainError("ticket_state", status=status, act="snooze")
    if not now < until <= now + LONGEST_SNOOZE:
        raise DomainError("snooze_out_of_range", most=LONGEST_SNOOZE.days)


@dataclass(frozen=True, slots=True)
class Talk:
    """An unsolved ticket that a person and a member talk about: who said something last, and when."""

    ticket_id: int
    member_wrote_at: datetime | None
    replied_at: datetime | None


def decide_addressee(current: Talk, others: Sequence[Talk]) -> int | None:
    """Which ticket a member's words are for while several are talked about; None: only the member knows.

    The one they last wrote to, as long as nothing has been said in another since then.
    """
    since = current.member_wrote_at
    moments = [at for talk in others for at in (talk.replied_at, talk.member_wrote_at) if at is not None]
    return None if any(since is None or at > since for at in moments) else current.ticket_id


def decide_written(
    *,
    status: str,
    solved_at: datetime | None,
    now: datetime,
    text: str,
    files: int,
    reopen_within: timedelta = REOPEN_WITHIN,
) -> Written:
    """What to do with a member's words for a ticket: thanks changes nothing; a solved one opens again for the profile's days
    (7 unless said otherwise) and is followed by a new one after that.
    """
    if status == "solved":
        if files == 0 and is_courtesy(text, settled=True):
            return Written("courtesy", "solved")
        if solved_at is not None and now - solved_at > reopen_within:
            return Written("new_ticket", "solved")
        return Written("reopened", next_status(status, "write"))
    if status == "waiting" and files == 0 and is_courtesy(text, settled=False):
        return Written("courtesy", "waiting")
    return Written("added", next_status(status, "write"))


def is_courtesy(text: str, *, settled: bool) -> bool:
    """Whether the words are thanks or "understood" and nothing else: ありがとうございました, 了解です, 👍. A question is not.

    While nothing is settled, 「はい」「直りました」「OK」 and a mere sign may be the answer that staff wait for: no courtesy.
    """
    text = "".join(sign for sign in text if sign not in "\ufe0f\u200d" and not "\U0001f3fb" <= sign <= "\U0001f3ff")
    signs = [sign for sign in text if sign in _KIND_SIGNS]
    plain = unicodedata.normalize("NFKC", "".join(sign for sign in text if sign not in _KIND_SIGNS)).lower()
    parts = [part.strip() for part in _BETWEEN.split(plain) if part.strip()]
    if not parts:
        return settled and bool(signs)
    return all(_is_said(part, (_THANKS, _CLOSING) if settled else (_THANKS,)) for part in parts)


def _is_said(part: str, phrases: tuple[re.Pattern[str], ...]) -> bool:
    words = part if part.isascii() else re.sub(r"\s+", "", part)
    forms = (words, _TRAILING.sub("", words))
    return any(phrase.fullmatch(form) for phrase in phrases for form in forms if form)


def queue_of(profile: Profile, kind: str) -> str:
    """The queue that a kind of inquiry goes to; a payment report goes where money is looked after.

    Errors: DomainError `ticket_kind_unknown`.
    """
    if kind == PAYMENT_REPORT:
        codes = [queue.code for queue in profile.support.queues]
        return "accounting" if "accounting" in codes else codes[0]
    for known in profile.support.kinds:
        if known.code == kind:
            return known.queue
    raise DomainError("ticket_kind_unknown", kind=kind)


def subject_of(text: str) -> str:
    """One line for lists: the first line of what was written, shortened."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 1] + "…"


def split_text(text: str) -> list[str]:
    """A long text in parts that `check_text` takes, cut where a line ends if one does in the last third; at least one."""
    parts = []
    while len(text) > LONGEST_TEXT:
        end = text.rfind("\n", LONGEST_TEXT * 2 // 3, LONGEST_TEXT)
        end = end + 1 if end > 0 else LONGEST_TEXT
        parts.append(text[:end])
        text = text[end:]
    return [*parts, text] if text.strip() or not parts else parts


def check_filled(text: str) -> None:
    """Nothing leaves with a place of a prepared answer unfilled (dialogue-and-desk.md 1.3).

    Errors: DomainError `text_unfilled` (places).
    """
    left = list(dict.fromkeys(PLACE.findall(text)))
    if left:
        raise DomainError("text_unfilled", places=", ".join(f"{{{{{place}}}}}" for place in left))


def check_text(text: str, *, files: int) -> str:
    """The text without outer blanks. Errors: DomainError `text_missing`, `text_too_long` (most)."""
    text = text.strip()
    if not text and not files:
        raise DomainError("text_missing")
    if len(text) > LONGEST_TEXT:
        raise DomainError("text_too_long", most=LONGEST_TEXT)
    return text
