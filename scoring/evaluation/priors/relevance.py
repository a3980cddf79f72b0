"""Make the prior that ships with the program.

    python -m scoring.evaluation.priors.relevance --data FOLDER --labels bench/labels --out scoring/relevance/prior.json

FOLDER contains the labelled items and the streams that they are from; `FILES` names them. `--labels` adds labels of
further lines of these streams (`further_labels`), which are in the repository. What ships is weights, their
provenance and how well they did: no titles, no sources, and no word that too few texts or only one source used.

    items with a grade, items with an editor's pick
        > weights of texts, fitted to both                     (`priors.editorial`)
        > weights of the meaning of titles, fitted to both     (`learning.meaning_fit`)
        > weights of coverage and of the news around, on top of what a text is worth to a fit that never saw it
        > calibrated to "worth the front page": grade 2 or 3

`--without WINDOW`, `--without-days FIRST:LAST` and `--until DAY` leave items out, to make a prior that has not seen
what it is then measured on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from aggregator.errors import GroundswellError
from aggregator.model import Embedding
from scoring.evaluation import labelled_files
from scoring.evaluation.priors import further_labels
from scoring.evaluation.priors.editorial import PICK_WEIGHT, Item, matrix, prior_of, solve, vocabulary
from scoring.evaluation.relevance import Row, known_examples, read_rows
from scoring.learning import logistic, meaning_fit
from scoring.meaning.encoder import Encoder, text_of
from scoring.metrics.probability import ece
from scoring.relevance import model_file
from scoring.relevance.editorial_prior import MeaningWeights
from scoring.relevance.features import GROUP, features, never_negative
from scoring.relevance.weights import Weights

TABLES = tuple(
    f"gold/{name}.labels.tsv"
    for name in (
        *(f"training_{part}" for part in range(4)),
        *("week_2026_05", "dense_2026_03", "press_2025_05"),
    )
)
PICKS = "labels/ai_press_2026_techmeme_dev.jsonl.gz"
STREAMS = ("stream/ai_radar_2026_dev.jsonl.gz", "stream/ai_press_2024_25_dev.jsonl.gz")
FILES = (*TABLES, PICKS, *STREAMS)

CONTEXT_GROUPS = tuple(GROUP[name] for name in ("coverage", "velocity", "around", "new"))
"""What the prior knows besides the text: nothing that belongs to one site, such as its sources or its hours."""

WORTHY = 2
"""The lowest grade that is worth the front page."""

GRADE_TARGETS = (0.0, 0.35, 0.8, 1.0)
PICK_TARGETS = (0.25, 0.85)
"""What the meaning of a title is fitted to: by grade, and for what an editor left and picked."""

PICKS_SHARE = 0.75
"""What picks say of coverage and the news around, the rest is for grades."""

MARGIN = timedelta(days=2)
"""A story of a window can begin before it and continue after it, so items this close to it are left out, too."""

BLOCKS = 5
BLOCK_DAYS = 3
"""Items are left out in blocks of whole days, so that no text is judged by a fit that saw its story."""


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A labelled item, with when it came and what else was known then."""

    item: Item
    at: datetime
    window: str
    """The file that its label is from."""
    context: dict[str, float]
    embedding: Embedding | None = None


def read(data: Path, encoder: Encoder, labels: Path | None = None) -> tuple[list[LabelledText], list[tuple[str, str]]]:
    """Return the labelled items of a folder in order of time, and the texts of its streams.

    labels: the folder with further labels; see `further_labels.read`
    """
    results: list[tuple[Item, datetime, str]] = []
    for table in TABLES:
        name = Path(table).name.split(".")[0]
        items = data / "gold" / "training.jsonl" if name.startswith("training") else None
        results += [
            (Item(pair.line.title, pair.line.summary, pair.line.url, pair.line.source, grade=pair.label.grade),
             pair.line.arrived_at, name.rstrip("_0123456789") if items else name)
            for pair in labelled_files.read(data / table, items=items)
            if pair.label.grade is not None
        ]  # fmt: skip
    results += [
        (
            Item(item.line.title, item.line.summary, item.line.url, item.line.source, grade=item.label.grade),
            item.line.arrived_at,
            "further",
        )
        for item in further_labels.read(data, labels)
    ]
    results += [
        (Item(row.title, row.summary, row.url, row.source, picked=row.label == 1.0), row.arrived_at, "picks")
        for row in read_rows(data / PICKS, "techmeme")
        if row.label is not None
    ]
    streams = [read_rows(data / stream) for stream in STREAMS]
    contexts = _contexts({item.link for item, _, _ in results}, streams)
    results.sort(key=lambda result: (result[1], result[0].title))
    embeddings = encoder.encode([text_of(item.title, item.summary) for item, _, _ in results])
    texts = [
        LabelledText(item, at, window, _nearest(contexts.get(item.link, []), at), embedding)
        for (item, at, window), embedding in zip(results, embeddings, strict=True)
    ]
    corpus = [(row.title, row.summary) for rows in streams for row in rows if row.title.isascii()]
    return texts, corpus


