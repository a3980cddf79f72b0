"""How many requests a feed's news costs and how late entries are seen, under different polling rules.

    python -m bench.rhythm [--data ../shared/data]

Every feed is simulated alone: its entries appear at their published times, and polls find them. The first week is for
learning and is not counted. Intervals have the default bounds, 5 min to 24 h, without jitter. The second table shows
how often the silence alarm would have been false.
"""

from __future__ import annotations

import argparse
import calendar
import gzip
import json
import statistics
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import feedparser

from aggregator.model import PollLimits
from aggregator.polling import cadence
from aggregator.polling.cadence import Arrivals, best_wait, silence, with_arrivals
from bench.timelapse import read_captures

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
POLL = PollLimits()
Feeds = Mapping[str, Sequence[datetime]]
Rule = Callable[[timedelta, int, Arrivals, datetime], timedelta]
"""From the last wait, the entries that it brought, the arrivals so far and now: the next wait."""


def of_captures(archive: Path) -> Feeds:
    """Return when the entries of each captured feed were published, according to the feed."""
    arrivals: dict[str, list[datetime]] = {}
    for source, documents in read_captures(archive).items():
        seen: dict[str, datetime] = {}
        first, last = documents[0][0], documents[-1][0]
        for _, body in documents:
            for item in feedparser.parse(body, sanitize_html=False).entries:
                if parts := item.get("published_parsed"):
                    moment = datetime.fromtimestamp(calendar.timegm(parts), UTC)
                    seen.setdefault(item.get("id") or item.get("link", ""), moment)
        arrivals[source] = sorted(moment for moment in seen.values() if first - WEEK <= moment <= last)
    return arrivals


def of_stream(path: Path) -> Feeds:
    """Return when the entries of each source of a recorded stream were published."""
    result: dict[str, list[datetime]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            moment = datetime.fromisoformat(entry["published"])
            if moment >= datetime(2025, 2, 1, tzinfo=UTC):
                result.setdefault(entry["source"], []).append(moment.astimezone(UTC))
    return {source: sorted(moments) for source, moments in result.items()}


def factors(wait: timedelta, new: int, *_: object) -> timedelta:
    """Poll sooner after news and later after none: an earlier rule of the program."""
    return wait * (1.12 if new == 0 else 0.85 if new == 1 else 0.6)


def by_rhythm(worth: timedelta, _: timedelta, new: int, arrivals: Arrivals, now: datetime) -> timedelta:
    """Poll by the feed's publishing rhythm."""
    return best_wait(arrivals, now, worth, POLL.max)


def play(moments: Sequence[datetime], rule: Rule) -> tuple[int, float, list[float]]:
    """Return how many requests were made in how many days, and how many minutes late each entry was seen."""
    now, wait, seen = moments[0] + HOUR, 30 * MINUTE, 0
    start, end = moments[0] + WEEK, moments[-1]
    arrivals: Arrivals = ()
    requests = 0
    delays: list[float] = []
    while now <= end:
        arrived = bisect_right(moments, now)
        arrivals = with_arrivals(arrivals, moments[max(seen, arrived - cadence.MAX_ARRIVALS) : arrived])
        if now >= start:
            requests += 1
            delays += [(now - moment) / MINUTE for moment in moments[seen:arrived] if moment >= start]
        wait = max(POLL.min, min(rule(wait, arrived - seen, arrivals, now), POLL.max))
        seen, now = arrived, now + wait
    return requests, (end - start) / timedelta(days=1), delays


def row(name: str, feeds: Feeds, rule: Rule) -> None:
    """Print the cost and benefit of one rule."""
    requests, days = 0, 0.0
    delays: list[float] = []
    for moments in feeds.values():
        polls, length, waited = play(moments, rule)
        requests, days, delays = requests + polls, days + length, delays + waited
    tenth = statistics.quantiles(delays, n=10)[-1]
    print(
        f"| {name:<28} | {requests / days:>8.1f} | {statistics.median(delays):>6.1f} "
        f"| {statistics.fmean(delays):>5.1f} | {tenth:>6.1f} |"
    )


def alarms(feeds: Feeds) -> tuple[int, int, float]:
    """Return how many silences there were, how many raised an alarm, and in how many feed-days."""
    accepted = raised = 0
    days = 0.0
    for moments in feeds.values():
        for number in range(cadence.MAX_ARRIVALS, len(moments)):
            silent = silence(with_arrivals((), moments[number - cadence.MAX_ARRIVALS : number]), moments[number])
            accepted += 1
            raised += silent is not None and silent.overdue_at <= moments[number]
        if len(moments) > cadence.MAX_ARRIVALS:
            days += (moments[-1] - moments[cadence.MAX_ARRIVALS]) / timedelta(days=1)
    return accepted, raised, days


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--kept", type=int, default=cadence.MAX_ARRIVALS, help="arrivals remembered")
    args = parser.parse_args()
    cadence.MAX_ARRIVALS = args.kept
    captures = args.data / "feeds" / "timelapse"
    if not captures.is_dir():
        print(f"no captures at {captures}; name their folder with --data")
        return
    sets = {
        "17 news sites, 2020": of_captures(captures / "news17_2020.tar.xz"),
        "Ars Technica, NPR, WGRZ, 2024": of_captures(captures / "arstechnica_npr_wgrz_2024.tar.xz"),
        "AI press, 2025": of_stream(args.data / "stream" / "ai_press_2024_25_dev.jsonl.gz"),
    }
    for name, all_feeds in sets.items():
        feeds = {
            source: moments for source, moments in all_feeds.items() if moments and moments[-1] - moments[0] > 3 * WEEK
        }
        rate = sum(map(len, feeds.values())) / sum((m[-1] - m[0]) / timedelta(days=1) for m in feeds.values())
        print(f"\n{name}: {len(feeds)} feeds, {rate:.1f} entries a feed and day\n")
        print("| rule                         | requests | median |  mean |    90% |")
        print("| ---------------------------- | -------: | -----: | ----: | -----: |")
        for minutes in (15, 30, 60):

            def every(*_: object, wait: timedelta = minutes * MINUTE) -> timedelta:
                return wait

            row(f"every {minutes} minutes", feeds, every)
        row("factors (before)", feeds, factors)
        for minutes in (5, 10, 15, 20, 30, 60):
            row(f"rhythm, a request: {minutes} min", feeds, partial(by_rhythm, minutes * MINUTE))
        accepted, raised, days = alarms(feeds)
        print(
            f"\nsilence alarms over nothing: {raised} in {accepted} silences, "
            f"one in {days / max(raised, 1):.0f} feed-days"
        )


if __name__ == "__main__":
    main()
