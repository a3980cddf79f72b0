"""Measure the site on its own past: how well calibrated scores were, how early and accurate trending was.

Knows which numbers the scorecard has and from how many cases on each says something. What a story was given counts
as the site gave it then: scores come from the ledger, places from the front pages that were kept. Against it stand
two rules that need no model: newest first, most sources. Leaves what "relevant" means to `labels`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Config, DecisionKind, follow_merges
from aggregator.store import Store
from aggregator.store.derived.scorecards import Measure, PastStory
from scoring.categories.classifier import Categorizer
from scoring.categories.prior import load_category_prior
from scoring.language.terms import terms
from scoring.learning.labels import DAY, is_complete, label_day
from scoring.metrics.bootstrap import Interval, mean, resampled
from scoring.metrics.probability import brier, ece, reliability
from scoring.metrics.ranking import weighted_auc
from scoring.relevance.calibration import recalibrated

WINDOWS = (7, 30, 90)
"""Days."""

FORECAST_AGE = timedelta(hours=1)
"""The score counts as of this long after the story was first seen: early enough to be a forecast of the day."""

FURTHER = 3
"""Further independent sources within a day that make a trending story worth its place."""
PAGE = 10
LIVE = timedelta(hours=36)
"""What the rules order: stories that got a new voice within that time."""

SITE = "site"
RULES = ("newest first", "most sources")

CASES, RELEVANT, PAGES, GROWN, CORRECTIONS = 200, 10, 48, 10, 20
"""Fewer stories, relevant stories, hourly front pages, growing stories or corrections say nothing."""

RESAMPLES = 100


@dataclass(frozen=True, slots=True)
class Scorecard:
    """What a night's measuring came to."""

    day: date
    measures: tuple[Measure, ...]
    tables: Mapping[tuple[int, str], Any] = field(default_factory=dict)
    """By window and name: "reliability", a list of bins; "confusion", a list of (predicted, right, cases)."""


@dataclass(slots=True)
class _Story:
    first_seen_at: datetime
    voices: dict[str, datetime] = field(default_factory=dict)
    """When each first spoke, in order."""
    ids: set[int] = field(default_factory=set)
    """IDs under which it was shown: its own, and those of stories merged into it."""

    def voices_by(self, at: datetime) -> int:
        return sum(joined <= at for joined in self.voices.values())

    def within(self, span: timedelta) -> int:
        return self.voices_by(self.first_seen_at + span)


@dataclass(frozen=True, slots=True)
class Past:
    """The site's past, as far as the scorecard goes."""

    stories: Mapping[int, _Story]
    kinds: Mapping[int, PastStory]
    scores: Mapping[int, Sequence[tuple[datetime, int]]]
    pages: Sequence[tuple[datetime, Sequence[int]]]
    votes: Mapping[int, bool]
    corrections: Sequence[tuple[datetime, str, str]]
    """When; the category that the site chooses; the category that an editor chose."""
    top_share: float

    def final(self, story_id: int) -> int:
        """Return the story that *story_id* became part of in the end."""
        return follow_merges(story_id, lambda id_: None if (kind := self.kinds.get(id_)) is None else kind.merged_into)


def read(store: Store, config: Config, now: datetime) -> Past:
    """Return the past that the scorecard of *now* measures."""
    since = now - timedelta(days=max(WINDOWS) + 3)
    kinds = store.scorecards.stories()
    stories: dict[int, _Story] = {}
    cut_off: set[int] = set()
    for entry_id, story_id, at, voice in store.scorecards.arrivals(since, now):
        story = stories.get(story_id)
        if story is None:
            if entry_id > story_id:
                cut_off.add(story_id)  # it began before the window
            story = stories[story_id] = _Story(at)
        story.voices.setdefault(voice, at)
    for story_id in cut_off:
        stories.pop(story_id, None)
    scores: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for story_id, at, score in store.scorecards.scores(since):
        scores[story_id].append((at, score))
    return Past(
        stories=stories,
        kinds=kinds,
        scores=scores,
        pages=list(store.scorecards.front_pages(since, now)),
        votes={vote.story_id: vote.up for vote in store.feedback.votes()},
        corrections=_corrections(store, config),
        top_share=config.scoring.top_share,
    )


