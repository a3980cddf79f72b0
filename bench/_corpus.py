"""Generate the feeds that a benchmark polls; the same arguments always give the same files.

    python -m bench._corpus FOLDER --feeds 1000 --rounds 2

Round 0 has 25 entries per feed; each later round adds one entry to every feed and drops the oldest. Three feeds in four
are RSS, half of them with the whole article in `content:encoded`; the others are Atom. Seven in ten have an ETag, all
have a Last-Modified, and half are compressed with gzip if the client accepts it. A feed is 10 to 50 kB.

    roundN.bin    the bodies, concatenated
    roundN.json   per feed: path, type, ETag, Last-Modified, offset and length plain and compressed (0: none)
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path

ITEMS = 25
EPOCH = datetime(2026, 11, 22, tzinfo=UTC)
_NOUNS = """
minister port battery court harbour telescope budget striker vaccine river chip satellite union orchestra bridge
reactor museum startup senate glacier airline bank hospital festival railway drought election tunnel archive
""".split()  # noqa: SIM905
_VERBS = """
opens delays approves rejects repairs unveils questions buys closes measures defends expands counts
""".split()  # noqa: SIM905
_PLACES = """
Lisbon Nairobi Osaka Quito Tallinn Perth Oslo Accra Lyon Bergen Cork Graz Turin Hanoi Austin Malaga
""".split()  # noqa: SIM905
_FILLER = """
the after a week of talks said on Monday that with no figures were given while officials in nearby towns had been
preparing for months and residents asked when work would begin although a second report is due in spring
""".split()  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Row:
    """Where the document of one feed in one round is stored, and the headers it is served with."""

    path: str
    content_type: str
    etag: str
    last_modified: str
    offset: int
    length: int
    packed_offset: int
    packed_length: int


def make(folder: Path, feeds: int, rounds: int) -> None:
    """Write the corpus into *folder*, unless it is already there."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(rounds):
        if not (folder / f"round{number}.json").exists():
            _make_round(folder, feeds, number)


def rows(folder: Path, number: int) -> list[Row]:
    """Return the rows of a round."""
    return [Row(*row) for row in json.loads((folder / f"round{number}.json").read_text(encoding="utf-8"))]


def documents(folder: Path, number: int) -> list[tuple[Row, bytes]]:
    """Return the uncompressed documents of a round."""
    data = (folder / f"round{number}.bin").read_bytes()
    return [(row, data[row.offset : row.offset + row.length]) for row in rows(folder, number)]


def _make_round(folder: Path, feeds: int, number: int) -> None:
    table: list[Row] = []
    with (folder / f"round{number}.bin").open("wb") as blob:
        for feed in range(feeds):
            body = _document(feed, number)
            traits = random.Random(f"{feed}")
            has_etag, is_packed = traits.random() < 0.7, traits.random() < 0.5
            content_type = "application/atom+xml" if _is_atom(feed) else "application/rss+xml"
            etag = f'"{feed}-{number}"' if has_etag else ""
            changed = EPOCH + timedelta(hours=number, seconds=feed)
            offset = blob.tell()
            blob.write(body)
            packed = gzip.compress(body, 6, mtime=0) if is_packed else b""
            packed_offset = blob.tell()
            blob.write(packed)
            table.append(
                Row(
                    f"/{feed}.xml",
                    f"{content_type}; charset=utf-8",
                    etag,
                    format_datetime(changed, usegmt=True),
                    offset,
                    len(body),
                    packed_offset,
                    len(packed),
                )
            )
    text = json.dumps([astuple(row) for row in table])
    (folder / f"round{number}.json").write_text(text, encoding="utf-8")


def _is_atom(feed: int) -> bool:
    return feed % 4 == 3


def _document(feed: int, number: int) -> bytes:
    items = [_item(feed, sequence) for sequence in range(number + ITEMS - 1, number - 1, -1)]
    if _is_atom(feed):
        head = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Feed {feed}</title><id>urn:feed:{feed}</id>'
        text = f"{head}<updated>{EPOCH.isoformat()}</updated>{''.join(items)}</feed>"
    else:
        head = (
            '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
            f"<title>Feed {feed}</title><link>https://feed{feed}.example/</link><description>News</description>"
        )
        text = f"{head}{''.join(items)}</channel></rss>"
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _item(feed: int, sequence: int) -> str:
    chance = random.Random(f"{feed} {sequence}")
    title = " ".join(
        (chance.choice(_PLACES), chance.choice(_NOUNS), chance.choice(_VERBS), chance.choice(_NOUNS), f"{sequence}")
    )
    link = f"https://feed{feed}.example/{sequence}/{title.lower().replace(' ', '-')}"
    at = EPOCH - timedelta(minutes=20 * (ITEMS - sequence), seconds=feed % 60)
    summary = escape(_sentences(chance, 2))
    paragraphs = "".join(f"<p>{_sentences(chance, chance.randint(1, 4))}</p>" for _ in range(chance.randint(1, 4)))
    article = f'{paragraphs}<p>More at <a href="{link}">our site</a> <img src="{link}.jpg" alt="{title}"></p>'
    author = f"{chance.choice(_PLACES)} Desk"
    if _is_atom(feed):
        return (
            f'<entry><id>{link}</id><title>{title}</title><link href="{link}"/><updated>{at.isoformat()}</updated>'
            f"<author><name>{author}</name></author><summary>{summary}</summary>"
            f'<content type="html">{escape(article)}</content></entry>'
        )
    content = f"<content:encoded><![CDATA[{article}]]></content:encoded>" if feed % 2 else ""
    return (
        f'<item><title>{title}</title><link>{link}</link><guid isPermaLink="true">{link}</guid>'
        f"<pubDate>{format_datetime(at, usegmt=True)}</pubDate><dc:creator>{author}</dc:creator>"
        f"<category>{chance.choice(_NOUNS)}</category><description>{summary}</description>{content}</item>"
    )


def _sentences(chance: random.Random, count: int) -> str:
    sentences = []
    for _ in range(count):
        words = [chance.choice(_FILLER) for _ in range(chance.randint(12, 24))]
        words[chance.randrange(len(words))] = chance.choice(_NOUNS)
        sentences.append(" ".join(words).capitalize() + ".")
    return " ".join(sentences)


def main() -> None:
    """Write a corpus, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    make(args.folder, args.feeds, args.rounds)


if __name__ == "__main__":
    main()
