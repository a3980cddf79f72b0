"""The news context of a title on arrival."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scoring.relevance.news_context import NO_CONTEXT, NewsContext, TitleContext

HOUR = 3600.0
DAY = 24 * HOUR
TITLE = "Zephyr Labs unveils a chip for data centres"


def usual(days: int = 5) -> NewsContext:
    """Return some days of ordinary titles, the last of them just over."""
    news_context = NewsContext()
    for hour in range(24 * days):
        news_context.observe(f"Recipe number {hour} for soup of the day", f"cook{hour % 5}", hour * HOUR)
    return news_context


def test_the_first_title_of_all_is_surrounded_by_nothing() -> None:
    assert NewsContext().observe(TITLE, "a", 0.0) == NO_CONTEXT


def test_others_with_the_same_words_are_felt_and_ones_own_are_not() -> None:
    news_context, alone = usual(), usual()
    for hour, source in enumerate("bcd"):
        news_context.observe(TITLE, source, 5 * DAY + hour * HOUR)
        alone.observe(TITLE, "a", 5 * DAY + hour * HOUR)

    seen = news_context.observe(TITLE, "a", 5 * DAY + 4 * HOUR)
    own = alone.observe(TITLE, "a", 5 * DAY + 4 * HOUR)

    assert 2 < seen.near <= 3
    assert seen.best > 0.9
    assert seen.burst > 1 > own.burst
    assert (own.near, own.touched, own.best, own.talk) == (0, 0, 0, 0)


def test_what_is_older_than_two_days_is_no_longer_talk() -> None:
    news_context = usual()
    news_context.observe(TITLE, "b", 5 * DAY)

    assert news_context.observe(TITLE, "a", 7 * DAY + HOUR).near == 0


def test_new_words_are_new_once() -> None:
    news_context = usual()

    assert news_context.observe(TITLE, "a", 5 * DAY).novelty > 0.5
    assert news_context.observe(TITLE, "b", 5 * DAY + HOUR).novelty == 0


def test_what_was_two_weeks_ago_is_forgotten() -> None:
    news_context = usual()
    news_context.observe(TITLE, "a", 5 * DAY)

    assert news_context.observe(TITLE, "b", 40 * DAY) == NO_CONTEXT


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["zephyr chip", "zephyr soup", "soup of 芯片 芯片", ""])),
        max_size=30,
    )
)
def test_the_same_arrivals_give_the_same_numbers(arrivals: list[tuple[str, str]]) -> None:
    first, second = NewsContext(), NewsContext()

    assert [first.observe(title, source, i * HOUR) for i, (source, title) in enumerate(arrivals)] == [
        second.observe(title, source, i * HOUR) for i, (source, title) in enumerate(arrivals)
    ]


def test_attention_only_grows_and_novelty_is_settled_at_first_sight() -> None:
    first = TitleContext(near=1.0, burst=3.0, novelty=0.4)

    assert first.with_more(TitleContext(near=0.5, best=0.7, novelty=0.0)) == TitleContext(1.0, 0.0, 0.7, 3.0, 0.0, 0.4)
