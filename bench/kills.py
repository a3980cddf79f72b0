"""`kill -9` at any point of polling, voting, training and migrating: nothing acknowledged is lost or stored twice.

    python -m bench.kills [KIND ...] [--kills 100] [--seed 1]

The kills are divided among the kinds. A third of them come after a random time, the others before a random SQLite
statement or file operation, so that steps too short for a timer are hit as well.

polling     a worker polls and scores generated feeds that add, edit and reorder items, and logs each poll once it is
            committed. It is killed and restarted until all captures are polled. At the end the database equals, row
            for row, that of a worker that was never killed.
voting      the same with eight concurrent polls, and a voter that is killed with the worker. Timing then decides IDs
            and what follows from votes, so only entries are compared.
retraining  a site trains a model, switches to it and scores with it: at the end, model files and rows equal those of a
            site that was never killed.
migrating   databases of every older version are opened: all rows are there, in the current schema.

After each kill the database must open in less than 2 s and hold what was acknowledged; at the end, quick_check and the
text index's own check must pass.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bench import _kill_migrating, _kill_polling, _kill_training
from bench._tally import Tally
from bench.timelapse import CaptureServer, play


def _polling(folder: Path, kills: int, seed: int, rounds: int) -> Tally:
    return _kill_polling.run(folder, kills, 1, seed, rounds)


def _voting(folder: Path, kills: int, seed: int, rounds: int) -> Tally:
    return _kill_polling.run(folder, kills, 8, seed, rounds, voting=True)


def _retraining(folder: Path, kills: int, seed: int, rounds: int) -> Tally:
    return _kill_training.run(folder, kills, seed)


def _migrating(folder: Path, kills: int, seed: int, rounds: int) -> Tally:
    with CaptureServer(_kill_polling.captures(rounds=rounds, seed=seed)) as server:
        asyncio.run(play(folder / "filled.db", server.address))
    return _kill_migrating.run(folder, folder / "filled.db", kills, seed)


KINDS: dict[str, tuple[float, Callable[[Path, int, int, int], Tally]]] = {
    "polling": (0.24, _polling),
    "voting": (0.2, _voting),
    "retraining": (0.08, _retraining),
    "migrating": (0.48, _migrating),
}
"""Each with its share of the kills: by what one costs."""


def shared_out(kills: int, kinds: Iterable[str]) -> dict[str, int]:
    """Return how many kills each of *kinds* gets, by its share."""
    shares = {kind: KINDS[kind][0] for kind in kinds}
    return {kind: round(kills * share / sum(shares.values())) for kind, share in shares.items()}


def run(kind: str, kills: int, seed: int = 1, rounds: int = 12) -> Tally:
    """Run one kind with that many kills and return the results."""
    with tempfile.TemporaryDirectory() as folder:
        return KINDS[kind][1](Path(folder), kills, seed, rounds)


def main() -> int:
    """Print a line per kind; return 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if unknown := [kind for kind in args.kinds if kind not in KINDS]:
        parser.error(f"there is no kind {unknown[0]!r}; there are {', '.join(KINDS)}")
    total = Tally()
    for kind, kills in shared_out(args.kills, args.kinds or KINDS).items():
        start = time.monotonic()
        tally = run(kind, kills, args.seed)
        total.add(tally)
        for finding in tally.findings:
            print(f"FAIL {kind}: {finding}")
        print(f"{kind}: {tally.killed} kills in {time.monotonic() - start:.0f} s", flush=True)
    print(
        f"{total.killed} kills, {total.acknowledged} acknowledged polls and {total.votes} votes, slowest opening "
        f"{total.slowest_open_s * 1000:.0f} ms, {len(total.findings)} findings"
    )
    return int(bool(total.findings))


if __name__ == "__main__":
    sys.exit(main())
