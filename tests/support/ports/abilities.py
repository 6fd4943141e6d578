"""What a member does at the counter of `renewal-notice`, ability by ability, and what they read on the way."""

import re
from datetime import UTC, datetime

from core.billing import reports
from core.db import run
from core.tickets import service as tickets
from tests.support.builders import ACCOUNTANT, AGENT
from tests.support.journeys import run_jobs
from tests.support.ports.stay import PDF, PHOTO, Stay


async def links(s: Stay) -> None:
    """Member number, mail address, the code from the mail; a wrong one first."""
    v = s.visit
    await v.say("/start")
    await v.sees("窓口です")
    await v.press("会員と連携する")
    await v.sees("会員番号を入力してください")
    await v.say("M-000001")
    await v.say("taro@example.jp")
    await v.sees("6桁の確認ID")
    await v.say("000000")
    await v.sees("あと4回入力できます")
    await v.say(await v.code())
    await v.sees("連携できました。山田 太郎様（会員番号 M-000001）")


async def looks_up_the_expiry(s: Stay) -> None:
    """One press from the menu."""
    await s.visit.say("/menu")
    await s.visit.press("利用期限を見る")
    await s.visit.sees("ご契約は4件です", "a.example.jp", "2026年12月10日")


async def renews_two(s: Stay) -> None:
    """Check marks, a term each, the summary, the bank details."""
    v = s.visit
    await v.say("/menu")
    await v.press("更新する")
    await v.sees("更新するご契約を選んで")
    await v.tick("a.example.jp", "b.example.jp")
    for label in ("a.example.jp", "b.example.jp"):
        await v.sees(f"「{label}」の契約期間を選んで")
        await v.press("1年")
    await v.sees("月末にそろえますか")
    await v.press("そろえない")
    await v.sees("お支払方法を選んでください", "コンビニ")
    await v.press("銀行振込")
    await v.sees("お申し込みの内容をご確認ください", "自動では更新されません", "2027年12月10日")
    await v.press("この内容で申し込む")
    await v.sees("お申し込みを受け付けました", "ミドリノサーバー（カ", "2026年12月7日")


async def reports_by_sentence(s: Stay) -> None:
    """Everything in one sentence; staff confirm; the new expiry is told."""
    v = s.visit
    total = s.newest("invoice").total_yen
    await v.say(f"昨日、山田太郎名義で{total:,}円振り込みました")
    await v.sees("この内容で担当者に連絡します", f"{total:,}円", "山田太郎", "2026年11月21日")
    await v.press("この内容で連絡する")
    await v.sees("振込のご連絡を受け付けました")
    await _confirm(s)
    await v.sees("入金を確認しました", "a.example.jp", "2027年12月10日")


async def _confirm(s: Stay) -> None:
    report = s.newest("payment_report")
    await s.staff(
        lambda tx: reports.confirm_report(
            tx,
            profile=s.counter.profile,
            staff=ACCOUNTANT,
            report_id=report.id,
            amount_yen=report.amount_yen,
            value_on=report.paid_on,
        )
    )


async def orders_by_card(s: Stay) -> None:
    """The third contract, to be paid by card: the chat shows our link, which no platform may refuse."""
    v = s.visit
    await v.say("c.example.comを1年更新したい")
    while not any("お支払方法を選んでください" in words for words in await v.news()):
        await v.press("そろえない")
    await v.press("クレジットカード")
    await v.sees("お申し込みの内容をご確認ください")
    await v.press("この内容で申し込む")
    await v.sees("クレジットカードでお支払いください")
    assert (await v.door.links())[-1].startswith("https://madoguchi.example.jp/m/pay/")


async def reports_by_form(s: Stay) -> None:
    """They paid by transfer after all: by buttons. Staff ask back, and then confirm."""
    v = s.visit
    await v.say("/report")
    await v.press("請求額どおり")
    await v.sees("お振り込みの日はいつですか")
    await v.press("今日")
    await v.press("登録のお名前")
    await v.sees("この内容で担当者に連絡します")
    await v.press("この内容で連絡する")
    await v.sees("振込のご連絡を受け付けました")
    report = s.newest("payment_report")
    await s.staff(
        lambda tx: reports.ask_back(tx, staff=ACCOUNTANT, report_id=report.id, words="どちらの口座へのお振込ですか？")
    )
    await v.sees("どちらの口座へのお振込ですか？")
    await v.say("あおば架空銀行です")
    await _confirm(s)
    await v.sees("お支払いを確認しました", "c.example.com")
    await v.say("自動案内に戻る")


async def asks_with_a_photo(s: Stay) -> None:
    """A form with a photo; staff answer with a PDF, it is opened; solved, and how it was."""
    v = s.visit
    await v.say("/ticket")
    await v.sees("どのようなご用件ですか")
    await v.press("技術的な")
    await v.sees("お問い合わせの内容をお書きください")
    await v.send_photo(PHOTO)
    await v.sees("写真・ファイルを受け取りました")
    await v.sees("お問い合わせの内容をお書きください")
    await v.say("画面が真っ白です")
    await v.sees("この内容で担当者に送ります")
    await v.send_photo(PHOTO + b", and another one")
    await v.sees("この内容で担当者に送ります")
    await v.press("送信する")
    await v.sees("お問い合わせを受け付けました")
    await s.answer("手順書をお送りします。\n3ページをご覧ください。", pdf=PDF)
    await v.sees("窓口 次郎", "3ページをご覧ください。")
    assert await v.door.opens_file() == PDF
    await v.say("直りました。もう少し教えてください")
    ticket = s.newest("ticket")
    await s.staff(lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id))
    await v.sees("解決済みになりました", "今回の対応はいかがでしたか")
    await v.press("満足")
    await v.sees("ひとことお聞かせください")
    await v.say("親切でした")
    await v.sees("担当者が読ませていただきます")


async def is_reminded(s: Stay) -> None:
    """Of the contract that is not renewed, by itself."""
    await s.visit.looks_away()
    s.clock.set(datetime(2026, 12, 15, 3, 0, tzinfo=UTC))
    run_jobs(s.counter)
    await s.visit.settle()
    await s.visit.sees("【更新のご案内】", "d.example.jp")


async def unlinks(s: Stay) -> None:
    """Asked back; afterwards nothing of theirs is shown."""
    v = s.visit
    await v.say("/unlink")
    await v.sees("連携を解除しますか")
    await v.press("連携を解除する")
    await v.sees("連携を解除しました")
    await v.say("/expiry")
    assert not re.search(r"example\.(jp|com)", "".join(await v.news()))
    assert run(s.counter.database, lambda tx: tx.today).year == 2026


RENEWAL = (
    links, looks_up_the_expiry, renews_two, reports_by_sentence, orders_by_card, reports_by_form, asks_with_a_photo,
    is_reminded, unlinks,
)  # fmt: skip
