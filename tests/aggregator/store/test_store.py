from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.errors import DatabaseInUseError, NewerDatabaseError, StoreError
from aggregator.model import (
    Cause,
    Changes,
    Contribution,
    Draft,
    Edit,
    Entry,
    FeedState,
    Hints,
    LedgerLine,
    Membership,
    NotModified,
    Picture,
    PollLimits,
    ReasonKind,
    RuleEffect,
    Source,
    Story,
    StoryRule,
    Validators,
    because,
    follow_merges,
)
from aggregator.polling import schedule
from aggregator.store import Arrival, ListQuery, PollRecord, Store, StoreFault, schema
from aggregator.store.lock import WorkerLock
from aggregator.store.sqlite.connection import SqliteConnection
from aggregator.store.sqlite.migrations import STEPS
from aggregator.text.search_query import read
from aggregator.websub_protocol import Request
from tests.aggregator.store.conftest import OpenStore

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = Source(id="wire", name="The Wire", url="https://wire.example/feed", category="models", owner="wire.example")
OTHER = Source(id="desk", name="The Desk", url="https://desk.example/feed", category="policy", owner="desk.example")


@pytest.fixture
def store(new_store: OpenStore) -> Store:
    opened = new_store()
    opened.feeds.sync([SOURCE, OTHER], NOON)
    return opened


def arrival(name: str, title: str = "", summary: str = "") -> Arrival:
    draft = Draft(
        guid=name,
        link=f"https://wire.example/{name}",
        title=title or f"Title of {name}",
        summary=summary,
        tags=("chips", "ai"),
        picture=Picture("https://wire.example/p.png", caption="A rack", width=640),
        published_at=NOON - HOUR,
    )
    return Arrival(draft, identity=name, canonical_link=draft.link, digest=draft.title, word_count=230)


def add(store: Store, *arrivals: Arrival, source: Source = SOURCE, now: datetime = NOON) -> list[int]:
    with store.transaction():
        return store.entries.add(source.id, arrivals, store.entries.arrival_moment(now))


def story_of(entry_id: int, at: datetime, *, score: int = 50, category: str = "models", sources: int = 1) -> Story:
    return Story(
        story_id=entry_id,
        headline=f"Headline {entry_id}",
        summary="",
        lead_entry_id=entry_id,
        category_id=category,
        first_seen_at=at,
        last_source_at=at,
        updated_at=at,
        entries=1,
        sources=sources,
        independent_sources=sources,
        score=score,
        relevance=score / 100,
        provisional=True,
        trend=0.0,
        contributions=(Contribution("base", -1.0, float(score), because(ReasonKind.BASE)),),
    )


def tell(store: Store, entry_id: int, at: datetime = NOON, **kwargs: object) -> Story:
    story = story_of(entry_id, at, **kwargs)  # type: ignore[arg-type]
    member = Membership(entry_id, entry_id, at, 1.0, 1.0, because(ReasonKind.FIRST_REPORT), "wire.example")
    line = LedgerLine(entry_id, at, Cause.NEW_STORY, because(ReasonKind.FIRST_REPORT), None, story.score, entry_id)
    with store.transaction():
        store.stories.save(Changes((member,), (story,), (line,)))
    return story


# The database itself


def test_the_pragmas_that_the_promises_rest_on_are_in_force(tmp_path: Path) -> None:
    with Store.open(tmp_path / "g.db") as store:
        value = store._connection.value
        assert value("pragma journal_mode") == "wal"
        assert value("pragma synchronous") == 2
        assert value("pragma foreign_keys") == 1
        assert value("pragma busy_timeout") == 10_000


def test_opening_twice_migrates_once_and_keeps_what_is_there(tmp_path: Path) -> None:
    with Store.open(tmp_path / "g.db") as store:
        store.feeds.sync([SOURCE], NOON)
        add(store, arrival("a"))
    with Store.open(tmp_path / "g.db") as store:
        assert store.entries.count() == 1
        assert store.faults() == []


