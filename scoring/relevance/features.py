"""The features that a score is a sum of, in named groups: `GROUPS` is the one place that defines them.

    signals > group.columns > {"coverage:log": 1.1, ...} > weights > one part of the score for each group

To add a feature, add it to the columns of its group. To add a group, add one to `GROUPS`: training, scoring, model
files and explanations read everything that they need to know from there.

The words of a text are not a group: each has a column of its own in two tables, see `tfidf` and `weights.Weights`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aggregator.model import Reason, ReasonKind, because
from aggregator.text.urls import host, registrable_domain
from scoring.language.terms import words_of
from scoring.relevance.news_context import NO_CONTEXT, title_words
from scoring.relevance.signals import Signals
from scoring.relevance.text_features import path_features, shape_features, site_features

Columns = Iterable[tuple[str, float]]
"""Names and values of features; a feature that is left out is 0."""

SUMMARY_WORDS = 60
"""Words of a summary that are used: the news comes first, and some feeds send whole articles."""

VELOCITY_WINDOWS = (timedelta(hours=1), timedelta(hours=3), timedelta(hours=6))

COVERAGE_STEPS = (2, 3, 5)


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """Features that are named, regularised and explained together."""

    name: str
    """The prefix of its features (`coverage:log`), and the name of its part of a score."""
    label: str
    """The English label of that part on pages."""
    explain: Callable[[Signals], Reason]
    """Returns the reason for the part, for a story in which it is not 0."""
    columns: Callable[[Signals], Columns] = lambda signals: ()
    """Returns the features of a story. A group without columns gets its log-odds elsewhere: from `editorial_prior` or
    `votes`."""
    width: float = 0.0
    """Standard deviation of the Gaussian prior of its weights: how far they may go from 0.

    All widths are chosen on the dev range of ai_press_2026_techmeme, trained before and measured after.
    """
    min_stories: int = 1
    """Stories that must have a feature before it gets a weight, in a group with one feature per name."""
    never_negative: bool = False
    """Whether its weights are kept >= 0: more independent coverage never lowers a score."""


def _coverage(signals: Signals) -> Columns:
    voices = len(signals.voices)
    if voices > 1:
        yield "coverage:log", math.log(voices)
        for step in COVERAGE_STEPS:
            if voices >= step:
                yield f"coverage:{step}", 1.0


def _delays(signals: Signals) -> list[timedelta]:
    """Return how soon after first sight each voice joined, shortest first."""
    since = signals.at - signals.first_seen_at
    return sorted(since - age for age in signals.voice_ages)


def _velocity(signals: Signals) -> Columns:
    # The time since then does not matter: relevance does not decay.
    if len(signals.voices) > 1:
        # The first voice is the story itself; the others show how it spreads.
        delays = _delays(signals)[1:]
        for window in VELOCITY_WINDOWS:
            if quick := sum(delay <= window for delay in delays):
                yield f"velocity:{window // timedelta(hours=1)}h", math.log1p(quick)


def _explain_velocity(signals: Signals) -> Reason:
    delays = _delays(signals)
    quick = sum(delay <= VELOCITY_WINDOWS[-1] for delay in delays)
    # The shortest window with the same number is the clearest explanation.
    window = next(w for w in VELOCITY_WINDOWS if delays[quick - 1] <= w)
    return because(ReasonKind.SOURCES_WITHIN, quick, window // timedelta(hours=1))


def _source(signals: Signals) -> Columns:
    # Who reported first; later sources count as coverage.
    if signals.source_ids:
        yield f"source:{signals.source_ids[0]}", 1.0


def _present(columns: Columns) -> Columns:
    return [(name, value) for name, value in columns if value]


def _around(signals: Signals) -> Columns:
    context = signals.context
    if context is NO_CONTEXT:
        return ()
    return _present(
        (
            ("around:near", math.log1p(context.near)),
            ("around:touched", math.log1p(context.touched)),
            ("around:best", context.best),
            ("around:burst", math.log1p(context.burst)),
            ("around:talk", context.talk),
        )
    )


def _new(signals: Signals) -> Columns:
    return _present((("new:title", signals.context.novelty),))


def _pace(signals: Signals) -> Columns:
    context = signals.context
    return _present((("pace:day", math.log1p(context.own_day)), ("pace:hour", math.log1p(context.own_hour))))


def _tags(signals: Signals) -> Columns:
    return [(f"tag:{tag.casefold()}", 1.0) for tag in signals.tags]


def _time(signals: Signals) -> Columns:
    if signals.first_seen_at.weekday() >= 5:
        yield "time:weekend", 1.0
    yield f"time:{signals.first_seen_at.hour // 6 * 6:02}h", 1.0


def _explain_time(signals: Signals) -> Reason:
    seen = signals.first_seen_at
    if seen.weekday() >= 5:
        return because(ReasonKind.SEEN_ON_WEEKEND, seen.weekday(), f"{seen:%H:%M}")
    return because(ReasonKind.SEEN_AT, f"{seen:%H:%M}")


def _shape(signals: Signals) -> Columns:
    yield from shape_features(signals.title, title_words(signals.title)).items()
    if signals.summary:
        yield "shape:summary", 1.0


def _explain_shape(signals: Signals) -> Reason:
    return because(ReasonKind.TITLE_SHAPE, len(title_words(signals.title)), int("?" in signals.title))


GROUPS = (
    FeatureGroup(
        "source",
        "Source record",
        lambda signals: because(ReasonKind.FIRST_REPORTED_BY, signals.source_ids[0]),
        _source,
        width=0.8,  # shrinks the record of a source with few stories towards 0
        min_stories=5,
    ),
    FeatureGroup(
        "site",
        "Site",
        lambda signals: because(ReasonKind.LINKS_TO, registrable_domain(host(signals.link))),
        lambda signals: site_features(signals.link),
        width=0.8,
        min_stories=3,
    ),
    FeatureGroup(
        "address",
        "Address",
        lambda signals: because(ReasonKind.ADDRESS_WORDS),
        lambda signals: path_features(signals.link),
        width=1.0,
        min_stories=5,
    ),
    FeatureGroup(
        "tag",
        "Tags",
        lambda signals: because(ReasonKind.FILED_UNDER, *signals.tags),
        _tags,
        width=1.0,
        min_stories=3,
    ),
    FeatureGroup("time", "Time of day", _explain_time, _time, width=0.3),
    FeatureGroup("shape", "Wording", _explain_shape, _shape, width=0.5),
    FeatureGroup("meaning", "Meaning", lambda signals: because(ReasonKind.TITLE_MEANING)),
    FeatureGroup(
        "new",
        "Novelty",
        lambda signals: because(ReasonKind.NEW_SHARE, round(signals.context.novelty, 2)),
        _new,
        width=0.3,
    ),
    FeatureGroup(
        "pace",
        "Pace of its source",
        lambda signals: because(ReasonKind.SOURCE_PACE, signals.context.own_day),
        _pace,
        width=0.3,
    ),
    FeatureGroup(
        "around",
        "News context",
        lambda signals: because(ReasonKind.OTHERS_REPORT),
        _around,
        width=0.7,
        never_negative=True,
    ),
    FeatureGroup("vote", "Vote", lambda signals: because(ReasonKind.OWN_VOTE)),
    FeatureGroup("votes", "Votes on similar stories", lambda signals: because(ReasonKind.SIMILAR_VOTES)),
    FeatureGroup(
        "coverage",
        "Coverage",
        lambda signals: because(ReasonKind.SOURCES, len(signals.voices)),
        _coverage,
        width=1.5,
        never_negative=True,
    ),
    FeatureGroup("velocity", "Velocity", _explain_velocity, _velocity, width=0.7, never_negative=True),
)
"""Every group, in the order in which their parts are added up.

