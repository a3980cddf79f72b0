"""Refresh what README shows of the running program: `python docs/refresh.py [--drawings]`.

Plays the sample edition to a fixed moment through the real poller and engine, writes the explanation of its lead story
into README.md, and takes screenshots with headless Chromium (Debian's `chromium`; without it the pictures stay as they
are). With --drawings it makes the PNG files of the sample edition from their SVG files instead.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from datetime import datetime, timedelta
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from aggregator.demo import edition as sample  # noqa: E402
from aggregator.demo.publish import feeds_yaml  # noqa: E402
from aggregator.demo.server import FeedServer  # noqa: E402
from aggregator.model.clock import SteppedClock  # noqa: E402
from aggregator.store import Store  # noqa: E402
from groundswell.demo import play  # noqa: E402
from web.app import close_app, create_app  # noqa: E402
from web.cli.explain import score_lines  # noqa: E402

SHOWN_AT = sample.STARTS_AT + timedelta(hours=63)
BLOCK = re.compile(r"(<!-- explain -->\n```\n).*?(```\n<!-- /explain -->)", re.S)
CHROMIUM = (
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
)


def played(folder: Path, until: datetime = SHOWN_AT) -> Path:
    """Play the sample edition up to *until* into a database in *folder*; return it."""
    edition = sample.load()
    clock = SteppedClock(sample.ARCHIVE_STARTS_AT)
    with FeedServer(edition, clock) as server:
        config = folder / "feeds.yaml"
        text = feeds_yaml(edition, server.base_url, "http://127.0.0.1:8000")
        # One poll at a time, so that what came first does not depend on how busy this machine is.
        text = text.replace("limits:\n", "limits:\n  concurrency: 1\n")
        config.write_text(text, encoding="utf-8")
        asyncio.run(play(config, folder / "demo.db", clock, until))
    return folder / "demo.db"


def explanation(db: Path) -> str:
    """Return what `groundswell explain` prints first of the story that leads the front page."""
    with Store.open(db) as store:
        (lead,) = store.story_lists.ranked("", 1)
        names = store.feeds.names()
    lines = score_lines(lead.story, lambda source_id: names.get(source_id, source_id))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def lead_path(db: Path) -> str:
    """Return the address of the story that leads the front page."""
    with Store.open(db) as store:
        (lead,) = store.story_lists.ranked("", 1)
    return f"/story/{lead.story.story_id}"


def feed_port(folder: Path) -> int:
    """Return the port that the feeds of a played edition were served on."""
    match = re.search(r"http://127\.0\.0\.1:(\d+)/feeds/", (folder / "feeds.yaml").read_text(encoding="utf-8"))
    assert match is not None
    return int(match[1])


def take_pictures(db: Path) -> None:
    """Show the site at that moment to Chromium, and keep what it sees."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    app = create_app(db, lambda: SHOWN_AT)
    server = make_server("127.0.0.1", 0, app.wsgi_app, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    home = f"http://127.0.0.1:{server.server_port}"
    try:
        for name, path, size in (("front-page", "/", "1280,900"), ("story", lead_path(db), "1280,1500")):
            picture = ROOT / "docs" / f"{name}.png"
            with tempfile.TemporaryDirectory() as profile:
                where = (f"--user-data-dir={profile}", f"--window-size={size}", f"--screenshot={picture}")
                subprocess.run([*CHROMIUM, *where, f"{home}{path}"], check=True, capture_output=True)
            print(f"docs/{picture.name}: {picture.stat().st_size // 1000} kB")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        close_app(app)


def draw() -> None:
    """Make the sample edition's PNG files from their SVG files, with 48 colors each."""
    from PIL import Image

    for drawing in sorted((ROOT / "aggregator" / "demo" / "sample" / "pictures").glob("*.svg")):
        picture = drawing.with_suffix(".png")
        with tempfile.TemporaryDirectory() as profile:
            where = (f"--user-data-dir={profile}", "--window-size=800,450", f"--screenshot={picture}")
            subprocess.run([*CHROMIUM, *where, drawing.as_uri()], check=True, capture_output=True)
        drawn = Image.open(picture).convert("RGB").quantize(48, dither=Image.Dither.NONE)
        drawn.save(picture, optimize=True)
        print(f"{picture.name}: {picture.stat().st_size // 1000} kB")


def main() -> None:
    """Refresh README.md and the screenshots, or the drawings."""
    if "--drawings" in sys.argv[1:]:
        draw()
        return
    with tempfile.TemporaryDirectory() as folder:
        db = played(Path(folder))
        readme = ROOT / "README.md"
        text = readme.read_text(encoding="utf-8")
        shown = explanation(db)
        readme.write_text(BLOCK.sub(lambda m: m[1] + shown + m[2], text), encoding="utf-8")
        print(shown)
        if shutil.which("chromium"):
            # The pictures of the articles are fetched when the site is looked at.
            with FeedServer(sample.load(), lambda: SHOWN_AT, port=feed_port(Path(folder))):
                take_pictures(db)
        else:
            print("chromium is not installed; the pictures stay as they are")


if __name__ == "__main__":
    main()
