"""Choose the face of a story: which entry gives headline and summary.

Knows what makes a headline clear. Leaves pictures to the pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

CLEARLY = 0.25
"""By how much another entry has to be better before the face changes: readers know a story by it."""

# Observed: "Live updates: ...", "What we know about ...", "You won't believe ...", "BREAKING: ...",
# "This chipmaker just ...", "The reason why ...", "... and fans are furious", "One simple trick ...",
# "Morning briefing", a headline of two words, one that is a whole paragraph, one in capitals.
# Rule: points for a telling length, for a figure and for a summary; off for bait, tickers and comment.
# Known to be wrong: a question that is the news itself ("Who is the new pope?").
_BAIT = re.compile(
    r"\b(?:live(?: updates| blog|:)|what (?:we|you|to) (?:know|need)|here'?s (?:what|why|how)|you (?:won'?t|need to)|"
    r"this is (?:why|how|what)|everything (?:we|you)|explained|opinion|podcast|newsletter|(?:daily|morning|weekly) "
    r"(?:briefing|digest|brief|roundup)|round-?up|watch:|video:|photos?:|breaking:?|updated?:|\w+ deals\b|"
    r"best \d+|\d+ best|the (?:real )?reason (?:why|behind)|(?:simple|weird) trick|goes viral|fans are)|"
    r"^(?:this|these|one) (?:\w+ ){1,3}(?:just|is|are|could|will|has|have)\b",
    re.IGNORECASE,
)

# "What 1.4 million chips mean for ...", "Why it took so long": written for those who know the news already.
_COMMENT = re.compile(r"(?:what|why|how|which|inside|meet|analysis)\b", re.IGNORECASE)


def clarity(title: str, summary: str) -> float:
    """Return how well a headline stands for its story, about 0 to 1.5; a rule, not a measure.

    >>> clarity("Amazon opens a data centre in Ohio with 2 gigawatts", "") > clarity("LIVE updates: Amazon!", "")
    True
    """
    wide = sum(1 for char in title if "\u3000" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7af")
    count = len(title.split()) + wide / 2
    if count < 4:
        value = 0.1 * count
    elif count <= 16:
        value = 1.0
    else:
        value = max(0.3, 1.0 - 0.05 * (count - 16))
    if any(char.isdigit() for char in title):
        value += 0.1
    if len(summary) >= 60:
        value += 0.2
    if _BAIT.search(title):
        value -= 0.5
    if _COMMENT.match(title):
        value -= 0.3
    if title.rstrip().endswith(("?", "!", "…", "...")):
        value -= 0.3
    letters = [char for char in title if char.isalpha()]
    if len(letters) >= 12 and sum(char.isupper() for char in letters) > 0.7 * len(letters):
        value -= 0.4
    return value


def choose(values: Sequence[tuple[int, float]], present: int | None) -> int:
    """Return which entry gives a story its face.

    values:  entry and clarity of its entries, in order of arrival, at least one; a copy's
             clarity is given as 1.0 less, so that any clear original comes before it
    present: the entry that gives it now, None for a new story

    The clearest; of equals the earliest. The present one stays unless it is clearly beaten.
    """
    best, best_value = max(values, key=lambda pair: pair[1])
    for entry_id, value in values:
        if entry_id == present:
            return best if best_value >= value + CLEARLY else entry_id
    return best
