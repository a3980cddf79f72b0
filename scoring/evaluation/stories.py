"""Measure stories against labels: who shares a story with whom, and who should.

Runs a labelled stream through the engine that runs live. Leaves measures to `metrics.clustering` and reading files to
`streams`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from pathlib import Path

from aggregator.errors import StreamError
from aggregator.model import Config, Entry, Site, follow_merges
from scoring.engine import Engine
from scoring.evaluation import story_errors
from scoring.metrics.clustering import Labels, bcubed, bcubed_interval, ceaf_e, nmi, pairs, pairs_interval
from scoring.relevance.model import RelevanceModel
from scoring.replay.streams import Line, Stream

# A labelled stream through the engine


@dataclass(frozen=True, slots=True)
class Measures:
    """How well one set of stories meets the labels."""

    stories: int
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f1: float
    bcubed_f1_low: float
    bcubed_f1_high: float
    """95 % bootstrap interval."""
    pair_precision: float
    pair_recall: float
    pair_f1: float
    pair_f1_low: float
    pair_f1_high: float
    ceaf_e_f1: float
    nmi: float


@dataclass(frozen=True, slots=True)
class Report:
    """The result for a labelled stream."""

    entries: int
    labelled: int
    labels: int
    skipped: int
    """Lines that could not be used."""
    arrival: Measures
    """Of the story that each entry was given as it arrived."""
    end: Measures
    """Of the stories after the last entry, re-clustering included."""
    errors: dict[str, int]
    """Pairs at arrival that are wrongly joined or missed, by kind; see `story_errors`."""
    entries_per_cpu_s: float


def measure(gold: Labels, predicted: Labels, *, seed: int = 0) -> Measures:
    """Return all measures of some entries; ValueError when there are none."""
    if not gold:
        raise ValueError("nothing to measure: no entry has a label")
    both = bcubed(gold, predicted)
    low, high = bcubed_interval(gold, predicted, seed=seed)
    paired = pairs(gold, predicted)
    pair_low, pair_high = pairs_interval(gold, predicted, seed=seed)
    return Measures(
        stories=len(set(predicted)),
        bcubed_precision=both.precision,
        bcubed_recall=both.recall,
        bcubed_f1=both.f1,
        bcubed_f1_low=low,
        bcubed_f1_high=high,
        pair_precision=paired.precision,
        pair_recall=paired.recall,
        pair_f1=paired.f1,
        pair_f1_low=pair_low,
        pair_f1_high=pair_high,
        ceaf_e_f1=ceaf_e(gold, predicted).f1,
        nmi=nmi(gold, predicted),
    )


def read_gold(path: Path) -> dict[str, str]:
    """Return the label of each id in a file of `id<TAB>story`; StreamError names what is wrong."""
    labels = {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise StreamError(f"cannot read the labels {path}: {fault}") from fault
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        fields = line.split("\t")
        if len(fields) < 2:
            raise StreamError(f"{path}:{number}: not `id<TAB>story`")
        if fields[1]:
            labels[fields[0]] = fields[1]
    return labels


def assign(
    lines: Iterable[Line],
    config: Config,
    model: RelevanceModel,
    *,
    fields: Sequence[str] = ("title", "summary"),
    progress: Callable[[int], None] | None = None,
) -> tuple[list[tuple[str, int, int]], float]:
    """Run *lines*, in order of arrival, through an engine.

    fields: what of a line the engine sees of its text

    Returns of each line its id, its story as it arrived and its story at the end; and the CPU seconds, without those
    of encoding.
    """
    engine = Engine(config, model)
    ids: list[str] = []
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    merged: dict[int, int] = {}
    seconds = 0.0
    for moment, group in groupby(lines, key=lambda line: line.arrived_at):
        entries = []
        for line in group:
            ids.append(line.id)
            entries.append(_entry(len(ids), line, fields))
        began = time.process_time()
        changes = engine.step(entries, moment)
        seconds += time.process_time() - began
        for membership in changes.memberships:
            first.setdefault(membership.entry_id, membership.story_id)
            last[membership.entry_id] = membership.story_id
        for story in changes.stories:
            if story.merged_into is not None:
                merged[story.story_id] = story.merged_into
            else:
                merged.pop(story.story_id, None)
        if progress is not None:
            progress(len(entries))
    return [(own, first[n], follow_merges(last[n], merged.get)) for n, own in enumerate(ids, start=1)], seconds


def evaluate(
    stream: Stream,
    gold: Mapping[str, str],
    model: RelevanceModel,
    *,
    background: Stream | None = None,
    fields: Sequence[str] = ("title", "summary"),
    config: Config | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Run a labelled stream, mixed with unlabelled entries, through the live code and measure its stories.

    Entries without a label flow through and are not judged. StreamError when no entry has one.
    """
    lines = list(mixed(stream, background))
    assigned, seconds = assign(lines, config or Config(Site(), (), ()), model, fields=fields, progress=progress)
    judged = [(gold[own], arrival, end) for own, arrival, end in assigned if own in gold]
    if not judged:
        raise StreamError(f"no entry of {stream.path} has a label; are these labels of another stream?")
    labels = [label for label, _, _ in judged]
    at_arrival = {own: arrival for own, arrival, _ in assigned if own in gold}
    errors = story_errors.count(
        {line.id: line for line in lines if line.id in at_arrival}, {own: gold[own] for own in at_arrival}, at_arrival
    )
    return Report(
        entries=len(assigned),
        labelled=len(judged),
        labels=len(set(labels)),
        skipped=stream.broken + (background.broken if background is not None else 0),
        arrival=measure(labels, [arrival for _, arrival, _ in judged], seed=seed),
        end=measure(labels, [end for _, _, end in judged], seed=seed),
        errors=errors,
        entries_per_cpu_s=len(assigned) / max(seconds, 1e-9),
    )


