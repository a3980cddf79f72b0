"""Turn what is known of a story into named features.

Knows coverage, velocity, source, news context, time and the words of a text. Leaves what each is worth to `model`,
and the features of a link and of the look of a title to `text_features`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from scoring.language.terms import words_of
from scoring.relevance.news_context import NOTHING, title_words
from scoring.relevance.signals import Signals
from scoring.relevance.text_features import address_features, shape_features

SUMMARY_WORDS = 60
"""Words of a summary that are looked at; what matters is said first, and some feeds send whole articles."""


VELOCITY_WINDOWS = (timedelta(hours=1), timedelta(hours=3), timedelta(hours=6))


COVERAGE_STEPS = (2, 3, 5)


NEVER_NEGATIVE = ("coverage:", "velocity:", "around:")
"""Features that grow with independent coverage: their weights are kept >= 0, so that it never lowers a score."""


def summary_words(summary: str) -> tuple[str, ...]:
    """Return the distinct words among the first `SUMMARY_WORDS` of *summary*, in order."""
    # A word has less than 20 characters on average in any script, so the rest need not be split at all.
    return tuple(dict.fromkeys(words_of(summary[: 20 * SUMMARY_WORDS])[:SUMMARY_WORDS]))


def tfidf(words: Iterable[str], idf: Mapping[str, float], unknown_idf: float) -> Iterator[tuple[str, float]]:
    """Yield the known words among distinct *words* with their weight:

        idf(word) / sqrt(sum over all words of idf^2),  idf(word) = ln((1 + N) / (1 + n)) + 1

    with N documents of which n hold the word. Unknown words count in the length with
    *unknown_idf*, so one known word in a title of strangers says little.
    Salton & Buckley, Term-weighting approaches in automatic text retrieval (1988), with
    binary term frequency, as words hardly repeat within a headline.
    """
    looked_up = [(word, idf.get(word)) for word in words]
    length = math.sqrt(sum((unknown_idf if value is None else value) ** 2 for _, value in looked_up))
    return ((word, value / length) for word, value in looked_up if value is not None)


def features(signals: Signals, link: bool = True) -> dict[str, float]:
    """Return every feature but the words, by name; those that are 0 are left out.

    link: without it those of the link are left out too, for a model that knows none

    `coverage:`, `velocity:`  independent voices, and how soon after first sight they came. Nothing here
                              looks at how much time has passed since: relevance does not decay.
    `source:ID`               who reported first; later sources count as coverage
    `around:`, `new:`         how much others say of the same things, and how much of the title is new
    `pace:`                   how much its source published within a day and an hour before it
    `site:`, `address:`       where its link leads, and what words its path holds: many name their sections there
    `tag:`                    what its source filed it under
    `time:`                   weekend, and quarter of the day (UTC), of first sight
    `shape:`                  length and looks of the title
    """
    values: dict[str, float] = {}
    voices = len(signals.voices)
    if voices > 1:
        values["coverage:log"] = math.log(voices)
        for step in COVERAGE_STEPS:
            if voices >= step:
                values[f"coverage:{step}"] = 1.0
        # The first voice is the story itself; those after it are news of its spread.
        since = signals.at - signals.first_seen_at
        delays = sorted(since - age for age in signals.voice_ages)[1:]
        for window in VELOCITY_WINDOWS:
            if quick := sum(delay <= window for delay in delays):
                values[f"velocity:{window // timedelta(hours=1)}h"] = math.log1p(quick)
    if signals.source_ids:
        values[f"source:{signals.source_ids[0]}"] = 1.0
    around = signals.around
    if around is not NOTHING:
        for name, value in (
            ("around:near", math.log1p(around.near)),
            ("around:touched", math.log1p(around.touched)),
            ("around:best", around.best),
            ("around:burst", math.log1p(around.burst)),
            ("around:talk", around.talk),
            ("new:title", around.novelty),
            ("pace:day", math.log1p(around.own_day)),
            ("pace:hour", math.log1p(around.own_hour)),
        ):
            if value:
                values[name] = value
    if link:
        values |= address_features(signals.link)
    for tag in signals.tags:
        values[f"tag:{tag.casefold()}"] = 1.0
    if signals.first_seen_at.weekday() >= 5:
        values["time:weekend"] = 1.0
    values[f"time:{signals.first_seen_at.hour // 6 * 6:02}h"] = 1.0
    values |= shape_features(signals.title, title_words(signals.title))
    if signals.summary:
        values["shape:summary"] = 1.0
    return values
