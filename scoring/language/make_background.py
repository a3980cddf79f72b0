"""Make `scoring/language/background.json.gz`: `python -m scoring.language.make_background FILE...`

Counts how many entries of recorded streams (JSON Lines, `.gz` or plain) contain each term, and keeps the most frequent
terms. The file has counts only, no text, and no term that is rare enough to identify an entry.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from scoring.language.terms import is_figure, terms

TERMS = 40_000
MIN_COUNT = 5
"""Terms in fewer documents are left out."""


def count(texts: Iterable[str]) -> tuple[int, Counter[str]]:
    """Return the number of texts, and of texts that contain each term."""
    documents = 0
    frequency: Counter[str] = Counter()
    for text in texts:
        documents += 1
        frequency.update(set(terms(text)))
    return documents, frequency


def pack(documents: int, frequency: Counter[str], provenance: Sequence[str]) -> bytes:
    """Return the file's bytes; the same counts give the same bytes."""
    # Most amounts belong to one event, and a term of one stream alone is no background for others.
    frequent = [
        (term, seen)
        for term, seen in frequency.items()
        if seen >= MIN_COUNT and " " not in term and not (is_figure(term) and len(term) > 4)
    ]
    frequent.sort(key=lambda pair: (-pair[1], pair[0]))
    by_count: defaultdict[int, list[str]] = defaultdict(list)
    for term, seen in frequent[:TERMS]:
        by_count[seen].append(term)
    data = {
        "about": "document frequencies of stemmed terms; made by `python -m scoring.language.make_background`",
        "provenance": list(provenance),
        "documents": documents,
        "terms": {str(seen): " ".join(sorted(term)) for seen, term in by_count.items()},
    }
    return gzip.compress(json.dumps(data, ensure_ascii=False).encode(), mtime=0)


def _texts(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield f"{row['title']} {row.get('summary') or ''}"


def main(paths: Sequence[str]) -> None:
    """Count the streams at *paths* and write the file next to this module."""
    documents = 0
    frequency: Counter[str] = Counter()
    provenance = []
    for path in map(Path, paths):
        read, counts = count(_texts(path))
        documents += read
        frequency += counts
        provenance.append(f"{path.name}: {read} entries, counts only")
    packed = pack(documents, frequency, provenance)
    target = Path(__file__).with_name("background.json.gz")
    target.write_bytes(packed)
    print(f"{target}: {len(packed)} bytes, {documents} documents")


if __name__ == "__main__":
    main(sys.argv[1:])