RELEASED = {
    "0001_facts_and_stories": "801a66bdd203c8121be3b785ae4ff53aaab47122552e917861b403a5af19700b",
    "0002_websub": "d4f9c6c4c6471b968b472c3473fe07acdeee2c2ec17628a399909a4f5659d2b7",
    "0003_decisions": "b3523b1f5c144b191deb3d788461d55de2ee6229ffd3da5c02b64486d40596dd",
    "0004_topics_and_measures": "66ac9a22418cf4fb1f1ccfb5518b4842366174611e185d6fa1c7c5320e9318af",
    "0005_impressions": "f5742471d638d9f3f53a23b657ff4e3c3c3d31f5d6a0c5649a9af02f5c3fc979",
    "0006_hub": "cd5ae18f0f4d5d79f167b58dc148709fed0d5160df4cf8329d0e7a27ed8840ac",
    "0007_front_pages": "1c05629c4b17770c33f2bcdb56b73eaf4d50f1dcd6fd9e3916de66ca2499fb12",
    "0008_sessions_and_audit": "5d86ce6e46fc249ee15c13bf55994fbbcf0548ad062605fc093dcfb281b28a5b",
    "0017_what_ifs": "c7eae944d323d3b43dd7ce8ae5c8ec457147363ef6751311a68117cc141b00d3",
    "0019_due_in_order": "4f43d9534e9b6bd6c5d5a2c3738fbe0e6374e6fe23f1035c8fe2d2d6d4839ec3",
    "0021_voted_stories": "59b11148c4677fe70655cac2726d81e2dfa490bd1ed5483ef8c3799558184014",
}
"""Steps that databases out there have gone through: a changed table needs a new one."""


def test_released_steps_are_frozen() -> None:
    digests = {name: hashlib.sha256(" ".join(STEPS[name].split()).encode()).hexdigest() for name in RELEASED}
    assert digests == RELEASED


def test_the_schema_as_a_document_is_what_all_steps_together_give(tmp_path: Path) -> None:
    def shape(db: sqlite3.Connection) -> dict[tuple[str, str], list[tuple[object, ...]]]:
        objects = db.execute("select type, name from sqlite_schema where instr(name, '_sqlite') = 0")
        return {
            (kind, name): sorted(
                (row[1:] for row in db.execute(f"pragma {kind}_xinfo('{name}')")), key=lambda row: str(row[1])
            )
            for kind, name in objects.fetchall()
            if not name.startswith("sqlite_")  # made by SQLite itself
        }

    written = sqlite3.connect(":memory:")
    written.executescript(schema.SCHEMA)
    Store.open(tmp_path / "g.db").close()
    migrated = sqlite3.connect(tmp_path / "g.db")
    assert shape(migrated) == shape(written)
    written.close()
    migrated.close()


def test_a_database_of_a_newer_version_is_refused_with_a_message(tmp_path: Path) -> None:
    path = tmp_path / "g.db"
    Store.open(path).close()
    raw = sqlite3.connect(path)
    raw.execute("insert into _sqlite_migrations (migration_set, name, applied_at) values ('groundswell', '0099_x', '')")
    raw.commit()
    raw.close()
    with pytest.raises(NewerDatabaseError, match=r"g\.db.*newer version of Groundswell \(it knows 0099_x\); upgrade"):
        Store.open(path)


def test_a_file_that_is_not_a_database_is_refused_with_a_message(tmp_path: Path) -> None:
    path = tmp_path / "g.db"
    path.write_bytes(b"this is not a database, it is a letter" * 50)
    with pytest.raises(StoreError, match="cannot use the database"):
        Store.open(path)


def test_the_database_and_its_copies_are_for_their_owner_alone(tmp_path: Path) -> None:
    def modes(*paths: Path) -> set[int]:
        return {path.stat().st_mode & 0o777 for path in paths}

    path, copy = tmp_path / "g.db", tmp_path / "copy.db"
    with Store.open(path) as store:
        store.feeds.sync([SOURCE], NOON)
        store.copy_to(copy, {})
        assert modes(path, Path(f"{path}-wal"), Path(f"{path}-shm"), copy) == {0o600}
    path.chmod(0o644)  # as left by versions before 0.2.0
    Store.open(path).close()
    assert modes(path) == {0o600}
    path.chmod(0o660)  # chosen by an operator
    Store.open(path).close()
    assert modes(path) == {0o660}
    folder_mode = tmp_path.stat().st_mode
    with pytest.raises(StoreError):
        Store.open(tmp_path)
    assert tmp_path.stat().st_mode == folder_mode


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no folder"):
        Store.open(tmp_path / "nowhere" / "g.db")


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    with pytest.raises(StoreFault):
        add(store, arrival("a"), arrival("a"))
    assert store.entries.count() == 0
    assert store.search.stories(read("title", NOON)).total == 0
    assert store.faults() == []


