"""A newcomer's first hour: docs/first-hour.md from top to bottom, in an empty folder, with real processes.

The page's commands are run unchanged. Only addresses differ: feeds, ntfy, mail server and site are on 127.0.0.1, and
feeds.yaml permits that.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import count
from pathlib import Path

import pytest

from tests.documented import ROOT, blocks, command_lines
from tests.feedserver import FeedServer
from tests.services import HttpService, http_service, mail_service

PAGE = ROOT / "docs/first-hour.md"
PATIENCE_S = 180
INSTALLED = os.environ.get("GROUNDSWELL_PROGRAM", "")
"""A `groundswell` that was installed with pipx or uv, to try in place of the checkout."""
FEEDS = ("wire", "herald", "blog")

pytestmark = pytest.mark.long


def rss(name: str, *titles: str) -> str:
    now = format_datetime(datetime.now(UTC))
    items = "".join(
        f"<item><title>{title}</title><guid>{name}-{title}</guid><pubDate>{now}</pubDate></item>" for title in titles
    )
    return f"<rss version='2.0'><channel><title>{name}</title>{items}</channel></rss>"


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_S} s"
        time.sleep(0.3)


@dataclass
class Newcomer:
    """A person at a terminal, and the site that they started in another one."""

    folder: Path
    port: int
    addresses: dict[str, str]
    bin: Path
    running: subprocess.Popen[bytes] | None = None
    printed: list[str] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        variables = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")}
        home = str(self.bin.parent)
        return {**variables, "PATH": f"{self.bin}:{variables['PATH']}", "HOME": home, "GROUNDSWELL_ENCODER": "off"}

    def type(self, line: str) -> None:
        """Run a command line; AssertionError if it fails."""
        if line.startswith("cd "):
            self.folder = (self.folder / line[3:]).resolve()
        elif line in ("groundswell run", "groundswell demo"):
            command = [*line.split(), "--port", str(self.port)]
            with (self.bin.parent / f"{line[12:]}.log").open("ab") as log:
                self.running = subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=log, stderr=log)
        else:
            done = subprocess.run(
                line.split(), cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            self.printed.append(done.stdout)

    def write(self, yaml: str) -> None:
        """Append to feeds.yaml."""
        for example, local in self.addresses.items():
            yaml = yaml.replace(example, local)
        with (self.folder / "feeds.yaml").open("a") as file:
            file.write(yaml)

    def stop(self) -> None:
        """Press Ctrl-C."""
        if self.running is not None:
            self.running.send_signal(signal.SIGINT)
            assert self.running.wait(timeout=30) in (0, 130)
            self.running = None

    def page(self, path: str) -> str:
        """Return a page of the site, "" while it does not respond."""
        assert self.running is not None
        assert self.running.poll() is None, [log.read_text() for log in self.bin.parent.glob("*.log")]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    folder, program = tmp_path / "empty", tmp_path / "bin" / "groundswell"
    folder.mkdir()
    program.parent.mkdir()
    checkout = f"env PYTHONPATH={ROOT} {sys.executable} -m groundswell"
    program.write_text(f'#!/bin/sh\nexec {INSTALLED or checkout} "$@"\n')
    program.chmod(0o755)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    person = Newcomer(folder, port, {}, program.parent)
    try:
        yield person
    finally:
        if person.running is not None:
            person.running.kill()


def test_the_first_hour(newcomer: Newcomer, feed_server: FeedServer) -> None:
    for name in FEEDS:
        feed_server.publish(f"/{name}.xml", rss(name, "Bank raises rates by a quarter point", f"A note of the {name}"))
    settings = "limits: {allow_private: [127.0.0.1], per_host_pause: 0d}\ndefaults: {poll: {min: 2s, max: 2s}}\n"
    with http_service() as ntfy, mail_service() as mail:
        newcomer.addresses = {
            "https://example.com/": feed_server.url("/"),
            "sources:\n": f"{settings}sources:\n",
            "alerts:\n": "alerts:\n  allow_private: yes\n",
            "ntfys://ntfy.sh": f"ntfy://127.0.0.1:{ntfy.port}",
            "mailtos://name:password@mail.example": f"mailto://127.0.0.1:{mail.port}",
        }
        for block in blocks(PAGE):
            if block.language == "yaml":
                newcomer.write(block.text)
            for line in command_lines(block) if block.language == "sh" else ():
                if line == "mkdir news":
                    wait_for(lambda: "Score" in newcomer.page("/"), "the front page of the demo")
                    newcomer.stop()
                    assert list(newcomer.folder.iterdir()) == [], "the demo leaves nothing behind"
                newcomer.type(line)
                if line == "groundswell run":
                    wait_for(lambda: "Bank raises rates" in newcomer.page("/"), "the front page of the three feeds")
                elif line == "groundswell alerts test":
                    assert "This is a test of chips" in ntfy.received[0].body.decode()
                    _publish_until_an_alert(feed_server, ntfy)
                elif line == "groundswell digest --send":
                    assert [message["To"] for message in mail.received] == ["you@mail.example"]
                elif line.startswith("groundswell token create"):
                    _read_in_newsboat(newcomer)

    assert "3 sources" in newcomer.printed[-1]
    assert newcomer.folder.name == "copy"
    assert (newcomer.folder / "feeds.yaml").read_text() == (newcomer.folder.parent / "news/feeds.yaml").read_text()
    newcomer.stop()
    newcomer.type("groundswell run")
    wait_for(lambda: "opens fab" in newcomer.page("/newest"), "the restored site")
    newcomer.stop()


def _publish_until_an_alert(feed_server: FeedServer, ntfy: HttpService) -> None:
    # A rule ignores entries from before the worker loaded it, so news is published until it matches.
    deadline = time.monotonic() + PATIENCE_S
    for number in count():
        feed_server.publish("/wire.xml", rss("wire", f"Maker of chips opens fab {number}"))
        time.sleep(3)
        if any(b"opens fab" in request.body for request in ntfy.received):
            return
        assert time.monotonic() < deadline, f"no alert within {PATIENCE_S} s"


def _read_in_newsboat(newcomer: Newcomer) -> None:
    newsboat = shutil.which("newsboat")
    if newsboat is None:
        return  # Debian: apt-get install newsboat. tests/web/test_reader_api.py has a client of its own.
    config = re.findall(r"```\n(urls-source.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[0]
    home = newcomer.bin.parent / ".newsboat"
    home.mkdir()
    (home / "config").write_text(config.replace("127.0.0.1:8000", f"127.0.0.1:{newcomer.port}"))
    (home / "token").write_text(newcomer.printed[-1])
    subprocess.run([newsboat, "-x", "reload"], env={**newcomer.env, "TERM": "xterm"}, check=True, timeout=60)
    with sqlite3.connect(home / "cache.db") as cache:
        titles = {title for (title,) in cache.execute("select title from rss_item")}
    assert "Bank raises rates by a quarter point" in titles
