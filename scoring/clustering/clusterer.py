"""Choose the story of each entry as it arrives.

    place(text)        choose a story: same link or headline, else the most likely candidate, else a new one
    add(text, story)   add the entry to that story, and count its terms
    rival(...)         the story that it would have joined otherwise: for re-clustering

`open_stories` finds the candidates, `join_model` weighs the evidence, `boilerplate` discounts what a source repeats.
`copies` decides which entries are one voice.
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
from scoring.clustering.comparison import Comparison, compare, nearest_meaning, of_one_series
from scoring.clustering.join_model import Candidate, Evidence, JoinModel, Meaning, Stream, probability
from scoring.clustering.meaning_index import MeaningIndex
from scoring.clustering.open_stories import OpenStories, OpenStoriesState, OpenStory
from scoring.clustering.phrases import phrases
from scoring.clustering.weighted_text import Member, WeightedText, member_of, vector_of, weigh
from scoring.clustering.weights import JOINS, Tuning
from scoring.language.analysed_text import AnalysedText, EntryTerms
from scoring.language.terms import DocumentFrequency

USUAL_SIMILARITY = 0.05
"""Similarity that an unrelated story is assumed to have while no other candidate shows it."""

USUAL_COSINE = 0.3
"""Cosine that the title of an unrelated story is assumed to have while there is none."""

IDENTICAL_PROBABILITY = 0.99
"""Probability that entries with the same link or headline are of one event."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The story of an entry, and the reason."""

    story_id: int
    similarity: float
    """Similarity to the story; 0.0 for its first entry."""
    probability: float
    """Probability that the entry is about the story's event."""
    reason: Reason


@dataclass(slots=True)
class _Search:
    """The search for an entry's story, with intermediate results; valid until a story changes."""

    entry: WeightedText
    near: list[tuple[OpenStory, float, float]] | None = None
    """The candidates: story, similarity to its centroid, seconds between."""
    compared: dict[int, Comparison] = field(default_factory=dict)
    """By story."""
    meanings: dict[int, float | None] = field(default_factory=dict)
    """By story, the largest cosine to the embeddings of its entries."""
    open_terms: dict[int, tuple[int, float]] = field(default_factory=dict)
    """By story, how many other open stories have the top shared terms, and the rarity of the rarest shared name."""
    nearest: list[tuple[int, float]] | None = None
    """The stories nearest in meaning, with their cosines."""


class ClustererState(Struct, array_like=True, frozen=True):
    """The state of a `Clusterer` but the document frequencies, for a snapshot."""

    entries: int
    joined: list[bool]
    open: OpenStoriesState
    headlines: dict[str, list[Headline]]
    templates: dict[str, tuple[int, list[int]]]


