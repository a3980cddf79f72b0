"""The open stories in an inverted index of their terms, until they close.

The index finds the stories nearest to an entry. The cost depends on how many stories have the entry's rare terms, not
on the number of open stories. `join_model` decides which one an entry joins.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import neg

from msgspec import Struct

from aggregator.model import Reason, ReasonKind, because
from scoring.clustering.weighted_text import Member, Vector, WeightedText
from scoring.clustering.weights import Tuning
from scoring.language.analysed_text import AnalysedText
from scoring.language.terms import is_figure

MIN_SAME_TITLE_TERMS = 4
"""Shorter headlines coincide: "Business Highlights"."""

SAME_TITLE_SECONDS = 12 * 3600.0
"""A column has the same headline every day: "Hints and answers for today's puzzle"."""

MAX_POSTINGS = 200
"""Postings of rare terms that a search may visit. Further shared terms are looked up for the nearest stories only, so a
busy day does not make a search slower."""


OPEN_PRIOR = 20.0
"""The weight of the document frequency of the last weeks in `OpenStories.rarest`, as a number of open stories."""


@dataclass(slots=True)
class OpenStory:
    """A story that can still grow. Part of a snapshot."""

    story_id: int
    first_at: float
    last_at: float
    first_arrived: float
    last_arrived: float
    n: int = 0
    latest: int = 0
    """The number of its last entry, counting all entries added."""
    norm2: float = 0.0
    """Squared length of the sum of its entries' vectors."""
    members: list[Member] = field(default_factory=list)
    """Its latest entries."""
    past: frozenset[str] = frozenset()
    """Terms of its earlier entries."""
    sources: dict[str, float] = field(default_factory=dict)
    """When each source's last entry arrived."""
    links: list[str] = field(default_factory=list)
    titles: list[tuple[str, ...]] = field(default_factory=list)

    def terms(self) -> frozenset[str]:
        """Return the terms of all its entries."""
        return self.past.union(*[member.vector for member in self.members])

    def keep_latest(self, members: int) -> None:
        """Keep its latest *members* entries, and only the terms of the others."""
        old = self.members[:-members]
        if old:
            self.past = self.past.union(*[member.vector for member in old])
            del self.members[:-members]

    def foreign(self, script: str) -> bool:
        """Return whether none of its latest entries is written in *script*."""
        # Nearly always the first one tells, and a search asks this of a dozen stories.
        if not script or self.members[0].script == script:
            return False
        return all(member.script not in (script, "") for member in self.members)

    def gap(self, text: AnalysedText) -> float:
        """Return the seconds from a text to the nearer end of the story; 0.0 within it."""
        return max(0.0, text.at - self.last_at, self.first_at - text.at)

    def span_with(self, other: OpenStory) -> float:
        """Return the length in seconds of both stories merged, by publication or arrival, whichever is longer."""
        return max(
            max(self.last_at, other.last_at) - min(self.first_at, other.first_at),
            max(self.last_arrived, other.last_arrived) - min(self.first_arrived, other.first_arrived),
        )

    def shares_name_and_figure(self, vector: Collection[str]) -> bool:
        """Return whether a text in another script shares a name and a figure, which many languages spell alike."""
        for member in self.members:
            shared = [key for key in vector if key in member.vector]
            if any(is_figure(key) or "|" in key for key in shared) and not all(map(is_figure, shared)):
                return True
        return False


class OpenStoriesState(Struct, array_like=True, frozen=True):
    """The open stories, for a snapshot."""

    stories: list[OpenStory]
    index: dict[str, dict[int, float]]
    """Stored, because adding up the weights again in another order would differ in the last bits."""
    links: dict[str, int]
    titles: list[tuple[tuple[str, ...], int]]
    by_arrival: list[tuple[float, int]]


