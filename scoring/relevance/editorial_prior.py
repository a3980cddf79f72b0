"""Estimate the worth of a text: the probability that an editor of a serious AI and technology site would put it on the
front page, from the text alone.

`text_features` extracts the features, `evaluation.priors` fits the shipped weights, and `model` adds coverage, votes
and what a site learns.

    logit = base + familiarity * (words + pairs + grams + site + address + shape) + (1 - familiarity) * center

or, if the embedding of the title is known, with another base,

    logit = base + share * (familiarity * (words + ...) + (1 - familiarity) * center) + familiarity * meaning

`familiarity` grows from 0 to 1 with the share of the text's words that the prior knows, so the prior counts for little
in a language or on a subject that it was not trained on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from msgspec import Struct

from aggregator.model import Embedding
from scoring.meaning.quadratic_form import QuadraticForm
from scoring.relevance.explanation import sigmoid
from scoring.relevance.text_features import TextParts, grams, shape_features, take_apart

UNFAMILIAR, FAMILIAR = 0.35, 0.6
"""Shares of known words, by IDF, between which the prior's weight grows from 0 to 1.

Median share on AI and technology news .83 to .86 (the lowest tenth .59 to .68), on sports .53 to .55, on food .58, on
health .60, on home and living .74, in French .14, in Russian .06.
"""

MAX_REMEMBERED_WORDS = 8_192
"""Words whose lookup is cached: about 2 MB.

Of the 30 words of an entry of general news with a summary, 3.7 are looked up, and 2.4 in a cache of any size: 1 % of
the CPU time of a replay. A larger cache fills for months, and a site's memory grows for as long.
"""

MAX_REMEMBERED_READINGS = 512
"""Cached readings of the latest texts: about 3 MB."""

SCALE = 1_000
"""A model file has weights in thousandths and IDF in hundredths, as whole numbers."""


class Worth(Struct, frozen=True, gc=False):
    """The prior's estimate for a text."""

    probability: float
    """Probability that an editor would choose it, 0..1; close to the base rate if the words are unknown."""
    familiarity: float
    """Weight of the prior for this text, 0..1."""


_Word = tuple[float | None, float, float, int]
"""Weight of a word (None if unknown), its IDF, the summed weights of its n-grams, and their number."""


class TextReading(Struct, frozen=True):
    """The addends of a text's logit without `base`, scaled by familiarity."""

    words: Mapping[str, float]
    """By word, including its pairs and n-grams."""
    others: Mapping[str, float]
    """By kind: "site", "address", "shape", "meaning"."""
    constant: float
    """The addend that is the same for all texts of this familiarity."""
    familiarity: float
    known_words: int


