"""Weigh the terms of an entry as it arrives, and keep what later entries are compared with."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from aggregator.model import Embedding
from scoring.clustering import boilerplate
from scoring.clustering.weights import Tuning
from scoring.language.analysed_text import AnalysedText, EntryTerms
from scoring.language.names import is_name
from scoring.language.terms import DocumentFrequency, is_figure

Vector = dict[str, float]

STOCK_WEIGHT = 0.15
"""Factor on the IDF of a term that every headline of its kind has."""

NUMBER = re.compile(r"v?\d")
"""The beginning of a number or a version."""

UNSPACED = ("han", "kana")
"""Scripts written without spaces, where terms are overlapping pairs of characters."""


@dataclass(slots=True)
class Member:
    """An entry of an open story, reduced to what others are compared with. Part of a snapshot."""

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
    frame_words: tuple[str, ...]
    """The same with all numbers equal: "121, Jazz 107" and "113, Nets 99" have one frame."""
    numbers: frozenset[str]
    versions: tuple[tuple[str, str], ...]
    vulnerabilities: frozenset[str]
    dates: frozenset[str]
    embedding: Embedding | None = None
    no_event: bool = False
    of_a_day: bool = False
    summary_hash: int = 0

    @classmethod
    def of(cls, text: AnalysedText, idf: Mapping[str, float], vector: Vector) -> Member:
        """Return *text*, whose terms have these weights, as a member."""
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
            frame_words=_without_numbers(text.title_words),
            numbers=text.numbers,
            versions=text.versions,
            vulnerabilities=text.vulnerabilities,
            dates=text.dates,
            embedding=text.embedding,
            no_event=text.no_event,
            of_a_day=text.of_a_day,
            summary_hash=text.summary_hash,
        )


def _without_numbers(title_words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(["#" if NUMBER.match(word) else word for word in title_words])


@dataclass(slots=True)
class WeightedText:
    """An entry with its weights, while its story is searched for."""

    text: AnalysedText
    member: Member
    idf: Mapping[str, float]
    """Of all its terms, lowered for boilerplate of its source and stock terms of its kind of headline."""
    recurring: float
    """Share of its title that its source repeats on most days, in [0, 1]."""
    template: float
    """Share of its weight inside wording that its source's latest entries contain, in [0, 1]."""
    fresh: Mapping[str, float]
    """Weights of the terms outside that wording, if there is any."""
    places: Mapping[str, int] = field(default_factory=dict)
    """By pair of characters, the bit of its first position; title and summary are one bit apart."""
    title_names: Sequence[tuple[str, float]] = ()
    """Names in the title with their IDF, the rarest first."""
    unfamiliar: float = 0.0
    """How far its language is unknown to the site, in [0, 1]; see `_unfamiliar`."""
    republished: bool = False
    """Whether its source published this piece before, under another headline."""


def weigh(
    text: AnalysedText,
    frequency: DocumentFrequency,
    headlines: boilerplate.EarlierHeadlines,
    template: Collection[str],
    tuning: Tuning,
    *,
    republished: bool = False,
) -> WeightedText:
    """Return an entry with the weights of its terms, computed before it is counted itself.

    headlines: of its source, on earlier days
    template:  its terms inside wording that its source's latest entries contain
    republished: whether its source published this piece before, under another headline
    """
    general, idf, vector = _weights(text, frequency, headlines, tuning)
    member = Member.of(text, idf, vector)
    recurring = _recurring(member, general, headlines)
    template_share, fresh = _outside_template(text, general, template)
    title_names = sorted([item for item in member.title.items() if is_name(item[0])], key=itemgetter(1), reverse=True)
    return WeightedText(
        text,
        member,
        idf,
        recurring,
        template_share,
        fresh,
        _places(text),
        title_names,
        _unfamiliar(text, general, frequency),
        republished,
    )


def member_of(
    text: AnalysedText, frequency: DocumentFrequency, headlines: boilerplate.EarlierHeadlines, tuning: Tuning
) -> Member:
    """Return the member that `weigh` makes of an entry, without the rest."""
    _, idf, vector = _weights(text, frequency, headlines, tuning)
    return Member.of(text, idf, vector)


