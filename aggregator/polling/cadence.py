"""Model a feed's cadence: how often it publishes, at which hours, and when it is overdue.

Pure: times of arrival in, numbers out. Times are whole seconds since 1970 here, since 48 of them are read with every
poll. `schedule` and the pages use the results.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

MAX_ARRIVALS = 48
"""Arrivals kept per feed. More did not help in the replay of bench/rhythm.py."""

_HOUR = 3600
_DAY = 24 * _HOUR

Arrivals = tuple[int, ...]


def with_arrivals(before: Arrivals, new: Iterable[datetime]) -> Arrivals:
    """Return the newest `MAX_ARRIVALS` times of both, in order; entries at one time are one arrival."""
    return tuple(sorted({*before, *(int(moment.timestamp()) for moment in new)})[-MAX_ARRIVALS:])


# When to poll next

_PRIOR_S = 6 * _HOUR
_EXCITED_SHARE = 0.5
_EXCITED_S = 1 * _HOUR
# News comes in bursts. In replays with shares of 0, 0.5 and 0.8, half gave news sites a fifth less delay for the same
# requests, and 0.8 starved the steady feeds.
_FINE_STEP_S = 600
_FINE_UNTIL_S = 2 * _HOUR


def best_wait(arrivals: Arrivals, now: datetime, worth: timedelta, longest: timedelta) -> timedelta:
    """Return the wait until the next request that minimizes the joint cost of requests and delay.

    worth: the delay of one arrival that costs as much as a request

    The arrivals of a feed of rate r that is polled f times an hour wait 1 / (2 f) hours on average. The joint cost of f
    requests and r / (2 f) hours of delay is lowest for

        f(t) = sqrt(r(t) / (2 worth))

    and the wait ends when the integral of f reaches one, at *longest* at the latest. The rate is half the
    feed's usual one, which is that of a Poisson process under a gamma prior of one arrival in 6 hours

        (n + 1) / (now - first arrival + 6 h)

    times the share of the hour of the day (the mean of the hour and its neighbours, with one prior arrival each), and
    half the excitation by recent arrivals, each exp(-age / 1 h) an hour. Silence since the last arrival lowers the
    usual rate, so a feed that ends is polled more and more rarely.

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


# Overdue feeds

ALARM = 0.01
"""A feed is overdue if a silence this long has at most this probability,"""
MIN_ALARM = timedelta(days=1)
"""but never within a day: a busy feed has a hundred pauses in three days."""
_MIN_GAPS = 8
_MAX_EXPONENT = 8.0
"""Without this, a perfectly regular feed would be overdue when it is a second late."""
_MAX_S = 3650 * _DAY


@dataclass(frozen=True, slots=True)
class Silence:
    """How unusual a feed's silence is."""

    last_at: datetime
    """The time of the last arrival."""
    usual_gap: timedelta
    """The median time between two arrivals."""
    probability: float
    """Probability that a pause of this feed is as long as the current one."""
    overdue_at: datetime
    """When that falls below `ALARM`, at least `MIN_ALARM` after the last arrival."""


def silence(arrivals: Arrivals, now: datetime) -> Silence | None:
    """Return how unusual the silence since the last arrival is; None with too few arrivals.

    A power law through the longest quarter of the gaps between arrivals, which treats nights and weekends like other
    gaps. With n gaps of which x is the k-th longest, k = n / 4:

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
