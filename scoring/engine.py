"""Turn what happened into stories: a fold over events that holds no store and reads no clock.

Knows the live stories. Leaves which story an entry belongs to to `stories`, its voice to
`independence`, its category to `categories`, its score to `relevance`, its place to `rank`.

    engine.step(events, now) -> Changes      what is to be written
    engine.rank(now)         -> Ranking      the lists as they are at that moment
    engine.checkpoint()      -> str          what it holds, for the next start:
    engine.resume(...)                       go on from there as if the program had never stopped
    engine.remember(...)                     go on with what was written, where there is no checkpoint
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import add

from aggregator.model import (
    Cause,
    Changes,
    Config,
    Decision,
    DecisionKind,
    Edit,
    Entry,
    Event,
    LedgerLine,
    Membership,
    Ranking,
    Story,
    Undo,
)
from aggregator.urls import canonical
from scoring import checkpoint, editors, headline, independence, rank, reading, second_thoughts, trend
from scoring.categories import Categorizer, Evidence, Lesson
from scoring.category_rhythm import CategoryRhythm
from scoring.editors import Editors
from scoring.live import Live, Member, Voice, settle, sums, text_of
from scoring.reading import Text
from scoring.relevance import RelevanceModel, Scored, Signals
from scoring.second_thoughts import Merge
from scoring.stories import Clusterer, Placement
from scoring.surroundings import Surroundings
from scoring.terms import DocumentFrequency, load_background, terms
from scoring.whatif import Counterfactual, counterfactuals

HISTORY = timedelta(days=30)
"""How far back term counts and rhythms reach; whole UTC days."""

LONGEST = timedelta(days=14)
"""A story of that age takes in nothing more: what comes then is another event."""

COMPARED = 40
"""With how many originals of a story a new text is compared, the latest ones."""

MEMORY = HISTORY + LONGEST + timedelta(days=2)
"""How far back `remember` has to be told of entries to know every count."""

CHECKPOINT = 2_000
"""Entries after which a checkpoint is due; where more stories live, a quarter of their number. With 6,900 live entries
a checkpoint is read in 1.6 CPU seconds and written in 2, and taking in 2,000 entries to find their stories is 3.5."""


Asleep = tuple[Story, Sequence[tuple[Entry, Membership]]]
"""A story that is over, as it was last written, with its entries in order of arrival."""

_Turn = tuple[Cause, str, int | None]
"""Why a story is to be computed anew, in words, and the entry that caused it."""


@dataclass(frozen=True, slots=True)
class _Gone:
    """A story that became part of another."""

    story_id: int
    into: int
    story: Story | None
    """As it was last computed; None for one that nobody has seen."""
    reason: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Who reported a live story, and when; what `trend` needs to know of it."""

    story_id: int
    category_id: str
    source_id: str
    """Of the lead entry, as is the headline."""
    headline: str
    first_seen_at: datetime
    last_voice_at: datetime
    last_arrival_at: datetime
    entries: int
    usual: float
    """Coverage that its category usually gets."""
    voices: tuple[tuple[datetime, float], ...]
    """When each joined, and how busy its category was at that hour of the week."""


