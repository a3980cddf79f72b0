"""Prompt the configured language model, and keep only the sentences that the entries support.

A sentence is kept only if everything in it that can be checked occurs in the story's entries: each amount with its
unit, each number with its scale, each capitalized word, each word of another script. A false sentence with correct
amounts passes, so the page names the model. Pure; `summarizer` sends the requests.
"""

from __future__ import annotations

import hashlib
import re

from aggregator.text.markup import clip, plain
from aggregator.text.tokens import words
from scoring.insights.key_facts import MAX_ENTRIES, Members
from scoring.language.amounts import capitals, figures, numbers, sentences
from scoring.language.terms import term

MAX_SENTENCES = 6
MAX_CHARS = 400
MATERIAL = 24_000
"""Characters of the entries that are sent: many sources repeat the same."""

_SCALED = re.compile(
    r"(\d(?:[\d,.]*\d)?)\s?(%|percent|per cent|thousand|million|billion|trillion|bn|mn|tn|[kmb]\b)", re.IGNORECASE
)
_SCALES = {"per cent": "%", "percent": "%", "bn": "billion", "mn": "million", "m": "million", "b": "billion"}
_SPELLED = frozenset(
    words(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen twenty thirty forty "
        "fifty sixty seventy eighty ninety hundred thousand million billion dozen half third quarter double twice"
    )
)
# First words of a sentence that carry no information.
_OPENERS = frozenset(words("according several reports sources meanwhile however separately together neither instead"))

INSTRUCTION = (
    "You write for a news site. From the reports below, write at most five plain sentences on what is new, what the "
    "reports agree on and where they differ. Use only what the reports say: every figure and every name exactly as "
    "printed there. No opinion, no advice, no headline, no list."
)


def material(members: Members) -> str:
    """Return the entries of a story as they are sent to the model."""
    parts = [f"[{entry.source_id}] {entry.title}\n{entry.summary}\n{plain(entry.content)}" for entry, _ in members]
    share = max(MATERIAL // max(len(parts), 1), 400)
    return "\n\n".join(clip(part, share) for part in parts[: MATERIAL // share])


def fingerprint_of(members: Members, model: str) -> str:
    """Return a fingerprint of the input; the summary is out of date when it changes."""
    digest = hashlib.sha256(model.encode())
    for entry, _ in members:
        digest.update(f"\n{entry.entry_id} {entry.title} {entry.summary}".encode())
    return digest.hexdigest()[:32]


def grounded(text: str, members: Members) -> tuple[tuple[str, ...], int]:
    """Return the sentences of *text* that the entries support, and the number of the others."""
    facts = _Reported(members)
    results = [sentence for line in text[:20_000].splitlines() for sentence in sentences(line)]
    supported = [sentence for sentence in results if facts.holds(sentence)]
    return tuple(supported[:MAX_SENTENCES]), len(results) - len(supported)


class _Reported:
    """Names and amounts of all entries, for lookups."""

    def __init__(self, members: Members) -> None:
        texts = [f"{entry.title}. {entry.summary} {plain(entry.content)}" for entry, _ in list(members)[:MAX_ENTRIES]]
        everything = "\n".join(texts)
        self._folded = everything.casefold()
        self._words = set(words(everything))
        self._numbers = numbers(everything)
        self._scaled = _scaled(everything)
        self._figures = [figure for text in texts for sentence in sentences(text) for figure in figures(sentence)]
        self._capitals = {word for text in texts for sentence in sentences(text) for word in capitals(sentence)}

    def holds(self, sentence: str) -> bool:
        """Return whether the entries support everything in *sentence* that can be checked."""
        if len(sentence) > MAX_CHARS or re.search(r"[<>{}*#`\[\]]|https?:|www\.", sentence):
            return False
        if not any(letter.isalpha() for letter in sentence):
            return False
        return (
            numbers(sentence) <= self._numbers
            and _scaled(sentence) <= self._scaled
            and all(any(figure.same(amount) for amount in self._figures) for figure in figures(sentence))
            and not (_SPELLED & set(words(sentence))) - self._words
            and all(self._names(word) for word in capitals(sentence))
            and all(run in self._folded for run in re.findall(r"[^\x00-\x7f–—‘’“”…]+", sentence.casefold()))
        )

    def _names(self, word: str) -> bool:
        """Return whether a capitalized word occurs in the entries, or is a first word without information."""
        if word in self._capitals:
            return True
        return all(part in self._words or part in _OPENERS or not term(part) for part in words(word))


def _scaled(text: str) -> set[tuple[str, str]]:
    return {
        (number.replace(",", "").rstrip("."), _SCALES.get(scale.lower(), scale.lower()))
        for number, scale in _SCALED.findall(text)
    }
