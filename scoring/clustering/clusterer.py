"""Decide, as an entry arrives, which story it belongs to.

    place(text)        the story of an entry: same link or headline, else the likeliest nearby, else its own
    put(text, story)   it belongs there now, and its terms are counted
    rival(...)         which other story it would have joined: for re-clustering

`open_stories` finds the stories nearby, `join_model` weighs the evidence, `boilerplate` knows what a source writes
anyway. Whose voice an entry has is in `copies`, what is shown of a story in `engine`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from operator import itemgetter

from msgspec import Struct

from aggregator.model import Reason, ReasonKind, because
from scoring.clustering.bisection import Halves, bisect
from scoring.clustering.boilerplate import Headline, Headlines, Templates
from scoring.clustering.comparison import Comparison, compare, nearest_meaning
from scoring.clustering.join_model import Candidate, JoinModel, Meaning, Stream, probability
from scoring.clustering.meaning_index import MeaningIndex
from scoring.clustering.open_stories import OpenStories, OpenStoriesState, OpenStory
from scoring.clustering.phrases import phrases
from scoring.clustering.weighed_text import Member, WeighedText, member_of, vector_of, weigh
from scoring.clustering.weights import JOINS, Tuning
from scoring.language.analysed_text import AnalysedText
from scoring.language.terms import DocumentFrequency, Vocabulary

STRANGER = 0.05
"""Similarity that a stranger may have, while there is none to be held against."""

ALIEN = 0.3
"""Cosine that the title of another event may have, while there is none."""

CERTAIN = 0.99
"""Probability that entries under the same link or headline are of one event."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an entry goes, and why."""

    story_id: int
    similarity: float
    """To the story; 0.0 for the first entry of a story."""
    probability: float
    """That the entry tells of the story's event."""
    reason: Reason


@dataclass(slots=True)
class _Search:
    """An entry whose story is looked for, and what was found of it so far; valid until a story changes."""

    entry: WeighedText
    near: list[tuple[OpenStory, float, float]] | None = None
    """The nearest stories: similarity to the whole, seconds between."""
    compared: dict[int, Comparison] = field(default_factory=dict)
    """By story."""
    meanings: dict[int, float | None] = field(default_factory=dict)
    """By story, how near its entries are in meaning."""
    open_terms: dict[int, tuple[int, float]] = field(default_factory=dict)
    """By story, how many other open stories have the most telling shared terms, and how rare the rarest name is."""
    nearest: list[tuple[int, float]] | None = None
    """The stories nearest in meaning, with their cosines."""


class ClustererState(Struct, array_like=True, frozen=True):
    """What a `Clusterer` remembers beside the document frequencies, for a snapshot."""

    entries: int
    joined: list[bool]
    open: OpenStoriesState
    headlines: dict[str, list[Headline]]
    templates: dict[str, tuple[int, list[int]]]


