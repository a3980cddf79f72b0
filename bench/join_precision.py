"""How many joins and merges are right according to labels, and what log-odds of joining are worth as a probability.

    python -m bench.join_precision [--data ../shared/data]

Runs the labelled streams of `bench.fit_joins`, without generated series, through the engine with its encoder. An entry
that joins is right if most labelled entries of its story have its label; a merge, if the most common labels of both
stories are the same. Sides without a label are not judged.

The last line fits `CALIBRATION`: logistic(a + b * log-odds) is the share of entries that belong to the story to which
these log-odds were the highest, whether they joined it or not. Each stream counts the same.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from aggregator.model import Config, Entry, Membership, Site
from bench.fit_joins import SERIES, Recording, recordings
from scoring.cli.recordings import stream_reader
from scoring.clustering.clusterer import IDENTICAL_PROBABILITY, Placement
from scoring.clustering.weights import CALIBRATION
from scoring.engine.membership import Joiner
from scoring.engine.regrouping import Regrouping
from scoring.evaluation.stories import assign, mixed
from scoring.learning import logistic
from scoring.metrics.probability import ece
from scoring.relevance.model import load_prior
from scoring.replay.streams import Line


@dataclass(slots=True)
class Verdicts:
    """What labels say about the decisions of one stream."""

    joins: list[bool] = field(default_factory=list)
    merges: list[bool] = field(default_factory=list)
    decisions: list[tuple[float, bool]] = field(default_factory=list)
    """Log-odds of the likeliest story, and whether the entry belongs to a story that was open."""


def commonest(labels: Iterable[str | None]) -> str | None:
    """Return the most common label, the first of equals; None if there is none."""
    counts = Counter(label for label in labels if label is not None)
    return counts.most_common(1)[0][0] if counts else None


@contextmanager
def judged(lines: Sequence[Line], labels: Mapping[str, tuple[str, str]]) -> Iterator[dict[str, Verdicts]]:
    """Judge the joins and merges of an engine that runs *lines*; yield the verdicts by labelled stream."""
    verdicts: dict[str, Verdicts] = {}
    join, merge = Joiner.join, Regrouping.merge

    def label_of(entry_id: int) -> str | None:
        label = labels.get(lines[entry_id - 1].id)
        return None if label is None else label[1]

    def judged_join(joiner: Any, entry: Entry, text: Any, placement: Placement, *others: Any) -> Membership:
        label = labels.get(lines[entry.entry_id - 1].id)
        if label is not None:
            live = joiner._state.live
            story = live.get(placement.story_id)
            theirs = commonest(map(label_of, story.members)) if story else None
            verdict = verdicts.setdefault(label[0], Verdicts())
            if story and theirs is not None:
                verdict.joins.append(theirs == label[1])
            # Neither a reprint nor an entry without any candidate was compared.
            if story and theirs is not None and placement.probability != IDENTICAL_PROBABILITY:
                verdict.decisions.append((log_odds(placement.probability), theirs == label[1]))
            elif not story and placement.probability < 1.0:
                belongs = any(label_of(member) == label[1] for other in live.values() for member in other.members)
                verdict.decisions.append((log_odds(1.0 - placement.probability), belongs))
        return join(joiner, entry, text, placement, *others)

    def judged_merge(regrouping: Any, merging: Any, now: Any, entry_id: int, log: Any) -> None:
        live = regrouping._state.live
        sides = [
            commonest(label_of(member) for member in live[story_id].members if member != entry_id)
            for story_id in (merging.into, merging.story_id)
        ]
        if None not in sides:
            member = next(key for key in live[merging.into].members if label_of(key) is not None)
            name = labels[lines[member - 1].id][0]
            verdicts.setdefault(name, Verdicts()).merges.append(sides[0] == sides[1])
        merge(regrouping, merging, now, entry_id, log)

    with patch.object(Joiner, "join", judged_join), patch.object(Regrouping, "merge", judged_merge):
        yield verdicts


def log_odds(probability: float) -> float:
    """Return the log-odds of which `join_model.probability` makes this."""
    intercept, slope = CALIBRATION
    return (math.log(probability / (1.0 - probability)) - intercept) / slope


def verdicts_of(recording: Recording, lines: Sequence[Line]) -> dict[str, Verdicts]:
    """Return the verdicts on a recording, by labelled stream."""
    with judged(lines, recording.labels) as verdicts:
        assign(lines, Config(Site(), (), ()), load_prior(), fields=recording.fields.split(","))
    return verdicts


def share(verdicts: Sequence[bool]) -> str:
    """Return how many verdicts are positive."""
    return f"{sum(verdicts)} of {len(verdicts)} | {sum(verdicts) / len(verdicts) if verdicts else math.nan:.2f}"


def calibration(streams: Iterable[Verdicts]) -> tuple[float, float]:
    """Return intercept and slope, each stream with the same weight."""
    listed = [stream.decisions for stream in streams if stream.decisions]
    odds = np.array([[odds] for decisions in listed for odds, _ in decisions])
    belongs = np.array([float(belongs) for decisions in listed for _, belongs in decisions])
    counts = np.concatenate([np.full(len(decisions), 1_000.0 / len(decisions)) for decisions in listed])
    slope, intercept = logistic.fit(odds, belongs, counts, strength=1e3)
    return intercept, float(slope[0])


def error(decisions: Sequence[tuple[float, bool]], intercept: float, slope: float) -> float:
    """Return the expected calibration error."""
    odds = np.array([odds for odds, _ in decisions])
    return ece(1.0 / (1.0 + np.exp(-intercept - slope * odds)), [float(belongs) for _, belongs in decisions])


def main() -> None:
    """Print a row for each stream, the totals and the calibration."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    data = parser.parse_args().data
    streams: dict[str, Verdicts] = {}
    with tempfile.TemporaryDirectory() as folder, stream_reader(Config(Site(), (), ())) as read:
        for recording in recordings(data, Path(folder)):
            if any(name == SERIES for name, _ in recording.labels.values()):
                continue
            background = read(recording.background, recording.time) if recording.background else None
            lines = list(mixed(read(recording.items, recording.time), background))
            streams |= verdicts_of(recording, lines)
    fitted = calibration(streams.values())
    print("| stream | joins right | | merges right | | calibration error in use | fitted to the others |")
    print("|---|---|---|---|---|---|---|")
    for name, verdicts in streams.items():
        others = calibration(other for key, other in streams.items() if key != name)
        errors = f"{error(verdicts.decisions, *CALIBRATION):.3f} | {error(verdicts.decisions, *others):.3f}"
        print(f"| {name} | {share(verdicts.joins)} | {share(verdicts.merges)} | {errors} |")
    joins = [verdict for verdicts in streams.values() for verdict in verdicts.joins]
    merges = [verdict for verdicts in streams.values() for verdict in verdicts.merges]
    print(f"| all | {share(joins)} | {share(merges)} | | |")
    print(f"\ncalibration in use {CALIBRATION}, fitted ({fitted[0]:.2f}, {fitted[1]:.2f})")


if __name__ == "__main__":
    main()
