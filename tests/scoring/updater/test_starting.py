from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from aggregator.model import Category, Config
from aggregator.store import Store
from scoring.categories.classifier import Categorizer
from scoring.engine import Engine
from scoring.engine.membership import began_a_story
from scoring.engine.recovery.snapshot import EngineSnapshot, decode
from scoring.engine.settings import SettingsSnapshot
from scoring.relevance.model import load_prior
from scoring.updater import Updater
from scoring.updater.starting import start
from tests.scoring.world import CONFIG, HOUR, NOON, arrival, newsroom, publish

LATER = NOON + timedelta(days=10)


@pytest.fixture
def store() -> Store:
    """A site whose stories are closed except the last one."""
    store = Store.open(":memory:")
    store.feeds.sync(CONFIG.sources, NOON)
    running = Updater(store, CONFIG, load_prior())
    for poll in newsroom(1):
        publish(store, poll)
        running.run(poll[0])
    publish(store, (LATER, [arrival("Ferry docks itself", "", "lantern", None)], "lantern"))
    running.run(LATER)
    return store


def started(store: Store, config: Config = CONFIG) -> EngineSnapshot:
    engine = Engine(config, load_prior())
    assert start(engine, store, config.scoring.window)
    return decode(engine.snapshot(), SettingsSnapshot.of(config))


def read_texts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows with each text whose category is computed."""
    texts: list[object] = []
    evidence = Categorizer.evidence

    def watched(self: Categorizer, *args: object) -> object:
        texts.append(args)
        return evidence(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Categorizer, "evidence", watched)
    return texts


def counted(store: Store) -> int:
    """Return how many entries count in a category: the first of each voice of a story, and those that began one."""
    memberships = sorted(store.memberships.since(NOON - HOUR), key=lambda membership: membership.entry_id)
    first = {(membership.story_id, membership.voice): membership for membership in reversed(memberships)}
    begun = [membership for membership in memberships if began_a_story(membership)]
    return len({membership.entry_id for membership in (*first.values(), *begun)})


def test_a_start_counts_single_entries_where_they_were_counted_without_reading_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    categories = store.snapshots.categories_at_arrival(NOON - HOUR)
    texts = read_texts(monkeypatch)
    store.snapshots.drop()
    quick = started(store).state.rhythm
    by_stored, in_all = len(texts), counted(store)
    monkeypatch.setattr(type(store.snapshots), "categories_at_arrival", lambda _self, _since: {})
    texts.clear()

    assert quick == started(store).state.rhythm
    assert categories
    assert len(texts) == in_all < store.entries.count()
    assert by_stored == in_all - len(categories) + 1  # the open story is analysed in any case


def test_an_edited_story_is_no_proof_of_what_its_entry_was_counted_as(store: Store) -> None:
    before = store.snapshots.categories_at_arrival(NOON - HOUR)
    publish(store, (LATER + HOUR, [], "lantern"), "Corrected:")
    Updater(store, CONFIG, load_prior()).run(LATER + HOUR)

    after = store.snapshots.categories_at_arrival(NOON - HOUR)
    assert after.items() < before.items()
    assert store.snapshots.categories_at_arrival(datetime.max.replace(tzinfo=NOON.tzinfo)) == {}


def test_with_other_categories_every_text_that_counts_is_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = read_texts(monkeypatch)

    started(store, replace(CONFIG, categories=(*CONFIG.categories, Category("ships", "Ships"))))

    assert len(texts) == counted(store)
