"""Fit the weights by which an entry joins a story to all labelled streams, and measure them on held-out streams.

    python -m bench.fit_joins [--data ../shared/data]

Each stream runs through the clusterer. A labelled entry goes into the story of its label, whatever the clusterer would
choose. Each story that it is compared with makes a pair, which is of one event if both have one label. Pairs without
labels on both sides do not count. Neither do other entries, except those of `bench/labels/*.pairs.tsv`, which say of an
entry and the story of an earlier one whether they are of one event.

A logistic regression gives the weights of the words alone, another those of words and embeddings. A stream of AI news
counts `DOMAIN` times as much as another, however many pairs it has. The weights in `HELD` keep their values: most of
them keep series, columns, warnings, bargains and other languages apart, and labelled streams have next to none; `joins`
and `size` were set by whole runs.

The first table has the average precision of "same event" on each stream: by the weights in use, which have seen all
streams, and by weights from the other streams. Then come the decisions of the weights in use near the threshold, and
last the weights. The same data gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from aggregator.model import Config, Site
from bench.stories import LABELS, RUNS, Run, is_recorded, write_sample
from bench.stories_read import text_of
from scoring.cli.recordings import stream_reader
from scoring.clustering.clusterer import Clusterer
from scoring.clustering.join_model import Evidence, JoinModel, joint_log_odds, lexical_log_odds
from scoring.clustering.weights import Tuning, Weights
from scoring.evaluation import labelled_files
from scoring.evaluation.stories import mixed, read_gold
from scoring.language.terms import DocumentFrequency, load_background
from scoring.replay.streams import Line, Stream
from tests.scoring.clustering.series import KINDS
from tests.scoring.clustering.series import rows as rows_of_series

STREAMS = (
    "week_2026_05",
    "dense_2026_03",
    "press_2025_05",
    "stretches of 2026",
    "stretches of 2024-25",
    "allsides",
    "uci titles",
    "sample edition",
)
NEAR_THRESHOLD = {"near 0, 2026": "stretches of 2026", "near 0, 2024-25": "stretches of 2024-25"}
"""Pairs whose log-odds were between -1.5 and 1.5, each with the labelled stream of the same recording."""
SERIES = "generated series"
SEEDS = (11, 12, 13)
"""Others than those of the tests."""

HELD = (
    *("recurring", "reissued", "no_event", "template", "slot", "swapped", "substituted"),
    *("dates_differ", "versions_differ", "unfamiliar", "unfamiliar_contained", "joins", "size"),
)
MEANING = ("meaning", "meaning_margin")
PAIRS_OF_A_STREAM = 1_000.0
"""What each stream counts for, whatever its size."""
DOMAIN = 4.0
"""How much more a stream of AI news counts."""
PENALTY = 30.0
"""On the square of each weight, in deviations of what it is multiplied by. Between 1 and 100, the average precision on
streams left out changes by .002."""
MAX_STEPS = 50
TOLERANCE = 1e-7
AI_NEWS = ("labels/ai_press", "stream/ai_press")

NAMES = tuple(field.name for field in fields(Weights))
NOTHING = Weights(**dict.fromkeys(NAMES, 0.0))
UNITS = tuple(replace(NOTHING, **{name: 1.0}) for name in NAMES)

Floats = NDArray[np.float64]
Pair = tuple[list[float], bool, bool]
"""Factors, whether both sides have an embedding, and whether both are of one event."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded stream with labels."""

    items: Path
    time: str
    fields: str
    background: Path | None
    labels: dict[str, tuple[str, str]]
    """By the id of a line, the labelled stream that it belongs to, and its story."""
    judged: dict[str, tuple[str, str, bool]] = field(default_factory=dict)
    """By the id of a line, the name of the pair's list, an earlier line, and whether both are of one event."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Entries of a labelled stream with the stories that they were compared with."""

    factors: Floats
    """What each weight is multiplied by, shape (pairs, weights)."""
    encoded: NDArray[np.bool_]
    """Whether both sides have an embedding, shape (pairs,)."""
    same: Floats
    """1.0 where both are of one event, shape (pairs,)."""

    def for_weights(self, *, with_meaning: bool) -> Pairs:
        """Return the pairs that one of the two sets of weights is for."""
        if with_meaning:
            return Pairs(self.factors[self.encoded], self.encoded[self.encoded], self.same[self.encoded])
        return Pairs(self.factors * ~np.isin(NAMES, MEANING), self.encoded, self.same)


