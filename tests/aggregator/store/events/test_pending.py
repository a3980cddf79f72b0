"""Steps are taken in one order, whatever order and time they were stored with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from aggregator.errors import StoreError
from aggregator.model import Edit, Entry, Event
from aggregator.store import Store
from aggregator.store.events.pending import TICK
from tests.aggregator.store.conftest import OpenStore
from tests.scoring.world import CONFIG, HOUR, NOON, arrival

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(new_store: OpenStore) -> Store:
    opened = new_store()
    opened.feeds.sync(CONFIG.sources, NOON)
    return opened


def poll(store: Store, source: str, title: str, at: datetime) -> int:
    """Store the poll of a poller that proposes *at*, whatever others have stored."""
    with store.transaction():
        (entry_id,) = store.entries.add(source, [arrival(title, "", source, None)], at)
        store.pending_steps.add_poll(source, at)
    return entry_id


def edit(store: Store, entry_id: int, source: str, title: str, at: datetime) -> None:
    with store.transaction():
        store.entries.edit(entry_id, arrival(title, "", source, None), at)
        store.pending_steps.add_poll(source, at)


def titles(events: Sequence[Event]) -> list[str]:
    return [event.title for event in events if isinstance(event, (Entry, Edit))]


def take(store: Store, after: datetime | None, now: datetime = NOON + HOUR) -> list[tuple[datetime, list[str]]]:
    steps = store.pending_steps.next(after, now, 100)
    with store.transaction():
        store.pending_steps.settle(steps)
    return [(step.moment, titles(step.events)) for step in steps]


def settled(store: Store) -> list[tuple[datetime, list[str]]]:
    return [(moment, titles(events)) for moment, events in store.events.since(None)]


def test_what_is_pending_is_no_event_until_its_moment_is_settled(store: Store) -> None:
    poll(store, "lantern", "Chips are late", NOON)

    assert store.events.since(None) == []
    assert list(store.entries.headlines_since(NOON - HOUR)) == []
    assert store.events.any_since(NOON + HOUR)

    assert take(store, None) == [(NOON, ["Chips are late"])]
    assert settled(store) == [(NOON, ["Chips are late"])]
    assert [title for _, _, title, _, _ in store.entries.headlines_since(NOON - HOUR)] == ["Chips are late"]
    assert store.pending_steps.count() == 0


def test_an_earlier_moment_that_is_committed_later_is_taken_and_comes_later(store: Store) -> None:
    poll(store, "lantern", "Second", NOON + MINUTE)
    assert take(store, None) == [(NOON + MINUTE, ["Second"])]

    late = poll(store, "quill", "First, but committed late", NOON)

    assert take(store, NOON + MINUTE) == [(NOON + MINUTE + TICK, ["First, but committed late"])]
    entry = store.entries.get(late)
    assert entry is not None
    assert entry.first_seen_at == NOON + MINUTE + TICK
    assert [titles for _, titles in settled(store)] == [["Second"], ["First, but committed late"]]


def test_polls_of_one_moment_are_steps_of_their_own(store: Store) -> None:
    poll(store, "lantern", "One", NOON)
    poll(store, "quill", "Other", NOON)

    assert take(store, None) == [(NOON, ["One"]), (NOON + TICK, ["Other"])]
    assert settled(store) == [(NOON, ["One"]), (NOON + TICK, ["Other"])]


def test_a_clock_that_is_ahead_does_not_carry_the_others_along(store: Store) -> None:
    poll(store, "lantern", "From next year", NOON + 365 * 24 * HOUR)
    poll(store, "quill", "Half a minute ahead", NOON + MINUTE / 2)

    assert take(store, None, NOON) == [
        (NOON + MINUTE / 2, ["Half a minute ahead"]),
        (NOON + MINUTE / 2 + TICK, ["From next year"]),
    ]


def test_an_edit_of_what_is_pending_itself_moves_with_it(store: Store) -> None:
    first = poll(store, "lantern", "As it came", NOON)
    edit(store, first, "lantern", "Corrected", NOON + MINUTE)
    edit(store, first, "lantern", "Corrected again", NOON + 2 * MINUTE)

    after = NOON + HOUR
    moments = [after + TICK, after + 2 * TICK, after + 3 * TICK]
    expected = list(zip(moments, [["As it came"], ["Corrected"], ["Corrected again"]], strict=True))
    assert take(store, after) == expected
    assert settled(store) == expected
    entry = store.entries.get(first)
    assert entry is not None
    assert (entry.first_seen_at, entry.edited_at) == (moments[0], moments[2])


def test_polls_of_one_source_stay_apart_where_their_moments_would_meet(store: Store) -> None:
    poll(store, "lantern", "One", NOON - HOUR)
    poll(store, "lantern", "Two", NOON + TICK)

    assert take(store, NOON) == [(NOON + 2 * TICK, ["One"]), (NOON + 3 * TICK, ["Two"])]
    assert settled(store) == [(NOON + 2 * TICK, ["One"]), (NOON + 3 * TICK, ["Two"])]


def test_a_second_scorer_cannot_store_what_the_first_has_taken(store: Store) -> None:
    poll(store, "lantern", "One", NOON)
    steps = store.pending_steps.next(None, NOON, 10)
    other = store.pending_steps.next(None, NOON, 10)
    store.pending_steps.settle(steps)

    with pytest.raises(StoreError, match="another scorer"), store.transaction():
        store.pending_steps.settle(other)


def test_a_transaction_that_fails_leaves_the_steps_pending(store: Store) -> None:
    poll(store, "lantern", "One", NOON - HOUR)

    def fail() -> None:
        with store.transaction():
            store.pending_steps.settle(store.pending_steps.next(NOON, NOON, 10))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.pending_steps.count() == 1
    assert take(store, NOON) == [(NOON + TICK, ["One"])]
