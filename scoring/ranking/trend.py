"""Say how surprising a story's recent independent coverage is.

Knows formulas, and nothing of stories or of the clock. Leaves which voices are
independent to `independence`, and the order of a page to `rank`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta

TAU = timedelta(hours=7)
"""How fast a voice stops counting as recent: after that time it counts 1/e.

Of 3, 4.5, 6, 8, 12 and 18 hours, 6 and 8 named the stories that others then took up best, on a stream of general news
and on one of AI news (`python -m bench.trend`, docs/dev/ranking.md)."""

RATE_POWER = 0.5
"""How much the hour of the week counts: 1 divides by how busy it is, 0 not at all. On both streams 1 was a little worse
than 0; half of it keeps three voices on Sunday night above three on Tuesday noon at hardly a cost."""

RATE_FLOOR = 0.25
"""At the quietest hour a voice counts at most twice: Sunday night is not that telling."""

TYPICAL = 1.3
"""Voices of a usual story, where a category has no history: 1.2 to 1.4 on the recorded streams."""


def coverage(voices: Iterable[tuple[timedelta, float]], tau: timedelta = TAU, rate_power: float = RATE_POWER) -> float:
    """Return how much recent independent coverage there is.

        k = sum over voices of exp(-age / tau) / rate^p

    age:     how long ago the voice joined, >= 0
    rate:    how busy its category is at the hour of week when it joined, relative to the mean
             of 1.0; below RATE_FLOOR it counts as RATE_FLOOR
    rate_power (p): see RATE_POWER
    returns: voices, 0.0 for none; each further voice adds a positive amount

    >>> round(coverage([(timedelta(), 1.0), (timedelta(hours=7), 1.0)]), 3)
    1.368
    """
    scale = tau.total_seconds()
    return math.fsum(
        math.exp(-age.total_seconds() / scale) / math.pow(max(rate, RATE_FLOOR), rate_power) for age, rate in voices
    )


def surprise(k: float, m: float) -> float:
    """Return how surprising coverage *k* is where *m* is usual.

        surprise = -ln P(k, m),  P(k, m) = (1 / Gamma(k)) * integral from 0 to m of t^(k-1) e^-t dt

    k:       coverage, a real number > 0 (0 is no news: 0.0)
    m:       usual coverage, > 0, else ValueError
    returns: nats, > 0 for k > 0; grows with k, falls with m

    For a whole k, P(k, m) is the chance that a Poisson count of mean m reaches k or more; the
    regularised lower incomplete gamma function carries it to real k without steps, so no two
    stories tie. Computed in logarithms (series for m < k + 1, else the continued fraction of
    1 - P), so it stays finite and ordered for k in the thousands.

    Abramowitz & Stegun 6.5.4, 6.5.29, 6.5.31; Numerical Recipes (3rd ed.) section 6.2.

    >>> round(surprise(1.0, 1.0), 4), round(surprise(2.0, 1.0), 4), round(surprise(9.0, 1.0), 2)
    (0.4587, 1.3309, 13.7)
    """
    if m <= 0:
        raise ValueError(f"usual coverage must be above 0, not {m}")
    if k <= 0:
        return 0.0
    log_front = k * math.log(m) - m - math.lgamma(k)
    if m < k + 1:
        # P = e^-m m^k / Gamma(k) * sum of m^n / (k (k+1) ... (k+n))
        part = total = 1.0 / k
        n = k
        while part > total * 1e-17:
            n += 1.0
            part *= m / n
            total += part
        return max(-(log_front + math.log(total)), 0.0)
    # Q = e^-m m^k / Gamma(k) * 1 / (m + 1 - k - 1 (1 - k) / (m + 3 - k - ...)), by Lentz's method
    b = m + 1.0 - k
    c = 1.0 / 1e-300
    d = 1.0 / b
    fraction = d
    for i in range(1, 1000):
        a = -i * (i - k)
        b += 2.0
        d = 1.0 / ((a * d + b) or 1e-300)
        c = (b + a / c) or 1e-300
        fraction *= d * c
        if abs(d * c - 1.0) < 1e-16:
            break
    return -math.log1p(-math.exp(log_front) * fraction)


def burst(count: float, expected: float) -> float:
    """Return how surprising *count* arrivals are when *expected* were due.

    Signed root of the Poisson deviance:

        sign(k - m) * sqrt(2 * (k * ln(k / m) - (k - m)))

    count (k):    arrivals in the window, >= 0
    expected (m): arrivals due in a window of that length, > 0, else ValueError
    returns:      roughly standard deviations; 0.0 when k == m

    Unlike (k - m) / sqrt(m) it stays moderate when m is far below one.
    McCullagh & Nelder, Generalized Linear Models (2nd ed., 1989), section 2.4.

    >>> burst(4, 4.0), round(burst(9, 1.0), 2), round(burst(0, 2.0), 2)
    (0.0, 4.85, -2.0)
    """
    if expected <= 0:
        raise ValueError(f"expected arrivals must be above 0, not {expected}")
    told = count * math.log(count / expected) if count > 0 else 0.0
    return math.copysign(math.sqrt(max(2.0 * (told - (count - expected)), 0.0)), count - expected)


def freshness(since_last_voice: timedelta, half_life: timedelta) -> float:
    """Return 1.0 at the arrival of an independent voice, halved with every half-life since.

    >>> freshness(timedelta(hours=12), timedelta(hours=6))
    0.25
    """
    return math.exp2(-(since_last_voice / half_life))


def trend(k: float, m: float, since_last_voice: timedelta, half_life: timedelta) -> float:
    """Return the trend of a story: surprise(k, m) * freshness.

    An added independent voice never lowers it, a copy (no new voice) leaves it, and time without
    news lowers it. m has to be the same at both moments for that: a story keeps the usual
    coverage of the day it began.
    """
    return surprise(k, m) * freshness(since_last_voice, half_life)


def relative_rate(at_hour: int, total: int, hours: float, *, smoothing: float = 20.0) -> float:
    """Return how busy an hour of the week is against the mean hour.

        rate = (at_hour + s) / (total * hours / 168 + s)

    at_hour:   entries counted in these hours of the week
    total:     entries counted in all 168
    hours:     how many hours of the week *at_hour* spans
    smoothing: s, entries; with little history the rate stays near 1.0

    >>> relative_rate(0, 0, 1), relative_rate(60, 168 * 20, 1)
    (1.0, 2.0)
    """
    return (at_hour + smoothing) / (total * hours / 168 + smoothing)


def usual_coverage(voices: int, stories: int, *, prior: float = TYPICAL, weight: float = 50.0) -> float:
    """Return the typical coverage of a category: voices per story, shrunk to *prior*.

        m = (voices + weight * prior) / (stories + weight)

    >>> usual_coverage(0, 0), usual_coverage(150, 50)
    (1.3, 2.15)
    """
    return (voices + weight * prior) / (stories + weight)
