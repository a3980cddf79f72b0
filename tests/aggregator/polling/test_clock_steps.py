"""The system clock is changed while the worker runs: shifted for its process, without a test double."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.model import Source
from aggregator.model.clock import FastClock, SteppedClock, elapsed_since, machine_time
from aggregator.polling.clock_steps import SETTLED_AFTER, ClockSteps, SteadyClock
from aggregator.store import Store
from tests.feedserver import FeedServer

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static int (*real)(clockid_t, struct timespec *);

/* The shift in seconds, read again ten times a second. */
static long shift(void) {
    static long value, looked = -1;
    struct timespec now;
    real(CLOCK_MONOTONIC, &now);
    long tenth = now.tv_sec * 10 + now.tv_nsec / 100000000;
    if (tenth != looked) {
        looked = tenth;
        FILE *file = fopen(getenv("CLOCK_SHIFT"), "r");
        if (file) { if (fscanf(file, "%ld", &value) != 1) { } fclose(file); }
    }
    return value;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, out);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) out->tv_sec += shift();
    return result;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *out, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""
FEED = "<rss version='2.0'><channel><title>t</title><item><title>a</title><guid>a</guid></item></channel></rss>"
STEPS = {
    "a minute back": -60,
    "a day forward": 86_400,
    "a month back": -30 * 86_400,
    "a month forward": 30 * 86_400,
    "a year back": -365 * 86_400,
    "a year forward": 365 * 86_400,
}
WATCHED_S = 5.0


class ShiftedWorker:
    """A worker whose system clock can be set."""

    def __init__(self, folder: Path, shim: Path, server: FeedServer) -> None:
        self._server = server
        self._shift = folder / "shift"
        self._total = 0
        self._shift.write_text("0")
        self.db = folder / "news.db"
        feeds = folder / "feeds.yaml"
        url = server.publish("/a", FEED, etag='"v"')
        feeds.write_text(
            "limits: {allow_private: [127.0.0.1]}\ndefaults: {poll: {min: 1s, max: 2s}}\n"
            f"sources: [{{id: a, url: '{url}'}}]\n"
        )
        command = [sys.executable, "-m", "groundswell", "worker", "--feeds", str(feeds), "--db", str(self.db)]
        env = os.environ | {"LD_PRELOAD": str(shim), "CLOCK_SHIFT": str(self._shift)}
        self.process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 60
        while len(server.requests) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)

    def set_clock(self, seconds: int) -> None:
        """Shift the clock by some seconds, and give the worker a second to notice."""
        self._total += seconds
        temporary = self._shift.with_suffix(".new")
        temporary.write_text(str(self._total))
        temporary.replace(self._shift)
        time.sleep(1)

    def polls(self, seconds: float) -> int:
        before = len(self._server.requests)
        time.sleep(seconds)
        return len(self._server.requests) - before

    @property
    def peak_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    @property
    def heartbeat_age(self) -> timedelta | None:
        with Store.open(self.db) as store:
            return elapsed_since(store.state.get("heartbeat_machine_time") or "", machine_time())

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def worker(tmp_path: Path, feed_server: FeedServer) -> Iterator[ShiftedWorker]:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("shifting the clock of a process needs a C compiler and Linux")
    source, shim = tmp_path / "shim.c", tmp_path / "shim.so"
    source.write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(shim), str(source), "-ldl"], check=True)
    started = ShiftedWorker(tmp_path, shim, feed_server)
    yield started
    started.stop()


@pytest.mark.long
def test_steps_of_the_clock_leave_polling_heartbeat_and_memory_as_they_were(worker: ShiftedWorker) -> None:
    usual, memory = worker.polls(WATCHED_S), worker.peak_mb
    assert usual >= 2
    for name, seconds in STEPS.items():
        worker.set_clock(seconds)
        polls = worker.polls(WATCHED_S)
        assert 2 <= polls <= usual * 2 + 2, f"{name}: {polls} polls, {usual} are usual"
        age = worker.heartbeat_age
        assert age is not None, name
        assert age < timedelta(seconds=15), f"{name}: the heartbeat is {age} old"
    assert worker.peak_mb < memory + 40
    assert worker.process.poll() is None


class Clocks:
    """A clock that can be set, and one that cannot."""

    def __init__(self) -> None:
        self.wall, self.monotonic_s = SteppedClock(NOON), 1_000.0

    def steps(self, speed: float = 1.0) -> ClockSteps:
        return ClockSteps(self.wall, lambda: self.monotonic_s, lambda: speed)

    def run(self, wall: timedelta, monotonic: timedelta) -> None:
        self.wall.at += wall
        self.monotonic_s += monotonic.total_seconds()


@pytest.mark.parametrize("step", [-DAY * 365, -DAY, timedelta(minutes=-1), timedelta(minutes=1), DAY * 365])
def test_a_step_is_noticed_once(step: timedelta) -> None:
    clocks = Clocks()
    steps = clocks.steps()
    clocks.run(step + timedelta(seconds=1), timedelta(seconds=1))
    assert steps.check() == step
    assert not steps.is_settled
    clocks.run(SETTLED_AFTER, SETTLED_AFTER)
    assert steps.check() == timedelta()
    assert steps.is_settled


def test_slewing_and_a_sleeping_machine_are_not_clock_steps() -> None:
    clocks = Clocks()
    steps = clocks.steps()
    for _ in range(100):
        clocks.run(timedelta(seconds=0.55), timedelta(seconds=0.5))
        assert steps.check() == timedelta()
    clocks.run(DAY, DAY)
    assert steps.check() == timedelta()


def test_a_clock_that_runs_faster_takes_no_steps() -> None:
    clocks = Clocks()
    steps = clocks.steps(speed=300)
    for _ in range(10):
        clocks.run(timedelta(seconds=151), timedelta(seconds=0.5))
        assert steps.check() == timedelta()
    clocks.run(timedelta(seconds=150) + DAY, timedelta(seconds=0.5))
    assert steps.check() == DAY


def test_the_schedule_moves_with_the_clock() -> None:
    with Store.open(":memory:") as store:
        store.feeds.sync([Source(name, name, f"https://{name}.example/", "all") for name in ("due", "new")], NOON)
        store.feeds.make_due(["due"])
        store._connection.run("update feeds set next_poll_at = '2026-11-17T12:30:00.000000Z' where source_id = 'due'")
        store.feeds.shift_schedule(-DAY)
        due, new = store.feeds.state("due"), store.feeds.state("new")
        assert due is not None
        assert new is not None
        assert (due.next_poll_at, new.next_poll_at) == (NOON + timedelta(minutes=30) - DAY, None)


def test_the_age_of_a_heartbeat_does_not_hang_on_the_system_clock() -> None:
    with Store.open(":memory:") as store:
        store.state.beat(NOON, machine_time())
        for wall in (NOON - 30 * DAY, NOON, NOON + 365 * DAY):
            beat_at = store.state.last_heartbeat(wall)
            assert beat_at is not None
            assert timedelta() <= wall - beat_at < timedelta(seconds=30)
        store.state.beat(NOON)  # by its own clock, like the demo
        assert store.state.last_heartbeat(NOON + DAY) == NOON


def test_times_of_two_starts_of_the_machine_are_not_compared() -> None:
    assert elapsed_since("boot 10.000", "boot 12.500") == timedelta(seconds=2.5)
    assert elapsed_since("boot 10.000", "other 12.500") is None
    assert elapsed_since("boot 10.000", "boot 9.000") is None
    assert elapsed_since("", "boot 9.000") is None


def test_the_end_of_a_fast_clock_is_no_clock_step() -> None:
    clocks = Clocks()
    fast = FastClock(clocks.wall, NOON, NOON, 300, NOON + timedelta(hours=1))
    steps = ClockSteps(fast, lambda: clocks.monotonic_s, fast.current_speed)
    for _ in range(60):
        clocks.run(timedelta(seconds=0.7), timedelta(seconds=0.7))
        assert steps.check() == timedelta()
    clocks.run(DAY, timedelta(seconds=1))
    assert steps.check() > DAY - timedelta(seconds=2)


class Machine(Clocks):
    """A worker's clock on a machine whose clock can be set."""

    def __init__(self, steady: timedelta = timedelta(hours=1)) -> None:
        super().__init__()
        self.clock = SteadyClock(self.wall, lambda: self.monotonic_s)
        self.clock()
        self.run(steady, steady)

    def shown_after(self, wall: timedelta, monotonic: timedelta) -> timedelta:
        """Return how far the clock shows to have moved while both clocks ran this far."""
        before = self.clock()
        self.run(wall, monotonic)
        return self.clock() - before


SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("step", [DAY * 365, -DAY * 365, DAY, -DAY, 2 * MINUTE])
def test_a_wrong_clock_that_is_soon_corrected_leaves_no_trace(step: timedelta) -> None:
    machine = Machine()
    assert machine.shown_after(step + SECOND, SECOND) == SECOND
    assert machine.shown_after(4 * MINUTE, 4 * MINUTE) == 4 * MINUTE
    assert machine.shown_after(-step + SECOND, SECOND) == SECOND
    assert machine.clock() == machine.wall()


@pytest.mark.parametrize("step", [DAY * 365, -DAY])
def test_a_step_that_lasts_counts(step: timedelta) -> None:
    machine = Machine()
    assert machine.shown_after(step, timedelta()) == timedelta()
    assert machine.shown_after(5 * MINUTE, 5 * MINUTE) == step + 5 * MINUTE
    assert machine.clock() == machine.wall()


def test_the_first_steps_after_a_start_count_at_once() -> None:
    # A board without a clock starts in 1970, and jumps when the network comes.
    assert Machine(steady=MINUTE).shown_after(20_000 * DAY, SECOND) == 20_000 * DAY


def test_sleep_and_slewing_are_followed() -> None:
    machine = Machine()
    assert machine.shown_after(DAY, DAY) == DAY
    for _ in range(1_000):
        assert machine.shown_after(timedelta(seconds=1.1), SECOND) == timedelta(seconds=1.1)
