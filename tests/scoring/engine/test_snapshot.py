"""Snapshots: typed, versioned by hand, and equal to the state they were taken from."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aggregator.model import Category, Entry, Event
from aggregator.store import Store
from scoring.engine import FORMAT, Engine, SnapshotError
from scoring.engine.recovery.snapshot import EngineSnapshot, decode
from scoring.engine.settings import SettingsSnapshot
from scoring.engine.state import EngineState
from scoring.relevance.model import load_prior
from scoring.relevance.news_context import NewsContext, NewsContextState
from tests.scoring.world import CONFIG, HOUR, NOON, newsroom, publish

SHAPE = Path(__file__).with_name("snapshot_shape.json")
"""The recorded shape. After raising FORMAT, record it with python -m tests.scoring.engine.test_snapshot."""

SETTINGS = SettingsSnapshot.of(CONFIG)


def shape() -> dict[str, Any]:
    """Return the format and the typed fields of a snapshot; docstrings may change at any time."""

    def without_descriptions(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_descriptions(part) for key, part in value.items() if key != "description"}
        return [without_descriptions(part) for part in value] if isinstance(value, list) else value

    return {"format": FORMAT, "schema": without_descriptions(msgspec.json.schema(EngineSnapshot))}


def arrivals(seed: int, shift: timedelta = timedelta()) -> list[tuple[datetime, list[Event]]]:
    """Return the steps of a small newsroom, as stored."""
    with Store.open(":memory:") as store:
        store.feeds.sync(CONFIG.sources, NOON)
        for moment, entries, source in newsroom(seed):
            publish(store, (moment + shift, entries, source))
        store.pending_steps.settle(store.pending_steps.next(None, NOON + shift + 400 * HOUR, 1_000))
        return list(store.events.since(None, 1_000))


def engine(config: Any = CONFIG) -> Engine:
    return Engine(config, load_prior())


def corrected() -> Engine:
    """An engine with a few dozen entries: stories of several entries, some of them expired."""
    running = engine()
    for moment, events in arrivals(3):
        running.step(events, moment)
    return running


def test_a_changed_state_needs_a_raised_format() -> None:
    recorded = json.loads(SHAPE.read_text("utf-8"))
    if shape()["schema"] != recorded["schema"]:
        assert recorded["format"] != FORMAT, (
            "the fields of a snapshot changed: raise FORMAT in scoring/engine/recovery/snapshot.py, "
            "then record the new shape with python -m tests.scoring.engine.test_snapshot"
        )
    assert shape() == recorded, "FORMAT was raised: record the shape with python -m tests.scoring.engine.test_snapshot"


def test_a_resumed_engine_is_the_one_that_was_saved() -> None:
    steady = corrected()
    data = steady.snapshot()

    resumed = engine()
    resumed.resume(data, [], steady.stories())

    assert decode(resumed.snapshot(), SETTINGS) == decode(data, SETTINGS)
    assert list(resumed.stories()) == list(steady.stories())
    for moment, events in arrivals(4, shift=130 * HOUR):
        later = [replace(event, entry_id=event.entry_id + 1_000) for event in events if isinstance(event, Entry)]
        assert resumed.step(later, moment) == steady.step(later, moment)
    assert decode(resumed.snapshot(), SETTINGS) == decode(steady.snapshot(), SETTINGS)


def test_equal_words_of_a_decoded_snapshot_are_one_object() -> None:
    steady = engine()
    for moment, events in arrivals(3)[:12]:
        steady.step(events, moment)

    state = decode(steady.snapshot(), SETTINGS).state

    words = [*state.clusterer.open.index, *state.news_context.postings]
    words += [word for _, _, counts in state.frequency.days for word in counts]
    for story in state.clusterer.open.stories:
        for member in story.members:
            words += (*member.vector, *member.title, *member.title_words)
    assert len(words) > 2 * len(set(words))
    assert len(set(map(id, words))) == len(set(words))


def test_the_news_context_continues_where_it_was() -> None:
    titles = ["Amazon rents chips", "OpenAI signs for Amazon chips", "Ferry docks in the fjord", "Chips for Amazon"]
    steady = NewsContext()
    for number, title in enumerate(titles):
        steady.observe(title, f"voice {number}", number * 60.0)
    restored = NewsContext()
    restored.restore(msgspec.convert(msgspec.to_builtins(steady.state()), NewsContextState))

    assert restored.observe("Amazon chips again", "other", 400.0) == steady.observe(
        "Amazon chips again", "other", 400.0
    )
    # Three days later every title is too old to be compared, but its day still counts.
    assert restored.observe("Chips", "other", 3 * 86_400.0) == steady.observe("Chips", "other", 3 * 86_400.0)
    assert restored.state() == steady.state()


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (replace(CONFIG, scoring=replace(CONFIG.scoring, window=HOUR)), "the window in feeds.yaml changed"),
        (replace(CONFIG, categories=(Category("all", "All"),)), "the categories in feeds.yaml changed"),
        (replace(CONFIG, sources=CONFIG.sources[1:]), "source herald in feeds.yaml changed"),
        (
            replace(CONFIG, sources=(replace(CONFIG.sources[0], owner="other.example"), *CONFIG.sources[1:])),
            "source herald in feeds.yaml changed",
        ),
    ],
)
def test_a_snapshot_of_other_settings_is_refused(config: Any, reason: str) -> None:
    data = corrected().snapshot()
    other = engine(config)
    with pytest.raises(SnapshotError, match=reason):
        other.resume(data, [], [])
    assert list(other.stories()) == []


def test_an_added_source_leaves_the_snapshot_valid() -> None:
    steady = corrected()
    added = replace(CONFIG.sources[0], id="newcomer", name="Newcomer", url="https://newcomer.example/feed")
    resumed = engine(replace(CONFIG, sources=(*CONFIG.sources, added)))
    resumed.resume(steady.snapshot(), [], steady.stories())
    assert list(resumed.stories()) == list(steady.stories())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (msgspec.msgpack.encode([FORMAT + 1, "anything else"]), f"format {FORMAT + 1}"),
        (msgspec.msgpack.encode([]), "format 0"),
        (msgspec.msgpack.encode([FORMAT, SETTINGS, ["no state"]]), "damaged"),
        (msgspec.msgpack.encode([FORMAT]), "damaged"),
        (b"{}", "damaged"),
        (b"", "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(SnapshotError, match=reason):
        engine().resume(data, [], [])


def test_a_snapshot_is_due_after_many_entries_or_a_reopened_story() -> None:
    state = EngineState(72 * HOUR)
    assert not state.snapshot_due(more_waits=False)
    state.unsaved_entries = 2_000
    assert state.snapshot_due(more_waits=False)
    assert not state.snapshot_due(more_waits=True)
    state.saved()
    state.has_reopened = True
    assert state.snapshot_due(more_waits=True)


if __name__ == "__main__":
    SHAPE.write_text(json.dumps(shape(), indent=1, sort_keys=True) + "\n", "utf-8")
