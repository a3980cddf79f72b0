"""Where the fast XML feed parser disagrees with feedparser, field by field, over all recorded documents.

    python -m bench.parse_agreement [--data ../shared/data/feeds] [--show 3] [--why]

Every document of `docs` and of the timelapse archives is parsed twice: once as the program does, once with feedparser
alone. Each difference is listed; `--why` prints the share of documents that the fast parser handled.
`docs/dev/parsing.md` lists the known differences, and which parser is right. The exit code is the number of other
documents that differ, at most 100.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from aggregator.errors import NotAFeedError
from aggregator.model import Draft, Limits, ParsedFeed
from aggregator.parse import json_feed
from aggregator.parse.normalize import build_feed
from aggregator.parse.xml import fast as fast_reader
from aggregator.parse.xml import reader
from aggregator.parse.xml.encodings import as_utf8
from aggregator.text.urls import safe_link

LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one document that the two parsers return differently."""

    document: str
    field: str
    ours: str
    feedparsers: str


def documents(data: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every document under *data* with its name."""
    for path in sorted((data / "docs").glob("*.gz")):
        yield path.name, gzip.decompress(path.read_bytes())
    for archive in sorted((data / "timelapse").glob("*.tar.xz")):
        with tarfile.open(archive) as tar:
            for member in tar:
                if (file := tar.extractfile(member)) is not None:
                    yield f"{archive.name}/{member.name}", file.read()


def parsed(body: bytes, *, fast: bool, url: str = "https://feeds.example/feed.xml") -> ParsedFeed | str:
    """Return the result of one parser for *body*, or its error message if the document is not a feed."""
    try:
        raw = reader.read(body, "application/xml", LIMITS, fast=fast)
        return "not a feed" if raw is None else build_feed(raw, safe_link(url), LIMITS)
    except NotAFeedError as error:
        return str(error)


def differences(name: str, body: bytes) -> list[Difference]:
    """Return every field of *body* in which the program and feedparser differ.

    Identities that are only used to recognise an item in the next document may differ: the item is then parsed again.
    """
    ours, theirs = parsed(body, fast=True), parsed(body, fast=False)
    if isinstance(ours, str) or isinstance(theirs, str):
        return [] if ours == theirs else [Difference(name, "outcome", str(ours)[:300], str(theirs)[:300])]
    results = [
        Difference(name, f"feed.{field.name}", str(getattr(ours, field.name)), str(getattr(theirs, field.name)))
        for field in fields(ParsedFeed)
        if field.name not in ("arrivals", "memory") and getattr(ours, field.name) != getattr(theirs, field.name)
    ]
    if len(ours.entries) != len(theirs.entries):
        results.append(Difference(name, "entries", str(len(ours.entries)), str(len(theirs.entries))))
    for mine, other in zip(ours.entries, theirs.entries, strict=False):
        results += [
            Difference(name, field.name, str(getattr(mine, field.name)), str(getattr(other, field.name)))
            for field in fields(Draft)
            if getattr(mine, field.name) != getattr(other, field.name)
        ]
    return results


def taken_fast(body: bytes) -> bool:
    """Return whether the fast parser handles *body*."""
    return fast_reader.read(as_utf8(body, "application/xml", [])) is not None


def main() -> int:
    """Print every difference; return how many documents differ, at most 100."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=Path(__file__).resolve().parent.parent.parent / "shared/data/feeds"
    )
    parser.add_argument("--show", type=int, default=3, help="examples of each field")
    parser.add_argument("--every", type=int, default=1, help="only every Nth document")
    parser.add_argument("--why", action="store_true", help="name the documents that go to feedparser")
    args = parser.parse_args()
    if not args.data.is_dir():
        print(f"no documents at {args.data}; name their folder with --data")
        return 0
    seen = fast = 0
    counts: Counter[str] = Counter()
    differing: set[str] = set()
    for number, (name, body) in enumerate(documents(args.data)):
        if number % args.every or json_feed.looks_like(body) or not body.strip():
            continue
        seen += 1
        if taken_fast(body):
            fast += 1
        elif args.why:
            print(f"through feedparser: {name}")
        for difference in differences(name, body):
            counts[difference.field] += 1
            differing.add(difference.document)
            if counts[difference.field] <= args.show:
                print(
                    f"{difference.field}: {difference.document}\n    ours       {difference.ours[:200]!r}\n"
                    f"    feedparser {difference.feedparsers[:200]!r}"
                )
    print(f"{seen} XML documents, {fast} read fast, {len(differing)} differ: {dict(counts)}")
    return min(len(differing), 100)


if __name__ == "__main__":
    sys.exit(main())
