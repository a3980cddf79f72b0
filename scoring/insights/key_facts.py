"""Extract the key facts of a story: sentences with figures, who reports them, and where sources differ.

A fact is a sentence quoted from an entry, never a generated one. Sentences of several sources are one fact if they
state the same amount of the same thing in the same context; they differ if only the amount differs. Both are
heuristics, tuned so that a missed fact is more likely than a wrong one:

- a sentence that refers elsewhere ("It", "This"), asks, addresses the reader or advertises is not a fact;
- it must share a term with the headlines, because newsletters report more than one thing;
- amounts differ only if both are exact (no "about", no "more than"), each is the only one of its unit in its sentence,
  the sentences share most of their words, neither compares or forecasts, both are of the same day, and neither source
  states the other's amount anywhere.

Known to be missed: amounts in words beyond twelve, languages other than English, one amount in two units.
Known to be wrong: two similar events in one story ("killed four" here, "killed five" there) are shown as a difference;
the reader sees both sentences with their sources.

Pure. `language.amounts` reads the sentences.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from aggregator.model import Entry, Membership
from scoring.language.amounts import Figure, capitals, figures, names, sentences, sentences_of_html
from scoring.language.terms import terms

Members = Sequence[tuple[Entry, Membership]]
"""The entries of a story, oldest first, each with its voice."""

MAX_ENTRIES = 80
MAX_SENTENCES, MIN_SENTENCES, MAX_SENTENCES_IN_ALL = 60, 6, 400
"""Sentences of one entry, of one among many, and of a story. News is seldom further down, and each sentence is compared
with all others, so their number bounds the work on one story."""
MIN_CHARS, MAX_CHARS = 40, 240
"""Characters of a fact."""
SHARED_SHARE = 1 / 3
"""Share of the shorter sentence's terms that the other must contain for both to be one fact."""
ALIKE_SHARE = 0.6
"""The same for a difference, where a mistake would accuse a source."""

_DANGLING = re.compile(
    r"(?:it|its|it['’]s|this|that|these|those|they|their|he|his|she|her|him|both|such|but|and|or|so|yet|however|still|"
    r"also|instead|otherwise|then|here|there|one|each|another|others|why|how|what|when|where|who|which|if|because|take|see|note|look|consider|imagine|meet|more)\b",
    re.I,
)
_ADDRESSED = re.compile(
    r"\b(?:you|your|we|our|ours|us|i|my|me|subscribe|newsletter|sign up|click|read more|advertisement|sponsored|"
    r"copyright|podcast|continue reading|min read|photo|getty)\b",
    re.I,
)
_COMPARES = re.compile(
    r"\b(?:from|than|compared|previous(?:ly)?|earlier|last|next|first|second|third|fourth|quarter|expect\w*|forecast\w*|"
    r"estimate\w*|could|would|may|might|target\w*|plans?|planned|about|another|additional|further|more|less|per|each|between)\b",
    re.I,
)
_DAY = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|september|"
    r"october|november|december|today|yesterday|(?:19|20)\d\d)\b",
    re.I,
)


