"""Words that are values because of the words around them: payer, plan, facility, event, topic (intents.md, slots)."""

import re

from bot.understanding.entities import MASKS, Masked

_JA_NAME = r"[A-Za-z0-9\u3041-\u30ff\u4e00-\u9fff々〆().・&'-]"
_JA_NAME_RUN = rf"{_JA_NAME}(?:[ {_JA_NAME[1:-1]}]{{0,40}}{_JA_NAME})?"
_PAYING = r"(?:振り?込|ふりこ|送金|入金|支?払|しはら|はら[いっ])"
_BY_NAME = re.compile(
    rf"(?P<name>{_JA_NAME_RUN})\s?(?:の?名義|(?:の|という)(?:お?名前|なまえ|口座名)|さん名義)(?!は|:|人は|変|を|が|の変)"
)
_NAME_IS = re.compile(
    rf"(?:(?:振込|振り込み|口座|支払い?|送金)?(?:名義人?|人名?|依頼人名?|者名?)|振込人)"
    rf"(?:\s?(?:は|が|:|=)\s?|(?<=名義)\s)(?P<name>{_JA_NAME_RUN})"
)
_BY_PAYING = re.compile(
    rf"(?P<name>{_JA_NAME_RUN})\s?(?P<by>で|から|より)[、,\s]?(?:[{MASKS}]\s?(?:を|、|,)?\s?)*お?{_PAYING}"
)
_EN_NAME = r"[A-Za-z\u3041-\u30ff\u4e00-\u9fff][A-Za-z\u3041-\u30ff\u4e00-\u9fff'.&()-]*"
_EN_PAYER = re.compile(
    rf"\b(?:under(?: the)? name(?: of)?|in the name(?: of)?|with the name|under|(?:the )?(?:payer|sender|"
    rf"remitter|account|transfer)(?:'s)?(?: name)?\s?(?:is|was|:|=)"
    rf"|(?:payer|sender|remitter)(?: name)?(?=\s[A-Z])|name on (?:the )?(?:transfer|account)\s?(?:is|was|:)|"
    rf"from)\s(?P<name>{_EN_NAME}(?:,?\s{_EN_NAME}){{0,8}})",
    re.IGNORECASE,
)
_EN_STOP = re.compile(
    r"(?:^|,?\s)(?:on|for|at|by|today|yesterday|in|with|to|last|and|please|just|but|via|using|this|the|a|an|my|"
    r"our|your|his|her|as|is|was|has|have|i|we|it|"
    r"about|earlier|already|through|transferred|paid|sent|so|can|could|thanks|thank|kindly|check|confirm|hope|"
    r"into|now|name)\b",
    re.IGNORECASE,
)
_NO_PAYER_EN = re.compile(
    r"\b(?:bank|account|card|atm|konbini|convenience|post|office|japan|mizuho|ufj|smbc|rakuten|paypay|paypal|"
    r"wise|me|us|you|them|work|home|abroad|overseas|server|list|"
    r"invoice|plan|basic|menu|scratch|here|there|budget|wallet|balance|renewal|information|details|month|week|"
    r"contract|domain|warranty|maintenance)\b",
    re.IGNORECASE,
)
_CUT = re.compile(
    r".*(?:ました|ます|です|でした|した|ので|けど|のですが|ですが|ところ|(?<=[^\u3041-\u309f])(?:は|を|が|に|"
    r"へ|も|と|から|として|分を|の分|については))(?=.)\s?"
)
_LEADING_PARTICLE = re.compile(r"^(?:[にはのでをがも]|ごろ|頃|付で|分を?)(?=[^\u3041-\u309f])")
_NOT_NAME = re.compile(
    r"(?:先日|先程|先ほど|さきほど|さっき|代金|会費|年会費|料金|利用料|更新料|更新費用?|更新分?|費用|振込|"
    r"振り込み|入金|支払い?|お支払い?|請求書?|請求分|分|こちら|たった今|今|もう|すでに|既に|"
    r"ドメイン代?|サーバー?代?|契約|全額|一括|合計|計|確かに|ちゃんと|昨日|今日|本日|午前|午後|朝|昼|夜|はい|"
    r"えっと|すみません|お世話になっております|こんにちは|無事|前回|今回|次回|の|を|で|、|"
    r"\d+月?分?|.*(?:番号|件)|報告|連絡|お?振込(?:み)?(?:報告|連絡|完了)?|じゃあ|では|あと|えー|ok)",
    re.IGNORECASE,
)
_PLACE_OR_MEANS = re.compile(
    r"銀行|信金|信用金庫|農協|ゆうちょ|郵便|郵貯|ATM|窓口|ネットバンク|バンキング|バンク|オンライン|コンビニ|"
    r"セブン|ローソン|ファミ|ミニストップ|カード|クレカ|クレジット|VISA|JCB|"
    r"アプリ|スマホ|携帯|パソコン|PayPay|PayPal|ペイペイ|ペイパル|ペイジー|pay-?easy|口座|残高|プリペイド|"
    r"ウォレット|現金|UFJ|みずほ|三井住友(?!.{2,})|楽天(?!.{3,})|振替|払込|方法|手数料|"
    r"ところ|会社(?:の方)?$|経理|自分|本人|こちら|そちら|うち|実家|旧姓|個人|法人|別名|違う|別の|同じ|急ぎ|"
    r"あと|自動|引落|まとめて|一括|円$|全部|期限|以内|まで|後$|海外|外国|^(?:これ|それ|なん|何|どこ|"
    r"どう|どれ)",
    re.IGNORECASE,
)