class OpenStories:
    """The open stories by id, by term, by link and by headline.

    window:  seconds without an arrival after which a story closes
    longest: seconds after which no entry can join a story
    """

    def __init__(self, tuning: Tuning, *, window: float, longest: float) -> None:
        self.window = window
        self.longest = longest
        self._tuning = tuning
        self._stories: dict[int, OpenStory] = {}
        self._index: dict[str, dict[int, float]] = {}
        """term -> story_id -> weight of the term in the sum of the story's vectors."""
        self._scale: dict[int, float] = {}
        """story_id -> the factor that turns a dot product with that sum into a similarity."""
        self._links: dict[str, int] = {}
        self._titles: dict[tuple[str, ...], int] = {}
        self._by_arrival: deque[tuple[float, int]] = deque()

    def state(self) -> OpenStoriesState:
        """Return the open stories, for `restore`; valid until they change."""
        return OpenStoriesState(
            list(self._stories.values()), self._index, self._links, list(self._titles.items()), list(self._by_arrival)
        )

    def restore(self, state: OpenStoriesState) -> None:
        """Replace the open stories with those of *state*, which the caller must not use any more."""
        self._stories = {story.story_id: story for story in state.stories}
        self._index = state.index
        self._links = state.links
        self._titles = dict(state.titles)
        self._by_arrival = deque(state.by_arrival)
        for story in state.stories:
            self._set_scale(story)

    def __len__(self) -> int:
        return len(self._stories)

    def __contains__(self, story_id: int) -> bool:
        return story_id in self._stories

    def __getitem__(self, story_id: int) -> OpenStory:
        return self._stories[story_id]

    def get(self, story_id: int) -> OpenStory | None:
        """Return an open story, None for a closed one."""
        return self._stories.get(story_id)

    def expire(self, now: float) -> list[int]:
        """Remove the stories that no entry joined for a window at *now*; return their IDs."""
        ended: list[int] = []
        queue = self._by_arrival
        while queue and queue[0][0] <= now - self.window:
            arrived, story_id = queue.popleft()
            story = self._stories.get(story_id)
            if story is not None and story.last_arrived == arrived:
                self.forget(story_id)
                ended.append(story_id)
        return ended

    def identical(self, text: AnalysedText) -> tuple[OpenStory, Reason] | None:
        """Return the open story with the same link or headline, and the reason."""
        for story_id, within, kind in (
            (self._links.get(text.link) if text.link else None, self.window, ReasonKind.SAME_LINK),
            (self._titles.get(text.headline), SAME_TITLE_SECONDS, ReasonKind.SAME_HEADLINE),
        ):
            story = None if story_id is None else self._stories.get(story_id)
            if story is not None and story.gap(text) <= within and not self.too_old(text, story):
                return story, because(kind)
        return None

    def too_old(self, text: AnalysedText, story: OpenStory) -> bool:
        """Return whether a story began too long ago for a text to join it."""
        return max(text.at - story.first_at, text.arrived - story.first_arrived) > self.longest

    def nearest(self, entry: WeightedText) -> Iterator[tuple[OpenStory, float, float]]:
        """Yield the stories that an entry can join, most similar first, with similarity and the seconds between."""
        text = entry.text
        for story_id, similarity in self._candidates(entry.member.vector):
            story = self._stories[story_id]
            gap = story.gap(text)
            if gap > self.window or self.too_old(text, story):
                continue
            if story.foreign(text.script) and not story.shares_name_and_figure(entry.member.vector):
                continue
            yield story, similarity, gap

    def _candidates(self, vector: Vector) -> list[tuple[int, float]]:
        """Return the stories nearest by centroid, with their cosine."""
        dots: dict[int, float] = {}
        get = dots.get
        index = self._index
        budget = MAX_POSTINGS
        # Negative, so that the most telling terms come first, and below the nearest stories, the oldest among equals.
        order = sorted(zip(map(neg, vector.values()), vector, strict=True))
        common: dict[str, tuple[float, dict[int, float]]] = {}
        for weight, key in order:
            postings = index.get(key)
            if not postings:
                continue
            budget -= len(postings)
            if budget < 0:
                common[key] = (weight, postings)
                continue
            for story_id, other in postings.items():
                dots[story_id] = get(story_id, 0.0) + weight * other
        keep = self._tuning.candidates
        if not dots:
            return []
        scale = self._scale
        values = [dot * scale[story_id] for story_id, dot in dots.items()]
        # Sorting bare values is several times as fast as `heapq.nsmallest` on pairs.
        farthest = sorted(values)[: keep + 4][-1]
        near = sorted([pair for pair in zip(values, dots, strict=True) if pair[0] <= farthest])[: keep + 4]
        if common:
            for place, (_, story_id) in enumerate(near):
                dot, story = dots[story_id], self._stories[story_id]
                # Most stories have one entry, whose few terms show at once which of the many postings have the story.
                shared = filter(story.members[0].vector.__contains__, common) if story.n == 1 else common
                for weight, postings in map(common.__getitem__, shared):
                    if story_id in postings:
                        dot += weight * postings[story_id]
                near[place] = (dot * scale[story_id], story_id)
            near.sort()
        return [(story_id, -negative) for negative, story_id in near[:keep]]

    def with_terms(self, terms: Sequence[str], but: int) -> int:
        """Return how many open stories except *but* have all of *terms*, among MAX_POSTINGS at most."""
        postings = sorted([self._index.get(key, {}) for key in terms], key=len)
        if not postings or len(postings[0]) < 2:
            return 0
        fewest = postings[0]
        common: Collection[int] = fewest.keys() if len(fewest) <= MAX_POSTINGS else [*islice(fewest, MAX_POSTINGS)]
        for other in postings[1:]:
            common = other.keys() & common
        return len(common) - (but in common)

    def rarest(self, terms: Collection[str], idf: Mapping[str, float]) -> float:
        """Return how rare the rarest of *terms* is among the open stories; 0.0 for none.

        ln((n + b) / (k + b * exp(-idf) + 0.5)), where k of n open stories have the term and b is OPEN_PRIOR: the
        current inverse document frequency, with that of the last weeks as a prior. A name in the day's big event, or in
        a series that many sources print, is weaker evidence than one that only this story has.
        """
        n = len(self._stories) + 1 + OPEN_PRIOR
        return max(
            [math.log(n / (len(self._index.get(key, ())) + OPEN_PRIOR * math.exp(-idf[key]) + 0.5)) for key in terms],
            default=0.0,
        )

    def shared_weights(self, vector: Vector, story_id: int) -> dict[str, float]:
        """Return the contribution of each shared term to the similarity of an entry and a story."""
        return {
            key: weight * postings[story_id]
            for key, weight in vector.items()
            if story_id in (postings := self._index.get(key, {}))
        }

    def likeness(self, one_id: int, other_id: int, tau: float) -> tuple[float, list[str]]:
        """Return the similarity of two stories, and the five terms that contribute most.

            dot(a, b) / (|a| |b|)^(1 - s) / (n_a n_b)^s * exp(-gap / tau)

        a, b:  the sums of the vectors of the two stories' entries, n of them each
        s:     `Tuning.spread`: from the cosine of the centroids towards the average cosine of all pairs
        gap:   the time between the two stories, 0 where they overlap
        tau:   seconds
        """
        story, other = self._stories[one_id], self._stories[other_id]
        index = self._index
        shared = {key: index[key][one_id] * index[key][other_id] for key in sorted(story.terms() & other.terms())}
        apart = max(0.0, story.first_at - other.last_at, other.first_at - story.last_at)
        similarity = math.fsum(shared.values()) * self._scale[one_id] * self._scale[other_id] * math.exp(-apart / tau)
        return similarity, sorted(shared, key=lambda key: (-shared[key], key))[:5]

    # Changing

    def add(self, text: AnalysedText, member: Member, story_id: int, latest: int) -> None:
        """Add an entry to a story, or begin one with it.

        member: what is kept of it
        latest: which entry, of all that were put, it is
        """
        story = self._stories.get(story_id)
        if story is None:
            story = self._stories[story_id] = OpenStory(story_id, text.at, text.at, text.arrived, text.arrived)
        index = self._index
        added = 0.0
        for key, weight in member.vector.items():
            postings = index.get(key)
            if postings is None:
                index[key] = {story_id: weight}
                added += weight * weight
            else:
                before = postings.get(story_id, 0.0)
                postings[story_id] = before + weight
                added += weight * (weight + 2.0 * before)
        story.norm2 += added
        story.n += 1
        self._set_scale(story)
        story.members.append(member)
        story.keep_latest(self._tuning.members)
        story.sources[text.source_id] = text.arrived
        story.first_at = min(story.first_at, text.at)
        story.last_at = max(story.last_at, text.at)
        story.last_arrived = text.arrived
        story.latest = latest
        if text.link:
            self._links[text.link] = story_id
            story.links.append(text.link)
        if len(text.title) >= MIN_SAME_TITLE_TERMS:
            self._titles[text.headline] = story_id
            story.titles.append(text.headline)

    def await_end(self, story_id: int, arrived: float, *, sort: bool = False) -> None:
        """Let a story end a window after *arrived*.

        sort: other stories may have had their last arrival after that
        """
        if sort:
            insort(self._by_arrival, (arrived, story_id), key=lambda pair: pair[0])
        else:
            self._by_arrival.append((arrived, story_id))

    def merge(self, into_id: int, gone_id: int) -> None:
        """Let the entries of one story be entries of another, as if they had joined it."""
        into, gone = self._stories[into_id], self._stories.pop(gone_id)
        index = self._index
        dot = 0.0
        for key in sorted(gone.terms()):
            postings = index[key]
            weight = postings.pop(gone_id)
            before = postings.get(into_id, 0.0)
            dot += weight * before
            postings[into_id] = before + weight
        into.past |= gone.past
        into.norm2 += gone.norm2 + 2.0 * dot
        into.n += gone.n
        into.members.extend(gone.members)
        into.keep_latest(self._tuning.members)
        for source, at in gone.sources.items():
            into.sources[source] = max(at, into.sources.get(source, at))
        into.first_at, into.last_at = min(into.first_at, gone.first_at), max(into.last_at, gone.last_at)
        into.first_arrived = min(into.first_arrived, gone.first_arrived)
        into.last_arrived = max(into.last_arrived, gone.last_arrived)
        into.latest = max(into.latest, gone.latest)
        self._by_arrival.append((into.last_arrived, into_id))
        for link in gone.links:
            if self._links.get(link) == gone_id:
                self._links[link] = into_id
        for title in gone.titles:
            if self._titles.get(title) == gone_id:
                self._titles[title] = into_id
        into.links += gone.links
        into.titles += gone.titles
        del self._scale[gone_id]
        self._set_scale(into)

    def forget(self, story_id: int) -> None:
        """Take a story out, where it is open."""
        story = self._stories.pop(story_id, None)
        if story is None:
            return
        del self._scale[story_id]
        for link in story.links:
            if self._links.get(link) == story_id:
                del self._links[link]
        for title in story.titles:
            if self._titles.get(title) == story_id:
                del self._titles[title]
        index = self._index
        for key in story.terms():
            postings = index[key]
            if len(postings) == 1:
                del index[key]
            else:
                del postings[story_id]

    def _set_scale(self, story: OpenStory) -> None:
        # dot / norm is the cosine to the centroid, dot / n the average cosine to the members.
        spread = self._tuning.spread
        scale = story.norm2 ** (0.5 * spread - 0.5) * story.n**-spread if story.norm2 else 0.0
        self._scale[story.story_id] = scale
