"""Fuzz parsing, normalisation, sanitising and storing, and every other input that others write.

    python -m bench.fuzz [--seconds 60] [--seed 1] [--atheris SECONDS] [--keep]

A seeded generator mutates documents of our own: bytes flipped, parts doubled, cut, moved and replaced by what parsers
are known to trip over. With `--atheris`, coverage guides the mutation, where atheris can be installed (Linux, x86-64).

For feeds: no exception other than our own, no output that sanitising would change again, the same result whether or not
the previous document is known, and nothing new in the store when the document arrives twice. The same bytes are also
read as an OPML file, a page that links to feeds, a date, a URL and a search query.

An input that breaks a promise is printed and saved in `tests/data/fuzz/`, where the test suite picks it up. Inputs that
atheris found to reach new code are saved in `build/fuzz/`, where its next run starts; `--keep` archives the small ones
in `tests/data/reached.tar.xz`, where a run on another machine starts.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import logging
import random
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import cast

from aggregator.discovery import opml
from aggregator.discovery.find_feeds import addresses, on_page, well_known
from aggregator.errors import NotAFeedError, OpmlError
from aggregator.fetch import Client
from aggregator.model import DocumentMemory, Limits, ParsedFeed, Source
from aggregator.parse.dates import DateReader
from aggregator.parse.identity import identity
from aggregator.parse.messages import LENGTH_BYTES, Read, Reply, message, read_reply
from aggregator.parse.parser import parse
from aggregator.parse.pool import ParserPool
from aggregator.polling.poll import PollContext, Polled, store_delivery
from aggregator.store import Store
from aggregator.store.websub.deliveries import Delivery
from aggregator.text import search_query
from aggregator.text.markup import storable
from aggregator.text.sanitize import clean
from aggregator.text.urls import canonical, safe_link

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "tests" / "data" / "feeds"
KEPT = ROOT / "tests" / "data" / "fuzz"
REACHED = ROOT / "build" / "fuzz"
"""Inputs that reached new code under atheris, where its next run starts; not part of the repository."""
ARCHIVE = ROOT / "tests" / "data" / "reached.tar.xz"
SMALL_BYTES = 500
"""Atheris first reads all inputs it starts from, about sixty a second."""
URL = "https://feeds.example/feed"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SLOW_S = 10.0
TRIPS = [
    *(b"&#xD800;", b"&#x110000;", b"&#99999999999;", b"&amp;amp;", b"<![CDATA[", b"]]>", b"<!--", b"-->"),
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"<textInput>", b"</width>", b"&a;", b"{", b'"'),
    *(b"<?xml version='1.0' encoding='undefined'?>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"\\ud800", b"1e999"),
    *(b"a+" * 50, b"<div>" * 30, b"<svg><script>", b'<a href="javascript:x">', b"xmlns:media='http://\xc2\xa0/'"),
    *(b"<item>", b"</item>", b"<entry>", b"<link/>", b"<guid/>", b"<title/>", b" xml:base='//['", b"http://["),
    *(b"99999999999999999999", b"Mon, 31 Feb 0001 25:61:61 +9999", b"9999-12-31T23:59:59+23:59"),
]


class BrokenPromiseError(Exception):
    """The program did something with a document that it must never do."""


def check(data: bytes, before: bytes = b"") -> None:
    """Raise if *data*, from a source that last returned *before*, makes the program break a promise."""
    start = time.process_time()
    check_feed(data)
    check_known(before, data)
    check_stored(before, data)
    check_others(data)
    if (took_s := time.process_time() - start) > SLOW_S:
        raise BrokenPromiseError(f"took {took_s:.0f} s")


def check_feed(data: bytes) -> None:
    """Raise if the result for *data* is not fit to be stored and shown."""
    try:
        feed = parse(data, "application/xml", URL)
    except NotAFeedError as error:
        if storable(str(error)) != str(error):
            raise BrokenPromiseError(f"unstorable text: {error!s:.100}") from error
        return
    for entry in feed.entries:
        if clean(entry.content) != entry.content:
            raise BrokenPromiseError(f"content that cleaning changes again: {entry.content[:200]!r}")
        texts = (entry.title, entry.summary, entry.content, entry.author, entry.guid, entry.stated_at, *entry.tags)
        if any(storable(text) != text for text in texts):
            raise BrokenPromiseError("text that cannot be stored")
        if entry.link and safe_link(entry.link) != entry.link:
            raise BrokenPromiseError(f"a link that is not as it is followed: {entry.link!r}")
        if not entry.title:
            raise BrokenPromiseError("an entry without a title")


def check_known(before: bytes, data: bytes) -> None:
    """Raise if parsing *data* with *before* known gives another result than parsing all of *data*."""
    try:
        memory, full = _memory(before), parse(data, "application/xml", URL)
    except NotAFeedError:
        return
    part = parse(data, "application/xml", URL, memory=memory)
    unchanged = Counter(part.unchanged)
    rest = [entry for entry in full.entries if not _take(unchanged, identity(entry))]
    if unchanged.total() or rest != list(part.entries) or (full.title, full.notes) != (part.title, part.notes):
        raise BrokenPromiseError("another result where the document before was known")


class Shelf:
    """One source in a store of its own, to which documents are delivered as a hub would."""

    def __init__(self) -> None:
        self._store = Store.open(":memory:")
        self._source = Source("fuzzed", "Fuzzed", URL, "news")
        self._store.feeds.sync([self._source], NOON)
        self._polls = 0

    async def parse(
        self, data: bytes, content_type: str, url: str, limits: Limits, memory: DocumentMemory
    ) -> ParsedFeed:
        """Parse in this process, and hand over the result as a parser process does."""
        sent = message(Reply([Read(parse(data, content_type, url, limits, memory))], False))
        (answer,) = read_reply(sent[LENGTH_BYTES:]).answers
        assert isinstance(answer, Read)
        return answer.feed

    def take_in(self, data: bytes) -> Polled:
        """Store the entries of *data*."""
        self._polls += 1
        delivery = Delivery(0, self._source.id, "application/xml", data)
        at = NOON + self._polls * timedelta(hours=1)
        parser, client = cast(ParserPool, self), cast(Client, None)
        context = PollContext(self._store, client, parser, Limits(), lambda: at)
        taking = store_delivery(self._source, delivery, context)
        try:
            taking.send(None)
        except StopIteration as done:
            return cast(Polled, done.value)
        raise AssertionError("it waits for something")

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Roll back what is stored inside the block."""
        with suppress(_UndoneError), self._store.transaction():
            yield
            raise _UndoneError