@dataclass(frozen=True, slots=True)
class MeaningWeights:
    """Weights that combine the embedding of a title with its words; see the module docstring."""

    text_share: float
    """Factor on the addends of the words if meaning counts, too, since both overlap as evidence."""
    base: float
    """Replaces the prior's base."""
    form: QuadraticForm
    """One function: the log-odds that the meaning adds."""

    def as_data(self) -> dict[str, Any]:
        """Return the content for a model file, which `from_data` reads."""
        return {
            "text_share": round(SCALE * self.text_share),
            "base": round(SCALE * self.base),
            "form": self.form.as_data(),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> MeaningWeights:
        """Return the weights in *data*; KeyError, TypeError or ValueError when it is invalid."""
        return cls(int(data["text_share"]) / SCALE, int(data["base"]) / SCALE, QuadraticForm.from_data(data["form"]))


class EditorialPrior:
    """The shipped weights of texts; immutable except for cached lookups.

    center:      mean of the addends over texts, which replaces those of unknown words
    words:       log-odds and IDF by word
    pairs, grams: log-odds by pair of words ("open source"), by character n-gram ("<gpt")
    others:      log-odds by `site:`, `address:` and `shape:` name
    unknown_idf: IDF of a word that is not in *words*
    meaning:     weights of the embedding of a title, if any
    """

    def __init__(
        self,
        base: float,
        center: float,
        words: Mapping[str, tuple[float, float]],
        unknown_idf: float,
        pairs: Mapping[str, float],
        character_grams: Mapping[str, float],
        others: Mapping[str, float],
        meaning: MeaningWeights | None = None,
    ) -> None:
        self.base = base
        self.center = center
        self.words = words
        self.idf = {word: idf for word, (_, idf) in words.items()}
        self.unknown_idf = unknown_idf
        self.pairs = pairs
        self.grams = character_grams
        self.others = others
        self.meaning = meaning
        self._pairs = {(first, second): weight for name, weight in pairs.items() for first, second in [name.split(" ")]}
        self._look_up = lru_cache(MAX_REMEMBERED_WORDS)(self._weights_of)
        self._readings: dict[tuple[str, str, str, Embedding | None], TextReading] = {}

    def worth(
        self,
        title: str,
        summary: str = "",
        link: str = "",
        embedding: Embedding | None = None,
    ) -> Worth:
        """Return the worth of a text; see `read`."""
        reading = self.read(title, summary, link, embedding)
        logit = reading.constant + math.fsum(reading.words.values()) + math.fsum(reading.others.values())
        return Worth(sigmoid(logit), reading.familiarity)

    def read(
        self,
        title: str,
        summary: str = "",
        link: str = "",
        embedding: Embedding | None = None,
    ) -> TextReading:
        """Return the addends of a text's logit, by word and by kind.

        embedding: of its title, if known
        """
        # A text is read again each time its story is scored.
        text = (title, summary, link, embedding)
        reading = self._readings.get(text)
        if reading is None:
            reading = self._with_meaning(self._read(title, take_apart(title, summary, link)), embedding)
            if len(self._readings) >= MAX_REMEMBERED_READINGS:
                del self._readings[next(iter(self._readings))]
            self._readings[text] = reading
        return reading

    def _read(self, title: str, text: TextParts) -> TextReading:
        by_word: dict[str, float] = {}
        of_grams: list[tuple[str, float]] = []
        idf_sum = known_idf = 0.0
        known_count = gram_count = 0
        look_up = self._look_up
        word_share = 1.0 / math.sqrt(len(text.words)) if text.words else 0.0
        for word in text.words:
            weight, idf, summed, count = look_up(word)
            idf_sum += idf
            if weight is not None:
                by_word[word] = weight * word_share
                known_idf += idf
                known_count += 1
            gram_count += count
            if summed:
                of_grams.append((word, summed))
        if gram_count:
            gram_share = 1.0 / math.sqrt(gram_count)
            for word, summed in of_grams:
                by_word[word] = by_word.get(word, 0.0) + summed * gram_share
        # Few texts have a pair with a weight; an intersection costs a tenth of looking each pair up.
        if with_weight := self._pairs.keys() & text.pairs.keys():
            pair_share = 0.5 / math.sqrt(len(text.pairs))
            for pair in filter(with_weight.__contains__, text.pairs):
                # Shared equally by its two words.
                of_pair = self._pairs[pair]
                for word in pair:
                    by_word[word] = by_word.get(word, 0.0) + of_pair * pair_share
        share = known_idf / idf_sum if idf_sum else 0.0
        familiarity = min(max((share - UNFAMILIAR) / (FAMILIAR - UNFAMILIAR), 0.0), 1.0)
        constant = self.base + (1.0 - familiarity) * self.center
        if not familiarity:
            return TextReading({}, {}, constant, familiarity, known_count)
        others: dict[str, float] = {}
        for name, value in (*shape_features(title, text.title_words).items(), *text.address.items()):
            if of_name := self.others.get(name):
                kind = name.partition(":")[0]
                others[kind] = others.get(kind, 0.0) + familiarity * of_name * value
        weights = {word: familiarity * value for word, value in by_word.items() if value}
        return TextReading(weights, others, constant, familiarity, known_count)

    def _with_meaning(self, reading: TextReading, embedding: Embedding | None) -> TextReading:
        """Return a reading with the addend of the embedding, or the same reading without an embedding."""
        weights = self.meaning
        if weights is None or embedding is None:
            return reading
        values = weights.form.values(embedding)
        if values is None:
            return reading
        share = weights.text_share
        others = {kind: share * value for kind, value in reading.others.items()}
        if reading.familiarity:
            others["meaning"] = reading.familiarity * values[0]
        return TextReading(
            words={word: share * value for word, value in reading.words.items()},
            others=others,
            constant=weights.base + share * (reading.constant - self.base),
            familiarity=reading.familiarity,
            known_words=reading.known_words,
        )

    def _weights_of(self, word: str) -> _Word:
        """Return the weights of a word."""
        weight, idf = self.words.get(word, (None, self.unknown_idf))
        inside = grams(word)
        return weight, idf, math.fsum(filter(None, map(self.grams.get, inside))), len(inside)

    def as_data(self) -> dict[str, Any]:
        """Return the content for a model file, which `from_data` reads."""

        def whole(weights: Mapping[str, float]) -> dict[str, int]:
            return {name: round(SCALE * weight) for name, weight in sorted(weights.items())}

        return {
            "base": round(SCALE * self.base),
            "center": round(SCALE * self.center),
            "unknown_idf": round(100 * self.unknown_idf),
            "idf": {word: round(100 * idf) for word, (_, idf) in sorted(self.words.items())},
            "words": whole({word: weight for word, (weight, _) in self.words.items() if round(SCALE * weight)}),
            "pairs": whole(self.pairs),
            "grams": whole(self.grams),
            "others": whole(self.others),
            **({} if self.meaning is None else {"meaning": self.meaning.as_data()}),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> EditorialPrior:
        """Return the prior in *data*; KeyError, TypeError or ValueError when it is invalid."""

        def weights(of: Mapping[str, Any]) -> dict[str, float]:
            return {str(name): int(weight) / SCALE for name, weight in of.items()}

        return cls(
            base=int(data["base"]) / SCALE,
            center=int(data["center"]) / SCALE,
            words={
                str(word): (int(data["words"].get(word, 0)) / SCALE, int(idf) / 100)
                for word, idf in data["idf"].items()
            },
            unknown_idf=int(data["unknown_idf"]) / 100,
            pairs=weights(data["pairs"]),
            character_grams=weights(data["grams"]),
            others=weights(data["others"]),
            meaning=MeaningWeights.from_data(data["meaning"]) if "meaning" in data else None,
        )