def _corrections(store: Store, config: Config) -> list[tuple[datetime, str, str]]:
    """Return each standing correction with what the categories say without it."""
    standing = [d for d in store.decisions.standing() if d.kind is DecisionKind.CATEGORY]
    if not standing or not config.categories:
        return []
    categorizer = Categorizer(config.categories, prior=load_category_prior()).fit()
    results = []
    for decision in standing:
        evidence: list[float] = []
        default, entries = "", 0
        for entry_id in decision.entry_ids:
            entry = store.entries.get(entry_id)
            if entry is None:
                continue
            source = config.source(entry.source_id)
            own = "" if source is None else source.category
            default = default or own
            by_prior = categorizer.by_prior(entry.title, entry.summary, entry.link, entry.embedding)
            log_odds = categorizer.evidence(terms(entry.title), terms(entry.summary), own, by_prior)
            evidence = [a + b for a, b in zip(evidence or [0.0] * len(log_odds), log_odds, strict=True)]
            entries += 1
        if entries:
            results.append((decision.at, categorizer.decide(evidence, default, entries), decision.category_id))
    return results


def scorecard(past: Past, now: datetime) -> Scorecard:
    """Measure *past* at *now*; only days and pages whose next 24 hours are over count."""
    measures: list[Measure] = []
    tables: dict[tuple[int, str], Any] = {}
    cases = _with_meaning(_cases(past, now))
    for window in WINDOWS:
        since = now - timedelta(days=window)
        inside = [case for case in cases if case.day >= since.date().isoformat()]
        measures += _score_measures(inside, window, "")
        for category in sorted({case.category_id for case in inside} - {""}):
            measures += _score_measures([c for c in inside if c.category_id == category], window, category)
        if len(inside) >= CASES:
            table = reliability([c.recalibrated for c in inside], [c.label for c in inside])
            tables[window, "reliability"] = [[b.low, b.high, b.cases, b.predicted, b.observed] for b in table]
        measures += _page_measures(past, since, now, window)
        corrections = [(predicted, right) for at, predicted, right in past.corrections if at >= since]
        measures.append(_corrected(corrections, window))
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for pair in corrections:
            counts[pair] += 1
        tables[window, "confusion"] = [
            [predicted, right, count] for (predicted, right), count in sorted(counts.items())
        ]
    return Scorecard(now.date(), tuple(measures), tables)


def measure(store: Store, config: Config, now: datetime) -> Scorecard:
    """Measure the site on its own past, and keep that as the scorecard of this night."""
    card = scorecard(read(store, config, now), now)
    with store.transaction():
        store.scorecards.save(card.day, card.measures, card.tables)
        store.state.next_edition()
    return card


# The score


@dataclass(frozen=True, slots=True)
class _Case:
    """A story with a label, as of an hour after it was first seen."""

    day: str
    category_id: str
    probability: float
    voices: int
    age: float
    """Of its first sight, seconds since 1970."""
    label: int
    recalibrated: float = 0.0
    """The score recalibrated on the judged days before; see `calibration.recalibrated`."""


def _with_meaning(cases: Sequence[_Case]) -> list[_Case]:
    days = [date.fromisoformat(case.day) for case in cases]
    recalibrated_scores = recalibrated(days, [case.probability for case in cases], [case.label for case in cases])
    return [replace(case, recalibrated=value) for case, value in zip(cases, recalibrated_scores, strict=True)]