def _trim_japanese(raw: str) -> str:
    """The name at the end of a run: cut after the last particle or verb, drop leading words that are no names."""
    cut = _CUT.match(raw)
    words = _LEADING_PARTICLE.sub("", raw[cut.end() :] if cut else raw).split(" ")
    while words and _NOT_NAME.fullmatch(words[0]):
        words.pop(0)
    name = " ".join(words).strip(" .・-")
    name = re.sub(r"^(?:会社名|個人名|法人名|氏名|名前|(?:振込|口座|支払)名義|名義)(?:の|は)?", "", name)
    return re.sub(r"(?:さん|様|の)$", "", name) if len(name) > 2 else name


def _open_parentheses(name: str) -> str:
    if name.count("(") != name.count(")"):
        return name.strip("()") if name.count("(") + name.count(")") == 1 and name[0] in "(" else name
    return name


def find_payer(masked: Masked) -> str | None:
    """The name on the transfer, if a word makes it one (名義, で振り込み, from, under the name of); else None."""
    text = masked.text
    named = _NAME_IS.search(text)
    if named:
        name = re.sub(
            r"\s?(?:名義|です|でした|だ|になります|になっています|となります|で(?:す|ございます)?.*|に.*|ので.*)$",
            "",
            named["name"],
        )
        name = re.split(r"(?:です|でした|名義|になり|で(?:ご|お|す|振)|と申)", name)[0].strip()
        if name and not _PLACE_OR_MEANS.search(name) and not re.match(r"(?:違|別|なん|何|どう|誰|ど[ちこれ])", name):
            return name
    for match in _BY_NAME.finditer(text):
        name = _trim_japanese(match["name"])
        if name and not re.fullmatch(
            r"(?:本人|自分|個人|法人|会社|別|別の|違う|他|同じ|ご?家族|妻|夫|私|主人|旧姓|振込|口座|どの|誰|"
            r"契約者|会員|銀行口座)の?",
            name,
        ):
            return _open_parentheses(name)
    for match in _BY_PAYING.finditer(text):
        name = _trim_japanese(match["name"])
        if (
            len(name) > 1
            and not _PLACE_OR_MEANS.search(name)
            and not re.fullmatch(r"[\u3041-\u309f]{1,3}|[\d]+|.*(?:円|いくら|なぜ)", name)
        ):
            return _open_parentheses(name)
    return _find_payer_en(text)


def _find_payer_en(text: str) -> str | None:
    for match in _EN_PAYER.finditer(text):
        name = match["name"]
        stop = _EN_STOP.search(name)
        name = (name[: stop.start()] if stop else name).rstrip(",-'")
        name = (
            name
            if re.search(r"(?:ltd|inc|co|corp|llc|kk|k\.k)\.$", name, re.IGNORECASE)
            else name.split(". ")[0].rstrip(".")
        )
        if (
            name
            and not _NO_PAYER_EN.search(name)
            and not (match.group().lower().startswith("under ") and name.islower() and " " not in name)
        ):
            return name
    return None


