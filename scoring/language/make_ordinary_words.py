"""Make `scoring/language/ordinary_words.txt.gz`: `python -m scoring.language.make_ordinary_words FILE...`

Counts in recorded streams (JSON Lines, `.gz` or plain) how often each term is written in lower case and how often with
a capital, and keeps those that are mostly in lower case. The file is a list of words without any text.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from aggregator.text.tokens import words
from scoring.language.terms import term

MIN_COUNT = 10
"""Occurrences: for rarer terms, the spelling is chance."""

MOSTLY = 0.6
"""Share of a term's occurrences that are in lower case."""

MAX_CHARACTERS = 300
"""Characters of a summary."""

_WORD = re.compile(r"[A-Za-z][A-Za-z']+")
_BEGINS_SENTENCE = re.compile(r"[.!?:;\"“”‘()\[\]|–—•-]")


def count(texts: Iterable[tuple[str, bool]]) -> tuple[Counter[str], Counter[str]]:
    """Return how often each term is written in lower case, and how often with a capital.

    texts: each with whether it is a headline; only headlines in sentence case are counted

    The first word of a sentence, and words in capitals, are not counted.
    """
    lower: Counter[str] = Counter()
    upper: Counter[str] = Counter()
    for text, headline in texts:
        if headline and not _in_sentence_case(text):
            continue
        end = 0
        for match in _WORD.finditer(text):
            word, between = match.group(), text[end : match.start()]
            begins = end == 0 or bool(_BEGINS_SENTENCE.search(between))
            end = match.end()
            if begins or (word.isupper() and len(word) > 6):
                continue
            if (parts := words(word)) and (counted := term(parts[0])):
                (lower if word[0].islower() else upper)[counted] += 1
    return lower, upper


def ordinary(lower: Counter[str], upper: Counter[str]) -> list[str]:
    """Return the terms that are mostly written in lower case, sorted."""
    return sorted(
        word
        for word, count in lower.items()
        if count + upper[word] >= MIN_COUNT and count >= MOSTLY * (count + upper[word])
    )


def _in_sentence_case(headline: str) -> bool:
    long = [word for word in _WORD.findall(headline) if len(word) > 3]
    return bool(long) and 2 * sum(word[0].islower() for word in long) >= len(long)


def _texts(path: Path) -> Iterable[tuple[str, bool]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row.get("title") or "", True
            yield (row.get("summary") or "")[:MAX_CHARACTERS], False


def main(paths: Sequence[str]) -> None:
    """Count the streams at *paths* and write the file next to this module."""
    lower, upper = count(text for path in paths for text in _texts(Path(path)))
    ordinary_words = ordinary(lower, upper)
    packed = gzip.compress("\n".join(ordinary_words).encode(), mtime=0)
    target = Path(__file__).with_name("ordinary_words.txt.gz")
    target.write_bytes(packed)
    print(f"{target}: {len(packed)} bytes, {len(ordinary_words)} words")


if __name__ == "__main__":
    main(sys.argv[1:])
