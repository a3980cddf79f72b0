"""Durations and refusals of requests, for `/metrics`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""


class RequestMetrics:
    """Counters of one application, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.rendered = Histogram(
            "groundswell_request_duration_seconds",
            "From a complete request to its answer, for answers that were not in memory, waiting for a turn included.",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.cached = Counter("groundswell_kept_answers", "Answers from memory.", registry=self.registry)
        self.refused = Counter(
            "groundswell_refused_requests",
            "Requests refused before a page was made: 400 without one host, 408 too slow, 413 too large, 429 too many.",
            ["status"],
            registry=self.registry,
        )
