"""Labels: which stories turned out relevant, without using later information."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import NO_REASON, Changes, Entry, Membership
from aggregator.store import Store
from scoring.learning.labels import (
    DAY,
    VOTE_WEIGHT,
    Arrival,
    History,
    Past,
    examples,
    histories,
    is_complete,
    label_day,
)
from scoring.learning.train import past
from tests.scoring.press import CONFIG, HOUR, MONDAY, publish

LATER = MONDAY + timedelta(days=10)


def story(
    story_id: int, delays: list[timedelta], first: datetime = MONDAY, joined: dict[int, timedelta] | None = None
) -> History:
    """Return a story with a voice after each of *delays*; *joined*: when it joined, if later, by a merge."""
    merged = joined or {}
    arrivals = [
        Arrival(first + delay, first + merged.get(i, delay), f"paper{i}", f"paper{i}.example")
        for i, delay in enumerate(delays)
    ]
    return History(story_id, f"Story {story_id}", "", "en", "models", arrivals)


# The day


def test_the_top_tenth_by_coverage_is_relevant() -> None:
    labels = label_day({1: 7, 2: 3} | dict.fromkeys(range(3, 21), 1), 0.10)

    assert labels.relevant == {1, 2}
    assert labels.not_relevant == set(range(3, 21))
    assert not labels.tied


def test_a_tie_across_the_boundary_is_not_decided_by_lot() -> None:
    # 20 stories give 2 places: one goes to 7 sources, three stories with 2 sources share the other.
    labels = label_day({1: 7, 2: 2, 3: 2, 4: 2} | dict.fromkeys(range(5, 21), 1), 0.10)

    assert labels.relevant == {1}
    assert labels.tied == {2, 3, 4}
    assert labels.tied_share == 1 / 3
    assert labels.not_relevant == set(range(5, 21))


def test_a_day_on_which_coverage_cannot_tell_gives_only_the_labels_it_can() -> None:
    # 40 stories give 4 places, but only two stories have a second source.
    labels = label_day({1: 3, 2: 2} | dict.fromkeys(range(3, 41), 1), 0.10)

    assert labels.relevant == {1, 2}
    assert labels.not_relevant == frozenset()
    assert labels.tied == set(range(3, 41))
    assert labels.tied_share == 2 / 38


def test_a_day_of_single_sources_labels_nobody() -> None:
    labels = label_day(dict.fromkeys(range(20), 1), 0.10)

    assert not labels.relevant
    assert not labels.not_relevant


def test_one_source_is_never_relevant_by_coverage_even_where_all_have_a_place() -> None:
    labels = label_day({1: 1, 2: 1}, 1.0)

    assert not labels.relevant
    assert labels.tied_share == 1.0


def test_a_day_without_stories_has_no_labels() -> None:
    assert not label_day({}, 0.1).tied


@given(st.dictionaries(st.integers(0, 500), st.integers(1, 9), max_size=80), st.floats(0.01, 1))
def test_every_story_is_in_one_place_and_more_coverage_is_never_worse(voices: dict[int, int], share: float) -> None:
    labels = label_day(voices, share)

    assert sorted([*labels.relevant, *labels.not_relevant, *labels.tied]) == sorted(voices)
    lowest = min((voices[s] for s in labels.relevant), default=99)
    assert all(voices[s] < lowest for s in labels.tied)
    assert all(voices[s] < min((voices[t] for t in labels.tied), default=lowest) for s in labels.not_relevant)


def test_a_day_is_complete_when_its_last_story_has_had_24_hours() -> None:
    day = date(2026, 6, 1)

    assert not is_complete(day, MONDAY + 2 * DAY - timedelta(seconds=1))
    assert is_complete(day, MONDAY + 2 * DAY)


# No later information


def test_coverage_after_24_hours_does_not_count() -> None:
    late = story(1, [0 * HOUR, 23 * HOUR, 25 * HOUR])

    assert late.voices_within(DAY) == 2


def test_an_example_contains_only_what_had_arrived_by_its_moment() -> None:
    examples_ = examples([story(1, [0 * HOUR, HOUR / 2, 5 * HOUR, 20 * HOUR])], 0.10, LATER)

    assert [(e.signals.at - MONDAY, len(e.signals.voices)) for e in examples_] == [
        (0 * HOUR, 1),
        (HOUR, 2),
        (6 * HOUR, 3),
    ]
    for example in examples_:
        assert all(age >= timedelta() for age in example.signals.voice_ages)


def test_a_state_that_did_not_change_is_not_counted_twice() -> None:
    assert len(examples([story(1, [0 * HOUR])], 0.10, LATER)) == 1


def test_sources_that_joined_by_a_merge_count_from_the_merge_on() -> None:
    merged = story(1, [0 * HOUR, HOUR / 2], joined={1: 4 * HOUR})

    assert len(merged.signals(MONDAY + 3 * HOUR).voices) == 1
    assert merged.signals(MONDAY + 4 * HOUR).voices == ("paper0.example", "paper1.example")


@given(st.integers(0, 47))
def test_a_day_that_is_not_complete_gives_no_examples(hours: int) -> None:
    assert not examples([story(1, [0 * HOUR, HOUR])], 0.10, MONDAY + hours * HOUR)


def test_a_vote_overrides_coverage_at_once() -> None:
    stories = [story(1, [0 * HOUR, HOUR])] + [story(n, [0 * HOUR]) for n in range(2, 21)]

    before_the_day_is_over = examples(stories, 0.10, MONDAY + 2 * HOUR, {5: True})
    afterwards = {e.story_id: e for e in examples(stories, 0.10, LATER, {1: False, 5: True})}

    assert [(e.story_id, e.relevant, e.weight) for e in before_the_day_is_over] == [(5, 1.0, VOTE_WEIGHT)]
    assert (afterwards[1].relevant, afterwards[5].relevant) == (0.0, 1.0)
    assert (afterwards[1].weight, afterwards[2].weight) == (5.0, 1.0)


# Histories


def entry(entry_id: int, source: str = "paper0", hours: int = 0) -> Entry:
    return Entry(entry_id, source, str(entry_id), "", f"Title {entry_id}", "", MONDAY + hours * HOUR)


def membership(entry_id: int, story_id: int, hours: int = 0) -> Membership:
    return Membership(entry_id, story_id, MONDAY + hours * HOUR, 1.0, 1.0, NO_REASON, f"voice{entry_id}")


def test_a_story_that_began_before_the_window_is_left_out() -> None:
    by_story = histories([(entry(7, hours=1), membership(7, 3, 1)), (entry(8, hours=2), membership(8, 8, 2))])

    assert [h.story_id for h in by_story] == [8]


def test_a_story_has_the_title_that_its_first_entry_came_with() -> None:
    (history,) = histories(
        [(entry(1), membership(1, 1)), (entry(2, "paper1", 1), membership(2, 1, 1))],
        text_of=lambda e: (f"As it came {e.entry_id}", ""),
    )

    assert history.title == "As it came 1"
    assert history.voices_within(DAY) == 2


def test_a_replay_learns_from_its_own_past_what_a_site_learns_from_its_store() -> None:
    with Store.open(":memory:") as store:
        publish(store, days=5)
        replayed = Past(lambda source_id: "models")
        for record, where in store.memberships.between(None, LATER):
            replayed(record.first_seen_at, [record], Changes(memberships=(where,)))

        assert replayed.examples(CONFIG.scoring.top_share, LATER) == past(store, CONFIG, LATER)[0]
        assert replayed.examples(CONFIG.scoring.top_share, LATER)


def test_a_replay_that_saw_nothing_has_nothing_to_learn() -> None:
    assert Past().examples(0.1, LATER) == []
