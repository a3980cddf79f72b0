"""Make the prior that ships with the program.

    python -m scoring.evaluation.make_prior --labels LABELS.jsonl.gz --stream STREAM.jsonl.gz
        --out scoring/relevance/prior.json

LABELS are press items with the column `techmeme`: 1 where editors gave the story a headline of its
own, 0 where they did not, null where nobody can say. STREAM is everything that arrived, those items
among it, in order. What ships is term weights, their provenance and how well they did: no titles,
no sources, no term of which fewer than `MIN_DOCUMENTS` titles of the stream spoke.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from scoring.evaluation.relevance import Row, known_examples, read_rows, split_by_time, together
from scoring.learning.fitting import Regularisation, WeightLearner
from scoring.learning.labels import Example
from scoring.metrics.probability import Measures, measure
from scoring.relevance import model_file
from scoring.relevance.calibration import Calibration, platt
from scoring.relevance.model import RelevanceModel, Weights
from scoring.relevance.news_context import title_words

MIN_DOCUMENTS = 5
"""In how many titles of the stream a term must stand, so that no private person's name ships."""
MIN_LABELLED = 3
MIN_SOURCES = 2
"""How many labelled titles, of how many sources, a term must stand in to get a weight."""

GROUPS = frozenset({"coverage", "velocity", "around", "new", "shape"})
"""What the prior may know besides words: nothing that belongs to one site, such as its sources or its hours."""


def press_examples(labels: Path, stream: Path) -> tuple[list[Example], list[Row]]:
    """Return the labelled items with what was known when each arrived, and all that arrived, both in order."""
    rows = read_rows(labels, "techmeme")
    everything = together(rows, read_rows(stream))
    return known_examples(everything, rows[int(0.6 * len(rows))].arrived_at), everything


def fit(
    train: Sequence[Example],
    later: Sequence[Example],
    items: Sequence[Row],
    regularisation: Regularisation | None = None,
    groups: frozenset[str] = GROUPS,
) -> tuple[Weights, Calibration]:
    """Return weights fitted on *train* and already calibrated on *later*, and that calibration.

    items: the stream; document frequencies are taken from its titles before *later* that are plain ASCII,
           as the labelled ones nearly all are, so that Chinese ones do not make every English word rare
    """
    documents = [i.title for i in items if i.arrived_at < later[0].signals.at and i.title.isascii()]
    frequency = Counter(word for title in documents for word in title_words(title))
    sources: dict[str, set[str]] = defaultdict(set)
    for example in train:
        for word in title_words(example.signals.title):
            sources[word].add(example.signals.source_ids[0])
    # A bare number ("16", of the phone of that spring) says something else a year later.
    allowed = frozenset(
        word
        for word, heard in sources.items()
        if len(heard) >= MIN_SOURCES and frequency[word] >= MIN_DOCUMENTS and not word.isdigit()
    )
    learner = WeightLearner(regularisation, MIN_LABELLED, allowed, groups)
    weights = learner.fit(train, documents).weights_
    plain = RelevanceModel("", weights)
    calibration = platt([plain.logit(e.signals) for e in later], [int(e.relevant) for e in later])
    return weights.scaled(calibration.slope, calibration.offset).rounded(), calibration


def measured(weights: Weights, examples: Sequence[Example]) -> Measures:
    """Return how well *weights* do on *examples*."""
    model = RelevanceModel("", weights)
    return measure(
        [e.signals.at.date().isoformat() for e in examples],
        [model.score(e.signals).relevance for e in examples],
        [int(e.relevant) for e in examples],
    )


def make(labels: Path, stream: Path) -> model_file.ModelFile:
    """Return the prior as a model file.

    Measured: fitted on the first 60 %, calibrated on the next 20 %, measured on the last 20 %.
    Shipped: the same, fitted on the first 80 % and calibrated on the last 20 %.
    """
    examples, items = press_examples(labels, stream)
    first, second, last = split_by_time(examples, 0.6, 0.8)
    trial, calibration = fit(first, second, items)
    weights, _ = fit([*first, *second], last, items)
    content = weights.as_data()
    return model_file.ModelFile(
        kind="prior",
        name=f"prior {examples[-1].day} {model_file.digest(content)[:8]}",
        window=(examples[0].signals.at.isoformat(), examples[-1].signals.at.isoformat()),
        measures={
            "held_out_from": last[0].signals.at.isoformat(),
            **{name: round(v, 4) if isinstance(v, float) else v for name, v in asdict(measured(trial, last)).items()},
            "slope": round(calibration.slope, 4),
            "offset": round(calibration.offset, 4),
        },
        provenance={
            "command": f"python -m scoring.evaluation.make_prior --labels {labels.name} --stream {stream.name}",
            "label": "editors of Techmeme gave the story a headline of its own within 48 h; unclear cases left out",
            "sha256": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (labels, stream)},
            "examples": len(examples),
            "relevant": sum(int(e.relevant) for e in examples),
        },
        content=content,
        versions=model_file.versions(),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the prior and say how well it does."""
    parser = argparse.ArgumentParser(
        prog="python -m scoring.evaluation.make_prior", description="Make the prior that ships."
    )
    parser.add_argument("--labels", type=Path, required=True, help="JSON Lines with the column techmeme")
    parser.add_argument("--stream", type=Path, required=True, help="JSON Lines of all that arrived")
    parser.add_argument("--out", type=Path, required=True, help="where to write the model file")
    options = parser.parse_args(arguments)
    for path in (options.labels, options.stream):
        if not path.is_file():
            print(f"there is no file {path}", file=sys.stderr)
            return 2
    file = make(options.labels, options.stream)
    model_file.write(options.out, file)
    size = options.out.stat().st_size
    print(f"{options.out}: {file.name}, {len(file.content['terms'])} terms, {size / 1000:.0f} kB")
    print(json.dumps(dict(file.measures)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