def test_a_backup_is_a_complete_database_and_never_overwrites(tmp_path: Path) -> None:
    with Store.open(tmp_path / "g.db") as store:
        store.feeds.sync([SOURCE], NOON)
        add(store, arrival("a"))
        store.copy_to(tmp_path / "copy.db", {})
        with pytest.raises(StoreError, match="exists"):
            store.copy_to(tmp_path / "copy.db", {})
    with Store.open(tmp_path / "copy.db") as copy:
        assert copy.entries.count() == 1
        assert copy.faults() == []


def test_a_text_index_that_lost_an_entry_is_reported_and_fixed(store: Store) -> None:
    add(store, arrival("a"))
    is_sqlite = isinstance(store._connection, SqliteConnection)
    store._connection.run(
        "insert into entries_fts (entries_fts) values ('delete-all')" if is_sqlite else "delete from entry_words"
    )
    assert any("text index" in fault for fault in store.faults())
    store.rebuild_search()
    assert store.faults() == []


def test_a_second_worker_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    with (
        WorkerLock(tmp_path / "g.db"),
        pytest.raises(DatabaseInUseError, match=rf"process {os.getpid()}\) is using .*g\.db; stop it"),
        WorkerLock(tmp_path / "g.db"),
    ):
        pass
    with WorkerLock(tmp_path / "g.db"):
        pass


def test_the_lock_of_a_killed_worker_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, time; from aggregator.store.lock import WorkerLock\n"
        "with WorkerLock(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "g.db")], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == b"held\n"
    child.kill()
    child.wait()
    child.stdout.close()
    child.stdin.close()
    with WorkerLock(tmp_path / "g.db"):
        pass


# Sources and polls


def test_a_new_source_is_due_at_once_and_an_existing_one_keeps_its_time(store: Store) -> None:
    assert [state.source_id for state in store.feeds.due(NOON)] == ["desk", "wire"]
    with store.transaction():
        store.feeds.record(
            FeedState("wire", SOURCE.url, Validators('"v1"', "yesterday"), NOON + HOUR),
            PollRecord(NOON, "fetched", "2 new", 200, bytes=10, new=2),
        )
    store.feeds.sync([SOURCE, OTHER], NOON)
    assert [state.source_id for state in store.feeds.due(NOON)] == ["desk"]
    assert [state.source_id for state in store.feeds.due(NOON + HOUR)] == ["desk", "wire"]
    state = store.feeds.state("wire")
    assert state is not None
    assert state.validators == Validators('"v1"', "yesterday")


def test_a_source_with_a_new_url_starts_over(store: Store) -> None:
    with store.transaction():
        store.feeds.record(
            FeedState("wire", SOURCE.url, Validators('"v1"'), NOON + HOUR, failures=3, gone=True),
            PollRecord(NOON, "gone", "410 Gone", 410),
        )
    moved = Source(id="wire", name="The Wire", url="https://wire.example/new", category="models", owner="wire.example")
    store.feeds.sync([moved, OTHER], NOON)
    state = store.feeds.state("wire")
    assert state is not None
    assert (state.url, state.validators, state.failures, state.gone) == (moved.url, Validators(), 0, False)
    assert "wire" in {due.source_id for due in store.feeds.due(NOON)}


def test_a_removed_or_disabled_source_is_not_polled_and_keeps_its_entries(store: Store) -> None:
    add(store, arrival("a"))
    store.feeds.sync([OTHER], NOON)
    assert [state.source_id for state in store.feeds.due(NOON)] == ["desk"]
    rows = store.feeds.health(NOON, [OTHER])
    assert [(row.source.id, row.removed, row.entries) for row in rows] == [("desk", False, 0), ("wire", True, 1)]
    off = Source(id="wire", name="W", url=SOURCE.url, category="models", owner="w", enabled=False)
    store.feeds.sync([off, OTHER], NOON)
    assert [state.source_id for state in store.feeds.due(NOON)] == ["desk"]


