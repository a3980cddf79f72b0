"""Estimate which of the shipped categories a text belongs to, if any, with weights that ship with the program.

Knows the weights of words, pairs, character n-grams, publishers, address words and the meaning of titles for each
category. `evaluation.priors` fits them; `classifier` adds the operator's seeds, defaults and corrections.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from aggregator.errors import ModelFileError
from aggregator.model import Embedding
from scoring.meaning.quadratic_form import QuadraticForm
from scoring.relevance import model_file
from scoring.relevance.text_features import TextParts, grams, take_apart

PRIOR_FILE = Path(__file__).with_name("prior.json")

STEP = 0.05
"""Log-odds of one step of a weight in the file."""

ZERO = 80
"""The character of the weight 0: a weight is one character, ZERO + steps, from "#" to "~"."""

MIN_STEPS, MAX_STEPS = 35 - ZERO, 126 - ZERO

MIN_KNOWN_SHARE = 0.5
"""Share of known words from which the prior counts in full."""

MAX_REMEMBERED_WORDS = 32_000
"""Words whose lookup is cached: about 6 MB. A general stream has 10,000 new words a day, and one lookup costs as much
as reading the rest of the text."""


class PriorOdds(Struct, frozen=True):
    """The prior's estimate for a text."""

    log_odds: tuple[float, ...] = ()
    """Of each category and, last, of none; all 0 if the prior knows no word, and empty without a prior."""
    spread: float = 0.0
    """Highest less lowest log-odds by the words alone: small for a text of words that the prior hardly knows."""


