from __future__ import annotations

import pytest

from scoring.headline import choose, clarity

CLEAR = "Amazon opens a data centre in Ohio"


@pytest.mark.parametrize(
    "worse",
    [
        "Amazon opens",
        "LIVE updates: Amazon opens a data centre",
        "AMAZON OPENS A DATA CENTRE IN OHIO",
        "Amazon opens?",
        "This cloud giant just opened a data centre",
        "The real reason behind the data centre in Ohio",
    ],
)
def test_a_clear_headline_is_better_than_bait_capitals_and_fragments(worse: str) -> None:
    assert clarity(CLEAR, "") > clarity(worse, "")


def test_the_clearest_wins_of_equals_the_first_and_the_present_one_stays_unless_clearly_beaten() -> None:
    assert choose([(1, 0.5), (2, 1.0), (3, 1.0)], None) == 2
    assert choose([(1, 0.9), (2, 1.0)], 1) == 1
    assert choose([(1, 0.5), (2, 1.0)], 1) == 2


def test_news_comes_before_what_is_said_about_it() -> None:
    news = "OpenAI takes 2 gigawatts of Trainium in a deal for 1.4 million chips"
    assert clarity(news, "") > clarity("What 1.4 million Trainium chips mean for Amazon's racks", "")
    assert clarity(news, "") > clarity("The 12 best laptop deals of the week", "")
