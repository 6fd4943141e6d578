"""The commands menu of the private chat, by language (row "Words members type"); Telegram shows it beside the input field."""

from telegram import BotCommand

_COMMANDS = (  # command, 日本語, English
    ("menu", "メニューを開く", "Open the menu"),
    ("expiry", "有効期限を確認する", "Check expiry dates"),
    ("renew", "契約を更新する", "Renew a contract"),
    ("unpaid", "お支払い待ちの一覧", "Invoices to pay"),
    ("report", "振込を報告する", "Report a bank transfer"),
    ("link", "会員登録と連携する", "Link your membership"),
    ("human", "担当者に相談する", "Talk to a person"),
    ("language", "言語を変える / Language", "Change the language / 言語"),
    ("cancel", "いまの操作をやめる", "Stop what we are doing"),
    ("help", "使い方", "How this works"),
    ("unlink", "連携を解除する", "Unlink this chat"),
)
COMMANDS_JA = tuple(BotCommand(name, ja) for name, ja, _ in _COMMANDS)
COMMANDS_EN = tuple(BotCommand(name, en) for name, _, en in _COMMANDS)
COMMANDS_BY_LANGUAGE = ((COMMANDS_JA, "ja"), (COMMANDS_EN, "en"), (COMMANDS_EN, None))  # None: all other languages
