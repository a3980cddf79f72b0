"""What `kind:` of a rule catches, and whether the prior's judgment of the text would catch it better.

    python -m bench.kinds [--data ../shared/data]

Graded items say how much an item is worth (0 noise, 1 minor, 2 worth the front page, 3 top), not of which kind it is.
So the question is what a rule such as `mute: "kind:how-to"` takes away: noise, as meant, or news. Each kind is
measured by its wording alone, and by wording together with a low worth of the text. The last rows drop wording and
mute the same number of items by worth alone. Worth is the prior's text part, fitted without the item's days.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aggregator.text.title_kinds import KINDS, entry_kinds
from bench import skip
from scoring.evaluation import labelled_files
from scoring.evaluation.priors.editorial import Item, matrix, solve, vocabulary
from scoring.evaluation.priors.relevance import BLOCK_DAYS, BLOCKS, GRADE_TARGETS, TABLES, WORTHY
from scoring.learning import logistic, meaning_fit
from scoring.meaning.encoder import text_of

LOW = (0.1, 0.2, 0.3)
"""Below these a text's probability of being worth the front page counts as low."""
NOISE_KINDS = ("sponsored", "deals", "how-to")
"""Kinds that people mute."""


@dataclass(frozen=True, slots=True)
class Graded:
    """A graded item and its kinds."""

    item: Item
    at: datetime
    kinds: frozenset[str]


def read(data: Path) -> list[Graded]:
    """Return the graded items in order of time."""
    items = []
    for table in TABLES:
        training = data / "gold" / "training.jsonl" if Path(table).name.startswith("training") else None
        for pair in labelled_files.read(data / table, items=training):
            line, grade = pair.line, pair.label.grade
            if grade is not None:
                item = Item(line.title, line.summary, line.url, line.source, grade=grade)
                items.append(Graded(item, line.arrived_at, entry_kinds(line.title, (), line.url)))
    return sorted(items, key=lambda graded: (graded.at, graded.item.title))


def worth(items: Sequence[Graded]) -> NDArray[np.float64]:
    """Return the probability of each item by a fit without its days: words, site, address, form and meaning."""
    texts = [graded.item for graded in items]
    grades = np.array([text.grade for text in texts])
    none = np.full(len(texts), -1)
    columns = matrix(texts, vocabulary(texts, [(text.title, text.summary) for text in texts]))
    embeddings = meaning_fit.packaged_encoder().encode([text_of(text.title, text.summary) for text in texts])
    vectors, _ = meaning_fit.unit_vectors(embeddings)
    kernel = meaning_fit.kernel(vectors, vectors)
    target, ones = np.asarray(GRADE_TARGETS)[grades], np.ones(len(texts))
    block = np.array([graded.at.toordinal() // BLOCK_DAYS % BLOCKS for graded in items])
    titles = np.array([text.title.casefold() for text in texts])
    by_words, by_meaning = np.zeros(len(texts)), np.zeros(len(texts))
    for number in range(BLOCKS):
        out = block == number
        inside = ~out & ~np.isin(titles, titles[out])
        weights = solve(columns[inside], grades[inside], none[inside])
        by_words[out] = columns[out] @ weights[:-1] + weights[-1]
        of_inside = meaning_fit.solve(kernel[np.ix_(inside, inside)], target[inside], ones[inside])
        by_meaning[out] = kernel[np.ix_(out, inside)] @ of_inside
    scales, base = logistic.fit(np.column_stack([by_words, by_meaning]), (grades >= WORTHY).astype(float), strength=1e3)
    logits = np.column_stack([by_words, by_meaning]) @ scales + base
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))


def row(name: str, grades: NDArray[np.int64], muted: NDArray[np.bool_], noise: int) -> str:
    """Return a row of the table: what is muted, by grade, its precision and recall for noise, and news lost."""
    counts = [int((grades[muted] == grade).sum()) for grade in range(4)]
    total = max(sum(counts), 1)
    return (
        f"| {name} | {sum(counts)} | {' '.join(map(str, counts))} | {counts[0] / total:.2f} "
        f"| {counts[0] / noise:.3f} | {(counts[2] + counts[3]) / total:.2f} |"
    )


def table(items: Sequence[Graded], probability: NDArray[np.float64]) -> Iterator[str]:
    """Yield the rows of the table."""
    grades = np.array([graded.item.grade for graded in items])
    noise = int((grades == 0).sum())
    yield f"{len(items)} graded items, {noise} of them noise\n"
    yield "| muted | items | by grade 0 1 2 3 | noise among them | of all noise | news among them |"
    yield "|---|---|---|---|---|---|"
    for names in (*((kind,) for kind in KINDS), NOISE_KINDS):
        wording = np.array([not graded.kinds.isdisjoint(names) for graded in items])
        if not wording.any():
            continue
        name = ", ".join(names)
        yield row(name, grades, wording, noise)
        if len(names) > 1 or name in NOISE_KINDS:
            for low in LOW:
                yield row(f"{name} and worth < {low}", grades, wording & (probability < low), noise)
        if len(names) > 1:
            least = np.argsort(probability, kind="stable")[: int(wording.sum())]
            yield row("as many of the least worth", grades, np.isin(np.arange(len(items)), least), noise)
            for low in LOW:
                yield row(f"worth < {low}", grades, probability < low, noise)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    data = parser.parse_args().data
    for name in TABLES:
        if not (data / name).exists():
            skip(data / name)
    items = read(data)
    print("\n".join(table(items, worth(items))))


if __name__ == "__main__":
    main()