def test_a_gone_source_is_not_polled_until_the_operator_requests_it(store: Store) -> None:
    with store.transaction():
        store.feeds.record(
            FeedState("wire", SOURCE.url, next_poll_at=NOON, gone=True), PollRecord(NOON, "gone", "410", 410)
        )
    assert "wire" not in {state.source_id for state in store.feeds.due(NOON + 1000 * HOUR)}
    store.feeds.make_due(["wire"])
    assert "wire" in {state.source_id for state in store.feeds.due(NOON)}


def test_a_clock_that_jumped_back_starves_no_source(store: Store) -> None:
    in_a_year = NOON + timedelta(days=365)
    for source in (SOURCE, OTHER):
        with store.transaction():
            store.feeds.record(
                FeedState(source.id, source.url, next_poll_at=in_a_year), PollRecord(in_a_year, "fetched", "", 200)
            )
    assert len(store.feeds.due(NOON)) == 2


def test_what_is_due_comes_in_order_and_no_more_than_there_is_room_for(store: Store) -> None:
    sources = [Source(name, name, f"https://{name}.example/", "news") for name in ("a", "b", "c", "d", "far", "later")]
    store.feeds.sync(sources, NOON)
    times = {"a": NOON, "b": NOON - HOUR, "d": NOON - HOUR, "far": NOON + timedelta(days=365), "later": NOON + HOUR}
    with store.transaction():
        for name, moment in times.items():
            feed = FeedState(name, f"https://{name}.example/", next_poll_at=moment)
            store.feeds.record(feed, PollRecord(NOON - HOUR, "fetched", "", 200))

    def due(limit: int = 1000, resting: Sequence[str] = ()) -> list[str]:
        return [state.source_id for state in store.feeds.due(NOON, limit, resting)]

    assert due() == ["c", "b", "d", "a", "far"]
    assert due(2) == ["c", "b"]
    assert due(4, ["b.example"]) == ["c", "d", "a", "far"]


@pytest.mark.parametrize("before", ["", "https://new.example/"])
def test_after_a_304_the_row_says_what_was_decided(store: Store, before: str) -> None:
    documents = FeedState(
        "wire",
        SOURCE.url,
        Validators('"1"', "Sun, 01 Mar 2026 09:00:00 GMT"),
        failures=2,
        gone=True,
        move_seen_to=before,
        last_new_at=NOON - HOUR,
        hints=Hints("RSS 2.0", ttl=HOUR, skip_hours=(1, 2)),
        fresh_for=HOUR,
        arrivals=(5, 6),
        format_before="Atom",
        format_changed_at=NOON - HOUR,
    )
    answer = NotModified(moved_to="https://new.example/", fresh_for=2 * HOUR)
    decided = schedule.after(documents, answer, NOON, poll=PollLimits(), message="nothing new")
    with store.transaction():
        store.feeds.record(documents, PollRecord(NOON - HOUR, "fetched", "1 new", 200, bytes=700))
        store.feeds.record(decided, PollRecord(NOON, "not modified", "nothing new", 304))
    assert store.feeds.state("wire") == decided
    assert decided.url == (answer.moved_to if before else SOURCE.url)
    counted = "polls || ' ' || polls_unchanged || ' ' || bytes || ' ' || saved_bytes"
    assert store._connection.value(f"select {counted} from feeds where source_id = 'wire'") == "2 1 700 700"


def test_an_unchanged_feed_costs_no_row_in_the_log_of_polls(store: Store) -> None:
    with store.transaction():
        store.feeds.record(FeedState("wire", SOURCE.url), PollRecord(NOON, "not modified", "nothing new", 304))
        store.feeds.record(FeedState("wire", SOURCE.url), PollRecord(NOON, "timeout", "timed out", None))
    assert store._connection.value("select count(*) from polls") == 1
    assert store._connection.value("select polls_unchanged from feeds where source_id = 'wire'") == 1
    assert store.feeds.prune_polls(NOON + HOUR) == 1


