from __future__ import annotations

import random
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from scoring.ranking.page_order import LENGTH, Candidate, ranked

HOUR = timedelta(hours=1)


def candidate(
    number: int, trend: float, voices: int = 2, hours: float = 1, source: str = "", topics: str = ""
) -> Candidate:
    return Candidate(
        number,
        "models",
        trend,
        voices,
        hours * HOUR,
        source or f"s{number}",
        frozenset(topics.split() or [f"t{number}"]),
    )


many = st.lists(
    st.builds(
        candidate,
        number=st.integers(1, 10_000),
        trend=st.floats(0, 50),
        voices=st.integers(1, 5),
        hours=st.floats(0, 72),
        source=st.sampled_from(["a", "b", ""]),
        topics=st.sampled_from(["", "apple tablet launch", "apple tablet sale", "court levy ruling"]),
    ),
    max_size=80,
    unique_by=lambda c: c.story_id,
)


@given(many)
def test_one_voice_never_takes_the_first_place_while_several_report_something(candidates: list[Candidate]) -> None:
    order = ranked(candidates)
    voices = {c.story_id: c.voices for c in candidates}
    if any(c.voices > 1 for c in candidates):
        assert voices[order[0][0]] > 1


@given(many, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(candidates: list[Candidate], rng: random.Random) -> None:
    shuffled = list(candidates)
    rng.shuffle(shuffled)
    assert ranked(candidates) == ranked(shuffled)


@given(many)
def test_a_list_has_no_story_twice_and_no_more_than_its_length(candidates: list[Candidate]) -> None:
    order = [story_id for story_id, _ in ranked(candidates)]
    assert len(order) == len(set(order)) <= LENGTH


def test_what_several_report_now_stands_before_what_one_does_by_trend() -> None:
    order = ranked([candidate(1, 9.0, voices=1), candidate(2, 1.0), candidate(3, 2.0), candidate(4, 3.0, hours=30)])
    assert [story_id for story_id, _ in order] == [3, 2, 1, 4]


def test_a_second_story_with_the_same_headline_is_left_out() -> None:
    same = "apple unveil thin tablet"
    assert [s for s, _ in ranked([candidate(1, 3.0, topics=same), candidate(2, 2.0, topics=f"{same} today")])] == [1]


def test_no_source_fills_the_top_when_others_are_about_as_strong() -> None:
    order = ranked([candidate(n, 3.0 - n / 100, source="one") for n in range(1, 5)] + [candidate(9, 2.7)])
    assert [s for s, _ in order][:2] == [1, 9]


def test_a_much_stronger_story_of_the_same_source_keeps_its_place() -> None:
    order = ranked([candidate(1, 9.0, source="one"), candidate(2, 8.0, source="one"), candidate(3, 2.0)])
    assert [s for s, _ in order] == [1, 2, 3]
