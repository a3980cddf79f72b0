"""Fuzz parse, normalise and clean: no exception but our own, no output that would change if cleaned once more.

    python -m bench.fuzz [--seconds 60] [--seed 1] [--atheris SECONDS]

With `--atheris` it is guided by coverage (pip install atheris); without, documents of our own are mutated by a seeded
generator: bytes flipped, parts doubled, cut, moved and replaced by what parsers are known to trip over.
An input that breaks a promise is printed and kept in `tests/data/fuzz/`, where the suite finds it. What reached
something new under atheris is kept in `build/fuzz/`, from where the next run goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import logging
import random
import sys
import time
from collections import Counter
from pathlib import Path

from aggregator.dedupe import identity
from aggregator.errors import NotAFeedError
from aggregator.parse import parse
from aggregator.sanitize import clean
from aggregator.text import storable
from aggregator.urls import safe_link

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "tests" / "data" / "feeds"
KEPT = ROOT / "tests" / "data" / "fuzz"
REACHED = ROOT / "build" / "fuzz"
"""What reached something new under atheris, from where its next run goes on; not a part of the repository."""
URL = "https://feeds.example/feed"
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
    """The program did with a document what it must not."""


def check(data: bytes) -> None:
    """Raise when *data* makes the program break a promise."""
    start = time.process_time()
    try:
        feed = parse(data, "application/xml", URL)
    except NotAFeedError as error:
        if storable(str(error)) != str(error):
            raise BrokenPromiseError(f"unstorable words: {error!s:.100}") from error
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
    if (took_s := time.process_time() - start) > SLOW_S:
        raise BrokenPromiseError(f"took {took_s:.0f} s")


def check_known(before: bytes, data: bytes) -> None:
    """Raise when reading only what is new against *before* gives another result than reading all of *data*."""
    try:
        whole, seen = parse(data, "application/xml", URL), parse(before, "application/xml", URL).items_seen
    except NotAFeedError:
        return
    part = parse(data, "application/xml", URL, seen=seen)
    known = Counter(part.unchanged)
    rest = [entry for entry in whole.entries if not _take(known, identity(entry))]
    if known.total() or rest != list(part.entries) or (whole.title, whole.notes) != (part.title, part.notes):
        raise BrokenPromiseError("another result where the document before was known")


def _take(known: Counter[str], one: str) -> bool:
    if not known[one]:
        return False
    known[one] -= 1
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
    """Return the documents that mutation starts from: our own, and what broke a promise before."""
    return [path.read_bytes() for path in sorted([*CORPUS.glob("*.*"), *KEPT.glob("*.bin")]) if path.suffix != ".py"]


def run(seconds: float, seed: int) -> tuple[int, list[str]]:
    """Mutate for that long; return how many documents were tried and what was found."""
    rng, start = random.Random(seed), time.monotonic()
    documents, tried = corpus(), 0
    found: dict[str, str] = {}
    while time.monotonic() - start < seconds:
        before = rng.choice(documents)
        data = mutated(before, rng, documents)
        tried += 1
        try:
            check(data)
            check_known(before, data)
        except Exception as error:
            words = f"{type(error).__name__}: {error!s:.200}"
            if words not in found and len(found) < 20:
                found[words] = str(_keep(data))
    return tried, [f"{words} ({path})" for words, path in found.items()]


def _keep(data: bytes) -> Path:
    KEPT.mkdir(exist_ok=True)
    path = KEPT / f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
    path.write_bytes(data)
    return path


def guided(seconds: float) -> None:
    """Fuzz with atheris, which ends the process by itself."""
    atheris = importlib.import_module("atheris")

    documents = corpus()

    def one(data: bytes) -> None:
        try:
            check(data)
            check_known(documents[len(data) % len(documents)], data)
        except Exception:
            _keep(data)
            raise

    atheris.instrument_all()
    REACHED.mkdir(parents=True, exist_ok=True)
    KEPT.mkdir(exist_ok=True)
    options = [f"-max_total_time={seconds:g}", "-max_len=20000", f"-artifact_prefix={REACHED}/"]
    atheris.Setup([sys.argv[0], *options, str(REACHED), str(KEPT), str(CORPUS)], one)
    atheris.Fuzz()


def main() -> int:
    """Print what was found; return 1 when anything was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--atheris", type=float, metavar="SECONDS", help="guided by coverage, for that long")
    given = parser.parse_args()
    logging.disable()
    if given.atheris:
        if not importlib.util.find_spec("atheris"):
            print("atheris is not installed: pip install atheris", file=sys.stderr)
            return 1
        guided(given.atheris)
        return 0
    tried, found = run(given.seconds, given.seed)
    for line in found:
        print(f"FAIL {line}")
    print(f"{tried} documents in {given.seconds:g} s, {len(found)} findings")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
