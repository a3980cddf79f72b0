from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.errors import ConfigError
from aggregator.model import Fetched
from aggregator.polling.schedule import after
from aggregator.site.config_watcher import ConfigWatch, StandInWatch
from aggregator.store import PollRecord, Store, StoreFault
from aggregator.store.lock import WorkerLock

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

ONE = """
categories:
  - {id: models, name: Models}
sources:
  - {id: wire, url: https://wire.example/feed, category: models}
"""
TWO = ONE + "  - {id: desk, url: https://desk.example/feed, category: models}\n"
FAULTY = ONE.replace("category: models}", "category: modles}")


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(":memory:") as opened:
        yield opened


@pytest.fixture
def feeds(tmp_path: Path) -> Path:
    path = tmp_path / "feeds.yaml"
    path.write_text(ONE)
    return path


def save(path: Path, text: str) -> None:
    """Write as editors do: a new file, renamed into place."""
    part = path.with_suffix(".part")
    part.write_text(text)
    os.replace(part, path)


def due(store: Store, at: datetime) -> set[str]:
    return {state.source_id for state in store.feeds.due(at)}


def test_saving_the_file_applies_it_and_makes_a_new_source_due(store: Store, feeds: Path) -> None:
    watch = ConfigWatch(feeds, store, {})
    watch.start(NOON)
    edition = store.state.edition()
    assert watch.check(NOON + MINUTE) is None
    save(feeds, TWO)
    config = watch.check(NOON + MINUTE)
    assert config is not None
    assert [source.id for source in config.sources] == ["wire", "desk"]
    assert due(store, NOON + MINUTE) == {"wire", "desk"}
    assert store.config_edits.valid_text() == TWO
    assert store.state.edition() > edition
    assert watch.check(NOON + MINUTE) is None


