"""Rules in feeds.yaml: what they mute and boost, and that nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from aggregator.model import Config, DecisionKind, RuleEffect, StoryRule
from aggregator.store import ListQuery, Store
from scoring.ranking import page_order
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from tests.scoring.world import CONFIG, HOUR, NOON, newsroom, publish

MUTE, BOOST = RuleEffect.MUTE, RuleEffect.BOOST
POLLS = newsroom(3, polls=8, step=2 * HOUR)
END = POLLS[-1][0] + HOUR


def with_rules(*rules: StoryRule) -> Config:
    return replace(CONFIG, rules=rules)


def site(*rules: StoryRule, polls: int = len(POLLS)) -> tuple[Store, Updater]:
    store = Store.open(":memory:")
    store.feeds.sync(CONFIG.sources, NOON)
    updater = Updater(store, with_rules(*rules), load_prior())
    for poll in POLLS[:polls]:
        publish(store, poll)
        updater.run(poll[0])
    updater.run(END)
    return store, updater


def front(store: Store) -> list[int]:
    return [item.story.story_id for item in store.story_lists.ranked(limit=100)]


def about(store: Store, word: str) -> set[int]:
    return {story.story_id for story in store.stories.each() if word in story.headline and not story.merged_into}


@pytest.fixture(scope="module")
def plain() -> Store:
    return site()[0]


def test_a_muted_story_leaves_lists_and_keeps_its_score_and_everything_else(plain: Store) -> None:
    store, _ = site(StoryRule(MUTE, "trainium"))
    muted = about(store, "Trainium")

    assert muted
    assert muted <= set(front(plain))
    assert front(store) == [story_id for story_id in front(plain) if story_id not in muted]
    without_trend = [[replace(story, trend=0.0) for story in site.stories.each()] for site in (plain, store)]
    assert without_trend[0] == without_trend[1]
    assert store.story_rules.count(StoryRule(MUTE, "trainium")) == len(muted)
    (story_id,) = [item.story.story_id for item in store.story_rules.stories(StoryRule(MUTE, "trainium"))]
    assert store.story_rules.of(story_id) == [StoryRule(MUTE, "trainium")]


def test_unless_lets_stories_break_out(plain: Store) -> None:
    (story_id,) = about(plain, "Trainium")
    story = plain.stories.get(story_id)
    assert story is not None
    below, above = (site(StoryRule(MUTE, f"trainium unless score:>{story.score + step}"))[0] for step in (-1, 0))

    assert story_id in front(below)
    assert story_id not in front(above)


def test_a_boost_moves_a_story_up_and_is_one_of_the_parts_of_its_place(plain: Store) -> None:
    last = front(plain)[-1]
    headline = plain.stories.get(last).headline  # type: ignore[union-attr]
    rule = StoryRule(BOOST, f'"{headline}"')
    store, _ = site(rule)

    assert front(store).index(last) < front(plain).index(last)
    assert sorted(front(store)) == sorted(front(plain))
    parts = {name: value for name, value, _ in store.places.of(last)}
    assert parts["boost"] == page_order.BOOST
    assert store.stories.get(last).score == plain.stories.get(last).score  # type: ignore[union-attr]
    assert store.story_rules.of(last) == [rule]


def test_a_rule_ends_with_its_last_day_by_the_time_zone_of_the_site(plain: Store) -> None:
    rule = StoryRule(MUTE, "trainium", until=date(2026, 11, 18))
    store, updater = site(rule)
    muted = about(store, "Trainium")
    edition = store.state.edition()

    updater.run(NOON.replace(day=18, hour=23, minute=59))
    assert muted.isdisjoint(front(store))
    updater.run(NOON.replace(day=19, hour=0, minute=1))
    assert muted <= set(front(store))
    assert store.state.edition() > edition
    assert store.story_rules.story_ids(MUTE) == frozenset()


def test_a_changed_file_applies_to_the_stories_that_are_there(plain: Store) -> None:
    store, updater = site()
    muted = about(store, "Trainium")

    updater.reconfigure(with_rules(StoryRule(MUTE, "trainium")), END)
    assert store.story_rules.story_ids(MUTE) == muted
    assert muted.isdisjoint(front(store))
    updater.reconfigure(CONFIG, END)
    assert front(store) == front(plain)


def test_a_rebuild_and_a_restart_give_the_same_matches() -> None:
    rules = (StoryRule(MUTE, "trainium unless sources:>9"), StoryRule(BOOST, "source:herald"), StoryRule(MUTE, "levy"))
    store, updater = site(*rules)
    before = [store.story_rules.story_ids(effect) for effect in RuleEffect], front(store)

    assert all(before[0])
    updater.rebuild(END)
    assert ([store.story_rules.story_ids(effect) for effect in RuleEffect], front(store)) == before
    # A worker that stopped between two transactions left rows that the next start corrects.
    store.story_rules.replace(MUTE, {})
    Updater(store, with_rules(*rules), load_prior()).run(END)
    assert ([store.story_rules.story_ids(effect) for effect in RuleEffect], front(store)) == before


def test_matches_do_not_depend_on_how_polls_are_batched() -> None:
    rules = (StoryRule(MUTE, "heron unless sources:>2"), StoryRule(BOOST, "court", until=date(2026, 11, 30)))
    stepwise, _ = site(*rules)
    at_once = Store.open(":memory:")
    at_once.feeds.sync(CONFIG.sources, NOON)
    for poll in POLLS:
        publish(at_once, poll)
    Updater(at_once, with_rules(*rules), load_prior()).run(END)

    for effect in RuleEffect:
        assert at_once.story_rules.story_ids(effect) == stepwise.story_rules.story_ids(effect)
    assert front(at_once) == front(stepwise)


def test_the_first_rule_that_matches_is_named() -> None:
    store, _ = site(StoryRule(MUTE, "chips"), StoryRule(MUTE, "trainium"), StoryRule(BOOST, "trainium"))
    (story_id,) = about(store, "Trainium")

    assert store.story_rules.of(story_id) == [StoryRule(MUTE, "chips"), StoryRule(BOOST, "trainium")]


def test_the_newest_and_the_best_scored_leave_out_muted_stories_unless_pinned() -> None:
    store, updater = site(StoryRule(MUTE, "trainium"))
    (story_id,) = about(store, "Trainium")

    def listed(sort: str) -> set[int]:
        query = ListQuery(sort=sort, limit=100)  # type: ignore[arg-type]
        return {item.story.story_id for item in store.story_lists.select(query)}

    assert story_id not in listed("newest") | listed("score")
    counts = sum(store.story_lists.counts_by_category(NOON - timedelta(days=9)).values())
    store.decisions.decide(DecisionKind.PIN, story_id=story_id, now=END + HOUR)
    updater.run(END + 2 * HOUR)
    assert story_id in listed("newest") & listed("score")
    assert front(store)[0] == story_id
    assert sum(store.story_lists.counts_by_category(NOON - timedelta(days=9)).values()) == counts + 1
