"""Entries whose IDs are not in the order of their steps are renumbered, with everything that refers to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest

from aggregator.model import Entry
from aggregator.store import Arrival, Store, StoreFault
from tests.postgres.cluster import Cluster
from tests.postgres.test_concurrent_pollers import site
from tests.scoring.updater.test_updater import eager, filled, updater
from tests.scoring.world import HOUR, NOON, arrival, newsroom

EARLY, LATE = "Ferry operator tests autonomous docking", "Library digitises botanical drawings"


@pytest.fixture
def stores(postgres: Cluster) -> Iterator[tuple[Store, Store]]:
    """Two connections to one database: that of a poller, and that of a poller with the scorer."""
    url = postgres.emptied_database()
    with Store.connect(url) as first, Store.connect(url) as other:
        filled(first)
        yield first, other


def store_entry(store: Store, source: str, title: str) -> int:
    (entry_id,) = store.entries.add(source, [arrival(title, "", source, None)], NOON)
    store.pending_steps.add_poll(source, NOON)
    return entry_id


def ids(store: Store) -> dict[str, int]:
    return {entry.title: entry.entry_id for entry in store.entries.each()}


def test_an_entry_that_is_committed_late_comes_behind_the_others(stores: tuple[Store, Store]) -> None:
    slow, quick = stores
    with slow.transaction():
        late = store_entry(slow, "lantern", LATE)
        # Another poll takes the next ID, and is clustered before this one is committed.
        with quick.transaction():
            early = store_entry(quick, "quill", EARLY)
        assert early > late
        updater(quick).run(NOON + HOUR)

    slow.entries.edit(late, arrival(f"Corrected: {LATE}", "", "lantern", None), NOON + HOUR)
    slow.pending_steps.add_poll("lantern", NOON + HOUR)
    updater(quick).run(NOON + 2 * HOUR)

    now = ids(quick)
    assert now[EARLY] == early
    assert now[f"Corrected: {LATE}"] > early
    number = now[f"Corrected: {LATE}"]
    assert [edit.title_before for edit in quick.entries.edits(number)] == [LATE]
    assert quick.memberships.story_of(number) == number
    assert quick.memberships.story_of(late) is None
    assert quick.stories.get(number) is not None
    assert quick.faults() == []
    rows = quick._connection.rows("select entry_id from entry_words order by entry_id")
    assert [row[0] for row in rows] == [early, number]


def test_what_is_in_order_keeps_its_ids(stores: tuple[Store, Store]) -> None:
    store, _ = stores
    with store.transaction():
        expected = [store_entry(store, "lantern", EARLY), store_entry(store, "quill", LATE)]
    updater(store).run(NOON + HOUR)
    assert sorted(ids(store).values()) == expected


def test_the_stored_state_of_an_entry_moves_with_it(stores: tuple[Store, Store]) -> None:
    slow, quick = stores
    with slow.transaction():
        late = store_entry(slow, "lantern", LATE)
        with quick.transaction():
            store_entry(quick, "quill", EARLY)
        updater(quick).run(NOON + HOUR)
    quick._connection.run("insert into entry_languages (entry_id, language) values (:id, 'en')", {"id": late})
    updater(quick).run(NOON + HOUR)
    number = ids(quick)[LATE]
    assert number != late
    assert [row[0] for row in quick._connection.rows("select entry_id from entry_languages")] == [number]


def test_a_poll_that_knows_the_old_id_is_not_lost_in_silence(stores: tuple[Store, Store]) -> None:
    store, _ = stores
    changed = arrival(EARLY, "With a summary now.", "lantern", None)
    with pytest.raises(StoreFault, match="another ID"):
        store.entries.refresh(1, changed)
    with pytest.raises(StoreFault, match="another ID"):
        store.entries.edit(1, changed, NOON)


def test_polls_that_are_committed_out_of_order_give_the_stories_of_one_process(
    stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    # With splits, which name stories by entry IDs.
    eager(monkeypatch)
    slow, quick = stores
    polls = [poll for poll in newsroom(3, polls=60, step=timedelta(minutes=47)) if poll[1]]
    running = updater(quick)
    for first, second in zip(polls[::2], polls[1::2], strict=False):
        with slow.transaction():
            put(slow, first[2], first[1], first[0])
            put(quick, second[2], second[1], second[0])
            running.run(second[0])
        running.run(second[0])

    arrivals = {(source, arrived.identity): arrived for _, some, source in polls for arrived in some}
    with filled(Store.open(":memory:")) as alone:
        single = updater(alone)
        for moment, events in quick.events.since(None, 1_000):
            keys = [(event.source_id, event.identity) for event in events if isinstance(event, Entry)]
            put(alone, keys[0][0], [arrivals[key] for key in keys], moment)
            single.run(moment)
        for each in (running, single):
            each.run(polls[-1][0] + HOUR)
        expected, actual = site(alone), site(quick)
        assert "Cause.SPLIT" in str(expected["ledger"])
        for part in expected:
            assert actual[part] == expected[part], part


def put(store: Store, source: str, arrivals: Sequence[Arrival], at: datetime) -> None:
    with store.transaction():
        store.entries.add(source, arrivals, at)
        store.pending_steps.add_poll(source, at)
