"""An entry's terms with their weights at the moment it came, and what of it is kept to compare others with."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from aggregator.model import Embedding
from scoring.clustering import boilerplate
from scoring.clustering.weights import Tuning
from scoring.language.analysed_text import AnalysedText
from scoring.language.names import is_name
from scoring.language.terms import DocumentFrequency, Vocabulary, is_figure

Vector = dict[str, float]

STOCK_WEIGHT = 0.15
"""What is left of the IDF of a term that every headline of its kind has."""

UNSPACED = ("han", "kana")
"""Scripts that are written without spaces; terms are pairs of characters, which overlap."""


@dataclass(slots=True)
class Member:
    """What is kept of an entry of an open story, to compare others with it. Part of a snapshot."""

    vector: Vector
    """Of length 1."""
    title: dict[str, float]
    """IDF of the terms of its title."""
    title_idf: float
    """Their sum."""
    figures: frozenset[str]
    script: str
    source_id: str
    title_words: tuple[str, ...]
    numbers: frozenset[str]
    versions: tuple[tuple[str, str], ...]
    dates: frozenset[str]
    embedding: Embedding | None = None

    @classmethod
    def of(cls, text: AnalysedText, idf: Mapping[str, float], vector: Vector) -> Member:
        """Return what is kept of *text*, whose terms have these weights."""
        title = {key: idf[key] for key in text.title}
        return cls(
            vector=vector,
            title=title,
            # 1.0 for a title without terms: it is a divisor, and no term of such a title is ever shared.
            title_idf=sum(title.values()) or 1.0,
            figures=frozenset(filter(is_figure, title)),
            script=text.script,
            source_id=text.source_id,
            title_words=text.title_words,
            numbers=text.numbers,
            versions=text.versions,
            dates=text.dates,
            embedding=text.embedding,
        )

    def share_words(self, vocabulary: Vocabulary) -> None:
        """Let equal words of members be one object, as they are before a snapshot is decoded."""
        self.vector = {vocabulary[key]: weight for key, weight in self.vector.items()}
        self.title = {vocabulary[key]: weight for key, weight in self.title.items()}
        self.title_words = tuple([vocabulary[word] for word in self.title_words])
        self.source_id = vocabulary[self.source_id]
        self.script = vocabulary[self.script]


@dataclass(slots=True)
class WeighedText:
    """What is known of an entry while its story is looked for."""

    text: AnalysedText
    member: Member
    idf: Mapping[str, float]
    """Of all its terms, those lowered that its source or its kind has anyway."""
    worn: float
    """Share of its title that its source writes day after day, in [0, 1]."""
    template: float
    """Share of its weight that stands in wording of its source's latest entries, in [0, 1]."""
    fresh: Mapping[str, float]
    """Weights of the terms outside that wording, where there is any."""
    places: Mapping[str, int] = field(default_factory=dict)
    """Of each pair of characters, the bit of where it first stands; title and summary are one bit apart."""
    title_names: Sequence[tuple[str, float]] = ()
    """Names in the title with their IDF, the most telling first."""


def weigh(
    text: AnalysedText,
    frequency: DocumentFrequency,
    headlines: boilerplate.EarlierHeadlines,
    template: Collection[str],
    tuning: Tuning,
) -> WeighedText:
    """Return an entry with the weights of its terms, as they are before it is counted itself.

    headlines: of its source, on earlier days
    template:  its terms that its source's latest entries have in the same wording
    """
    general, idf, vector = _weights(text, frequency, headlines, tuning)
    member = Member.of(text, idf, vector)
    worn = _worn(member, general, headlines)
    template_share, fresh = _outside_template(text, general, template)
    title_names = sorted([item for item in member.title.items() if is_name(item[0])], key=itemgetter(1), reverse=True)
    return WeighedText(text, member, idf, worn, template_share, fresh, _places(text), title_names)


def member_of(
    text: AnalysedText, frequency: DocumentFrequency, headlines: boilerplate.EarlierHeadlines, tuning: Tuning
) -> Member:
    """Return what `weigh` gives of an entry to compare others with, without the rest."""
    _, idf, vector = _weights(text, frequency, headlines, tuning)
    return Member.of(text, idf, vector)


def vector_of(
    text: AnalysedText, frequency: DocumentFrequency, headlines: boilerplate.EarlierHeadlines, tuning: Tuning
) -> Vector:
    """Return the vector that `weigh` gives an entry, without the rest."""
    return _weights(text, frequency, headlines, tuning)[2]


def _weights(
    text: AnalysedText, frequency: DocumentFrequency, headlines: boilerplate.EarlierHeadlines, tuning: Tuning
) -> tuple[Mapping[str, float], dict[str, float], Vector]:
    """Return the IDF of each term, the IDF lowered for what its source or its kind writes anyway, and the vector."""
    vector: Vector = {}
    for key in text.title:
        # Counted before weighing: a word of the title that the summary repeats gets one dampened weight, not two.
        vector[key] = vector.get(key, 0.0) + tuning.title_weight
    for key in text.summary:
        vector[key] = vector.get(key, 0.0) + tuning.summary_weight
    general = frequency.idfs(vector)
    # Two lowerings that multiply: what this source writes on many days, and what all headlines of a kind have
    # ("Warning issued at"). The unlowered IDF stays, since `_worn` is the difference of both.
    idf = dict(boilerplate.damped(general, headlines))
    for key in text.stock:
        if key in idf:
            idf[key] *= STOCK_WEIGHT
    total = 0.0
    for key, count in vector.items():
        # Sublinear counts: a word said ten times in a summary does not make ten times the evidence.
        weight = (1.0 + math.log(count)) * idf[key]
        vector[key] = weight
        total += weight * weight
    norm = math.sqrt(total) or 1.0
    return general, idf, {key: weight / norm for key, weight in vector.items()}


def _worn(member: Member, general: Mapping[str, float], headlines: boilerplate.EarlierHeadlines) -> float:
    title = {key: general[key] for key in member.title}
    # A source without earlier headlines has no habits yet; its first title is never taken for a column.
    if not title or not len(headlines):
        return 0.0
    return max(1.0 - member.title_idf / sum(title.values()), boilerplate.column(title, headlines))


def _outside_template(
    text: AnalysedText, idf: Mapping[str, float], template: Collection[str]
) -> tuple[float, dict[str, float]]:
    """Return the share of a text's weight that stands in its source's wording, and the weights of the other terms."""
    if not template:
        return 0.0, {}
    title = frozenset(text.title)
    # Titles count twice, as in the vector: a summary of nothing but a footer must not hide a title that is news.
    weights = {key: weight * (2.0 if key in title else 1.0) for key, weight in idf.items()}
    total = math.fsum(weights.values())
    fresh = {key: weight for key, weight in weights.items() if key not in template}
    return (1.0 - math.fsum(fresh.values()) / total if total else 0.0), fresh


def _places(text: AnalysedText) -> dict[str, int]:
    """Return of each pair of characters the bit of where it first stands; words with letters have none."""
    if text.script not in UNSPACED:
        return {}
    places: dict[str, int] = {}
    # The empty term leaves a bit free between title and summary, so that the last pair of the one and the first of the
    # other do not count as overlapping.
    for place, key in enumerate((*text.title, "", *text.summary)):
        if len(key) == 2 and not key.isascii():
            places.setdefault(key, 1 << place)
    return places
