"""A busy worker is stopped, as by `systemctl stop` or Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aggregator.store import Store
from tests.feedserver import FeedServer

ITEM = "<item><title>{0} of {1}</title><guid>{1}-{0}</guid><description>{2}</description></item>"
FEEDS = 60


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_during_a_busy_first_poll_blames_no_feed(
    tmp_path: Path, feed_server: FeedServer, number: signal.Signals
) -> None:
    text = "<p>Some <b>text</b> to be cleaned.</p>" * 400
    sources = []
    for feed in range(FEEDS):
        items = "".join(ITEM.format(item, feed, f"<![CDATA[{text}]]>") for item in range(40))
        url = feed_server.publish(
            f"/{feed}", f"<rss version='2.0'><channel><title>{feed}</title>{items}</channel></rss>"
        )
        sources.append(f"  - {{id: f{feed}, url: '{url}'}}")
    feeds, db = tmp_path / "feeds.yaml", tmp_path / "news.db"
    feeds.write_text("limits: {allow_private: [127.0.0.1]}\nsources:\n" + "\n".join(sources) + "\n")
    command = [sys.executable, "-m", "groundswell", "worker", "--feeds", str(feeds), "--db", str(db)]
    worker = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while len(feed_server.requests) < 10 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.5)
        # All of its processes, including the parse workers.
        os.killpg(worker.pid, number)
        _, log = worker.communicate(timeout=30)
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
    assert worker.returncode == 0, log.decode()
    with Store.open(db) as store:
        states = [store.feeds.state(f"f{feed}") for feed in range(FEEDS)]
    assert [state.last_message for state in states if state and state.failures] == []
    assert any(state and state.last_ok_at is None for state in states), "it was stopped too late to show anything"
