"""The receiver of docs/alerts.md, and the operator's page about alerts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from aggregator.model import AlertRule, Alerts, AlertTarget, Config
from aggregator.model.alarms import Alarm, AlarmKind
from aggregator.store import Store
from aggregator.store.alerts import NewMessage
from tests.services import HttpService, http_service
from tests.web.newsroom import NOW, Newsroom

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")


@pytest.fixture
def service() -> Iterator[HttpService]:
    with http_service() as service:
        yield service


def groundswell(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "groundswell", *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def write_feeds(folder: Path, alerts: str) -> None:
    (folder / "feeds.yaml").write_text(f"sources: [{{id: a, url: 'https://a.example/feed'}}]\n{alerts}")


def test_the_receiver_on_the_page_verifies_webhooks(tmp_path: Path, service: HttpService) -> None:
    example = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)[1]
    example = example.replace("https://hooks.example/groundswell", f"http://127.0.0.1:{service.port}/hook")
    write_feeds(tmp_path, example.replace("alerts:\n", "alerts:\n  allow_private: yes\n"))
    secret = "0123456789abcdef"
    done = groundswell(tmp_path, "alerts", "test", WEBHOOK_SECRET=secret)
    assert done.returncode == 0, done.stderr

    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names: dict[str, Callable[..., bool]] = {}
    exec(code, names)
    is_genuine = names["is_genuine"]
    (request,) = service.received
    at = int(request.headers["X-Groundswell-Timestamp"])
    assert is_genuine(secret, request.headers, request.body, at + 10)
    assert not is_genuine(secret, request.headers, request.body + b" ", at + 10)
    assert not is_genuine(secret, request.headers, request.body, at + 1000)
    assert not is_genuine("another secret of 16", request.headers, request.body, at)


def test_a_target_that_refuses_ends_the_test_with_code_1(tmp_path: Path, service: HttpService) -> None:
    write_feeds(tmp_path, f"alerts: {{to: ['ntfy://127.0.0.1:{service.port}/hunter2'], allow_private: yes}}\n")
    service.answers = [(403, {})] * 4
    done = groundswell(tmp_path, "alerts", "test")

    assert done.returncode == 1
    assert "operator: ntfy: not sent" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("alerts", "args", "message"),
    [
        ("", (), "names no target: add `to:` under `alerts:`"),
        ("alerts: {to: ['ntfy://a.example/b'], rules: [{name: a, when: x}]}", ("b",), "there are: a, operator"),
    ],
)
def test_a_test_without_anything_to_test_says_so(
    tmp_path: Path, alerts: str, args: tuple[str, ...], message: str
) -> None:
    write_feeds(tmp_path, alerts)
    done = groundswell(tmp_path, "alerts", "test", *args)

    assert (done.returncode, message in done.stderr) == (1, True), done.stderr


def test_pages_and_metrics_count_messages_and_show_no_address(
    tmp_path: Path, store: Store, room: Newsroom, config: Config, make_app: Callable[..., Flask]
) -> None:
    target = AlertTarget("ntfys://hunter2:hunter2@ntfy.example/hunter2")
    settings = replace(config, alerts=Alerts(to=(target,), rules=(AlertRule("chips", "nvidia", (target,)),)))
    content = {"title": "Score 81: Chip plant opens", "text": "text", "data": {}}
    messages = [NewMessage("chips", f"story:{number}", 0, "digest", "ntfys", content) for number in range(3)]
    store.alert_messages.add(messages, NOW)
    sent, failed, _ = store.alert_messages.due(NOW)
    store.alert_messages.settle(sent.message_id, "sent", "", NOW)
    store.alert_messages.settle(failed.message_id, "failed", "status 403", NOW)
    store.alarms.begin("disk", Alarm(AlarmKind.DISK, {"bytes": 3_000_000}), NOW)
    client = make_app(tmp_path / "news.db", fallback_config=settings, token="t" * 40).test_client()

    assert client.get("/admin").status_code == 303
    client.post("/admin/sign-in", data={"token": "t" * 40}, headers={"Origin": "http://localhost"})
    page = client.get("/admin").get_data(as_text=True)
    metrics = client.get("/metrics").get_data(as_text=True)

    assert "<b>chips</b> <code>nvidia</code>" in page
    assert "1 sent, 1 waiting, 1 failed" in page
    assert "The disk of the database has 3 MB left" in page
    assert 'groundswell_alert_messages{outcome="sent",rule="chips"} 1.0' in metrics
    for address in ("/", "/admin", "/sources", "/about", "/metrics", "/api/v1/stories"):
        assert "hunter2" not in client.get(address).get_data(as_text=True), address
