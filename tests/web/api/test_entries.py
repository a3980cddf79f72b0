"""`POST /api/v1/entries`: who may send, what is refused, and what the worker stores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from aggregator.polling.poller import Poller
from aggregator.polling.posted import PostedEntriesJob
from aggregator.store import Store
from aggregator.store.readers import posted
from tests.web import newsroom
from tests.web.newsroom import NOW
from web.auth.credentials import TRIES
from web.auth.reader_tokens import make_reader_token, revoke_reader_token

OPERATOR = "the operator's own token, long enough"
ENTRY = {"source": "seedbed", "id": "letter-12", "title": "Twelfth letter", "url": "https://example.com/12"}


@dataclass
class World:
    store: Store
    client: FlaskClient
    token: str

    def post(self, token: str = "", **changes: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return self.client.post("/api/v1/entries", json=ENTRY | changes, headers=headers)

    def waiting(self) -> int:
        return len(self.store.posted_entries.waiting(1_000))


@pytest.fixture
def world(tmp_path: Path, make_app: Callable[..., Flask]) -> Iterator[World]:
    with Store.open(tmp_path / "news.db") as store:
        store.feeds.sync(newsroom.sample_config().sources, NOW)
        secret, _ = make_reader_token(store, "letters", NOW, may_post=True)
        yield World(store, make_app(tmp_path / "news.db", token=OPERATOR).test_client(), secret)


@pytest.fixture
async def job(world: World) -> AsyncIterator[PostedEntriesJob]:
    config = newsroom.sample_config()
    async with Poller(config, store=world.store, clock=newsroom.clock, rng=Random(1)) as poller:
        yield PostedEntriesJob(config, world.store, poller)


async def test_an_entry_is_stored_once_and_changed_by_its_id(world: World, job: PostedEntriesJob) -> None:
    answer = world.post(content="<p>Text<script>alert(1)</script></p>", author="Ann", tags=["ai"])
    assert (answer.status_code, answer.get_json()) == (
        202,
        {"id": "letter-12", "source": "seedbed", "status": "accepted"},
    )
    await job.step()
    (entry,) = world.store.entries.of_source("seedbed", 10)
    assert (entry.title, entry.link, entry.author) == ("Twelfth letter", "https://example.com/12", "Ann")
    assert "script" not in entry.content
    world.post()
    world.post(title="Twelfth letter, corrected")
    await job.step()
    (entry,) = world.store.entries.of_source("seedbed", 10)
    assert entry.title == "Twelfth letter, corrected"
    world.post(id="letter-13", title="Another one", url="https://example.com/13")
    await job.step()
    assert len(world.store.entries.of_source("seedbed", 10)) == 2
    assert world.waiting() == 0


async def test_an_entry_of_a_source_that_went_meanwhile_is_dropped(world: World, job: PostedEntriesJob) -> None:
    world.post()
    config = newsroom.sample_config()
    job.reconfigure(replace(config, sources=tuple(source for source in config.sources if source.id != "seedbed")))
    await job.step()
    assert world.waiting() == 0
    assert world.store.entries.of_source("seedbed", 10) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "nothing"}, "no source 'nothing'"),
        ({"url": "javascript:alert(1)"}, "url must be"),
        ({"title": ""}, "invalid"),
        ({"title": "x" * 501}, "invalid"),
        ({"content": "x" * 100_001}, "invalid"),
        ({"published": "yesterday"}, "invalid"),
        ({"published": "2026-11-28T12:00:00"}, "invalid"),
        ({"unknown": "field"}, "invalid"),
        ({"tags": ["x"] * 51}, "invalid"),
        ({"title": "\x01 \u200b"}, "no visible character"),
        ({"title": "half of a pair: \ud800"}, "surrogate pair"),
        ({"tags": ["\udcff"]}, "surrogate pair"),
    ],
)
def test_an_invalid_entry_is_refused_with_the_reason(world: World, changes: dict[str, Any], message: str) -> None:
    answer = world.post(**changes)
    assert answer.status_code == 400, answer.text
    assert message in answer.text
    assert world.waiting() == 0


def test_json_that_cannot_be_read_is_refused_with_the_reason(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.token}", "Content-Type": "application/json"}
    for body, message in (
        (b'{"source": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"source": "seedbed", "title": "x", "id": ' + b"9" * 5_000 + b"}", "too long"),
        (b'{"source": "seedbed", "id": "1", "title": "\xff"}', "invalid"),
    ):
        answer = world.client.post("/api/v1/entries", data=body, headers=headers)
        assert answer.status_code == 400, body[:60]
        assert message in answer.text, body[:60]
    assert world.waiting() == 0


def test_nobody_posts_without_a_token_that_may(world: World) -> None:
    reader, _ = make_reader_token(world.store, "phone", NOW)
    assert world.client.post("/api/v1/entries", json=ENTRY).status_code == 401
    assert world.post("wrong").status_code == 401
    assert world.post(reader).status_code == 401
    assert world.post(OPERATOR).status_code == 202
    # A token for posting cannot read as an app does.
    headers = {"Authorization": f"Bearer {world.token}"}
    assert world.client.get("/api/greader.php/reader/api/0/user-info", headers=headers).status_code == 401
    (record,) = [record_ for record_ in world.store.reader_tokens.all() if record_.may_post]
    revoke_reader_token(world.store, record.token_id, NOW)
    assert world.post().status_code in (401, 429)


def test_guessing_is_slowed_down(world: World) -> None:
    codes = [world.post(f"guess {n}").status_code for n in range(TRIES + 2)]
    assert codes[-1] == 429
    assert world.post().status_code == 202


def test_too_many_waiting_entries_and_too_large_requests_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posted, "MAX_WAITING", 1)
    assert world.post().status_code == 202
    answer = world.post(id="another")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    headers = {"Authorization": f"Bearer {world.token}", "Content-Type": "application/json"}
    assert world.client.post("/api/v1/entries", data=b"x" * 1_000_001, headers=headers).status_code == 413
    assert world.client.post("/api/v1/entries", data=b"{", headers=headers).status_code in (400, 422)
