"""`/metrics`: figures of the running program as text for Prometheus, for the operator.

Who asks from this machine may read them while the site's own address is a loopback one; behind a proxy everybody
would seem to ask from here, so then the operator's token is needed, or `site.metrics: public` in feeds.yaml.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, request

from aggregator.polling.cadence import silence
from aggregator.store.metrics import HostCounts, SiteCounts
from web.auth.access import door, operator
from web.auth.credentials import TooManyTries
from web.http.headers import CSP_DATA
from web.request.context import config, now, reading
from web.visibility import is_loopback

room = Blueprint("metrics", __name__)

_Sample = tuple[Mapping[str, str], float]


@room.get("/metrics")
def metrics() -> Response:
    """Figures of polling, scoring and reading; 404 to whom they are not shown."""
    if not _may_read():
        abort(404)
    with reading().store() as store:
        figures = store.metrics.figures(now())
        edition, watermark = store.state.edition(), store.state.watermark()
        heard = store.state.last_heartbeat(now())
    response = Response(_text(figures, now()) + _of_worker(figures, edition, watermark, heard, now()))
    response.headers["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
    response.headers["Content-Security-Policy"] = CSP_DATA
    response.headers["Cache-Control"] = "no-store"
    return response


def _may_read() -> bool:
    allowed = config().site.metrics
    if allowed != "operator":
        return allowed == "public"
    if operator() is not None:
        return True
    with reading().store() as store:
        try:
            if door().is_bearer(store, request.environ):
                return True
        except TooManyTries:
            return False
    here = is_loopback(request.remote_addr or "") and "X-Forwarded-For" not in request.headers
    return here and is_loopback(urlsplit(config().site.url).hostname or "")


def _text(figures: SiteCounts, at: datetime) -> str:
    polls, hosts = figures.polls, figures.hosts
    silent = sum((told := silence(arrivals, at)) is not None and told.overdue_at <= at for arrivals in figures.arrivals)
    lag = _age(figures.most_overdue_at, at) if figures.most_overdue_at else 0.0
    unchanged = sum(one.unchanged for one in hosts)
    metrics = [
        _metric("sources", "gauge", "Sources by state.", [({"state": k}, v) for k, v in figures.sources.items()]),
        _metric("sources_silent", "gauge", "Sources overdue by their own rhythm (1 in 100).", [({}, silent)]),
        _metric("polls_total", "counter", "Requests for feeds.", [({}, polls)]),
        _metric("polls_unchanged_total", "counter", "Of those, answered 304.", [({}, unchanged)]),
        _metric("unchanged_share", "gauge", "Share of 304.", [({}, unchanged / polls if polls else 0.0)]),
        _metric(
            "polls_last_day",
            "gauge",
            "Polls of the last 24 hours that brought a document or failed, by outcome.",
            [({"outcome": k}, v) for k, v in figures.outcomes.items()],
        ),
        _metric("sources_due", "gauge", "Sources that wait to be asked.", [({}, figures.due)]),
        _metric("poll_lag_seconds", "gauge", "For how long the longest of them waits.", [({}, lag)]),
        _metric("entries_total", "counter", "Entries ever stored.", [({}, figures.entries)]),
        _metric("views_total", "counter", "People who looked at a story, by day and story.", [({}, figures.views)]),
    ]
    return "".join(metrics + _ledger(hosts))


def _ledger(hosts: Iterable[HostCounts]) -> list[str]:
    told: dict[str, tuple[str, Callable[[HostCounts], float]]] = {
        "host_requests_total": ("Requests for feeds, by host.", lambda one: one.requests),
        "host_unchanged_total": ("Of those, answered 304.", lambda one: one.unchanged),
        "host_received_bytes_total": ("Bytes that came over the wire.", lambda one: one.bytes),
        "host_saved_bytes_total": ("Bytes that each 304 spared.", lambda one: one.saved_bytes),
        "host_waits_kept_total": ("Polls put off because server or document asked for it.", lambda one: one.waits_kept),
        "host_waited_seconds_total": ("By how much, all together.", lambda one: one.waited_s),
    }
    return [
        _metric(name, "counter", words, [({"host": one.host}, figure(one)) for one in hosts])
        for name, (words, figure) in told.items()
    ]


def _of_worker(
    figures: SiteCounts, edition: int, watermark: datetime | None, heard: datetime | None, at: datetime
) -> str:
    newest = figures.newest_at
    behind = (newest - watermark).total_seconds() if newest and watermark else 0.0
    metrics = [
        _metric("edition", "counter", "Grows whenever anything visible changed.", [({}, edition)]),
        _metric("update_lag_seconds", "gauge", "From the last scored entry to the newest.", [({}, max(behind, 0.0))]),
    ]
    if heard is not None:
        metrics.append(
            _metric("worker_heartbeat_age_seconds", "gauge", "When it last said so.", [({}, _age(heard, at))])
        )
    return "".join(metrics)


def _age(moment: datetime, at: datetime) -> float:
    return max((at - moment).total_seconds(), 0.0)


def _metric(name: str, kind: str, words: str, samples: Iterable[_Sample]) -> str:
    lines = [f"# HELP groundswell_{name} {words}", f"# TYPE groundswell_{name} {kind}"]
    for labels, value in samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"groundswell_{name}{{{told}}} {value:.15g}" if told else f"groundswell_{name} {value:.15g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