class Engine:
    """Live stories, and what is needed to place, score and rank them."""

    def __init__(self, config: Config, model: RelevanceModel) -> None:
        self._model = model
        self._frequency = DocumentFrequency(load_background(), days=HISTORY.days)
        self._clusterer = Clusterer(self._frequency, window=config.scoring.window, longest=LONGEST)
        self._rhythm = CategoryRhythm(HISTORY.days)
        self._surroundings = Surroundings()
        self._live: dict[int, Live] = {}
        self._story_of: dict[int, int] = {}
        self._editors = Editors()
        self._lessons: dict[int, Lesson] = {}
        """What the categories learn of editors, by decision."""
        self._taken = 0
        """Entries since the last checkpoint."""
        self._woke = False
        """A story that was over was taken up since then: what it was before is written nowhere else."""
        self._configure(config)

    def _configure(self, config: Config) -> None:
        self._config = config
        self._categorizer = Categorizer(config.categories).fit(self._lessons.values())
        self._owners = independence.owners(config)
        self._defaults = {source.id: source.category for source in config.sources}

    @property
    def model(self) -> RelevanceModel:
        """The model that scores now."""
        return self._model

    def stories(self) -> Iterable[Story]:
        """Return the live stories, as last computed."""
        return [live.story for live in self._live.values() if live.story is not None]

    def story(self, story_id: int) -> Story | None:
        """Return a live story, or None."""
        live = self._live.get(story_id)
        return None if live is None else live.story

    # Going forward

    def step(self, events: Sequence[Event], now: datetime, asleep: Sequence[Asleep] = ()) -> Changes:
        """Take in what happened at *now* and return what that changed.

        The order of *events* does not matter: what came at one moment is taken in an order
        of its own. Moments of successive calls grow.

        asleep: the stories that are over of the entries that `asleep` gave
        """
        memberships, touched, merges = self._take(events, now, asleep)
        changed: list[Story] = []
        ledger: list[LedgerLine] = []
        for story_id, causes in touched.items():
            live = self._live[story_id]
            before = None if live.story is None else live.story.score
            story = self._compute(story_id, live, now)
            changed.append(story)
            for cause, words, entry_id in causes:
                ledger.append(LedgerLine(story_id, now, cause, words, before, story.score, entry_id))
                before = story.score
        for gone in merges:
            if gone.story is None:
                continue  # it began and ended within this step: nobody has seen it
            into = self._story_of.get(gone.story_id, gone.into)
            changed.append(replace(gone.story, merged_into=into, updated_at=now, trend=0.0))
            words = f"became part of story {into}: {gone.reason}"
            after = next(story.score for story in changed if story.story_id == into)
            ledger.append(LedgerLine(gone.story_id, now, Cause.MERGED, words, gone.story.score, after))
        if asleep:
            self._advance(now)  # what was woken sleeps again, unless it goes on with another
        return Changes(tuple(memberships), tuple(changed), tuple(ledger))

    def _take(
        self, events: Sequence[Event], now: datetime, asleep: Sequence[Asleep] = ()
    ) -> tuple[list[Membership], dict[int, list[_Turn]], list[_Gone]]:
        """Put what happened where it belongs.

        Returns where that is, why which stories are to be computed, and which became part of another.
        """
        self._advance(now)
        memberships: list[Membership] = []
        touched: dict[int, list[_Turn]] = {}
        merges: list[_Gone] = []
        for event in sorted(events, key=_order):
            if isinstance(event, Entry):
                text = _read(event)
                placement = self._clusterer.place(text)
                second = second_thoughts.merge_of(self._clusterer, text, placement)
                if second is not None and self._apart(second):
                    second = None
                new = placement.story_id == event.entry_id
                membership = self._join(event, text, placement)
                memberships.append(membership)
                line = (
                    (Cause.NEW_STORY, f"first reported by {event.source_id}")
                    if new
                    else (Cause.JOINED, f"{event.source_id}: {placement.reason}")
                )
                touched.setdefault(placement.story_id, []).append((*line, event.entry_id))
                if second is not None:
                    moved, gone = self._merge(second, now)
                    memberships += moved
                    merges.append(gone)
                    turns = touched.pop(second.story_id, [])
                    turns.append((Cause.MERGED, f"took in story {second.story_id}: {second.reason}", event.entry_id))
                    touched.setdefault(second.into, []).extend(turns)
                if not new:
                    self._part(event.entry_id, memberships, touched, merges)
            elif isinstance(event, Edit):
                story_id = self._story_of.get(event.entry_id)
                if story_id is not None:
                    self._edit(story_id, event)
                    touched.setdefault(story_id, []).append(
                        (Cause.EDITED, "its source changed the text", event.entry_id)
                    )
            else:
                self._decided(event, asleep, memberships, touched, merges)
        return memberships, touched, merges

    def revise(self, story: Story, members: Sequence[tuple[Entry, Membership]], edit: Edit) -> Changes:
        """Return what *edit* makes of a story that is over, which is no longer held here.

        Headline and summary follow as those of a live story do; its score is settled.

        members: its entries, in order of arrival, with their text as it is after the edit
        """
        values = []
        for entry, membership in members:
            copy = membership.voice != independence.owner(entry.source_id, self._owners)
            values.append((entry.entry_id, headline.clarity(entry.title, entry.summary) - copy))
        lead_id = headline.choose(values, story.lead_entry_id)
        lead = next(entry for entry, _ in members if entry.entry_id == lead_id)
        revised = replace(story, headline=lead.title, summary=lead.summary, lead_entry_id=lead_id, updated_at=edit.at)
        words = "its source changed the text"
        line = LedgerLine(story.story_id, edit.at, Cause.EDITED, words, story.score, story.score, edit.entry_id)
        return Changes(stories=(revised,), ledger=(line,))

    def holds(self, entry_id: int) -> bool:
        """Return whether the entry is of a live story."""
        return entry_id in self._story_of

    def asleep(self, event: Decision | Undo, now: datetime) -> list[int]:
        """Return which entries that a decision speaks of are of stories that are over at *now*."""
        self._advance(now)
        return [entry_id for entry_id in editors.concerned(event) if entry_id not in self._story_of]

    def restate(self, sleeping: Asleep, event: Decision | Undo) -> Changes:
        """Return what hiding, pinning or another category makes of a story that is over; asked after the step."""
        story, members = sleeping
        if self._learn(event, members[0][0]):
            self._categorizer.teach(self._lessons.values())
            self._woke = True  # its text is told only now
        evidence: list[float] = []
        for entry, _ in members:
            found = self._evidence(entry.source_id, entry.title, entry.summary)
            evidence = list(map(add, evidence, found)) if evidence else list(found)
        category = story.category_id
        if editors.kind_of(event) is DecisionKind.CATEGORY:
            default = self._defaults.get(members[0][0].source_id, "")
            category = self._category(story.story_id, evidence, default, len(members))
        said = replace(
            story,
            category_id=category,
            hidden=self._editors.hidden(story.story_id),
            pinned=self._editors.pinned([entry.entry_id for entry, _ in members]),
        )
        if said == story:
            return Changes()
        line = LedgerLine(story.story_id, event.at, Cause.DECIDED, editors.described(event), story.score, story.score)
        return Changes(stories=(replace(said, updated_at=event.at),), ledger=(line,))

    def revote(self, sleeping: Asleep, now: datetime) -> Changes:
        """Return what the votes that stand make of a story that is over."""
        story, members = sleeping
        said = Scored(story.relevance, story.score, story.provisional, story.contributions)
        scored = self._model.voted(said, story.story_id, [entry.entry_id for entry, _ in members])
        if {part.name: part.log_odds for part in scored.contributions} == {
            part.name: part.log_odds for part in story.contributions
        }:
            return Changes()
        revised = replace(
            story,
            relevance=scored.relevance,
            score=scored.score,
            contributions=scored.contributions,
            updated_at=now,
        )
        line = LedgerLine(story.story_id, now, Cause.VOTED, "editors voted", story.score, scored.score)
        return Changes(stories=(revised,), ledger=(line,))

    def rank(self, now: datetime) -> Ranking:
        """Return the lists at *now*: "" is the front page, the others are the categories.

        Changes nothing: what comes next may have happened before *now*.
        """
        candidates = []
        for story_id, live in self._live.items():
            story = live.story
            if story is None or story.hidden or now - live.last_arrival_at >= self._config.scoring.window:
                continue
            lead = live.members[story.lead_entry_id]
            candidates.append(
                rank.Candidate(
                    story_id=story_id,
                    category_id=story.category_id,
                    trend=self._trend(live, now),
                    voices=len(live.voices),
                    since_last_voice=max(now - live.last_voice_at, timedelta()),
                    source_id=lead.source_id,
                    topics=frozenset(terms(story.headline)),
                )
            )
        lists = {"": rank.ranked(candidates)}
        for category in self._config.categories:
            lists[category.id] = rank.ranked(c for c in candidates if c.category_id == category.id)
        return lists

    def coverage(self) -> Iterator[Coverage]:
        """Yield what is known of the coverage of each live story, as of the last step."""
        for story_id, live in self._live.items():
            if live.story is not None:
                yield Coverage(
                    story_id=story_id,
                    category_id=live.story.category_id,
                    source_id=live.members[live.story.lead_entry_id].source_id,
                    headline=live.story.headline,
                    first_seen_at=live.first_seen_at,
                    last_voice_at=live.last_voice_at,
                    last_arrival_at=live.last_arrival_at,
                    entries=len(live.members),
                    usual=live.usual,
                    voices=tuple((voice.joined, voice.rate) for voice in live.voices.values()),
                )

    def use_model(
        self, model: RelevanceModel, now: datetime, cause: Cause = Cause.RETRAINED, words: str = ""
    ) -> Changes:
        """Score with *model* from now on; return the live stories whose score it changes."""
        self._model = model
        return self._rescore(now, cause, words or f"model {model.version}")

    def reconfigure(self, config: Config, now: datetime) -> Changes:
        """Go on with another feeds.yaml; return the live stories that it changes.

        Sources keep the voice with which they have spoken. Categories are decided anew, from
        what is in memory. The window and what was counted by category follow at the next start.
        """
        self._configure(config)
        self._reread()
        for live in self._live.values():
            live.default = self._defaults.get(next(iter(live.members.values())).source_id, "")
        return self._rescore(now, Cause.CONFIG, "feeds.yaml changed")

    def _reread(self) -> None:
        for live in self._live.values():
            for member in live.members.values():
                member.evidence = self._evidence(member.source_id, member.title, member.summary)
            live.evidence = sums(live)

    # Coming back

    @property
    def checkpoint_due(self) -> bool:
        """Whether so much came since the last checkpoint that a start from there would take long."""
        return self._woke or self._taken >= max(CHECKPOINT, len(self._live) // 4)

    @property
    def kind(self) -> str:
        """Which checkpoints this engine understands: those of the same program and settings."""
        decides = (
            self._config.categories,
            self._config.scoring.window,
            sorted((source.id, source.category, source.owner) for source in self._config.sources),
        )
        return f"{checkpoint.program()}-{hashlib.sha256(repr(decides).encode()).hexdigest()[:16]}"

    def checkpoint(self) -> str:
        """Return what it holds, stories aside: these are in the store as they were last computed."""
        self._taken = 0
        self._woke = False
        return checkpoint.dumps([getattr(self, name) for name in _STATE], self._outside(), (Story,))

    def resume(
        self,
        state: str,
        groups: Iterable[tuple[datetime, Sequence[Event]]],
        stories: Iterable[Story],
        standing: Iterable[Decision] = (),
    ) -> None:
        """Come to the state that an engine of this `kind` had after it took in *groups*.

        state:    what its `checkpoint` gave
        groups:   what happened since, as `step` was told it
        stories:  as last written; at least the live ones
        standing: the decisions that stood at the checkpoint
        """
        self._editors = Editors(standing)
        for name, value in zip(_STATE, checkpoint.loads(state, self._outside()), strict=True):
            setattr(self, name, value)
        if self._lessons:
            self._categorizer.teach(self._lessons.values())
        for now, events in groups:
            self._take(events, now)
        self._put_back(stories)

    def _outside(self) -> dict[str, object]:
        return {"background": load_background()}

    def remember(
        self,
        groups: Iterable[tuple[datetime, Sequence[Event]]],
        memberships: Mapping[int, Membership],
        stories: Iterable[Story],
        standing: Iterable[Decision] = (),
    ) -> None:
        """Go on with what was written, also where another version or other settings would have decided otherwise.

        What is live is put together from where its entries ended.

        groups:      what happened, as `step` was told it, from MEMORY before its last step or earlier
        memberships: where each of these entries was put, by entry id
        stories:     the stories as last written; at least the live ones
        standing:    the decisions that stood before the first of *groups*; their categories teach no more
        """
        self._editors = Editors(standing)
        stories = list(stories)
        open_ones = {story.story_id for story in stories}
        spoken: set[tuple[int, str]] = set()
        recent: dict[int, Entry] = {}
        for now, events in groups:
            self._advance(now)
            while recent and now - next(iter(recent.values())).first_seen_at > LONGEST + self._config.scoring.window:
                del recent[next(iter(recent))]
            for event in sorted(events, key=_order):
                if isinstance(event, Entry):
                    recent[event.entry_id] = event
                    known = memberships.get(event.entry_id)
                    if known is not None and known.story_id not in open_ones:
                        self._count(event, known, (known.story_id, known.voice) not in spoken)
                        spoken.add((known.story_id, known.voice))
                    elif known is not None:
                        placement = Placement(known.story_id, known.similarity, known.probability, known.reason)
                        self._join(event, _read(event), placement, known)
                elif isinstance(event, Edit):
                    if (story_id := self._story_of.get(event.entry_id)) is not None:
                        self._edit(story_id, event)
                    if event.entry_id in recent:
                        recent[event.entry_id] = replace(
                            recent[event.entry_id], title=event.title, summary=event.summary
                        )
                else:
                    self._editors.take(event)
                    known_ones = (recent[one] for one in sorted(editors.concerned(event)) if one in recent)
                    self._learn(event, next(known_ones, None))
        self._put_back(stories)
        # What began before the time that we were told of cannot be known exactly; it takes in no more.
        for story_id in [story_id for story_id, live in self._live.items() if live.story is None]:
            self._forget(story_id)
        if self._lessons:
            self._categorizer.teach(self._lessons.values())
            self._reread()

    def _put_back(self, stories: Iterable[Story]) -> None:
        for story in stories:
            live = self._live.get(story.story_id)
            if live is not None:
                live.story = story

    # Inside

    def _advance(self, now: datetime) -> None:
        moment = now.timestamp()
        day = int(moment // 86_400)
        self._frequency.advance(day)
        self._rhythm.advance(day)
        for story_id in self._clusterer.expire(moment):
            self._forget(story_id)

    def _forget(self, story_id: int) -> None:
        live = self._live.pop(story_id, None)
        if live is not None:
            for entry_id in live.members:
                del self._story_of[entry_id]

    def _evidence(self, source_id: str, title: str, summary: str) -> Evidence:
        return self._categorizer.evidence(terms(title), terms(summary), self._defaults.get(source_id, ""))

    def _join(self, entry: Entry, text: Text, placement: Placement, known: Membership | None = None) -> Membership:
        """Make *entry* part of its story: voice, category, rhythm, clusters; as *known*, where it was written."""
        default = self._defaults.get(entry.source_id, "")
        evidence = self._categorizer.evidence(text.title, text.summary, default)
        category = self._categorizer.decide(evidence, default)
        live = self._live.get(placement.story_id)
        begins = live is None
        if live is None:
            usual = self._rhythm.usual(category)
            live = self._live[placement.story_id] = Live(entry, entry.first_seen_at, default, usual)
        joined = entry.at if known is None else known.joined_at
        own = independence.owner(entry.source_id, self._owners)
        voice = known.voice if known is not None else self._voice(own, entry, live)
        live.members[entry.entry_id] = self._member(entry, voice, joined, evidence)
        self._story_of[entry.entry_id] = placement.story_id
        self._taken += 1
        live.last_arrival_at = entry.first_seen_at
        live.sources.setdefault(entry.source_id)
        live.evidence = list(map(add, live.evidence, evidence)) if live.evidence else list(evidence)
        speaks_first = voice not in live.voices
        around = self._surroundings.take(entry.title, voice, entry.first_seen_at.timestamp())
        if begins:
            live.around = around
        elif speaks_first:
            live.around = live.around.with_more(around)
        if speaks_first:
            heard = self._categorizer.decide(live.evidence, live.default, len(live.members))
            live.voices[voice] = Voice(joined, self._rhythm.rate(heard, joined))
            live.last_voice_at = max(live.last_voice_at, joined)
        self._rhythm.count(category, joined, voice=speaks_first, story=begins)
        self._clusterer.put(text, placement.story_id)
        return Membership(
            entry_id=entry.entry_id,
            story_id=placement.story_id,
            joined_at=joined,
            similarity=placement.similarity,
            probability=placement.probability,
            reason=placement.reason,
            voice=voice,
        )

    def _member(self, entry: Entry, voice: str, joined: datetime, evidence: Evidence) -> Member:
        return Member(
            entry_id=entry.entry_id,
            source_id=entry.source_id,
            language=entry.language,
            title=entry.title,
            summary=entry.summary,
            link=entry.link,
            at=entry.at,
            arrived=entry.first_seen_at,
            joined=joined,
            voice=voice,
            copy=voice != independence.owner(entry.source_id, self._owners),
            clarity=headline.clarity(entry.title, entry.summary),
            evidence=evidence,
        )

    def _count(self, entry: Entry, known: Membership, speaks_first: bool) -> None:
        """Count an entry of a story that is over: all else of it is known no more, and what it said is not needed."""
        title, summary = terms(entry.title), terms(entry.summary)
        default = self._defaults.get(entry.source_id, "")
        category = self._categorizer.decide(self._categorizer.evidence(title, summary, default), default)
        at = entry.first_seen_at.timestamp()
        self._frequency.add({*title, *summary[: reading.SUMMARY_TERMS]}, int(at // 86_400))
        self._clusterer.hear(entry.source_id, tuple(title), at)
        self._surroundings.advance(at)
        self._surroundings.add(entry.title, known.voice, at)
        begins = known.story_id == entry.entry_id
        self._rhythm.count(category, known.joined_at, voice=speaks_first, story=begins)

    def _merge(self, found: Merge, now: datetime) -> tuple[list[Membership], _Gone]:
        """Make the entries of one story entries of the older one, as if they had joined it now.

        A voice has spoken when it did: what is old news in one story is no news in the other.
        """
        into, gone = self._live[found.into], self._live.pop(found.story_id)
        self._clusterer.merge(found.into, found.story_id)
        moved: list[Membership] = []
        for member in gone.members.values():
            own = independence.owner(member.source_id, self._owners)
            spoke = gone.voices.get(member.voice)
            member.voice = self._voice(own, member, into)
            member.copy = member.voice != own
            into.members[member.entry_id] = member
            self._story_of[member.entry_id] = found.into
            known = into.voices.get(member.voice)
            if spoke is not None and (known is None or spoke.joined < known.joined):
                into.voices[member.voice] = spoke
            moved.append(
                Membership(
                    entry_id=member.entry_id,
                    story_id=found.into,
                    joined_at=now,
                    similarity=found.similarity,
                    probability=second_thoughts.RIGHT,
                    reason=f"came with story {found.story_id}: {found.reason}",
                    voice=member.voice,
                )
            )
        into.members = dict(sorted(into.members.items()))
        into.voices = dict(sorted(into.voices.items(), key=lambda pair: (pair[1].joined, pair[0])))
        into.sources = dict.fromkeys(member.source_id for member in into.members.values())
        into.evidence = sums(into)
        into.around = into.around.with_more(gone.around)
        into.parted |= gone.parted
        into.last_voice_at = max(voice.joined for voice in into.voices.values())
        into.last_arrival_at = max(into.last_arrival_at, gone.last_arrival_at)
        return moved, _Gone(found.story_id, found.into, gone.story, found.reason)

    def _apart(self, found: Merge) -> bool:
        """Return whether an editor keeps two stories apart that a second thought would make one."""
        into, gone = self._live[found.into], self._live[found.story_id]
        parted = not into.parted.isdisjoint(gone.members) or not gone.parted.isdisjoint(into.members)
        return parted or self._editors.apart(into.members, gone.members)

    def _part(
        self,
        entry_id: int,
        memberships: list[Membership],
        touched: dict[int, list[_Turn]],
        merges: list[_Gone],
    ) -> None:
        """Let the story that an entry just joined fall apart, where it does."""
        story_id = self._story_of[entry_id]
        live = self._live[story_id]
        if not second_thoughts.due(len(live.members)):
            return
        entry_ids = list(live.members)
        texts = [text_of(member) for member in live.members.values()]
        found = second_thoughts.split_of(self._clusterer, texts, entry_ids.index(story_id))
        if found is None:
            return
        leaving = {entry_ids[place] for place in found.leaving}
        staying = live.members.keys() - leaving
        if self._editors.tied(leaving, staying):
            return
        new_id = min(leaving)
        reason = f"left story {story_id} when it fell apart: {found.reason}"
        latest = self._clusterer.latest(story_id)
        del self._live[story_id]
        self._clusterer.drop(story_id)
        for name, group, other in ((story_id, staying, leaving), (new_id, leaving, staying)):
            memberships += self._form(name, group, [live], reason, second_thoughts.RIGHT_SPLIT)
            self._live[name].parted = live.parted | other
            self._clusterer.hold(name, [text for text in texts if text.entry_id in group], latest)
        # It may have become part of this one in the same step, and stands for itself again.
        merges[:] = [gone for gone in merges if gone.story_id != new_id]
        went = f"{_entries(leaving)} went to story {new_id}: {found.reason}"
        touched.setdefault(story_id, []).append((Cause.SPLIT, went, entry_id))
        touched.setdefault(new_id, []).append((Cause.SPLIT, reason, entry_id))

    # What editors decide

    def _decided(
        self,
        event: Decision | Undo,
        asleep: Sequence[Asleep],
        memberships: list[Membership],
        touched: dict[int, list[_Turn]],
        merges: list[_Gone],
    ) -> None:
        """Do what an editor decided, or took back."""
        self._editors.take(event)
        if editors.kind_of(event) not in editors.STRUCTURAL:
            if self._learn(event, self._first_of(event)):
                self._categorizer.teach(self._lessons.values())
            for story_id in self._stories_of(event):
                live = self._live[story_id]
                if live.story is not None and self._restated(live.story, live) != live.story:
                    touched.setdefault(story_id, []).append((Cause.DECIDED, editors.described(event), None))
            return
        for sleeping in asleep:
            self._wake(*sleeping)
        before = {story_id: self._live[story_id] for story_id in self._stories_of(event)}
        held = {story_id: live.members for story_id, live in before.items()}
        after = {editors.name(group, event, held): group for group in self._editors.regroup(event, held)}
        changed = {
            story_id: group
            for story_id, group in sorted(after.items())
            if story_id not in before or group != before[story_id].members.keys()
        }
        latest = {story_id: self._clusterer.latest(story_id) for story_id in before}
        for story_id in before.keys() - (after.keys() - changed.keys()):
            del self._live[story_id]
            self._clusterer.drop(story_id)
        was_in = {entry_id: story_id for story_id, live in before.items() for entry_id in live.members}
        for story_id, group in changed.items():
            came_from = sorted({was_in[entry_id] for entry_id in group})
            memberships += self._form(story_id, group, [before[known] for known in came_from], editors.described(event))
            texts = [text_of(member) for member in self._live[story_id].members.values()]
            texts = [text for text in texts if text.arrived > texts[-1].arrived - LONGEST.total_seconds() / 2]
            self._clusterer.hold(story_id, texts, max(latest[known] for known in came_from))
        self._tell(event, before, after, changed, touched, merges)

    def _learn(self, event: Decision | Undo, first: Entry | Member | None) -> bool:
        """Let a correction teach by the first entry of its story, or no longer; return whether that is new."""
        if isinstance(event, Undo):
            changed = self._lessons.pop(event.decision.decision_id, None) is not None
        else:
            new = event.kind is DecisionKind.CATEGORY and event.decision_id not in self._lessons
            changed = new and first is not None
            if changed and first is not None:
                self._lessons[event.decision_id] = (event.story_id, event.category_id, first.title, first.summary)
        return changed

    def _first_of(self, event: Decision | Undo) -> Member | None:
        """Return the first entry that a decision speaks of and that is of a live story."""
        held = (entry_id for entry_id in sorted(editors.concerned(event)) if entry_id in self._story_of)
        return next((self._live[self._story_of[entry_id]].members[entry_id] for entry_id in held), None)

    def _stories_of(self, event: Decision | Undo) -> list[int]:
        """Return the live stories that a decision speaks of."""
        concerned = editors.concerned(event)
        return sorted({self._story_of[entry_id] for entry_id in concerned if entry_id in self._story_of})

    def _tell(
        self,
        event: Decision | Undo,
        before: Mapping[int, Live],
        after: Mapping[int, Collection[int]],
        changed: Iterable[int],
        touched: dict[int, list[_Turn]],
        merges: list[_Gone],
    ) -> None:
        """Say of each story that a decision changed what went and came."""
        did, cause = editors.described(event), _CAUSES[editors.kind_of(event)]
        for story_id in changed:
            held = set(before[story_id].members) if story_id in before else set()
            turns = [
                f"{_entries(held & set(group))} went to story {other}"
                for other, group in sorted(after.items())
                if other != story_id and held & set(group)
            ] + [
                f"{_entries(set(live.members) & set(after[story_id]))} came from story {other}"
                for other, live in before.items()
                if other != story_id and set(live.members) & set(after[story_id])
            ]
            touched.setdefault(story_id, []).append((cause, f"{did}: {', '.join(turns)}", None))
        for story_id, live in before.items():
            if story_id not in after:
                into = self._story_of[editors.anchor(story_id, live.members)]
                merges.append(_Gone(story_id, into, live.story, did))

    def _form(
        self, story_id: int, group: Collection[int], parents: Sequence[Live], reason: str, sure: float = 1.0
    ) -> list[Membership]:
        """Make a live story of entries of others; return where those went that changed their story, and why."""
        members = {entry_id: member for live in parents for entry_id, member in live.members.items()}
        rates = {(i, name): voice.rate for i, live in enumerate(parents) for name, voice in live.voices.items()}
        parent_of = {entry_id: i for i, live in enumerate(parents) for entry_id in live.members}
        stayed = [entry_id for entry_id in sorted(group) if self._story_of[entry_id] == story_id]
        came = [entry_id for entry_id in sorted(group) if self._story_of[entry_id] != story_id]
        first = members[min(group)]
        base = parents[parent_of[(stayed or came)[0]]]
        live = Live(first, first.arrived, self._defaults.get(first.source_id, ""), base.usual)
        live.story = base.story if stayed else None
        live.around = base.around
        live.parted = set().union(*(parent.parted for parent in parents))
        for other in parents:
            if other is not base and other.members.keys() <= set(group):
                live.around = live.around.with_more(other.around)
        moved: list[Membership] = []
        for entry_id in (*stayed, *came):
            member = members[entry_id]
            rate = rates.get((parent_of[entry_id], member.voice), 1.0)
            if entry_id in came:
                own = independence.owner(member.source_id, self._owners)
                member.voice = self._voice(own, member, live)
                member.copy = member.voice != own
                moved.append(_moved(member, story_id, reason, sure))
            live.members[entry_id] = member
            known = live.voices.get(member.voice)
            if known is None or member.joined < known.joined:
                live.voices[member.voice] = Voice(member.joined, rate)
            self._story_of[entry_id] = story_id
        settle(live)
        self._live[story_id] = live
        return moved

    def _wake(self, story: Story, members: Sequence[tuple[Entry, Membership]]) -> None:
        """Hold a story that is over once more, as far as it is known."""
        first = members[0][0]
        default = self._defaults.get(first.source_id, "")
        live = Live(first, first.first_seen_at, default, self._rhythm.usual(story.category_id))
        live.story = story
        for entry, membership in members:
            evidence = self._evidence(entry.source_id, entry.title, entry.summary)
            member = self._member(entry, membership.voice, membership.joined_at, evidence)
            live.members[entry.entry_id] = member
            known = live.voices.get(member.voice)
            if known is None or member.joined < known.joined:
                live.voices[member.voice] = Voice(member.joined, 1.0)
            self._story_of[entry.entry_id] = story.story_id
        settle(live)
        self._live[story.story_id] = live
        self._clusterer.hold(story.story_id, [text_of(member) for member in live.members.values()], 0)
        self._woke = True

    def _restated(self, story: Story, live: Live) -> Story:
        """Return a story with what editors say of it."""
        return replace(
            story,
            category_id=self._category(story.story_id, live.evidence, live.default, len(live.members)),
            hidden=self._editors.hidden(story.story_id),
            pinned=self._editors.pinned(live.members),
        )

    def _category(self, story_id: int, evidence: Sequence[float], default: str, entries: int) -> str:
        """Return a story's category: an editor's, while it is configured, else what the texts say."""
        said = self._editors.category(story_id)
        if said is not None and self._config.category(said) is not None:
            return said
        return self._categorizer.decide(evidence, default, entries)

    def _voice(self, own: str, entry: Entry | Member, live: Live) -> str:
        if not live.members:
            return own
        originals = [member for member in live.members.values() if not member.copy][-COMPARED:]
        return independence.voice(
            own,
            independence.runs(entry.title, entry.summary),
            ((member.voice, independence.runs(member.title, member.summary)) for member in originals),
        )

    def _edit(self, story_id: int, edit: Edit) -> None:
        """Take over a changed text; the entry stays where it is."""
        live = self._live[story_id]
        member = live.members[edit.entry_id]
        member.title = edit.title
        member.summary = edit.summary
        member.clarity = headline.clarity(edit.title, edit.summary)
        member.evidence = self._evidence(member.source_id, edit.title, edit.summary)
        live.evidence = sums(live)

    def _compute(self, story_id: int, live: Live, now: datetime) -> Story:
        """Work out everything that is shown of a story, and keep it."""
        present = None if live.story is None else live.story.lead_entry_id
        lead = live.members[headline.choose([(m.entry_id, m.clarity - m.copy) for m in live.members.values()], present)]
        category = self._category(story_id, live.evidence, live.default, len(live.members))
        scored = self._score(story_id, live, lead, category, now)
        story = Story(
            story_id=story_id,
            headline=lead.title,
            summary=lead.summary,
            lead_entry_id=lead.entry_id,
            category_id=category,
            first_seen_at=live.first_seen_at,
            last_source_at=live.last_voice_at,
            updated_at=now,
            entries=len(live.members),
            sources=len(live.sources),
            independent_sources=len(live.voices),
            score=scored.score,
            relevance=scored.relevance,
            provisional=scored.provisional,
            trend=self._trend(live, now),
            contributions=scored.contributions,
            hidden=self._editors.hidden(story_id),
            pinned=self._editors.pinned(live.members),
        )
        live.story = story
        return story

    def what_ifs(self, story_id: int) -> tuple[Counterfactual, ...]:
        """Return what a live story's score would be without some of what it has; nothing for one that is over.

        Each is the score of the story as it was when it was last computed, and nothing where that is not its score.
        """
        live = self._live.get(story_id)
        story = None if live is None else live.story
        if live is None or story is None:
            return ()
        lead = live.members[story.lead_entry_id]
        signals = self._signals(story_id, live, lead, story.category_id, story.updated_at)
        if self._model.score(signals).score != story.score:
            return ()
        names: dict[str, str] = {}
        for member in live.members.values():
            source = self._config.source(member.source_id)
            names.setdefault(member.voice, source.name if source else member.source_id)
        return tuple(counterfactuals(self._model, signals, names))

    @property
    def model_version(self) -> str:
        """Which model scores."""
        return self._model.version

    def _score(self, story_id: int, live: Live, lead: Member, category: str, now: datetime) -> Scored:
        return self._model.score(self._signals(story_id, live, lead, category, now))

    def _signals(self, story_id: int, live: Live, lead: Member, category: str, now: datetime) -> Signals:
        return Signals(
            title=lead.title,
            summary=lead.summary,
            source_ids=tuple(live.sources),
            voices=tuple(live.voices),
            voice_ages=tuple(max(now - voice.joined, timedelta()) for voice in live.voices.values()),
            entries=len(live.members),
            category_id=category,
            language=lead.language,
            first_seen_at=live.first_seen_at,
            at=now,
            link=live.link,
            around=live.around,
            story_id=story_id,
            entry_ids=tuple(live.members),
        )

    def _trend(self, live: Live, now: datetime) -> float:
        k = trend.coverage((max(now - voice.joined, timedelta()), voice.rate) for voice in live.voices.values())
        since = max(now - live.last_voice_at, timedelta())
        return trend.trend(k, live.usual, since, self._config.scoring.half_life)

    def _rescore(self, now: datetime, cause: Cause, words: str) -> Changes:
        """Compute every live story anew; return those that are not as they were."""
        changed: list[Story] = []
        ledger: list[LedgerLine] = []
        for story_id, live in sorted(self._live.items()):
            before = live.story
            if before is None or now - live.last_arrival_at >= self._config.scoring.window:
                continue
            story = self._compute(story_id, live, now)
            if replace(story, updated_at=before.updated_at, trend=before.trend) == before:
                live.story = before
                continue
            changed.append(story)
            if story.score != before.score or story.category_id != before.category_id:
                ledger.append(LedgerLine(story_id, now, cause, words, before.score, story.score))
        return Changes(stories=tuple(changed), ledger=tuple(ledger))


_STATE = ("_frequency", "_clusterer", "_rhythm", "_surroundings", "_live", "_story_of", "_lessons", "_taken")
"""What the engine holds; all else comes from settings and model."""


_CAUSES = {
    DecisionKind.SPLIT: Cause.SPLIT,
    DecisionKind.MERGE: Cause.MERGED,
    DecisionKind.MOVE: Cause.MOVED,
}


def _entries(entries: Collection[int]) -> str:
    return "1 entry" if len(entries) == 1 else f"{len(entries)} entries"


def _moved(member: Member, story_id: int, reason: str, sure: float) -> Membership:
    return Membership(
        entry_id=member.entry_id,
        story_id=story_id,
        joined_at=member.joined,
        similarity=0.0,
        probability=sure,
        reason=reason,
        voice=member.voice,
    )


def _order(event: Event) -> tuple[int, str, str, str, str, int]:
    """An order of what came at one moment that does not depend on how it was listed."""
    if isinstance(event, Entry):
        return (0, event.at.isoformat(), event.source_id, event.identity, event.title, event.entry_id)
    if isinstance(event, Edit):
        return (1, "", "", "", "", event.edit_id)
    return (2, "", "", "", "", 0)  # alone at its moment


def _read(entry: Entry) -> Text:
    return reading.read(
        entry_id=entry.entry_id,
        source_id=entry.source_id,
        link=canonical(entry.link) if entry.link else "",
        title=entry.title,
        summary=entry.summary,
        at=entry.at.timestamp(),
        arrived=entry.first_seen_at.timestamp(),
    )