def _cases(past: Past, now: datetime) -> list[_Case]:
    by_day: dict[date, dict[int, _Story]] = defaultdict(dict)
    for story_id, story in past.stories.items():
        by_day[story.first_seen_at.date()][story_id] = story
    # On the first day of a site, everything that the feeds still contained arrived at once.
    results: list[_Case] = []
    for day in sorted(by_day)[1:]:
        stories = by_day[day]
        labels: dict[int, int] = {}
        if is_complete(day, now):
            labels_of_day = label_day(
                {story_id: story.within(DAY) for story_id, story in stories.items()}, past.top_share
            )
            labels |= dict.fromkeys(labels_of_day.relevant, 1) | dict.fromkeys(labels_of_day.not_relevant, 0)
        labels |= {story_id: int(up) for story_id, up in past.votes.items() if story_id in stories}
        for story_id in sorted(labels):
            story = stories[story_id]
            at = story.first_seen_at + FORECAST_AGE
            lines = past.scores.get(story_id, ())
            stood = bisect_right([moment for moment, _ in lines], at)
            kind = past.kinds.get(story_id)
            if at > now or not stood or kind is None or kind.merged_into is not None:
                continue
            results.append(
                _Case(
                    day=day.isoformat(),
                    category_id=kind.category_id,
                    probability=lines[stood - 1][1] / 100,
                    voices=story.voices_by(at),
                    age=story.first_seen_at.timestamp(),
                    label=labels[story_id],
                )
            )
    return results


def _score_measures(cases: Sequence[_Case], window: int, category: str) -> list[Measure]:
    relevant = sum(case.label for case in cases)
    enough = len(cases) >= CASES and min(relevant, len(cases) - relevant) >= RELEVANT
    days = [case.day for case in cases]
    places = list(range(len(cases)))
    labels = np.asarray([case.label for case in cases])
    ways = {
        SITE: np.asarray([case.probability for case in cases]),
        RULES[0]: np.asarray([case.age for case in cases]),
        RULES[1]: np.asarray([float(case.voices) for case in cases]),
    }
    results = []
    for method, values in ways.items():
        value = resampled(days, places, _auc_of(values, labels), resamples=RESAMPLES) if enough else None
        results.append(_measure(window, category, "auc", method, value, len(cases), CASES))
    probabilities: dict[str, Callable[[list[float], list[int]], float]] = {"brier": brier}
    if not category:
        probabilities["ece"] = ece
    for name, rule in probabilities.items():

        def of(some: Sequence[_Case], rule: Callable[[list[float], list[int]], float] = rule) -> float | None:
            return rule([c.recalibrated for c in some], [c.label for c in some])

        value = resampled(days, cases, of, resamples=RESAMPLES) if enough else None
        results.append(_measure(window, category, name, SITE, value, len(cases), CASES))
    return results


