"""Turn the log-odds of a score into points that add up to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct

from aggregator.model import Contribution, Reason, ReasonKind, because
from aggregator.text.tokens import words


def sigmoid(logit: float) -> float:
    """Return 1 / (1 + exp(-logit)), without overflow on either side."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    odds = math.exp(logit)
    return odds / (1.0 + odds)


class Part(Struct, frozen=True):
    """One addend of a logit, with its reason."""

    name: str
    log_odds: float
    reason: Reason


WORDS_SHOWN = 6

# Function words carry signal together (headlines with "how", "you" and "my" are seldom news; without them the prior's
# AUC falls from .885 to .876), but mean nothing to a reader one by one, so they count as the wording of the title.
PLAIN_WORDS = frozenset(
    words(
        "a an and are as at be been but by can for from had has have he her his how i if in into is it its just more "
        "my new no not now of off on one or our out over she so than that the their them then there these they this to "
        "up us was we were what when where which who why will with you your"
    )
)
SMALL = 0.02
"""Words with smaller log-odds, about half a point at most, are shown as one part."""


def contributions(base: float, parts: Sequence[Part], score: int) -> tuple[Contribution, ...]:
    """Return *base* and *parts* in points, largest first, adding up to *score* exactly.

    On the straight path from the base rate to the story, logit b + tS for t in 0..1 with
    S = sum of c_i, each part gets the share of the probability that it adds along the path:

        points_i = 100 * integral of c_i * sigma'(b + tS) dt = 100 * c_i * (sigma(b + S) - sigma(b)) / S

    with the limit 100 * c_i * sigma'(b) for S -> 0; the base has 100 * sigma(b). Points have the sign
    of their log-odds, and equal log-odds get equal points. The rounding of the score to a whole number
    (half a point at most) goes into the base. All are rounded to tenths by largest remainder.

    Aumann & Shapley, Values of Non-Atomic Games (1974); as an attribution Sundararajan, Taly & Yan,
    Axiomatic Attribution for Deep Networks (2017), "integrated gradients".
    """
    shown = _grouped(parts)
    total = sum(part.log_odds for part in shown)
    rate = _rate(base, total)
    exact = [100.0 * part.log_odds * rate for part in shown]
    tenths = largest_remainder([10.0 * (score - sum(exact)), *(10.0 * points for points in exact)], 10 * score)
    listed = [Contribution("base", base, tenths[0] / 10, because(ReasonKind.BASE))]
    listed += [
        Contribution(part.name, part.log_odds, points / 10, part.reason)
        for part, points in sorted(zip(shown, tenths[1:], strict=True), key=lambda p: (-abs(p[0].log_odds), p[0].name))
    ]
    return tuple(listed)


def _rate(base: float, total: float) -> float:
    """Return (sigma(base + total) - sigma(base)) / total, also where total is nearly 0."""
    if abs(total) < 1e-6:
        return sigmoid(base) * sigmoid(-base)
    return (sigmoid(base + total) - sigmoid(base)) / total


def largest_remainder(values: Sequence[float], total: int) -> list[int]:
    """Return *values* as whole numbers that add up to *total*, each less than 1 from its value.

    values: add up to *total* but for floating point error
    Hamilton's method of apportionment: round down, then give one to the largest remainders.
    """
    floors = [math.floor(value) for value in values]
    short = total - sum(floors)
    order = sorted(range(len(values)), key=lambda i: (floors[i] - values[i], i))
    # Floating point may leave a difference of one; the first in order takes it.
    for i in range(abs(short)):
        floors[order[i % len(order)] if short > 0 else order[-1 - i % len(order)]] += 1 if short > 0 else -1
    return floors


def word_parts(weights: Mapping[str, float]) -> tuple[list[Part], list[Part]]:
    """Return parts for the words with the largest log-odds, and one part for all others, if any.

    weights: log-odds by word

    A text has about thirty weighted words. Parts and reasons are only made for the few that are shown, because every
    entry is scored at least once.
    """
    ordered = sorted([(-abs(log_odds), word) for word, log_odds in weights.items() if log_odds])
    shown = [word for size, word in ordered[:WORDS_SHOWN] if -size >= SMALL]
    rest = [word for _, word in ordered[len(shown) :]]
    parts = [Part(f"word:{word}", weights[word], because(ReasonKind.WORD, word)) for word in shown]
    if len(rest) == 1:
        return parts, [Part(f"word:{word}", weights[word], because(ReasonKind.WORD, word)) for word in rest]
    return parts, [_others([weights[word] for word in rest], shown=bool(shown))] if rest else []


def _others(log_odds: Sequence[float], shown: bool) -> Part:
    """Return the part of the words that are not shown.

    shown: whether other words are shown
    """
    return Part("words", sum(log_odds), because(ReasonKind.OTHER_WORDS if shown else ReasonKind.WORDS, len(log_odds)))


def _grouped(parts: Sequence[Part]) -> list[Part]:
    """Return *parts* with the small words combined into one, and without parts of 0."""
    of_words = sorted(
        (part for part in parts if part.name.startswith("word:")), key=lambda part: (-abs(part.log_odds), part.name)
    )
    shown = [part for part in of_words[:WORDS_SHOWN] if abs(part.log_odds) >= SMALL]
    rest = [part for part in of_words[len(shown) :] if part.log_odds]
    listed = shown + [part for part in parts if part.log_odds and not part.name.startswith("word:")]
    if len(rest) == 1:
        listed += rest
    elif rest:
        listed.append(_others([part.log_odds for part in rest], shown=bool(shown)))
    return listed
