"""Analyse an entry's text once, where it enters scoring, for everything that compares it with others.

words       as the text has them, case folded
terms       stems of the words that tell something, dates left out; a version belongs to the word before it
numbers     what a headline counts or numbers, and the dates that it names
shingles    runs of words, for recognising what a source writes in entry after entry
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

from msgspec import Struct

from aggregator.model import Embedding
from scoring.language.dates import mark_dates
from scoring.language.headline_kinds import stock_terms
from scoring.language.terms import term, words_of

MAX_SUMMARY_TERMS = 60
"""A feed's summary is sometimes the whole text; what an event is stands at its beginning."""

MAX_SUMMARY_WORDS = 90
"""Of a summary, as many are looked at for those terms."""

MAX_SHINGLED_WORDS = 40
"""Boilerplate stands at the beginning of a summary, or all through it."""

MAX_EXCERPT_CHARS = 500
"""Of a summary that reasons are looked for in."""

SHINGLE_WORDS = 3

_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_VERSION = re.compile(r"v\d+(?:\.\d+)+")
"""A version is written with a "v" or without."""
# Behind these a number is a place in a list and no version: "part 2", "top 10".
_NUMBERED_WORDS = """
    part top day week phase episode season chapter section page no number issue vol volume edition round step
    level stage
"""
_NUMBERED = frozenset(_NUMBERED_WORDS.split())


class AnalysedText(Struct, frozen=True):
    """An entry as far as comparing it with others goes."""

    entry_id: int
    source_id: str
    """"" when it is not known."""
    link: str
    """Canonical, or ""."""
    title: tuple[str, ...]
    """Terms in order: `kubernetes`, `kubernetes|1.33`."""
    summary: tuple[str, ...]
    at: float
    """When it counts as published, in seconds since 1970."""
    arrived: float
    """When it was first seen, in seconds since 1970."""
    script: str
    """In which its title is mostly written: "latin", "cyrillic", "kana", "han"..., or ""."""
    excerpt: str
    """Title and beginning of the summary as people read them, for reasons."""
    numbers: frozenset[str] = frozenset()
    """Of the title: amounts, versions, numbers of an issue or a game; no dates."""
    versions: tuple[tuple[str, str], ...] = ()
    """Of the title: a term and the number that stands behind it."""
    dates: frozenset[str] = frozenset()
    """Of the title."""
    stock: frozenset[str] = frozenset()
    """Terms that every headline of its kind has."""
    title_shingles: tuple[int, ...] = ()
    """A hash of each run of SHINGLE_WORDS words; numbers are all alike in it. Empty where the text is not compared."""
    summary_shingles: tuple[int, ...] = ()
    title_words: tuple[str, ...] = ()
    summary_words: tuple[str, ...] = ()
    embedding: Embedding | None = None
    """Of the title, where it was encoded."""

    @property
    def headline(self) -> tuple[str, ...]:
        """The terms of the title and its numbers, with those of dates and times: what equal headlines have in common.

        Of "Tornado warning until 4:00PM" and "... until 5:00PM" the terms are the same.
        """
        return (*self.title, *[word for word in self.title_words if word[0].isdigit()])


def analyse(
    *,
    entry_id: int,
    source_id: str,
    link: str,
    title: str,
    summary: str,
    at: float,
    arrived: float,
    compared: bool = True,
    embedding: Embedding | None = None,
) -> AnalysedText:
    """Return what an entry says, as everything that compares it with others reads it.

    compared: False leaves out what only comparing needs, for an entry that is counted and no more
    """
    title_words, summary_words = words_of(title), words_of(summary)[:MAX_SUMMARY_WORDS]
    title_dated, dates = mark_dates(title_words)
    summary_dated, _ = mark_dates(summary_words)
    title_terms, numbers, versions = _terms(title_words, title_dated)
    summary_terms, _, _ = _terms(summary_words, summary_dated)
    shingled = summary_words[:MAX_SHINGLED_WORDS]
    return AnalysedText(
        entry_id,
        source_id,
        link,
        tuple(title_terms),
        tuple(summary_terms[:MAX_SUMMARY_TERMS]),
        at,
        arrived,
        script(title if title else summary) if compared else "",
        f"{title}\n{summary[:MAX_EXCERPT_CHARS]}" if compared else "",
        frozenset(numbers),
        tuple(versions),
        dates,
        stock_terms(title) if compared else frozenset(),
        shingles(title_words) if compared else (),
        shingles(shingled) if compared else (),
        title_words,
        shingled,
        embedding,
    )


def _terms(tokens: Sequence[str], dated: Sequence[bool]) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Return the terms of some words, the numbers among them, and what each of those numbers stands behind."""
    terms: list[str] = []
    numbers: list[str] = []
    versions: list[tuple[str, str]] = []
    before = ""
    for word, skip in zip(tokens, dated, strict=True):
        if skip:
            continue
        if word[0] == "v" and _VERSION.fullmatch(word):
            word = word[1:]
        digit = word[0].isdigit()
        if not digit or not _NUMBER.fullmatch(word):
            stem = term(word)
            if digit:
                numbers.append(word)
            if stem:
                terms.append(stem)
            before = word
            continue
        numbers.append(word)
        name = "" if not before.isascii() or before[:1].isdigit() else term(before)
        if name:
            versions.append((name, word))
        if name and before not in _NUMBERED and ("." in word or len(word) <= 2):
            terms.append(f"{name}|{word}")
        elif len(word) > 1 and before not in _NUMBERED:
            terms.append(word)
        before = ""
    return terms, numbers, versions


def shingles(tokens: Sequence[str]) -> tuple[int, ...]:
    """Return a hash of each run of SHINGLE_WORDS words."""
    masked = [b"0" if word[0].isdigit() else word.encode() for word in tokens]
    return tuple([crc32(b" ".join(masked[i : i + SHINGLE_WORDS])) for i in range(len(masked) - SHINGLE_WORDS + 1)])


def script(text: str) -> str:
    """Return in which script *text* is mostly written, "" when it has no letters.

    Japanese counts as "kana" wherever it shows any, because Chinese never does.
    """
    if text.isascii():
        return "latin" if any(map(str.isalpha, text)) else ""
    counts: dict[str, int] = {}
    for char in text:
        if char.isalpha():
            name = _script_of(char)
            # A letter of theirs is a syllable or a word, and names stay Latin: "OpenAI 发布 GPT 模型".
            counts[name] = counts.get(name, 0) + (3 if name in ("han", "hangul") else 1)
    if "kana" in counts:
        return "kana"
    return max(counts, key=lambda name: (counts[name], name)) if counts else ""


@lru_cache(maxsize=8_192)
def _script_of(letter: str) -> str:
    name = unicodedata.name(letter, "").partition(" ")[0].lower()
    return {"cjk": "han", "hiragana": "kana", "katakana": "kana", "fullwidth": "latin"}.get(name, name)
