"""Know a feed's own rhythm: how often it brings news, at which hours, and when its silence is strange.

Pure: moments of arrival in, numbers out. Moments are whole seconds since 1970 here, since 48 of them are read
with every poll. Leaves what is done about it to `schedule` and to the pages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

KEPT = 48
"""How many arrivals are remembered a feed. More of them gave nothing in the replay of bench/rhythm.py."""

_HOUR = 3600
_DAY = 24 * _HOUR

Arrivals = tuple[int, ...]


def with_arrivals(before: Arrivals, new: Iterable[datetime]) -> Arrivals:
    """Return the newest `KEPT` moments of both, in order; entries of one moment are one arrival."""
    return tuple(sorted({*before, *(int(moment.timestamp()) for moment in new)})[-KEPT:])


# When to ask again

_PRIOR_S = 6 * _HOUR
_EXCITED_SHARE = 0.5
_EXCITED_S = 1 * _HOUR
# News comes in bursts. Replayed with shares of 0, 0.5 and 0.8: half gave the news sites a fifth less delay for the
# same requests, 0.8 starves the steady feeds.
_FINE_STEP_S = 600
_FINE_UNTIL_S = 2 * _HOUR


def best_wait(arrivals: Arrivals, now: datetime, worth: timedelta, longest: timedelta) -> timedelta:
    """Return how long to wait until the next request, so that requests and delay cost least together.

    worth: of how much delay of one arrival a request is worth saving

    A feed of rate r that is polled f times an hour lets its arrivals wait 1 / (2 f) hours in the mean. So f requests
    and r / (2 f) hours of delay cost least together where

        f(t) = sqrt(r(t) / (2 worth))

    and the wait ends when the integral of f reaches one, at *longest* at the latest. The rate is half the
    feed's usual one, which is that of a Poisson process under a gamma prior of one arrival in 6 hours

        (n + 1) / (now - first arrival + 6 h)

    times the share of the hour of the day (the mean of itself and its neighbours, one arrival assumed for
    each), and half what recent arrivals excite, each exp(-age / 1 h) an hour. Silence since the last arrival
    counts into the usual rate, so a feed that ends is polled ever more rarely.

    Sia, Cho & Cho, "Efficient Monitoring Algorithm for Fast News Alerts", IEEE TKDE 19(7), 2007 (rates that
    repeat daily, requests by the square root of the rate); Hawkes, "Spectra of some self-exciting and mutually
    exciting point processes", Biometrika 58, 1971. The choice of *worth*: docs/dev/polling.md.
    """
    at = int(now.timestamp())
    arrivals = tuple(moment for moment in arrivals if moment <= at)
    counts = [0] * 24
    for moment in arrivals:
        counts[moment // _HOUR % 24] += 1
    usual = (len(arrivals) + 1) / (at - (arrivals[0] if arrivals else at) + _PRIOR_S)
    usual *= (1 - _EXCITED_SHARE) / (len(arrivals) / 24 + 1)
    ages = [at - moment for moment in arrivals[-24:]]
    excited = _EXCITED_SHARE * sum(math.exp(-age / _EXCITED_S) for age in ages if age < 8 * _EXCITED_S) / _EXCITED_S
    scale = 1 / math.sqrt(2 * worth.total_seconds())
    expected, waited, end = 0.0, 0.0, longest.total_seconds()
    while waited < end:
        then = at + int(waited)
        hour = then // _HOUR % 24
        step = min(_FINE_STEP_S if waited < _FINE_UNTIL_S else _HOUR - then % _HOUR, end - waited)
        rate = usual * ((counts[hour - 1] + counts[hour] + counts[(hour + 1) % 24]) / 3 + 1)
        if excited:
            rate += excited * math.exp(-(waited + step / 2) / _EXCITED_S)
        density = math.sqrt(rate) * scale
        if expected + density * step >= 1:
            return timedelta(seconds=waited + (1 - expected) / density)
        expected += density * step
        waited += step
    return longest


# Silence

ALARM = 0.01
"""A silence that happens once in a hundred times is reported,"""
MIN_ALARM = timedelta(days=1)
"""but none of less than a day: a busy feed keeps a hundred silences in three days."""
_MIN_GAPS = 8
_MAX_EXPONENT = 8.0
"""A feed that comes as by the clock would otherwise be overdue when it is a second late."""
_MAX_S = 3650 * _DAY


@dataclass(frozen=True, slots=True)
class Silence:
    """How strange a feed's silence is."""

    last_at: datetime
    """When it last brought news."""
    usual_gap: timedelta
    """The median time between two arrivals."""
    probability: float
    """That a silence of this feed lasts as long as this one does by now."""
    overdue_at: datetime
    """When that falls below `ALARM`, at least `MIN_ALARM` after the last arrival."""


def silence(arrivals: Arrivals, now: datetime) -> Silence | None:
    """Return how strange it is that nothing came since the last arrival; None when too few tell.

    A power law through the longest quarter of the gaps between arrivals, which takes nights and weekends for
    gaps like others. With n gaps of which x is the k-th longest, k = n / 4:

        P(gap > s) = k / n * (s / x) ** -a,   1 / a = mean of ln(g / x) over the k longest gaps g

    for s beyond x, below it the share of gaps that are at least as long. *a* is at most 8.

    Hill, "A simple general approach to inference about the tail of a distribution", Annals of Statistics 3,
    1975; Weissman, "Estimation of parameters and large quantiles based on the k largest observations", JASA 73,
    1978. On the feeds of bench/rhythm.py 0.7 to 1.7 of a hundred silences were called 1 in 100.
    """
    gaps = sorted((later - earlier for earlier, later in pairwise(arrivals)), reverse=True)
    if len(gaps) < _MIN_GAPS:
        return None
    longest = gaps[: len(gaps) // 4]
    edge, share = longest[-1], len(longest) / len(gaps)
    mean = sum(math.log(gap / edge) for gap in longest) / len(longest)
    steepness = min(1 / mean, _MAX_EXPONENT) if mean > 0 else _MAX_EXPONENT
    waited = max(int(now.timestamp()) - arrivals[-1], 0)
    if waited <= edge:
        probability = sum(gap >= waited for gap in gaps) / len(gaps)
    else:
        probability = share * (waited / edge) ** -steepness
    overdue_s = min(edge * (share / ALARM) ** (1 / steepness), _MAX_S)
    return Silence(
        last_at=datetime.fromtimestamp(arrivals[-1], UTC),
        usual_gap=timedelta(seconds=gaps[len(gaps) // 2]),
        probability=probability,
        overdue_at=datetime.fromtimestamp(arrivals[-1], UTC) + max(timedelta(seconds=int(overdue_s)), MIN_ALARM),
    )
