"""With PostgreSQL, each message of an alert is a job: it is sent once, by whichever process takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.config import parse_config
from aggregator.model import AlertTarget, Config
from aggregator.notify import digest_of, service_of
from aggregator.store import Store
from aggregator.store.alerts import NewMessage
from aggregator.store.postgres.queue.runner import Group, JobRunner
from tests.postgres.cluster import Cluster
from tests.services import HttpService, http_service
from web.alerts import MESSAGES, Dispatcher, deliver_by_id

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def service() -> Iterator[HttpService]:
    with http_service() as service:
        yield service


@pytest.fixture
def store(postgres: Cluster) -> Iterator[Store]:
    with Store.connect(postgres.new_database()) as store:
        yield store


def alerting(service: HttpService) -> tuple[Config, AlertTarget]:
    config = parse_config(
        "sources: [{id: a, url: 'https://a.example/f'}]\n"
        f"alerts: {{secret: a secret of the operator, allow_private: yes, to: ['http://127.0.0.1:{service.port}/hook']}}"
    )
    return config, config.alerts.to[0]


def add(store: Store, target: AlertTarget, *subjects: str) -> None:
    content = {"title": "Chip plant opens", "text": "", "data": {}}
    store.alert_messages.add(
        [NewMessage("big", subject, 0, digest_of(target), service_of(target), content) for subject in subjects], NOW
    )


async def run_jobs(store: Store, config: Config, url: str) -> None:
    async def send(message_id: int) -> None:
        await deliver_by_id(store, config, message_id, NOW)

    stop = asyncio.Event()
    running = asyncio.create_task(JobRunner(url, Group({MESSAGES: send}, 4, 1)).run_until(stop))
    async with asyncio.timeout(60):
        while store._connection.value("select count(*) from jobs.procrastinate_jobs"):
            await asyncio.sleep(0.05)
    stop.set()
    await running


def url_of(store: Store) -> str:
    return str(store._connection.url)  # type: ignore[attr-defined]


async def test_each_message_is_put_in_and_sent_once(store: Store, service: HttpService) -> None:
    config, target = alerting(service)
    add(store, target, "1", "2", "3")
    dispatcher = Dispatcher(config, store, Path(), store.job_queue())
    assert await dispatcher.step(NOW) == 3
    assert await dispatcher.step(NOW + timedelta(seconds=5)) == 0
    assert service.received == []
    await run_jobs(store, config, url_of(store))
    assert len(service.received) == 3
    assert {message.outcome for message in store.alert_messages.newest(10)} == {"sent"}
    assert await dispatcher.step(NOW + timedelta(minutes=2)) == 0


async def test_a_message_whose_process_was_killed_while_it_sent_is_not_sent_again(
    store: Store, service: HttpService
) -> None:
    config, target = alerting(service)
    add(store, target, "1")
    await Dispatcher(config, store, Path(), store.job_queue()).step(NOW)
    (message,) = store.alert_messages.due(NOW)
    assert store.alert_messages.claim(message.message_id)  # and then it was killed: its job runs again
    await run_jobs(store, config, url_of(store))
    assert service.received == []
    (message,) = store.alert_messages.newest(10)
    assert message.outcome == "unknown"


async def test_a_message_that_its_service_does_not_take_waits_as_a_message_and_not_as_a_job(
    store: Store, service: HttpService
) -> None:
    config, target = alerting(service)
    service.answers = [(503, {})]
    add(store, target, "1")
    dispatcher = Dispatcher(config, store, Path(), store.job_queue())
    await dispatcher.step(NOW)
    await run_jobs(store, config, url_of(store))
    assert await dispatcher.step(NOW + timedelta(seconds=30)) == 0
    assert await dispatcher.step(NOW + timedelta(minutes=2)) == 1
