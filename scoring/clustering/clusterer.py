"""Decide, as an entry arrives, which story it belongs to.

Knows similarity of texts, time and density of the stream; holds the stories that can
still grow. Leaves terms to `terms`, whose voice it is to `independence`, and everything
that is shown of a story to `engine`.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from operator import itemgetter

from scoring.clustering import boilerplate
from scoring.clustering.text import Text, phrases
from scoring.clustering.weights import CALIBRATION, JOINS, Tuning
from scoring.language.terms import DocumentFrequency, is_figure

Vector = dict[str, float]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an entry goes, and why."""

    story_id: int
    similarity: float
    """To the story, time and density counted in; 0.0 for the first entry of a story."""
    probability: float
    """That the entry tells of the story's event."""
    reason: str


@dataclass(frozen=True, slots=True)
class Halves:
    """Two parts of some entries, by their places."""

    one: tuple[int, ...]
    other: tuple[int, ...]
    across: float
    """Average cosine of an entry of one and an entry of the other."""
    within: float
    """Average cosine of two entries of the half that holds together less; 0.0 for one of a single entry."""


SAME_TITLE_TERMS = 4
"""Shorter headlines coincide: "Business Highlights"."""

SAME_TITLE_WITHIN = 12 * 3600.0
"""Seconds; a column has the same headline every day: "Hints and answers for today's puzzle"."""

WORK = 200
"""How many postings of telling terms an entry may touch to find stories; what it shares with the
nearest of them beyond that is looked up. So a busy day costs no more than that."""


# Observed: a new site polls hundreds of feeds within a minute, most of what they list stands alone, and many headlines
# come without a summary. Of 39 judged joins on one or two neighbouring words of letters 4 were right ("Inside ...",
# "Always Online", a song named for a word of a headline). Where most entries join (a stream of one topic), such words
# are an event's name: half to three quarters of the joins were right.
# Rule: each word short of ENOUGH counts against, by the log-odds that entries of this stream stand alone.
# Known to be wrong: two short headlines that share a product's name and nothing else, and are one event.
ENOUGH = 3.0
"""Words in common that are not few."""

UNSPACED = ("han", "kana")
"""Scripts that are written without spaces; terms are pairs of characters, which overlap."""

STRANGER = 0.05
"""Similarity that a stranger may have, while there is none to be held against."""

LEAST = 0.01
"""Of similarities: below it their logarithm says nothing more."""


class _Member:
    """What is kept of an entry, to hold others against it."""

    __slots__ = ("figures", "script", "title", "title_idf", "vector")

    def __init__(self, text: Text, idf: Mapping[str, float], vector: Vector) -> None:
        self.vector = vector
        self.title = {found: idf[found] for found in text.title}
        self.title_idf = sum(self.title.values()) or 1.0
        self.figures = frozenset(filter(is_figure, self.title))
        self.script = text.script


_Alike = tuple[float, float, float, float, bool, float]
"""How alike an entry and the entries of a story are, as `_compared` says it."""


@dataclass(slots=True)
class _Reading:
    """What is known of an entry while its story is looked for, and until a story changes."""

    text: Text
    member: _Member
    idf: Mapping[str, float]
    """Of all its terms."""
    usual: Mapping[str, float]
    """The IDF that its terms have in general, whatever its source writes."""
    headlines: Sequence[boilerplate.Headline]
    """Of its source, on earlier days."""
    places: Mapping[str, int]
    """Of each pair of characters, the bit of where it first stands; title and summary are one bit apart."""
    near: list[tuple[_Story, float, float]] | None = None
    """The nearest stories, once they were looked for; a second thought asks for them again."""
    alike: dict[int, _Alike] = field(default_factory=dict)
    """By story, of those it was compared with."""

    @property
    def worn(self) -> float:
        """Share of its title that its source writes day after day, in [0, 1]."""
        title = {found: self.usual[found] for found in self.member.title}
        if not title:
            return 0.0
        return max(1.0 - self.member.title_idf / sum(title.values()), boilerplate.column(title, self.headlines))


