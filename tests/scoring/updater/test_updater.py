from __future__ import annotations

import logging
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring.engine.state
from aggregator.model import Cause, Changes, DecisionKind, Entry, Event, Membership, Reason, ReasonKind, because
from aggregator.store import Store, StoredSnapshot
from scoring.clustering import reclustering
from scoring.editorial.decisions import Constraints, concerned
from scoring.engine import FORMAT, Engine
from scoring.engine.membership import began_a_story
from scoring.engine.recovery.snapshot import EngineSnapshot, decode
from scoring.engine.settings import SettingsSnapshot
from scoring.relevance.calibration import Calibration
from scoring.relevance.model import RelevanceModel, load_prior
from scoring.updater import Updater
from tests.scoring.world import CONFIG, HOUR, NOON, arrival, decide, newsroom, publish

Log = list[tuple[datetime, Changes]]


def filled(store: Store) -> Store:
    store.feeds.sync(CONFIG.sources, NOON)
    return store


def updater(store: Store, log: Log | None = None) -> Updater:
    def watch(moment: datetime, events: Sequence[Event], changes: Changes) -> None:
        if log is not None:
            log.append((moment, changes))

    return Updater(store, CONFIG, load_prior(), watch)


def remembered(store: Store) -> tuple[datetime | None, EngineSnapshot]:
    """The last snapshot of the engine as a value: sets have no order."""
    snapshot = store.snapshots.latest()
    assert snapshot is not None
    return snapshot.at, decode(snapshot.data, SettingsSnapshot.of(CONFIG))


def picture(store: Store) -> tuple[object, ...]:
    """Everything derived that a page could show; the trend is as of the last change of order."""
    stories = [replace(story, trend=0.0) for story in store.stories.each()]
    return (
        stories,
        [store.memberships.of_story(story.story_id) for story in stories],
        [store.stories.ledger(story.story_id) for story in stories],
        [listed.story.story_id for listed in store.story_lists.ranked(limit=100)],
        store.progress.watermark(),
        remembered(store),
    )


def eager(patch: pytest.MonkeyPatch) -> None:
    """Make stories join on little more than one shared word, and split easily."""
    patch.setattr(reclustering, "MERGE_MARGIN", -20.0)
    patch.setattr(reclustering, "MIN_LIKENESS", 0.01)
    patch.setattr(reclustering, "MAX_SPLIT_RATIO", 0.9)


@pytest.fixture
def store() -> Store:
    return filled(Store.open(":memory:"))


def test_each_listed_story_stores_the_parts_of_its_place(store: Store) -> None:
    for poll in newsroom(1):
        publish(store, poll)
    updater(store).run(NOON + HOUR)

    listed = [item.story for item in store.story_lists.ranked(limit=100)]
    assert listed
    for story in listed:
        parts = {name: amount for name, _, amount in store.places.of(story.story_id)}
        assert (parts["score"], parts["coverage"]) == (story.score, story.independent_sources)
    assert store.places.of(10**6) == []


def test_entries_become_stories_and_the_page_is_ordered(store: Store) -> None:
    for poll in newsroom(1):
        publish(store, poll)

    assert updater(store).run(NOON + 125 * HOUR) == store.entries.count()

    standing = [story for story in store.stories.each() if story.merged_into is None]
    assert sum(story.entries for story in standing) == store.entries.count()
    assert any(story.independent_sources > 1 for story in store.stories.each())
    assert store.story_lists.ranked()
    assert store.state.edition() > 0


def test_nothing_new_changes_nothing(store: Store) -> None:
    for poll in newsroom(1):
        publish(store, poll)
    running = updater(store)
    running.run(NOON + 125 * HOUR)
    before = picture(store), store.state.edition()

    assert running.run(NOON + 125 * HOUR) == 0
    assert (picture(store), store.state.edition()) == before


