"""The weights and settings of clustering, one configuration for all streams.

The measurements are in docs/dev/clustering.md.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """What each feature adds to the log-odds that an entry belongs to a story.

    Averaged from two logistic regressions on pairs of entry and nearby story, of labelled AI news, general news, bare
    headlines and generated series, pulled towards the weights before them; then `figures`, `swapped`, `substituted`,
    `same_terms` and `no_event` were set by whole runs. docs/dev/clustering.md has the results.
    """

    intercept: float = 4.171
    centroid: float = 1.655
    """Per ln of the similarity to the story's centroid."""
    stands_out: float = 0.339
    """Per ln of the ratio of that to the similarity of other candidates."""
    member: float = 0.0
    """Per ln of the cosine to the nearest of its latest entries."""
    contained: float = 0.539
    """Per ln of the share of one title's IDF that the other text contains."""
    shared: float = 0.357
    """Per 10 of the summed IDF of shared terms, up to 60."""
    figures: float = 1.0
    """For a figure that both titles name."""
    waited: float = -0.165
    """Per ln(1 + entries that arrived since its last one): time measured in entries of the stream."""
    gap: float = -0.046
    """Per day between the entry and the story."""
    age: float = -1.35
    """Per ln(1 + days since its first entry)."""
    same_source: float = -1.458
    """If the source reported the story within the hour."""
    same_poll: float = -1.961
    """In addition, if both came with one poll: a source that lists two entries considers them two things."""
    reported_before: float = -0.402
    """If the source reported the story earlier than that."""
    recurring: float = -5.8
    """Per share of the title that its source repeats on most days, in a story that has this source."""
    stories: float = -0.046
    """Per ln(1 + open stories / 100): among more unrelated stories, the best one is more similar."""
    joins: float = 0.887
    """Per log-odds that an entry joins a story, as observed among the latest ones."""
    size: float = 0.084
    """Per ln of the story's entries."""
    terms: float = -0.532
    """Per ln(1 + terms of the entry)."""
    few_words: float = -0.47
    """Per shared word below three, and per log-odds that an entry of this stream joins no story."""
    title_alone: float = 0.594
    """For an entry without summary."""
    numbers_differ: float = -1.157
    """If both titles have numbers other than dates, but none in common."""
    versions_differ: float = -1.81
    """If one word is followed by different numbers: "Kubernetes 1.33", "Kubernetes 1.32"."""
    dates_differ: float = -3.268
    """If both titles name days, but none in common: a column of another day."""
    reissued: float = -8.0
    """If one source repeats a title with other times in it: the next warning. Set by hand: recorded streams have few,
    and all other evidence is for a merge."""
    no_event: float = -4.0
    """If the entry, or every entry of the story, offers a bargain or sums up a day or week. Set by hand: the
    other features expect 19 of 47 such pairs to be of one event, and none is."""
    named: float = 0.526
    """Per 10 of the IDF of shared names, up to 20."""
    title_named: float = 0.439
    """If a name is in both titles."""
    rare_name: float = 2.044
    """Per 10 of the rarity of the rarest shared name among the open stories."""
    other_names: float = -0.941
    """Per 10 of the IDF of a name in one title that the other text lacks, the lower of both directions."""
    frame: float = 0.468
    """Per share of one title's words that are in the same order in another."""
    slot: float = -4.14
    """Per 10 of the IDF of what differs in the frame of two titles, times the share of the frame."""
    swapped: float = -2.0
    """In addition, for names that differ."""
    substituted: float = -7.0
    """In addition, if nothing else differs and the titles have the same length."""
    template: float = -11.571
    """Per share of template above MIN_TEMPLATE, times the share of the rest that is new to the story."""
    unfamiliar: float = -1.2
    """For an entry in a language that the site does not know, per share; see `WeightedText.unfamiliar`."""
    unfamiliar_contained: float = 4.0
    """In addition, per ln of the share of one title's IDF that the other text contains: where all words look rare, how
    many are shared says more than how rare they are."""
    meaning: float = 0.0
    """Per cosine of the title's embedding to the nearest of a story's latest entries; 0 in the weights of words."""
    meaning_margin: float = 0.0
    """Per cosine by which the story is nearer than any other open story, at least -0.1: titles about one company or
    industry are all similar."""
    same_terms: float = -0.4
    """Per ln(1 + other open stories that also have the three rarest shared terms)."""


WITH_MEANING = Weights(
    intercept=-0.61,
    centroid=0.91,
    stands_out=0.19,
    member=0.43,
    contained=-0.05,
    shared=0.55,
    figures=0.91,
    waited=-0.27,
    gap=-0.04,
    age=-1.08,
    same_source=-2.53,
    same_poll=0.22,
    reported_before=-1.05,
    recurring=-4.06,
    stories=0.26,
    joins=1.25,
    size=0.0,
    terms=-0.19,
    few_words=-0.14,
    title_alone=-0.36,
    numbers_differ=-0.79,
    versions_differ=-1.27,
    dates_differ=-3.42,
    reissued=-5.6,
    no_event=-2.8,
    named=-0.17,
    title_named=0.06,
    rare_name=2.53,
    other_names=-0.78,
    frame=1.0,
    slot=-1.56,
    swapped=-1.4,
    substituted=-4.9,
    template=-8.1,
    meaning=6.94,
    meaning_margin=3.04,
    same_terms=-0.58,
    unfamiliar=0.0,
    unfamiliar_contained=0.0,
)
"""The weights for an entry and a story that were both encoded: words and embeddings overlap as evidence.

Halfway between the weights before them and a logistic regression by `bench.fit_joins` on the candidates of labelled
entries: AI news, general news, generated series, and 1,089 pairs near the threshold (`bench/labels`). The regression
leaves `HELD` alone: the labelled streams have few columns and warnings, and whole runs set `joins` and `size`. The
intercept is 0.1 lower than in the middle, because readers notice a false merge more than a missed one.
docs/dev/clustering.md has the results.
"""


@dataclass(frozen=True, slots=True)
class Tuning:
    """The one configuration for all streams."""

    title_weight: float = 2.0
    summary_weight: float = 1.0
    spread: float = 0.3
    """Interpolation from the centroid's cosine (0) to the average cosine to the members (1): a story whose entries have
    little in common attracts fewer entries."""
    candidates: int = 12
    """Most similar stories that are ranked again with time included."""
    rivals: int = 6
    """Of these, stories that a candidate is compared against."""
    compared: int = 4
    """Of these, stories whose entries are compared in detail."""
    members: int = 12
    """Latest entries of a story whose vectors are kept."""
    recent: int = 500
    """Latest entries over which the share that joined a story is measured."""
    weights: Weights = Weights()
    with_meaning: Weights = WITH_MEANING


# The log-odds are tuned for the best stories, not for calibration. This maps them to the share of entries that belong
# to the likeliest story: logistic(CALIBRATION[0] + CALIBRATION[1] * log-odds), fitted by `bench.join_precision` with
# equal weight to each labelled stream when the intercept was -0.5. With -0.7, that gives (0.08, 0.75); on AI news these
# are better: the expected calibration error is .04 instead of .05.
# With the weights since, that gives (0.19, 0.73), which is again worse on AI news.
CALIBRATION = (-0.19, 0.73)

JOINS = (20.0, 80.0)
"""Prior counts of entries that joined a story and that did not: on a new site most entries join none."""
