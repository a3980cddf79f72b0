"""Estimate from clicks which stories readers wanted, beyond what their place on the page explains.

Knows how often each place of a list is opened on this site, and how unreliable few clicks are. `web` counts people, the
store keeps the counts, and `fitting` learns from them.

Readers mostly open the first stories, whatever they are, so a story is compared with what its places usually get:

    expected = sum over its places of people shown it there * share of that place's showings that is opened
    beyond   = opened - expected, moved towards 0 by NOISE standard deviations of a Poisson count
    interest = MAX_INTEREST * tanh(ln((expected + DOUBT + beyond) / (expected + DOUBT)))

The share of a place comes from the site's own past and includes the quality of what is usually shown there, so interest
is underestimated. Correcting clicks by position: Joachims et al., Accurately Interpreting
Clickthrough Data as Implicit Feedback (2005); the examination hypothesis: Craswell et al., An Experimental
Comparison of Click Position-Bias Models (2008).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from aggregator.model import Impression

DOUBT = 10.0
"""Clicks beyond the expected that make a story count as twice as interesting: a single click means nothing."""

NOISE = 2.0
"""Standard deviations by which clicks may differ from the expected by chance."""

MAX_INTEREST = 0.5
"""The most that clicks change a label: a story that is irrelevant by coverage becomes half relevant at most."""

USUAL, USUAL_SHOWN = 0.05, 200.0
"""The prior share of a place that is opened, and the number of showings that it counts for."""


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

    Stories that were opened as often as expected are left out.
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