class Clusterer:
    """Assigns each entry to a story.

    Deterministic: the same entries, added in the same order, give the same stories, wherever the program was stopped
    and restarted in between.
    """

    def __init__(
        self,
        frequency: DocumentFrequency,
        *,
        window: timedelta = timedelta(hours=72),
        longest: timedelta = timedelta(days=14),
        tuning: Tuning | None = None,
        model: JoinModel | None = None,
    ) -> None:
        self._frequency = frequency
        self._tuning = tuning or Tuning()
        self._model = model or JoinModel(self._tuning.weights, self._tuning.with_meaning)
        self._headlines = Headlines()
        self._templates = Templates()
        self._meanings = MeaningIndex()
        self._open = OpenStories(self._tuning, window=window.total_seconds(), longest=longest.total_seconds())
        self._joined: deque[bool] = deque()
        """Whether each of the latest entries joined a story."""
        self._joins = 0
        self._entries = 0
        """Entries ever added."""
        # `place`, `rival` and `add` share the search for an entry, so it is weighed and compared once. Any change of
        # the open stories discards it.
        self._search: _Search | None = None
        self._day = 0

    def state(self) -> ClustererState:
        """Return the state, for `restore`; valid until the next change."""
        return ClustererState(
            self._entries, list(self._joined), self._open.state(), self._headlines.state(), self._templates.state()
        )

    def restore(self, state: ClustererState) -> None:
        """Replace the state with *state*."""
        self._entries = state.entries
        self._joined = deque(state.joined)
        self._joins = sum(state.joined)
        self._search = None
        self._open.restore(state.open)
        self._meanings = MeaningIndex()
        for story in state.open.stories:
            self._index_meaning(story.story_id)
        self._headlines.restore(state.headlines)
        self._templates.restore(state.templates)

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, story_id: int) -> bool:
        return story_id in self._open

    def expire(self, now: float) -> list[int]:
        """Remove the stories that can no longer grow at *now*; return their IDs.

        A story closes when no entry joined it for a window, or when it is too old: a development weeks later is a new
        story.
        """
        day = int(now // 86_400)
        # Boilerplate is counted by day, by the time of the entries, so that a replay does the same as the live site.
        if day != self._day:
            self._day = day
            self._headlines.advance(day)
            self._templates.advance(day)
        ended = self._open.expire(now)
        for story_id in ended:
            self._meanings.remove(story_id)
        if ended:
            self._search = None
        return ended

    def place(self, text: AnalysedText) -> Placement:
        """Return the story that *text* belongs to: an open one, or a new one."""
        # A reprint with the same link or headline needs no evidence, and must not depend on the other open stories.
        same = self._open.identical(text)
        if same is not None:
            return Placement(same[0].story_id, 1.0, IDENTICAL_PROBABILITY, same[1])
        search = self._search_for(text)
        near = self._near(search)
        if not near:
            return Placement(text.entry_id, 0.0, 1.0, because(ReasonKind.FIRST_REPORT))
        best, similarity, odds = self._likeliest(search, near[: self._tuning.compared], near, USUAL_SIMILARITY)
        likelihood = probability(odds)
        if odds <= 0.0:
            return Placement(text.entry_id, 0.0, 1.0 - likelihood, because(ReasonKind.FIRST_REPORT))
        shared = self._open.shared_weights(search.entry.member.vector, best.story_id)
        reason = because(ReasonKind.SHARES, *phrases(text.excerpt, shared))
        return Placement(best.story_id, similarity, likelihood, reason)

    def rival(self, text: AnalysedText, chosen_id: int, margin: float) -> int | None:
        """Return the story that *text* would join without *chosen_id*, if its log-odds exceed *margin*.

        Call it after `place` and before `add`. A story that would be too long when merged with the chosen one is
        ignored.
        """
        chosen = self._open[chosen_id]
        search = self._search_for(text)
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
        unrelated_similarity: float,
        ignored_id: int | None = None,
    ) -> tuple[OpenStory, float, float]:
        """Return the story that an entry most likely belongs to, its similarity and the log-odds.

        unrelated_similarity: assumed for other stories if there is only one candidate
        ignored_id:           a story that candidates are not compared against
        """
        best, best_similarity, best_odds = near[0][0], 0.0, -math.inf
        stream = Stream(len(self._open), self._joining())
        similarities = [similarity for _, similarity, _ in near]
        for place, (story, similarity, gap) in enumerate(compared):
            # A similarity means little by itself: in a stream about one topic all stories are similar. So each is
            # compared against the last three candidates, which are near only because of the topic.
            others = (similarities[:place] + similarities[place + 1 :])[-3:]
            usual = sum(others) / len(others) if others else unrelated_similarity
            candidate = self._candidate(search, story, similarity, usual, gap)
            comparison = search.compared[story.story_id]
            meaning = None if search.entry.member.embedding is None else self._meaning(search, story, ignored_id)
            odds = self._model.log_odds(Evidence(search.entry, candidate, comparison, stream, meaning))
            # Ties go to the older story, so that the order of the index does not matter after a restart.
            if odds > best_odds or (odds == best_odds and story.story_id < best.story_id):
                best, best_similarity, best_odds = story, similarity, odds
        return best, best_similarity, best_odds

    def _meaning(self, search: _Search, story: OpenStory, ignored_id: int | None) -> Meaning:
        """Return how near an encoded entry is to a story, and to the nearest other one."""
        if story.story_id not in search.meanings:
            search.meanings[story.story_id] = nearest_meaning(search.entry, story.members)
        return Meaning(search.meanings[story.story_id], self._nearest_other(search, story.story_id, ignored_id))

    def _nearest_other(self, search: _Search, story_id: int, ignored_id: int | None) -> float:
        """Return the cosine of the nearest open story by embedding but these two; `USUAL_COSINE` if there is none."""
        if search.nearest is None:
            search.nearest = self._meanings.nearest(search.entry.member.embedding, 3)
        return next((cosine for other, cosine in search.nearest if other not in (story_id, ignored_id)), USUAL_COSINE)

    def _candidate(self, search: _Search, story: OpenStory, similarity: float, usual: float, gap: float) -> Candidate:
        """Return a story as a candidate, after comparing its entries."""
        text = search.entry.text
        # The costly part, kept because `rival` needs most of the same stories again.
        if story.story_id not in search.compared:
            comparison = search.compared[story.story_id] = compare(search.entry, story.members)
            search.open_terms[story.story_id] = (
                self._open.with_terms(comparison.telling, story.story_id),
                self._open.rarest(comparison.names, search.entry.idf),
            )
        same_terms, rare_name = search.open_terms[story.story_id]
        reported = story.sources.get(text.source_id) if text.source_id else None
        return Candidate(
            story_id=story.story_id,
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

    def _near(self, search: _Search) -> list[tuple[OpenStory, float, float]]:
        """Return the candidates by words and time, the nearest first."""
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
        """Return the log-odds that an entry joins a story, as observed among the latest ones."""
        count, joins = len(self._joined), self._joins
        return math.log((joins + JOINS[0]) / (count - joins + JOINS[1]))

    def _search_for(self, text: AnalysedText) -> _Search:
        if self._search is None or self._search.entry.text is not text:
            self._search = _Search(self._weigh(text))
        return self._search

    def _weigh(self, text: AnalysedText) -> WeightedText:
        headlines = self._headlines.of(text.source_id, text.arrived)
        return weigh(
            text,
            self._frequency,
            headlines,
            self._templates.terms(text, constant_summary=self._headlines.has_constant_summary(text)),
            self._tuning,
            republished=self._headlines.republishes(text),
        )

    def _member(self, text: AnalysedText) -> Member:
        """Return what open stories keep of *text*, from the search if there is one."""
        if self._search is not None and self._search.entry.text is text:
            return self._search.entry.member
        return member_of(text, self._frequency, self._headlines.of(text.source_id, text.arrived), self._tuning)

    # Whole stories

    def likeness(self, one_id: int, other_id: int, tau: float) -> tuple[float, list[str]] | None:
        """Return the similarity of two stories and the terms that contribute most; see `OpenStories.likeness`.

        None if they are two things of one series; see `comparison.of_one_series`.
        """
        if of_one_series(self._open[one_id].members, self._open[other_id].members):
            return None
        return self._open.likeness(one_id, other_id, tau)

    def halves(self, entries: Sequence[EntryTerms]) -> Halves:
        """Return the two clusters that the entries of a story separate into best, and their similarity."""
        vectors = [
            vector_of(entry, self._frequency, self._headlines.of(entry.source_id, entry.arrived), self._tuning)
            for entry in entries
        ]
        return bisect(vectors)

    def by_age(self, one_id: int, other_id: int) -> tuple[int, int]:
        """Return two stories, the older first."""
        first, second = sorted((one_id, other_id), key=lambda story_id: (self._open[story_id].first_arrived, story_id))
        return first, second

    def latest(self, story_id: int) -> int:
        """Return the number of the story's last entry, counting all entries added; 0 if it is not open."""
        story = self._open.get(story_id)
        return 0 if story is None else story.latest

    # Changing

    def add(self, text: AnalysedText, story_id: int) -> None:
        """Add *text* to a story, and count its terms."""
        member = self._member(text)
        # Counted after weighing: an entry must not make its own words common.
        self._frequency.add(member.vector, int(text.arrived // 86_400))
        # A reprint with the same link or headline says nothing about how often entries join.
        if self._open.identical(text) is None:
            joins = story_id in self._open
            self._joined.append(joins)
            self._joins += joins
            if len(self._joined) > self._tuning.recent:
                self._joins -= self._joined.popleft()
        self._headlines.add(text.source_id, text.title, text.arrived, text.summary_hash)
        self._templates.add(text)
        self._entries += 1
        self._search = None
        self._open.add(text, member, story_id, self._entries)
        self._open.await_end(story_id, text.arrived)
        self._index_meaning(story_id)

    def add_closed(self, text: AnalysedText) -> None:
        """Count an entry of a closed story: its terms and its source's wording."""
        self._frequency.add({*text.title, *text.summary}, int(text.arrived // 86_400))
        self._headlines.add(text.source_id, text.title, text.arrived, text.summary_hash)
        self._templates.add_later(text)

    def flush(self) -> None:
        """Finish the work that `add_closed` postponed; call it after the last entry."""
        self._templates.flush()

    def merge(self, into_id: int, gone_id: int) -> None:
        """Move the entries of one story to another, as if they had joined it."""
        self._search = None
        self._open.merge(into_id, gone_id)
        self._meanings.remove(gone_id)
        self._index_meaning(into_id)

    def replace(self, story_id: int, texts: Sequence[AnalysedText], latest: int) -> None:
        """Replace an open story with one of exactly these entries, in order of arrival.

        They were counted when they arrived, and are not counted again.

        latest: the value of `latest` for the story or stories that they come from
        """
        self.remove(story_id)
        for text in texts:
            self._open.add(text, self._member(text), story_id, latest)
        # Stories close in order of their last arrival, and this one may come before others.
        self._open.await_end(story_id, texts[-1].arrived, sort=True)
        self._index_meaning(story_id)

    def remove(self, story_id: int) -> None:
        """Remove an open story."""
        self._search = None
        self._open.forget(story_id)
        self._meanings.remove(story_id)

    def _index_meaning(self, story_id: int) -> None:
        self._meanings.set_embeddings(story_id, [member.embedding for member in self._open[story_id].members])