_QUOTED = re.compile(r"[「『\"](?P<words>[^」』\"]{1,80})[」』\"]")
_GENERIC_PLAN = re.compile(
    r"(?:上位|下位|上|下|別|他|ほか|もっと.*|より.*|高い|安い|一番.*|最.*|今|現在|いま|この|その|新しい|同じ|"
    r"どの|どんな|料金|契約|サーバー?|容量|大きい|小さい|大きな|小さな|ひとつ.*|一つ.*|1つ.*|"
    r"another|different|bigger|larger|smaller|cheaper|higher|lower|better|new|current|this|that|other|price|"
    r"pricing|payment|which|what|server|hosting|faster|renewal|my|our|your|it|to|of|upgrade|downgrade|"
    r"change|switch|"
    r"cheapest|best|biggest|next|domain|contract|membership)",
    re.IGNORECASE,
)
_PLAN_JA = re.compile(
    r"(?P<name>[A-Za-z0-9\u30a1-\u30ff\u4e00-\u9fff・+-]+(?: [A-Z0-9][A-Za-z0-9+]*)*)\s?(?:の)?プラン"
)
_PLAN_TO_JA = re.compile(
    r"(?P<name>[A-Za-z0-9\u30a1-\u30ff\u4e00-\u9fff+-]+)(?:プラン)?(?:に|へ)(?:の)?(?:プラン)?(?:変|切り?替|移|"
    r"アップ|ダウン|乗り換|グレード|上げ|下げ|した|して|し直)"
)
_PLAN_EN = re.compile(r"\b(?:the\s|a\s|an\s|our\s|my\s|your\s)?(?P<name>[A-Za-z0-9+-]+)[ -]plan\b", re.IGNORECASE)
_PLAN_TO_EN = re.compile(
    r"\b(?:upgrade|downgrade|switch|change|move|go|migrate|bump)\b.*?\b(?:to|onto|into)\s(?:the\s|a\s|"
    r"an\s)?(?P<name>[A-Za-z0-9+-]+)\b",
    re.IGNORECASE,
)


def find_plan(masked: Masked) -> str | None:
    """The name of the plan moved to or asked for, without プラン / plan and articles; generic words are no name."""
    text = masked.text
    named = [match["name"] for match in _PLAN_JA.finditer(text)]
    moved = _PLAN_TO_JA.search(text)
    candidates = ([moved["name"]] if moved else []) + named[::-1]
    moved_en = _PLAN_TO_EN.search(text)
    candidates += ([moved_en["name"]] if moved_en else []) + [match["name"] for match in _PLAN_EN.finditer(text)][::-1]
    for name in candidates:
        bare = re.sub(r"プラン$", "", name)
        if (
            bare
            and not _GENERIC_PLAN.fullmatch(bare)
            and not re.fullmatch(r"(?:契約|変更|プラン|サーバー|ドメイン|plan|plans|one)", bare, re.IGNORECASE)
        ):
            return bare
    return None


_FACILITY_JA = re.compile(
    r"(?P<name>(?:[A-Za-z0-9\u30a1-\u30ff一-鿿第々]|(?<=[^\s])の(?=大|小|中))*?"
    r"(?:会議室|研修室|集会室|集会所|和室|音楽室|多目的室|応接室|個室|ホール|体育館|テニスコート|コート|"
    r"グラウンド|グランド|スタジオ|ラウンジ|駐車場|スペース|キッチン|プール|ジム|コワーキング|ブース|"
    r"講堂|展示場|ルーム|部屋)"
    r"(?:[A-Za-z0-9]{1,4}(?![A-Za-z0-9])|[一二三四五](?![\u4e00-\u9fff]))?)"
)
_FACILITY_EN = re.compile(
    r"(?P<name>(?:(?:small|large|big|main|first|second|third|upper|lower|east|west|north|south|new|old|"
    r"conference|meeting|tennis|music|seminar|training|multipurpose|multi-purpose|banquet|grand|city|"
    r"community|sports|japanese|tatami|party|board)[ -])*"
    r"(?:meeting room|conference room|boardroom|hall|gym|gymnasium|tennis court|court|studio|lounge|auditorium|"
    r"parking(?: lot| space)?|room|pool|kitchen|booth|classroom|ballroom|field|arena|coworking space)\b"
    r"(?:\s(?!is\b|on\b|at\b|to\b|in\b|for\b|of\b|i\b|a\b)(?:[A-Za-z]|\d{1,4})\b)?)",
    re.IGNORECASE,
)
_EVENT_JA = re.compile(
    r"(?P<name>(?:[A-Za-z0-9\u30a1-\u30ff一-鿿々・+#-]|(?<=[春夏秋冬会者員版話])の(?=[一-鿿ァ-ヶA-Z])|"
    r"(?<=[A-Z]) (?=[ァ-ヶ一-鿿]))*"
    r"(?:セミナー|ウェビナー|勉強会|講習会|講習|懇親会|説明会|研修会|研修(?!室)|ワークショップ|交流会|総会|"
    r"見学会|講演会|講座|忘年会|新年会|パーティー?|カンファレンス|ハッカソン|ミートアップ|相談会|"
    r"体験会|発表会|展示会|フォーラム|シンポジウム|例会|祭り|まつり))"
)
_EVENT_EN = re.compile(
    r"\b(?P<name>(?:(?!(?:the|a|an|my|our|for|to|in|at|of|from|your|this|that|next|last|upcoming|any|join|"
    r"attend|cancel|about|and|is|was|i|me|on|with|into|out|up|book|register|apply|application|signed|"
    r"registered|paid|not|can't|cannot|can|attending|joining|participate|withdraw|drop|take|part|"
    r"enroll|registration|sign|you|see|spot|seat|place|for|monthly's|want|like|would|please|open|free|"
    r"there|are|what|which|upcomming|put|down|add|myself|us|go|going|come|make|tomorrow's|today's|new|"
    r"did|does|get|my|payment|we|will|be|entry|attendance|participation|miss|confirmed|status|fee|were|"
    r"have|has|it|the)\b)[A-Za-z0-9+#-]+\s){0,3}"
    r"(?:seminar|webinar|workshop|study session|study group|meetup|meet-up|conference|party|networking event|"
    r"lecture|course|training|briefing|hackathon|forum|symposium|general meeting|get-together|bootcamp|"
    r"session|tour))\b(?! room)",
    re.IGNORECASE,
)
_LEADING_DATE_WORD = re.compile(
    rf"^(?:[{MASKS}]|来週|来月|今月|今週|先月|先週|再来週|来年|今年|昨年|今度|次回|次|前回|今回|この|その|例|"
    rf"\d{{1,2}}月)の?"
)


