"""Bringing what a member typed into one written form, before anything looks at it (dialogue-and-desk.md 2.4, step 1)."""

import re
import unicodedata

MAX_CHARACTERS = 10_000
"""What a channel may hand in; the rest is cut, so that one message never costs more than a bounded amount of work."""

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]")
_DASH_IN_CODE = re.compile(r"(?<=[A-Za-z0-9])\s?[‐‑‒–—―−ー－]\s?(?=[A-Za-z0-9])")
_DASH_BEFORE_NUMBER = re.compile(r"[‐‑‒–—―−－](?=\d)")
_SPACE = re.compile(r"\s+")
_TRAILING = re.compile(r"[\s。．.!?、,~〜…]+$")
_EMOJI = re.compile("[\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")

_HIRAGANA_OF = {code: code - 0x60 for code in range(0x30A1, 0x30F7)} | {0x30FC: None, ord("~"): None, ord("〜"): None}
_BETWEEN_JAPANESE = re.compile(r"(?<=[\u3041-\u30ff\u3400-\u9fff々])\s+(?=[\u3041-\u30ff\u3400-\u9fff々])")
_HONORIFIC = re.compile(r"[おご御](?=[\u4e00-\u9fff])")

# Okurigana and kana-only spelling differ from hand to hand; each family is read as its shortest kanji form.
_SPELLINGS = [
    ("振り込", "振込"), ("ふり込", "振込"), ("振りこ", "振込"), ("ふりこ", "振込"), ("払い込", "払込"), ("はらいこ", "払込"),
    ("申し込", "申込"), ("もうしこ", "申込"), ("引き落と", "引落"), ("引落と", "引落"), ("ひきおと", "引落"),
    ("引き落し", "引落し"), ("問い合わせ", "問合せ"), ("問合わせ", "問合せ"), ("問い合せ", "問合せ"), ("といあわせ", "問合せ"),
    ("切り替", "切替"), ("きりかえ", "切替え"), ("取り消", "取消"), ("とりけ", "取消"), ("取り下げ", "取下げ"),
    ("取りやめ", "取止め"), ("取り止め", "取止め"), ("手続き", "手続"), ("てつづき", "手続"),
    ("しはらい", "支払い"), ("しはらっ", "支払っ"), ("はらい", "払い"), ("はらっ", "払っ"), ("はらう", "払う"), ("はらえ", "払え"),
    ("そうきん", "送金"), ("にゅうきん", "入金"), ("きげん", "期限"), ("こうしん", "更新"), ("けいやく", "契約"),
    ("かいやく", "解約"), ("りょうしゅうしょ", "領収書"), ("領収証", "領収書"), ("せいきゅうしょ", "請求書"), ("せいきゅう", "請求"),
    ("よやく", "予約"), ("へんこう", "変更"), ("かくにん", "確認"), ("たいかい", "退会"), ("にゅうかい", "入会"),
    ("たんとうしゃ", "担当者"), ("じゅうしょ", "住所"), ("でんわばんごう", "電話番号"), ("とどか", "届か"), ("とどい", "届い"),
    ("とどく", "届く"), ("おしえ", "教え"), ("れんけい", "連携"), ("かいひ", "会費"), ("かいいん", "会員"), ("みばらい", "未払い"),
    ("未払", "未払"), ("じどう", "自動"), ("えんちょう", "延長"), ("もどる", "戻る"), ("もどっ", "戻っ"), ("もどし", "戻し"),
    ("もどり", "戻り"), ("やめる", "やめる"), ("辞め", "やめ"), ("止めたい", "やめたい"), ("ふりかえ", "振替"), ("振り替え", "振替"),
    ("さいそう", "再送"), ("しらせ", "知らせ"), ("下さい", "ください"), ("頂", "いただ"), ("出来", "でき"), ("何時まで", "いつまで"),
    ("何処", "どこ"), ("無い", "ない"), ("無く", "なく"), ("無し", "なし"), ("欲し", "ほし"), ("見れ", "見られ"), ("御", ""),
    ("たんとう", "担当"), ("めるあど", "めるあど"), ("めあど", "めるあど"), ("めえる", "める"), ("いつ迄", "いつまで"), ("迄", "まで"),
    ("ざんだか", "残高"), ("忘れ", "忘れ"), ("わすれ", "忘れ"), ("分から", "わから"), ("解ら", "わから"), ("判ら", "わから"),
    ("分かり", "わかり"), ("とうろく", "登録"), ("かいじょ", "解除"), ("ていし", "停止"), ("にほんご", "日本語"), ("えいご", "英語"),
]  # fmt: skip
_SPELLING = dict(_SPELLINGS)
_SPELLING_PATTERN = re.compile("|".join(sorted(map(re.escape, _SPELLING), key=len, reverse=True)))


def normalise(text: str) -> str:
    """The text in NFKC (full-width letters, half-width kana, ① and ㈱ become plain), invisible characters removed,
    dashes inside printed numbers unified, white space collapsed. Case and inner punctuation stay: names are shown again.
    """
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text[:MAX_CHARACTERS]))[:MAX_CHARACTERS]
    plain = plain.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"').replace("〜", "~")
    plain = _DASH_BEFORE_NUMBER.sub("-", _DASH_IN_CODE.sub("-", plain))
    return _SPACE.sub(" ", plain).strip()


def fold(plain: str) -> str:
    """Normalised text for comparing only: case, katakana, long vowels, honorific お/ご and spelling variants folded."""
    low = _BETWEEN_JAPANESE.sub("", plain.casefold().translate(_HIRAGANA_OF))
    low = _HONORIFIC.sub("", low)
    return _SPELLING_PATTERN.sub(lambda found: _SPELLING[found.group()], low)


def without_emoji(plain: str) -> str:
    """The text with pictographs turned into spaces."""
    return _EMOJI.sub(" ", plain)


def without_ending(plain: str) -> str:
    """The text without its closing punctuation."""
    return _TRAILING.sub("", plain)
