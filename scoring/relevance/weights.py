"""Hold what one fit learned, and read and write it as the content of a model file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from scoring.relevance.editorial_prior import EditorialPrior
from scoring.relevance.features import never_negative


@dataclass(frozen=True, slots=True)
class Weights:
    """What one fit learned: log-odds for each unit of a feature."""

    base: float
    idf: Mapping[str, float] = field(default_factory=dict)
    unknown_idf: float = 1.0
    title: Mapping[str, float] = field(default_factory=dict)
    summary: Mapping[str, float] = field(default_factory=dict)
    others: Mapping[str, float] = field(default_factory=dict)
    """Of the names that `features` gives; a name that is not here weighs nothing."""
    editorial: EditorialPrior | None = None
    """What the text is worth to an editor; of the prior that ships alone."""

    def as_data(self) -> dict[str, Any]:
        """Return what `from_data` makes the same weights of, for a model file."""
        terms = {
            word: [idf, self.title.get(word, 0.0), self.summary.get(word, 0.0)]
            for word, idf in sorted(self.idf.items())
        }
        return {
            "base": self.base,
            "unknown_idf": self.unknown_idf,
            "others": dict(sorted(self.others.items())),
            "terms": terms,
            **({} if self.editorial is None else {"editorial": self.editorial.as_data()}),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Weights:
        """Return the weights that *data* contains; KeyError, TypeError or ValueError when it contains none."""
        terms = [(str(word), float(idf), float(t), float(s)) for word, (idf, t, s) in data["terms"].items()]
        weights = cls(
            base=float(data["base"]),
            idf={word: idf for word, idf, _, _ in terms},
            unknown_idf=float(data["unknown_idf"]),
            title={word: t for word, _, t, _ in terms if t},
            summary={word: s for word, _, _, s in terms if s},
            others={str(name): float(weight) for name, weight in data["others"].items()},
            editorial=EditorialPrior.from_data(data["editorial"]) if "editorial" in data else None,
        )
        # One NaN would make every score NaN, and json reads it without a word.
        numbers = (
            weights.base,
            weights.unknown_idf,
            *weights.others.values(),
            *(n for term in terms for n in term[1:]),
        )
        if not all(map(math.isfinite, numbers)):
            raise ValueError("a weight that is no finite number")
        if any(weight < 0 for name, weight in weights.others.items() if never_negative(name)):
            raise ValueError("a negative weight for independent coverage")
        return weights

    def scaled(self, slope: float, offset: float) -> Weights:
        """Return weights whose logit is slope * logit + offset; slope >= 0 keeps the order."""

        def times(weights: Mapping[str, float]) -> dict[str, float]:
            return {name: slope * weight for name, weight in weights.items()}

        return replace(
            self,
            base=slope * self.base + offset,
            title=times(self.title),
            summary=times(self.summary),
            others=times(self.others),
        )

    def mixed(self, other: Weights) -> Weights:
        """Return weights whose logit is the mean of both; they know the same words, equally frequent."""

        def mean(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
            return {name: (first.get(name, 0.0) + second.get(name, 0.0)) / 2 for name in {**first, **second}}

        return replace(
            self,
            base=(self.base + other.base) / 2,
            title=mean(self.title, other.title),
            summary=mean(self.summary, other.summary),
            others=mean(self.others, other.others),
        )

    def rounded(self) -> Weights:
        """Return the weights as a model file keeps them: four decimals are far below a tenth of a point."""

        def short(weights: Mapping[str, float]) -> dict[str, float]:
            return {name: r for name, weight in weights.items() if (r := round(weight, 4))}

        return replace(
            self,
            base=round(self.base, 4),
            title=short(self.title),
            summary=short(self.summary),
            others=short(self.others),
        )
