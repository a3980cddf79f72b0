"""Make the prior that ships with the program.

    python -m scoring.make_prior --labels LABELS.jsonl.gz --stream STREAM.jsonl.gz --out scoring/prior.json

LABELS are press items with the column `techmeme`: 1 where editors gave the story a headline of its
own, 0 where they did not, null where nobody can say. STREAM is everything that arrived, those items
among it, in order. What ships is term weights, their provenance and how well they did: no titles,
no sources, no term of which fewer than `MIN_DOCUMENTS` titles of the stream spoke.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from aggregator.text import words
from scoring import modelfile
from scoring.calibrate import Calibration, platt
from scoring.evaluate import Measures, measure
from scoring.labels import Example
from scoring.learn import Regularisation, WeightLearner
from scoring.relevance import RelevanceModel, Signals, Weights, title_words

MIN_DOCUMENTS = 5
"""In how many titles of the stream a term must stand, so that no private person's name ships."""
MIN_LABELLED = 3
MIN_SOURCES = 2
"""How many labelled titles, of how many sources, a term must stand in to get a weight."""

# Headlines of one event by different desks share names and little else: a cosine of 0.25 over words and
# pairs of words finds them. Of 0.2, 0.25, 0.3, 0.35 and 0.4 it gave the best AUC on the tuning range
# (.873, .875, .867, .861, .853). It also joins some that are merely about the same company.
SAME_STORY = 0.25
WITHIN = timedelta(hours=48)

