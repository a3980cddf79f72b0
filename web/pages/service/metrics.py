"""`/metrics`: figures of the running program for Prometheus, for the operator.

If the site's own address is a loopback one, anyone on this machine may read them. Behind a proxy all clients would
appear to be on this machine, so the operator's token is required, or `site.metrics: public` in feeds.yaml.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from aggregator.polling.cadence import silence
from aggregator.site.disk_use import DiskUse, disk_use
from aggregator.store.metrics import LAG_BOUNDS_S, HostCounts, SiteCounts
from aggregator.text.ip_addresses import is_loopback
from web.auth.credentials import TooManyTries
from web.http.headers import CSP_DATA
from web.request.access import authenticator, operator
from web.request.context import config, now, reading
from web.request.services import services

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Figures of polling, scoring and reading; 404 for anyone who may not see them."""
    if not _may_read():
        abort(404)
    with reading().store() as store:
        figures = store.metrics.figures(now())
        messages = store.alert_messages.counts()
        state = _WorkerState(store.state.edition(), store.progress.watermark(), store.state.last_heartbeat(now()))
        lags = store.metrics.publication_lags(now() - timedelta(days=1))
        disk = disk_use(store, reading().db, config().retention.entries, now())
    registry = CollectorRegistry()
    registry.register(_Site(figures, state, lags, disk, now()))
    registry.register(_Alerts(messages))
    response = Response(generate_latest(registry) + generate_latest(services().request_metrics.registry))
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
            if authenticator().is_bearer(store, request.environ):
                return True
        except TooManyTries:
            return False
    is_local = is_loopback(request.remote_addr or "") and "X-Forwarded-For" not in request.headers
    return is_local and is_loopback(urlsplit(config().site.url).hostname or "")


@dataclass(frozen=True, slots=True)
class _WorkerState:
    edition: int
    watermark: datetime | None
    last_heartbeat: datetime | None


class _Site(Collector):
    """Figures from the database, as metrics."""

    def __init__(
        self, figures: SiteCounts, worker: _WorkerState, lags: tuple[list[int], int, float], disk: DiskUse, at: datetime
    ) -> None:
        self._figures, self._worker, self._lags, self._disk, self._at = figures, worker, lags, disk, at

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield from self._polling()
        yield from _by_host(self._figures.hosts)
        yield from self._scoring()
        yield from self._storage()

    def _polling(self) -> Iterator[Metric]:
        figures, at = self._figures, self._at
        expected = [silence(arrivals, at) for arrivals in figures.arrivals]
        overdue = sum(quiet is not None and quiet.overdue_at <= at for quiet in expected)
        unchanged = sum(host.unchanged for host in figures.hosts)
        lag = _age(figures.most_overdue_at, at) if figures.most_overdue_at else 0.0
        yield _labelled("sources", "Sources by state.", "state", figures.sources.items())
        yield _gauge("sources_silent", "Sources overdue by their own cadence (1 in 100).", overdue)
        yield _counter("polls", "Requests for feeds.", figures.polls)
        yield _counter("polls_unchanged", "Of those, answered 304.", unchanged)
        yield _gauge("unchanged_share", "Share of 304.", unchanged / figures.polls if figures.polls else 0.0)
        last_day = "Polls of the last 24 hours that brought a document or failed, by outcome."
        yield _labelled("polls_last_day", last_day, "outcome", figures.outcomes.items())
        yield _gauge("sources_due", "Sources that wait for their poll.", figures.due)
        yield _gauge("poll_lag_seconds", "For how long the longest of them waits.", lag)
        yield _counter("entries", "Entries ever stored.", figures.entries)
        yield _counter("views", "People who looked at a story, by day and story.", figures.views)

    def _scoring(self) -> Iterator[Metric]:
        worker, newest = self._worker, self._figures.newest_at
        behind = (newest - worker.watermark).total_seconds() if newest and worker.watermark else 0.0
        yield _gauge("edition", "Grows whenever anything visible changed.", worker.edition)
        yield _gauge("update_lag_seconds", "From the last scored entry to the newest.", max(behind, 0.0))
        if worker.last_heartbeat is not None:
            age = _age(worker.last_heartbeat, self._at)
            yield _gauge("worker_heartbeat_age_seconds", "Since the last heartbeat of the worker.", age)

    def _storage(self) -> Iterator[Metric]:
        counts, entries, total = self._lags
        buckets = [(str(float(bound)), count) for bound, count in zip(LAG_BOUNDS_S, counts, strict=True)]
        yield HistogramMetricFamily(
            "groundswell_publication_lag_seconds",
            "From the publication that a feed states to the arrival here; entries of the last 24 hours.",
            buckets=[*buckets, ("+Inf", entries)],
            sum_value=total,
        )
        disk = self._disk
        yield _gauge("database_bytes", "Size of the database and its write-ahead log.", disk.database)
        yield _gauge("database_free_bytes", "Space in the database that new entries use first.", disk.reclaimable)
        if disk.free is not None:
            yield _gauge("disk_free_bytes", "Free space on the disk of the database.", disk.free)
        yield _gauge("disk_growth_bytes_per_day", "Growth of the database, from the last week.", disk.growth_per_day)


class _Alerts(Collector):
    """The outcomes of messages."""

    def __init__(self, counts: Mapping[tuple[str, str], int]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Yield the number of messages for each outcome."""
        family = GaugeMetricFamily(
            "groundswell_alert_messages", "Messages of the last 30 days.", labels=["rule", "outcome"]
        )
        for (rule, outcome), count in sorted(self._counts.items()):
            family.add_metric([rule or "operator", outcome or "waiting"], count)
        yield family


def _by_host(hosts: Iterable[HostCounts]) -> Iterator[Metric]:
    described: dict[str, tuple[str, Callable[[HostCounts], float]]] = {
        "host_requests": ("Requests for feeds, by host.", lambda figures: figures.requests),
        "host_unchanged": ("Of these, answered 304.", lambda figures: figures.unchanged),
        "host_received_bytes": ("Bytes received.", lambda figures: figures.bytes),
        "host_saved_bytes": ("Bytes that 304 answers saved.", lambda figures: figures.saved_bytes),
        "host_waits_kept": (
            "Polls delayed because server or document asked for it.",
            lambda figures: figures.waits_kept,
        ),
        "host_waited_seconds": ("Total delay in seconds.", lambda figures: figures.waited_s),
    }
    for name, (description, value_of) in described.items():
        family = CounterMetricFamily(f"groundswell_{name}", description, labels=["host"])
        for counts in hosts:
            family.add_metric([counts.host], value_of(counts))
        yield family


def _gauge(name: str, description: str, value: float) -> Metric:
    return GaugeMetricFamily(f"groundswell_{name}", description, value=value)


def _counter(name: str, description: str, value: float) -> Metric:
    return CounterMetricFamily(f"groundswell_{name}", description, value=value)


def _labelled(name: str, description: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(f"groundswell_{name}", description, labels=[label])
    for text, value in values:
        family.add_metric([text], value)
    return family


def _age(moment: datetime, at: datetime) -> float:
    return max((at - moment).total_seconds(), 0.0)
