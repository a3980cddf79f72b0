from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache, StrictUndefined
from jinja2.bccache import Bucket

from aggregator.model import Config
from aggregator.store import Store
from tests.web import newsroom
from tests.web.newsroom import NOW, Newsroom
from web.app import close_app, create_app


class CompiledTemplates(BytecodeCache):
    """Templates compiled once per run instead of once per application: saves a third of the time of these tests."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._code.get(f"{bucket.key} {bucket.checksum}"):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[f"{bucket.key} {bucket.checksum}"] = bucket.bytecode_to_string()


COMPILED = CompiledTemplates()


@pytest.fixture(scope="session")
def edition_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample edition; tests only read it."""
    return newsroom.filled(tmp_path_factory.mktemp("edition") / "news.db")


@pytest.fixture
def config() -> Config:
    return newsroom.sample_config()


@pytest.fixture
def make_app() -> Iterator[Callable[..., Flask]]:
    """Applications that are closed at the end; every request checks whether the edition changed."""
    apps: list[Flask] = []

    def make(db: Path, clock: Callable[[], datetime] = newsroom.clock, **options: object) -> Flask:
        options.setdefault("fallback_config", newsroom.sample_config())
        app = create_app(db, clock, edition_every_s=0.0, **options)  # type: ignore[arg-type]
        # A misspelled variable in a template is an error instead of empty output.
        app.jinja_env.undefined = StrictUndefined
        app.jinja_env.bytecode_cache = COMPILED
        apps.append(app)
        return app

    yield make
    for app in apps:
        close_app(app)


@pytest.fixture
def full(edition_db: Path, make_app: Callable[..., Flask]) -> FlaskClient:
    """A reader of the sample edition."""
    return make_app(edition_db).test_client()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "news.db") as store:
        yield store


@pytest.fixture
def room(store: Store, config: Config) -> Newsroom:
    return Newsroom(store, config)


@pytest.fixture
def site(tmp_path: Path, store: Store, make_app: Callable[..., Flask]) -> FlaskClient:
    """A reader of the stories that a test puts into `room`."""
    return make_app(tmp_path / "news.db").test_client()


@pytest.fixture
def later() -> Clock:
    return Clock()


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now
