"""With PostgreSQL, each call to a WebSub subscriber is a job: made once, by whichever process takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.config import parse_config
from aggregator.model import Config
from aggregator.store import Store
from aggregator.store.postgres.queue.runner import Group, JobRunner
from aggregator.websub_protocol import Request
from tests.postgres.cluster import Cluster
from tests.services import HttpService, http_service
from web.websub.publisher import Publisher
from web.websub.rendering import Document, Documents
from web.websub.subscriber_calls import CONFIRMATIONS, DELIVERIES, SubscriberCalls

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOPIC = "http://127.0.0.1:8000/trending.rss"


class Renderer:
    """A feed whose digest is that of its edition."""

    digest = "before"

    def document(self, topic: str) -> Document | None:
        return Document(b"<rss/>", "application/rss+xml", "", self.digest) if topic == TOPIC else None

    def close(self) -> None:
        pass


class Hub:
    """The scorer's part of the hub, and a process that makes its calls."""

    def __init__(self, store: Store, service: HttpService) -> None:
        self.store = store
        self.renderer = Renderer()
        self.callback = f"http://127.0.0.1:{service.port}/"
        config = parse_config("sources: [{id: a, url: 'https://a.example/f'}]\n")
        limits = replace(config.limits, allow_private_callbacks=(self.callback,), fetch=timedelta(seconds=5))
        self.config: Config = replace(config, limits=limits)

    async def step(self, at: datetime) -> None:
        """Take two steps of the scorer: the first finds changes, the second enqueues calls."""
        queue = self.store.job_queue()
        async with Publisher(self.config, store=self.store, renderer=self.renderer, queue=queue) as publisher:
            for _ in range(2):
                await publisher.step(at)
                await publisher.settle()

    def waiting(self) -> list[str]:
        rows = self.store._connection.rows("select queueing_lock from jobs.procrastinate_jobs order by id")
        return [row["queueing_lock"] for row in rows]

    async def run_jobs(self, at: datetime) -> None:
        """Run all waiting jobs."""
        documents = Documents(self.store, self.renderer)

        async def confirm(number: int) -> None:
            async with SubscriberCalls(self.config, self.store, documents, lambda: "{}") as calls:
                await calls.confirm_by_id(number, at)

        async def deliver(number: int) -> None:
            async with SubscriberCalls(self.config, self.store, documents) as calls:
                await calls.deliver_by_id(number, at)

        url = str(self.store._connection.url)  # type: ignore[attr-defined]
        stop = asyncio.Event()
        group = Group({CONFIRMATIONS: confirm, DELIVERIES: deliver}, 4, 1)
        running = asyncio.create_task(JobRunner(url, group).run_until(stop))
        async with asyncio.timeout(60):
            while self.waiting():
                await asyncio.sleep(0.05)
        stop.set()
        await running


@pytest.fixture
def service() -> Iterator[HttpService]:
    with http_service() as service:
        yield service


@pytest.fixture
def hub(postgres: Cluster, service: HttpService) -> Iterator[Hub]:
    with Store.connect(postgres.new_database()) as store:
        store.state.next_edition()
        yield Hub(store, service)


async def test_a_subscriber_is_verified_and_then_gets_updates_by_jobs(hub: Hub, service: HttpService) -> None:
    hub.store.websub_requests.add(Request("subscribe", TOPIC, f"{hub.callback}one"), NOW)
    await hub.step(NOW)
    assert hub.waiting() == [f"{CONFIRMATIONS} 1"]
    assert service.received == [], "the scorer calls nobody"
    await hub.run_jobs(NOW)
    assert hub.store.websub_hub.is_subscribed(TOPIC, f"{hub.callback}one")
    service.received.clear()

    hub.renderer.digest = "before news"
    hub.store.state.next_edition()
    await hub.step(NOW + timedelta(minutes=1))
    await hub.step(NOW + timedelta(minutes=1))
    assert hub.waiting() == [f"{DELIVERIES} 1"], "the same delivery is put in once"
    await hub.run_jobs(NOW + timedelta(minutes=1))
    assert [request.body for request in service.received] == [b"<rss/>"]
    await hub.step(NOW + timedelta(minutes=2))
    assert hub.waiting() == []


async def test_a_finished_delivery_is_not_repeated(hub: Hub, service: HttpService) -> None:
    hub.store.websub_hub.subscribe(Request("subscribe", TOPIC, f"{hub.callback}one"), "before", "192.0.2.1", NOW)
    hub.store.websub_hub.changed(TOPIC, "before news", NOW)
    hub.store.job_queue().defer(DELIVERIES, "1", number=1)
    # The process with the job was killed after storing the delivery, before the end of the job.
    hub.store.websub_hub.delivered(1, "before news", NOW)
    await hub.run_jobs(NOW)
    assert service.received == []


async def test_a_callback_that_fails_waits_as_a_subscription_and_not_as_a_job(hub: Hub, service: HttpService) -> None:
    hub.store.websub_hub.subscribe(Request("subscribe", TOPIC, f"{hub.callback}one"), "before", "192.0.2.1", NOW)
    hub.store.websub_hub.changed(TOPIC, "before news", NOW)
    hub.store.websub_hub.note_check(TOPIC, "before news", hub.store.state.edition())
    service.answers = [(500, {})]
    await hub.step(NOW)
    await hub.run_jobs(NOW)
    await hub.step(NOW + timedelta(seconds=30))
    assert hub.waiting() == []
    await hub.step(NOW + timedelta(minutes=2))
    assert hub.waiting() == [f"{DELIVERIES} 1"]
