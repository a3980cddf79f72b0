"""Label the stories that turned out relevant, and reconstruct their earlier states.

Knows the definition of "relevant" and how a story looked at an earlier moment. `trial` learns from both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from aggregator.model import Changes, Entry, Event, Membership
from scoring.relevance.news_context import NO_CONTEXT, NewsContext, TitleContext
from scoring.relevance.signals import Signals

DAY = timedelta(hours=24)

AGES = (timedelta(), timedelta(hours=1), timedelta(hours=3), timedelta(hours=6))
"""Ages at which a growing story gives a further example, in addition to the one at first sight."""

VOTE_WEIGHT = 5.0
"""Weight of a vote in stories without votes: a vote is a judgement, coverage only a proxy."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """The arrival of an entry in a story."""

    seen_at: datetime
    joined_at: datetime
    """Later than `seen_at` where a merge brought it in."""
    source_id: str
    voice: str
    context: TitleContext = NO_CONTEXT
    """News context of its title."""


@dataclass(slots=True)
class History:
    """A story with its arrivals."""

    story_id: int
    title: str
    """Of its first entry, as is `summary`; both before any edit."""
    summary: str
    language: str
    category_id: str
    arrivals: list[Arrival] = field(default_factory=list)
    """In order of arrival."""
    link: str = ""

    @property
    def first_seen_at(self) -> datetime:
        """When its first entry arrived."""
        return self.arrivals[0].seen_at

    def voices_within(self, age: timedelta) -> int:
        """Return how many independent voices reported it within *age* of first sight."""
        until = self.first_seen_at + age
        return len({arrival.voice for arrival in self.arrivals if arrival.seen_at <= until})

    def signals(self, at: datetime) -> Signals:
        """Return its signals at *at*, not earlier than first sight."""
        arrived = sorted((a for a in self.arrivals if a.joined_at <= at), key=lambda a: a.joined_at)
        joined: dict[str, datetime] = {}
        context = arrived[0].context if arrived else NO_CONTEXT
        for arrival in arrived:
            if arrival.voice not in joined:
                joined[arrival.voice] = arrival.joined_at
                context = context.with_more(arrival.context)
        return Signals(
            title=self.title,
            summary=self.summary,
            source_ids=tuple(dict.fromkeys(arrival.source_id for arrival in arrived)),
            voices=tuple(joined),
            voice_ages=tuple(at - moment for moment in joined.values()),
            entries=len(arrived),
            category_id=self.category_id,
            language=self.language,
            first_seen_at=self.first_seen_at,
            at=at,
            link=self.link,
            context=context,
        )


def histories(
    arrivals: Iterable[tuple[Entry, Membership]],
    category_of: Callable[[str], str] = lambda source_id: "",
    text_of: Callable[[Entry], tuple[str, str]] = lambda entry: (entry.title, entry.summary),
    contexts: Mapping[int, TitleContext] | None = None,
) -> list[History]:
    """Return the stories of *arrivals*, in order of first sight.

    arrivals:    entries in order of arrival, each with its final story
    category_of: the category that a source's stories start in
    text_of:     an entry's title and summary before any edit
    arounds:     what surrounded each entry, where that is known already

    A story whose first entry is not among them began before the window; it is left out.
    """
    by_story: dict[int, History] = {}
    cut_off: set[int] = set()
    news_context = NewsContext()
    for entry, membership in arrivals:
        title, summary = text_of(entry)
        if contexts is None:
            context = news_context.observe(title, membership.voice, entry.first_seen_at.timestamp())
        else:
            context = contexts.get(entry.entry_id, NO_CONTEXT)
        story = by_story.get(membership.story_id)
        if story is None:
            if entry.entry_id != membership.story_id:
                cut_off.add(membership.story_id)
                continue
            story = by_story[membership.story_id] = History(
                membership.story_id, title, summary, entry.language, category_of(entry.source_id), link=entry.link
            )
        story.arrivals.append(
            Arrival(entry.first_seen_at, membership.joined_at, entry.source_id, membership.voice, context)
        )
    return [story for story_id, story in by_story.items() if story_id not in cut_off]


def from_first_midnight(stories: Sequence[History], first: datetime) -> list[History]:
    """Return the stories first seen after the day (UTC) of *first*, the first arrival.

    That day is incomplete; on a new site it is the day on which everything in the feeds arrived at once.
    """
    begins = datetime.combine(first.date(), time(), UTC) + DAY
    return [story for story in stories if story.first_seen_at >= begins]


class Past:
    """The past of a replay, to learn from as a site learns from its store.

    Called with each step, like an observer of `Updater`; entries count with their first text.
    """

    def __init__(self, category_of: Callable[[str], str] = lambda source_id: "") -> None:
        self._category_of = category_of
        self._entries: dict[int, Entry] = {}
        self._memberships: dict[int, Membership] = {}
        self._news_context = NewsContext()
        self._contexts: dict[int, TitleContext] = {}

    def __call__(self, moment: datetime, events: Sequence[Event], changes: Changes) -> None:
        """Record the events of *moment* and their memberships."""
        for event in events:
            if isinstance(event, Entry):
                self._entries[event.entry_id] = replace(event, content="", tags=(), picture=None)
        for membership in changes.memberships:
            entry_id = membership.entry_id
            self._memberships[entry_id] = membership
            if entry_id not in self._contexts and entry_id in self._entries:
                self._contexts[entry_id] = self._news_context.observe(
                    self._entries[entry_id].title, membership.voice, moment.timestamp()
                )

    def examples(self, top_share: float, now: datetime, since: datetime | None = None) -> list[Example]:
        """Return the examples at *now* from what arrived after *since*; see `examples`."""
        placed = [
            (entry, self._memberships[i])
            for i, entry in sorted(self._entries.items())
            if i in self._memberships and (since is None or entry.first_seen_at > since)
        ]
        if not placed:
            return []
        stories = histories(placed, self._category_of, contexts=self._contexts)
        return examples(from_first_midnight(stories, placed[0][0].first_seen_at), top_share, now)


@dataclass(frozen=True, slots=True)
class DayLabels:
    """Which stories of one day turned out relevant."""

    relevant: frozenset[int]
    not_relevant: frozenset[int]
    tied: frozenset[int] = frozenset()
    """Equally covered stories at the boundary, which have no label."""
    tied_share: float = 0.0
    """The share of the tied stories that is relevant."""


def label_day(voices: Mapping[int, int], top_share: float) -> DayLabels:
    """Return which of a day's stories are in its top *top_share* by independent sources within 24 h.

    voices:    that number for every story first seen on the day, by story id
    top_share: 0..1; the places are top_share * stories, rounded to the nearest, at least one

    Stories with equal coverage are all relevant, or all not, or `tied` at the boundary. A story with one source is
    never relevant by coverage: if fewer stories than places have two sources, those are relevant, and the others are
    tied for the remaining places.
    """
    if not voices:
        return DayLabels(frozenset(), frozenset())
    places = max(1, round(top_share * len(voices)))
    by_count: dict[int, set[int]] = {}
    for story_id, count in voices.items():
        by_count.setdefault(count, set()).add(story_id)
    relevant: set[int] = set()
    not_relevant: set[int] = set()
    tied: set[int] = set()
    tied_share = 0.0
    for count in sorted(by_count, reverse=True):
        stories = by_count[count]
        left = places - len(relevant)
        if tied or left <= 0:
            not_relevant |= stories
        elif len(stories) <= left and count > 1:
            relevant |= stories
        else:
            tied, tied_share = stories, min(1.0, left / len(stories))
    return DayLabels(frozenset(relevant), frozenset(not_relevant), frozenset(tied), tied_share)


def is_complete(day: date, now: datetime) -> bool:
    """Whether every story first seen on *day* (UTC) has had its 24 h at *now*."""
    return now >= datetime.combine(day, time(), UTC) + 2 * DAY


@dataclass(frozen=True, slots=True)
class Example:
    """The state of a story at a moment, and its label."""

    signals: Signals
    relevant: float
    """1 or 0; for a story tied at the boundary the share of those that are relevant."""
    weight: float = 1.0
    story_id: int = 0
    interest: float = 0.0
    """Interest of readers, from `click_feedback`; only fitting uses it."""

    @property
    def taught(self) -> float:
        """The target for fitting: `relevant`, moved by readers' interest; 0..1."""
        if self.interest > 0:
            return self.relevant + self.interest * (1.0 - self.relevant)
        return self.relevant * (1.0 + self.interest)

    @property
    def day(self) -> str:
        """The UTC day of first sight, 2026-11-17."""
        return self.signals.first_seen_at.date().isoformat()

    @property
    def labelled(self) -> bool:
        """Whether it has a label rather than a share."""
        return self.relevant in (0.0, 1.0)


