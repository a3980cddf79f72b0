"""Distinguish names from ordinary words without looking at capitals.

Headlines in title case capitalise everything, so capitals say little. A list of the terms that running text mostly
writes in lower case works better: any other term is a name, or as rare as one. `make_ordinary_words` makes the list.
"""

from __future__ import annotations

import gzip
from functools import cache, lru_cache
from importlib import resources


@cache
def load_ordinary_words() -> frozenset[str]:
    """Return the shipped ordinary words, as terms; English, because German capitalises all nouns."""
    packed = resources.files("scoring.language").joinpath("ordinary_words.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().split())


@cache
def load_modifiers() -> frozenset[str]:
    """Return the shipped words that name nothing by themselves ("avoid", "clinical"); `make_modifiers` makes them."""
    packed = resources.files("scoring.language").joinpath("modifiers.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().split())


@lru_cache(maxsize=8_192)
def is_name(term: str) -> bool:
    """Return whether a term in Latin script is probably a name.

    A version belongs to its name: `kubernetes|1.33` is one. Amounts and terms of other scripts are not names.

    >>> [is_name(term) for term in ("kubernet|1.33", "kubernet", "warn", "2gw", "量子")]
    [True, True, False, False, False]
    """
    name = term.partition("|")[0]
    return name[:1].isalpha() and name.isascii() and name not in load_ordinary_words()
