"""The commands of README.md and docs/*.md do what the pages say, with the configuration shown beside them.

Each page is followed from top to bottom in its own folder with a small site: its YAML becomes part of feeds.yaml, its
commands are run. Feeds, alerts and mail go to test servers on 127.0.0.1, and `curl` to the site's own application.
Commands that need another machine, root or a container are listed in `ELSEWHERE`, with the reason or the test that
covers them.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from aggregator.store import Store
from groundswell.cli import cli
from tests.documented import PAGES, ROOT, Block, blocks, command_lines, mentioned, usage
from tests.feedserver import FeedServer
from tests.services import HttpService, MailService, http_service, mail_service
from web.app import close_app, create_app

NOW = datetime.now(UTC)
TOKEN = "0123456789abcdef0123456789"
ELSEWHERE = {
    "git": "the network",
    "cd groundswell": "what git made",
    "make": "test_readme.py knows the targets; .ci/run runs them",
    "docker": "a container: test_deploy.py takes the same steps in a clean Debian",
    "sh deploy/install.sh": "root: test_deploy.py",
    "cp deploy/groundswell.service": "root",
    "systemctl": "root",
    "groundswell run": "runs until it is stopped: test_newcomer.py",
    "groundswell demo": "runs until it is stopped: test_newcomer.py",
    "groundswell mcp": "speaks on stdin until its end: tests/web/agents",
}
SECTIONS = {"site", "sources", "alerts", "digest", "rules", "lists", "backup", "sign_in", "defaults", "meaning"}


def rss(name: str, titles: list[str]) -> str:
    items = "".join(
        f"<item><title>{title}</title><link>https://{name}.example/{n}</link><guid>{name}-{n}</guid>"
        f"<pubDate>{format_datetime(NOW - timedelta(hours=20 - n))}</pubDate></item>"
        for n, title in enumerate(titles)
    )
    return f"<rss version='2.0'><channel><title>{name}</title>{items}</channel></rss>"


@dataclass
class Reader:
    """Someone who follows a page: their folder, and the result of the last command."""

    folder: Path
    servers: Servers
    config: dict[str, Any]
    env: dict[str, str] = field(default_factory=dict)

    def take(self, block: Block) -> None:
        """Do what a block of the page says."""
        if block.language == "yaml":
            # As text: YAML gives `off` and `07:00` other meanings than the program does.
            changes = yaml.load(self.servers.local(block.text), Loader=yaml.BaseLoader)
            if set(changes) <= SECTIONS:
                self.config |= changes
                text = yaml.safe_dump(self.config)
                (self.folder / "feeds.yaml").write_text(text)
                with Store.open(self.folder / "groundswell.db") as store:  # as the running worker does
                    store.config_edits.save(text, None, NOW)
        elif block.language == "sh":
            for line in command_lines(block):
                self.run(self.servers.local(line))

    def run(self, line: str) -> None:
        """Run a command line; AssertionError if it fails."""
        if any(line == exempt or line.startswith(f"{exempt} ") for exempt in ELSEWHERE):
            return
        if assigned := re.fullmatch(r"([A-Z_]+)=\$\((.+)\)", line):
            self.env[assigned[1]] = self.program(shlex.split(assigned[2])[1:]).stdout.strip()
            return
        arguments = (
            shlex.split(re.sub(r"\$(\w+)", lambda name: self.env[name[1]], line)) if "$(" not in line else [line]
        )
        if arguments[:2] == ["groundswell", "init"]:
            (self.folder / "feeds.yaml").unlink()  # the page begins again in an empty folder
        if arguments[0] == "groundswell":
            self.program(arguments[1:])
        elif arguments[0] == "curl":
            self.curl(arguments[1:])
        else:
            env = {**os.environ, **self.env}
            subprocess.run(["sh", "-euc", line], cwd=self.folder, env=env, check=True, timeout=60)

    def program(self, arguments: list[str]) -> Result:
        with chdir(self.folder):
            done = CliRunner(env=self.env).invoke(cli, arguments)
        assert done.exit_code == 0, (arguments, done.output, done.exception)
        return done

    def curl(self, arguments: list[str]) -> None:
        headers, data = {}, []
        while len(arguments) > 1:
            option = arguments.pop(0)
            if option == "-H":
                name, _, value = arguments.pop(0).partition(": ")
                headers[name] = value.replace("Bearer TOKEN", f"Bearer {TOKEN}")
            elif option == "-d":
                data.append(arguments.pop(0))
            else:
                arguments.append(option)
        app = create_app(self.folder / "groundswell.db", lambda: datetime.now(UTC), token=TOKEN)
        try:
            path = "/" + arguments[0].split("/", 3)[3]
            kind = headers.pop("Content-Type", "application/x-www-form-urlencoded")
            answer = app.test_client().post(path, data="&".join(data), headers=headers, content_type=kind)
        finally:
            close_app(app)
        assert answer.status_code < 400, (path, answer.text)


@dataclass
class Servers:
    """Replacements for everything outside."""

    feeds: FeedServer
    http: HttpService
    mail: MailService

    def local(self, text: str) -> str:
        """Return *text* with example addresses replaced by those of the test servers."""
        text = text.replace("https://example.com/", self.feeds.url("/"))
        text = text.replace("https://hooks.example/", f"http://127.0.0.1:{self.http.port}/")
        return text.replace("story=12", "story=1")


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with FeedServer() as feeds, http_service() as http, mail_service() as mail:
        titles = [
            "Chip maker opens a fab in Dresden",
            "Bank raises rates by a quarter point",
            "Court hears antitrust case",
        ]
        for name in ("wire", "herald", "blog"):
            feeds.publish(f"/{name}.xml", rss(name, titles))
        feeds.publish("/feed.xml", rss("example", ["A teaser"]))
        page = '<link rel="alternate" type="application/rss+xml" href="/blog.xml">'
        feeds.answer("/blog", 200, page, {"Content-Type": "text/html"})
        yield Servers(feeds, http, mail)


@pytest.fixture(scope="module")
def workplace(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small site: three feeds polled, their stories scored."""
    folder = tmp_path_factory.mktemp("site")
    config = {
        "sources": [{"id": name, "url": servers.feeds.url(f"/{name}.xml")} for name in ("wire", "herald")],
        "categories": [{"id": name} for name in ("news", "science", "big-tech")],
        "limits": {"allow_private": ["127.0.0.1"], "per_host_pause": "0d"},
        "meaning": {"model": "none"},
    }
    (folder / "feeds.yaml").write_text(yaml.safe_dump(config))
    reader = Reader(folder, servers, config)
    reader.program(["poll", "--once"])
    reader.program(["update"])
    with Store.open(folder / "groundswell.db") as store:
        store.config_edits.save((folder / "feeds.yaml").read_text(), None, NOW)
    return folder


