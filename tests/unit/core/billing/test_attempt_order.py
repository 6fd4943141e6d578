"""Rows P4, P8: a provider promises neither order nor single delivery; the same news ends in the same state."""

from hypothesis import given
from hypothesis import strategies as st

from core.billing.attempt_policy import AttemptState, ReturnState, Seen, decide_attempt, decide_return

LIVES: dict[str, tuple[tuple[Seen, ...], AttemptState]] = {
    "card": (("paid", "paid"), AttemptState.CAPTURED),
    "card, refused first": (("declined", "declined", "paid"), AttemptState.CAPTURED),
    "page left": (("page_ended",), AttemptState.EXPIRED),
    "number paid": (("number", "waiting", "paid", "paid"), AttemptState.CAPTURED),
    "number not paid": (("waiting", "number", "declined", "failed"), AttemptState.EXPIRED),
    "paid in its last second": (("waiting", "number", "failed", "paid"), AttemptState.CAPTURED),
    "number": (("waiting", "number"), AttemptState.PENDING),
}


@given(life=st.sampled_from(sorted(LIVES)), data=st.data())
def test_shuffled_and_repeated_news_ends_in_the_same_state(life: str, data: st.DataObject) -> None:
    news, end = LIVES[life]
    repeated = list(news) + data.draw(st.lists(st.sampled_from(news), max_size=6))
    state = data.draw(st.sampled_from((AttemptState.CREATED, AttemptState.OPEN)))
    for seen in data.draw(st.permutations(repeated)):
        state = decide_attempt(state, seen)
    assert state is end


@given(seen=st.sampled_from(("waiting", "number", "failed", "declined", "page_ended")))
def test_what_was_captured_stays_captured(seen: Seen) -> None:
    assert decide_attempt(AttemptState.CAPTURED, seen) is AttemptState.CAPTURED


def test_another_currency_is_never_captured_and_never_undoes_a_capture() -> None:
    assert decide_attempt(AttemptState.OPEN, "paid", currency="USD") is AttemptState.MISMATCH
    assert decide_attempt(AttemptState.OPEN, "paid", currency="JPY") is AttemptState.CAPTURED
    assert decide_attempt(AttemptState.CAPTURED, "paid", currency="usd") is AttemptState.CAPTURED


@given(news=st.lists(st.sampled_from(("asked", "given", "undone")), min_size=1, max_size=8))
def test_a_return_is_undone_for_good_else_given_once_it_was_given(news: list[str]) -> None:
    state = ReturnState.WAITING
    for seen in news:
        state = decide_return(state, seen)  # type: ignore[arg-type]
    expected = "undone" if "undone" in news else "given" if "given" in news else "waiting"
    assert state == expected
