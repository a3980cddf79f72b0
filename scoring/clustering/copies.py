"""Say with whose voice an entry speaks.

Knows owners and copies: sources of one owner are one voice, and a text that others
reprint speaks with the voice of the first who had it. Leaves which entries tell of one
event to `stories`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from zlib import crc32

from aggregator.model import Config
from scoring.language.terms import words_of

# Observed: a wire text is reprinted with its first paragraph unchanged under another headline, cut at
# another length, or with "LONDON (Reuters) -" in front; two reports of one event in own words share
# names and figures, but hardly a run of four words. Live tickers repeat their own boilerplate.
# Rule: runs of four words; the shorter text's runs stand to CONTAINED or more in the longer one.
# A text of fewer than LEAST_WORDS words proves nothing: short headlines coincide ("Apple unveils new iPad").
# Known to be wrong: a wire text that was rewritten counts as a voice of its own.
RUN = 4
CONTAINED = 0.8
LEAST_WORDS = 12


def owners(config: Config) -> dict[str, str]:
    """Return the owner of every configured source, by its id."""
    return {source.id: source.owner or source.id for source in config.sources}


def owner(source_id: str, known: Mapping[str, str]) -> str:
    """Return whose voice a source is; a source that is not configured speaks for itself."""
    return known.get(source_id, source_id)


@lru_cache(maxsize=4096)
def runs(title: str, summary: str) -> frozenset[int]:
    """Return the runs of words of a text, hashed; none when it is too short to prove anything.

    The summary alone where it is long enough: reprints keep the text and change the headline.
    """
    body = words_of(summary)
    if len(body) < LEAST_WORDS:
        body = words_of(title) + body
    if len(body) < LEAST_WORDS:
        return frozenset()
    return frozenset(crc32(" ".join(body[i : i + RUN]).encode()) for i in range(len(body) - RUN + 1))


def is_copy(text: frozenset[int], other: frozenset[int]) -> bool:
    """Return whether two texts are one: the runs of the shorter stand in the longer.

    The longer may be three times as long; beyond that it quotes, and does not reprint.
    """
    if not text or not other:
        return False
    short, long = (len(text), len(other)) if len(text) < len(other) else (len(other), len(text))
    return long <= 3 * short and len(text & other) >= CONTAINED * short


def voice(own: str, text: frozenset[int], earlier: Iterable[tuple[str, frozenset[int]]]) -> str:
    """Return with whose voice an entry speaks.

    own:     the owner of its source
    text:    its `runs`
    earlier: voice and runs of the story's entries so far, oldest first
    """
    for said_by, said in earlier:
        if is_copy(text, said):
            return said_by
    return own
