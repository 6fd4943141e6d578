"""Which slots an intent carries, and how each is read out of the masked text (intents.md, "Intents" and "Slots")."""

import re
from collections.abc import Callable

from bot.understanding.dates import DateProblem
from bot.understanding.entities import Entity, Kind, Masked
from bot.understanding.features import with_words_corrected
from bot.understanding.names import find_events, find_facilities, find_payer, find_plan, find_topic
from bot.understanding.text import fold

SlotValue = str | int | bool | list[str] | list[int]

SLOTS_OF: dict[str, tuple[str, ...]] = {
    "link_account": ("member_id",), "unlink_account": (), "show_menu": (), "change_language": ("language",),
    "check_expiry": ("target", "kind"), "renew": ("target", "kind", "term_months"),
    "auto_renew": ("target", "kind", "switch"), "change_plan": ("target", "kind", "plan"),
    "cancel_contract": ("target", "kind"), "new_contract": ("kind", "plan"), "order_domain": ("target", "transfer"),
    "change_nameservers": ("target",), "change_whois": ("target",), "order_ssl": ("target",), "list_unpaid": (),
    "pay_invoice": ("invoice_number", "payment_method"), "show_payment_number": ("invoice_number", "payment_method"),
    "report_payment": ("amount", "transfer_date", "payer_name", "invoice_number", "payment_method"),
    "payment_status": ("invoice_number",), "payment_history": (), "get_invoice_pdf": ("invoice_number",),
    "get_receipt_pdf": ("invoice_number",), "resend_bill": ("invoice_number",), "cancel_order": ("invoice_number",),
    "change_payment_method": ("payment_method",), "wallet_balance": ("amount",), "show_profile": (),
    "change_profile": ("field",), "change_email": ("email",), "change_password": (), "forgot_login_id": (),
    "manage_contacts": (), "manage_billing_addresses": (), "withdraw": (),
    "reservation_status": ("reservation_number", "status", "facility", "date"), "new_reservation": ("facility", "date"),
    "change_reservation": ("reservation_number", "facility", "date"),
    "cancel_reservation": ("reservation_number", "facility", "date"), "get_work_report_pdf": ("reservation_number",),
    "list_events": (), "apply_event": ("event",), "event_status": ("event",), "cancel_event": ("event",),
    "show_notices": (), "reminder_settings": (), "open_ticket": ("topic",), "ticket_status": ("ticket_number",),
    "talk_to_human": (), "mail_not_arriving": (), "confirm": (), "decline": (), "back": (), "abort": (),
    "smalltalk": (), "fallback": (),
}  # fmt: skip
"""Every intent there is, with the slots its row lists."""

