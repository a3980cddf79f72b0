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

from scoring.terms import DocumentFrequency, is_figure, terms

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


@dataclass(frozen=True, slots=True)
class Tuning:
    """The one configuration for all streams; docs/scoring-stories.md has what each value gave."""

    title_weight: float = 2.0
    summary_weight: float = 1.0
    member: float = 0.5
    """Share of the best member in the similarity, the rest is the centroid's."""
    tau_h: float = 24.0
    """Time decay: a story that is silent for that long looks 1/e as similar."""
    tau_dense: float = 0.0
    base: float = 0.08
    density: float = 0.0
    """Threshold = base + density * ln(1 + stories told at the same time)."""
    steepness: float = 25.0
    figures: float = 0.0
    same_source: float = 1.4
    """The threshold is that much higher for a source that told of the story within the hour."""
    candidates: int = 6
    members: int = 12
    background: float = 2000.0
    title_share: float = 0.0
    size: float = 0.0


class _Story:
    """A story that can still grow."""

    __slots__ = (
        "first_at",
        "last_arrived",
        "last_at",
        "members",
        "n",
        "norm2",
        "sources",
        "story_id",
        "terms",
    )

    def __init__(self, story_id: int, text: Text) -> None:
        self.story_id = story_id
        self.first_at = self.last_at = text.at
        self.last_arrived = text.arrived
        self.n = 0
        self.norm2 = 0.0
        self.terms: set[str] = set()
        self.members: deque[Vector] = deque()
        self.sources: dict[str, float] = {}


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
        self._links: dict[str, int] = {}
        self._titles: dict[tuple[str, ...], int] = {}
        self._by_arrival: deque[tuple[float, int]] = deque()
        self._recent: deque[float] = deque()

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
        vector, norm = self._vector(text)
        tuning = self._tuning
        best: _Story | None = None
        best_value = -1.0
        best_similarity = 0.0
        tau = tuning.tau_h * 3600.0
        if tuning.tau_dense:
            tau /= 1.0 + tuning.tau_dense * math.log1p(len(self._stories))
        threshold = tuning.base + tuning.density * math.log1p(len(self._stories))
        for story_id, centroid in self._candidates(vector, norm):
            story = self._stories[story_id]
            gap = max(0.0, text.at - story.last_at, story.first_at - text.at)
            if gap > self._window or text.at - story.first_at > self._longest:
                continue
            similarity = centroid
            if tuning.member and story.n > 1:
                similarity += tuning.member * (self._best_member(story, vector, norm) - centroid)
            similarity *= math.exp(-gap / tau)
            value = similarity
            told = story.sources.get(text.source_id)
            if told is not None and text.source_id and abs(text.arrived - told) < 3600.0:
                value /= tuning.same_source
            if value > best_value or (value == best_value and best is not None and story_id < best.story_id):
                best, best_value, best_similarity = story, value, similarity
        if best is None or best_value < threshold:
            odds = 0.0 if best is None else _logistic(tuning.steepness * (best_value - threshold))
            return Placement(text.entry_id, 0.0, 1.0 - odds, "first report")
        return Placement(
            best.story_id,
            best_similarity,
            _logistic(tuning.steepness * (best_value - threshold)),
            self._why(best, vector),
        )

    def put(self, text: Text, story_id: int) -> None:
        """Note that *text* belongs to that story, and count its terms."""
        self._frequency.add(set(text.title) | set(text.summary), int(text.arrived // 86_400))
        self._recent.append(text.arrived)
        vector, norm = self._vector(text)
        story = self._stories.get(story_id)
        if story is None:
            story = self._stories[story_id] = _Story(story_id, text)
        index = self._index
        added = 0.0
        for found, weight in vector.items():
            weight /= norm
            vector[found] = weight
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
        story.members.append(vector)
        if len(story.members) > self._tuning.members:
            story.members.popleft()
        story.sources[text.source_id] = text.arrived
        story.first_at = min(story.first_at, text.at)
        story.last_at = max(story.last_at, text.at)
        story.last_arrived = text.arrived
        self._by_arrival.append((text.arrived, story_id))
        if text.link:
            self._links[text.link] = story_id
        if len(text.title) >= SAME_TITLE_TERMS:
            self._titles[text.title] = story_id

    def _same(self, text: Text) -> Placement | None:
        """Return the story that has this very link or title, where it is still open."""
        for story_id, reason in (
            (self._links.get(text.link) if text.link else None, "same link"),
            (self._titles.get(text.title), "same headline"),
        ):
            story = None if story_id is None else self._stories.get(story_id)
            if story is not None and abs(text.at - story.last_at) <= self._window:
                return Placement(story.story_id, 1.0, 0.99, reason)
        return None

    def _vector(self, text: Text) -> tuple[Vector, float]:
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
            if tuning.figures and is_figure(found):
                weight *= tuning.figures
            counts[found] = weight
            total += weight * weight
        return counts, math.sqrt(total) or 1.0

    def _candidates(self, vector: Vector, norm: float) -> list[tuple[int, float]]:
        """Return the stories nearest by centroid, with their cosine."""
        dots: dict[int, float] = {}
        get = dots.get
        index = self._index
        budget = WORK
        for found, weight in sorted(vector.items(), key=lambda pair: (-pair[1], pair[0])):
            postings = index.get(found)
            if not postings:
                continue
            budget -= len(postings)
            if budget < 0:
                break
            for story_id, other in postings.items():
                dots[story_id] = get(story_id, 0.0) + weight * other
        stories = self._stories
        near = [(dot / math.sqrt(stories[story_id].norm2), story_id) for story_id, dot in dots.items()]
        keep = self._tuning.candidates
        if len(near) > keep:
            near.sort(key=lambda pair: (-pair[0], pair[1]))
            del near[keep:]
        return [(story_id, cosine / norm) for cosine, story_id in near]

    def _best_member(self, story: _Story, vector: Vector, norm: float) -> float:
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
        return best / norm

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
        index = self._index
        for found in story.terms:
            postings = index[found]
            if len(postings) == 1:
                del index[found]
            else:
                del postings[story.story_id]


SAME_TITLE_TERMS = 4
"""Shorter headlines coincide: "Business Highlights"."""

WORK = 20_000
"""How many postings an entry may touch, its most telling terms first."""


def _logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x > -700 else 0.0
