"""Frequent questions: answered at once, beside the guesses, and before an inquiry reaches a person."""

from tests.support.screens.visit import Visit

ASKED = "FTPでファイルをアップロードする方法を教えてください"


def frequent_questions(v: Visit) -> None:
    """By somebody who is not linked, then by a member in the inquiry's form."""
    v.say("パスワードを忘れました", "a plain question").press("faq.helped").say(
        "ポートの話なんだけど", "a miss with an article"
    )
    v.press("faq.show").press("faq.send").press("form.answer", "other").press("form.ask_stop").press("form.stop")
    v.say("領収書を発行してほしい", "money, and not done here").link()
    v.say("/ticket").press("form.answer", "technical").say(ASKED)
    v.say("？").press("form.answer").say("？").press("form.answer", "send").press("form.ask_stop").press("form.stop")
    v.person.say("/ticket")
    v.press("form.answer", "technical").say(ASKED).press("form.answer")
    helped = v.handle("form.answer", "helped")
    v.press("form.answer", "helped").act("presses it again", kind="press", handle=helped)