_METHODS = [
    (method, re.compile(pattern, re.IGNORECASE))
    for method, pattern in [
        ("bank_transfer", r"振り?込(?!用紙不要)|ふりこ|フリコ|送金|銀行(?!.{0,3}カード)|払込票|郵便局|ゆうちょ|"
            r"\bbank(?! card)|post office|\btransfer(?:r?ed|r?ing)?\b(?! (?:a|my|the|our|in) ?domain)|"
            r"\bwire[ds]?\b|\bremit"),
        ("credit_card", r"クレジット|クレカ|カード(?!ローン)|\bcards?\b|\bvisa\b|master ?card|\bjcb\b|\bamex\b|"
            r"\bcredit(?! balance)"),
        ("convenience_store", r"コンビニ|セブン(?:イレブン)?|ローソン|ファミマ|ファミリーマート|ミニストップ|"
            r"\bkonbini\b|\bcombini\b|convenience store|7-?eleven|\blawson\b|family ?mart"),
        ("pay_easy", r"ペイジー|ぺいじー|pay-?easy|payeasy"),
        ("paypal", r"paypal|ペイパル|ぺいぱる"),
        ("paypay", r"paypay|ペイペイ|ぺいぺい"),
        ("wallet", r"プリペイド|ウォレット|残高(?:から|で|払)|チャージ残高|\bwallet\b|\bprepaid\b|"
            r"\b(?:account |my )?balance\b"),
        ("direct_debit", r"口座振替|こうざふりかえ|引き?落と?し|自動引落|自振|\bdirect debit\b|"
            r"auto(?:matic)? ?debit|\bbank debit\b"),
    ]
]  # fmt: skip
_KINDS = [
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in [
        ("server", r"サーバー?(?!ー?証明書)|さーばー?|鯖|レンサバ|ホスティング|(?<!name )(?<!name)\bservers?\b|"
            r"\bhosting\b|\bvps\b"),
        ("domain", r"ドメイン|どめいん|\bdomains?\b"),
        ("ssl", r"ssl|証明書|\bcert(?:ificate)?s?\b|\btls\b"),
        ("option", r"オプション|おぷしょん|\boptions?\b|\badd-?ons?\b"),
        ("membership", r"(?:会員(?!番号|id|ページ|サイト|ナンバー|no|情報|登録情報|の皆|専用|連携|メニュー|"
            r"ログイン|名)|年会費|会費|入会|\bmemberships?\b(?! (?:id|number|no\b))|become a member|"
            r"\bjoin as a member)"),
    ]
]  # fmt: skip
_SWITCH_ON = re.compile(
    r"オン(?!ライン)|\bon\b|有効(?!期限)|つけ|付け|入れ|再開|始め|開始|設定したい|設定し|申し?込|"
    r"自動更新に(?:し|変|切)|自動更新(?:を)?(?:したい|希望|にしたい|お願い)|自動で更新(?:して|"
    r"され?るよう|したい)|"
    r"enable|activate|\bstart|set ?up|\bautomatically renew|switch (?:me )?to auto|\bwant auto|renew(?:s|"
    r"ed)? automatically|\bput\b.*\bauto",
    re.IGNORECASE,
)
_SWITCH_OFF = re.compile(
    r"オフ|\boff\b|無効|止め|とめ|停止|解除|切[っりるられ]|きって|外し|はずし|やめ|辞め|しない|しなく|不要|"
    r"いらない|要らない|取り?消|手動|勝手に更新|自動で更新(?:しない|されない|されたくない)|されたくない|"
    r"disable|deactivate|\bstop|\bcancel|\bno (?:more|longer)|don't|do not|remove|without|\bmanual",
    re.IGNORECASE,
)
_SWITCH_ASKED = re.compile(
    r"(?:なって(?:い)?(?:る|ます|おり)|どっち|どうなって|どちら|ですか|かどうか|か(?:確認|教え|知りた|見た)|"
    r"状態|状況|の確認|を確認|設定を(?:見|教)|されて(?:い)?(?:る|ます)|ついて(?:い)?(?:る|ます)|"
    r"入って(?:い)?(?:る|ます)|だっけ|かな|でしたっけ)"
    r"|^\s?(?:is|are|do i have|does|did i|was|am i|will|which)\b|\b(?:check|see|know|tell me|show)\b.*\b(?:if|"
    r"whether|is|status|setting)|\bis (?:it|auto\S*) (?:on|off|enabled)|\bstatus\b|\bwhether\b",
    re.IGNORECASE,
)
_SWITCH_WHETHER = re.compile(
    r"かどうか|どうなって|どっち|どちらに|(?:なって|ついて|入って)(?:い)?ます?か|\b(?:if|"
    r"whether)\b.{0,30}\b(?:is|are|on|off)\b",
    re.I,
)
_TO_JAPANESE = re.compile(r"日本語|にほんご|japanese|nihongo|和文", re.IGNORECASE)
_TO_ENGLISH = re.compile(r"英語|えいご|english|eigo|いんぐりっしゅ|英文", re.IGNORECASE)
_TRANSFER_IN = re.compile(
    r"移管|転入|移転|トランスファー|引っ?越|他社.{0,14}(?:移|持|から)|持ち込|乗り?換|よそ.{0,8}から|移したい|"
    r"移行|\btransfer|\bmov(?:e|ing)\b|\bbring|\bmigrat|another registrar|\bfrom (?:another|other|my old)",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"メール以外|住所|所在地|電話番号|携帯番号|携帯電話|連絡先|電話|FAX番号|FAX|ファックス|氏名|お?名前|苗字|"
    r"名字|姓|会社名|法人名|屋号|団体名|社名|郵便番号|部署名|部署|役職|生年月日|代表者名?|代表者|"
    r"ふりがな|フリガナ|性別|担当者名|"
    r"\b(?:postal address|mailing address|home address|street address|address|phone number|phone|mobile number|"
    r"mobile|telephone number|telephone|cell number|fax number|fax|company name|organi[sz]ation name|"
    r"last name|first name|"
    r"family name|surname|full name|contact name|name|zip ?code|postal ?code|postcode|department|job title|"
    r"date of birth|birthday|birth date)\b",
    re.IGNORECASE,
)
_STATUS = re.compile(
    r"(?P<ja>キャンセル待ち|キャンセル済み?|取り?消し?済み?|確定済み?|未確定|仮予約|申込中|申請中|受付中|"
    r"受付済み?|承認待ち|承認済み?|確認待ち|確認中|完了済み?|完了|終了済み?|保留中?|確定(?=した|してる|"
    r"している|の)|キャンセル(?=した|された)|未完了)"
    r"(?=(?:した|してる|している|された|に?なった|になってる|になっている|の|中の|分の?)?(?:もの|やつ|"
    r"(?:ご)?予約|施設|だけ|一覧|を?(?:表示|検索|見)))"
    r"|\b(?P<en>confirmed|pending|cancell?ed|completed|tentative|waitlisted|unconfirmed|approved|rejected|"
    r"finished|open|requested)\s(?:reservations?|bookings?|ones|visits?)\b",
    re.IGNORECASE,
)
_CHANGE_OF = re.compile(r"から|\bfrom\b|\binstead of\b", re.IGNORECASE)
_NEW_AFTER = re.compile(r"\s?(?:に|へ)(?!は)")
_NEW_BEFORE = re.compile(r"\b(?:to|until|till|for|by)\s(?:the\s)?$", re.IGNORECASE)
_PAID_AFTER = re.compile(r"^.{0,14}?(?:振り?込|ふりこ|払[いっ]|支払い(?:ました|済)|送金|入金(?:し|済)|決済)")
_PAID_BEFORE = re.compile(
    r"\b(?:paid|transferred|sent|wired|remitted|deposited|payment of|transfer of)\b[^,.]{0,20}$", re.IGNORECASE
)


