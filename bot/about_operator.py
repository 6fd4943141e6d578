"""Questions about the operator itself, which need no membership: its hours, telephone, registration number, ways to pay."""

import re

from bot.registry import Context, Reply
from bot.screens import operator as screens
from bot.understanding.text import normalise

_WHOSE = r"(?:(?:御社|そちら|会社|窓口|電話|サポート|お?問い?合わ?せ)の)?"
_ASKED = (
    r"(?:[をはが]?(?:何番|何時(?:から|まで)?(?:何時まで)?|いつ)?(?:です|でしょう)?か?"
    r"|を?(?:教えて|知りたい|お願い)\S{0,12})"
)
_YOUR = r"(?:(?:what is|what's|what are|tell me) )?(?:your |the )?"
_CHAINS = r"(?:セブン-?イレブン|セブン|ファミリーマート|ファミマ|ローソン|ミニストップ|セイコーマート)"
_BRANDS = r"(?:paypay|ペイペイ|paypal|ペイパル|ペイジー|口座振替)"
_CAN_PAY = r"(?:で|は|でも)(?:お?支?払い?(?:え|でき)|払え|使え|利用でき)\S{0,8}"
_QUESTIONS = {
    "hours": (
        rf"{_WHOSE}(?:営業時間|受付時間|営業日|定休日){_ASKED}"
        rf"|何時(?:まで|から)(?:営業|やって|開いて)\S{{0,8}}|{_YOUR}(?:opening|business|office) hours|when are you open"
    ),
    "registration": (
        rf"{_WHOSE}(?:(?:インボイス|適格請求書|適格請求書発行事業者)の?)?(?:登録番号|t番号){_ASKED}"
        rf"|{_YOUR}(?:qualified )?invoice (?:issuer |registration )+number"
    ),
    "phone": rf"{_WHOSE}電話番号{_ASKED}|(?:what is |what's )?your (?:tele)?phone number",
    "methods": (
        rf"(?:{_CHAINS}|{_BRANDS}){_CAN_PAY}|(?:{_CHAINS}|{_BRANDS})で(?:支?払い?)(?:たい|たいです|ます)"
        r"|支払い?方法(?:は|を)?(?:何|どんな|教えて)\S{0,12}"
        r"|can i pay (?:with|by|at) (?:paypay|paypal|pay-easy|7-eleven|seven[- ]eleven|lawson|family ?mart)"
    ),
}
_WHOLE = {about: re.compile(rf"(?:{words})[?。.! ]*") for about, words in _QUESTIONS.items()}


def find(text: str) -> str | None:
    """hours, registration, phone, methods; None where the words ask anything else, or more than that."""
    said = normalise(text).casefold()
    return next((about for about, words in _WHOLE.items() if words.fullmatch(said)), None)


def tell(c: Context, about: str) -> Reply:
    """The answer, from the operator's profile."""
    return screens.about(c.w, c.profile, about, c.bot.methods())