def _contexts(links: set[str], streams: Sequence[Sequence[Row]]) -> dict[str, list[tuple[datetime, dict[str, float]]]]:
    """Return what was known besides the text when the items of *links* arrived."""
    result: dict[str, list[tuple[datetime, dict[str, float]]]] = {}
    for rows in streams:
        marked = [replace(row, label=0.0 if row.url in links else None) for row in rows]
        for example in known_examples(marked, rows[len(rows) // 2].arrived_at):
            context = features(example.signals, CONTEXT_GROUPS)
            result.setdefault(example.signals.link, []).append((example.signals.at, context))
    return result


def _nearest(tables: Sequence[tuple[datetime, dict[str, float]]], at: datetime) -> dict[str, float]:
    return min(tables, key=lambda item: abs(item[0] - at))[1] if tables else {}


@dataclass(frozen=True, slots=True)
class Fitted:
    """What ships, and how well it did on items that the fit had not seen."""

    weights: Weights
    measures: dict[str, Any]


def fit(texts: Sequence[LabelledText], corpus: Sequence[tuple[str, str]]) -> Fitted:
    """Return the prior of *texts*; each is measured by a fit without its days."""
    items = [text.item for text in texts]
    terms = vocabulary(items, corpus)
    columns = matrix(items, terms)
    grades = np.array([-1 if item.grade is None else item.grade for item in items])
    picks = np.array([-1 if item.picked is None else int(item.picked) for item in items])
    vectors, encoder = meaning_fit.unit_vectors([text.embedding for text in texts])
    kernel = meaning_fit.kernel(vectors, vectors)
    target, counts = meaning_targets(grades, picks)
    block = np.array([_block(text.at) for text in texts])
    title = np.array([item.title.casefold() for item in items])
    unseen, unseen_meaning = np.zeros(len(items)), np.zeros(len(items))
    for number in range(BLOCKS):
        out = block == number
        if not out.any():
            continue
        inside = ~out & ~np.isin(title, title[out])
        weights = solve(columns[inside], grades[inside], picks[inside])
        unseen[out] = columns[out] @ weights[:-1] + weights[-1]
        of_inside = meaning_fit.solve(kernel[np.ix_(inside, inside)], target[inside], counts[inside])
        unseen_meaning[out] = kernel[np.ix_(out, inside)] @ of_inside
    graded = grades >= 0
    worthy = (grades >= WORTHY).astype(float)
    (slope,), offset = _scale([unseen[graded]], worthy[graded])
    (share, of_form), base_beside = _scale([unseen[graded], unseen_meaning[graded]], worthy[graded])
    weights = solve(columns, grades, picks)
    center = float((columns[graded] @ weights[:-1]).mean())
    # The base of the words is part of their logit: next to meaning it counts as they do.
    coefficients = of_form * meaning_fit.solve(kernel, target, counts)
    meaning = MeaningWeights(
        text_share=share / slope,
        base=base_beside + share * float(weights[-1]),
        form=meaning_fit.form_of(vectors, coefficients[:, None], encoder),
    )
    editorial = prior_of(weights, terms, center, slope, offset, meaning)
    text_only = slope * unseen + offset
    worth = share * unseen + of_form * unseen_meaning + base_beside

    names, base, of_context = _context_weights(texts, worth, worthy, picks)
    context = np.array([[text.context.get(name, 0.0) for name in names] for text in texts])
    beside = base + context @ of_context
    shipped = Weights(
        base=round(base, 4),
        others={name: round(float(w), 4) for name, w in zip(names, of_context, strict=True) if round(float(w), 4)},
        editorial=editorial,
    )
    logits = {"auc_of_text": text_only, "auc_without_meaning": text_only + beside, "auc": worth + beside}
    return Fitted(shipped, _measures(texts, logits, worthy, picks))


def meaning_targets(
    grades: NDArray[np.int64], picks: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the target of each item and what it counts; -1 where it has no grade or no pick."""
    graded = grades >= 0
    target = np.where(
        graded, np.asarray(GRADE_TARGETS)[np.maximum(grades, 0)], np.asarray(PICK_TARGETS)[np.maximum(picks, 0)]
    )
    return target, np.where(graded, 1.0, PICK_WEIGHT)


def _block(at: datetime) -> int:
    return int(hashlib.sha256(str(at.toordinal() // BLOCK_DAYS).encode()).hexdigest(), 16) % BLOCKS


def _scale(logits: Sequence[NDArray[np.float64]], target: NDArray[np.float64]) -> tuple[list[float], float]:
    """Return the slope of each of *logits*, and the offset, that make their sum a probability of *target*."""
    weights, base = logistic.fit(np.column_stack(logits), target, strength=1e3)
    return weights.tolist(), base


def _context_weights(
    texts: Sequence[LabelledText],
    worth: NDArray[np.float64],
    worthy: NDArray[np.float64],
    picks: NDArray[np.int64],
) -> tuple[list[str], float, NDArray[np.float64]]:
    """Return names, base and weights of coverage and the news around, on top of the logit of a text's *worth*.

    Picks count three times as much as grades: a grade judges its own text, a pick also how a story
    went on.
    """
    names = sorted({name for text in texts for name in text.context})
    graded = picks < 0
    columns = np.array([[*(text.context.get(name, 0.0) for name in names), float(not g)]
                        for text, g in zip(texts, graded, strict=True)])  # fmt: skip
    target = np.where(graded, worthy, picks == 1)
    parts = np.where(graded, 1.0 - PICKS_SHARE, PICKS_SHARE)
    counts = len(texts) * parts / np.where(graded, max(1, graded.sum()), max(1, (~graded).sum()))
    lower = np.array([0.0 if never_negative(name) else -np.inf for name in names] + [-np.inf])
    weights, base = logistic.fit(columns, target, counts, worth, lower)
    return names, base, weights[:-1]


def _measures(
    texts: Sequence[LabelledText],
    logits: Mapping[str, NDArray[np.float64]],
    worthy: NDArray[np.float64],
    picks: NDArray[np.int64],
) -> dict[str, Any]:
    measures: dict[str, Any] = {}
    windows = np.array([text.window for text in texts])
    for window in sorted(set(windows)):
        here = windows == window
        target = picks[here] == 1 if window == "picks" else worthy[here]
        if 0 < target.sum() < len(target):
            measures[window] = {
                "items": int(here.sum()),
                **{name: round(float(roc_auc_score(target, values[here])), 4) for name, values in logits.items()},
            }
    graded = picks < 0
    probabilities = 1.0 / (1.0 + np.exp(-logits["auc"][graded]))
    measures["ece_of_grades"] = round(ece(list(probabilities), [int(w) for w in worthy[graded]]), 4)
    return measures


def without(texts: Sequence[LabelledText], window: str) -> list[LabelledText]:
    """Return *texts* without a window, what arrived around it, and what has the title of one of its items."""
    inside = [text for text in texts if text.window == window]
    if not inside:
        names = ", ".join(sorted({text.window for text in texts}))
        raise GroundswellError(f"there is no window {window!r}; there are {names}")
    return _without(texts, min(text.at for text in inside), max(text.at for text in inside), inside)


def without_days(texts: Sequence[LabelledText], days: tuple[date, date]) -> list[LabelledText]:
    """Return *texts* without what arrived from the first to the last day (UTC) and around them, and their titles."""
    first, last = (datetime.combine(day, time(), UTC) for day in days)
    last += timedelta(days=1)
    return _without(texts, first, last, [text for text in texts if first <= text.at < last])


def _without(
    texts: Sequence[LabelledText], first: datetime, last: datetime, inside: Iterable[LabelledText]
) -> list[LabelledText]:
    titles = {text.item.title.casefold() for text in inside}
    first, last = first - MARGIN, last + MARGIN
    return [text for text in texts if not first <= text.at <= last and text.item.title.casefold() not in titles]


def make(
    data: Path,
    encoder: Encoder,
    windows: Sequence[str] = (),
    days: Sequence[tuple[date, date]] = (),
    until: date | None = None,
    labels: Path | None = None,
) -> model_file.ModelFile:
    """Return the prior as a model file.

    encoder: makes the embeddings of titles
    labels:  the folder with further labels; see `further_labels.read`
    windows: left out, see `without`
    days:    left out, see `without_days`
    until:   what arrived on this day (UTC) or later is left out, too
    """
    texts, corpus = read(data, encoder, labels)
    for window in windows:
        texts = without(texts, window)
    for first_and_last in days:
        texts = without_days(texts, first_and_last)
    if until is not None:
        texts = [text for text in texts if text.at < datetime.combine(until, time(), UTC)]
    fitted = fit(texts, corpus)
    content = fitted.weights.as_data()
    return model_file.ModelFile(
        kind="prior",
        name=f"prior {texts[-1].at:%Y-%m-%d} {model_file.digest(content)[:8]}",
        window=(texts[0].at.isoformat(), texts[-1].at.isoformat()),
        measures={"left_out": f"blocks of {BLOCK_DAYS} whole days, {BLOCKS} groups", **fitted.measures},
        provenance={
            "command": "python -m scoring.evaluation.priors.relevance --data FOLDER --labels bench/labels "
            "--out scoring/relevance/prior.json",
            "label": "worth the front page of a serious AI and technology news site: grade 2 or 3 of 0..3",
            "grades": "given by a large language model in an editor's role, item by item, reading title, source, "
            "time, address and the start of the summary; no rule or classifier chose a label",
            "agreement_with_editors": "share of items that Techmeme's editors picked, by grade 0 / 1 / 2 / 3: "
            ".02 / .12 / .47 / .74 in a week of May 2026, .02 / .17 / .57 / .83 in three days of March 2026",
            "picks": "Techmeme's editors gave the story a headline of its own within 48 h; unclear cases left out",
            "sha256": {name: hashlib.sha256((data / name).read_bytes()).hexdigest() for name in FILES},
            "sha256_of_labels": further_labels.digests(labels),
            "graded": sum(text.item.grade is not None for text in texts),
            "picked_or_not": sum(text.item.picked is not None for text in texts),
        },
        content=content,
        versions=model_file.versions(),
    )


def _days(spelled: str) -> tuple[date, date]:
    first, _, last = spelled.partition(":")
    return date.fromisoformat(first), date.fromisoformat(last or first)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the prior and say how well it does."""
    parser = argparse.ArgumentParser(
        prog="python -m scoring.evaluation.priors.relevance", description="Make the prior that ships."
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder with the labelled items and the streams")
    parser.add_argument("--labels", type=Path, help="the folder with labels of further lines; default: none")
    parser.add_argument("--out", type=Path, required=True, help="where to write the model file")
    parser.add_argument(
        "--without", action="append", default=[], metavar="WINDOW", help="leave this window out; may be repeated"
    )
    parser.add_argument(
        "--without-days",
        action="append",
        default=[],
        type=_days,
        metavar="FIRST:LAST",
        help="leave out what arrived on these days; may be repeated",
    )
    parser.add_argument(
        "--until", type=date.fromisoformat, metavar="DAY", help="leave out what arrived on this day or later"
    )
    options = parser.parse_args(arguments)
    for name in FILES:
        if not (options.data / name).is_file():
            print(f"there is no file {options.data / name}", file=sys.stderr)
            return 2
    try:
        file = make(
            options.data,
            meaning_fit.packaged_encoder(),
            options.without,
            options.without_days,
            options.until,
            options.labels,
        )
    except GroundswellError as error:
        print(error, file=sys.stderr)
        return 1
    model_file.write(options.out, file)
    print(f"{options.out}: {file.name}, {options.out.stat().st_size / 1000:.0f} kB")
    print(json.dumps(dict(file.measures)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
