"""Analyse an entry's text once, when it enters scoring, for all comparisons with other entries.

words       case folded
terms       stems without stop words and dates; a version belongs to the word before it
numbers     amounts and numbers in the headline, and the dates that it names
shingles    runs of words, to recognise wording that a source repeats
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

from msgspec import Struct

from aggregator.model import Embedding
from aggregator.text.title_kinds import reports_no_event
from scoring.language.dates import has_dates_or_numbers, mark_dates, names_its_day
from scoring.language.headline_kinds import kinds, stock_terms
from scoring.language.terms import term, words_of

MAX_SUMMARY_TERMS = 60
"""A feed's summary is sometimes the whole text; the event is at its beginning."""

MAX_SUMMARY_WORDS = 90
"""Words of a summary that are read for those terms."""

MAX_SHINGLED_WORDS = 40
"""Boilerplate is at the beginning of a summary, or everywhere in it."""

MAX_EXCERPT_CHARS = 500
"""Characters of a summary that reasons are quoted from."""

SHINGLE_WORDS = 3

CVE = "cve"

MIN_SAME_SUMMARY_TERMS = 8
"""Shorter summaries coincide: "Read the full story at The Verge." """

_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_VERSION = re.compile(r"v\d+(?:\.\d+)+")
"""A version is written with a "v" or without."""
# After these a number is a rank, not a version: "part 2", "top 10".
_NUMBERED_WORDS = """
    part top day week phase episode season chapter section page no number issue vol volume edition round step
    level stage
"""
_NUMBERED = frozenset(_NUMBERED_WORDS.split())


class EntryTerms(Struct, frozen=True):
    """The terms of an entry, and what their weights depend on."""

    entry_id: int
    source_id: str
    """Empty if unknown."""
    arrived: float
    """When it was first seen, in seconds since 1970."""
    title: tuple[str, ...]
    """Terms in order: `kubernetes`, `kubernetes|1.33`."""
    summary: tuple[str, ...]
    stock: frozenset[str]
    """Terms that every headline of its kind has."""


class AnalysedText(EntryTerms, frozen=True):
    """The analysed text of an entry, for comparisons."""

    link: str
    """Canonical; may be empty."""
    at: float
    """When it counts as published, in seconds since 1970."""
    script: str
    """Main script of its title: "latin", "cyrillic", "kana", "han"..., or ""."""
    excerpt: str
    """Title and beginning of the summary in plain text, for reasons."""
    numbers: frozenset[str] = frozenset()
    """Of the title: amounts, versions, issue numbers and results; no dates."""
    versions: tuple[tuple[str, str], ...] = ()
    """Of the title: a term and the number after it."""
    vulnerabilities: frozenset[str] = frozenset()
    """CVE numbers in title and summary: `2025-5777`."""
    dates: frozenset[str] = frozenset()
    """Of the title."""
    title_shingles: tuple[int, ...] = ()
    """A hash of each run of SHINGLE_WORDS words, with all numbers equal. Empty if the text is not compared."""
    summary_shingles: tuple[int, ...] = ()
    title_words: tuple[str, ...] = ()
    summary_words: tuple[str, ...] = ()
    embedding: Embedding | None = None
    """Of the title, if it was encoded."""
    headline: tuple[str, ...] = ()
    """Terms and numbers of the title, including dates and times: equal for equal headlines.

    "Tornado warning until 4:00PM" and "... until 5:00PM" have the same terms, but not the same headline.
    """
    no_event: bool = False
    """Whether its title offers a bargain, sums up a day or week, or has only words of all headlines of its kind."""
    of_a_day: bool = False
    """Whether its title names the day of its publication, as those of daily columns do."""
    summary_hash: int = 0
    """Of the words of its summary; 0 for a summary of fewer than MIN_SAME_SUMMARY_TERMS."""

    def terms(self) -> EntryTerms:
        """Return its terms alone, a tenth of the whole."""
        return EntryTerms(self.entry_id, self.source_id, self.arrived, self.title, self.summary, self.stock)


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
    """Return the analysed text of an entry.

    compared: False leaves out what only comparisons need, for an entry that is only counted
    """
    title_words, summary_words = words_of(title), words_of(summary)[:MAX_SUMMARY_WORDS]
    title_terms, numbers, versions, dates = _terms(title_words)
    summary_terms, _, _, _ = _terms(summary_words)
    shingled = summary_words[:MAX_SHINGLED_WORDS]
    title_kinds = kinds(title) if compared else frozenset()
    stock = stock_terms(title_kinds)
    return AnalysedText(
        entry_id,
        source_id,
        arrived,
        tuple(title_terms),
        tuple(summary_terms[:MAX_SUMMARY_TERMS]),
        stock,
        link,
        at,
        script(title if title else summary) if compared else "",
        f"{title}\n{summary[:MAX_EXCERPT_CHARS]}" if compared else "",
        frozenset(numbers),
        tuple(versions),
        _vulnerabilities(title_words) | _vulnerabilities(summary_words),
        dates,
        shingles(title_words) if compared else (),
        shingles(shingled) if compared else (),
        title_words,
        shingled,
        embedding,
        (*title_terms, *[word for word in title_words if word[0].isdigit()]),
        reports_no_event(title, title_kinds) or ("roundup" in title_kinds and stock.issuperset(title_terms)),
        names_its_day(dates, at),
        crc32(" ".join(summary_words).encode()) if len(summary_terms) >= MIN_SAME_SUMMARY_TERMS else 0,
    )


