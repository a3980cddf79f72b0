"""Run a recorded stream through the production code with a simulated clock.

Turns the lines of `streams` into entries and edits, as polls would. The engine makes all decisions, with a database
through store and updater, as in the running program.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby, islice
from typing import TextIO

from aggregator.errors import StoreError
from aggregator.model import Changes, Config, Draft, Edit, Embedding, Entry, Event, Source
from aggregator.parse import identity
from aggregator.store import Arrival, Store
from aggregator.text.reading_time import count_words
from aggregator.text.sanitize import clean
from aggregator.text.urls import canonical, host, registrable_domain, safe_link
from scoring.engine import Engine
from scoring.relevance.model import RelevanceModel
from scoring.replay.report import Report
from scoring.replay.streams import Line, Skipped, Stream
from scoring.updater import Observer, Updater

Retrain = Callable[[Engine, datetime], RelevanceModel | None]
"""Called at the first arrival of each UTC day; returns a better model, or None to keep the current one."""

Watcher = Callable[[Engine, datetime], None]
"""Called before each moment with the engine's state at that time, and the moment."""

LineObserver = Callable[[Line, int], None]
"""Called with each line of the stream and the ID of its entry, before the engine's step."""

Progress = Callable[[int], None]
"""Called with the number of lines just processed."""

GROUPS = 200
"""Moments per transaction, with a database."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The totals of a replay."""

    entries: int
    edits: int
    repeats: int
    """Lines that repeat a known entry, edits included."""
    stories: int
    broken: int
    skipped: tuple[Skipped, ...]
    """The broken lines, the first thousand of them."""
    first_at: datetime | None
    last_at: datetime | None


def replay(
    stream: Stream,
    config: Config,
    model: RelevanceModel,
    *,
    assignments: TextIO | None = None,
    scores: TextIO | None = None,
    db: Store | None = None,
    retrain: Retrain | None = None,
    observer: Observer | None = None,
    watcher: Watcher | None = None,
    line_observer: LineObserver | None = None,
    progress: Progress | None = None,
) -> Replayed:
    """Run *stream* and return its totals; the same input writes the same bytes.

    assignments: gets `id<TAB>story` per line of the stream, as decided at its arrival
    scores:      gets a JSON object per line of the stream, as known at its arrival
    db:          an empty database that the entries and stories are also written to

    observer:    called with each step, as by `Updater`; with `retrain` a replay learns as a site does

    Lines that arrive at one moment are one step. A line with the link, or else title and date, of an earlier line of
    its source is the same entry: a changed text is an edit, and the line gets the story of the entry.
    """
    if db is not None and db.entries.count():
        raise StoreError("a replay needs a database of its own; name one that does not exist yet")
    report = Report(assignments, scores)
    runner = _InMemory(config, model, report, observer) if db is None else _InStore(db, config, model, report, observer)
    intake = _Intake(config)
    day = None
    moments = (intake.group(moment, list(lines)) for moment, lines in groupby(stream, key=lambda line: line.arrived_at))
    for batch in _batches(moments, 1 if retrain is not None or watcher is not None or db is None else GROUPS):
        now = batch[0].moment
        if retrain is not None and day is not None and now.date() != day:
            better = retrain(runner.engine, now)
            if better is not None:
                runner.use_model(better, now)
        day = now.date()
        if watcher is not None:
            watcher(runner.engine, now)
        if line_observer is not None:
            for group in batch:
                for line, entry_id in group.arrived:
                    line_observer(line, entry_id)
        runner.process(batch)
        if progress is not None:
            progress(sum(len(group.lines) for group in batch))
    return Replayed(
        entries=intake.entries,
        edits=intake.edits,
        repeats=intake.repeats,
        stories=report.stories,
        broken=stream.broken,
        skipped=tuple(stream.skipped),
        first_at=intake.first_at,
        last_at=intake.last_at,
    )


# From lines to entries