class _Story:
    """A story that can still grow."""

    __slots__ = (
        "first_arrived",
        "first_at",
        "last_arrived",
        "last_at",
        "latest",
        "links",
        "members",
        "n",
        "norm2",
        "past",
        "sources",
        "story_id",
        "titles",
    )

    def __init__(self, story_id: int, text: Text) -> None:
        self.story_id = story_id
        self.first_at = self.last_at = text.at
        self.first_arrived = self.last_arrived = text.arrived
        self.n = 0
        self.latest = 0
        """Which entry, of all that were put, was its last."""
        self.norm2 = 0.0
        self.members: list[_Member] = []
        """Its latest entries."""
        self.past: frozenset[str] = frozenset()
        """Terms of those that came before them."""
        self.sources: dict[str, float] = {}
        self.links: list[str] = []
        self.titles: list[tuple[str, ...]] = []

    def terms(self) -> frozenset[str]:
        """Return the terms of all its entries."""
        return self.past.union(*[member.vector for member in self.members])

    def keep_latest(self, members: int) -> None:
        """Keep so many of its latest entries, and of the others the terms only."""
        gone = self.members[:-members]
        if gone:
            self.past = self.past.union(*[member.vector for member in gone])
            del self.members[:-members]

    def foreign(self, script: str) -> bool:
        """Return whether none of its latest entries is written in *script*."""
        scripts = [member.script for member in self.members]
        return bool(script) and script not in scripts and "" not in scripts


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
        self._habits = boilerplate.Habits()
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
        self._joined: deque[bool] = deque()
        """Of the latest entries, whether they joined a story."""
        self._joins = 0
        self._entries = 0
        """How many were put, ever."""
        self._read: _Reading | None = None
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
        return gone

    def place(self, text: Text) -> Placement:
        """Return the story that *text* belongs to: one that stands, or its own."""
        known = self._same(text)
        if known is not None:
            return known
        entry = self._member(text)
        near = self._near(text, entry)
        if not near:
            return Placement(text.entry_id, 0.0, 1.0, "first report")
        tuning = self._tuning
        base = self._base(text, entry)
        best, best_odds, best_similarity = near[0][0], -math.inf, 0.0
        for place, (story, centroid, gap) in enumerate(near[: tuning.compared]):
            others = [similarity for i, (_, similarity, _) in enumerate(near) if i != place][-3:]
            usual = sum(others) / len(others) if others else STRANGER
            odds = base + self._odds(text, entry, story, centroid, usual, gap)
            if odds > best_odds or (odds == best_odds and story.story_id < best.story_id):
                best, best_odds, best_similarity = story, odds, centroid
        probability = _probability(best_odds)
        if best_odds <= 0.0:
            return Placement(text.entry_id, 0.0, 1.0 - probability, "first report")
        return Placement(best.story_id, best_similarity, probability, self._why(best, text, entry))

    def _near(self, text: Text, entry: _Member) -> list[tuple[_Story, float, float]]:
        """Return the stories nearest in words and time, the nearest first: similarity to the whole, seconds between."""
        reading = self._reading(text)
        if reading.near is not None:
            return reading.near
        by = self._tuning.weights
        found = []
        for story_id, centroid in self._candidates(entry.vector):
            story = self._stories[story_id]
            gap = _gap(text, story)
            if gap > self._window or self._too_old(text, story):
                continue
            if story.foreign(text.script) and not _shares_name_and_figure(entry, story):
                continue
            likely = (by.centroid + by.stands_out) * _log(centroid) + self._time(text, story, gap)
            found.append((-likely, story.story_id, story, centroid, gap))
        found.sort(key=itemgetter(0, 1))
        reading.near = [(story, centroid, gap) for _, _, story, centroid, gap in found[: self._tuning.rivals]]
        return reading.near

    def _time(self, text: Text, story: _Story, gap: float) -> float:
        """Return the log-odds of the times alone: how long the story waited, and how old it is."""
        by = self._tuning.weights
        return (
            by.waited * math.log1p(self._entries - story.latest)
            + by.gap * gap / 86_400.0
            + by.age * math.log1p(max(0.0, text.at - story.first_at) / 86_400.0)
        )

    def _joining(self) -> float:
        """Return the log-odds that an entry of this stream joins a story, of the latest ones."""
        count, joins = len(self._joined), self._joins
        return math.log((joins + JOINS[0]) / (count - joins + JOINS[1]))

    def _base(self, text: Text, entry: _Member) -> float:
        """Return the log-odds that hold for every story: how dense the stream is, and how much the entry says."""
        by = self._tuning.weights
        return (
            by.intercept
            + by.stories * math.log1p(len(self._stories) / 100.0)
            + by.joins * self._joining()
            + by.terms * math.log1p(len(entry.vector))
            + (0.0 if text.summary else by.title_alone)
        )

    def _odds(self, text: Text, entry: _Member, story: _Story, centroid: float, usual: float, gap: float) -> float:
        """Return what speaks for this story: similarity, and time.

        centroid: similarity to the story as a whole
        usual:    what other stories nearby have of that: strangers, mostly
        gap:      seconds between the entry and the story
        """
        by = self._tuning.weights
        reading = self._reading(text)
        alike = reading.alike.get(story.story_id)
        if alike is None:
            alike = reading.alike[story.story_id] = _compared(reading, story.members)
        similarity, contained, shared, second, figures, words = alike
        told = story.sources.get(text.source_id)
        known = told is not None and bool(text.source_id)
        again = told is not None and abs(text.arrived - told) < 3600.0
        return (
            by.centroid * _log(centroid)
            + by.stands_out * (_log(centroid) - _log(usual))
            + by.member * _log(similarity)
            + by.contained * _log(contained)
            + by.shared * min(shared, 60.0) / 10.0
            + by.second * second
            + by.size * math.log(story.n)
            + (by.figures if figures else 0.0)
            + by.few * max(0.0, ENOUGH - words) * max(0.0, -self._joining())
            + self._time(text, story, gap)
            + ((by.same_source if again else by.told) + by.worn * reading.worn if known else 0.0)
            + (by.same_poll if known and told == text.arrived else 0.0)
        )

    # Stories as wholes: for what is thought of them later

    def rival(self, text: Text, chosen_id: int, margin: float) -> int | None:
        """Return the story that *text* would join if *chosen_id* were not there, with log-odds above *margin*.

        Asked after the text was placed and before it is put. A story that would be too long together with
        the chosen one is none.
        """
        chosen = self._stories[chosen_id]
        entry = self._member(text)
        near = [
            found
            for found in self._near(text, entry)
            if found[0].story_id != chosen_id and _span(chosen, found[0]) <= self._longest
        ]
        base = self._base(text, entry)
        best: int | None = None
        best_odds = margin
        for place, (story, centroid, gap) in enumerate(near[: self._tuning.compared - 1]):
            others = [similarity for i, (_, similarity, _) in enumerate(near) if i != place][-3:]
            usual = sum(others) / len(others) if others else 0.0
            odds = base + self._odds(text, entry, story, centroid, usual, gap)
            if odds > best_odds:
                best, best_odds = story.story_id, odds
        return best

    def likeness(self, one_id: int, other_id: int, tau: float) -> tuple[float, list[str]]:
        """Return how alike two stories are as wholes, and the five terms that say most of it.

            dot(a, b) / (|a| |b|)^(1 - s) / (n_a n_b)^s * exp(-gap / tau)

        a, b:  the sums of the vectors of the two stories' entries, n of them each
        s:     `Tuning.spread`: from the cosine of the centroids towards the average cosine of all pairs
        gap:   the time between the two stories, 0 where they overlap
        tau:   seconds
        """
        one, other = self._stories[one_id], self._stories[other_id]
        index = self._index
        shared = {term: index[term][one_id] * index[term][other_id] for term in sorted(one.terms() & other.terms())}
        apart = max(0.0, one.first_at - other.last_at, other.first_at - one.last_at)
        similarity = math.fsum(shared.values()) * self._scale[one_id] * self._scale[other_id] * math.exp(-apart / tau)
        return similarity, sorted(shared, key=lambda term: (-shared[term], term))[:5]

    def halves(self, texts: Sequence[Text]) -> Halves:
        """Return the two halves that entries fall into most clearly, and how alike the halves are.

        Spherical 2-means on their vectors, begun with the two that are least alike, ten rounds at most.
        """
        vectors = []
        for text in texts:
            self._read = None
            vectors.append(self._member(text).vector)
        self._read = None
        n = len(vectors)
        like = [[0.0] * n for _ in vectors]
        for i in range(n):
            for j in range(i):
                like[i][j] = like[j][i] = _dot(vectors[i], vectors[j])
        _, one, other = min((like[i][j], j, i) for i in range(n) for j in range(i))
        second = [(like[i][other] > like[i][one] and i != one) or i == other for i in range(n)]
        for _ in range(10):
            sums = (_summed(vectors, second, False), _summed(vectors, second, True))
            again = [_dot(vector, sums[1]) > _dot(vector, sums[0]) for vector in vectors]
            if again == second or all(again) or not any(again):
                break
            second = again
        sides = [i for i in range(n) if not second[i]], [i for i in range(n) if second[i]]
        across = sum(like[i][j] for i in sides[0] for j in sides[1]) / (len(sides[0]) * len(sides[1]))
        within = min(_mean_like(like, side) for side in sides)
        return Halves(tuple(sides[0]), tuple(sides[1]), across, within)

    def by_age(self, one_id: int, other_id: int) -> tuple[int, int]:
        """Return two stories, the one that came first before the other."""
        first, second = sorted((one_id, other_id), key=lambda known: (self._stories[known].first_arrived, known))
        return first, second

    def merge(self, into_id: int, gone_id: int) -> None:
        """Let the entries of one story be entries of another, as if they had joined it."""
        into, gone = self._stories[into_id], self._stories.pop(gone_id)
        self._read = None
        index = self._index
        dot = 0.0
        for found in sorted(gone.terms()):
            postings = index[found]
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

    def latest(self, story_id: int) -> int:
        """Return which entry, of all that were put, was the story's last; 0 where it is not held."""
        story = self._stories.get(story_id)
        return 0 if story is None else story.latest

    def hold(self, story_id: int, texts: Sequence[Text], latest: int) -> None:
        """Hold a story of exactly these entries, in order of arrival, in place of what was held under that id.

        They were counted when they came, and are not counted again.

        latest: as `latest` gave it of the story or stories that they are of
        """
        self.drop(story_id)
        for text in texts:
            self._read = None
            self._add(self._member(text), text, story_id).latest = latest
        # Stories end in order of their last arrival, and this one may lie before others.
        insort(self._by_arrival, (texts[-1].arrived, story_id), key=lambda pair: pair[0])

    def drop(self, story_id: int) -> None:
        """Hold a story no longer."""
        story = self._stories.get(story_id)
        if story is not None:
            self._forget(story)

    def put(self, text: Text, story_id: int) -> None:
        """Note that *text* belongs to that story, and count its terms."""
        entry = self._member(text)
        self._frequency.add(entry.vector, int(text.arrived // 86_400))
        self._habits.add(text.source_id, text.title, text.arrived)
        # A reprint under the same link or headline does not tell how many report of one event.
        if self._same(text) is None:
            joins = story_id in self._stories
            self._joined.append(joins)
            self._joins += joins
            if len(self._joined) > self._tuning.recent:
                self._joins -= self._joined.popleft()
        self._entries += 1
        self._add(entry, text, story_id).latest = self._entries
        self._by_arrival.append((text.arrived, story_id))

    def hear(self, source_id: str, title: tuple[str, ...], arrived: float) -> None:
        """Note what a source wrote above an entry of a story that is over."""
        self._habits.add(source_id, title, arrived)

    def _add(self, entry: _Member, text: Text, story_id: int) -> _Story:
        """Make an entry part of a story, which begins with it where there is none."""
        self._read = None
        story = self._stories.get(story_id)
        if story is None:
            story = self._stories[story_id] = _Story(story_id, text)
        index = self._index
        added = 0.0
        for found, weight in entry.vector.items():
            postings = index.get(found)
            if postings is None:
                index[found] = {story_id: weight}
                added += weight * weight
            else:
                before = postings.get(story_id, 0.0)
                postings[story_id] = before + weight
                added += weight * (weight + 2.0 * before)
        story.norm2 += added
        story.n += 1
        self._set_scale(story)
        story.members.append(entry)
        story.keep_latest(self._tuning.members)
        story.sources[text.source_id] = text.arrived
        story.first_at = min(story.first_at, text.at)
        story.last_at = max(story.last_at, text.at)
        story.last_arrived = text.arrived
        if text.link:
            self._links[text.link] = story_id
            story.links.append(text.link)
        if len(text.title) >= SAME_TITLE_TERMS:
            self._titles[text.title] = story_id
            story.titles.append(text.title)
        return story

    def _set_scale(self, story: _Story) -> None:
        # dot / norm is the cosine to the centroid, dot / n the average cosine to the members.
        spread = self._tuning.spread
        scale = story.norm2 ** (0.5 * spread - 0.5) * story.n**-spread if story.norm2 else 0.0
        self._scale[story.story_id] = scale

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

    def _member(self, text: Text) -> _Member:
        """Return the entry's terms with their weights, of length 1; as they are before it is counted itself."""
        return self._reading(text).member

    def _reading(self, text: Text) -> _Reading:
        if self._read is not None and self._read.text is text:
            return self._read
        tuning = self._tuning
        counts: Vector = {}
        for found in text.title:
            counts[found] = counts.get(found, 0.0) + tuning.title_weight
        for found in text.summary:
            counts[found] = counts.get(found, 0.0) + tuning.summary_weight
        usual = self._frequency.idfs(counts)
        headlines = self._habits.of(text.source_id, text.arrived)
        idf = boilerplate.damped(usual, headlines)
        total = 0.0
        for found, count in counts.items():
            weight = (1.0 + math.log(count)) * idf[found]
            counts[found] = weight
            total += weight * weight
        norm = math.sqrt(total) or 1.0
        member = _Member(text, idf, {found: weight / norm for found, weight in counts.items()})
        self._read = _Reading(text, member, idf, usual, headlines, _places(text))
        return self._read

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
        near = sorted([(dot * scale[story_id], story_id) for story_id, dot in dots.items()])
        if common:
            del near[keep + 4 :]
            for place, (_, story_id) in enumerate(near):
                dot = dots[story_id]
                for weight, postings in common:
                    if story_id in postings:
                        dot -= weight * postings[story_id]
                near[place] = (dot * scale[story_id], story_id)
            near.sort()
        return [(story_id, -negative) for negative, story_id in near[:keep]]

    def _why(self, story: _Story, text: Text, entry: _Member) -> str:
        shared = {
            found: weight * postings[story.story_id]
            for found, weight in entry.vector.items()
            if story.story_id in (postings := self._index.get(found, {}))
        }
        return "shares " + ", ".join(phrases(text.told, shared))

    def _forget(self, story: _Story) -> None:
        self._read = None
        del self._stories[story.story_id]
        del self._scale[story.story_id]
        for link in story.links:
            if self._links.get(link) == story.story_id:
                del self._links[link]
        for title in story.titles:
            if self._titles.get(title) == story.story_id:
                del self._titles[title]
        index = self._index
        for found in story.terms():
            postings = index[found]
            if len(postings) == 1:
                del index[found]
            else:
                del postings[story.story_id]


def _gap(text: Text, story: _Story) -> float:
    """Return how long before the story's first or after its last entry a text stands; 0.0 between them."""
    return max(0.0, text.at - story.last_at, story.first_at - text.at)


def _dot(one: Vector, other: Vector) -> float:
    return math.fsum([one[found] * other[found] for found in one.keys() & other.keys()])


def _summed(vectors: Sequence[Vector], marks: Sequence[bool], mark: bool) -> Vector:
    """Return the sum of the vectors that have *mark*, of length 1."""
    total: Vector = {}
    for vector, marked in zip(vectors, marks, strict=True):
        if marked == mark:
            for found, weight in vector.items():
                total[found] = total.get(found, 0.0) + weight
    norm = math.sqrt(math.fsum(weight * weight for weight in total.values())) or 1.0
    return {found: weight / norm for found, weight in total.items()}


def _mean_like(like: Sequence[Sequence[float]], side: Sequence[int]) -> float:
    """Return the average of all pairs of a side."""
    pairs = [like[i][j] for place, i in enumerate(side) for j in side[:place]]
    return sum(pairs) / len(pairs) if pairs else 0.0


def _span(one: _Story, other: _Story) -> float:
    """Return how long the story of both would be, published or arrived."""
    return max(
        max(one.last_at, other.last_at) - min(one.first_at, other.first_at),
        max(one.last_arrived, other.last_arrived) - min(one.first_arrived, other.first_arrived),
    )


def _places(text: Text) -> dict[str, int]:
    """Return of each pair of characters the bit of where it first stands; words with letters have none."""
    if text.script not in UNSPACED:
        return {}
    places: dict[str, int] = {}
    for place, found in enumerate((*text.title, "", *text.summary)):
        if len(found) == 2 and not found.isascii():
            places.setdefault(found, 1 << place)
    return places


def _words(shared: Collection[str], places: Mapping[str, int]) -> float:
    """Return how many words some terms of a text are: of pairs of characters that overlap, each more is half a word."""
    stand = 0
    for found in shared:
        stand |= places.get(found, 0)
    return len(shared) - 0.5 * (stand & (stand << 1)).bit_count()


def _compared(reading: _Reading, members: Iterable[_Member]) -> _Alike:
    """Return the best that any of *members* has: cosine, containment, IDF of the shared terms, that of the
    second most telling of them, shared figures, and how many words are shared.

    Containment is the share of one title's IDF that stands anywhere in the other text, the better way round.
    """
    entry, idf, places = reading.member, reading.idf, reading.places
    best = contained = shared = second = words = 0.0
    figures = False
    vector, title = entry.vector, entry.title
    terms = vector.keys()
    for member in members:
        held = member.vector
        both = terms & held.keys()
        if not both:
            continue
        dot = math.fsum([vector[found] * held[found] for found in both])
        telling = sorted([idf[found] for found in both])
        common = math.fsum(telling)
        best = max(best, dot)
        shared = max(shared, common)
        if len(telling) > 1:
            second = max(second, telling[-2])
        if words < ENOUGH:
            words = max(words, _words(both, places) if places else float(len(both)))
        of_ours = math.fsum([title[found] for found in both if found in title])
        theirs = member.title
        of_theirs = math.fsum([theirs[found] for found in both if found in theirs])
        contained = max(contained, of_ours / entry.title_idf, of_theirs / member.title_idf)
        figures = figures or not entry.figures.isdisjoint(member.figures)
    return best, contained, shared, second, figures, words


def _shares_name_and_figure(entry: _Member, story: _Story) -> bool:
    """Return whether a text in another script names the same: a name and a figure are written alike everywhere."""
    for member in story.members:
        shared = [found for found in entry.vector if found in member.vector]
        if any(map(is_figure, shared)) and not all(map(is_figure, shared)):
            return True
    return False


def _log(similarity: float) -> float:
    return math.log(max(similarity, LEAST))


def _probability(log_odds: float) -> float:
    """Return the probability that an entry with these log-odds is of the story's event."""
    intercept, slope = CALIBRATION
    return 1.0 / (1.0 + math.exp(-intercept - slope * log_odds))