class _UndoneError(Exception):
    pass


@cache
def _shelf() -> Shelf:
    return Shelf()


def check_stored(before: bytes, data: bytes) -> None:
    """Raise if *data* cannot be stored after *before*, or adds anything when it arrives a second time."""
    shelf = _shelf()
    with shelf.undone():
        shelf.take_in(before)
        shelf.take_in(data)
        again = shelf.take_in(data)
        if again.new or again.edited:
            raise BrokenPromiseError(f"once more brought {again.new} new and {again.edited} edited entries")


def check_others(data: bytes) -> None:
    """Raise if *data* breaks the readers of OPML files, pages, dates, URLs or searches."""
    for url in on_page(data, URL):
        if safe_link(url) != url:
            raise BrokenPromiseError(f"a page names an address that is none: {url!r}")
    with suppress(OpmlError):
        feeds = opml.read(data).feeds
        again = opml.read(opml.write("All", [("Tech", feeds)]).encode()).feeds
        if again != tuple(replace(feed, folder="Tech") for feed in feeds):
            raise BrokenPromiseError("a list of feeds that is another when it was written and read")
    text = data[:300].decode("utf-8", "replace")
    DateReader().read(text[:90])
    if canonical(canonical(text)) != canonical(text):
        raise BrokenPromiseError(f"an address that changes again: {text!r}")
    if address := safe_link(text, URL):
        if safe_link(address) != address:
            raise BrokenPromiseError(f"a link that changes again: {address!r}")
        addresses(address)
        well_known(address)
    query = search_query.read(text, NOON)
    if search_query.read(search_query.spelled(query), NOON) != query:
        raise BrokenPromiseError(f"a search that is another when it is spelled: {text!r}")