Coverage and velocity come last: floating point addition keeps order, so more of them never lowers a score.
"""

GROUP: Mapping[str, FeatureGroup] = {group.name: group for group in GROUPS}
"""The groups by name."""


def group_of(feature: str) -> FeatureGroup:
    """Return the group of a feature, by its prefix; KeyError for an unknown one."""
    return GROUP[feature.partition(":")[0]]


def never_negative(feature: str) -> bool:
    """Return whether the weight of a feature is kept >= 0; unknown features are not."""
    group = GROUP.get(feature.partition(":")[0])
    return group is not None and group.never_negative


def features(signals: Signals, groups: Sequence[FeatureGroup] = GROUPS) -> dict[str, float]:
    """Return the features of a story by name; those that are 0 are left out.

    groups: the groups that the model has weights for
    """
    values: dict[str, float] = {}
    for group in groups:
        values.update(group.columns(signals))
    return values


def summary_words(summary: str) -> tuple[str, ...]:
    """Return the distinct words among the first `SUMMARY_WORDS` of *summary*, in order."""
    # A word has less than 20 characters on average in any script, so the rest need not be split at all.
    return tuple(dict.fromkeys(words_of(summary[: 20 * SUMMARY_WORDS])[:SUMMARY_WORDS]))


def tfidf(words: Iterable[str], idf: Mapping[str, float], unknown_idf: float) -> Iterator[tuple[str, float]]:
    """Yield the known words among distinct *words* with their weight:

        idf(word) / sqrt(sum over all words of idf^2),  idf(word) = ln((1 + N) / (1 + n)) + 1

    with N documents of which n contain the word. Unknown words add *unknown_idf* to the length, so one
    known word in an unfamiliar title counts for little.
    Salton & Buckley, Term-weighting approaches in automatic text retrieval (1988), with
    binary term frequency, as words hardly repeat within a headline.
    """
    looked_up = [(word, idf.get(word)) for word in words]
    length = math.sqrt(sum((unknown_idf if value is None else value) ** 2 for _, value in looked_up))
    return ((word, value / length) for word, value in looked_up if value is not None)


def tfidf_of_all(words: Iterable[str], idf: Mapping[str, float], unknown_idf: float) -> list[tuple[str, float]]:
    """Return all of the distinct *words* with their weight as in `tfidf`, unknown ones too: a vector of length 1."""
    weighted = [(word, idf.get(word, unknown_idf)) for word in words]
    length = math.sqrt(math.fsum(value * value for _, value in weighted))
    return [(word, value / length) for word, value in weighted]