# Entries


def test_every_poll_with_news_has_a_distinct_moment(store: Store) -> None:
    add(store, arrival("a"), now=NOON)
    add(store, arrival("b"), now=NOON)
    add(store, arrival("c"), now=NOON - HOUR)
    moments = [moment for moment, _ in store.events.since(None)]
    assert moments == sorted(set(moments))
    assert len(moments) == 3


def test_an_edit_keeps_what_the_entry_was_and_moves_the_index(store: Store) -> None:
    (first,) = add(store, arrival("a", title="Chips delayed", summary="By a year."))
    with store.transaction():
        store.entries.edit(
            first,
            arrival("a", title="Chips cancelled", summary="By a year."),
            store.entries.arrival_moment(NOON + HOUR),
        )
    tell(store, first)
    entry = store.entries.get(first)
    assert entry is not None
    assert entry.title == "Chips cancelled"
    assert entry.edited_at == NOON + HOUR
    assert [edit.title_before for edit in store.entries.edits(first)] == ["Chips delayed"]
    assert store.search.stories(read("delayed", NOON)).total == 0
    assert store.search.stories(read("cancelled", NOON)).total == 1
    assert store.faults() == []


def test_events_come_as_they_happened_not_as_they_are_now(store: Store) -> None:
    (first,) = add(store, arrival("a", title="One"))
    for title in ("Two", "Three"):
        with store.transaction():
            store.entries.edit(first, arrival("a", title=title), store.entries.arrival_moment(NOON + HOUR))
    groups = store.events.since(None)
    headlines = [
        (event.title_before, event.title) if isinstance(event, Edit) else event.title
        for _, events in groups
        for event in events
        if isinstance(event, (Entry, Edit))
    ]
    assert headlines == ["One", ("One", "Two"), ("Two", "Three")]
    assert store.events.since(groups[0][0]) == groups[1:]
    assert store.events.since(groups[-1][0]) == []
    assert store.events.since(None, steps=2) == groups[:2]


def test_an_entry_reads_back_as_stored(store: Store) -> None:
    (first,) = add(store, arrival("a", summary="Déjà vu 漢字"))
    draft = arrival("a", summary="Déjà vu 漢字").draft
    assert store.entries.get(first) == Entry(
        entry_id=first,
        source_id="wire",
        identity="a",
        link=draft.link,
        title=draft.title,
        summary=draft.summary,
        first_seen_at=NOON,
        published_at=draft.published_at,
        tags=draft.tags,
        picture=draft.picture,
        word_count=230,
    )
    assert store.entries.get(first + 1) is None


def test_stored_entries_are_found_by_identity_or_link_within_the_source(store: Store) -> None:
    add(store, arrival("a"), arrival("b"))
    add(store, arrival("a"), source=OTHER)
    by_identity = store.known_entries.by_identity("wire", ["a"], [])
    by_link = store.known_entries.by_identity("wire", [], ["https://wire.example/b", ""])
    assert [entry.identity for entry in by_identity] == ["a"]
    assert [entry.identity for entry in by_link] == ["b"]


@pytest.mark.parametrize("new_store", ["sqlite"], indirect=True)
def test_looking_up_stored_entries_costs_the_same_for_any_number_of_them(store: Store) -> None:
    connection = store._connection
    assert isinstance(connection, SqliteConnection)

    def steps() -> int:
        taken = [0]
        connection.raw.set_progress_handler(lambda: taken.__setitem__(0, taken[0] + 1), 1)
        assert len(store.known_entries.by_identity("wire", ["a"], ["https://wire.example/b"])) == 2
        connection.raw.set_progress_handler(None, 0)
        return taken[0]

    add(store, arrival("a"), arrival("b"))
    steps_before = steps()
    add(store, *(arrival(f"more {number}") for number in range(200)))
    assert steps() < steps_before * 2


def test_pruning_removes_old_entries_and_their_terms(store: Store) -> None:
    add(store, arrival("old"), now=NOON - 48 * HOUR)
    add(store, arrival("new"), now=NOON)
    with store.transaction():
        assert store.entries.prune(NOON - HOUR) == 1
    assert store.entries.count() == 1
    assert store.faults() == []


