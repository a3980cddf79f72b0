from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from aggregator.model import DecisionKind, Story
from aggregator.store import Store
from scoring.insights.predecessor import Earlier, earlier
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from tests.scoring.world import CONFIG, HOUR, NOON, arrival

WINDOW = timedelta(hours=72)
OLD = "Ruritania labels Plover a supply chain risk for its error-corrected processors"
NEW = "Plover sues Ruritania over supply chain risk label on error-corrected processors"


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(":memory:") as opened:
        opened.feeds.sync(CONFIG.sources, NOON)
        # A word is rare compared with the many entries that do not contain it.
        filler = [arrival(f"Word{n} other{n} thing{n}", "", "quill", None) for n in range(600)]
        with opened.transaction():
            opened.entries.add("quill", filler, NOON - timedelta(days=60))
        yield opened


def tell(store: Store, title: str, source: str, days: float) -> Story:
    """Publish an entry that begins a story, and return the story."""
    at = NOON + timedelta(days=days)
    with store.transaction():
        (entry_id,) = store.entries.add(source, [arrival(title, "", source, None)], at)
    Updater(store, CONFIG, load_prior()).run(at + HOUR)
    story = store.stories.get(entry_id)
    assert story is not None
    return story


def test_a_development_weeks_later_is_a_story_of_its_own_linked_to_the_old_one(store: Store) -> None:
    old = tell(store, OLD, "lantern", 0)
    new = tell(store, NEW, "courier", 20)

    predecessor = earlier(store, new, WINDOW)

    assert isinstance(predecessor, Earlier)
    assert predecessor.story_id == old.story_id
    assert "plover" in predecessor.shared
    assert earlier(store, old, WINDOW) is None


@pytest.mark.parametrize(
    ("title", "source", "days"),
    [
        (NEW, "lantern", 20),  # the same source: its column
        (NEW, "courier", 120),  # too long ago
        ("Plover opens an office in Strelsau", "courier", 20),  # only a name
        (
            "Chain of processors: risk and supply, what Plover and Ruritania label corrected error",
            "courier",
            20,
        ),  # single words, not a phrase
        (NEW.replace("sues", "review:"), "courier", 20),
        ("Plover 起诉 Ruritania supply chain risk label on processors", "courier", 20),
    ],
)
def test_less_than_a_shared_phrase_is_not_a_link(store: Store, title: str, source: str, days: float) -> None:
    tell(store, OLD, "lantern", 0)
    assert earlier(store, tell(store, title, source, days), WINDOW) is None


def test_a_hidden_story_is_not_linked_to(store: Store) -> None:
    old = tell(store, OLD, "lantern", 0)
    store.decisions.decide(DecisionKind.HIDE, story_id=old.story_id, now=NOON + timedelta(days=1))

    assert earlier(store, tell(store, NEW, "courier", 20), WINDOW) is None
