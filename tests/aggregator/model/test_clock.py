from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aggregator.model.clock import FastClock, SteppedClock, clock_from_spec

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_fast_clock_runs_as_many_times_as_fast() -> None:
    real = SteppedClock(NOON)
    clock = FastClock(real, NOON, NOON - 24 * HOUR, speed=60, end=NOON)
    assert clock() == NOON - 24 * HOUR
    real.at = NOON + timedelta(minutes=1)
    assert clock() == NOON - 23 * HOUR


def test_a_fast_clock_runs_at_the_usual_speed_after_its_end() -> None:
    real = SteppedClock(NOON)
    clock = FastClock(real, NOON, NOON, speed=60, end=NOON + HOUR)
    real.at = NOON + timedelta(seconds=59)
    assert (clock(), clock.current_speed()) == (NOON + timedelta(minutes=59), 60)
    real.at = NOON + timedelta(minutes=1)
    assert (clock(), clock.current_speed()) == (NOON + HOUR, 1)
    real.at += HOUR
    assert clock() == NOON + 2 * HOUR


def test_a_clock_written_as_text_shows_the_same_time() -> None:
    real = SteppedClock(NOON + HOUR)
    clock = FastClock(real, NOON, NOON - 24 * HOUR, speed=300, end=NOON)
    assert clock_from_spec(clock.spec, real)() == clock()
    assert clock_from_spec("", real) is real
