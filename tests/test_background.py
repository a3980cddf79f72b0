"""Long jobs: which is due, what is recorded, and what follows a failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.config import parse_config
from aggregator.model import Backups
from aggregator.store import Store
from aggregator.store.cluster.jobs import NewJob
from groundswell.background import work as working
from groundswell.background.moments import RETRY
from groundswell.background.schedule import LANGUAGES, MEASURE, MOMENTS, TRAIN, Schedule
from groundswell.background.steps import PutInQueue, RunHere
from groundswell.background.work import LongWork
from groundswell.processes import CommandFailedError, run_aside
from tests.aggregator.store.test_store import SOURCE, add, arrival

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CONFIG = parse_config("sources: [{id: a, url: 'https://a.example/f'}]\n")


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


class Commands:
    """Replaces commands in separate processes: records them, and succeeds or fails."""

    def __init__(self) -> None:
        self.run: list[str] = []
        self.fault = ""

    async def __call__(self, command: str, feeds: Path, db: Path, *more: str) -> str:
        self.run.append(" ".join((command, *more)))
        if self.fault:
            raise CommandFailedError(self.fault)
        return f"{command} is done\nand more"


class Queue:
    """Accepts jobs until it has one."""

    def __init__(self) -> None:
        self.jobs: list[str] = []

    def defer(self, name: str, key: str = "", **arguments: object) -> bool:
        if name in self.jobs:
            return False
        self.jobs.append(name)
        return True

    def defer_all(self, name: str, jobs: Iterable[NewJob]) -> int:
        return sum(self.defer(name) for _ in jobs)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "news.db") as store:
        yield store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def schedule(store: Store, clock: Clock) -> Schedule:
    """The schedule of a site whose jobs all ran at noon."""
    for moment in MOMENTS.values():
        store.state.set_moment(moment, NOON)
    return Schedule(store, CONFIG, clock, lambda: True)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    commands = Commands()
    monkeypatch.setattr(working, "run_aside", commands)
    return commands


@pytest.fixture
def here(tmp_path: Path, store: Store, schedule: Schedule, clock: Clock) -> RunHere:
    return RunHere(schedule, LongWork(tmp_path / "feeds.yaml", tmp_path / "news.db", store, clock))


async def test_a_job_runs_when_its_time_has_come(here: RunHere, commands: Commands, clock: Clock) -> None:
    clock.now = NOON + MEASURE - timedelta(seconds=1)
    await here.step("measure")
    assert commands.run == []
    clock.now = NOON + MEASURE
    await here.step("measure")
    await here.step("measure")
    assert commands.run == ["evaluate --live"]


async def test_a_job_that_fails_runs_again_soon(
    here: RunHere, commands: Commands, clock: Clock, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    commands.fault = "the database cannot be used now\nsecond line"
    clock.now = NOON + TRAIN
    await here.step("train")
    assert store.state.get("train_said") == "the database cannot be used now"
    assert "the database cannot be used now" in caplog.text
    clock.now += RETRY / 2
    await here.step("train")
    assert commands.run == ["train"]
    commands.fault = ""
    clock.now += RETRY / 2
    await here.step("train")
    await here.step("train")
    assert commands.run == ["train", "train"]


async def test_a_training_requested_by_the_operator_starts_immediately(
    here: RunHere, commands: Commands, store: Store, clock: Clock
) -> None:
    store.state.set_moment("train_wanted", NOON)
    clock.now = NOON + timedelta(minutes=1)
    await here.step("train")
    await here.step("train")
    assert commands.run == ["train"]
    assert store.state.moment("train_began") == clock.now


def test_languages_are_due_only_where_an_entry_has_none(store: Store, schedule: Schedule, clock: Clock) -> None:
    clock.now = NOON + LANGUAGES
    assert not schedule.is_due("languages")
    store.feeds.sync([SOURCE], NOON)
    add(store, arrival("a", title="Nvidia opens a lab"))
    assert schedule.is_due("languages")


def test_nothing_is_pruned_by_a_clock_that_was_just_set(store: Store, clock: Clock) -> None:
    store.state.set_moment("pruned_at", NOON)
    clock.now = NOON + timedelta(days=400)
    assert not Schedule(store, CONFIG, clock, lambda: False).is_due("prune")
    assert Schedule(store, CONFIG, clock, lambda: True).is_due("prune")


def test_backups_are_due_only_if_feeds_yaml_enables_them(store: Store, schedule: Schedule, clock: Clock) -> None:
    clock.now = NOON + timedelta(days=2)
    assert not schedule.is_due("backup")
    schedule.config = replace(CONFIG, backup=Backups(folder="copies"))
    assert schedule.is_due("backup")
    store.state.clear("backed_up_at")
    clock.now = NOON
    assert schedule.is_due("backup"), "the first one is made at once"


async def test_what_is_due_is_put_into_the_queue_and_noted(store: Store, schedule: Schedule, clock: Clock) -> None:
    queue = Queue()
    steps = PutInQueue(schedule, store, queue)
    store.state.set_moment("train_wanted", NOON)
    clock.now = NOON + MEASURE
    for _ in range(2):
        for job in ("train", "measure"):
            await steps.step(job)
    assert queue.jobs == ["train", "measure"]
    assert store.state.moment("measured_at") == store.state.moment("train_began") == clock.now
    assert store.state.moment("train_wanted") is None


async def test_a_job_that_still_waits_or_runs_is_not_noted_again(
    store: Store, schedule: Schedule, clock: Clock
) -> None:
    queue = Queue()
    queue.jobs.append("measure")
    clock.now = NOON + MEASURE
    await PutInQueue(schedule, store, queue).step("measure")
    assert store.state.moment("measured_at") == NOON


async def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match=r"news\.db"):
        await run_aside("train", tmp_path / "feeds.yaml", tmp_path / "news.db")