def stories_at_end(
    stream: Stream,
    model: RelevanceModel,
    *,
    background: Stream | None = None,
    config: Config | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict[str, int]:
    """Run a stream, mixed with others that it does not name, through the live code; return where its entries ended.

    What comes under an id that the stream has is no background, so the whole that it was taken from can be one.
    """
    own = {line.id for line in stream}
    others = (line for line in background or () if line.id not in own)
    around_them = merge(stream, others, key=lambda line: line.arrived_at)
    assigned, _ = assign(around_them, config or Config(Site(), (), ()), model, progress=progress)
    return {line_id: end for line_id, _, end in assigned if line_id in own}


def lines(report: Report) -> list[str]:
    """Return *report* as text for a terminal."""
    rows = [
        f"{report.entries} entries, {report.labelled} of them with one of {report.labels} labels"
        + (f"; {report.skipped} lines could not be used" if report.skipped else ""),
        f"{'':8}{'stories':>8}  BCubed P      R     F1        95 %     pairs P      R     F1        95 %    "
        " CEAF-e    NMI",
    ]
    for name, measures in (("arrival", report.arrival), ("end", report.end)):
        rows.append(
            f"{name:8}{measures.stories:8d}  {measures.bcubed_precision:8.4f} {measures.bcubed_recall:.4f} "
            f"{measures.bcubed_f1:.4f} {measures.bcubed_f1_low:.3f}..{measures.bcubed_f1_high:.3f}   "
            f"{measures.pair_precision:.4f} {measures.pair_recall:.4f} {measures.pair_f1:.4f} "
            f"{measures.pair_f1_low:.3f}..{measures.pair_f1_high:.3f}  {measures.ceaf_e_f1:.4f} {measures.nmi:.4f}"
        )
    for title, kinds in (("wrong", story_errors.WRONG), ("missed", story_errors.MISSED)):
        rows.append(f"pairs {title}: " + ", ".join(f"{report.errors[kind]} {kind}" for kind in kinds))
    rows.append(f"{report.entries_per_cpu_s:.0f} entries per CPU second")
    return rows


def mixed(stream: Stream, background: Stream | None) -> Iterator[Line]:
    """Yield the lines of one or two streams in order of arrival."""
    streams = [stream] if background is None else [stream, background]
    return merge(*streams, key=lambda line: line.arrived_at)


def _entry(number: int, line: Line, fields: Sequence[str]) -> Entry:
    return Entry(
        entry_id=number,
        source_id=line.source,
        identity=line.id,
        link=line.url,
        title=line.title if "title" in fields else "",
        summary=line.summary if "summary" in fields else "",
        first_seen_at=line.arrived_at,
        published_at=line.published_at,
        language=line.language,
        embedding=line.embedding if "title" in fields else None,
    )
