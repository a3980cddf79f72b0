"""Make `scoring/language/modifiers.txt.gz`: `python -m scoring.language.make_modifiers FILE...`

Counts in the summaries of recorded streams (JSON Lines, `.gz` or plain) how often each lower-case word ends a noun
phrase, and keeps the words that seldom do: "avoid", "enough", "clinical", "machine" (of "machine learning"). Such a
word names nothing without its neighbors. The file is a list of words without any text.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

MIN_COUNT = 20
"""Occurrences: for rarer words, the share is chance."""

SELDOM = 0.06
"""Share of a word's occurrences that end a noun phrase. "probe" has .24, "machine" and "security" .05, "avoid" 0."""

_TOKEN = re.compile(r"[A-Za-z][A-Za-z'’-]*|[.,;:!?…()\"]")

_BEFORE_A_NOUN = frozenset(
    "the a an his her its their our this that these those of in for on with by from over against about".split()  # noqa: SIM905
)
_FUNCTION_WORDS = frozenset(
    """
    the a an of in on at to for from by with and or but as is are was were be been has have had will would could can
    may might that which who when where while after before over under into about amid against between during since
    until than if not it its he she they his her their this these those said says
    """.split()  # noqa: SIM905
)


def count(texts: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    """Return how often each lower-case word occurs, and how often it ends a noun phrase.

    A word ends a noun phrase if a determiner or preposition is right before it, and a function word or a
    punctuation mark right after it: "the **probe** of", "in a **statue**, which". Longer phrases are not counted:
    telling them from clauses takes a parser, and the short ones separate well.

    >>> +count(["the clinical trial of a drug was slow"])[1]
    Counter({'drug': 1})
    """
    occurs: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for text in texts:
        tokens = _TOKEN.findall(text)
        for before, word, after in zip(["", *tokens], tokens, [*tokens[1:], "."], strict=False):
            if not word[0].islower():
                continue
            occurs[word] += 1
            ends[word] += before.lower() in _BEFORE_A_NOUN and (not after[0].isalpha() or after in _FUNCTION_WORDS)
    return occurs, ends


def modifiers(occurs: Counter[str], ends: Counter[str]) -> list[str]:
    """Return the words that seldom end a noun phrase, sorted."""
    return sorted(word for word, n in occurs.items() if n >= MIN_COUNT and ends[word] < SELDOM * n)


def _summaries(path: Path) -> Iterable[str]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row.get("lang", "en") == "en":
                yield row.get("summary") or ""


def main(paths: Sequence[str]) -> None:
    """Count the streams at *paths* and write the file next to this module."""
    words = modifiers(*count(text for path in paths for text in _summaries(Path(path))))
    packed = gzip.compress("\n".join(words).encode(), mtime=0)
    target = Path(__file__).with_name("modifiers.txt.gz")
    target.write_bytes(packed)
    print(f"{target.name}: {len(packed)} bytes, {len(words)} words")


if __name__ == "__main__":
    main(sys.argv[1:])
