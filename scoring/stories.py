"""Decide, as an entry arrives, which story it belongs to.

Knows similarity of texts, time and density of the stream; holds the stories that can
still grow. Leaves terms to `terms`, whose voice it is to `independence`, and everything
that is shown of a story to `engine`.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from heapq import nsmallest

from scoring.terms import DocumentFrequency, terms

Vector = dict[str, float]


@dataclass(frozen=True, slots=True)
class Text:
    """An entry, as far as clustering goes."""

    entry_id: int
    source_id: str
    """"" when it is not known."""
    link: str
    """Canonical, or ""."""
    title: tuple[str, ...]
    """Terms, in order."""
    summary: tuple[str, ...]
    at: float
    """When it counts as published, in seconds since 1970."""
    arrived: float
    """When it was first seen, in seconds since 1970."""


def read(*, entry_id: int, source_id: str, link: str, title: str, summary: str, at: float, arrived: float) -> Text:
    """Return an entry's text as the clusterer sees it: terms of the title, and of the summary's beginning."""
    return Text(entry_id, source_id, link, tuple(terms(title)), tuple(terms(summary)[:SUMMARY_TERMS]), at, arrived)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an entry goes, and why."""

    story_id: int
    similarity: float
    """To the story, time and density counted in; 0.0 for the first entry of a story."""
    probability: float
    """That the entry tells of the story's event."""
    reason: str


SUMMARY_TERMS = 60
"""A feed's summary is sometimes the whole text; what an event is stands at its beginning."""

SAME_TITLE_TERMS = 4
"""Shorter headlines coincide: "Business Highlights"."""

SAME_TITLE_WITHIN = 12 * 3600.0
"""Seconds; a column has the same headline every day: "Hints and answers for today's puzzle"."""

WORK = 1_000
"""How many postings of telling terms an entry may touch to find stories; what it shares with the
nearest of them beyond that is looked up. So a busy day costs no more than that."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """The one configuration for all streams; docs/scoring-stories.md has what each value gave."""

    title_weight: float = 2.0
    summary_weight: float = 1.0
    member: float = 0.25
    """Share of the best member in the similarity; the rest is the centroid's."""
    spread: float = 0.3
    """How far the centroid's cosine goes over into the average cosine to the members: a story
    whose entries have little in common attracts less, and does not run away."""
    tau: timedelta = timedelta(hours=24)
    """Time decay: a story that is silent for that long looks 1/e as similar."""
    busy: float = 300.0
    """Entries a day above which the decay becomes faster,"""
    haste: float = 0.3
    """as that power of the rate: at ten times the entries it is twice as fast."""
    base: float = 0.09
    density: float = 0.05
    """Threshold = base + density * ln(1 + open stories / 100): the best of many strangers looks
    more similar than the best of few."""
    same_source: float = 1.4
    """The threshold is that many times higher for a source that told of the story within the hour."""
    candidates: int = 6
    """How many of the nearest stories are looked at closely."""
    members: int = 12
    """Of how many of its latest entries a story keeps the vectors."""


# Probability of a similarity, fitted on the decisions for labelled entries of the four development
# streams (docs/scoring-stories.md): logistic(CALIBRATION[0] + CALIBRATION[1] * ln(similarity / threshold)).
CALIBRATION = (0.28, 1.49)


class _Story:
    """A story that can still grow."""

    __slots__ = (
        "first_arrived",
        "first_at",
        "last_arrived",
        "last_at",
        "links",
        "members",
        "n",
        "norm2",
        "sources",
        "story_id",
        "terms",
        "titles",
    )

    def __init__(self, story_id: int, text: Text) -> None:
        self.story_id = story_id
        self.first_at = self.last_at = text.at
        self.first_arrived = self.last_arrived = text.arrived
        self.n = 0
        self.norm2 = 0.0
        self.terms: set[str] = set()
        self.members: deque[Vector] = deque()
        self.sources: dict[str, float] = {}
        self.links: list[str] = []
        self.titles: list[tuple[str, ...]] = []