class Clusterer:
    """Finds the story of each entry.

    Deterministic: the same entries in the same order give the same stories, wherever the
    program was stopped between, if `put` is told of them in that order.
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
        self._tuning = tuning or Tuning()
        self._model = JoinModel(self._tuning.weights)
        self._headlines = Headlines()
        self._templates = Templates()
        self._meanings = MeaningIndex()
        self._open = OpenStories(self._tuning, window=window.total_seconds(), longest=longest.total_seconds())
        self._joined: deque[bool] = deque()
        """Of the latest entries, whether they joined a story."""
        self._joins = 0
        self._entries = 0
        """How many were put, ever."""
        # `place`, `rival` and `put` look at the same entry: it is weighed and compared once for all three. A change of
        # the open stories drops it.
        self._search: _Search | None = None
        self._day = 0

    def state(self) -> ClustererState:
        """Return what is remembered, for `restore`; valid until the next change."""
        return ClustererState(
            self._entries, list(self._joined), self._open.state(), self._headlines.state(), self._templates.state()
        )

    def restore(self, state: ClustererState, vocabulary: Vocabulary) -> None:
        """Replace what is remembered with *state*."""
        self._entries = state.entries
        self._joined = deque(state.joined)
        self._joins = sum(state.joined)
        self._search = None
        self._open.restore(state.open, vocabulary)
        self._meanings = MeaningIndex()
        for story in state.open.stories:
            self._hold_meaning(story.story_id)
        self._headlines.restore(state.headlines, vocabulary)
        self._templates.restore(state.templates, vocabulary)

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, story_id: int) -> bool:
        return story_id in self._open

    def expire(self, now: float) -> list[int]:
        """Forget the stories that can no longer grow at *now*; return their ids.

        A story ends when nothing of it arrived for the window, or when it is too old: a new
        development weeks later is a new story.
        """
        day = int(now // 86_400)
        # Habits are counted by day. The clock is that of the entries: a replay advances it as the live site does.
        if day != self._day:
            self._day = day
            self._headlines.advance(day)
            self._templates.advance(day)
        ended = self._open.expire(now)
        for story_id in ended:
            self._meanings.drop(story_id)
        if ended:
            self._search = None
        return ended

    def place(self, text: AnalysedText) -> Placement:
        """Return the story that *text* belongs to: one that stands, or its own."""
        # A reprint under the same link or headline needs no evidence, and must not depend on what else is open.
        same = self._open.identical(text)
        if same is not None:
            return Placement(same[0].story_id, 1.0, CERTAIN, same[1])
        search = self._searched(text)
        near = self._near(search)
        if not near:
            return Placement(text.entry_id, 0.0, 1.0, because(ReasonKind.FIRST_REPORT))
        best, similarity, odds = self._likeliest(search, near[: self._tuning.compared], near, STRANGER)
        likelihood = probability(odds)
        if odds <= 0.0:
            return Placement(text.entry_id, 0.0, 1.0 - likelihood, because(ReasonKind.FIRST_REPORT))
        shared = self._open.shared_weights(search.entry.member.vector, best.story_id)
        reason = because(ReasonKind.SHARES, *phrases(text.excerpt, shared))
        return Placement(best.story_id, similarity, likelihood, reason)

    def rival(self, text: AnalysedText, chosen_id: int, margin: float) -> int | None:
        """Return the story that *text* would join if *chosen_id* were not there, with log-odds above *margin*.

        Asked after the text was placed and before it is put. A story that would be too long together with
        the chosen one is none.
        """
        chosen = self._open[chosen_id]
        search = self._searched(text)
        near = [
            candidate
            for candidate in self._near(search)
            if candidate[0].story_id != chosen_id and chosen.span_with(candidate[0]) <= self._open.longest
        ]
        if not near:
            return None
        best, _, odds = self._likeliest(search, near[: self._tuning.compared - 1], near, 0.0, chosen_id)
        return best.story_id if odds > margin else None

    def _likeliest(
        self,
        search: _Search,
        compared: Sequence[tuple[OpenStory, float, float]],
        near: Sequence[tuple[OpenStory, float, float]],
        stranger: float,
        aside: int | None = None,
    ) -> tuple[OpenStory, float, float]:
        """Return the story that an entry most likely belongs to, its similarity and the log-odds.

        aside: a story that none is held against
        """
        stream = Stream(len(self._open), self._joining())
        base = self._model.base(search.entry, stream)
        best, best_similarity, best_odds = near[0][0], 0.0, -math.inf
        for place, (story, similarity, gap) in enumerate(compared):
            # A similarity means little alone: in a stream of one topic every story is alike. So each is held against
            # the last three of the nearest, which are near for the topic's sake only.
            others = [other for i, (_, other, _) in enumerate(near) if i != place][-3:]
            usual = sum(others) / len(others) if others else stranger
            words = base + self._odds(search, story, similarity, usual, gap, stream)
            if story.story_id not in search.meanings:
                search.meanings[story.story_id] = nearest_meaning(search.entry, story.members)
            meaning = Meaning(
                search.meanings[story.story_id],
                self._nearest_but(search, story.story_id, aside),
                search.entry.text.source_id in story.sources,
            )
            odds = self._model.with_meaning(words, search.entry, search.compared[story.story_id], meaning, stream)
            # Ties go to the older story, whatever order the index gave: a restart must decide as the run before it.
            if odds > best_odds or (odds == best_odds and story.story_id < best.story_id):
                best, best_similarity, best_odds = story, similarity, odds
        return best, best_similarity, best_odds

    def _nearest_but(self, search: _Search, story_id: int, aside: int | None) -> float:
        """Return the cosine of the open story nearest in meaning, two aside; `ALIEN` without any other."""
        if search.nearest is None:
            search.nearest = self._meanings.nearest(search.entry.member.embedding, 3)
        return next((cosine for other, cosine in search.nearest if other not in (story_id, aside)), ALIEN)

    def _odds(
        self, search: _Search, story: OpenStory, similarity: float, usual: float, gap: float, stream: Stream
    ) -> float:
        text = search.entry.text
        # The costly part; `rival` asks again for most of the same stories.
        comparison = search.compared.get(story.story_id)
        if comparison is None:
            comparison = search.compared[story.story_id] = compare(search.entry, story.members)
            search.open_terms[story.story_id] = (
                self._open.with_terms(comparison.telling, story.story_id),
                self._open.rarest(comparison.names, search.entry.idf),
            )
        same_terms, rare_name = search.open_terms[story.story_id]
        reported = story.sources.get(text.source_id) if text.source_id else None
        candidate = Candidate(
            centroid=similarity,
            others=usual,
            entries=story.n,
            waited=self._entries - story.latest,
            gap=gap,
            age=max(0.0, text.at - story.first_at),
            same_terms=same_terms,
            rare_name=rare_name,
            source_seconds=None if reported is None else abs(text.arrived - reported),
        )
        return self._model.odds(search.entry, candidate, comparison, stream)

    def _near(self, search: _Search) -> list[tuple[OpenStory, float, float]]:
        """Return the nearest stories in words and time, the nearest first."""
        if search.near is None:
            text, candidates = search.entry.text, []
            for story, similarity, gap in self._open.nearest(search.entry):
                age = max(0.0, text.at - story.first_at)
                nearness = self._model.nearness(similarity, self._entries - story.latest, gap, age)
                candidates.append((-nearness, story.story_id, story, similarity, gap))
            candidates.sort(key=itemgetter(0, 1))
            search.near = [
                (story, similarity, gap) for _, _, story, similarity, gap in candidates[: self._tuning.rivals]
            ]
        return search.near

    def _joining(self) -> float:
        """Return the log-odds that an entry of this stream joins a story, of the latest ones."""
        count, joins = len(self._joined), self._joins
        return math.log((joins + JOINS[0]) / (count - joins + JOINS[1]))

    def _searched(self, text: AnalysedText) -> _Search:
        if self._search is None or self._search.entry.text is not text:
            self._search = _Search(self._weighed(text))
        return self._search

    def _weighed(self, text: AnalysedText) -> WeighedText:
        headlines = self._headlines.of(text.source_id, text.arrived)
        return weigh(text, self._frequency, headlines, self._templates.terms(text), self._tuning)

    def _member(self, text: AnalysedText) -> Member:
        """Return what is kept of *text*; of one that was not searched for, without the rest of its weighing."""
        if self._search is not None and self._search.entry.text is text:
            return self._search.entry.member
        return member_of(text, self._frequency, self._headlines.of(text.source_id, text.arrived), self._tuning)

    # Stories as wholes

    def likeness(self, one_id: int, other_id: int, tau: float) -> tuple[float, list[str]]:
        """Return how alike two stories are as wholes, and what says most of it; see `OpenStories.likeness`."""
        return self._open.likeness(one_id, other_id, tau)

    def halves(self, texts: Sequence[AnalysedText]) -> Halves:
        """Return the two halves that entries fall into most clearly, and how alike the halves are."""
        vectors = [
            vector_of(text, self._frequency, self._headlines.of(text.source_id, text.arrived), self._tuning)
            for text in texts
        ]
        return bisect(vectors)

    def by_age(self, one_id: int, other_id: int) -> tuple[int, int]:
        """Return two stories, the one that came first before the other."""
        first, second = sorted((one_id, other_id), key=lambda known: (self._open[known].first_arrived, known))
        return first, second

    def latest(self, story_id: int) -> int:
        """Return which entry, of all that were put, was the story's last; 0 where it is not open."""
        story = self._open.get(story_id)
        return 0 if story is None else story.latest

    # Changing

    def put(self, text: AnalysedText, story_id: int) -> None:
        """Note that *text* belongs to that story, and count its terms."""
        member = self._member(text)
        # Counted after weighing: an entry must not make its own words common.
        self._frequency.add(member.vector, int(text.arrived // 86_400))
        # A reprint under the same link or headline does not tell how many report of one event.
        if self._open.identical(text) is None:
            joins = story_id in self._open
            self._joined.append(joins)
            self._joins += joins
            if len(self._joined) > self._tuning.recent:
                self._joins -= self._joined.popleft()
        self._headlines.add(text.source_id, text.title, text.arrived)
        self._templates.add(text)
        self._entries += 1
        self._search = None
        self._open.add(text, member, story_id, self._entries)
        self._open.await_end(story_id, text.arrived)
        self._hold_meaning(story_id)

    def hear(self, text: AnalysedText) -> None:
        """Count an entry of a story that is over: its terms, and what its source writes."""
        self._frequency.add({*text.title, *text.summary}, int(text.arrived // 86_400))
        self._headlines.add(text.source_id, text.title, text.arrived)
        self._templates.defer(text)

    def settle(self) -> None:
        """Finish what `hear` left for later; called after the last of many."""
        self._templates.settle()

    def merge(self, into_id: int, gone_id: int) -> None:
        """Let the entries of one story be entries of another, as if they had joined it."""
        self._search = None
        self._open.merge(into_id, gone_id)
        self._meanings.drop(gone_id)
        self._hold_meaning(into_id)

    def hold(self, story_id: int, texts: Sequence[AnalysedText], latest: int) -> None:
        """Keep a story of exactly these entries, in order of arrival, in place of what was open under that id.

        They were counted when they came, and are not counted again.

        latest: as `latest` gave it of the story or stories that they are of
        """
        self.drop(story_id)
        for text in texts:
            self._open.add(text, self._member(text), story_id, latest)
        # Stories end in order of their last arrival, and this one may lie before others.
        self._open.await_end(story_id, texts[-1].arrived, sort=True)
        self._hold_meaning(story_id)

    def drop(self, story_id: int) -> None:
        """Keep a story open no longer."""
        self._search = None
        self._open.forget(story_id)
        self._meanings.drop(story_id)

    def _hold_meaning(self, story_id: int) -> None:
        self._meanings.hold(story_id, [member.embedding for member in self._open[story_id].members])
