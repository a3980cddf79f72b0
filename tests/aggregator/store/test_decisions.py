from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.errors import DecisionError
from aggregator.model import NO_REASON, Changes, Decision, DecisionKind, Entry, Membership, Story, Undo
from aggregator.store import ListQuery, Store
from aggregator.text.search_query import read
from tests.aggregator.store.conftest import OpenStore
from tests.scoring.world import CONFIG, HOUR, NOON, arrival

LATER = NOON + 10 * HOUR


@pytest.fixture
def store(new_store: OpenStore) -> Store:
    opened = new_store()
    fill(opened)
    return opened


def fill(store: Store) -> None:
    """Three stories: 1 with entries 1, 2, 3; 4 with 4 and 5; 6 alone."""
    store.feeds.sync(CONFIG.sources, NOON)
    with store.transaction():
        store.entries.add("lantern", [arrival(name, "", "lantern", None) for name in "abcdef"], NOON)
    for story_id, entry_ids in ((1, (1, 2, 3)), (4, (4, 5)), (6, (6,))):
        put(store, story_id, entry_ids)


def put(store: Store, story_id: int, entry_ids: tuple[int, ...], **changed: object) -> None:
    values = {
        "story_id": story_id,
        "headline": "A headline",
        "summary": "",
        "lead_entry_id": entry_ids[0],
        "category_id": "models",
        "first_seen_at": NOON,
        "last_source_at": NOON,
        "updated_at": NOON,
        "entries": len(entry_ids),
        "sources": 1,
        "independent_sources": 1,
        "score": 50,
        "relevance": 0.5,
        "provisional": True,
        "trend": 1.0,
        **changed,
    }
    members = tuple(
        Membership(entry_id, story_id, NOON, 0.0, 1.0, NO_REASON, "lantern.example") for entry_id in entry_ids
    )
    with store.transaction():
        store.stories.save(Changes(members, (Story(**values),)))  # type: ignore[arg-type]


def test_a_split_names_who_leaves_and_who_stays(store: Store) -> None:
    decision = store.decisions.decide(DecisionKind.SPLIT, story_id=1, entry_ids=[3, 2], now=LATER)

    assert (decision.entry_ids, decision.other_ids, decision.at, decision.undone_at) == ((2, 3), (1,), LATER, None)
    assert store.decisions.get(decision.decision_id) == decision
    assert store.decisions.standing() == store.decisions.history() == store.decisions.of_story(1) == [decision]
    assert store.decisions.of_story(6) == []


def test_merge_and_move_name_both_stories_by_their_entries(store: Store) -> None:
    merged = store.decisions.decide(DecisionKind.MERGE, story_id=6, into_id=4, now=LATER)
    moved = store.decisions.decide(DecisionKind.MOVE, story_id=1, entry_ids=[1], into_id=4, now=LATER)

    assert (merged.entry_ids, merged.other_ids, merged.into_id) == ((6,), (4, 5), 4)
    assert (moved.entry_ids, moved.other_ids, moved.into_ids) == ((1,), (2, 3), (4, 5))


def test_an_address_that_leads_elsewhere_means_the_story_there(store: Store) -> None:
    put(store, 1, (6,))
    put(store, 6, (6,), merged_into=1)

    assert store.decisions.decide(DecisionKind.PIN, story_id=6, now=LATER).story_id == 1


