from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import Cause, Config, Edit, Entry, Story
from scoring.engine import Engine
from scoring.relevance.model import RelevanceModel, load_prior
from scoring.relevance.signals import Scored, Signals
from tests.promises import promise
from tests.scoring.world import CONFIG, EVENTS, HOUR, NOON, SOURCES, entry, numbered

PRIOR = load_prior()


class Sure:
    """A model that scores every story 90."""

    version = "sure"

    def score(self, signals: Signals) -> Scored:
        return replace(load_prior().score(signals), relevance=0.9, score=90)


def new_engine(config: Config = CONFIG) -> Engine:
    return Engine(config, PRIOR)


def engine_after(*tellings: Entry) -> tuple[Engine, Story]:
    engine = new_engine()
    for telling in tellings:
        changes = engine.step([telling], telling.first_seen_at)
    return engine, changes.stories[-1]


@pytest.mark.parametrize("event", [event for event in EVENTS if len(event) > 1])
def test_differently_worded_reports_of_one_event_become_one_story(event: tuple[tuple[str, str], ...]) -> None:
    engine = new_engine()
    for item in numbered(event):
        assert isinstance(item, Entry)
        changes = engine.step([item], item.first_seen_at)

    story = changes.stories[0]
    assert (story.story_id, story.entries) == (1, len(event))
    assert story.independent_sources == story.sources == len(event)


def test_different_events_stay_different_stories() -> None:
    engine = new_engine()
    entries = [entry(n, *event[0], at=NOON) for n, event in enumerate(EVENTS, start=1)]

    changes = engine.step(entries, NOON)

    assert {m.entry_id: m.story_id for m in changes.memberships} == {n: n for n in range(1, len(EVENTS) + 1)}
    assert {line.cause for line in changes.ledger} == {Cause.NEW_STORY}


def test_an_amazon_story_of_an_ai_feed_is_big_tech_and_an_unclear_one_keeps_the_feeds_category() -> None:
    _, amazon = engine_after(entry(1, *EVENTS[0][0], source="lantern"))
    _, ferry = engine_after(entry(1, *EVENTS[3][0], source="lantern"))

    assert amazon.category_id == "big-tech"
    assert ferry.category_id == "models"


def test_two_feeds_of_one_owner_are_one_voice() -> None:
    _, story = engine_after(
        entry(1, *EVENTS[1][0], source="herald", at=NOON),
        entry(2, *EVENTS[1][1], source="herald_ai", at=NOON + HOUR),
    )

    assert (story.sources, story.independent_sources) == (2, 1)


def test_a_reprint_speaks_with_the_voice_of_the_first() -> None:
    text = "The operator said that the docking trial in the fjord went on for six hours and ended without any damage."
    _, story = engine_after(
        entry(1, "Autonomous ferry docks in the fjord", text, source="lantern", at=NOON),
        entry(2, "Ferry docks by itself in fjord trial", text, source="quill", at=NOON + HOUR),
    )

    assert (story.entries, story.sources, story.independent_sources) == (2, 2, 1)
    assert story.last_source_at == NOON
    assert story.lead_entry_id == 1


def test_a_corrected_headline_changes_the_story_and_not_its_entries() -> None:
    engine, before = engine_after(entry(1, *EVENTS[3][0]))

    changes = engine.step(
        [Edit(1, 1, NOON + HOUR, before.headline, "Ferry docks itself in the fjord", "", "")], NOON + HOUR
    )

    assert [story.headline for story in changes.stories] == ["Ferry docks itself in the fjord"]
    assert changes.memberships == ()
    assert [line.cause for line in changes.ledger] == [Cause.EDITED]


def test_an_edit_of_an_entry_of_a_closed_story_changes_nothing() -> None:
    engine, _ = engine_after(entry(1, *EVENTS[3][0]))
    later = NOON + timedelta(days=10)

    assert engine.step([Edit(1, 1, later, "", "Other", "", "")], later).stories == ()


def test_a_story_closes_after_the_window() -> None:
    engine, _ = engine_after(entry(1, *EVENTS[3][0]))

    changes = engine.step([entry(2, *EVENTS[3][0], source="quill", at=NOON + 80 * HOUR)], NOON + 80 * HOUR)

    assert changes.memberships[0].story_id == 2
    assert [story.story_id for story in engine.stories()] == [2]


