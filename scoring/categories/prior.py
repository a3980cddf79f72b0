"""Estimate which of the shipped categories a text belongs to, or none, by weights that ship with the program.

Knows the weights of words, pairs, character n-grams, publishers, address words and the meaning of titles for each
category. Leaves fitting them to `make_prior`, and an operator's seeds, defaults and corrections to `classifier`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggregator.errors import ModelFileError
from aggregator.model import Embedding
from scoring.meaning.quadratic_form import QuadraticForm
from scoring.relevance import model_file
from scoring.relevance.text_features import address_features, grams, text_words

PRIOR_FILE = Path(__file__).with_name("prior.json")

STEP = 0.05
"""Log-odds of one step of a weight in the file."""

ZERO = 80
"""The character of the weight 0: a weight is one character, ZERO + steps, from "#" to "~"."""

MIN_STEPS, MAX_STEPS = 35 - ZERO, 126 - ZERO

ENOUGH_KNOWN = 0.5
"""Share of known words in a text from which the prior counts in full."""

MAX_REMEMBERED_WORDS = 16_000
"""Words that are looked up once: about 4 MB, and most of any text."""


class CategoryPrior:
    """Weights for each shipped category and, last, for "none of them".

    ids:     of the categories
    base:    log-odds of each, shape (categories + 1,)
    columns: row of `weights` by name of a feature of `text_features`
    weights: steps, shape (features, categories + 1)
    seeds:   the seeds of each category that shipped with these weights, to see whether a site's is still the same
    meaning: what the embedding of a title adds to the log-odds of each; None: nothing
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
        self._words: dict[str, tuple[int | None, NDArray[np.int32] | None, int]] = {}

    def knows(self, category_id: str, seeds: Sequence[str]) -> bool:
        """Return whether a site's category is the shipped one: it has no seeds of its own, or shares some with it."""
        if category_id not in self.ids:
            return False
        return not seeds or not self.seeds[category_id].isdisjoint(seed.casefold() for seed in seeds)

    def log_odds(
        self, title: str, summary: str = "", link: str = "", embedding: Embedding | None = None
    ) -> tuple[float, ...]:
        """Return the log-odds of a text for each category and, last, for none; all 0 where the prior knows no word.

        embedding: of its title, where that is known
        """
        in_title, in_summary = text_words(title, summary)
        distinct = dict.fromkeys([*in_title, *in_summary])
        if not distinct:
            return (0.0,) * (len(self.ids) + 1)
        words: list[int] = []
        inside: list[NDArray[np.int32]] = []
        gram_count = 0
        for word in distinct:
            row, of_grams, count = self._words.get(word) or self._look_up(word)
            if row is not None:
                words.append(row)
            if of_grams is not None:
                inside.append(of_grams)
            gram_count += count
        trust = min(1.0, len(words) / (ENOUGH_KNOWN * len(distinct)))
        if not trust:
            return (0.0,) * (len(self.ids) + 1)
        columns = self.columns
        pairs = dict.fromkeys([*pairwise(in_title), *pairwise(in_summary)])
        of_pairs = [row for a, b in pairs if (row := columns.get(f"pair:{a} {b}")) is not None]
        total = self.base.copy()
        for places, count in ((words, len(distinct)), (of_pairs, len(pairs))):
            if places:
                total += STEP * count**-0.5 * self.weights[places].sum(axis=0)
        if inside:
            total += STEP * gram_count**-0.5 * np.array(inside).sum(axis=0)
        for name, value in address_features(link).items():
            if (row := columns.get(name)) is not None:
                total += STEP * value * self.weights[row]
        if self.meaning is not None and embedding is not None and (values := self.meaning.values(embedding)):
            total += values
        return tuple((trust * (total - total.mean())).tolist())

    def _look_up(self, word: str) -> tuple[int | None, NDArray[np.int32] | None, int]:
        """Return the row of a word, the sum of the rows of its n-grams in steps, and how many n-grams it has."""
        names = grams(word)
        rows = [row for gram in names if (row := self.columns.get(f"gram:{gram}")) is not None]
        # Steps are whole numbers, so their sum is the same in any order.
        of_grams = self.weights[rows].sum(axis=0, dtype=np.int32) if rows else None
        columns = self.columns.get(f"word:{word}"), of_grams, len(names)
        if len(self._words) < MAX_REMEMBERED_WORDS:
            self._words[word] = columns
        return columns

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
    """Return the weights that ship with the program; `python -m scoring.categories.make_prior` makes them.

    ModelFileError when the installation is damaged.
    """
    file = model_file.read(PRIOR_FILE, "categories")
    try:
        return CategoryPrior.from_data(file.content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(
            f"the weights of categories {PRIOR_FILE} are broken: {error}; install the program again"
        ) from error