def _auc_of(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> Callable[[Sequence[int]], float | None]:
    """Return `auc` of drawn cases."""
    area = weighted_auc(scores, labels)
    return lambda places: area(np.bincount(np.asarray(places, dtype=np.int64), minlength=len(scores)))


def _measure(
    window: int, category: str, name: str, method: str, value: Interval | None, cases: int, needed: int
) -> Measure:
    if value is None:
        return Measure(window, category, name, method, None, None, None, cases, needed)
    return Measure(window, category, name, method, value.value, value.low, value.high, cases, needed)


# Trending


def _page_measures(past: Past, since: datetime, now: datetime, window: int) -> list[Measure]:
    """Return the measures of the front pages: how many of the first ten grew, how soon a growing story was on top."""
    pages = [(at, ids) for at, ids in past.pages if since <= at <= now - DAY]
    days = [at.date().isoformat() for at, _ in pages]
    shown: dict[str, list[list[int]]] = {SITE: [list(ids[:PAGE]) for _, ids in pages], **_by_rule(past, pages)}
    grown = {
        story_id: story.first_seen_at
        for story_id, story in past.stories.items()
        if since <= story.first_seen_at <= now - DAY and story.within(DAY) > FURTHER
    }
    results = []
    for method, lists in shown.items():
        hits = [
            math.fsum(_grew(past, story_id, at) for story_id in ids) / PAGE
            for (at, _), ids in zip(pages, lists, strict=True)
        ]
        value = resampled(days, hits, mean, resamples=RESAMPLES) if len(pages) >= PAGES else None
        results.append(_measure(window, "", "precision_at_10", method, value, len(pages), PAGES))
        first: dict[int, datetime] = {}
        for (at, _), ids in zip(pages, lists, strict=True):
            for story_id in ids:
                first.setdefault(past.final(story_id), at)
        waits = [
            (begun.date().isoformat(), max((first[s] - begun) / timedelta(hours=1), 0.0) if s in first else math.inf)
            for s, begun in grown.items()
        ]
        soon = None
        if len(grown) >= GROWN and len(pages) >= PAGES:
            soon = resampled([day for day, _ in waits], [wait for _, wait in waits], _median, resamples=RESAMPLES)
        missing = (len(pages), PAGES) if len(pages) < PAGES else (len(grown), GROWN)
        results.append(_measure(window, "", "hours_to_page", method, soon, *missing))
    doubles = [1.0 - len({past.final(story_id) for story_id in ids}) / max(len(ids), 1) for ids in shown[SITE]]
    value = resampled(days, doubles, mean, resamples=RESAMPLES) if len(pages) >= PAGES else None
    results.append(_measure(window, "", "duplicates", SITE, value, len(pages), PAGES))
    return results


def _median(waits: Sequence[float]) -> float | None:
    """Return the middle of the waits; None if most never ended."""
    middle = sorted(waits)[len(waits) // 2] if waits else math.inf
    return None if math.isinf(middle) else middle


def _grew(past: Past, story_id: int, at: datetime) -> bool:
    story = past.stories.get(past.final(story_id))
    return story is not None and story.voices_by(at + DAY) - story.voices_by(at) >= FURTHER


def _by_rule(past: Past, pages: Sequence[tuple[datetime, Sequence[int]]]) -> dict[str, list[list[int]]]:
    """Return the first ten by each rule, of the stories that were live when each page was kept."""
    order = sorted(past.stories.items(), key=lambda item: (item[1].first_seen_at, item[0]))
    begun = [story.first_seen_at for _, story in order]
    lists: dict[str, list[list[int]]] = {rule: [] for rule in RULES}
    for at, _ in pages:
        # A story lives for days; what began two weeks ago has no new voice now.
        first, last = bisect_right(begun, at - timedelta(days=14)), bisect_right(begun, at)
        live = [
            (story_id, story)
            for story_id, story in order[first:last]
            if any(at - LIVE <= joined <= at for joined in story.voices.values())
        ]
        lists[RULES[0]].append([story_id for story_id, _ in reversed(live[-PAGE:])])
        most = sorted(live, key=lambda item: (-item[1].voices_by(at), -item[1].first_seen_at.timestamp(), item[0]))
        lists[RULES[1]].append([story_id for story_id, _ in most[:PAGE]])
    return lists


# Categories


def _corrected(corrections: Sequence[tuple[str, str]], window: int) -> Measure:
    """Return the share of editors' category corrections that the site agrees with by now."""
    value = None
    if len(corrections) >= CORRECTIONS:
        share = sum(predicted == right for predicted, right in corrections) / len(corrections)
        value = Interval(share, share, share)
    return _measure(window, "", "category_accuracy", SITE, value, len(corrections), CORRECTIONS)


def lines(card: Scorecard, name_of: Callable[[str], str] = lambda category_id: category_id) -> list[str]:
    """Return a scorecard as a table."""
    drawn = [f"scorecard of {card.day}", ""]
    for m in card.measures:
        where = name_of(m.category_id) if m.category_id else "all"
        if m.value is None:
            shown = f"not yet: {m.cases} of {m.needed} cases" if m.cases < m.needed else "cannot be told"
        else:
            shown = str(Interval(m.value, m.value if m.low is None else m.low, m.value if m.high is None else m.high))
        drawn.append(f"{m.window_days:3} days  {where:20} {m.name:18} {m.method:14} {shown}  ({m.cases} cases)")
    return drawn
