"""A long job that runs again, after a kill between its work and its end, has the same result as one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner

from aggregator.cli.database import prune_store
from aggregator.cli.languages import detect_languages
from aggregator.model import Retention
from aggregator.store import Store
from aggregator.text import language_detection
from scoring.evaluation.site.scorecard import measure
from tests.postgres.cluster import Cluster
from tests.postgres.test_backup import contents
from tests.scoring.updater.test_updater import filled, updater
from tests.scoring.world import CONFIG, newsroom, publish

LAST = newsroom(11)[-1][0]
KEEPING_A_DAY = replace(CONFIG, retention=Retention(entries=timedelta(days=1), polls=timedelta(days=1)))


@pytest.fixture
def url(postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> str:
    """A site of a few days."""
    url = postgres.emptied_database()
    monkeypatch.setenv("DATABASE_URL", url)
    with Store.connect(url) as store:
        running = updater(filled(store))
        for poll in newsroom(11):
            publish(store, poll)
        running.run(LAST)
        store._connection.run("update entries set language = ''")
    return url


def _measure(store: Store, at: datetime) -> None:
    measure(store, CONFIG, at)


def _prune(store: Store, at: datetime) -> None:
    prune_store(store, KEEPING_A_DAY, at)


def _detect_languages(store: Store, at: datetime) -> None:
    done = CliRunner().invoke(detect_languages, [])
    assert done.exit_code == 0, done


@pytest.mark.parametrize("run", [_measure, _prune, _detect_languages])
def test_a_second_run_leaves_what_the_first_left(
    url: str, run: Callable[[Store, datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language_detection, "detector", lambda: lambda text: "en")
    pages = ("public.state",)  # the site's edition number, which only grows
    before = contents(url)
    with Store.connect(url) as store:
        run(store, LAST + timedelta(hours=1))
        once = contents(url)
        assert {name for name in once if once[name] != before[name]} - {*pages}, "the job does something"
        run(store, LAST + timedelta(minutes=61))
    twice = contents(url)
    assert [name for name in twice if twice[name] != once[name] and name not in pages] == []