@pytest.mark.long
@promise
@given(st.randoms(use_true_random=False))
def test_the_order_of_entries_within_a_step_does_not_matter(rng: random.Random) -> None:
    entries = [entry(n, *texts, source=SOURCES[n % 6].id) for n, texts in enumerate(chain(*EVENTS), start=1)]
    shuffled = list(entries)
    rng.shuffle(shuffled)

    first, other = new_engine(), new_engine()

    assert first.step(entries, NOON) == other.step(shuffled, NOON)
    assert first.rank(NOON + HOUR) == other.rank(NOON + HOUR)


ahead = st.none() | st.datetimes(min_value=(NOON + 3 * HOUR).replace(tzinfo=None), timezones=st.just(UTC))


@cache
def as_claimed(*dates: datetime | None) -> Engine:
    """An engine with one event whose entries state those dates."""
    engine = new_engine()
    entries = [cast(Entry, item) for item in numbered(EVENTS[0])]
    engine.step([replace(item, published_at=at) for item, at in zip(entries, dates, strict=True)], NOON + 2 * HOUR)
    return engine


@promise
@given(st.tuples(ahead, ahead, ahead))
def test_no_date_in_the_future_moves_a_story(dates: tuple[datetime | None, ...]) -> None:
    undated, dated = as_claimed(None, None, None), as_claimed(*dates)

    assert dated.stories() == undated.stories()
    assert dated.rank(NOON + 3 * HOUR) == undated.rank(NOON + 3 * HOUR)


def test_a_new_voice_lifts_the_trend_a_copy_does_not_and_time_lowers_it() -> None:
    engine, alone = engine_after(entry(1, *EVENTS[1][0], source="lantern", at=NOON))
    quiet = dict(engine.rank(NOON + HOUR)[""])[1]
    same = engine.step([entry(2, *EVENTS[1][0], source="lantern", at=NOON + HOUR)], NOON + HOUR).stories[0]
    second = engine.step([entry(3, *EVENTS[1][1], source="quill", at=NOON + HOUR)], NOON + HOUR).stories[0]

    assert alone.trend > quiet == same.trend > 0
    assert second.trend > quiet
    assert second.independent_sources == 2


def test_what_several_report_stands_above_what_one_does_other_things_equal() -> None:
    engine, _ = engine_after(
        entry(1, *EVENTS[1][0], source="lantern", at=NOON),
        entry(2, *EVENTS[1][1], source="quill", at=NOON),
    )
    later = NOON + HOUR
    for number, event in enumerate(EVENTS[3:5], start=3):
        engine.step([entry(number, *event[0], source="beacon", at=later)], later)

    front = engine.rank(later)[""]

    assert front[0][0] == 1


def test_a_new_model_rescores_the_live_stories_and_says_why() -> None:
    engine, before = engine_after(entry(1, *EVENTS[3][0]))

    changes = engine.use_model(cast(RelevanceModel, Sure()), NOON + HOUR)

    assert [(line.cause, line.score_before, line.score_after) for line in changes.ledger] == [
        (Cause.RETRAINED, before.score, 90)
    ]
    assert engine.use_model(cast(RelevanceModel, Sure()), NOON + HOUR).stories == ()


def test_the_weight_of_a_source_moves_its_stories_in_lists_and_leaves_scores_alone() -> None:
    first = entry(1, *EVENTS[0][0], source=SOURCES[0].id)
    second = entry(2, "Nvidia unveils a chip for robots", "It ships next year.", source=SOURCES[1].id)

    def ranked(weights: dict[str, float]) -> tuple[list[int], dict[int, int]]:
        """Return the entries in the order of their stories, and the scores."""
        sources = tuple(replace(source, weight=weights.get(source.id, 1.0)) for source in SOURCES)
        engine = new_engine(replace(CONFIG, sources=sources))
        stories = {story.story_id: story for story in engine.step([first, second], NOON).stories}
        leads = [stories[story_id].lead_entry_id for story_id, _ in engine.rank(NOON + HOUR)[""]]
        return leads, {story.lead_entry_id: story.score for story in stories.values()}

    order, scores = ranked({})
    assert ranked({SOURCES[order[0] - 1].id: 0.0}) == (order[::-1], scores)
    assert ranked({SOURCES[order[1] - 1].id: 10.0}) == (order[::-1], scores)