def test_retention_keeps_an_entry_of_the_very_moment_with_its_edits(store: Store) -> None:
    (entry_id,) = add(store, arrival("a"), now=NOON)
    with store.transaction():
        store.entries.edit(entry_id, arrival("a", title="Changed"), store.entries.arrival_moment(NOON + HOUR))
    entry = store.entries.get(entry_id)
    assert entry is not None
    with store.transaction():
        assert store.entries.prune(entry.first_seen_at) == 0
    assert [edit.title for edit in store.entries.edits(entry_id)] == ["Changed"]


def test_hidden_stories_are_not_among_those_that_grew(store: Store) -> None:
    first, second = add(store, arrival("a"), arrival("b"))
    tell(store, first)
    tell(store, second)
    assert {grown.story_id for grown in store.growth.between(NOON - HOUR, NOON + HOUR)} == {first, second}
    hidden = store.stories.get(second)
    assert hidden is not None
    with store.transaction():
        store.stories.save(Changes(stories=(replace(hidden, hidden=True),)))
    assert [grown.story_id for grown in store.growth.between(NOON - HOUR, NOON + HOUR)] == [first]


# Stories


def test_a_story_reads_back_as_stored(store: Store) -> None:
    (first,) = add(store, arrival("a"))
    story = tell(store, first)
    assert store.stories.get(first) == story
    assert [entry.entry_id for entry, _ in store.memberships.of_story(first)] == [first]
    assert [line.cause for line in store.stories.ledger(first)] == [Cause.NEW_STORY]
    assert store.memberships.story_of(first) == first
    assert store.stories.get(first + 1) is None


def test_the_ranking_is_written_when_its_order_changed(store: Store) -> None:
    first, second = add(store, arrival("a"), arrival("b"))
    tell(store, first)
    tell(store, second)
    with store.transaction():
        assert store.stories.rank({"": [(second, 3.0), (first, 1.0)], "models": [(first, 1.0)]})
        assert not store.stories.rank({"": [(second, 2.9), (first, 0.9)], "models": [(first, 0.9)], "policy": []})
        assert store.stories.rank({"": [(first, 2.0), (second, 1.9)]})
    assert [listed.story.story_id for listed in store.story_lists.ranked()] == [first, second]
    assert store.story_lists.ranked("models") == []


def test_a_list_is_filtered_and_ordered(store: Store) -> None:
    ids = add(store, *(arrival(name) for name in "abcd"))
    for number, entry_id in enumerate(ids):
        tell(
            store,
            entry_id,
            NOON + number * HOUR,
            score=90 - 20 * number,
            sources=number + 1,
            category="policy" if number == 3 else "models",
        )

    def listed(**kwargs: object) -> list[int]:
        return [item.story.story_id - ids[0] for item in store.story_lists.select(ListQuery(**kwargs))]  # type: ignore[arg-type]

    assert listed() == [3, 2, 1, 0]
    assert listed(sort="score") == [0, 1, 2, 3]
    assert listed(category_id="models", min_score=50) == [2, 1, 0]
    assert listed(min_sources=3) == [3, 2]
    assert listed(since=NOON + 2 * HOUR) == [3, 2]
    assert listed(limit=1, offset=1) == [2]
    assert store.story_lists.counts_by_category(NOON) == {"models": 3, "policy": 1}


def test_the_newest_story_is_one_that_stands_for_itself(store: Store) -> None:
    assert store.story_lists.newest_id() == 0
    first, second, third = add(store, arrival("a"), arrival("b"), arrival("c"))
    for entry_id in (first, second, third):
        tell(store, entry_id)
    assert (store.story_lists.newest_id(), store.story_lists.newer_than(first)) == (third, 2)
    store.stories.save(Changes(stories=(replace(story_of(third, NOON), merged_into=first),)))
    assert (store.story_lists.newest_id(), store.story_lists.newer_than(first)) == (second, 1)
    assert store.story_lists.newer_than(second) == 0