# Collecting pairs


def recordings(data: Path, folder: Path) -> Iterator[Recording]:
    """Yield the labelled streams whose files are there; what is generated is written into *folder*."""
    by_file: dict[str, Recording] = {}
    for name in STREAMS:
        run = RUNS[name]
        items = data / ("" if run.window or run.labels else "clustering") / f"{run.file}.jsonl.gz"
        if not run.file:
            items, labels_file = write_sample(folder)
            labels: Mapping[str, str] = read_gold(labels_file)
        elif is_recorded(run, items):
            labels = labels_of(run, items, data)
        else:
            continue
        # The windows of one file run together: most of its lines are in none of them, and must be placed once.
        background = data / "clustering" / f"{run.background}.jsonl.gz" if run.background else None
        recording = by_file.setdefault(run.file, Recording(items, run.time, run.fields, background, {}))
        recording.labels.update({key: (name, label) for key, label in labels.items()})
        for near, stream in NEAR_THRESHOLD.items():
            if stream == name:
                recording.judged.update(judged_pairs(near, LABELS / run.labels.replace(".stories.", ".pairs.")))
    yield from by_file.values()
    for seed in SEEDS:
        yield generated(folder / f"series {seed}.jsonl.gz", seed)


def labels_of(run: Run, items: Path, data: Path) -> Mapping[str, str]:
    """Return the story of each labelled line of a stream, by the line's id."""
    if run.labels:
        return read_gold(LABELS / run.labels)
    if run.window:
        table = data / "gold" / f"{run.window}.labels.tsv"
        return labelled_files.stories_in(Stream(items, run.time), labelled_files.read(table))
    return read_gold(data / "clustering" / f"{run.file}.gold.tsv")


def judged_pairs(name: str, path: Path) -> dict[str, tuple[str, str, bool]]:
    """Return the judged pairs of a file by the later line, without those about which the judge was unsure."""
    rows = [row.split("\t") for row in path.read_text(encoding="utf-8").splitlines()]
    return {line: (name, earlier, verdict == "same") for line, earlier, verdict in rows if verdict != "unsure"}


def generated(path: Path, seed: int) -> Recording:
    """Write generated series of all kinds, an hour apart, into a file; return them with their events."""
    start = datetime(2026, 6, 1, tzinfo=UTC)
    series = [
        (start + timedelta(hours=place, minutes=row.minutes), row)
        for place, kind in enumerate(KINDS)
        for row in rows_of_series(kind, seed)
    ]
    labels = {}
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for number, (at, row) in enumerate(sorted(series, key=lambda pair: pair[0])):
            labels[str(number)] = (SERIES, f"{row.kind} {row.thing}")
            line = {"id": str(number), "ts": at.timestamp(), "source": row.source, "url": f"https://a.example/{number}"}
            file.write(json.dumps({**line, "title": row.title, "summary": row.summary}) + "\n")
    return Recording(path, "ts", "title,summary", None, labels)


class Recorder(JoinModel):
    """The model in use, which records all evidence that it weighs."""

    def __init__(self) -> None:
        tuning = Tuning()
        super().__init__(tuning.weights, tuning.with_meaning)
        self.compared: list[Evidence] = []

    def log_odds(self, evidence: Evidence) -> float:
        self.compared.append(evidence)
        return super().log_odds(evidence)


