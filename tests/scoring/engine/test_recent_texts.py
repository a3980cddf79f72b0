"""Analysed texts are cached for a while, but never past an edit."""

from __future__ import annotations

from dataclasses import replace

from aggregator.model import Edit
from scoring.engine import Engine
from scoring.engine.live_story import MAX_RECENT_TEXTS, RecentTexts
from scoring.relevance.model import load_prior
from tests.scoring.world import CONFIG, EVENTS, HOUR, NOON, entry


def test_a_text_is_analysed_once() -> None:
    texts = RecentTexts()
    first = entry(1, *EVENTS[0][0])
    assert texts.of(first) is texts.of(replace(first, title="Another title"))


def test_the_least_recently_used_texts_are_evicted() -> None:
    texts = RecentTexts()
    first, second = (texts.of(entry(number, "A title")) for number in (1, 2))
    for number in range(3, MAX_RECENT_TEXTS + 1):
        texts.of(entry(number, "A title"))
    texts.of(entry(1, "A title"))
    texts.of(entry(MAX_RECENT_TEXTS + 1, "A title"))

    assert texts.of(entry(1, "A title")) is first
    assert texts.of(entry(2, "A title")) is not second


def test_the_terms_of_a_growing_story_are_kept_until_they_are_forgotten() -> None:
    running = Engine(CONFIG, load_prior())
    running.step([entry(1, *EVENTS[0][0])], NOON)
    texts, member = running._state.texts, running._state.live[1].members[1]
    terms = texts.terms(member)
    for number in range(2, MAX_RECENT_TEXTS + 2):
        texts.of(entry(number, "A title"))

    assert texts.terms(member) is terms
    texts.forget(1)
    assert texts.terms(member) is not terms
    assert texts.terms(member) == terms == texts.of(member).terms()


def test_an_edit_is_compared_by_its_new_text() -> None:
    running = Engine(CONFIG, load_prior())
    running.step([entry(1, *EVENTS[0][0])], NOON)
    before = running._state.texts.of(running._state.live[1].members[1])
    title = "Ferry docks in the fjord"

    running.step([Edit(1, 1, NOON + HOUR, EVENTS[0][0][0], title, "", "")], NOON + HOUR)

    after = running._state.texts.of(running._state.live[1].members[1])
    assert after.title != before.title
    assert "ferry" in after.title


def test_the_runs_of_a_story_are_removed_with_it() -> None:
    texts, running = RecentTexts(), Engine(CONFIG, load_prior())
    running.step([replace(entry(number, *EVENTS[0][0]), source_id=f"s{number}") for number in (1, 2)], NOON)
    assert running._state.texts._kept_runs > 0

    running.step([], NOON + 24 * 30 * HOUR)

    assert (running._state.texts._kept_runs, running._state.texts._runs) == (texts._kept_runs, texts._runs)
