"""`/metrics`: the figures, and who may see them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from tests.web import newsroom
from tests.web.newsroom import NOW

DEPLOY = Path(__file__).resolve().parents[4] / "deploy"


def test_every_line_is_one_that_prometheus_reads(full: FlaskClient) -> None:
    answer = full.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    sample = r'groundswell_\w+(\{\w+="[^"\n]*"\})? -?[\d.e+]+'
    families = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"groundswell_polls", "groundswell_host_requests", "groundswell_request_duration_seconds"} <= families
    for line in answer.text.splitlines():
        assert re.fullmatch(rf"# (HELP|TYPE) groundswell_\w+ .+|{sample}", line), line


def test_it_has_polls_entries_and_views(full: FlaskClient) -> None:
    samples = dict(line.rsplit(" ", 1) for line in full.get("/metrics").text.splitlines() if line[0] != "#")
    assert float(samples["groundswell_entries_total"]) > 0
    assert float(samples["groundswell_edition"]) > 0
    assert float(samples['groundswell_sources{state="ok"}']) > 0
    assert float(samples["groundswell_worker_heartbeat_age_seconds"]) == 4
    assert any(name.startswith("groundswell_host_requests_total{host=") for name in samples)


@pytest.mark.parametrize(
    ("setting", "url", "headers", "status"),
    [
        ("operator", "http://127.0.0.1:8000", {}, 200),
        ("operator", "http://127.0.0.1:8000", {"X-Forwarded-For": "203.0.113.5"}, 404),
        ("operator", "https://news.example", {}, 404),
        ("operator", "https://news.example", {"Authorization": "Bearer open sesame"}, 200),
        ("operator", "https://news.example", {"Authorization": "Bearer open says me"}, 404),
        ("public", "https://news.example", {}, 200),
        ("off", "http://127.0.0.1:8000", {"Authorization": "Bearer open sesame"}, 404),
    ],
)
def test_only_the_operator_reads_them_unless_the_setting_says_otherwise(
    tmp_path: Path,
    make_app: Callable[..., Flask],
    setting: str,
    url: str,
    headers: dict[str, str],
    status: int,
) -> None:
    config = newsroom.sample_config()
    config = replace(config, site=replace(config.site, url=url, metrics=setting))
    with_config = make_app(tmp_path / "other.db", fallback_config=config, token="open sesame")
    answer = with_config.test_client().get("/metrics", headers=headers)
    assert answer.status_code == status


def test_what_is_due_says_for_how_long_it_waits(edition_db: Path, make_app: Callable[..., Flask]) -> None:
    late = make_app(edition_db, clock=lambda: NOW + timedelta(hours=30)).test_client()
    samples = dict(line.rsplit(" ", 1) for line in late.get("/metrics").text.splitlines() if line[0] != "#")
    assert float(samples["groundswell_sources_due"]) > 0
    assert float(samples["groundswell_poll_lag_seconds"]) > 0


def test_the_dashboard_queries_existing_metrics(full: FlaskClient) -> None:
    metrics = full.get("/metrics").text
    named = set(re.findall(r"^(?:# TYPE )?(groundswell_\w+)", metrics, re.M))
    # A counter without a value yet only shows its type, without "_total".
    named |= {f"{name}_total" for name in named}
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
    rules = (DEPLOY / "prometheus.yml").read_text(encoding="utf-8")
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked_for = set(re.findall(r"groundswell_\w+", " ".join([*expressions, *re.findall(r"expr: ([^}]+)", rules)])))
    assert len(asked_for) >= 15
    assert asked_for <= named
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_entries_are_counted_by_how_late_they_came(edition_db: Path, make_app: Callable[..., Flask]) -> None:
    text = make_app(edition_db).test_client().get("/metrics").text
    buckets = [
        float(n) for n in re.findall(r'^groundswell_publication_lag_seconds_bucket\{le="[^"]+"\} (\S+)$', text, re.M)
    ]
    (count,) = re.findall(r"^groundswell_publication_lag_seconds_count (\S+)$", text, re.M)
    assert buckets == sorted(buckets)
    assert buckets[-1] == float(count) > 0


def test_the_size_of_the_database_is_a_metric(edition_db: Path, make_app: Callable[..., Flask]) -> None:
    text = make_app(edition_db).test_client().get("/metrics").text
    (size,) = re.findall(r"^groundswell_database_bytes (\S+)$", text, re.M)
    assert float(size) >= edition_db.stat().st_size