def test_other_headlines_are_the_newest_of_each_source_but_the_leads(store: Store) -> None:
    herald = Source(id="herald", name="Herald", url="https://herald.example/feed", category="models")
    store.feeds.sync([SOURCE, herald], NOON)
    (lead, again) = add(store, arrival("a"), arrival("b"))
    (early, late) = add(store, arrival("c"), arrival("d"), source=herald, now=NOON + HOUR)
    story = replace(story_of(lead, NOON), entries=4)
    first = because(ReasonKind.FIRST_REPORT)
    joined = [Membership(entry_id, lead, NOON, 1.0, 1.0, first, "v") for entry_id in (lead, again, early, late)]
    store.stories.save(Changes(stories=(story,), memberships=tuple(joined)))
    listed = store.story_lists.listed(lead)
    assert listed is not None
    others = store.story_lists.other_headlines([listed])
    assert {story_id: [entry.entry_id for entry in entries] for story_id, entries in others.items()} == {lead: [late]}


def test_memberships_between_two_moments_leave_out_the_first_and_hold_the_last(store: Store) -> None:
    ids = [add(store, arrival(name), now=NOON + number * HOUR)[0] for number, name in enumerate("abc")]
    for entry_id in ids:
        tell(store, entry_id)
    between = store.memberships.between(NOON, NOON + 2 * HOUR)
    assert [entry.entry_id for entry, _ in between] == ids[1:]
    assert [entry.entry_id for entry, _ in store.memberships.between(None, NOON + HOUR)] == ids[:2]
    assert sorted(member.entry_id for member in store.memberships.since(NOON)) == ids[1:]


def test_dropping_what_is_derived_leaves_the_facts(store: Store) -> None:
    (first,) = add(store, arrival("a"))
    tell(store, first)
    with store.transaction():
        store.stories.drop()
    assert store.stories.count() == 0
    assert store.entries.count() == 1


# Single values


def test_the_edition_grows(store: Store) -> None:
    before = store.state.edition()
    assert [store.state.next_edition(), store.state.next_edition()] == [before + 1, before + 2]


def test_the_configuration_that_runs_is_the_newest_without_a_fault(store: Store) -> None:
    store.config_edits.save("one", None, NOON)
    store.config_edits.save("two", "feeds.yaml:1:1: no", NOON + HOUR)
    assert store.config_edits.valid_text() == "one"
    fault = store.config_edits.problem()
    assert fault is not None
    assert (fault.at, fault.message) == (NOON + HOUR, "feeds.yaml:1:1: no")
    store.config_edits.save("three", None, NOON + 2 * HOUR)
    assert store.config_edits.valid_text() == "three"
    assert store.config_edits.problem() is None


def test_views_add_up_over_days(store: Store) -> None:
    store.feedback.add_views({1: 2, 2: 1}, date(2026, 11, 17))
    store.feedback.add_views({1: 3}, date(2026, 11, 17))
    store.feedback.add_views({1: 1}, date(2026, 11, 18))
    assert (store.feedback.views(1), store.feedback.views(2), store.feedback.views(3)) == (6, 1, 0)


def test_a_source_that_is_gone_or_requested_a_wait_is_not_polled_early(store: Store) -> None:
    ids = ("fine", "gone", "waits", "is_down", "broken")
    store.feeds.sync([replace(SOURCE, id=source_id, url=f"https://a.example/{source_id}") for source_id in ids], NOON)
    for source_id, status, gone in (
        ("gone", 410, True),
        ("waits", 429, False),
        ("is_down", 503, False),
        ("broken", 500, False),
    ):
        state = store.feeds.state(source_id)
        assert state is not None
        later = replace(state, gone=gone, last_status=status, next_poll_at=NOON + timedelta(hours=1))
        store.feeds.record(later, PollRecord(NOON, "status", "said no", status))
    assert store.feeds.pollable(NOON) & {*ids} == {"fine", "broken"}
    assert store.feeds.pollable(NOON + timedelta(hours=2)) & {*ids} == {"fine", "waits", "is_down", "broken"}


def test_a_subscription_counts_for_a_network_only_where_its_callback_answered_from_one(store: Store) -> None:
    for number in range(3):
        request = Request("subscribe", "https://news.example/trending.atom", f"https://reader.example/{number}")
        store.websub_hub.subscribe(request, "digest", "192.0.2.7" if number else "", NOON)
    new = replace(request, callback="https://reader.example/new")

    assert store.websub_hub.is_full(new, "192.0.2.7", 2)
    assert not store.websub_hub.is_full(new, "192.0.2.7", 3)
    assert not store.websub_hub.is_full(new, "", 1)
    assert not store.websub_hub.is_full(request, "192.0.2.7", 2)  # renews