GROUPS = frozenset({"coverage", "velocity", "shape"})
"""What the prior may know besides words: nothing that belongs to one site, such as its sources or its hours."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a stream."""

    title: str
    source: str
    url: str
    first_seen_at: datetime
    summary: str = ""


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON Lines file, gzipped or plain."""
    with path.open("rb") as raw:
        for line in gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw:
            yield json.loads(line)


def read_items(path: Path) -> list[Item]:
    """Return the items of a stream in order of arrival."""
    return [_item(line) for line in read_lines(path)]


def _item(line: dict[str, Any]) -> Item:
    # "Slashdot (科技资讯)" is Slashdot as another aggregator lists it.
    source = re.sub(r"\s*[（(].*", "", line["source"])
    return Item(
        line["title"],
        source,
        line.get("url") or "",
        datetime.fromisoformat(line["first_seen"]),
        line.get("summary") or "",
    )


def similar(
    items: Sequence[Item], known_until: datetime, least: float = SAME_STORY
) -> Iterator[list[tuple[int, float]]]:
    """Yield for each item the earlier ones that seem to tell its story, oldest first, with their cosine.

    items:       in order of arrival
    known_until: document frequencies are taken from what arrived before this moment
    least:       cosine over TF-IDF of words and pairs of words

    Only what arrived earlier, by at most `WITHIN`, counts.
    """

    def terms(title: str) -> list[str]:
        found = words(title)
        return found + [f"{a} {b}" for a, b in pairwise(found)]

    vectorizer = TfidfVectorizer(analyzer=terms, sublinear_tf=True, min_df=2, dtype=np.float32)
    vectorizer.fit([item.title for item in items if item.first_seen_at < known_until])
    matrix = vectorizer.transform([item.title for item in items])
    seconds = np.array([item.first_seen_at.timestamp() for item in items])
    starts = np.searchsorted(seconds, seconds - WITHIN.total_seconds())
    block = 500
    for begin in range(0, len(items), block):
        end = min(begin + block, len(items))
        low = int(starts[begin])
        cosines = (matrix[begin:end] @ matrix[low:end].T).tocsr()
        for i in range(begin, end):
            row = cosines[i - begin]
            yield sorted(
                (int(j), float(cosine))
                for j, cosine in zip(row.indices + low, row.data, strict=True)
                if starts[i] <= j < i and cosine >= least
            )


def coverage(items: Sequence[Item], known_until: datetime, least: float = SAME_STORY) -> list[dict[str, datetime]]:
    """Return for each item which other sources had told its story before, and since when; see `similar`."""
    found: list[dict[str, datetime]] = []
    for item, earlier in zip(items, similar(items, known_until, least), strict=True):
        told: dict[str, datetime] = {}
        for j, _ in earlier:
            if items[j].source != item.source:
                told.setdefault(items[j].source, items[j].first_seen_at)
        found.append(told)
    return found


def press_examples(labels: Path, items: Sequence[Item], least: float = SAME_STORY) -> list[Example]:
    """Return the labelled items with what was known when each arrived, in order of arrival.

    items: everything that arrived, the labelled ones among it
    """
    rows = sorted(read_lines(labels), key=lambda row: str(row["first_seen"]))
    known_until = datetime.fromisoformat(rows[int(0.6 * len(rows))]["first_seen"])
    told = coverage(items, known_until, least)
    at: dict[tuple[str, str], int] = {}
    for i, item in enumerate(items):
        at.setdefault((item.url, item.source), i)
    found: list[Example] = []
    for row in rows:
        item = _item(row)
        if row["techmeme"] is None:
            continue
        others = told[at[item.url, item.source]]
        since = sorted(others.items(), key=lambda known: (known[1], known[0]))
        signals = Signals(
            title=item.title,
            summary=item.summary,
            source_ids=(item.source,),
            voices=(*(source for source, _ in since), item.source),
            voice_ages=(*(item.first_seen_at - moment for _, moment in since), timedelta()),
            entries=1 + len(since),
            category_id="",
            language="en",
            first_seen_at=since[0][1] if since else item.first_seen_at,
            at=item.first_seen_at,
        )
        found.append(Example(signals, float(row["techmeme"])))
    return found


def split_by_time(examples: Sequence[Example], *shares: float) -> list[list[Example]]:
    """Return *examples*, in order of time, cut at *shares* of them, moved on to the next change of day."""
    days = [example.signals.at.date() for example in examples]
    cuts = [0]
    for share in shares:
        cut = int(share * len(examples))
        while 0 < cut < len(examples) and days[cut] == days[cut - 1]:
            cut += 1
        cuts.append(cut)
    return [list(examples[a:b]) for a, b in zip(cuts, [*cuts[1:], len(examples)], strict=True)]


def fit(
    train: Sequence[Example],
    later: Sequence[Example],
    items: Sequence[Item],
    regularisation: Regularisation | None = None,
    groups: frozenset[str] = GROUPS,
) -> tuple[Weights, Calibration]:
    """Return weights fitted on *train* and already calibrated on *later*, and that calibration.

    items: the stream; document frequencies are taken from its titles before *later* that are plain ASCII,
           as the labelled ones nearly all are, so that Chinese ones do not make every English word rare
    """
    documents = [i.title for i in items if i.first_seen_at < later[0].signals.at and i.title.isascii()]
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


def make(labels: Path, stream: Path) -> modelfile.ModelFile:
    """Return the prior as a model file.

    Measured: fitted on the first 60 %, calibrated on the next 20 %, measured on the last 20 %.
    Shipped: the same, fitted on the first 80 % and calibrated on the last 20 %.
    """
    items = read_items(stream)
    examples = press_examples(labels, items)
    first, second, last = split_by_time(examples, 0.6, 0.8)
    trial, calibration = fit(first, second, items)
    weights, _ = fit([*first, *second], last, items)
    content = weights.as_data()
    return modelfile.ModelFile(
        kind="prior",
        name=f"prior {examples[-1].day} {modelfile.digest(content)[:8]}",
        window=(examples[0].signals.at.isoformat(), examples[-1].signals.at.isoformat()),
        measures={
            "held_out_from": last[0].signals.at.isoformat(),
            **{name: round(v, 4) if isinstance(v, float) else v for name, v in asdict(measured(trial, last)).items()},
            "slope": round(calibration.slope, 4),
            "offset": round(calibration.offset, 4),
        },
        provenance={
            "command": f"python -m scoring.make_prior --labels {labels.name} --stream {stream.name}",
            "label": "editors of Techmeme gave the story a headline of its own within 48 h; unclear cases left out",
            "sha256": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (labels, stream)},
            "examples": len(examples),
            "relevant": sum(int(e.relevant) for e in examples),
        },
        content=content,
        versions=modelfile.versions(),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the prior and say how well it does."""
    parser = argparse.ArgumentParser(prog="python -m scoring.make_prior", description="Make the prior that ships.")
    parser.add_argument("--labels", type=Path, required=True, help="JSON Lines with the column techmeme")
    parser.add_argument("--stream", type=Path, required=True, help="JSON Lines of all that arrived")
    parser.add_argument("--out", type=Path, required=True, help="where to write the model file")
    options = parser.parse_args(arguments)
    for path in (options.labels, options.stream):
        if not path.is_file():
            print(f"there is no file {path}", file=sys.stderr)
            return 2
    file = make(options.labels, options.stream)
    modelfile.write(options.out, file)
    size = options.out.stat().st_size
    print(f"{options.out}: {file.name}, {len(file.content['terms'])} terms, {size / 1000:.0f} kB")
    print(json.dumps(dict(file.measures)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
