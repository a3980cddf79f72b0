from __future__ import annotations

from dataclasses import replace

from aggregator.model import ReasonKind
from aggregator.store import Store
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from tests.scoring.world import CONFIG, HOUR, NOON, newsroom, publish


def test_counterfactuals_of_listed_stories_are_stored_for_the_score_they_belong_to() -> None:
    with Store.open(":memory:") as store:
        store.feeds.sync(CONFIG.sources, NOON)
        for poll in newsroom(1):
            publish(store, poll)
        updater = Updater(store, CONFIG, load_prior())
        updater.run(NOON + HOUR)

        count = 0
        for item in store.story_lists.ranked("", 20):
            story = item.story
            worked_out = [(what.condition, what.score) for what in updater.engine.counterfactuals(story.story_id)]
            assert store.counterfactuals.of(story.story_id, story.score) == worked_out
            assert store.counterfactuals.of(story.story_id, story.score + 1) == []
            assert all(score != story.score or condition.kind == ReasonKind.ALONE for condition, score in worked_out)
            count += len(worked_out)
        assert count > 0
        assert updater.engine.counterfactuals(10**6) == ()


def test_a_score_that_cannot_be_worked_out_again_has_no_counterfactuals() -> None:
    with Store.open(":memory:") as store:
        store.feeds.sync(CONFIG.sources, NOON)
        for poll in newsroom(1):
            publish(store, poll)
        updater = Updater(store, CONFIG, load_prior())
        updater.run(NOON + HOUR)
        story_id = store.story_lists.ranked("", 1)[0].story.story_id
        live = updater.engine._state.live[story_id]
        assert live.story is not None
        live.story = replace(live.story, score=live.story.score - 1)
        assert updater.engine.counterfactuals(story_id) == ()
