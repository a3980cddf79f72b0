"""Make the weights of the shipped categories.

    python -m scoring.evaluation.priors.categories --data FOLDER --labels bench/labels --feeds feeds.yaml \
        --out scoring/categories/prior.json

FOLDER contains the labelled items of `evaluation.priors`, `--labels` adds those of further lines. An item counts for
each category that its labeller accepts, mostly for the first. Words and the meaning of titles
(`learning.meaning_fit`) are fitted apart and added up. What ships is weights and provenance: no titles, no word of
one source alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from aggregator.config import load_config
from aggregator.errors import GroundswellError
from aggregator.model import Embedding
from scoring.categories.prior import MAX_STEPS, MIN_STEPS, STEP, CategoryPrior
from scoring.evaluation import labelled_files
from scoring.evaluation.labelled_files import LabelledItem
from scoring.evaluation.priors import further_labels
from scoring.evaluation.priors.relevance import TABLES
from scoring.learning import meaning_fit
from scoring.meaning.encoder import Encoder, text_of
from scoring.meaning.quadratic_form import QuadraticForm
from scoring.relevance import model_file
from scoring.relevance.text_features import text_features

WINDOWS = tuple(table for table in TABLES if "training" not in table)

MIN_ITEMS = {"word": 3, "pair": 4, "gram": 12, "site": 6, "address": 6}
"""Minimum number of labeled items with a feature, by kind; shapes say nothing about a category."""

MIN_SOURCES = 2

WIDTHS = {"word": 0.2, "pair": 0.1, "gram": 0.15, "site": 0.5, "address": 0.7}
"""Scale of each kind of feature, which limits its weights; words, pairs and n-grams are also scaled by IDF."""

STRENGTH = 3.0

ALTERNATIVES = 0.35
"""Weight of all alternatives of a label together in the fit of words; the first choice has the rest."""

MEANING_ALTERNATIVES = 0.7
"""Target of each alternative in the fit of embeddings, where the first choice has 1.

The mean accuracy on windows left out is .903 of all items (.889 with shares that add up to 1, .900 with .5, .902 with
1.0), and .937 of those with a category (.930, .936, .935)."""

MEANING = 4.0
"""What the fitted value of a category, 0..1, counts in log-odds next to those of words.