@lru_cache(1_000)
def _memory(document: bytes) -> DocumentMemory:
    return parse(document, "application/xml", URL).memory


def _take(remaining: Counter[str], key: str) -> bool:
    if not remaining[key]:
        return False
    remaining[key] -= 1
    return True


def mutated(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """Return *data* changed in a few places."""
    text = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.randint(0, 80))
        match rng.randrange(6):
            case 0:
                text[at:at] = rng.choice(TRIPS)
            case 1:
                del text[at:end]
            case 2:
                text[at:end] = text[at:end] * rng.randint(2, 5)
            case 3 if at < len(text):
                text[at] = rng.randrange(256)
            case 4:
                other = rng.choice(others)
                start = rng.randrange(len(other))
                text[at:end] = other[start : start + rng.randint(1, 300)]
            case _:
                text[at:end] = rng.choice(TRIPS)
    return bytes(text)


def corpus() -> list[bytes]:
    """Return the documents to mutate: our own, and those that broke a promise before."""
    return [path.read_bytes() for path in sorted([*CORPUS.glob("*.*"), *KEPT.glob("*.bin")]) if path.suffix != ".py"]


def run(seconds: float, seed: int) -> tuple[int, list[str]]:
    """Fuzz for that many seconds; return how many documents were tried, and the findings."""
    rng, start = random.Random(seed), time.monotonic()
    documents, tried = corpus(), 0
    findings: dict[str, str] = {}
    while time.monotonic() - start < seconds:
        before = rng.choice(documents)
        data = mutated(before, rng, documents)
        tried += 1
        try:
            check(data, before)
        except Exception as error:
            message = f"{type(error).__name__}: {error!s:.200}"
            if message not in findings and len(findings) < 20:
                findings[message] = str(keep(data))
    return tried, [f"{message} ({path})" for message, path in findings.items()]


def keep(data: bytes) -> Path:
    """Save an input that broke a promise where the test suite picks it up."""
    KEPT.mkdir(exist_ok=True)
    path = KEPT / f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
    path.write_bytes(data)
    return path


def guided(seconds: float) -> int:
    """Fuzz with atheris in a separate process, which ends by itself; return its exit code."""
    return subprocess.run([sys.executable, "-m", "bench._guided", f"{seconds:g}"], check=False).returncode


def unpack() -> None:
    """Unpack the archive into the folder where a guided run starts."""
    REACHED.mkdir(parents=True, exist_ok=True)
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(REACHED, filter="data")


def pack() -> int:
    """Archive the small documents that reached new code under atheris; return how many there are."""
    findings = [path for path in sorted(REACHED.iterdir()) if path.is_file() and path.stat().st_size <= SMALL_BYTES]
    with tarfile.open(ARCHIVE, "w:xz") as archive:
        for path in findings:
            data = path.read_bytes()
            member = tarfile.TarInfo(hashlib.sha1(data).hexdigest())  # libFuzzer's naming
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return len(findings)


def main() -> int:
    """Print the findings; return 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--atheris", type=float, metavar="SECONDS", help="guided by coverage, for that long")
    parser.add_argument("--keep", action="store_true", help="make the archive of what atheris reached anew")
    args = parser.parse_args()
    logging.disable()
    if args.keep:
        print(f"{pack()} documents in {ARCHIVE}")
        return 0
    if args.atheris and importlib.util.find_spec("atheris"):
        return guided(args.atheris)
    if args.atheris:
        print("atheris cannot be had for this machine or this Python: the generator mutates instead")
    tried, findings = run(args.atheris or args.seconds, args.seed)
    for line in findings:
        print(f"FAIL {line}")
    print(f"{tried} documents in {args.atheris or args.seconds:g} s, {len(findings)} findings")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