def test_an_invalid_file_keeps_the_last_valid_one_and_says_so(
    store: Store, feeds: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watch = ConfigWatch(feeds, store, {})
    watch.start(NOON)
    save(feeds, FAULTY)
    with caplog.at_level(logging.ERROR):
        assert watch.check(NOON + MINUTE) is None
    fault = store.config_edits.problem()
    assert fault is not None
    assert fault.at == NOON + MINUTE
    assert fault.message.startswith("feeds.yaml:5:")
    assert fault.message.endswith("the value of category is not valid; expected category id")
    assert fault.message in caplog.text
    assert "modles" not in caplog.text
    assert str(feeds.parent) not in fault.message
    assert store.config_edits.valid_text() == ONE
    assert due(store, NOON + MINUTE) == {"wire"}
    save(feeds, TWO)
    assert watch.check(NOON + 2 * MINUTE) is not None
    assert store.config_edits.problem() is None


def test_a_start_with_an_invalid_file_uses_the_last_valid_one(store: Store, feeds: Path) -> None:
    ConfigWatch(feeds, store, {}).start(NOON)
    save(feeds, FAULTY)
    config = ConfigWatch(feeds, store, {}).start(NOON + MINUTE)
    assert [source.id for source in config.sources] == ["wire"]
    assert store.config_edits.problem() is not None


def test_a_first_start_with_a_faulty_file_says_what_to_fix(store: Store, feeds: Path) -> None:
    save(feeds, FAULTY)
    with pytest.raises(ConfigError, match="did you mean 'models'"):
        ConfigWatch(feeds, store, {}).start(NOON)


def test_a_file_that_vanishes_is_a_fault_and_not_an_empty_configuration(store: Store, feeds: Path) -> None:
    watch = ConfigWatch(feeds, store, {})
    watch.start(NOON)
    feeds.unlink()
    assert watch.check(NOON + MINUTE) is None
    fault = store.config_edits.problem()
    assert fault is not None
    assert "does not exist" in fault.message
    assert due(store, NOON + MINUTE) == {"wire"}


def test_a_pipe_in_the_place_of_the_file_is_refused_and_not_waited_for(
    store: Store, feeds: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watch = ConfigWatch(feeds, store, {})
    watch.start(NOON)
    feeds.unlink()
    os.mkfifo(feeds)

    with caplog.at_level(logging.ERROR):
        assert watch.check(NOON + MINUTE) is None
    assert "it is a pipe" in caplog.text

    save(feeds, TWO)
    config = watch.check(NOON + MINUTE)
    assert config is not None
    assert len(config.sources) == 2


def test_a_file_saved_while_the_database_cannot_be_written_is_applied_later(
    store: Store, feeds: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = ConfigWatch(feeds, store, {})
    watch.start(NOON)
    save(feeds, TWO)

    def full(*_: object) -> None:
        raise StoreFault("database or disk is full")

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(store.config_edits, "save", full)
        for _ in range(3):
            assert watch.check(NOON + MINUTE) is None
    assert caplog.text.count("feeds.yaml cannot be applied yet: the database cannot be written") == 1
    config = watch.check(NOON + 2 * MINUTE)
    assert config is not None
    assert [source.id for source in config.sources] == ["wire", "desk"]
    assert watch.check(NOON + 2 * MINUTE) is None


def test_a_site_without_a_worker_applies_what_was_saved(tmp_path: Path, feeds: Path) -> None:
    db = tmp_path / "news.db"
    site = StandInWatch(feeds, db)
    assert site.step(NOON)
    assert not site.step(NOON + MINUTE), "nothing was saved since"
    save(feeds, TWO.replace("feed,", "feed, headers: {X: '${NOT_SET_HERE}'},"))
    assert site.step(NOON + MINUTE)
    with Store.open(db) as opened:
        assert due(opened, NOON + MINUTE) == {"wire", "desk"}
        edition = opened.state.edition()
    save(feeds, FAULTY)
    assert site.step(NOON + 2 * MINUTE)
    with Store.open(db) as opened:
        fault = opened.config_edits.problem()
        assert fault is not None
        assert fault.at == NOON + 2 * MINUTE
        assert opened.state.edition() > edition
        assert due(opened, NOON + MINUTE) == {"wire", "desk"}
    feeds.unlink()
    assert not site.step(NOON + 3 * MINUTE)


def test_a_site_leaves_the_file_to_a_worker_that_runs(tmp_path: Path, feeds: Path) -> None:
    db = tmp_path / "news.db"
    site = StandInWatch(feeds, db)
    with WorkerLock(db), Store.open(db) as store:
        assert not site.step(NOON)
        assert store.config_edits.latest_text() is None
        ConfigWatch(feeds, store, {}).start(NOON)
    assert not site.step(NOON), "what the worker applied is not applied again"
    save(feeds, TWO)
    assert site.step(NOON)


def test_a_first_file_with_errors_is_recorded_by_a_site_alone(tmp_path: Path, feeds: Path) -> None:
    save(feeds, FAULTY)
    site = StandInWatch(feeds, tmp_path / "news.db")
    assert site.step(NOON)
    with Store.open(tmp_path / "news.db") as store:
        assert store.config_edits.problem() is not None


@pytest.mark.parametrize("restarted", [False, True])
def test_new_limits_of_polling_apply_to_the_poll_that_is_scheduled(store: Store, feeds: Path, restarted: bool) -> None:
    def limited(low: str, high: str) -> str:
        return ONE.replace("category: models}", f"category: models, poll: {{min: {low}, max: {high}}}}}")

    feeds.write_text(limited("6h", "12h"))
    watch = ConfigWatch(feeds, store, {})
    config = watch.start(NOON)
    before = store.feeds.state("wire")
    assert before is not None
    polled = after(before, Fetched(b"x", "", before.url), NOON, poll=config.sources[0].poll)
    store.feeds.record(polled, PollRecord(NOON, "fetched", "", 200))
    assert not due(store, NOON + HOUR)

    save(feeds, limited("5m", "30m"))
    if restarted:
        ConfigWatch(feeds, store, {}).start(NOON + MINUTE)
    else:
        watch.check(NOON + MINUTE)
    assert due(store, NOON + HOUR) == {"wire"}