def find_methods(plain: str) -> list[str]:
    """Payment methods named in a text, in the order said; the more exact word (口座振替) hides the vaguer one."""
    hits = sorted((match.start(), method) for method, pattern in _METHODS for match in pattern.finditer(plain))
    return list(dict.fromkeys(method for _, method in hits))


def _method(intent: str, masked: Masked) -> SlotValue | None:
    methods = find_methods(masked.text)
    if intent == "change_payment_method":
        aimed = re.split(r"(?:から|\bfrom\b.*?\bto\b|\binstead of\b.*)", masked.text, flags=re.IGNORECASE)
        methods = find_methods(aimed[-1]) or find_methods(aimed[0]) or methods
        to = re.search(r"\b(?:to|by|with|via|use)\s(.*)", masked.text, re.IGNORECASE)
        methods = (find_methods(to[1]) if to else []) or methods
    if len(methods) > 1 and "bank_transfer" in methods:
        others = [method for method in methods if method != "bank_transfer"]
        if intent in ("report_payment", "pay_invoice", "show_payment_number"):
            return others[0]
        methods = others if "direct_debit" in others else methods
    return methods[0] if methods else None


def _listed(values: list[str]) -> SlotValue | None:
    unique = list(dict.fromkeys(values))
    return (unique if len(unique) > 1 else unique[0]) if unique else None