def pairs_of(lines: Iterable[Line], recording: Recording) -> dict[str, list[Pair]]:
    """Return the pairs of a recording, by labelled stream."""
    model = Recorder()
    clusterer = Clusterer(DocumentFrequency(load_background()), model=model)
    story_of: dict[tuple[str, str], int] = {}
    label_of: dict[int, tuple[str, str]] = {}
    joined: dict[str, int] = {}
    """By the id of a line, the story that it was added to."""
    pairs: dict[str, list[Pair]] = {}
    for number, line in enumerate(lines, start=1):
        text = text_of(number, line if "summary" in recording.fields else replace(line, summary=""))
        clusterer.expire(text.arrived)
        model.compared.clear()
        story_id = clusterer.place(text).story_id
        label = recording.labels.get(line.id)
        if label is not None:
            for evidence in model.compared:
                candidate = evidence.story.story_id
                if candidate in label_of:
                    pairs.setdefault(label[0], []).append(pair_of(evidence, same=label_of[candidate] == label))
            story_id = story_of.get(label, number)
            if story_id not in clusterer:
                story_id = number
            story_of[label], label_of[story_id] = story_id, label
        elif line.id in recording.judged:
            name, earlier, same = recording.judged[line.id]
            for evidence in model.compared:
                if evidence.story.story_id == joined.get(earlier):
                    pairs.setdefault(name, []).append(pair_of(evidence, same=same))
        clusterer.add(text, story_id)
        joined[line.id] = story_id
    return pairs


def pair_of(evidence: Evidence, *, same: bool) -> Pair:
    """Return the pair of an entry and a story that were compared."""
    encoded = evidence.meaning is not None and evidence.meaning.cosine is not None
    log_odds = joint_log_odds if encoded else lexical_log_odds
    return [log_odds(unit, evidence) for unit in UNITS], encoded, same


def collected(data: Path, read: Callable[[Path, str], Stream], folder: Path) -> dict[str, Pairs]:
    """Return the pairs of each labelled stream."""
    pairs: dict[str, list[Pair]] = {}
    for recording in recordings(data, folder):
        background = read(recording.background, recording.time) if recording.background else None
        lines = mixed(read(recording.items, recording.time), background)
        for name, found in pairs_of(lines, recording).items():
            pairs.setdefault(name, []).extend(found)
    return {name: arrays(rows) for name, rows in pairs.items()}


def arrays(rows: Sequence[Pair]) -> Pairs:
    """Return pairs as arrays."""
    return Pairs(
        np.array([factors for factors, _, _ in rows]),
        np.array([encoded for _, encoded, _ in rows]),
        np.array([same for _, _, same in rows], float),
    )


# Fitting


def fitted(streams: Mapping[str, Pairs], now: Weights) -> Weights:
    """Return the weights that fit the pairs of several streams; those in `HELD` stay as they are *now*.

    Minimises the cross-entropy plus `PENALTY` / 2 times the squares of the weights, by Newton's method. The intercept
    is not penalised.
    """
    factors = np.concatenate([pairs.factors for pairs in streams.values()])
    same = np.concatenate([pairs.same for pairs in streams.values()])
    counts = np.concatenate(
        [np.full(len(pairs.same), counted(name) / len(pairs.same)) for name, pairs in streams.items()]
    )
    values = np.array([getattr(now, name) for name in NAMES])
    scale = factors.std(axis=0)
    intercept = np.array(NAMES) == "intercept"
    scale[intercept] = 1.0
    held = np.isin(NAMES, HELD)
    free = ~held & (scale > 0.0)
    columns, offset = factors[:, free] / scale[free], factors[:, held] @ values[held]
    penalty = np.where(intercept[free], 0.0, PENALTY)
    weights = np.zeros(len(penalty))

    def loss(weights: Floats) -> float:
        signed = (offset + columns @ weights) * (1.0 - 2.0 * same)
        return float(counts @ np.logaddexp(0.0, signed) + penalty @ weights**2 / 2.0)

    for _ in range(MAX_STEPS):
        likely = 1.0 / (1.0 + np.exp(-np.clip(offset + columns @ weights, -30.0, 30.0)))
        slope = columns.T @ (counts * (likely - same)) + penalty * weights
        curvature = (columns.T * (counts * likely * (1.0 - likely))) @ columns + np.diag(penalty)
        step = np.linalg.solve(curvature, slope)
        if np.abs(step).max() < TOLERANCE:
            break
        # Far from the minimum, where all probabilities are near 0 or 1, a whole step can overshoot without end.
        while loss(weights - step) > loss(weights) and np.abs(step).max() > TOLERANCE:
            step = step / 2.0
        weights = weights - step
    values[~held] = 0.0
    values[free] = weights / scale[free]
    # Rounded, so that the last digits of another processor's linear algebra do not show.
    return Weights(**dict(zip(NAMES, (values.round(3) + 0.0).tolist(), strict=True)))


