"""A text as far as telling events apart goes: its terms, its script, and how it spells what it shares.

Knows what of an entry is read, and phrases. Leaves terms to `terms`, and deciding to `stories`.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from aggregator.text.tokens import words
from scoring.language.terms import term, terms

SUMMARY_TERMS = 60
"""A feed's summary is sometimes the whole text; what an event is stands at its beginning."""

SUMMARY_CHARS = 500
"""Of a summary that reasons are looked for in."""


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
    script: str
    """In which its title is mostly written: "latin", "cyrillic", "kana", "han"..., or ""."""
    told: str
    """Title and beginning of the summary as people read them, for reasons."""


def read(*, entry_id: int, source_id: str, link: str, title: str, summary: str, at: float, arrived: float) -> Text:
    """Return an entry's text as the clusterer sees it: terms of the title, and of the summary's beginning."""
    told = f"{title}\n{summary[:SUMMARY_CHARS]}"
    return Text(
        entry_id,
        source_id,
        link,
        tuple(terms(title)),
        tuple(terms(summary)[:SUMMARY_TERMS]),
        at,
        arrived,
        script(title if title else summary),
        told,
    )


def script(text: str) -> str:
    """Return in which script *text* is mostly written, "" when it has no letters.

    Japanese counts as "kana" wherever it shows any, because Chinese never does.
    """
    if text.isascii():
        return "latin" if any(map(str.isalpha, text)) else ""
    counts: dict[str, int] = {}
    for char in text:
        if char.isalpha():
            found = _script_of(char)
            # A letter of theirs is a syllable or a word, and names stay Latin: "OpenAI 发布 GPT 模型".
            counts[found] = counts.get(found, 0) + (3 if found in ("han", "hangul") else 1)
    if "kana" in counts:
        return "kana"
    return max(counts, key=lambda found: (counts[found], found)) if counts else ""


@lru_cache(maxsize=8_192)
def _script_of(letter: str) -> str:
    name = unicodedata.name(letter, "").partition(" ")[0].lower()
    return {"cjk": "han", "hiragana": "kana", "katakana": "kana", "fullwidth": "latin"}.get(name, name)


PHRASES = 4
PHRASE_WORDS = 4


def phrases(told: str, weights: dict[str, float]) -> list[str]:
    """Return what a text shares, as it spells it: up to PHRASES phrases, the most telling first.

    told:    the text
    weights: how much each shared term tells

    >>> phrases("AWS orders 1.4 million chips of Trainium", {"trainium": 3.0, "1.4m": 2.0, "chip": 1.0})
    ['Trainium', '1.4 million chips']
    """
    left = dict(weights)
    found: list[tuple[float, int, str]] = []
    for line in told.splitlines():
        tokens = line.split()
        at = 0
        while at < len(tokens) and left:
            start, value = at, 0.0
            while at < len(tokens) and at - start < PHRASE_WORDS:
                taken, gained = _taken(tokens[at : at + 2], left)
                if not taken:
                    break
                value += gained
                at += taken
                if tokens[at - 1][-1] in ",;:.!?)":
                    break
            if at > start and value > 0:
                found.append((-value, len(found), " ".join(tokens[start:at]).strip(_AROUND)))
            at = max(at, start + 1)
    found += [(-value, len(found) + i, one) for i, (one, value) in enumerate(_unspaced(told, left))]
    return [phrase for _, _, phrase in sorted(found)[:PHRASES]]


def _unspaced(told: str, left: dict[str, float]) -> list[tuple[str, float]]:
    """Return what is shared of writing without spaces, whose terms are pairs of characters, as it is spelled.

    Pairs that overlap or touch are one phrase. Pairs that the text spells otherwise are left as they are.
    """
    if all(len(pair) != 2 for pair in left):
        return list(left.items())
    found: list[tuple[str, float]] = []
    start = end = 0
    value = 0.0
    for at in range(len(told)):
        gained = left.pop(told[at : at + 2], None)
        if gained is None:
            continue
        if at > end:
            if value:
                found.append((told[start:end], value))
            start, value = at, 0.0
        end, value = at + 2, value + gained
    if value:
        found.append((told[start:end], value))
    return found + list(left.items())


_AROUND = " \t,;:.!?()[]{}\"'“”„‘’«»…–—-|"


def _taken(tokens: list[str], left: dict[str, float]) -> tuple[int, float]:
    """Return how many of one or two *tokens* are shared terms, and what they tell; those are taken out of *left*."""
    one = _terms_of(tokens[0])
    if len(tokens) == 2 and tokens[0][-1:].isdigit():
        two = _terms_of(" ".join(tokens))
        if len(two) == 1 and two[0] in left:
            return 2, left.pop(two[0])
    if one and all(found in left for found in one):
        return 1, sum(left.pop(found, 0.0) for found in one)
    return 0, 0.0


@lru_cache(maxsize=32_768)
def _terms_of(token: str) -> tuple[str, ...]:
    return tuple(found for word in words(token) if (found := term(word)))
