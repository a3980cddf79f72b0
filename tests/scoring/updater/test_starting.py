from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.model import Category, Changes, Config
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


def test_a_start_counts_entries_where_they_were_counted_without_reading_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = read_texts(monkeypatch)
    store.snapshots.drop()
    quick = started(store).state.rhythm
    by_stored, in_all = len(texts), counted(store)
    store.memberships.forget_categories()
    texts.clear()

    assert quick == started(store).state.rhythm
    assert len(texts) == in_all < store.entries.count()
    assert by_stored == 1  # the open story, whose evidence is needed in any case


def test_an_entry_stays_counted_where_it_was_when_its_text_changes_or_its_story_merges(store: Store) -> None:
    before = {m.entry_id: m.counted_in for m in store.memberships.since(NOON - HOUR)}
    last = store.memberships.of_story(max(before))[0][1]
    moved = replace(last, story_id=min(before), counted_in=None)

    store.stories.save(Changes(memberships=(moved,)))
    publish(store, (LATER + HOUR, [], "lantern"), "Corrected:")
    Updater(store, CONFIG, load_prior()).run(LATER + HOUR)

    assert None not in before.values()
    assert {m.entry_id: m.counted_in for m in store.memberships.since(NOON - HOUR)} == before
    assert store.memberships.story_of(max(before)) == min(before)


def test_with_other_categories_every_text_that_counts_is_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = read_texts(monkeypatch)

    started(store, replace(CONFIG, categories=(*CONFIG.categories, Category("ships", "Ships"))))

    assert len(texts) == counted(store)
    # The next start must not count by the settings of before.
    assert {m.counted_in for m in store.memberships.since(NOON - HOUR)} == {None}