@dataclass(slots=True)
class _Group:
    """The arrivals of one moment."""

    moment: datetime
    lines: list[tuple[str, int]] = field(default_factory=list)
    """The ID of each line, and its entry."""
    new: dict[str, list[tuple[int, Arrival]]] = field(default_factory=dict)
    """By source, in order of appearance."""
    embeddings: dict[int, Embedding] = field(default_factory=dict)
    """By new entry."""
    edits: list[tuple[int, Arrival]] = field(default_factory=list)
    """Entries with their current text."""
    arrived: list[tuple[Line, int]] = field(default_factory=list)
    """The lines themselves, each with its entry."""


class _Intake:
    """Recognizes entries that a source repeats; takes about 100 bytes per entry."""

    def __init__(self, config: Config) -> None:
        self._sources = {source.name.casefold(): source.id for source in config.sources}
        self._sources |= {source.id: source.id for source in config.sources}
        self._seen: dict[bytes, list[int]] = {}
        """Hash of source and identity -> entry, and checksum of its text."""
        self.entries = self.edits = self.repeats = 0
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None

    def group(self, moment: datetime, lines: Iterable[Line]) -> _Group:
        """Return the arrivals and edits of *lines* at *moment*."""
        self.first_at = self.first_at or moment
        self.last_at = moment
        group = _Group(moment)
        fresh: dict[str, list[tuple[Draft, list[int], Embedding | None]]] = {}
        edited: dict[int, Draft] = {}
        entries: list[tuple[Line, list[int]]] = []
        for line in lines:
            draft = _draft(line)
            source = self.source_of(line)
            key = _hash(source, identity.identity(draft))
            text = int.from_bytes(_hash(draft.title, draft.summary)[:7])
            seen = self._seen.get(key)
            if seen is None:
                seen = self._seen[key] = [0, text]
                fresh.setdefault(source, []).append((draft, seen, line.embedding))
            else:
                self.repeats += 1
                # Two versions at one moment are not an edit: the first one counts.
                if seen[0] and seen[1] != text:
                    seen[1] = text
                    edited[seen[0]] = draft
            entries.append((line, seen))
        # Numbered source by source, as polls would store them.
        for source, arrivals in fresh.items():
            for draft, seen, embedding in arrivals:
                self.entries += 1
                seen[0] = self.entries
                group.new.setdefault(source, []).append((seen[0], _arrival(draft)))
                if embedding is not None:
                    group.embeddings[seen[0]] = embedding
        group.edits = [(entry_id, _arrival(draft)) for entry_id, draft in edited.items()]
        self.edits += len(group.edits)
        group.arrived = [(line, seen[0]) for line, seen in entries]
        group.lines = [(line.id, entry_id) for line, entry_id in group.arrived]
        return group

    def source_of(self, line: Line) -> str:
        """Return the source of a line: a configured one by ID or name, else that name, else the site of its URL."""
        if line.source:
            return self._sources.get(line.source) or self._sources.get(line.source.casefold(), line.source)
        return registrable_domain(host(line.url)) if line.url else ""


def _draft(line: Line) -> Draft:
    return Draft(
        guid="",
        link=safe_link(line.url) if line.url else "",
        title=line.title,
        summary=line.summary,
        content=line.content,
        tags=(line.category,) if line.category else (),
        language=line.language,
        stated_at=line.published_at.isoformat() if line.published_at else "",
        published_at=line.published_at,
    )


def _arrival(draft: Draft) -> Arrival:
    return Arrival(
        draft=draft,
        identity=identity.identity(draft),
        canonical_link=canonical(draft.link) if draft.link else "",
        digest=identity.digest(draft),
        word_count=count_words(draft.summary),
    )


def _hash(*parts: str) -> bytes:
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).digest()


def _batches(groups: Iterable[_Group], size: int) -> Iterator[list[_Group]]:
    groups = iter(groups)
    while batch := list(islice(groups, size)):
        yield batch


# From entries to stories


