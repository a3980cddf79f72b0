"""Estimate how many further independent sources a story gets in the next hours.

Each source that reported a story draws others after it: how many is learned from the site's own stories (`baseline`),
and fades within hours. A branching process with exponential kernels, as in Hawkes, Spectra of Some Self-exciting and
Mutually Exciting Point Processes (1971), of which the first generation is counted. Knows formulas, and nothing of
stories or of the clock. Leaves which sources are independent to `copies`, and the order of a page to `page_order`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import lru_cache

PULL_HALF_LIVES = (timedelta(hours=3), timedelta(hours=8))
"""How fast the pull of a source fades: half of it with each. This and the powers below were chosen on a stream of
general news and one of AI news; neighboring values do nearly as well on both (docs/dev/ranking.md)."""

AHEAD = timedelta(hours=6)
"""How far the estimate looks ahead."""

REACH_POWER = 0.7
"""How much it counts who reported: 0 not at all, 1 in full."""

AGE_POWER, ODDS_POWER = 0.15, 0.05
"""How much the age of a story and the odds of its score count; see `interest`."""

MIN_RELEVANCE = 0.005
"""Probabilities are clipped to this and to 1 minus it."""

REACH_WEIGHT = 30.0
"""Stories that a source must have joined for half of its reach to be its own; the rest is that of a usual source."""

TYPICAL = 1.3
"""Independent sources of a usual story, where a category has no history: 1.2 to 1.4 on the recorded streams."""


def pull(
    sources: Iterable[tuple[timedelta, float]],
    half_lives: Sequence[timedelta] = PULL_HALF_LIVES,
    power: float = REACH_POWER,
) -> float:
    """Return how much of their pull the sources of a story have left for the next six hours, in usual sources.

        k = sum over sources of reach^power * mean over half-lives h of 2^(-age / h) * (1 - 2^(-6 h / h))

    age:     how long ago the source joined, >= 0
    reach:   how many sources follow it, relative to a usual source, > 0; see `reach`
    returns: 0.0 for none; each further source adds a positive amount

    >>> round(pull([(timedelta(), 1.0)]), 3), round(pull([(timedelta(hours=6), 1.0)]), 3)
    (0.578, 0.214)
    """
    return math.fsum(
        [
            math.pow(reach, power) * share * math.exp2(-(age / half_life))
            for age, reach in sources
            for half_life, share in _shares(tuple(half_lives))
        ]
    )


@lru_cache(maxsize=8)
def _shares(half_lives: tuple[timedelta, ...]) -> list[tuple[timedelta, float]]:
    """Return each half-life with the share of its pull that falls into the time ahead."""
    return [(half_life, (1.0 - math.exp2(-(AHEAD / half_life))) / len(half_lives)) for half_life in half_lives]


def expected_sources(k: float, m: float) -> float:
    """Return how many further independent sources the next six hours bring to a story.

        expected = (1 - 1 / m) * k

    k: what `pull` gives
    m: independent sources that a story of its category usually gets in all, > 1: each draws 1 - 1/m others on average,
       because a story of m sources has one that drew nobody's attention to it by following

    >>> round(expected_sources(1.0, 1.3), 3)
    0.231
    """
    return max(1.0 - 1.0 / m, MIN_DRAWN) * k


def interest(age: timedelta, relevance: float) -> float:
    """Return how much more, or less, a story is taken up than one that begins now and is relevant by a toss of a coin.

        interest = (1 + age in hours)^-0.15 * (p / (1 - p))^0.05

    age:       since its first entry, >= 0
    relevance: p, the probability behind its score, clipped

    >>> interest(timedelta(), 0.5), round(interest(timedelta(hours=15), 0.5), 3), round(interest(timedelta(), 0.9), 3)
    (1.0, 0.66, 1.116)
    """
    p = min(max(relevance, MIN_RELEVANCE), 1.0 - MIN_RELEVANCE)
    return math.pow(1.0 + age / timedelta(hours=1), -AGE_POWER) * math.pow(p / (1.0 - p), ODDS_POWER)


MIN_DRAWN = 0.02
"""Sources that each source draws at the least, so that stories differ where no second source ever came."""


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
    log_ratio = count * math.log(count / expected) if count > 0 else 0.0
    return math.copysign(math.sqrt(max(2.0 * (log_ratio - (count - expected)), 0.0)), count - expected)


def freshness(since_last_voice: timedelta, half_life: timedelta) -> float:
    """Return 1.0 at the arrival of an independent voice, halved with every half-life since.

    >>> freshness(timedelta(hours=12), timedelta(hours=6))
    0.25
    """
    return math.exp2(-(since_last_voice / half_life))


def trend(
    k: float, m: float, age: timedelta, relevance: float, since_last_source: timedelta, half_life: timedelta
) -> float:
    """Return the trend of a story: `expected_sources` times `interest`, halved per half-life since a source joined.

    At the same relevance, an added independent source never lowers it, a copy (no new independent source) leaves it,
    and time without news lowers it. m has to be the same at both moments for that: a story keeps that of the day it
    began.
    """
    return expected_sources(k, m) * interest(age, relevance) * freshness(since_last_source, half_life)


def reach(followed: int, joined: int, usual: float) -> float:
    """Return how many sources follow one, relative to a usual source.

        reach = (followed + w * usual) / (joined + w) / usual

    followed: independent sources that joined its stories within a day after it
    joined:   stories that it joined
    usual:    the same ratio over all sources; 0: nothing is known, 1.0

    >>> reach(0, 0, 0.3), reach(90, 30, 1.0)
    (1.0, 2.0)
    """
    if usual <= 0:
        return 1.0
    return (followed + REACH_WEIGHT * usual) / (joined + REACH_WEIGHT) / usual


def usual_coverage(voices: int, stories: int, *, prior: float = TYPICAL, weight: float = 50.0) -> float:
    """Return the typical coverage of a category: voices per story, shrunk to *prior*.

        m = (voices + weight * prior) / (stories + weight)

    >>> usual_coverage(0, 0), usual_coverage(150, 50)
    (1.3, 2.15)
    """
    return (voices + weight * prior) / (stories + weight)
