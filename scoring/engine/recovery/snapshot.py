"""The engine's state as a typed value, and as bytes.

A snapshot spares a start the reading of six weeks of entries. It is derived: it may be lost at any time, and
`restore` then rebuilds the state from the entries and stories in the database.

A snapshot is data (MessagePack), not pickled objects, and its format has a number that people raise. So an edited
comment or a renamed function leaves the snapshot of a running site valid, and a changed field cannot be misread.
tests/scoring/engine/test_snapshot.py compares the shape of `EngineSnapshot` with a recorded one, and fails when the
shape changed and FORMAT did not.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from aggregator.errors import StoreError
from scoring.clustering.boilerplate import Headline
from scoring.clustering.clusterer import ClustererState
from scoring.clustering.open_stories import OpenStoriesState, OpenStory
from scoring.engine.settings import SettingsSnapshot
from scoring.engine.state import StateSnapshot
from scoring.language.terms import FrequencyState
from scoring.relevance.news_context import NewsContextState

S = TypeVar("S", bound=Struct)
T = TypeVar("T")

FORMAT = 12
"""Version of the snapshot format.

Raise it when a field of the state is added, removed or changes its meaning: other terms for the same text, other units.
A start then ignores the stored snapshot and rebuilds the state, which takes a few seconds on 100,000 entries."""


class SnapshotError(StoreError):
    """A stored snapshot cannot be used. The message says why; the way out is to rebuild the state."""


class SettingsChangedError(SnapshotError):
    """A stored snapshot was built with other settings of feeds.yaml."""


class EngineSnapshot(Struct, array_like=True, frozen=True):
    """All that an engine needs to go on as if it had never stopped, the stored stories aside."""

    format: int
    settings: SettingsSnapshot
    state: StateSnapshot


def encode(snapshot: EngineSnapshot) -> bytes:
    """Return *snapshot* as bytes."""
    return msgspec.msgpack.encode(snapshot)


def decode(data: bytes, settings: SettingsSnapshot) -> EngineSnapshot:
    """Return the snapshot that *data* contains; equal words in it are one object.

    settings: of the engine that is to go on with it

    SnapshotError when it has another format or is damaged, SettingsChangedError when it was built with other settings.
    """
    try:
        # The format comes first, so that it can be read whatever the rest looks like.
        header = msgspec.msgpack.decode(data, type=list[msgspec.Raw])
        version = msgspec.msgpack.decode(header[0], type=int) if header else 0
        if version != FORMAT:
            raise SnapshotError(f"it has format {version}, and this version of the program reads format {FORMAT}")
        if difference := msgspec.msgpack.decode(header[1], type=SettingsSnapshot).difference(settings):
            raise SettingsChangedError(difference)
        # Types are checked as they are read, so what comes back is a valid snapshot or an error, never half of one.
        with without_gc():
            return _struct(data, EngineSnapshot, state=_Words().state)
    except (msgspec.MsgspecError, IndexError) as error:
        raise SnapshotError(f"it is damaged: {error}") from error


def _struct(data: bytes | msgspec.Raw, kind: type[S], **own: Callable[[msgspec.Raw], Any]) -> S:
    """Decode a struct field by field: those in *own* by these functions, the others by their types."""
    parts = msgspec.msgpack.decode(data, type=list[msgspec.Raw])
    fields = msgspec.structs.fields(kind)
    if len(parts) != len(fields):
        raise msgspec.ValidationError(f"{kind.__name__} has {len(parts)} fields instead of {len(fields)}")
    return kind(
        *(
            own[field.name](part) if field.name in own else msgspec.msgpack.decode(part, type=field.type)
            for field, part in zip(fields, parts, strict=True)
        )
    )


class _Words(dict[str, str]):
    """Decodes a state with one string object for each distinct word: `self[word]` is the copy to keep.

    Decoding makes a new object of every word. If the whole state were decoded before its words are shared, the memory
    of the other copies would be too scattered to be returned to the system. So the words of each part are shared before
    the next part is decoded, and those of open stories, which have most of the words, story by story. With 6,000 live
    entries, that takes 34 MB and a quarter of the time less.
    """

    def __missing__(self, word: str) -> str:
        self[word] = word
        return word

    def state(self, data: msgspec.Raw) -> StateSnapshot:
        """Decode a state."""
        return _struct(
            data, StateSnapshot, frequency=self._frequency, clusterer=self._clusterer, news_context=self._news_context
        )

    def _frequency(self, data: msgspec.Raw) -> FrequencyState:
        state = msgspec.msgpack.decode(data, type=FrequencyState)
        return FrequencyState([(day, entries, self._keys(counts)) for day, entries, counts in state.days])

    def _clusterer(self, data: msgspec.Raw) -> ClustererState:
        return _struct(data, ClustererState, open=self._open, headlines=self._headlines)

    def _open(self, data: msgspec.Raw) -> OpenStoriesState:
        return _struct(
            data, OpenStoriesState, stories=self._stories, index=self._index, links=self._links, titles=self._titles
        )

    def _stories(self, data: msgspec.Raw) -> list[OpenStory]:
        decode = msgspec.msgpack.Decoder(OpenStory).decode
        return [self._story(decode(part)) for part in msgspec.msgpack.decode(data, type=list[msgspec.Raw])]

    def _story(self, story: OpenStory) -> OpenStory:
        story.past = frozenset([self[term] for term in story.past])
        story.sources = self._keys(story.sources)
        story.links = [self[link] for link in story.links]
        story.titles = list(map(self._terms, story.titles))
        for member in story.members:
            member.vector = self._keys(member.vector)
            member.title = self._keys(member.title)
            member.title_words = self._terms(member.title_words)
            member.frame_words = self._terms(member.frame_words)
            member.source_id = self[member.source_id]
            member.script = self[member.script]
        return story

    def _index(self, data: msgspec.Raw) -> dict[str, dict[int, float]]:
        return self._keys(msgspec.msgpack.decode(data, type=dict[str, dict[int, float]]))

    def _links(self, data: msgspec.Raw) -> dict[str, int]:
        return self._keys(msgspec.msgpack.decode(data, type=dict[str, int]))

    def _titles(self, data: msgspec.Raw) -> list[tuple[tuple[str, ...], int]]:
        titles = msgspec.msgpack.decode(data, type=list[tuple[tuple[str, ...], int]])
        return [(self._terms(title), story_id) for title, story_id in titles]

    def _headlines(self, data: msgspec.Raw) -> dict[str, list[Headline]]:
        headlines = msgspec.msgpack.decode(data, type=dict[str, list[Headline]])
        return {
            self[source]: [(day, self._terms(title), summary_hash) for day, title, summary_hash in latest]
            for source, latest in headlines.items()
        }

    def _news_context(self, data: msgspec.Raw) -> NewsContextState:
        state = msgspec.msgpack.decode(data, type=NewsContextState)
        return msgspec.structs.replace(
            state,
            days=[(day, titles, self._keys(counts)) for day, titles, counts in state.days],
            recent=[(at, number, self[source], length) for at, number, source, length in state.recent],
            postings=self._keys(state.postings),
            own=self._keys(state.own),
        )

    def _keys(self, by_word: Mapping[str, T]) -> dict[str, T]:
        return {self[word]: value for word, value in by_word.items()}

    def _terms(self, terms: Sequence[str]) -> tuple[str, ...]:
        return tuple([self[term] for term in terms])


@contextmanager
def without_gc() -> Iterator[None]:
    """Create millions of objects without a garbage collection each time their number grows by a quarter."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
