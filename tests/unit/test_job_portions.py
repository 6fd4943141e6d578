"""A timed job never holds the writer for long: its portions shrink and grow with what they cost."""

from bot.jobs import FIRST_PORTION, LARGEST_PORTION, PORTION_SECONDS, Portion


def test_a_portion_that_took_long_is_followed_by_one_that_fits() -> None:
    portion = Portion(size=1_000)
    portion.learn(2.0)  # 2 ms each
    assert portion.size * 0.002 <= PORTION_SECONDS


def test_cheap_work_is_soon_done_in_large_portions_and_never_in_none() -> None:
    portion = Portion()
    assert portion.size == FIRST_PORTION
    for _ in range(20):
        portion.learn(0.001)
    assert portion.size == LARGEST_PORTION
    for _ in range(20):
        portion.learn(60)
    assert portion.size == 1