def test_removed_sources_are_in_no_count(store: Store) -> None:
    assert store.metrics.sources() == {"waiting": 2}
    store.feeds.sync([SOURCE], NOON)
    assert store.metrics.sources() == {"waiting": 1}


def story_with(story_id: int, into: int | None = None, contributions: tuple[Contribution, ...] = ()) -> Story:
    return Story(
        story_id, "Fab opens", "", story_id, "news", NOON, NOON, NOON, 1, 1, 1, 50, 0.5, False, 1.0,
        contributions, merged_into=into,
    )  # fmt: skip


def test_a_merged_story_counts_for_no_rule(store: Store) -> None:
    rule = StoryRule(RuleEffect.MUTE, "fab")
    store.entries.add("wire", [arrival(f"Fab {number}") for number in (1, 2)], NOON)
    store.stories.save(Changes(stories=(story_with(1), story_with(2, into=1))))
    store.story_rules.replace(RuleEffect.MUTE, {1: rule.text, 2: rule.text})

    assert store.story_rules.count(rule) == 1
    assert [item.story.story_id for item in store.story_rules.stories(rule)] == [1]


def test_an_address_leads_to_where_every_merge_ends(store: Store) -> None:
    store.feeds.sync([SOURCE], NOON)
    store.stories.save(Changes(stories=(story_with(1),)))
    merges = {2: 1, 3: 2, 4: 3, 7: 6, 6: 5, 5: 7, 8: 99}
    for story_id, into in merges.items():
        # Written directly: `save` would shorten a chain.
        store.stories.save(Changes(stories=(story_with(story_id),)))
        store._connection.run("update stories set merged_into = ? where story_id = ?", (into, story_id))
    assert [store.stories.resolve(story_id) for story_id in (1, 2, 3, 4)] == [1, 1, 1, 1]
    assert store.stories.resolve(7) is None, "merges in a circle lead nowhere"
    assert store.stories.resolve(8) is None, "merged into one that is no longer kept"
    assert store.stories.resolve(1000) is None
    assert [follow_merges(story_id, merges.get) for story_id in (1, 4, 8)] == [1, 1, 99]
    assert follow_merges(7, merges.get) in (5, 6, 7)


def test_stories_whose_score_contains_a_vote_are_returned(store: Store) -> None:
    vote = Contribution("vote", 1.0, 9.0, because(ReasonKind.OWN_VOTE))
    word = Contribution("word:vote", 1.0, 9.0, because(ReasonKind.WORD, "vote"))
    store.stories.save(
        Changes(stories=(story_with(1, None, (word, vote)), story_with(2, None, (word,)), story_with(3, 1, (vote,))))
    )
    assert store.stories.voted() == [1]
    store.stories.save(Changes(stories=(story_with(1, None, (word,)),)))
    assert store.stories.voted() == []


def test_the_page_cache_of_a_connection_can_be_limited(tmp_path: Path) -> None:
    with Store.open(tmp_path / "g.db") as store:
        store.limit_cache(4_096_000)

        assert store._connection.value("pragma cache_size") == -4_000


def test_an_emptied_database_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "g.db"
    with Store.open(path) as store:
        os.truncate(path, 0)

        assert store.displacement() == "emptied"


@pytest.mark.parametrize(
    ("writable", "hint"), [(True, "`groundswell check` says more"), (False, "cannot be written to")]
)
def test_a_database_that_cannot_be_used_is_refused_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writable: bool, hint: str
) -> None:
    path = tmp_path / "news.db"
    path.write_text("no database" * 100)
    # A superuser may write into any folder but one of a read-only mount, where SQLite cannot open a database.
    monkeypatch.setattr("os.access", lambda folder, mode: writable)
    with pytest.raises(StoreError, match=hint):
        Store.open(path)


def test_a_folder_in_the_place_of_a_database_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="it is a folder"):
        Store.open(tmp_path)