class CategoryPrior:
    """Weights for each shipped category and, last, for "none of them".

    ids:     of the categories
    base:    log-odds of each, shape (categories + 1,)
    columns: row of `weights` by name of a feature of `text_features`
    weights: steps, shape (features, categories + 1)
    seeds:   the seeds of each category that shipped with these weights, to see whether a site's is still the same
    meaning: weights of the embedding of a title, if any
    """

    def __init__(
        self,
        ids: Sequence[str],
        base: NDArray[np.float64],
        columns: Mapping[str, int],
        weights: NDArray[np.int8],
        seeds: Mapping[str, frozenset[str]],
        meaning: QuadraticForm | None = None,
    ) -> None:
        self.ids = tuple(ids)
        self.base = base
        self.columns = columns
        self.weights = weights.astype(np.int32)
        self.seeds = seeds
        self.meaning = meaning
        self._pairs: dict[tuple[str, str], int] = {}
        """Row of `_table` by pair of words."""
        self._grams = {name.removeprefix("gram:"): row for name, row in columns.items() if name.startswith("gram:")}
        self._row_of: dict[str, int] = {}
        """Row of `_table` by cached word."""
        pairs = [(name.partition(":")[2], row) for name, row in columns.items() if name.startswith("pair:")]
        size = len(base)
        # One row for a word or a pair, so that summing up a text is one call: the weights of the word, of the pair, of
        # the n-grams in the word, whether the word is known, and how many n-grams it has.
        self._table = np.zeros((len(pairs) + MAX_REMEMBERED_WORDS, 3 * size + 2), dtype=np.int16)
        for place, (pair, row) in enumerate(pairs):
            first, second = pair.split(" ")
            self._pairs[first, second] = place
            self._table[place, size : 2 * size] = self.weights[row]

    def knows(self, category_id: str, seeds: Sequence[str]) -> bool:
        """Return whether a site's category is the shipped one: it has no seeds of its own, or shares some with it."""
        if category_id not in self.ids:
            return False
        return not seeds or not self.seeds[category_id].isdisjoint(seed.casefold() for seed in seeds)

    def log_odds(
        self, title: str, summary: str = "", link: str = "", embedding: Embedding | None = None
    ) -> tuple[float, ...]:
        """Return the log-odds of a text for each category and, last, for none; all 0 if the prior knows no word.

        embedding: of its title, if known
        """
        return self.odds(take_apart(title, summary, link), embedding).log_odds

    def odds(self, text: TextParts, embedding: Embedding | None = None) -> PriorOdds:
        """Return the log-odds of a text, from its parts, and how sure its words are."""
        nothing = PriorOdds((0.0,) * len(self.base))
        if not text.words:
            return nothing
        rows = self._row_of
        try:
            places = [rows[word] for word in text.words]
        except KeyError:
            places = self._looked_up(text.words)
        places += [self._pairs[pair] for pair in self._pairs.keys() & text.pairs.keys()]
        # Steps are whole numbers, so their sum is the same in any order.
        sums = np.add.reduce(self._table[places])
        known_words, gram_count = sums[-2:].tolist()
        if not known_words:
            return nothing
        of_words, of_pairs, of_grams = sums[:-2].reshape(3, -1)
        total = self.base + STEP * len(text.words) ** -0.5 * of_words
        if text.pairs:
            total += STEP * len(text.pairs) ** -0.5 * of_pairs
        if gram_count:
            total += STEP * gram_count**-0.5 * of_grams
        for name, value in text.address.items():
            if (row := self.columns.get(name)) is not None:
                total += STEP * value * self.weights[row]
        trust = min(1.0, known_words / (MIN_KNOWN_SHARE * len(text.words)))
        by_words = total.tolist()
        if self.meaning is not None and embedding is not None and (values := self.meaning.values(embedding)):
            total += values
        log_odds = (trust * (total - np.add.reduce(total) / len(total))).tolist()
        return PriorOdds(tuple(log_odds), trust * (max(by_words) - min(by_words)))

    def _looked_up(self, words: Collection[str]) -> list[int]:
        """Return the rows of `_table` of some words, filling missing ones."""
        # Clearing the whole cache costs less than tracking which word is the least recently used.
        if len(self._row_of) + len(words) > MAX_REMEMBERED_WORDS:
            self._row_of.clear()
        places = []
        for word in words:
            place = self._row_of.get(word)
            if place is None:
                place = self._row_of[word] = len(self._pairs) + len(self._row_of)
                self._fill(self._table[place], word)
            places.append(place)
        return places

    def _fill(self, row: NDArray[np.int16], word: str) -> None:
        """Fill the row of `_table` of a word."""
        size = len(self.base)
        row[:] = 0
        if (column := self.columns.get(f"word:{word}")) is not None:
            row[:size] = self.weights[column]
            row[-2] = 1
        names = grams(word)
        if columns := [column for column in map(self._grams.get, names) if column is not None]:
            row[2 * size : 3 * size] = np.add.reduce(self.weights[columns])
        row[-1] = len(names)

    def as_data(self) -> dict[str, Any]:
        """Return the content of a model file, from which `from_data` makes the same prior."""
        return {
            "ids": list(self.ids),
            "base": [round(float(value), 3) for value in self.base],
            "seeds": {category_id: sorted(seeds) for category_id, seeds in sorted(self.seeds.items())},
            "weights": {
                name: "".join(chr(ZERO + int(step)) for step in self.weights[row])
                for name, row in sorted(self.columns.items())
            },
            **({} if self.meaning is None else {"meaning": self.meaning.as_data()}),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> CategoryPrior:
        """Return the prior in *data*; KeyError, TypeError or ValueError when there is none."""
        ids = [str(category_id) for category_id in data["ids"]]
        named: Mapping[str, str] = data["weights"]
        steps = np.array([[ord(char) - ZERO for char in weights] for weights in named.values()], dtype=np.int8)
        if steps.shape != (len(named), len(ids) + 1):
            raise ValueError("a feature without a weight for each category")
        meaning = QuadraticForm.from_data(data["meaning"]) if "meaning" in data else None
        if meaning is not None and len(meaning.offsets) != len(ids) + 1:
            raise ValueError("meaning without a form for each category")
        return cls(
            ids=ids,
            base=np.array([float(value) for value in data["base"]]),
            columns={name: row for row, name in enumerate(named)},
            weights=steps,
            seeds={category_id: frozenset(data["seeds"][category_id]) for category_id in ids},
            meaning=meaning,
        )


@cache
def load_category_prior() -> CategoryPrior:
    """Return the weights that ship with the program; `python -m scoring.evaluation.priors.categories` makes them.

    ModelFileError when the installation is damaged.
    """
    file = model_file.read(PRIOR_FILE, "categories")
    try:
        return CategoryPrior.from_data(file.content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(
            f"the weights of categories {PRIOR_FILE} are broken: {error}; reinstall the program"
        ) from error