class _InMemory:
    """The engine alone."""

    def __init__(self, config: Config, model: RelevanceModel, report: Report, observer: Observer | None) -> None:
        self.engine = Engine(config, model)
        self._report = report
        self._observer = observer

    def use_model(self, model: RelevanceModel, now: datetime) -> None:
        self.engine.use_model(model, now)

    def process(self, batch: Sequence[_Group]) -> None:
        for group in batch:
            events: list[Event] = [
                _entry(entry_id, source, arrival, group)
                for source, arrivals in group.new.items()
                for entry_id, arrival in arrivals
            ]
            events += [
                Edit(number, entry_id, group.moment, "", arrival.draft.title, "", arrival.draft.summary)
                for number, (entry_id, arrival) in enumerate(group.edits)
            ]
            changes = self.engine.step(events, group.moment) if events else Changes()
            if events and self._observer is not None:
                self._observer(group.moment, events, changes)
            self._report.write(group.moment, group.lines, changes)


class _InStore:
    """The engine with a store and the updater, as the worker has them."""

    def __init__(
        self, store: Store, config: Config, model: RelevanceModel, report: Report, observer: Observer | None
    ) -> None:
        self._store = store
        self._report = report
        self._observer = observer
        self._updater = Updater(store, config, model, self._seen)
        self._sources = {source.id: source for source in config.sources}
        self._waiting: list[_Group] = []
        self._stored_sources: set[str] = set()

    @property
    def engine(self) -> Engine:
        return self._updater.engine

    def use_model(self, model: RelevanceModel, now: datetime) -> None:
        self._updater.use_model(model, now)

    def process(self, batch: Sequence[_Group]) -> None:
        store = self._store
        self._waiting = list(batch)
        sources = {source for group in batch for source in group.new} - self._stored_sources
        with store.transaction():
            if sources:
                self._stored_sources |= sources
                for source in sorted(sources - self._sources.keys()):
                    self._sources[source] = Source(source, source or "unknown", "", "", owner=source, enabled=False)
                store.feeds.sync(list(self._sources.values()), batch[0].moment)
            for group in batch:
                for source, arrivals in group.new.items():
                    stored = [_cleaned(arrival) for _, arrival in arrivals]
                    ids = store.entries.add(source, stored, group.moment)
                    assert ids == [entry_id for entry_id, _ in arrivals], "entries are numbered in order of arrival"
                for entry_id, embedding in group.embeddings.items():
                    store.embeddings.add(embedding.encoder, {entry_id: embedding.values}, placed=True)
                for entry_id, arrival in group.edits:
                    store.entries.edit(entry_id, self._edited(entry_id, arrival), group.moment)
        self._updater.run(batch[-1].moment)
        self._report_until(None)

    def _edited(self, entry_id: int, arrival: Arrival) -> Arrival:
        """Return an entry with the title and summary of *arrival*, the only fields that a replay edits."""
        stored = self._store.entries.get(entry_id)
        if stored is None:
            return _cleaned(arrival)
        draft = replace(
            arrival.draft,
            link=stored.link,
            content=stored.content,
            tags=stored.tags,
            language=stored.language,
            published_at=stored.published_at,
        )
        return replace(_arrival(draft), identity=stored.identity)

    def _seen(self, moment: datetime, events: Sequence[Event], changes: Changes) -> None:
        if self._observer is not None:
            self._observer(moment, events, changes)
        self._report_until(moment)
        self._written(self._waiting.pop(0), changes)

    def _report_until(self, moment: datetime | None) -> None:
        """Report the moments before *moment* without anything new, which caused no step."""
        while self._waiting and (moment is None or self._waiting[0].moment < moment):
            self._written(self._waiting.pop(0), Changes())

    def _written(self, group: _Group, changes: Changes) -> None:
        self._report.write(group.moment, group.lines, changes)


def _cleaned(arrival: Arrival) -> Arrival:
    if not arrival.draft.content:
        return arrival
    content = clean(arrival.draft.content)
    return replace(arrival, draft=replace(arrival.draft, content=content))


def _entry(entry_id: int, source: str, arrival: Arrival, group: _Group) -> Entry:
    draft = arrival.draft
    return Entry(
        entry_id=entry_id,
        source_id=source,
        identity=arrival.identity,
        link=draft.link,
        title=draft.title,
        summary=draft.summary,
        first_seen_at=group.moment,
        published_at=draft.published_at,
        tags=draft.tags,
        language=draft.language,
        word_count=arrival.word_count,
        embedding=group.embeddings.get(entry_id),
    )
