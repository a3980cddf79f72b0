"""All recorded documents beside the checkout, over HTTP, through the real poller."""

from __future__ import annotations

import csv
import gzip
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from aggregator.model import Config, Limits, Site, Source
from aggregator.polling.poll import Polled
from aggregator.polling.poller import Poller
from aggregator.store import Store

FEEDS = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "feeds"
NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not FEEDS.is_dir(), reason="the real documents are not beside this checkout")


def manifest() -> list[dict[str, str]]:
    with (FEEDS / "manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = gzip.decompress((FEEDS / self.path.removeprefix("/")).read_bytes())
            self.send_response(200)
            self.send_header("Content-Type", "application/json" if ".json" in self.path else "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


async def test_every_real_document_gives_its_entries_or_says_why_not(server: str) -> None:
    rows = {f"doc{number}": row for number, row in enumerate(manifest())}
    sources = tuple(
        Source(id=source_id, name=source_id, url=f"{server}/{row['file']}", category="all", owner=source_id)
        for source_id, row in rows.items()
    )
    config = Config(Site(), (), sources, limits=Limits(allow_private=("127.0.0.1",)))
    polled: dict[str, Polled] = {}
    with Store.open(":memory:") as store:
        store.feeds.sync(sources, NOON)
        async with Poller(
            config,
            store=store,
            clock=lambda: NOON,
            rng=random.Random(0),
            finished=lambda outcome: polled.update({outcome.source_id: outcome}),
        ) as poller:
            await poller.poll_now()
        assert len(polled) == len(rows)
        silent: list[tuple[str, ...]] = []
        cut: list[tuple[str, ...]] = []
        wordless: list[str] = []
        for source_id, row in rows.items():
            outcome = polled[source_id]
            due = int(row["entries"] or 0) > 0 or row["format"].startswith("JSON Feed")
            if due and not outcome.new:
                # A document that breaks off within its only item has no entry.
                ended = "the document ends" in outcome.state.last_message and row["entries"] == "1"
                (cut if ended else silent).append((row["file"], row["format"], outcome.state.last_message))
            if not outcome.new and not outcome.state.last_message:
                wordless.append(row["file"])
        assert silent == []
        assert len(cut) <= 1
        assert wordless == []
        assert store.faults() == []
        assert store.entries.count() == sum(outcome.new for outcome in polled.values())