def examples(
    stories: Sequence[History],
    top_share: float,
    now: datetime,
    votes: Mapping[int, bool] | None = None,
    interests: Mapping[int, float] | None = None,
) -> list[Example]:
    """Return the examples of *stories* at *now*, in order of first sight.

    A story gives one example at first sight, and one at each of `AGES` by which another voice had joined. A vote (True:
    up) overrides coverage at once; coverage only counts for complete days. Readers' interest counts for stories without
    a vote.
    """
    voted, wanted = votes or {}, interests or {}
    by_day: dict[date, list[History]] = {}
    for story in stories:
        by_day.setdefault(story.first_seen_at.date(), []).append(story)
    results: list[Example] = []
    for day in sorted(by_day):
        outcome: dict[int, tuple[float, float]] = {}
        if is_complete(day, now):
            labels = label_day({s.story_id: s.voices_within(DAY) for s in by_day[day]}, top_share)
            outcome |= dict.fromkeys(labels.relevant, (1.0, 1.0))
            outcome |= dict.fromkeys(labels.not_relevant, (0.0, 1.0))
            outcome |= dict.fromkeys(labels.tied, (labels.tied_share, 1.0))
        for story in by_day[day]:
            if story.story_id in voted:
                outcome[story.story_id] = (float(voted[story.story_id]), VOTE_WEIGHT)
            if story.story_id in outcome:
                relevant, weight = outcome[story.story_id]
                wanted_value = 0.0 if story.story_id in voted else wanted.get(story.story_id, 0.0)
                results += [Example(s, relevant, weight, story.story_id, wanted_value) for s in _states(story, now)]
    return results


def _states(story: History, now: datetime) -> list[Signals]:
    results: list[Signals] = []
    for age in AGES:
        at = story.first_seen_at + age
        if at > now:
            break
        signals = story.signals(at)
        if signals.voices and (not results or signals.voices != results[-1].voices):
            results.append(signals)
    return results
