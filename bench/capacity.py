"""What a site with a given number of feeds needs: machines, memory, disk, bandwidth and money, from measured inputs.

    python -m bench.capacity [--feeds 100000 ...] [--interval-min 30] [--entries-per-feed-day 4] [--kept-days 365]

`INPUTS` lists every figure in the model, with the command that prints it, or "assumed". `need` has the formulas.
docs/capacity.md shows the output for the defaults; a test compares the two.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

DAY_S = 86_400
FEEDS = (1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Input:
    """One figure of the model."""

    name: str
    value: float
    unit: str
    source: str
    """The command that prints it, or "assumed"."""


INPUTS = {
    entry.name: entry
    for entry in (
        Input("poll, nothing new", 0.5, "ms of a poller's CPU", "bench.poll, 1,000 feeds, plain HTTP, start included"),
        Input("poll, a new entry", 1.4, "ms of a poller's CPU", "bench.poll, the same"),
        Input("TLS", 1.0, "ms of a poller's CPU a poll", "assumed: one handshake a poll"),
        Input("statements, nothing new", 0.3, "ms of a poller's CPU", "bench.databases, PostgreSQL less SQLite"),
        Input("statements, a new entry", 1.6, "ms of a poller's CPU", "bench.databases, PostgreSQL less SQLite"),
        Input("database, nothing new", 0.18, "ms of the server's CPU", "bench.cluster, 100,000 simulated sources"),
        Input("database, a new entry", 1.6, "ms of the server's CPU", "bench.cluster, one to four pollers"),
        Input("log, nothing new", 0.8, "kB of write-ahead log", "bench.databases"),
        Input("log, a new entry", 6.4, "kB of write-ahead log", "bench.databases"),
        Input("scoring", 2.0, "ms of the scorer's CPU an entry", "groundswell replay, 480 to 811 entries a CPU second"),
        Input("live entry", 10.0, "kB of the scorer's memory", "bench.engine --only replay, --lines 9000 less 3000"),
        Input("live days", 3.0, "days", "stories grow for 72 hours after their last entry"),
        Input("stored entry", 3.7, "kB of disk, indexes and stories included", "bench.databases, headlines"),
        Input("wire, nothing new", 5.0, "kB on the wire", "assumed: a handshake and headers"),
        Input("wire, a new entry", 15.0, "kB on the wire", "assumed: 40 kB of XML, compressed"),
        Input("core", 7.0, "EUR a month with 4 GB of memory", "assumed: a rented virtual machine"),
        Input("disk", 0.08, "EUR a GB and month", "assumed: network SSD, twice for a replica"),
        Input("usable share", 0.5, "of a core", "assumed: the rest is for peaks"),
    )
}


@dataclass(frozen=True, slots=True)
class Need:
    """What a site needs."""

    polls_per_s: float
    entries_per_day: float
    poller_cores: float
    database_cores: float
    scorer_cores: float
    scorer_gb: float
    stored_gb: float
    """Of entries that are kept, at the end."""
    log_gb_per_day: float
    traffic_mbit_s: float
    euros_per_month: float
    """Of pollers, database with a replica, scorer with a standby, and two sites."""


def need(feeds: int, interval_min: float, entries_per_feed_day: float, kept_days: float) -> Need:
    """Return what *feeds* feeds need at a median interval of *interval_min* minutes.

    A poll with news is assumed to bring one entry. Cores are those of the machine on which the inputs were measured,
    loaded up to `usable share`.
    """
    value = {name: entry.value for name, entry in INPUTS.items()}
    polls_per_s = feeds / (interval_min * 60)
    entries_per_day = feeds * entries_per_feed_day
    changed = min(entries_per_day / DAY_S / polls_per_s, 1.0)
    usable = value["usable share"]

    def mean(what: str) -> float:
        return (1 - changed) * value[f"{what}, nothing new"] + changed * value[f"{what}, a new entry"]

    poll_ms = mean("poll") + mean("statements") + value["TLS"]
    database_ms, log_kb, wire_kb = mean("database"), mean("log"), mean("wire")
    poller_cores = polls_per_s * poll_ms / 1_000 / usable
    database_cores = polls_per_s * database_ms / 1_000 / usable
    scorer_cores = entries_per_day * value["scoring"] / 1_000 / DAY_S / usable
    scorer_gb = entries_per_day * value["live days"] * value["live entry"] / 1e6
    stored_gb = entries_per_day * kept_days * value["stored entry"] / 1e6
    # Each independent process gets at least one core; memory beyond 4 GB per core is bought as further cores.
    scorer = max(math.ceil(scorer_cores), math.ceil(scorer_gb / 4), 1)
    cores = max(math.ceil(poller_cores), 2) + 2 * max(math.ceil(database_cores), 2) + 2 * scorer + 2 * 2
    return Need(
        polls_per_s,
        entries_per_day,
        poller_cores,
        database_cores,
        scorer_cores,
        scorer_gb,
        stored_gb,
        polls_per_s * DAY_S * log_kb / 1e6,
        polls_per_s * wire_kb * 8 / 1_000,
        cores * value["core"] + 2 * stored_gb * value["disk"],
    )


def inputs() -> Iterator[str]:
    """Yield the table of inputs."""
    yield "| input | value | from |"
    yield "|---|---|---|"
    for entry in INPUTS.values():
        yield f"| {entry.name} | {entry.value:g} {entry.unit} | {entry.source} |"


def table(
    feeds: Sequence[int] = FEEDS, interval_min: float = 30, entries_per_feed_day: float = 4, kept_days: float = 365
) -> Iterator[str]:
    """Yield the table of needs, a column for each number of feeds."""
    needs = [need(number, interval_min, entries_per_feed_day, kept_days) for number in feeds]
    yield "| | " + " | ".join(f"{number:,} feeds" for number in feeds) + " |"
    yield "|---" * (len(feeds) + 1) + "|"
    rows: list[tuple[str, list[str]]] = [
        ("polls a second", [f"{each.polls_per_s:.1f}" for each in needs]),
        ("entries a day", [f"{each.entries_per_day:,.0f}" for each in needs]),
        ("cores for pollers", [f"{each.poller_cores:.2f}" for each in needs]),
        ("cores for PostgreSQL, polling", [f"{each.database_cores:.2f}" for each in needs]),
        ("cores for the scorer", [f"{each.scorer_cores:.2f}" for each in needs]),
        ("memory of the scorer", [f"{each.scorer_gb:.1f} GB" for each in needs]),
        (f"disk after {kept_days:g} days", [f"{each.stored_gb:,.0f} GB" for each in needs]),
        ("write-ahead log a day", [f"{each.log_gb_per_day:,.1f} GB" for each in needs]),
        ("traffic", [f"{each.traffic_mbit_s:,.1f} Mbit/s" for each in needs]),
        ("money a month", [f"{each.euros_per_month:,.0f} EUR" for each in needs]),
    ]
    for name, cells in rows:
        yield f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, nargs="+", default=list(FEEDS))
    parser.add_argument("--interval-min", type=float, default=30)
    parser.add_argument("--entries-per-feed-day", type=float, default=4)
    parser.add_argument("--kept-days", type=float, default=365)
    args = parser.parse_args()
    print("\n".join(inputs()), end="\n\n")
    print("\n".join(table(args.feeds, args.interval_min, args.entries_per_feed_day, args.kept_days)))


if __name__ == "__main__":
    main()
