"""Fit the weights of rising terms, or measure the time of one update.

python -m bench.terms fit STREAM     the weights and offset of scoring/topics/signals.py, and their quality python -m
bench.terms cost STREAM    CPU seconds of one update, and the cost of a day's entries
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench import skip
from scoring.evaluation import topics as task
from scoring.replay.streams import Stream
from scoring.topics.rising import topics

DAY = 86_400.0


def fit(stream: Path) -> None:
    """Print a fit on the whole stream, and how a fit on its first half does on its second."""
    rows, truth, at = task.examples(task.headlines(Stream(stream)))
    moments = np.unique(at)
    later = moments[len(moments) // 2 :]
    for name, train, measured in (("first half", at < later[0] - DAY, later), ("all", at > 0, moments)):
        weights, offset = task.fit(rows[train], truth[train], at[train])
        scores = rows @ np.asarray(weights) + offset
        hits = [truth[order(scores, at == moment)].sum() / task.NAMED for moment in measured]
        print(f"fitted on {name}: P@10 {np.mean(hits):.3f} at {len(measured)} moments\n  {weights}, {offset}")


def order(scores: np.ndarray, here: np.ndarray) -> np.ndarray:
    """Return the ten highest-scored cases of those in *here*."""
    cases = np.flatnonzero(here)
    return cases[np.argsort(-scores[cases], kind="stable")[: task.NAMED]]


def cost(stream: Path) -> None:
    """Print the cost of adding entries, and of an update."""
    begun = time.process_time()
    index = task.headlines(Stream(stream))
    taken = time.process_time() - begun
    begun = time.process_time()
    updates = 0
    for moment in task.moments(index):
        topics(moment, datetime.fromtimestamp(moment.now, UTC))
        updates += 1
        if updates == 20:
            break
    print(f"{1e6 * taken / len(index):.0f} µs an entry, read from the stream included")
    print(f"{(time.process_time() - begun) / max(updates, 1):.3f} CPU s per update, {updates} updates")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        skip("stream that is named")
    {"fit": fit, "cost": cost}[sys.argv[1]](Path(sys.argv[2]))
