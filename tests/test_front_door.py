"""The program from the command line: processes, signals, exit codes, messages."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.demo import edition as sample
from aggregator.demo.publish import feeds_yaml
from aggregator.demo.server import FeedServer
from groundswell.cli import cli
from groundswell.logging import configure_logging
from groundswell.processes import child_environment

DAY_THREE = sample.STARTS_AT.replace(day=sample.STARTS_AT.day + 2, hour=15)
PATIENCE_S = 60


def groundswell(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "groundswell", *args],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def environment() -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")}
    return {**variables, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {patience_s} s"
        time.sleep(0.05)


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


@pytest.fixture
def sample_server() -> Iterator[FeedServer]:
    with FeedServer(sample.load(), lambda: DAY_THREE) as server:
        yield server


@pytest.fixture
def site(tmp_path: Path, sample_server: FeedServer) -> Path:
    """A folder with a feeds.yaml of the sample edition's sources."""
    text = feeds_yaml(sample.load(), sample_server.base_url, "http://127.0.0.1:8000")
    (tmp_path / "feeds.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def run(*args: str) -> subprocess.Popen[bytes]:
        log = (tmp_path / f"log{len(started)}.txt").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "groundswell", *args], cwd=tmp_path, env=environment(), stderr=log, stdout=log
        )
        log.close()
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)


