"""What a member does at the counter of `facility`: their reservations, and asking for changes (rows F1, F2, F4, F5)."""

from core.counter import reservations as counter_reservations
from core.db import Tx
from tests.support.builders import AGENT
from tests.support.journeys import rows
from tests.support.ports.abilities import links, unlinks
from tests.support.ports.stay import Stay


async def looks_up_reservations(s: Stay) -> None:
    """All of them from the menu, one by its number, one found by a sentence."""
    v = s.visit
    await v.say("/menu")
    await v.press("予約・ご利用履歴")
    await v.sees("ご利用履歴は2件です", "R-000001", "第1会議室")
    await v.press("R-000001 の詳細")
    await v.sees("予約番号 R-000001 の詳細です", "2026年12月4日(金) 13:00〜15:00", "お支払い待ち", "3,600円")
    await v.say("スタジオの予約を見たい")
    await v.sees("R-000002", "音楽スタジオ")


async def asks_for_a_change(s: Stay) -> None:
    """Check marks for what is to change, each new value; staff accept, the reservation follows."""
    v = s.visit
    await v.say("R-000001")
    await v.press("変更を依頼する")
    await v.sees("どの項目を変更しますか")
    await v.tick("ご利用日", "ご利用時間")
    await v.sees("「ご利用日」をどう変更しますか")
    await v.say("12月10日")
    await v.say("午後2時から4時")
    await v.sees("担当者に伝えたいことがあれば")
    await v.press("スキップ")
    await v.sees("この内容で変更を依頼します", "2026年12月10日(木)", "14:00〜16:00")
    await v.press("この内容で依頼する")
    await v.sees("変更のご依頼を受け付けました")
    request = s.newest("reservation_request")
    revision = rows(s.counter, "reservation", id=request.reservation_id)[0].revision

    def accept(tx: Tx) -> None:
        counter_reservations.accept(
            tx, AGENT, profile=s.counter.profile, request_id=request.id, words="お待ちしております。", seen_revision=revision
        )  # fmt: skip

    await s.staff(accept)
    await v.sees("変更をお受けしました", "12月10日(木)", "お待ちしております。")


async def asks_to_cancel(s: Stay) -> None:
    """In one sentence; staff decline, and say why."""
    v = s.visit
    await v.say("R-000002をキャンセルしたい")
    await v.sees("キャンセルを依頼します", "キャンセル料")
    await v.press("この内容で依頼する")
    await v.sees("キャンセルのご依頼を受け付けました")
    request = s.newest("reservation_request")
    words = "直前のため、お電話でご相談ください。"
    await s.staff(lambda tx: counter_reservations.decline(tx, AGENT, request_id=request.id, words=words))
    await v.sees("キャンセルのご依頼は、お受けできませんでした", words)
    await v.say("R-000002")
    await v.press("コンタクト履歴")
    await v.sees("コンタクト履歴です", "キャンセルを依頼しました", words)


FACILITY = (links, looks_up_reservations, asks_for_a_change, asks_to_cancel, unlinks)
