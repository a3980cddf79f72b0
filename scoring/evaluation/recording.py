"""Record what the site knew of its live stories, step by step, so that orders can be compared without a replay.

    record(stream, ...) -> Recording     a replay with the engine that runs live; minutes
    save(recording, path), load(path)    JSON Lines, gzip; seconds

Leaves what an order is worth to `front_page` and `trending`.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from aggregator.errors import StreamError
from aggregator.model import Config, Embedding
from scoring.engine import Coverage, Engine
from scoring.learning.train import Learner
from scoring.relevance.model import RelevanceModel
from scoring.replay.runner import replay
from scoring.replay.streams import Line, Stream

FORMAT = 2
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RecordedEntry:
    """An entry of the stream."""

    entry_id: int
    source_id: str
    title: str
    summary: str
    link: str
    published_at: datetime | None
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """The live stories at a moment, and the lists as the site would have shown them."""

    at: datetime
    stories: tuple[Coverage, ...]
    lists: dict[str, tuple[int, ...]]
    """Story ids in order; "" is the front page, the others are categories."""


@dataclass(slots=True)
class Recording:
    """A stream as the site saw it."""

    entries: dict[int, RecordedEntry] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)


class _Step(msgspec.Struct):
    """A moment on disk: only what changed since the moment before."""

    at: datetime
    changed: list[Coverage]
    """Without embeddings."""
    embeddings: dict[int, Embedding | None]
    """By story, where it changed: scores change often, lead entries seldom."""
    gone: list[int]
    lists: dict[str, tuple[int, ...]]
    entries: list[RecordedEntry]


class _Header(msgspec.Struct):
    format: int


def record(
    stream: Stream,
    config: Config,
    model: RelevanceModel,
    *,
    step: timedelta = HOUR,
    learn: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Recording:
    """Run *stream* through the engine and record every whole *step*.

    learn: retrain each day from the stream's own past, as a site does
    """
    recording = Recording()
    learner = Learner(config) if learn else None
    due: datetime | None = None
    recorded: dict[int, Coverage] = {}

    def watch(engine: Engine, moment: datetime) -> None:
        nonlocal due, recorded
        if due is None:
            due = moment.replace(minute=0, second=0, microsecond=0) + step
        if due >= moment:
            return
        present: dict[int, Coverage] = {}
        for coverage in engine.coverage():
            before = recorded.get(coverage.story_id)
            # One object for as long as nothing changes, so that a recording of months fits into memory.
            present[coverage.story_id] = before if before == coverage else coverage
        recorded = present
        while due < moment:
            alive = tuple(c for c in present.values() if due - c.last_arrival_at < config.scoring.window)
            lists = {name: tuple(s for s, _ in stories) for name, stories in engine.rank(due).items() if stories}
            recording.moments.append(Moment(due, alive, lists))
            due += step

    def arrived(line: Line, entry_id: int) -> None:
        if entry_id not in recording.entries:
            recording.entries[entry_id] = RecordedEntry(
                entry_id, line.source, line.title, line.summary, line.url, line.published_at, line.arrived_at
            )

    replay(
        stream,
        config,
        model,
        retrain=learner,
        observer=learner.past if learner is not None else None,
        watcher=watch,
        line_observer=arrived,
        progress=progress,
    )
    return recording


def save(recording: Recording, path: Path) -> None:
    """Write *recording*; the file appears under its name once it is whole."""
    encode = msgspec.json.Encoder().encode
    part = path.with_name(f"{path.name}.part")
    with gzip.GzipFile(part, "wb", compresslevel=3, mtime=0) as file:
        file.write(encode(_Header(FORMAT)) + b"\n")
        for step in _steps(recording):
            file.write(encode(step) + b"\n")
    part.replace(path)


def _steps(recording: Recording) -> Iterator[_Step]:
    before: dict[int, Coverage] = {}
    embedding_of: dict[int, Embedding | None] = {}
    waiting = sorted(recording.entries.values(), key=lambda entry: (entry.arrived_at, entry.entry_id))
    position = 0
    for number, moment in enumerate(recording.moments, start=1):
        present = {coverage.story_id: coverage for coverage in moment.stories}
        arrived = position
        while arrived < len(waiting) and waiting[arrived].arrived_at <= moment.at:
            arrived += 1
        if number == len(recording.moments):
            arrived = len(waiting)  # what came after the last whole step
        changed = [c for story_id, c in present.items() if before.get(story_id) is not c]
        embeddings = {c.story_id: c.embedding for c in changed if c.embedding != embedding_of.get(c.story_id)}
        embedding_of.update(embeddings)
        yield _Step(
            at=moment.at,
            changed=[replace(c, embedding=None) for c in changed],
            embeddings=embeddings,
            gone=[story_id for story_id in before if story_id not in present],
            lists=moment.lists,
            entries=waiting[position:arrived],
        )
        before, position = present, arrived


def load(path: Path) -> Recording:
    """Read what `save` wrote; StreamError when the file is something else."""
    recording = Recording()
    coverage_of: dict[int, Coverage] = {}
    embedding_of: dict[int, Embedding | None] = {}
    decode = msgspec.json.Decoder(_Step).decode
    try:
        with gzip.open(path, "rb") as file:
            lines = io.BufferedReader(file)
            if msgspec.json.decode(lines.readline(), type=_Header).format != FORMAT:
                raise StreamError(f"{path} was recorded by another version; delete it and record again")
            for line in lines:
                step = decode(line)
                for story_id in step.gone:
                    del coverage_of[story_id]
                embedding_of.update(step.embeddings)
                for coverage in step.changed:
                    embedding = embedding_of.get(coverage.story_id)
                    coverage_of[coverage.story_id] = replace(coverage, embedding=embedding)
                recording.entries.update({entry.entry_id: entry for entry in step.entries})
                recording.moments.append(Moment(step.at, tuple(coverage_of.values()), step.lists))
    except (OSError, EOFError, KeyError, msgspec.MsgspecError) as error:
        raise StreamError(f"cannot read the recording {path}: {error}") from error
    return recording