@pytest.fixture
def reader(workplace: Path, servers: Servers, tmp_path: Path) -> Reader:
    folder = tmp_path / "site"
    shutil.copytree(workplace, folder)
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    outline = f'<outline text="Blog" type="rss" xmlUrl="{servers.feeds.url("/blog.xml")}"/>'
    (folder / "subscriptions.opml").write_text(f'<opml version="2.0"><head/><body>{outline}</body></opml>')
    env = {
        "ALERTS_TO": f"ntfy://127.0.0.1:{servers.http.port}/news",
        "DIGEST_TO": f"mailto://127.0.0.1:{servers.mail.port}?from=news@mail.example&to=you@mail.example",
        "WEBHOOK_SECRET": "0123456789abcdef",
        "EDITOR": "sed -i s/science/research/",
    }
    return Reader(folder, servers, yaml.safe_load((folder / "feeds.yaml").read_text()), env)


OWN_TEST = {"alerts.md", "digests.md", "first-hour.md"}
WITH_COMMANDS = [
    page for page in PAGES if any(block.language == "sh" for block in blocks(page)) and page.name not in OWN_TEST
]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_a_page_works_from_top_to_bottom(page: Path, reader: Reader) -> None:
    for block in blocks(page):
        reader.take(block)


def test_the_commands_of_the_alerts_page_send_what_it_says(reader: Reader) -> None:
    reader.servers.http.received.clear()
    for block in blocks(ROOT / "docs/alerts.md"):
        reader.take(block)
    titles = [json.loads(request.body)["message"].split(".")[0] for request in reader.servers.http.received]
    assert titles == [f"This is a test of {name}" for name in ("big-news", "chips", "operator", "big-news")]


def test_the_commands_of_the_digests_page_send_mail(reader: Reader) -> None:
    reader.servers.mail.received.clear()
    for block in blocks(ROOT / "docs/digests.md"):
        reader.take(block)
    [mail] = reader.servers.mail.received
    assert mail["To"] == "you@mail.example"
    assert "The day in stories" in str(mail.get_body(("plain",)))


def test_every_exception_is_on_some_page() -> None:
    lines = [
        line for page in PAGES for block in blocks(page) if block.language == "sh" for line in command_lines(block)
    ]
    assert [exempt for exempt in ELSEWHERE if not any(line.startswith(exempt) for line in lines)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_that_a_page_mentions_exists_with_its_options(page: Path) -> None:
    for span in mentioned(page):
        usage(span)
