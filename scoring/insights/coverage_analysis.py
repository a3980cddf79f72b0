"""Analyse the coverage of a story: who was first, who followed how soon, what each entry added.

Pure. Amounts are read by `language.amounts`; the pages make the sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from aggregator.model import Entry
from scoring.insights.key_facts import Members, Sentence, sentences_of
from scoring.language.amounts import Figure

NEW_TERMS = 0.5
"""A sentence without a new amount counts as new if this share of its terms has not been used before."""


@dataclass(frozen=True)
class Follower:
    """An independent source after the first one."""

    entry: Entry
    after: timedelta
    """The delay after the first entry of the story."""


@dataclass(frozen=True)
class Addition:
    """The first sentence of an entry with information that no earlier entry has."""

    entry: Entry
    sentence: str
    figures: tuple[str, ...]
    """The new amounts; empty if only the words are new."""


@dataclass(frozen=True)
class Analysis:
    """The coverage of a story."""

    first: Entry
    followers: tuple[Follower, ...]
    repeats: tuple[tuple[Entry, Entry], ...]
    """Further entries of the same voice, each with the voice's first entry."""
    half_after: timedelta | None
    """When half of the independent sources had reported it; None with fewer than four."""
    additions: tuple[Addition, ...]
    """The additions, the latest first."""


def analyse(members: Members, most: int = 4, *, story_sentences: Sequence[Sentence] | None = None) -> Analysis | None:
    """Return the coverage analysis of a story; None without entries.

    story_sentences: the result of `sentences_of`, if the caller has it
    """
    if not members:
        return None
    first = members[0][0]
    first_of_voice: dict[str, Entry] = {}
    followers, repeats = [], []
    for entry, membership in members:
        earlier = first_of_voice.setdefault(membership.voice, entry)
        if earlier is not entry:
            repeats.append((entry, earlier))
        elif entry is not first:
            followers.append(Follower(entry, entry.first_seen_at - first.first_seen_at))
    # The first source counts too, with a delay of zero.
    half = followers[-(-len(first_of_voice) // 2) - 2].after if len(first_of_voice) >= 4 else None
    return Analysis(
        first,
        tuple(followers),
        tuple(repeats),
        half,
        tuple(_additions(sentences_of(members) if story_sentences is None else story_sentences, most)),
    )


def _additions(sentences: Sequence[Sentence], most: int) -> list[Addition]:
    """Return at most one addition per entry: its first sentence with new amounts, else with new words."""
    known_figures: list[Figure] = []
    known_terms: set[str] = set()
    results: list[Addition] = []
    by_entry: dict[int, list[Sentence]] = {}
    for sentence in sentences:
        by_entry.setdefault(sentence.entry.entry_id, []).append(sentence)
    about: frozenset[str] = frozenset()
    for number, of_entry in enumerate(by_entry.values()):
        if number == 0:
            about = of_entry[0].terms
        else:
            addition = _addition([s for s in of_entry if s.place], known_figures, known_terms, about)
            if addition is not None:
                results.append(addition)
        for sentence in of_entry:
            known_figures += [f for f in sentence.figures if not any(f.same(k) for k in known_figures)]
            known_terms |= sentence.terms
    return results[::-1][:most]


def _addition(
    of_entry: Sequence[Sentence], known_figures: Sequence[Figure], known_terms: set[str], about: frozenset[str]
) -> Addition | None:
    telling = [s for s in of_entry if s.stands_alone]
    for sentence in telling:
        new = [f for f in sentence.figures if all(k.unit != f.unit or f.differs(k) for k in known_figures)]
        if new and sentence.names:
            return Addition(sentence.entry, sentence.text, tuple(f.text for f in new))
    for sentence in telling:
        fresh = sentence.terms - known_terms
        if len(sentence.terms) >= 4 and about & sentence.terms and len(fresh) >= NEW_TERMS * len(sentence.terms):
            return Addition(sentence.entry, sentence.text, ())
    return None