@dataclass(frozen=True)
class Sentence:
    """A sentence of an entry."""

    text: str
    entry: Entry
    voice: str
    place: int
    """Its position in the entry: 0 is the headline."""

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Its amounts."""
        return tuple(figures(self.text))

    @cached_property
    def terms(self) -> frozenset[str]:
        """Its terms without numbers."""
        return frozenset(t for t in terms(self.text) if not any(c.isdigit() for c in t))

    @cached_property
    def days(self) -> frozenset[str]:
        """The days, months and years that it names."""
        return frozenset(match.casefold() for match in _DAY.findall(self.text))

    @cached_property
    def names(self) -> frozenset[str]:
        """Its names; the first word is never counted as one."""
        return frozenset(names(self.text))

    @property
    def stands_alone(self) -> bool:
        """Whether it is a statement that a reader understands without the sentences around it."""
        text = self.text
        return (
            MIN_CHARS <= len(text) <= MAX_CHARS
            and text[-1:] in ".”\"'’)。"
            and not text.endswith(("...", "…"))
            and not _DANGLING.match(text.lstrip("\"“‘('"))
            and not _ADDRESSED.search(text)
        )

    def is_fact(self, about: frozenset[str]) -> bool:
        """Return whether it is a fact in a story about the terms *about*: such a first word counts as a name."""
        if not (self.figures and self.stands_alone):
            return False
        return bool(self.names) or any(about & set(terms(word)) for word in capitals(self.text))


@dataclass(frozen=True)
class Fact:
    """A sentence with amounts, and every source that states it."""

    text: str
    said_by: tuple[Entry, ...]
    """One entry per source, the quoted one first."""
    voices: int
    figures: tuple[str, ...]
    """The amounts that all of them state, as in the quoted sentence."""


@dataclass(frozen=True)
class Side:
    """One of several values that sources state for an amount."""

    figure: str
    sentence: str
    said_by: tuple[Entry, ...]


@dataclass(frozen=True)
class Difference:
    """An amount for which sources state different values."""

    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Facts:
    """The key facts of a story."""

    facts: tuple[Fact, ...]
    differences: tuple[Difference, ...]
    agreed: tuple[tuple[str, tuple[Entry, ...]], ...]
    """Amounts that two or more independent sources state, with an entry of each; the most frequent first."""


def key_facts(members: Members, most: int = 6, *, story_sentences: Sequence[Sentence] | None = None) -> Facts:
    """Return the key facts of a story, those of most independent sources first, then in order of arrival.

    story_sentences: the result of `sentences_of`, if the caller has it
    """
    story_sentences = sentences_of(members) if story_sentences is None else story_sentences
    about = _core(members)
    differences = _differences(story_sentences, about)
    # A contradicted sentence is not a fact: it is only shown next to the other side.
    disputed = {side.sentence for difference in differences for side in difference.sides}
    facts = _facts([s for s in story_sentences if about & s.terms and s.text not in disputed], about, most)
    return Facts(facts, differences, _agreed(story_sentences))


def sentences_of(members: Members) -> list[Sentence]:
    """Return the sentences of a story's entries, oldest first: headline, summary, text; without repetitions in one."""
    results = []
    entries = list(members)[:MAX_ENTRIES]
    each = min(MAX_SENTENCES, max(MIN_SENTENCES, MAX_SENTENCES_IN_ALL // max(len(entries), 1)))
    for entry, membership in entries:
        texts = [entry.title, *sentences(entry.summary), *sentences_of_html(entry.content)]
        for place, text in enumerate(list(dict.fromkeys(texts))[:each]):
            if len(text) <= 1_000:
                results.append(Sentence(text, entry, membership.voice, place))
    return results


def _core(members: Members) -> frozenset[str]:
    """Return the core terms of a story: those of its first headline, and those that several headlines share."""
    counted = Counter(term for entry, _ in members for term in set(terms(entry.title)))
    core = {term for term, count in counted.items() if count >= 2} | set(terms(members[0][0].title) if members else ())
    return frozenset(term for term in core if not any(c.isdigit() for c in term))


def _facts(story_sentences: Sequence[Sentence], about: frozenset[str], most: int) -> tuple[Fact, ...]:
    telling = [s for s in story_sentences if s.figures]
    groups: list[tuple[Sentence, list[Sentence]]] = []
    for sentence in telling:
        if sentence.is_fact(about) and sentence.place:
            groups.append((sentence, [other for other in telling if other is sentence or _say_same(sentence, other)]))
    ordered = sorted(
        groups,
        key=lambda g: (-len({s.voice for s in g[1]}), g[0].place > 12, g[0].entry.entry_id, g[0].place),
    )
    chosen: list[Fact] = []
    printed: list[Figure] = []
    texts: list[frozenset[str]] = []
    for sentence, group in ordered:
        if len(chosen) == most:
            break
        new = [f for f in sentence.figures if not any(f.same(p) for p in printed)]
        if not new or any(_share(sentence.terms, before) >= 0.5 for before in texts):
            continue
        chosen.append(_fact(sentence, group))
        printed += sentence.figures
        texts.append(sentence.terms)
    return tuple(chosen)


def _fact(sentence: Sentence, group: Sequence[Sentence]) -> Fact:
    others = [s for s in group if s is not sentence]
    by_source = {s.entry.source_id: s.entry for s in [sentence, *others][::-1]}
    by_source[sentence.entry.source_id] = sentence.entry
    rest = sorted((e for e in by_source.values() if e is not sentence.entry), key=lambda e: e.entry_id)
    shared = [f for f in sentence.figures if all(any(f.same(o) for o in other.figures) for other in others)]
    return Fact(
        sentence.text,
        (sentence.entry, *rest),
        len({s.voice for s in group}),
        tuple(dict.fromkeys(f.text for f in shared)),
    )


def _say_same(first: Sentence, second: Sentence) -> bool:
    """Return whether *second* confirms *first*: a common amount, mostly the same words, and no contradicting amount."""
    common = [f for f in first.figures if any(f.same(o) for o in second.figures)]
    if not common or len(first.terms & second.terms) < 2:
        return False
    for figure in first.figures:
        rivals = [o for o in second.figures if o.unit == figure.unit]
        if rivals and not any(figure.same(o) or not figure.differs(o) for o in rivals):
            return False
    return _share(first.terms, second.terms) >= SHARED_SHARE


def _share(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the share of the smaller set that the larger contains, 0..1."""
    return len(first & second) / max(min(len(first), len(second)), 1)


# Where they differ


def _differences(story_sentences: Sequence[Sentence], about: frozenset[str], most: int = 3) -> tuple[Difference, ...]:
    plain = [s for s in story_sentences if s.figures and len(s.text) <= MAX_CHARS and about & s.terms]
    by_voice: dict[str, list[Figure]] = {}
    for sentence in plain:
        by_voice.setdefault(sentence.voice, []).extend(sentence.figures)
    results: list[Difference] = []
    used: set[tuple[int, str]] = set()
    for i, first in enumerate(plain):
        for second in plain[i + 1 :]:
            if first.voice == second.voice or len(results) == most:
                continue
            for mine, theirs in _contradict(first, second):
                key = {(first.entry.entry_id, mine.unit), (second.entry.entry_id, mine.unit)}
                if key & used or _prints(by_voice[first.voice], theirs) or _prints(by_voice[second.voice], mine):
                    continue
                used |= key
                results.append(Difference((_side(mine, first, plain), _side(theirs, second, plain))))
    return tuple(results)


def _contradict(first: Sentence, second: Sentence) -> Iterator[tuple[Figure, Figure]]:
    """Yield pairs of amounts by which two otherwise similar sentences differ."""
    if first.days != second.days or _COMPARES.search(first.text) or _COMPARES.search(second.text):
        return
    shared = first.terms & second.terms
    if len(shared) < 3 or len(shared) < ALIKE_SHARE * max(len(first.terms), len(second.terms)):
        return
    for mine in first.figures:
        theirs = [f for f in second.figures if f.unit == mine.unit]
        if len(theirs) == 1 and sum(f.unit == mine.unit for f in first.figures) == 1 and mine.differs(theirs[0]):
            yield mine, theirs[0]


def _prints(figures: Sequence[Figure], wanted: Figure) -> bool:
    return any(figure.same(wanted) for figure in figures)


def _side(figure: Figure, sentence: Sentence, story_sentences: Sequence[Sentence]) -> Side:
    same = [
        s
        for s in story_sentences
        if any(f.same(figure) for f in s.figures) and _share(s.terms, sentence.terms) >= ALIKE_SHARE
    ]
    by_source = {s.entry.source_id: s.entry for s in reversed(same)}
    by_source[sentence.entry.source_id] = sentence.entry
    return Side(figure.text, sentence.text, tuple(sorted(by_source.values(), key=lambda e: e.entry_id)))


def _agreed(story_sentences: Sequence[Sentence], most: int = 6) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
    """Return the amounts that two or more independent sources state."""
    groups: list[tuple[Figure, list[Sentence]]] = []
    for sentence in story_sentences:
        for figure in sentence.figures:
            # Any text has a one-digit count: "two companies".
            if figure.value < 10 and figure.step >= 1 and figure.unit not in ("%", "$", "€", "£", "gigawatt"):
                continue
            group = next((group for amount, group in groups if amount.same(figure)), None)
            if group is None:
                groups.append((figure, [sentence]))
            else:
                group.append(sentence)
    ranked = sorted(
        ((len({s.voice for s in group}), figure, group) for figure, group in groups), key=lambda match: -match[0]
    )
    return tuple(
        (figure.text, tuple({s.entry.source_id: s.entry for s in reversed(group)}.values())[::-1])
        for voices, figure, group in ranked
        if voices >= 2
    )[:most]