def _kind(intent: str, masked: Masked) -> SlotValue | None:
    hits = sorted(
        (match.start(), kind)
        for kind, pattern in _KINDS
        for match in pattern.finditer(with_words_corrected(masked.text))
    )
    kinds = list(dict.fromkeys(kind for _, kind in hits))
    if "ssl" in kinds and re.search(r"サーバー?\s?証明書", masked.text):
        kinds = [kind for kind in kinds if kind != "server"]
    if len(kinds) > 1 and "option" in kinds and intent in ("new_contract", "cancel_contract"):
        return "option"
    return _listed(kinds)


def _target(intent: str, masked: Masked) -> SlotValue | None:
    names = [entity.text for entity in masked.entities if entity.kind in (Kind.DOMAIN, Kind.CONTRACT)]
    if intent in ("order_domain", "change_nameservers", "change_whois", "order_ssl"):
        names = [entity.text for entity in masked.of(Kind.DOMAIN)] or names
    return _listed(names)


def _term(intent: str, masked: Masked) -> SlotValue | None:
    months = list(dict.fromkeys(entity.number for entity in masked.of(Kind.TERM)))
    return (months if len(months) > 1 else months[0]) if months else None


def _switch(intent: str, masked: Masked) -> SlotValue | None:
    off, on = _SWITCH_OFF.search(masked.text), _SWITCH_ON.search(masked.text)
    if _SWITCH_WHETHER.search(masked.text):
        return None
    wished = re.search(
        r"(?:したい|やめさせ|やめて|止めて|切って|外して|して(?:ください|ほしい|もらえ|くれ|おいて)|できますか|"
        r"お願い|please|can you|could you|want)",
        masked.text,
        re.I,
    )
    if _SWITCH_ASKED.search(masked.text) and not wished:
        return None
    if off and on:
        negated = re.fullmatch(r"(?:don't|do not|no (?:more|longer)|stop|without|やめ.*|しな.*)", off.group(), re.I)
        return "off" if negated or off.start() >= on.start() else "on"
    return "off" if off else "on" if on else None


def _language(intent: str, masked: Masked) -> SlotValue | None:
    text = fold(masked.text)
    hits = [(m.start(), "ja") for m in _TO_JAPANESE.finditer(text)]
    hits += [(m.start(), "en") for m in _TO_ENGLISH.finditer(text)]
    hits.sort()
    if not hits:
        return None
    not_this = re.search(
        r"(?:わから|読め|苦手|から|じゃなく|ではなく|\bcan't read|\bdon't (?:speak|read|understand)|\bnot\b|"
        r"\bfrom\b|\binstead of)",
        masked.text,
        re.I,
    )
    if not not_this:
        return hits[-1][1]
    if len(hits) == 1:
        only = hits[0][1]
        if re.search(r"わから|読め|苦手|can't read|don't (?:speak|read|understand)", not_this.group(), re.I):
            return "en" if only == "ja" else "ja"
        return only
    japanese_order = re.search(r"から|じゃなく|ではなく|わから|読め|苦手", not_this.group())
    if not japanese_order and re.search(r"instead of", not_this.group(), re.I):
        return hits[0][1]
    return hits[-1][1]


def _numbers(kind: Kind) -> Callable[[str, Masked], SlotValue | None]:
    return lambda intent, masked: _listed([entity.text for entity in masked.of(kind)])


def _amount(intent: str, masked: Masked) -> SlotValue | None:
    amounts = masked.of(Kind.AMOUNT)
    if not amounts:
        return None
    for entity in reversed(amounts):
        if _PAID_BEFORE.search(masked.text[: entity.at]):
            return entity.number
    for entity in amounts[::-1]:
        if _PAID_AFTER.match(masked.text[entity.at + 1 :]):
            return entity.number
    return amounts[0].number


def _transfer_date(intent: str, masked: Masked) -> SlotValue | None:
    for entity in masked.of(Kind.DATE):
        reading = entity.past
        if reading and reading.on and reading.problem is not DateProblem.FUTURE and not _is_other_date(masked, entity):
            return reading.on.isoformat()
    return None


