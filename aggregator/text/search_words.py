"""The words by which a text is searched: the same for the index, the query and highlighting.

    indexed("Amazon's 2-gigawatt plant")     amazon 2gw plant gigawatt     what the text index contains of a text
    wanted("chips")                          chips or chip                 what a term of a search means

Words are those of `tokens.words`, which stories are made of too. A single English word finds its plural and the other
way round; a Korean word finds itself with any particle; `chip*` finds what begins with it. A phrase is exact. Leaves
the syntax of a search to `search_query`, and the index to `store`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from aggregator.text.tokens import AMOUNT, UNSPACED, words

_KOREAN = re.compile("[\uac00-\ud7a3]+")
_PARTICLES = re.findall(
    r"\w+",
    "은 는 이 가 을 를 의 에 에서 에게 에는 에도 으로 로 와 과 도 만 부터 까지 께서 한테 "
    "보다 처럼 마다 이나 나 랑 이랑 이다 라고 이라고 들 들이 들은",
)
_PARTICLE = re.compile(rf"({'|'.join(sorted(_PARTICLES, key=len, reverse=True))})$")
_MIN_STEM = 2
"""Syllables that are left of a Korean word without its particle."""
_MIN_PREFIX = 2
"""Characters before a star; one would find almost everything."""
_NO_PLURALS = frozenset(
    ("news", "mars", "aids", "lens", "texas", "paris", "series", "species", "always", "perhaps", "athens", "brussels")
)
_SIBILANT = ("s", "x", "z", "ch", "sh")


def indexed(text: str) -> str:
    """Return the words of *text* as the index holds them, joined by spaces.

    Writing without spaces is in overlapping pairs of characters; the last character of a run is there alone too, so
    that each can be found by what begins with it. A unit or scale that is part of an amount ("2gw", "1.4m") is there as
    it is spelled, too: a search for "gigawatts" or "million" finds it.
    """
    together: re.Match[str] | None = None
    if text.isascii():
        # Most texts have no digit, and need not be searched for amounts.
        if _DIGIT.search(text):
            lower = text.lower()
            together = AMOUNT.search(lower) or _HYPHENATED_UNIT.search(lower)
    else:
        together = _MAYBE_AMOUNT.search(text) or UNSPACED.search(text)
    if not together:
        # Token by token, each of which was mostly met before: a third of the time.
        return " ".join(filter(None, map(_INDEXED.__getitem__, text.split())))
    tokens = words(text)
    tokens += [run[-1] for run in UNSPACED.findall(text) if len(run) > 1]
    return " ".join([*tokens, *_spelled_units(text, tokens)])


def _spelled_units(text: str, indexed_words: list[str]) -> list[str]:
    """Return the words behind a number that *indexed_words* lacks, since they became part of an amount."""
    return sorted(set(_BEHIND_NUMBER.findall(text.lower())).difference(indexed_words))


_BEHIND_NUMBER = re.compile(r"\d[\s-]([^\W\d_]{3,})")

_DIGIT = re.compile("[0-9]")
# Its unit goes behind all other words, so that a phrase across the amount stays a phrase ("2gw plant").
_HYPHENATED_UNIT = re.compile(r"\d-[a-z]{3}")

# In text with other letters, what may be an amount once it is folded: a unit may stand behind another space or hyphen.
_MAYBE_AMOUNT = re.compile(r"\d[\s\u2010-\u2012-]")
_PUNCTUATION = "\"'()[]{}<>.,;:!?*"
_MAX_TOKENS, _MAX_TOKEN_CHARS = 100_000, 40


class _Indexed(dict[str, str]):
    """The words of a token, joined; worked out when first met, so that no text reads otherwise for it."""

    def __missing__(self, token: str) -> str:
        bare = token.strip(_PUNCTUATION)
        if bare.isascii() and bare.isalpha():
            joined = bare.lower()
        else:
            read = words(token)
            joined = " ".join([*read, *_spelled_units(token, read)])
        if len(token) <= _MAX_TOKEN_CHARS:
            if len(self) >= _MAX_TOKENS:
                self.clear()
            self[token] = joined
        return joined


_INDEXED = _Indexed()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one term of a search looks for."""

    phrase: tuple[str, ...]
    """Words that have to follow each other; where they are one, any of `others` does as well."""
    others: frozenset[str] = field(default_factory=frozenset)
    is_prefix: bool = False
    """The last word may go on: one with a star, a Korean word with a particle, the first character of a pair."""

    def fits(self, place: int, word: str) -> bool:
        """Return whether *word* is what the phrase has at *place*."""
        due = self.phrase[place]
        if word == due or (self.is_prefix and place == len(self.phrase) - 1 and word.startswith(due)):
            return True
        return len(self.phrase) == 1 and word in self.others


def wanted(term: str) -> Wanted | None:
    """Return what *term* looks for, or None if it contains no word."""
    phrase = tuple(words(term))
    if not phrase:
        return None
    if term.endswith("*") and len(phrase[-1]) >= _MIN_PREFIX:
        return Wanted(phrase, is_prefix=True)
    if len(phrase) > 1:
        return Wanted(phrase)
    word = phrase[0]
    if _KOREAN.fullmatch(word):
        stem = _PARTICLE.sub("", word)
        others = {stem, *(stem + particle for particle in _PARTICLES)} if _MIN_STEM <= len(stem) < len(word) else ()
        return Wanted(phrase, frozenset(others), is_prefix=True)
    if len(word) == 1 and UNSPACED.fullmatch(word):
        return Wanted(phrase, is_prefix=True)
    return Wanted(phrase, frozenset(_plural_or_singular(word)))


def _plural_or_singular(word: str) -> set[str]:
    """Return the English plural of *word*, and the singular where it may be a plural itself."""
    if not (word.isascii() and word.isalpha()) or len(word) < 3 or word in _NO_PLURALS:
        return set()
    results = set()
    if word.endswith("ies") and len(word) > 4:
        results.add(word[:-3] + "y")
    elif word.endswith("es") and word[:-2].endswith(_SIBILANT):
        results.add(word[:-2])
    if word.endswith("s") and not word.endswith(("ss", "us", "is", "ics", "ies")) and len(word) > 3:
        results.add(word[:-1])
    elif not word.endswith("s") or word.endswith("ss"):
        ends_in_y = word.endswith("y") and word[-2] not in "aeiou"
        results.add(word[:-1] + "ies" if ends_in_y else word + ("es" if word.endswith(_SIBILANT) else "s"))
    return results - _NO_PLURALS