@pytest.mark.parametrize(
    ("kind", "arguments", "expected"),
    [
        (DecisionKind.SPLIT, {"story_id": 99, "entry_ids": [1]}, "there is no story 99"),
        (DecisionKind.SPLIT, {"story_id": 1, "entry_ids": [1, 4]}, "entry 4 is not in story 1"),
        (DecisionKind.SPLIT, {"story_id": 1}, "no entry of story 1 is named"),
        (DecisionKind.SPLIT, {"story_id": 1, "entry_ids": [1, 2, 3]}, "story 1 would be empty"),
        (DecisionKind.MERGE, {"story_id": 1, "into_id": 1}, "cannot be merged with itself"),
        (DecisionKind.MERGE, {"story_id": 1, "into_id": 7}, "there is no story 7"),
        (DecisionKind.MERGE, {"story_id": 1}, "name the other story"),
        (DecisionKind.MOVE, {"story_id": 1, "entry_ids": [2], "into_id": 1}, "cannot be merged with itself"),
        (DecisionKind.CATEGORY, {"story_id": 1}, "name a category"),
    ],
)
def test_impossible_decisions_give_a_clear_message_and_store_nothing(
    store: Store, kind: DecisionKind, arguments: dict[str, object], expected: str
) -> None:
    with pytest.raises(DecisionError, match=expected):
        store.decisions.decide(kind, now=LATER, **arguments)  # type: ignore[arg-type]
    assert store.decisions.history() == []


def test_a_decision_is_undone_once_and_stays_in_the_history(store: Store) -> None:
    decision = store.decisions.decide(DecisionKind.HIDE, story_id=1, now=LATER)
    undone = store.decisions.undo(decision.decision_id, LATER + HOUR)

    assert undone.undone_at == LATER + HOUR
    assert store.decisions.standing() == []
    assert store.decisions.standing(LATER) == [undone]
    assert store.decisions.history() == [undone]
    with pytest.raises(DecisionError, match="was already undone"):
        store.decisions.undo(decision.decision_id, LATER + HOUR)
    with pytest.raises(DecisionError, match="no decision 9"):
        store.decisions.undo(9, LATER)


def test_decisions_come_as_events_each_at_a_moment_of_its_own(store: Store) -> None:
    """Even if the clock went back, or a poll has the same time."""
    decision = store.decisions.decide(DecisionKind.HIDE, story_id=1, now=NOON - HOUR)
    undone = store.decisions.undo(decision.decision_id, NOON - HOUR)
    with store.transaction():
        moment = store.entries.arrival_moment(NOON)
        store.entries.add("lantern", [arrival("g", "", "lantern", None)], moment)
        store.pending_steps.add_poll("lantern", moment)

    assert store.events.since(NOON) == []
    assert store.events.any_since(NOON)
    steps = store.pending_steps.next(NOON, LATER, 10)

    tick = timedelta(microseconds=1)
    assert [step.moment for step in steps] == [NOON + tick, NOON + 2 * tick, NOON + 3 * tick]
    assert steps[0].events == [decision]
    assert steps[1].events == [Undo(undone, NOON + 2 * tick)]
    assert isinstance(steps[2].events[0], Entry)

    store.pending_steps.settle(steps)
    assert store.events.since(NOON) == [(step.moment, step.events) for step in steps]
    assert store.events.any_since(NOON + tick)
    assert not store.events.any_since(NOON + 3 * tick)


def test_two_processes_decide_at_once_and_get_different_moments(tmp_path: Path) -> None:
    with Store.open(tmp_path / "g.db") as worker, Store.open(tmp_path / "g.db") as site:
        fill(worker)
        decisions: list[Decision] = [
            store.decisions.decide(DecisionKind.CATEGORY, story_id=1, category_id="policy", now=LATER)
            for store in (worker, site, worker, site)
        ]
    assert len({decision.at for decision in decisions}) == 4


def test_a_hidden_story_is_in_no_list_and_its_address_still_leads_to_it(store: Store) -> None:
    put(store, 4, (4, 5), hidden=True)

    assert [decision.story.story_id for decision in store.story_lists.select(ListQuery())] == [6, 1]
    assert (store.search.stories(read("a", NOON)).total, store.search.stories(read("d", NOON)).total) == (1, 0)
    assert store.story_lists.counts_by_category(NOON) == {"models": 2}
    assert store.story_lists.listed(4) is not None


def test_an_address_follows_its_entry(store: Store) -> None:
    put(store, 1, (1, 2, 3, 4, 5))
    put(store, 4, (4,), merged_into=1)

    put(store, 6, (4, 6))

    assert store.stories.get(4).merged_into == 6  # type: ignore[union-attr]