def _is_other_date(masked: Masked, entity: Entity) -> bool:
    """A deadline or a billing month beside a date makes it another date than the payment's."""
    after, before = masked.text[entity.at + 1 :], masked.text[: entity.at]
    return bool(
        re.match(r"\s?(?:が|は)?\s?(?:期限|締|〆|付の請求|の請求|請求分|まで|までの|期日|発行)", after)
        or re.search(r"\b(?:due|by|until|deadline|dated|expires?|invoice (?:of|from))\s(?:on\s)?$", before, re.I)
    )


def _date(intent: str, masked: Masked) -> SlotValue | None:
    dated = [
        (entity, entity.coming.on.isoformat()) for entity in masked.of(Kind.DATE) if entity.coming and entity.coming.on
    ]
    if not dated:
        return None
    if intent != "change_reservation":
        return _listed([on for _, on in dated])
    for entity, on in reversed(dated):
        after, before = masked.text[entity.at + 1 :], masked.text[: entity.at]
        if _NEW_AFTER.match(after) or _NEW_BEFORE.search(before):
            return on
    for entity, on in reversed(dated):
        after, before = masked.text[entity.at + 1 :], masked.text[: entity.at]
        if not re.match(r"\s?(?:の|から)", after) and not re.search(r"\bfrom\s$", before, re.I):
            return on
    return dated[-1][1] if len(dated) > 1 else None


def _payer(intent: str, masked: Masked) -> SlotValue | None:
    return find_payer(masked)


def _plan(intent: str, masked: Masked) -> SlotValue | None:
    return find_plan(masked)


def _facility(intent: str, masked: Masked) -> SlotValue | None:
    return _listed(find_facilities(masked))


def _event(intent: str, masked: Masked) -> SlotValue | None:
    return _listed(find_events(masked))


def _topic(intent: str, masked: Masked) -> SlotValue | None:
    return find_topic(masked)


def _field(intent: str, masked: Masked) -> SlotValue | None:
    return _listed([re.sub(r"^(?:お(?=名前))", "", match.group()) for match in _FIELD.finditer(masked.text)])


def _status(intent: str, masked: Masked) -> SlotValue | None:
    match = _STATUS.search(masked.text)
    return (match["ja"] or match["en"]) if match else None


def _transfer(intent: str, masked: Masked) -> SlotValue | None:
    return True if _TRANSFER_IN.search(masked.text) else None


_READ: dict[str, Callable[[str, Masked], SlotValue | None]] = {
    "member_id": _numbers(Kind.MEMBER), "invoice_number": _numbers(Kind.INVOICE),
    "reservation_number": _numbers(Kind.RESERVATION), "ticket_number": _numbers(Kind.TICKET),
    "email": _numbers(Kind.EMAIL), "language": _language, "target": _target, "kind": _kind, "term_months": _term,
    "switch": _switch, "plan": _plan, "transfer": _transfer, "payment_method": _method, "amount": _amount,
    "transfer_date": _transfer_date, "payer_name": _payer, "field": _field, "status": _status, "facility": _facility,
    "date": _date, "event": _event, "topic": _topic,
}  # fmt: skip

_LONE_ID = re.compile(r"(?<![A-Za-z0-9])(?P<id>[A-Za-z_-]*\d[A-Za-z0-9_-]{2,31})(?![A-Za-z0-9])")


def fill_slots(intent: str, masked: Masked) -> dict[str, SlotValue]:
    """The slots of an intent found in a text; what the intent's row does not list is not emitted."""
    slots: dict[str, SlotValue] = {}
    for name in SLOTS_OF[intent]:
        value = _READ[name](intent, masked)
        if value is None and name == "member_id":
            lone = _LONE_ID.search(masked.plain)
            value = lone["id"] if lone and not masked.of(Kind.EMAIL) else None
        if value is not None:
            slots[name] = value
    return slots
