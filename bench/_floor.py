"""A minimal poller in Python, as a baseline for `bench.poll`.

    python -m bench._floor URLS DATABASE STATE

A single bare script without health, limits, schedules or a second process: conditional requests with aiohttp, a hundred
at a time; fastfeedparser; nh3 over the summary and content of new items; SQLite with an FTS5 index, five thousand rows
per transaction. STATE keeps the validators between runs. Every URL is polled once.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import fastfeedparser
import nh3

AT_ONCE = 100
BATCH_ROWS = 5_000
_SCHEMA = """
create table if not exists items (
    id integer primary key, feed int, guid text, url text, title text, summary text, content text, author text,
    published real, fetched real, unique (feed, guid));
create index if not exists items_published on items (published);
create virtual table if not exists found using fts5 (title, summary, content = 'items', content_rowid = 'id');
"""

Item = tuple[str, str, str, str, str, str, float | None]


def items(document: bytes) -> list[Item]:
    """Return guid, link, title, summary, content, author and date of each item."""
    return [
        (
            entry.get("id") or entry.get("link") or "",
            entry.get("link", ""),
            entry.get("title", ""),
            entry.get("description", ""),
            _content(entry),
            entry.get("author", ""),
            _seconds(entry.get("published") or entry.get("updated") or ""),
        )
        for entry in fastfeedparser.parse(document).entries
    ]


def _content(entry: Any) -> str:
    content = entry.get("content") or ""
    return str(content[0].get("value", "")) if isinstance(content, list) else str(content)


def _seconds(date: str) -> float | None:
    try:
        return datetime.fromisoformat(date).timestamp()
    except ValueError:
        return None


class Writer:
    """Stores items that are not stored yet."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript("pragma journal_mode = wal; pragma synchronous = normal;" + _SCHEMA)
        self._rows: list[tuple[object, ...]] = []

    def add(self, feed: int, parsed: Iterable[Item]) -> None:
        """Queue the new items of a feed."""
        stored = {guid for (guid,) in self._db.execute("select guid from items where feed = ?", (feed,))}
        now = time.time()
        for guid, url, title, summary, content, author, published in parsed:
            if guid not in stored:
                cleaned = (nh3.clean(summary), nh3.clean(content))
                self._rows.append((feed, guid, url, title, *cleaned, author, published, now))
        if len(self._rows) >= BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write the queued items."""
        self._db.execute("begin")
        (last,) = self._db.execute("select coalesce(max(id), 0) from items").fetchone()
        self._db.executemany(
            "insert or ignore into items (feed, guid, url, title, summary, content, author, published, fetched)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self._rows,
        )
        self._db.execute(
            "insert into found (rowid, title, summary) select id, title, summary from items where id > ?", (last,)
        )
        self._db.execute("commit")
        self._rows = []


async def poll(urls: list[str], writer: Writer, validators: dict[str, dict[str, str]]) -> None:
    """Request every URL once."""
    waiting = iter(enumerate(urls))
    connector = aiohttp.TCPConnector(limit=AT_ONCE, ttl_dns_cache=300)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(30)) as session:

        async def work() -> None:
            for feed, url in waiting:
                async with session.get(url, headers=validators.get(url)) as answer:
                    body = await answer.read()
                    if answer.status == 200:
                        pairs = (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))
                        validators[url] = {ask: answer.headers[name] for name, ask in pairs if name in answer.headers}
                        writer.add(feed, items(body))

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    writer.flush()


def main(urls: Path, database: str, state: Path) -> None:
    """Poll all URLs and save the validators."""
    validators = json.loads(state.read_text()) if state.exists() else {}
    asyncio.run(poll(urls.read_text().split(), Writer(database), validators))
    state.write_text(json.dumps(validators))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