@given(
    seed=st.integers(0, 10_000),
    stops=st.sets(st.integers(0, 39), max_size=4),
    often=st.sampled_from((5, 40, 2_000)),
    merging=st.booleans(),
    editing=st.booleans(),
)
@settings(max_examples=12, deadline=None)
def test_stopping_anywhere_and_starting_again_leaves_no_trace(
    seed: int, stops: set[int], often: int, merging: bool, editing: bool
) -> None:
    polls = newsroom(seed, polls=40, step=timedelta(hours=7 + seed % 30))
    with (
        pytest.MonkeyPatch.context() as patch,
        filled(Store.open(":memory:")) as first,
        filled(Store.open(":memory:")) as other,
    ):
        patch.setattr(scoring.engine.state, "MIN_UNSAVED_ENTRIES", often)
        if merging:
            eager(patch)
        steady_log: Log = []
        stopped_log: Log = []
        steady = updater(first, steady_log)
        stopped = updater(other, stopped_log)
        for number, poll in enumerate(polls):
            edit = "Corrected:" if number % 4 == 3 else ""
            publish(first, poll, edit)
            publish(other, poll, edit)
            if number in stops:
                stopped = updater(other, stopped_log)
            steady.run(poll[0] + HOUR)
            stopped.run(poll[0] + HOUR)
            if editing and number % 3 == 2:
                decide(first, seed + number, poll[0] + 2 * HOUR)
                decide(other, seed + number, poll[0] + 2 * HOUR)

        steady.run(polls[-1][0] + 3 * HOUR)
        stopped.run(polls[-1][0] + 3 * HOUR)
        assert stopped_log == steady_log
        assert picture(other) == picture(first)
        assert stopped.engine.rank(polls[-1][0] + 4 * HOUR) == steady.engine.rank(polls[-1][0] + 4 * HOUR)


def test_a_worker_that_stopped_before_it_scored_with_a_new_model_does_so_at_its_start(store: Store) -> None:
    with filled(Store.open(":memory:")) as other:
        polls = newsroom(2)
        later = polls[-1][0] + HOUR
        for poll in polls:
            publish(store, poll)
            publish(other, poll)
        steady, stopped = updater(store), updater(other)
        steady.run(later)
        stopped.run(later)
        before = picture(store)
        model = RelevanceModel("learned", load_prior().prior, calibration=Calibration(0.5, -0.5))
        steady.use_model(model, later)
        Updater(other, CONFIG, model).run(later)

        assert picture(store)[:5] == picture(other)[:5] != before[:5]
        edition = other.state.edition()
        Updater(other, CONFIG, model).run(later)
        assert other.state.edition() == edition == store.state.edition()