With 5 the windows that are left out have .904 and .935."""

MIN_WEIGHT_STEPS = {"word": 0, "pair": 4, "gram": 4, "site": 0, "address": 4}
"""A feature whose weights are all smaller is left out of the file."""


@dataclass(frozen=True, slots=True)
class CategorisedText:
    """A labelled text."""

    title: str
    summary: str
    link: str
    source: str
    at: datetime
    categories: tuple[str, ...]
    """Acceptable ones, the first choice first; `labelled_files.NO_CATEGORY` among them."""
    embedding: Embedding | None = None


def read(data: Path, table: str, encoder: Encoder | None = None) -> list[CategorisedText]:
    """Return the items of one labelled file; without an *encoder* they have no embeddings."""
    training = Path(table).name.startswith("training")
    items = labelled_files.read(data / table, items=data / "gold" / "training.jsonl" if training else None)
    return _with_embeddings(items, encoder)


def read_further(data: Path, labels: Path | None, encoder: Encoder | None = None) -> list[CategorisedText]:
    """Return the items of further labels (`further_labels.read`); without an *encoder* without embeddings."""
    return _with_embeddings(further_labels.read(data, labels), encoder)


def _with_embeddings(items: Sequence[LabelledItem], encoder: Encoder | None) -> list[CategorisedText]:
    items = [item for item in items if item.label.categories]
    titles = [text_of(item.line.title, item.line.summary) for item in items]
    embeddings = encoder.encode(titles) if encoder is not None else [None] * len(items)
    return [
        CategorisedText(
            item.line.title,
            item.line.summary,
            item.line.url,
            item.line.source,
            item.line.arrived_at,
            item.label.categories,
            embedding,
        )
        for item, embedding in zip(items, embeddings, strict=True)
    ]


def fit(texts: Sequence[CategorisedText], seeds: Mapping[str, frozenset[str]]) -> CategoryPrior:
    """Return the weights of *texts* for the categories of *seeds*; without embeddings those of words alone."""
    ids = list(seeds)
    place = {category_id: i for i, category_id in enumerate([*ids, labelled_files.NO_CATEGORY])}
    features = [text_features(text.title, text.summary, text.link) for text in texts]
    document_counts: Counter[str] = Counter(name for named in features for name in named)
    sources: dict[str, set[str]] = defaultdict(set)
    for text, named in zip(texts, features, strict=True):
        for name in named:
            sources[name].add(text.source)

    def ships(name: str, count: int) -> bool:
        kind, _, text = name.partition(":")
        if kind not in MIN_ITEMS or count < MIN_ITEMS[kind] or (kind == "site" and "/" in text):
            return False
        return kind == "site" or len(sources[name]) >= MIN_SOURCES

    names = [name for name, count in sorted(document_counts.items()) if ships(name, count)]
    column = {name: i for i, name in enumerate(names)}
    scales = np.array([_scale(name, document_counts[name], len(texts)) for name in names])
    ends, at, values, target, counts = [0], [], [], [], []
    for text, named in zip(texts, features, strict=True):
        for category, share in _shares(text, place).items():
            for name, value in named.items():
                if name in column:
                    at.append(column[name])
                    values.append(value)
            ends.append(len(at))
            target.append(category)
            counts.append(share)
    shape = (len(target), len(names))
    matrix = sparse.csr_matrix((np.array(values), np.array(at, dtype=np.int32), np.array(ends)), shape)
    scaled = sparse.csr_matrix(matrix @ sparse.diags(scales))
    model = LogisticRegression(C=STRENGTH, max_iter=300).fit(scaled, target, sample_weight=np.array(counts))
    weights = np.zeros((len(names), len(place)))
    base = np.full(len(place), -10.0)
    weights[:, model.classes_] = (model.coef_ * scales).T
    base[model.classes_] = model.intercept_
    steps = np.clip(np.rint(weights / STEP), MIN_STEPS, MAX_STEPS).astype(np.int8)
    weighty = [i for i, name in enumerate(names) if np.abs(steps[i]).max() >= MIN_WEIGHT_STEPS[name.partition(":")[0]]]
    return CategoryPrior(
        ids, base, {names[i]: row for row, i in enumerate(weighty)}, steps[weighty], seeds, _meaning(texts, place)
    )


def _shares(text: CategorisedText, place: Mapping[str, int]) -> dict[int, float]:
    """Return how much a text counts for each of its categories; the sum is 1."""
    accepted = [place[category] for category in text.categories if category in place]
    others = len(accepted) - 1
    return {
        at: ALTERNATIVES / others if number else 1.0 - (ALTERNATIVES if others else 0.0)
        for number, at in enumerate(accepted)
    }


def _meaning(texts: Sequence[CategorisedText], place: Mapping[str, int]) -> QuadraticForm | None:
    """Return what embeddings add to the log-odds of each category."""
    texts = [text for text in texts if text.embedding is not None]
    if not texts:
        return None
    vectors, encoder = meaning_fit.unit_vectors([text.embedding for text in texts])
    target = np.zeros((len(texts), len(place)))
    for row, text in enumerate(texts):
        for number, category in enumerate(text.categories):
            if category in place:
                target[row, place[category]] = MEANING_ALTERNATIVES if number else 1.0
    values = meaning_fit.kernel(vectors, vectors)
    counts = np.ones(len(texts))
    coefficients = np.column_stack([meaning_fit.solve(values, column, counts) for column in target.T])
    # What all categories have in common decides nothing.
    coefficients -= coefficients.mean(axis=1, keepdims=True)
    return meaning_fit.form_of(vectors, MEANING * coefficients, encoder)


def _scale(name: str, count: int, documents: int) -> float:
    kind = name.partition(":")[0]
    rare = math.log((1 + documents) / (1 + count)) + 1 if kind in ("word", "pair", "gram") else 1.0
    return WIDTHS[kind] * rare


def accepted_share(prior: CategoryPrior, texts: Sequence[CategorisedText]) -> tuple[float, float]:
    """Return the share of *texts* whose likeliest category is accepted, and the same of those that have one."""
    ids = [*prior.ids, labelled_files.NO_CATEGORY]
    hits = []
    belongs = []
    for text in texts:
        log_odds = prior.log_odds(text.title, text.summary, text.link, text.embedding)
        hits.append(ids[int(np.argmax(log_odds))] in text.categories)
        if text.categories[0] != labelled_files.NO_CATEGORY:
            belongs.append(ids[int(np.argmax(log_odds[:-1]))] in text.categories)
    return float(np.mean(hits)), float(np.mean(belongs))


def left_out(texts: Sequence[CategorisedText], window: Sequence[CategorisedText]) -> list[CategorisedText]:
    """Return *texts* without those of the days of *window*, and without its titles."""
    first = min(text.at for text in window).toordinal() - 2
    last = max(text.at for text in window).toordinal() + 2
    titles = {text.title.casefold() for text in window}
    return [t for t in texts if not first <= t.at.toordinal() <= last and t.title.casefold() not in titles]


def make(data: Path, feeds: Path, encoder: Encoder, labels: Path | None = None) -> model_file.ModelFile:
    """Return the weights as a model file.

    encoder: makes the embeddings of titles
    labels:  the folder with further labels; see `further_labels.read`
    """
    categories = load_config(feeds, env={}).categories
    seeds: dict[str, frozenset[str]] = {c.id: frozenset(seed.casefold() for seed in c.seeds) for c in categories}
    by_table = {table: read(data, table, encoder) for table in TABLES}
    texts = [*(text for table in by_table.values() for text in table), *read_further(data, labels, encoder)]
    texts.sort(key=lambda text: (text.at, text.title))
    measures = {}
    for table in WINDOWS:
        accepted, of_those = accepted_share(fit(left_out(texts, by_table[table]), seeds), by_table[table])
        measures[Path(table).name.split(".")[0]] = {
            "items": len(by_table[table]),
            "accepted": round(accepted, 4),
            "accepted_of_those_with_a_category": round(of_those, 4),
        }
    content = fit(texts, seeds).as_data()
    return model_file.ModelFile(
        kind="categories",
        name=f"categories {texts[-1].at:%Y-%m-%d} {model_file.digest(content)[:8]}",
        window=(texts[0].at.isoformat(), texts[-1].at.isoformat()),
        measures={"left_out": "each window by a fit without its days and its titles", **measures},
        provenance={
            "command": "python -m scoring.evaluation.priors.categories --data FOLDER --labels bench/labels "
            "--feeds feeds.yaml --out scoring/categories/prior.json",
            "label": "one of the shipped categories or none, and others that a fair editor would accept, by a large "
            "language model in an editor's role, item by item",
            "sha256": {table: hashlib.sha256((data / table).read_bytes()).hexdigest() for table in TABLES},
            "sha256_of_labels": further_labels.digests(labels),
            "items": len(texts),
        },
        content=content,
        versions=model_file.versions(),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the weights and print their accuracy."""
    parser = argparse.ArgumentParser(
        prog="python -m scoring.evaluation.priors.categories", description="Make the weights of the shipped categories."
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder with the labelled items")
    parser.add_argument("--labels", type=Path, help="the folder with labels of further lines; default: none")
    parser.add_argument("--feeds", type=Path, required=True, help="the feeds.yaml that ships")
    parser.add_argument("--out", type=Path, required=True, help="where to write the model file")
    options = parser.parse_args(arguments)
    try:
        file = make(options.data, options.feeds, meaning_fit.packaged_encoder(), options.labels)
    except GroundswellError as error:
        print(error, file=sys.stderr)
        return 1
    model_file.write(options.out, file)
    print(f"{options.out}: {file.name}, {options.out.stat().st_size / 1000:.0f} kB")
    print(json.dumps(dict(file.measures)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