def _terms(tokens: Sequence[str]) -> tuple[list[str], list[str], list[tuple[str, str]], frozenset[str]]:
    """Return the terms of some words, the numbers among them, the term before each number, and the dates."""
    # More than half of all titles have neither, and the rest of this takes several times as long.
    if not has_dates_or_numbers(tokens):
        return list(filter(None, map(term, tokens))), [], [], frozenset()
    dated, dates = mark_dates(tokens)
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
        if name and name != CVE:
            versions.append((name, word))
        if name and before not in _NUMBERED and ("." in word or len(word) <= 2):
            terms.append(f"{name}|{word}")
        elif len(word) > 1 and before not in _NUMBERED:
            terms.append(word)
        before = ""
    return terms, numbers, versions, dates


def _vulnerabilities(tokens: Sequence[str]) -> frozenset[str]:
    """Return the numbers of the vulnerabilities that some words name: "CVE-2025-5777" is three words."""
    if CVE not in tokens:
        return frozenset()
    threes = zip(tokens, tokens[1:], tokens[2:], strict=False)
    return frozenset(
        [f"{year}-{number}" for word, year, number in threes if word == CVE and year.isdigit() and number.isdigit()]
    )


def shingles(tokens: Sequence[str]) -> tuple[int, ...]:
    """Return a hash of each run of SHINGLE_WORDS words."""
    masked = [b"0" if word[0].isdigit() else word.encode() for word in tokens]
    return tuple([crc32(b" ".join(run)) for run in zip(*(masked[i:] for i in range(SHINGLE_WORDS)), strict=False)])


def script(text: str) -> str:
    """Return the main script of *text*, "" without letters.

    A text with any kana is Japanese and counts as "kana", because Chinese has none.
    """
    if text.isascii():
        return "latin" if any(map(str.isalpha, text)) else ""
    counts: dict[str, int] = {}
    for char in text:
        if char.isalpha():
            name = _script_of(char)
            # One of their letters is a syllable or a word, and names stay Latin: "OpenAI 发布 GPT 模型".
            counts[name] = counts.get(name, 0) + (3 if name in ("han", "hangul") else 1)
    if "kana" in counts:
        return "kana"
    return max(counts, key=lambda name: (counts[name], name)) if counts else ""


@lru_cache(maxsize=8_192)
def _script_of(letter: str) -> str:
    name = unicodedata.name(letter, "").partition(" ")[0].lower()
    return {"cjk": "han", "hiragana": "kana", "katakana": "kana", "fullwidth": "latin"}.get(name, name)
