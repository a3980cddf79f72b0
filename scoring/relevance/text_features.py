"""Turn a headline, its summary and its link into named features.

Knows which words, pairs of words, character n-grams, address words and title shapes a text has, and how they are
normalised. `editorial_prior` and `model` have the weights.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, pairwise

from msgspec import Struct

from aggregator.text.urls import host, registrable_domain
from scoring.language.terms import words_of

MAX_TITLE_WORDS = 40
MAX_SUMMARY_WORDS = 60
"""The news comes first, and some feeds send whole articles."""

MIN_GRAM, MAX_GRAM = 3, 5
"""Lengths of character n-grams, taken within a word with a mark at either end."""

SHARED_SITES = frozenset(
    {
        *("github.com", "gitlab.com", "github.io", "dev.to", "medium.com", "substack.com", "blogspot.com"),
        *("wordpress.com", "twitter.com", "x.com", "youtube.com", "reddit.com", "bbc.co.uk"),
    }
)
"""Sites whose pages are identified by host or by the first part of the path."""

_NUMBER = re.compile(r"\d")
_YEAR = re.compile(r"\((?:19|20)\d\d\)")
_APPEAL = frozenset(["how", "why", "what", "when", "which", "who", "best", "opinion", "review", "watch"])
_READER = frozenset(["you", "your", "my", "i", "we", "our", "me"])
_SEPARATORS = re.compile(r"[/\-_.?=&+]+")
_DIGITS = re.compile(r"\d{3}")
_MONEY = re.compile(r"[$€£¥]\s?\d|\d\s?(?:billion|million|bn\b|亿|万)", re.IGNORECASE)


class TextParts(Struct, frozen=True):
    """The features of a text for both priors, that of categories and the editorial one."""

    title_words: dict[str, None]
    """Distinct words of the title, in order."""
    words: dict[str, None]
    """Distinct words of title and summary, in order."""
    pairs: dict[tuple[str, str], None]
    """Distinct neighbouring words, in order."""
    address: dict[str, float]
    """Features of the link; see `address_features`."""


@lru_cache(maxsize=512)
def take_apart(title: str, summary: str, link: str) -> TextParts:
    """Return the features of a text that have weights; cached, because category and score need them."""
    in_title, in_summary = text_words(title, summary)
    of_title = dict.fromkeys(in_title)
    return TextParts(
        of_title,
        of_title | dict.fromkeys(in_summary),
        dict.fromkeys(chain(pairwise(in_title), pairwise(in_summary))),
        address_features(link),
    )


def text_words(title: str, summary: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words of *title* and of the start of *summary*, in order, repeats included."""
    # A word has less than 20 characters on average in any script, so the rest need not be split at all.
    return (
        words_of(title)[:MAX_TITLE_WORDS],
        words_of(summary[: 20 * MAX_SUMMARY_WORDS])[:MAX_SUMMARY_WORDS] if summary else (),
    )


def grams(word: str) -> list[str]:
    """Return the character n-grams of *word*; none for a word outside ASCII, whose words are short already.

    >>> grams("gpt")
    ['<gp', 'gpt', 'pt>', '<gpt', 'gpt>', '<gpt>']
    """
    if not word.isascii():
        return []
    marked = f"<{word}>"
    return list(map(marked.__getitem__, _slices(len(marked))))


@lru_cache(maxsize=64)
def _slices(length: int) -> tuple[slice, ...]:
    """Return where the n-grams of a marked word of that length are."""
    return tuple(slice(i, i + n) for n in range(MIN_GRAM, MAX_GRAM + 1) for i in range(length - n + 1))


def text_features(title: str, summary: str = "", link: str = "") -> dict[str, float]:
    """Return the features of a text by name: `word:`, `pair:`, `gram:`, `site:`, `address:`, `shape:`.

    Each kind is divided by the square root of how many of its kind the text has, so that a long text has
    no larger logit for its length alone. N-grams count once for each distinct word they occur in.
    """
    in_title, in_summary = text_words(title, summary)
    distinct = list(dict.fromkeys([*in_title, *in_summary]))
    pairs = dict.fromkeys([f"{a} {b}" for part in (in_title, in_summary) for a, b in pairwise(part)])
    inside = [gram for word in distinct for gram in grams(word)]
    values: dict[str, float] = {}
    for kind, names in (("word", distinct), ("pair", list(pairs)), ("gram", inside)):
        if names:
            share = len(names) ** -0.5
            for name in names:
                key = f"{kind}:{name}"
                values[key] = values.get(key, 0.0) + share
    values |= address_features(link)
    values |= shape_features(title, dict.fromkeys(in_title))
    return values


def address_features(link: str) -> dict[str, float]:
    """Return the features of a link: `site:`, its site, and `address:`, the words of its path."""
    return {**dict(site_features(link)), **dict(path_features(link))}


def site_features(link: str) -> list[tuple[str, float]]:
    """Return `site:`, the site of a link; nothing without a link."""
    if not link:
        return []
    named = host(link)
    domain = registrable_domain(named)
    features = [(f"site:{domain}", 1.0)]
    if domain in SHARED_SITES:
        features.append((f"site:{named}/{_path(link).split('/')[0]}", 1.0))
    elif named not in (domain, f"www.{domain}"):
        features.append((f"site:{named}", 1.0))
    return features


def path_features(link: str) -> list[tuple[str, float]]:
    """Return `address:`, the words in the path of a link: many sites name their sections there."""
    distinct = dict.fromkeys(
        word
        for word in _SEPARATORS.split(_path(link))
        if word and len(word) < 20 and (word.isalpha() or not (word.isdigit() or _DIGITS.search(word)))
    )
    share = len(distinct) ** -0.5 if distinct else 0.0
    return [(f"address:{word}", share) for word in distinct]


def _path(link: str) -> str:
    return link.split("/", 3)[3].lower() if link.count("/") > 2 else ""


def shape_features(title: str, in_title: Sequence[str] | dict[str, None]) -> dict[str, float]:
    """Return `shape:`, the length and form of *title*; values of 0 are left out.

    in_title: its distinct words, in order
    """
    values: dict[str, float] = {}
    length = math.log1p(len(in_title)) - 2.3
    values["shape:length"] = length
    values["shape:length2"] = length * length
    if in_title and next(iter(in_title)) in _APPEAL:
        values["shape:appeal"] = 1.0
    if not _READER.isdisjoint(in_title):
        values["shape:reader"] = 1.0
    spaced = title.split()
    if capitals := sum(word[:1].isupper() for word in spaced):
        values["shape:capitals"] = capitals / len(spaced)
    if title[:1].islower():
        values["shape:lower"] = 1.0
    if ":" in title:
        values["shape:colon"] = 1.0
    if "[" in title:
        values["shape:bracket"] = 1.0
    number = _NUMBER.search(title) is not None
    if number and _YEAR.search(title):
        values["shape:year"] = 1.0
    if '"' in title or "“" in title or "‘" in title:
        values["shape:quote"] = 1.0
    if "?" in title or "？" in title:
        values["shape:question"] = 1.0
    if number:
        values["shape:number"] = 1.0
    if title[:1].isdigit():
        values["shape:list"] = 1.0
    if "%" in title:
        values["shape:percent"] = 1.0
    if number and _MONEY.search(title):
        values["shape:money"] = 1.0
    if title.endswith("!") or "！" in title:
        values["shape:exclamation"] = 1.0
    return values