@pytest.mark.parametrize("step", [5 * HOUR, 40 * HOUR])  # all within every horizon; 48 days, beyond all of them
def test_results_of_another_version_stay_and_the_engine_continues_from_them(
    step: timedelta, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # A source that reported two stories counts twice, and once after they have merged: counts are restored exactly only
    # without merges.
    monkeypatch.setattr(reclustering, "MERGE_MARGIN", math.inf)
    polls = newsroom(8, polls=40, step=step)
    for number, poll in enumerate(polls[:30]):
        publish(store, poll)
        updater(store).run(poll[0])
        if number == 2:
            story = next(store.stories.each())
            kind = DecisionKind.CATEGORY
            store.decisions.decide(kind, story_id=story.story_id, category_id="policy", now=poll[0] + HOUR)
    steady = updater(store)
    before = list(steady.engine.stories())
    store.snapshots.save(StoredSnapshot(None, msgspec.msgpack.encode([FORMAT + 1, "unreadable"])))
    caplog.set_level(logging.INFO)

    upgraded = updater(store)

    assert list(upgraded.engine.stories()) == before
    assert upgraded.engine.rank(polls[29][0] + HOUR) == steady.engine.rank(polls[29][0] + HOUR)
    at, snapshot = remembered(store)
    assert at == store.progress.watermark()
    assert [correction[1] for correction in snapshot.state.corrections.values()] == ["policy"]
    assert f"it has format {FORMAT + 1}, and this version of the program reads format {FORMAT}" in caplog.text


@pytest.mark.parametrize(
    ("story_id", "reason", "began"),
    [
        (7, because(ReasonKind.FIRST_REPORT), True),
        (2, because(ReasonKind.CAME_WITH, 7, because(ReasonKind.BOTH_MENTION, "dock")), True),  # its story merged
        (2, because(ReasonKind.CAME_WITH, 3, because(ReasonKind.BOTH_MENTION, "dock")), False),
        (
            7,
            because(ReasonKind.LEFT, 2, because(ReasonKind.HALVES_DIFFER, 0.1, 0.9)),
            False,
        ),  # the story named after it by a split
        (2, because(ReasonKind.SAME_LINK), False),
        (7, Reason("text", ("First report",)), True),
        (2, Reason("text", ("Same link",)), False),
    ],
)
def test_a_restored_engine_knows_which_entries_began_a_story(story_id: int, reason: Reason, began: bool) -> None:
    membership = Membership(7, story_id, joined_at=NOON, similarity=0.0, probability=1.0, reason=reason, voice="a")

    assert began_a_story(membership) is began


@pytest.mark.parametrize("merging", [False, True])
def test_a_rebuild_gives_what_was_there(store: Store, merging: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if merging:
        eager(monkeypatch)
    polls = newsroom(4, polls=40)
    running = updater(store)
    for number, poll in enumerate(polls):
        publish(store, poll, "Update:" if number % 5 == 4 else "")
        running.run(poll[0])
    now = polls[-1][0] + HOUR
    running.run(now)
    before = picture(store)

    running.rebuild(now)

    assert picture(store) == before
    if merging:
        assert any(story.merged_into for story in store.stories.each())


def test_a_rebuild_can_date_back_what_a_wrong_clock_dated_ahead(store: Store) -> None:
    polls = newsroom(4, polls=24)
    running = updater(store)
    for number, (now, arrivals, source) in enumerate(polls):
        clock = now + timedelta(days=365) if 8 <= number < 12 else now
        publish(store, (clock, arrivals, source), "Update:" if number % 5 == 4 else "")
        running.run(clock)
        decide(store, number, clock)
    now = polls[-1][0] + HOUR
    running.run(now)
    publish(store, (now, [arrival("Not scored yet", "", polls[0][2], None)], polls[0][2]))
    before = [events for _, events in store.events.since(None, 1_000)]
    assert (store.progress.watermark() or now) > now

    running.rebuild(now, date_back=True)

    log = store.events.since(None, 1_000)
    assert log[-1][0] <= now
    assert store.progress.watermark() == log[-1][0]
    assert store.pending_steps.count() == 0
    titles = [[event.title for event in events if isinstance(event, Entry)] for events in before]
    assert [[event.title for event in events if isinstance(event, Entry)] for _, events in log[:-1]] == titles
    assert all(story.first_seen_at <= now and story.updated_at <= now for story in store.stories.each())
    assert store.front_pages.after(now) is None
    edited = [entry for entry in store.entries.each() if entry.edited_at]
    assert edited
    assert all(entry.edited_at == store.entries.edits(entry.entry_id)[-1].at for entry in edited)


@given(seed=st.integers(0, 10_000), step=st.sampled_from((3, 9, 30)), merging=st.booleans())
@settings(max_examples=6, deadline=None)
def test_a_rebuild_honours_what_editors_decided(seed: int, step: int, merging: bool) -> None:
    with pytest.MonkeyPatch.context() as patch, filled(Store.open(":memory:")) as store:
        if merging:
            eager(patch)
        polls = newsroom(seed, polls=40, step=step * HOUR)
        running = updater(store)
        for number, poll in enumerate(polls):
            publish(store, poll, "Update:" if number % 5 == 4 else "")
            running.run(poll[0])
            decide(store, seed + number, poll[0] + HOUR)
        now = polls[-1][0] + 2 * HOUR
        running.run(now)
        before = picture(store)
        check_decisions(store)

        running.rebuild(now)

        assert picture(store) == before


@given(seed=st.integers(0, 10_000), step=st.sampled_from((1, 5, 12)))
@settings(max_examples=8, deadline=None)
def test_entries_that_a_re_clustering_split_apart_do_not_join_again(seed: int, step: int) -> None:
    with pytest.MonkeyPatch.context() as patch, filled(Store.open(":memory:")) as store:
        eager(patch)
        log: Log = []
        running = updater(store, log)
        for poll in newsroom(seed, polls=40, step=step * HOUR):
            publish(store, poll)
            running.run(poll[0])

        story_of: dict[int, int] = {}
        separated: set[tuple[int, int]] = set()
        for _, changes in log:
            before = dict(story_of)
            story_of.update({member.entry_id: member.story_id for member in changes.memberships})
            for first, other in combinations(sorted(before), 2):
                if before[first] == before[other] and story_of[first] != story_of[other]:
                    separated.add((first, other))
                assert (first, other) not in separated or story_of[first] != story_of[other]


def check_decisions(store: Store) -> None:
    """Check that the last active decision on two entries holds, and every address leads to its entry."""
    story_of = {member.entry_id: member.story_id for member in store.memberships.since(NOON - HOUR)}
    standing = store.decisions.standing()
    constraints = Constraints(standing)
    entry_ids = sorted({entry_id for decision in standing for entry_id in concerned(decision)})
    for first, other in combinations(entry_ids, 2):
        if story_of[first] == story_of[other]:
            assert not constraints.cannot_link((first,), (other,))
    for story in store.stories.each():
        if story.merged_into is not None:
            assert story.merged_into == story_of[story.story_id]
        else:
            assert story.story_id in story_of
            assert story_of[story.story_id] == story.story_id
            assert story.entries == sum(into == story.story_id for into in story_of.values())


def test_an_edit_still_changes_the_headline_of_a_closed_story(store: Store) -> None:
    old = arrival("Ferry docks itself", "The crew stays aboard.", "lantern", None)
    publish(store, (NOON, [old], "lantern"))
    running = updater(store)
    running.run(NOON)
    later = NOON + timedelta(days=10)
    publish(store, (later, [], "lantern"), "Corrected: after a long trial")
    running.run(later)
    publish(store, (later + HOUR, [], "lantern"), "Again")
    running.run(later + HOUR)

    story = next(iter(store.stories.each()))
    assert story.headline == "Again Corrected: after a long trial Ferry docks itself"
    assert story.updated_at == later + HOUR
    assert [line.cause for line in store.stories.ledger(story.story_id)][1:] == [Cause.EDITED, Cause.EDITED]
    before = picture(store)
    running.rebuild(later + HOUR)
    assert picture(store) == before


def test_a_faded_trend_is_stored_once_a_minute_without_a_new_edition(store: Store) -> None:
    publish(store, (NOON, [arrival("Ferry docks itself", "", "lantern", None)], "lantern"))
    running = updater(store)
    running.run(NOON)
    edition = store.state.edition()
    fresh = store.story_lists.ranked()[0].story.trend

    running.run(NOON + timedelta(seconds=30))
    assert store.story_lists.ranked()[0].story.trend == fresh
    running.run(NOON + 5 * HOUR)

    assert store.story_lists.ranked()[0].story.trend < fresh / 2
    assert store.state.edition() == edition


def test_a_failed_step_leaves_the_store_unchanged_and_the_next_run_continues(store: Store) -> None:
    polls = newsroom(4)
    publish(store, polls[0])
    fail = True

    def watch(moment: datetime, events: Sequence[Event], changes: Changes) -> None:
        if fail:
            raise OSError("the disk is full")

    running = Updater(store, CONFIG, load_prior(), watch)
    with pytest.raises(OSError, match="full"):
        running.run(polls[0][0])
    assert store.stories.count() == 0
    assert store.progress.watermark() is None

    fail = False
    assert running.run(polls[0][0]) == len(polls[0][1])


def test_what_is_committed_out_of_order_is_scored_once_and_a_rebuild_agrees(store: Store) -> None:
    """As concurrent pollers store: of four consecutive polls, the last is committed first."""
    polls = newsroom(7)
    running = updater(store)
    taken = 0
    for begin in range(0, len(polls), 4):
        for now, arrivals, source in reversed(polls[begin : begin + 4]):
            if not arrivals:
                continue
            with store.transaction():
                # Not `arrival_moment`: none of these pollers has seen what the others store.
                store.entries.add(source, arrivals, now)
                store.pending_steps.add_poll(source, now)
            taken += running.run(polls[-1][0])
    assert taken == store.entries.count()
    moments = [moment for moment, _ in store.events.since(None, 1_000)]
    assert len(moments) == sum(bool(arrivals) for _, arrivals, _ in polls)

    live = picture(store)
    running.rebuild(polls[-1][0])
    assert picture(store) == live


def test_a_rebuild_that_is_interrupted_leaves_what_is_pending_for_its_turn(store: Store) -> None:
    polls = newsroom(3)
    running = updater(store)
    for poll in polls[:-1]:
        publish(store, poll)
    running.run(polls[-1][0])
    watermark = store.progress.watermark()
    now, _, source = polls[-1]
    # Proposed long before what was scored, and not yet taken in when the rebuild begins.
    with store.transaction():
        store.entries.add(source, [arrival("Late and last", "", source, None)], polls[0][0] - HOUR)
        store.pending_steps.add_poll(source, polls[0][0] - HOUR)
    running.rebuild(now)

    (_, last) = store.events.since(watermark)[-1]
    assert [event.title for event in last if isinstance(event, Entry)] == ["Late and last"]
    assert len(store.events.since(watermark)) == 1


@pytest.mark.parametrize("work", ["step", "use_model", "rank", "counterfactuals", "reconfigure"])
def test_others_can_write_while_the_engine_works(work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "news.db"
    with filled(Store.open(path)) as store:
        polls = newsroom(seed=5, polls=6)
        publish(store, polls[0])
        running = updater(store)
        running.run(NOON)
        for poll in polls[1:]:
            publish(store, poll)
        store.feedback.vote(store.story_lists.ranked("")[0].story.story_id, True, NOON)
        written = 0
        real = getattr(Engine, work)

        def working(*arguments: object, **options: object) -> object:
            nonlocal written
            with sqlite3.connect(path, timeout=0.0) as other:
                written += 1
                other.execute("insert or replace into state (name, value) values ('other', ?)", (str(written),))
            other.close()
            return real(*arguments, **options)

        monkeypatch.setattr(Engine, work, working)
        running.run(NOON + HOUR)
        running.reconfigure(CONFIG, NOON + HOUR)

        assert written > 0
        assert store.state.get("other") == str(written)
