"""Estimate from clicks which stories readers wanted, beyond what their place on the page explains.

Knows how often each place of a list is opened on this site, and how little a few clicks say. Leaves counting people to
`web`, keeping the numbers to the store, and what is learned from them to `learn`.

What stands first is opened most, whatever it is; so a story is held against what its places would have got:

    expected = sum over its places of people shown it there * share of that place's showings that is opened
    beyond   = opened - expected, moved towards 0 by NOISE standard deviations of a Poisson count
    interest = MAX_INTEREST * tanh(ln((expected + DOUBT + beyond) / (expected + DOUBT)))

The share of a place is the site's own past, and holds some of what editors and scores put there for good reason; so
interest is rather underestimated. Correcting clicks by position: Joachims et al., Accurately Interpreting
Clickthrough Data as Implicit Feedback (2005); the examination hypothesis: Craswell et al., An Experimental
Comparison of Click Position-Bias Models (2008).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from aggregator.model import Impression

DOUBT = 10.0
"""Clicks beyond what its places get with which a story counts as twice as wanted: a single click says nothing."""

NOISE = 2.0
"""What a story's clicks differ from those of its places by chance, in standard deviations, is no interest."""

MAX_INTEREST = 0.5
"""The most that readers turn a label: a story that coverage calls irrelevant counts as half of either at most."""

USUAL, USUAL_SHOWN = 0.05, 200.0
"""The share that is opened of a place shown to nobody yet, and how many showings that is worth."""


def opened_by_place(shown: Sequence[Impression]) -> dict[int, float]:
    """Return which share of the showings at each place is opened, 0..1."""
    people: dict[int, int] = defaultdict(int)
    opened: dict[int, int] = defaultdict(int)
    for impression in shown:
        people[impression.place] += impression.people
        opened[impression.place] += impression.opened
    return {place: (opened[place] + USUAL * USUAL_SHOWN) / (people[place] + USUAL_SHOWN) for place in people}


def interest(shown: Sequence[Impression]) -> dict[int, float]:
    """Return by story how much more (above 0) or less its readers opened it than its places explain.

    Stories that readers treated as their places are treated are left out.
    """
    share = opened_by_place(shown)
    expected: dict[int, float] = defaultdict(float)
    opened: dict[int, int] = defaultdict(int)
    for impression in shown:
        expected[impression.story_id] += impression.people * share[impression.place]
        opened[impression.story_id] += impression.opened
    interests: dict[int, float] = {}
    for story_id, due in expected.items():
        beyond = opened[story_id] - due
        beyond = math.copysign(max(0.0, abs(beyond) - NOISE * math.sqrt(due + 1.0)), beyond)
        if beyond:
            interests[story_id] = MAX_INTEREST * math.tanh(math.log((due + DOUBT + beyond) / (due + DOUBT)))
    return interests
