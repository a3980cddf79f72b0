"""The program's background jobs with PostgreSQL: a job that is cut short by a kill is done by another process."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.store import Store
from tests.postgres.cluster import Cluster
from tests.postgres.feeds import served
from tests.postgres.test_fleet import Fleet, configure, until

TAKEN_OVER_WITHIN_S = 60


def runs_a_measurement(process: int) -> bool:
    """Return whether a child of *process* is measuring."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == process and b"evaluate" in (path / "cmdline").read_bytes().split(b"\0"):
                return True
    return False


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to see which process runs the job")
def test_a_measurement_that_a_kill_interrupts_is_repeated_by_another_process(postgres: Cluster, tmp_path: Path) -> None:
    url = postgres.new_database()
    with served(1, answer_after_s=0) as feeds, ExitStack() as opened:
        configure(tmp_path, feeds, 1)
        store = opened.enter_context(Store.connect(url))
        fleet = Fleet(tmp_path, url)
        opened.callback(fleet.close)
        began = datetime.now(UTC)
        store.state.set_moment("measured_at", began - timedelta(days=2))

        def jobs() -> list[tuple[str, int]]:
            rows = store._connection.rows(
                """select cast(status as text) as status, attempts from jobs.procrastinate_jobs
                where task_name = 'measure'"""
            )
            return [(row["status"], row["attempts"]) for row in rows]

        def measures() -> int:
            return int(store._connection.value("select count(*) from measures"))

        for _ in range(2):
            fleet.start("score")
        running: list[subprocess.Popen[bytes]] = []

        def is_running() -> bool:
            running[:] = [scorer for scorer in fleet.scorers if runs_a_measurement(scorer.pid)]
            return bool(running)

        until("the measurement", is_running, fleet, within_s=180)
        fleet.kill(running[0])
        killed_at = time.monotonic()
        until("the second run", lambda: jobs() == [("doing", 1)], fleet, within_s=TAKEN_OVER_WITHIN_S)
        assert time.monotonic() - killed_at < TAKEN_OVER_WITHIN_S
        until("its end", lambda: jobs() == [], fleet)
        assert measures() > 0
        noted = store.state.moment("measured_at")
        assert noted is not None
        assert noted >= began, "the next one is a day away"