def find_facilities(masked: Masked) -> list[str]:
    """The places named, as written; a generic word (会議室) counts when no name is given."""
    found = [_LEADING_DATE_WORD.sub("", match["name"]) for match in _FACILITY_JA.finditer(masked.text)]
    found = [re.sub(r"^(?:予約|施設|利用|空いている|希望)の?", "", name) for name in found]
    return [name for name in found if name] or [match["name"] for match in _FACILITY_EN.finditer(masked.text)]


def find_events(masked: Masked) -> list[str]:
    """The events named, as written; a generic word (セミナー) counts when no name is given, a quoted title wins."""
    quoted = [match["words"] for match in _QUOTED.finditer(masked.plain)]
    if quoted:
        return quoted
    found = [_LEADING_DATE_WORD.sub("", match["name"]).lstrip("のをは・ ") for match in _EVENT_JA.finditer(masked.text)]
    return [name for name in found if name] or [match["name"].strip() for match in _EVENT_EN.finditer(masked.text)]


_TOPIC_JA = re.compile(
    r"(?:件名|タイトル|題名)\s?(?:は|:|が)?\s?「?(?P<after>[^」。\n]{1,120})|"
    r"(?P<before>[^、。!?\n]{1,120}?)(?:の件)?(?:について|に関して|につきまして|に関する)"
)
_TOPIC_EN = re.compile(
    r"\b(?:re\s?:|subject\s?:|about|regarding|concerning)\s?(?P<after>[^.?!\n]{1,120})", re.IGNORECASE
)
_TOPIC_LEAD = re.compile(
    r"^(?:すみません|すいません|あの|ちょっと|お世話になっております|お世話になります|こんにちは|はじめまして|"
    r"急ぎで)[、,\s]*"
)


def find_topic(masked: Masked) -> str | None:
    """What an inquiry is about, only where 件名, について, 「」, about or re: says so."""
    japanese = _TOPIC_JA.search(masked.text)
    if japanese and japanese["after"]:
        words = masked.written(*japanese.span("after"))
        return re.sub(r"(?:です|で(?:お願い|問い?合|相談|送).*|でお?問.*)$", "", words).strip() or None
    quoted = _QUOTED.search(masked.plain)
    if quoted:
        return quoted["words"]
    if japanese:
        words = _TOPIC_LEAD.sub("", masked.written(*japanese.span("before"))).strip()
        return words if words and words not in ("これ", "それ", "そのこと", "以下") else None
    english = _TOPIC_EN.search(masked.text)
    if english:
        words = masked.written(*english.span("after")).strip(' "')
        words = re.sub(r"(?:,\s?|\s)(?:please|thanks|thank you|can you help)$", "", words, flags=re.IGNORECASE)
        return words if words and words.lower() not in ("it", "this", "that", "something") else None
    return None
