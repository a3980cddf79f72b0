"""The one configuration by which entries find their stories, and where each value is from.

The measurements are in docs/dev/clustering.md.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """What each piece of evidence adds to the log-odds that an entry belongs to a story.

    Averaged from two logistic regressions on pairs of entry and nearby story, of labelled AI news, general news, bare
    headlines and generated series, pulled towards the weights before them; then `figures`, `swapped`, `substituted`
    and `same_terms` were set by whole runs. docs/dev/clustering.md has the results.
    """

    intercept: float = 4.171
    centroid: float = 1.655
    """Per ln of the similarity to the story as a whole."""
    stands_out: float = 0.339
    """Per ln of that over what the other stories nearby have."""
    member: float = 0.0
    """Per ln of the cosine to the nearest of its latest entries."""
    contained: float = 0.539
    """Per ln of the share of one title's IDF that stands in the other text."""
    shared: float = 0.357
    """Per 10 of the summed IDF of shared terms, up to 60."""
    figures: float = 1.0
    """For a figure that both titles name."""
    waited: float = -0.165
    """Per ln(1 + entries that came since its last one): time as the stream itself counts it."""
    gap: float = -0.046
    """Per day between the entry and the story."""
    age: float = -1.35
    """Per ln(1 + days since its first entry)."""
    same_source: float = -1.458
    """For a source that told of the story within the hour."""
    same_poll: float = -1.961
    """And more where one poll brought both: what a source lists side by side it holds for two things."""
    reported_before: float = -0.402
    """For a source that reported the story before that."""
    recurring: float = -5.8
    """Per share of the title that its source writes day after day, in a story which that source is in."""
    stories: float = -0.046
    """Per ln(1 + open stories / 100): the best of many strangers looks more similar than the best of few."""
    joins: float = 0.887
    """Per log-odds that an entry of this stream joins a story, of the latest ones."""
    size: float = 0.084
    """Per ln of the story's entries."""
    terms: float = -0.532
    """Per ln(1 + terms of the entry)."""
    few: float = -0.47
    """Per word that shared words are short of three, and per log-odds that an entry of this stream stands alone."""
    title_alone: float = 0.594
    """For an entry without summary."""
    numbers_differ: float = -1.157
    """Where both titles have numbers, dates aside, and none in common."""
    versions_differ: float = -1.81
    """Where one word stands before different numbers: "Kubernetes 1.33", "Kubernetes 1.32"."""
    dates_differ: float = -3.268
    """Where both titles name days, and none in common: a column of another day."""
    reissued: float = -8.0
    """Where one source repeats a title with other times in it: the next warning. Set, not fitted: recorded streams have
    few, and everything else that is compared speaks for a merge."""
    named: float = 0.526
    """Per 10 of the IDF of shared names, up to 20."""
    title_named: float = 0.439
    """For a name that stands in both titles."""
    rare_name: float = 2.044
    """Per 10 of how rare the rarest shared name is among the open stories."""
    other_names: float = -0.941
    """Per 10 of the IDF of a name that one title has and the other text has not, the lower of both ways round."""
    frame: float = 0.468
    """Per share of one title's words that stand in the same order in another."""
    slot: float = -4.14
    """Per 10 of the IDF of what differs in the frame of two titles, times the share that does not."""
    swapped: float = -2.0
    """And more where names differ."""
    substituted: float = -7.0
    """And more where nothing else differs, and the titles are of one length."""
    template: float = -11.571
    """Per share above MIN_TEMPLATE of wording that its source used before, and of what else it says that is new."""
    meaning: float = 4.5
    """Per cosine of the title's embedding to the nearest of a story's latest entries. The weights of meaning count only
    where both were encoded."""
    meaning_margin: float = 2.0
    """Per cosine by which the story is nearer than any other open story, -0.1 at least: titles of one company or one
    trade are all alike, and two stories of one event hold each other back."""
    meaning_words: float = 0.7
    """Per log-odds of all of the above: words and meaning are evidence of the same thing in part."""
    meaning_joins: float = 0.3
    """Per log-odds that an entry of this stream joins a story."""
    meaning_intercept: float = -2.3
    same_terms: float = -0.4
    """Per ln(1 + other open stories that have the three most telling shared terms too)."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """The one configuration for all streams."""

    title_weight: float = 2.0
    summary_weight: float = 1.0
    spread: float = 0.3
    """How far the centroid's cosine goes over into the average cosine to the members: a story
    whose entries have little in common attracts less, and does not run away."""
    candidates: int = 12
    """How many of the most similar stories are looked at again, with time counted in,"""
    rivals: int = 6
    """how many of these an entry is held against to see how it stands out,"""
    compared: int = 4
    """and how many are looked at closely."""
    members: int = 12
    """Of how many of its latest entries a story keeps the vectors."""
    recent: int = 500
    """Over how many entries it is counted how many of them joined a story."""
    weights: Weights = Weights()


# Log-odds are added up for the decision that gives the best stories; of what is joined, this is how often it was
# right: logistic(CALIBRATION[0] + CALIBRATION[1] * log-odds), fitted with equal weight to each labelled stream.
CALIBRATION = (0.31, 0.54)

JOINS = (20.0, 80.0)
"""Entries that joined and that did not, as if seen before the first: most of what a new site polls stands alone."""