class Clusterer:
    """The stories that can still grow, with an index of their terms.

    Deterministic: the same entries in the same order give the same stories, wherever the
    program was stopped between, if `put` is told of them in that order. An entry costs as much
    as its telling terms have stories, never as much as there are stories.
    """

    def __init__(
        self,
        frequency: DocumentFrequency,
        *,
        window: timedelta = timedelta(hours=72),
        longest: timedelta = timedelta(days=14),
        tuning: Tuning | None = None,
    ) -> None:
        self._frequency = frequency
        self._window = window.total_seconds()
        self._longest = longest.total_seconds()
        self._tuning = tuning or Tuning()
        self._stories: dict[int, _Story] = {}
        self._index: dict[str, dict[int, float]] = {}
        """term -> story_id -> weight of the term in the sum of the story's vectors."""
        self._scale: dict[int, float] = {}
        """story_id -> what makes a similarity of a product with that sum."""
        self._links: dict[str, int] = {}
        self._titles: dict[tuple[str, ...], int] = {}
        self._by_arrival: deque[tuple[float, int]] = deque()
        self._recent: deque[float] = deque()
        self._read: tuple[Text, Vector] | None = None
        """The entry that is being placed."""

    def __len__(self) -> int:
        return len(self._stories)

    def __contains__(self, story_id: int) -> bool:
        return story_id in self._stories

    def expire(self, now: float) -> list[int]:
        """Forget the stories that can no longer grow at *now*; return their ids.

        A story ends when nothing of it arrived for the window, or when it is too old: a new
        development weeks later is a new story.
        """
        gone: list[int] = []
        queue = self._by_arrival
        while queue and queue[0][0] <= now - self._window:
            arrived, story_id = queue.popleft()
            story = self._stories.get(story_id)
            if story is not None and story.last_arrived == arrived:
                self._forget(story)
                gone.append(story_id)
        recent = self._recent
        while recent and recent[0] <= now - 86_400.0:
            recent.popleft()
        return gone

    def place(self, text: Text) -> Placement:
        """Return the story that *text* belongs to: one that stands, or its own."""
        known = self._same(text)
        if known is not None:
            return known
        vector = self._vector(text)
        tuning = self._tuning
        best: _Story | None = None
        best_value = -1.0
        best_similarity = 0.0
        tau = tuning.tau.total_seconds() / max(1.0, len(self._recent) / tuning.busy) ** tuning.haste
        threshold = tuning.base + tuning.density * math.log1p(len(self._stories) / 100.0)
        for story_id, centroid in self._candidates(vector):
            story = self._stories[story_id]
            gap = _gap(text, story)
            if gap > self._window or self._too_old(text, story):
                continue
            similarity = centroid
            if tuning.member and story.n > 1:
                similarity += tuning.member * (self._best_member(story, vector) - centroid)
            similarity *= math.exp(-gap / tau)
            value = similarity
            told = story.sources.get(text.source_id)
            if told is not None and text.source_id and abs(text.arrived - told) < 3600.0:
                value /= tuning.same_source
            if value > best_value or (value == best_value and best is not None and story_id < best.story_id):
                best, best_value, best_similarity = story, value, similarity
        if best is None:
            return Placement(text.entry_id, 0.0, 1.0, "first report")
        probability = _probability(best_value / threshold)
        if best_value < threshold:
            return Placement(text.entry_id, 0.0, 1.0 - probability, "first report")
        return Placement(best.story_id, best_similarity, probability, self._why(best, vector))

    def put(self, text: Text, story_id: int) -> None:
        """Note that *text* belongs to that story, and count its terms."""
        vector = self._vector(text)
        self._frequency.add(vector, int(text.arrived // 86_400))
        self._recent.append(text.arrived)
        story = self._stories.get(story_id)
        if story is None:
            story = self._stories[story_id] = _Story(story_id, text)
        index = self._index
        added = 0.0
        for found, weight in vector.items():
            postings = index.get(found)
            if postings is None:
                index[found] = {story_id: weight}
                added += weight * weight
            else:
                before = postings.get(story_id, 0.0)
                postings[story_id] = before + weight
                added += weight * (weight + 2.0 * before)
        story.norm2 += added
        story.terms.update(vector)
        story.n += 1
        # dot / norm is the cosine to the centroid, dot / n the average cosine to the members.
        spread = self._tuning.spread
        self._scale[story_id] = story.norm2 ** (0.5 * spread - 0.5) * story.n**-spread if story.norm2 else 0.0
        story.members.append(vector)
        if len(story.members) > self._tuning.members:
            story.members.popleft()
        story.sources[text.source_id] = text.arrived
        story.first_at = min(story.first_at, text.at)
        story.last_at = max(story.last_at, text.at)
        story.last_arrived = text.arrived
        self._by_arrival.append((text.arrived, story_id))
        self._read = None
        if text.link:
            self._links[text.link] = story_id
            story.links.append(text.link)
        if len(text.title) >= SAME_TITLE_TERMS:
            self._titles[text.title] = story_id
            story.titles.append(text.title)

    def _same(self, text: Text) -> Placement | None:
        """Return the story that has this very link or title, where it is still open."""
        for story_id, within, reason in (
            (self._links.get(text.link) if text.link else None, self._window, "same link"),
            (self._titles.get(text.title), SAME_TITLE_WITHIN, "same headline"),
        ):
            story = None if story_id is None else self._stories.get(story_id)
            if story is not None and _gap(text, story) <= within and not self._too_old(text, story):
                return Placement(story.story_id, 1.0, 0.99, reason)
        return None

    def _too_old(self, text: Text, story: _Story) -> bool:
        return max(text.at - story.first_at, text.arrived - story.first_arrived) > self._longest

    def _vector(self, text: Text) -> Vector:
        """Return the terms with their weights, of length 1; as they are before the entry itself is counted."""
        if self._read is not None and self._read[0] is text:
            return self._read[1]
        tuning = self._tuning
        counts: Vector = {}
        for found in text.title:
            counts[found] = counts.get(found, 0.0) + tuning.title_weight
        for found in text.summary:
            counts[found] = counts.get(found, 0.0) + tuning.summary_weight
        idf = self._frequency.idf
        total = 0.0
        for found, count in counts.items():
            weight = (1.0 + math.log(count)) * idf(found)
            counts[found] = weight
            total += weight * weight
        norm = math.sqrt(total) or 1.0
        vector = {found: weight / norm for found, weight in counts.items()}
        self._read = (text, vector)
        return vector

    def _candidates(self, vector: Vector) -> list[tuple[int, float]]:
        """Return the stories nearest by centroid, with their cosine."""
        dots: dict[int, float] = {}
        get = dots.get
        index = self._index
        budget = WORK
        order = sorted(vector.items(), key=lambda pair: (-pair[1], pair[0]))
        common: list[tuple[float, dict[int, float]]] = []
        for found, weight in order:
            postings = index.get(found)
            if not postings:
                continue
            budget -= len(postings)
            if budget < 0:
                common.append((weight, postings))
                continue
            for story_id, other in postings.items():
                dots[story_id] = get(story_id, 0.0) - weight * other
        # Negative, so that the nearest come first, and of equals the oldest.
        keep = self._tuning.candidates
        scale = self._scale
        near = [(dot * scale[story_id], story_id) for story_id, dot in dots.items()]
        if common:
            near = nsmallest(2 * keep, near)
            for place, (_, story_id) in enumerate(near):
                dot = dots[story_id]
                for weight, postings in common:
                    if story_id in postings:
                        dot -= weight * postings[story_id]
                near[place] = (dot * scale[story_id], story_id)
        return [(story_id, -negative) for negative, story_id in nsmallest(keep, near)]

    def _best_member(self, story: _Story, vector: Vector) -> float:
        best = 0.0
        for member in story.members:
            dot = 0.0
            get = member.get
            for found, weight in vector.items():
                other = get(found)
                if other is not None:
                    dot += weight * other
            if dot > best:
                best = dot
        return best

    def _why(self, story: _Story, vector: Vector) -> str:
        shared = [
            (weight * self._index[found][story.story_id], found)
            for found, weight in vector.items()
            if found in story.terms
        ]
        shared.sort(key=lambda pair: (-pair[0], pair[1]))
        return "shares " + ", ".join(found for _, found in shared[:5])

    def _forget(self, story: _Story) -> None:
        del self._stories[story.story_id]
        del self._scale[story.story_id]
        for link in story.links:
            if self._links.get(link) == story.story_id:
                del self._links[link]
        for title in story.titles:
            if self._titles.get(title) == story.story_id:
                del self._titles[title]
        index = self._index
        for found in story.terms:
            postings = index[found]
            if len(postings) == 1:
                del index[found]
            else:
                del postings[story.story_id]


def _gap(text: Text, story: _Story) -> float:
    """Return how long before the story's first or after its last entry a text stands; 0.0 between them."""
    return max(0.0, text.at - story.last_at, story.first_at - text.at)


def _probability(ratio: float) -> float:
    """Return the probability that a similarity of *ratio* thresholds is one event."""
    intercept, slope = CALIBRATION
    return 1.0 / (1.0 + math.exp(-intercept - slope * math.log(max(ratio, 1e-9))))
