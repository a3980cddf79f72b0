"""How splits change the stories, and how many of them are right according to labels.

    python -m bench.reclustering [--data ../shared/data/clustering] [--split-ratio 0 0.35] [STREAM ...]

A split is right if the most common labels of the two halves differ; one with an unlabelled side is not judged.
`--split-ratio 0` disables splits. Of the streams of `bench.stories`, those in `clustering` take part.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from aggregator.model import Config, Site
from bench import skip
from bench.stories import RUNS, Run
from scoring.clustering import reclustering
from scoring.clustering.clusterer import Clusterer
from scoring.clustering.reclustering import Split
from scoring.evaluation.stories import assign, mixed, read_gold
from scoring.language.analysed_text import EntryTerms
from scoring.metrics.clustering import bcubed
from scoring.relevance.model import load_prior
from scoring.replay.streams import Stream

STREAMS = {name: run for name, run in RUNS.items() if run.file and not (run.window or run.labels)}


def commonest(labels: Sequence[str]) -> str | None:
    """Return the most common label, or None if there is none."""
    return Counter(labels).most_common(1)[0][0] if labels else None


def measured(name: str, run: Run, data: Path, ratio: float) -> str:
    """Return a line with the measures of a stream."""
    gold = read_gold(data / f"{run.file}.gold.tsv")
    background = Stream(data / f"{run.background}.jsonl.gz", run.time) if run.background else None
    lines = list(mixed(Stream(data / f"{run.file}.jsonl.gz", run.time), background))
    ids = [line.id for _, group in groupby(lines, key=lambda line: line.arrived_at) for line in group]
    verdicts: Counter[str] = Counter()
    plain = reclustering.split_of

    def judged(clusterer: Clusterer, entries: Sequence[EntryTerms], first: int) -> Split | None:
        split = plain(clusterer, entries, first)
        if split is not None:
            sides = [[], []]  # type: list[list[str]]
            for place, entry in enumerate(entries):
                if (label := gold.get(ids[entry.entry_id - 1])) is not None:
                    sides[place in split.leaving].append(label)
            former, latter = map(commonest, sides)
            verdicts[
                "not judged" if former is None or latter is None else "right" if former != latter else "wrong"
            ] += 1
        return split

    reclustering.split_of, reclustering.MAX_SPLIT_RATIO = judged, ratio
    try:
        assigned, seconds = assign(lines, Config(Site(), (), ()), load_prior(), fields=run.fields.split(","))
    finally:
        reclustering.split_of = plain
    labels = [gold[own] for own, _, _ in assigned if own in gold]
    arrival = bcubed(labels, [first for own, first, _ in assigned if own in gold]).f1
    end = bcubed(labels, [last for own, _, last in assigned if own in gold]).f1
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())) or "no split"
    figures = f"split ratio {ratio:.2f}  arrival {arrival:.4f}  end {end:.4f}"
    return f"{name:26}{figures}  {counts}  {len(lines) / seconds:.0f}/s"


def main() -> None:
    """Measure the named streams, or all whose files are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("streams", nargs="*", metavar="STREAM", help=", ".join(STREAMS))
    parser.add_argument("--data", type=Path, default=Path("../shared/data/clustering"))
    parser.add_argument("--split-ratio", type=float, nargs="+", default=[0.0, reclustering.MAX_SPLIT_RATIO])
    options = parser.parse_args()
    unsuitable = [name for name in options.streams if name not in STREAMS]
    if unsuitable:
        parser.error(f"{unsuitable[0]!r} does not take part; those that do are {', '.join(STREAMS)}")
    if not options.data.is_dir():
        skip(options.data)
    for name in options.streams or STREAMS:
        run = STREAMS[name]
        if (options.data / f"{run.file}.jsonl.gz").exists():
            for ratio in options.split_ratio:
                print(measured(name, run, options.data, ratio), flush=True)


if __name__ == "__main__":
    main()