def counted(name: str) -> float:
    """Return how many pairs a stream counts for."""
    run = RUNS.get(NEAR_THRESHOLD.get(name, name), RUNS["gnews"])
    return PAIRS_OF_A_STREAM * (DOMAIN if run.file.startswith(AI_NEWS) else 1.0)


def log_odds(pairs: Pairs, weights: Weights) -> Floats:
    """Return the log-odds of each pair."""
    values: Floats = pairs.factors @ np.array([getattr(weights, name) for name in NAMES])
    return values


def held_out(streams: Mapping[str, Pairs], now: Weights) -> Iterator[str]:
    """Yield a row for each stream: average precision by the weights in use, and by weights from the others."""
    of_now, of_others = [], []
    for name, pairs in streams.items():
        others = fitted({key: other for key, other in streams.items() if key != name}, now)
        of_now.append(average_precision_score(pairs.same, log_odds(pairs, now)))
        of_others.append(average_precision_score(pairs.same, log_odds(pairs, others)))
        size = f"{len(pairs.same):,} | {int(pairs.same.sum()):,}"
        yield f"| {name} | {size} | {of_now[-1]:.3f} | {of_others[-1]:.3f} |"
    yield f"| mean | | | {np.mean(of_now):.3f} | {np.mean(of_others):.3f} |"


def decisions(streams: Mapping[str, Pairs], now: Weights) -> Iterator[str]:
    """Yield a row for each list of pairs near the threshold: how many joins are right, and how many are missed."""
    for name in filter(streams.__contains__, NEAR_THRESHOLD):
        joins, same = log_odds(streams[name], now) > 0.0, streams[name].same > 0.0
        right = int((joins & same).sum())
        yield f"| {name} | {right} of {int(joins.sum())} | {int(same.sum()) - right} of {int(same.sum())} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, stream_reader(Config(Site(), (), ())) as read:
        streams = collected(args.data, read, Path(folder))
    tuning = Tuning()
    found: dict[str, tuple[Weights, Weights]] = {}
    for title, now in (("words", tuning.weights), ("words and meaning", tuning.with_meaning)):
        with_meaning = now.meaning > 0.0
        chosen = {name: pairs.for_weights(with_meaning=with_meaning) for name, pairs in streams.items()}
        chosen = {name: pairs for name, pairs in chosen.items() if pairs.same.any()}
        if not chosen:
            print(f"{title}: there are no pairs, or no embeddings")
            continue
        print(f"\n| {title} | pairs | of one event | in use | from the others |\n|---|---|---|---|---|")
        print("\n".join(held_out(chosen, now)), flush=True)
        print("\n| in use | joins right | missed |\n|---|---|---|")
        print("\n".join(decisions(chosen, now)))
        found[title] = now, fitted(chosen, now)
    print(
        f"\n| weight |{'|'.join(f' {title}: in use | fitted ' for title in found)}|\n|{'---|' * (1 + 2 * len(found))}"
    )
    for name in NAMES:
        cells = [f"{getattr(weights, name):g}" for pair in found.values() for weights in pair]
        print(f"| {name}{' (held)' if name in HELD else ''} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