def test_run_polls_and_serves_and_a_saved_configuration_is_applied(
    site: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    text = (site / "feeds.yaml").read_text()
    first, _, rest = text.partition("- id: techcrunch_ai")
    _, _, others = rest.partition("- id:")
    (site / "feeds.yaml").write_text(f"{first}- id:{others}")
    port = free_port()
    process = start("run", "--port", str(port))
    home = f"http://127.0.0.1:{port}"

    def sources() -> dict[str, str]:
        shown = groundswell("sources", "list", "--json", cwd=site)
        return {row["id"]: row["words"] for row in json.loads(shown.stdout)} if shown.returncode == 0 else {}

    wait_for(lambda: get(f"{home}/healthz")[0] == 200, "a healthy site")
    wait_for(lambda: "/story/" in get(f"{home}/")[1], "stories on the front page")
    assert "techcrunch_ai" not in sources()

    (site / "feeds.yaml").write_text(text)
    wait_for(lambda: "new" in sources().get("techcrunch_ai", ""), "the new source polled")

    (site / "feeds.yaml").write_text(text.replace("sources:", "sauces:", 1))
    wait_for(lambda: "sauces" in get(f"{home}/sources")[1], "the fault on the sources page")
    assert get(f"{home}/")[0] == 200

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 0
    check = sqlite3.connect(site / "groundswell.db")
    assert check.execute("pragma quick_check").fetchone() == ("ok",)
    check.close()


def test_a_site_alone_follows_feeds_yaml(site: Path, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    port = free_port()
    start("web", "--port", str(port))
    home = f"http://127.0.0.1:{port}"
    wait_for(lambda: "<html" in get(f"{home}/sources")[1], "the site")
    feeds = site / "feeds.yaml"
    feeds.write_text(feeds.read_text().replace("title: Groundswell", "title: The Second Name"))
    wait_for(lambda: "The Second Name" in get(f"{home}/sources")[1], "the new title")
    feeds.write_text(feeds.read_text().replace("sources:", "sauces:", 1))
    wait_for(lambda: "sauces" in get(f"{home}/sources")[1], "the error on the sources page")


@pytest.mark.long
def test_the_demo_plays_without_a_network_and_its_front_page_moves(
    start: Callable[..., subprocess.Popen[bytes]],
) -> None:
    port = free_port()
    process = start("demo", "--port", str(port), "--start", "12", "--speed", "2000")
    home = f"http://127.0.0.1:{port}"
    wait_for(lambda: "/story/" in get(f"{home}/")[1], "stories on the front page", 4 * PATIENCE_S)
    before = re.findall(r"/story/\d+", get(f"{home}/")[1])
    wait_for(lambda: re.findall(r"/story/\d+", get(f"{home}/")[1]) != before, "another front page", 4 * PATIENCE_S)
    assert "<rss" in get(f"{home}/trending.rss")[1]
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 0


def test_poll_once_then_update_then_explain(site: Path) -> None:
    polled = groundswell("poll", "--once", "--json", cwd=site)
    assert polled.returncode == 0, polled.stderr
    rows = json.loads(polled.stdout)
    assert len(rows) == 14
    assert all(row["ok"] for row in rows)
    assert sum(row["new"] for row in rows) > 100

    again = groundswell("poll", "--once", cwd=site)
    assert "0 new entries" in again.stdout

    updated = groundswell("update", cwd=site)
    assert updated.returncode == 0, updated.stderr
    connection = sqlite3.connect(site / "groundswell.db")
    query = "select story_id from memberships join entries using (entry_id) where title like '%Trainium%'"
    (story,) = connection.execute(query).fetchone()
    connection.close()
    explained = groundswell("explain", str(story), cwd=site)
    assert explained.returncode == 0, explained.stderr
    assert "Score" in explained.stdout

    checked = groundswell("check", cwd=site)
    assert checked.returncode == 0, checked.stderr
    assert "no error" in checked.stdout


def test_a_second_worker_and_a_port_in_use_are_reported_in_one_sentence(
    site: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    start("worker")
    wait_for((site / "groundswell.db.lock").exists, "a worker")
    wait_for(lambda: (site / "groundswell.db.lock").read_text() != "", "its number")
    second = groundswell("worker", cwd=site)
    assert second.returncode == 1
    assert "another worker (process" in second.stderr
    assert "Traceback" not in second.stderr

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = groundswell("run", "--port", port, "--db", "other.db", cwd=site)
    assert refused.returncode == 1
    assert port in refused.stderr
    assert "--port" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("command", ["run", "web", "demo"])
def test_a_port_that_does_not_exist_is_refused_before_anything_starts(command: str, tmp_path: Path) -> None:
    refused = groundswell(command, "--port", "99999", cwd=tmp_path)
    assert refused.returncode == 2
    assert "65535" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_a_person_has_to_fix_is_one_sentence(tmp_path: Path) -> None:
    missing = groundswell("poll", cwd=tmp_path)
    assert missing.returncode == 1
    assert "feeds.yaml does not exist" in missing.stderr

    (tmp_path / "feeds.yaml").write_text("sources:\n  - {id: a, url: https://a.example/, category: nope}\n")
    faulty = groundswell("check", cwd=tmp_path)
    assert faulty.returncode == 1
    assert "feeds.yaml:2:" in faulty.stderr
    assert "Traceback" not in faulty.stderr + missing.stderr

    refused = groundswell("run", "--port", str(free_port()), cwd=tmp_path)
    assert refused.returncode == 1
    # Nothing else before it, such as the address of a site that does not start.
    assert refused.stderr.startswith("feeds.yaml:2:")
    assert "nope" not in refused.stderr

    (tmp_path / "groundswell.db").write_bytes(b"no database at all" * 100)
    damaged = groundswell("sources", "list", cwd=tmp_path)
    assert damaged.returncode == 1
    assert "Traceback" not in damaged.stderr


def test_every_command_has_help_with_an_example(tmp_path: Path) -> None:
    import click

    import groundswell.cli as front

    def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if isinstance(command, click.Group):
                yield from leaves(command, (*path, name))
            else:
                yield (*path, name)
                assert command.help, name
                assert "Example:" in command.help, name
                assert f"groundswell {' '.join((*path, name))}" in command.help, name

    assert {"run", "worker", "web", "demo", "poll", "update", "train", "check", "replay", "explain"} <= {
        path[0] for path in leaves(front.cli)
    }
    assert {("sources", "list"), ("sources", "check")} <= set(leaves(front.cli))


def test_polling_waits_neither_for_what_counts_nor_for_what_serves(tmp_path: Path) -> None:
    code = "import sys, groundswell.cli; print(sorted({'numpy', 'sklearn', 'flask', 'granian'} & sys.modules.keys()))"
    query = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert query.stdout.strip() == "[]"


def test_the_log_is_one_line_a_record_whatever_a_feed_wrote() -> None:
    import logging

    from groundswell.logging import LineFormatter

    record = logging.LogRecord("x", logging.INFO, "f", 1, "title: %s", ("\x1b[31mred\nSECOND\x00",), None)
    assert "\n" not in LineFormatter("%(message)s").format(record)
    assert "\x1b" not in LineFormatter("%(message)s").format(record)


def test_a_log_in_json_has_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(as_json=True)
    try:
        logging.getLogger("groundswell.test").warning("a feed wrote\n\x1b[31m%s", "this")
        try:
            raise ValueError("broken")
        except ValueError:
            logging.getLogger("groundswell.test").exception("it failed")
    finally:
        configure_logging()
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["level"], first["logger"], first["message"]) == (
        "warning",
        "groundswell.test",
        "a feed wrote\n\x1b[31mthis",
    )
    assert datetime.fromisoformat(first["time"]).tzinfo is not None
    assert "ValueError: broken" in second["exception"]


def test_the_parts_of_a_site_log_as_it_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GROUNDSWELL_LOG_FORMAT", "text")
    try:
        CliRunner().invoke(cli, ["--log-format", "json", "check", "--db", str(tmp_path / "news.db")])
        assert child_environment()["GROUNDSWELL_LOG_FORMAT"] == "json"
    finally:
        configure_logging()
    assert CliRunner().invoke(cli, ["--log-format", "yaml", "check"]).exit_code == 2