def vector_of(
    text: EntryTerms, frequency: DocumentFrequency, headlines: boilerplate.EarlierHeadlines, tuning: Tuning
) -> Vector:
    """Return the vector that `weigh` gives an entry, without the rest."""
    return _weights(text, frequency, headlines, tuning)[2]


def _weights(
    text: EntryTerms, frequency: DocumentFrequency, headlines: boilerplate.EarlierHeadlines, tuning: Tuning
) -> tuple[Mapping[str, float], dict[str, float], Vector]:
    """Return the IDF of each term, the IDF lowered for boilerplate and stock terms, and the vector."""
    vector: Vector = {}
    for key in text.title:
        # Counted before weighing: a word of the title that the summary repeats gets one dampened weight, not two.
        vector[key] = vector.get(key, 0.0) + tuning.title_weight
    for key in text.summary:
        vector[key] = vector.get(key, 0.0) + tuning.summary_weight
    general = frequency.idfs(vector)
    # Lowered twice: for what this source writes on many days, and for what all headlines of a kind have ("Warning
    # issued at"). The general IDF is returned too, since `_recurring` is the difference between the two.
    idf = dict(boilerplate.damped(general, headlines))
    for key in text.stock:
        if key in idf:
            idf[key] *= STOCK_WEIGHT
    total = 0.0
    for key, count in vector.items():
        # Sublinear counts: a word ten times in a summary is not ten times the evidence.
        weight = idf[key] if count == 1.0 else (1.0 + math.log(count)) * idf[key]
        vector[key] = weight
        total += weight * weight
    norm = math.sqrt(total) or 1.0
    return general, idf, {key: weight / norm for key, weight in vector.items()}


def _recurring(member: Member, general: Mapping[str, float], headlines: boilerplate.EarlierHeadlines) -> float:
    title = {key: general[key] for key in member.title}
    # The first title of a source is never taken for a column.
    if not title or not len(headlines):
        return 0.0
    return max(1.0 - member.title_idf / sum(title.values()), boilerplate.column(title, headlines))


def _outside_template(
    text: AnalysedText, idf: Mapping[str, float], template: Collection[str]
) -> tuple[float, dict[str, float]]:
    """Return the share of a text's weight inside its source's template, and the weights of the other terms."""
    if not template:
        return 0.0, {}
    title = frozenset(text.title)
    # Titles count twice, as in the vector: a summary of nothing but a footer must not hide a title that is news.
    weights = {key: weight * (2.0 if key in title else 1.0) for key, weight in idf.items()}
    total = math.fsum(weights.values())
    fresh = {key: weight for key, weight in weights.items() if key not in template}
    return (1.0 - math.fsum(fresh.values()) / total if total else 0.0), fresh


# Observed: the shipped document frequencies are of English news, so on a new site all words of other languages look
# rare, and results of two companies or judgments of one court have many rare words in common. In nine of ten entries of
# English news, at most half of the terms are in fewer than three documents, even on a new site; in six other languages
# four fifths to all of them. Titles alone share too little to merge.
# Rule: the language of an entry with a summary is unfamiliar as far as more than KNOWN_RARE of its terms are in fewer
# than FAMILIAR_DOCUMENTS documents. The site's own entries change that as they arrive.
# Known to be wrong: an English text full of invented names.
FAMILIAR_DOCUMENTS = 3
KNOWN_RARE = 0.66


def _unfamiliar(text: AnalysedText, general: Mapping[str, float], frequency: DocumentFrequency) -> float:
    if not text.summary:
        return 0.0
    rare = frequency.idf_of(FAMILIAR_DOCUMENTS)
    share = sum([idf > rare for idf in general.values()]) / len(general)
    return max(0.0, share - KNOWN_RARE) / (1.0 - KNOWN_RARE)


def _places(text: AnalysedText) -> dict[str, int]:
    """Return, by pair of characters, the bit of its first position; empty for scripts with spaces."""
    if text.script not in UNSPACED:
        return {}
    places: dict[str, int] = {}
    # The empty term leaves a bit free between title and summary, so that the last pair of the one and the first of the
    # other do not count as overlapping.
    for place, key in enumerate((*text.title, "", *text.summary)):
        if len(key) == 2 and not key.isascii():
            places.setdefault(key, 1 << place)
    return places
