"""Order the stories of a page, and explain the place of each.

    place = worth + coverage + score + growth - age        in log-odds, see `values`
            (+ weight of the sources, + boost by a rule, if feeds.yaml sets them)
    order = best place first; a story gives way to others where its publisher or subject has just been shown,
            and ranks below every strong story if its own score is low and it is not breaking

Knows the formula, its weights and the variety of a page. Leaves how strongly a story trends to `trend`, and which
stories there are to `engine`.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.model import Embedding, Ranking, Story
from scoring.language.terms import telling
from scoring.meaning.embeddings import EmbeddingTable

LIST_LENGTH = 60

POOL = 3 * LIST_LENGTH
"""Number of best candidates that a list is chosen from."""

# A fit on pairs of stories of one hour (`python -m bench.page_order`, three graded windows of AI and technology news)
# gives .57 and .89 for the first two, and cannot give the third, because grades are of single texts. Human editors
# follow coverage more closely: with these weights, the first ten contain .617 of Techmeme's picks, and .562 with .57,
# .89 and .6. The mean of the graded windows stays the same (docs/dev/ranking.md).
WEIGHT_WORTH = 0.8
WEIGHT_COVERAGE = 1.2
WEIGHT_SOURCES = 1.5
"""Weight of the number of sources, in addition to the sum of their worths."""

WEIGHT_SCORE = 0.15
WEIGHT_GROWTH = 0.1
"""The fit gives both 0 once the worth of the text is known. They represent what an editor's grade does not contain:
this site's own votes and coverage, and current growth. Together they cost .004 of nDCG@10."""

WEIGHT_LOW_SCORE = 1.5
"""Additional weight of the part of a score that is below LOW_SCORE. Only a quiet Sunday's page has such stories, and it
should begin with the best of them instead of the newest."""

WEIGHT_AGE = 3.0
FADE = timedelta(hours=26)
FADE_POWER = 3
WEIGHT_DAYS = 0.5
"""Chosen by hand, see docs/dev/ranking.md. A story fades little within its first half day, most around its 24th hour,
and slowly after that, so that on a quiet Sunday Friday's news still ranks above today's noise. If it faded as fast
throughout, the noise would rank first; if it stopped fading, Thursday's news would lead on Sunday."""

BOOST = 2.0
"""Added by a rule: about as much as a second independent source of usual worth adds (1.7). A judgment, not fitted."""

MIN_TOTAL_WEIGHT = 0.0001
"""Least total weight of a story's sources. With weight 0, stories rank below all others, in the usual order."""

MIN_PROBABILITY = 0.005
"""Probabilities are clipped to at least this far from 0 and 1."""

UNKNOWN_WORTH = 0.14
"""Worth of a story whose text was not judged: the base rate."""

FIRST_REPORT = 0.05
"""Added to the expected number of worthy reports, so that its logarithm is finite."""

GROWTH_WITHIN = timedelta(hours=3)

BREAKING_WITHIN = timedelta(hours=1)
BREAKING_SOURCES = 3
"""A story is breaking while at least so many independent sources joined it within `BREAKING_WITHIN`."""

LOW_SCORE = 15
"""A story that scores below this never ranks above a fresh story that scores more, unless it is breaking.

On six graded long weekends, this and the weight of low scores keep .013 of noise off the first ten; limits of 10 to 25
do about as well (docs/dev/ranking.md)."""

FRESH = timedelta(hours=72)

TOP = 8
STALE = timedelta(hours=48)
GOOD_SCORE = 50
"""A story that no independent source joined for STALE is not among the TOP of a list while one of GOOD_SCORE or more
has fresher news. Coverage alone would keep Tuesday's news on top of Sunday's page. Places 9 and 10 are exempt, because
Techmeme's picks never expire: the rule costs .011 of them, and would cost .046 with ten places."""

SAME_EVENT = 0.6
"""Jaccard similarity of headline terms from which two headlines count as the same."""

SOURCE_AGAIN = 0.2
TOPIC_AGAIN = 0.1
"""Log-odds that a story loses for each story just above it with the same publisher, or with the same telling term in
its headline. Small, so that a clearly better story keeps its place."""

SAME_NEWS = 0.2
NEWS_AGAIN = 8.0
"""Log-odds that a story loses for each 1.0 of likeness beyond SAME_NEWS to the most alike story just above it: "Claude
Code can now use your computer" under "Anthropic's Claude can now use your computer" loses 1. They are two stories, but
a page needs the news only once. `_likeness` defines the likeness."""

SAME_MEANING = 0.5
MEANING_AGAIN = 10.0
"""Log-odds that a story loses, in addition, for each 1.0 of cosine beyond SAME_MEANING to the story just above it that
is nearest in meaning: "Anthropic launches a service for the military" under "Anthropic unveils custom models for US
national security", which have one word in common. Has no effect without a sentence encoder."""

LOOK_BACK = 10
"""A story is compared with so many places above it, for variety: the top of a page fills up, not its end."""

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What determines the place of a live story on a page."""

    story_id: int
    category_id: str
    relevance: float
    """The probability that the score shows, 0..1."""
    score: int
    worths: tuple[float, ...]
    """Worth (0..1) of each independent source's first entry, in order of arrival."""
    joined: tuple[datetime, ...]
    """When each independent source joined, in any order."""
    source_id: str
    """Of the lead entry."""
    topics: frozenset[str]
    """Terms of the headline."""
    trend: float = 0.0
    boosted: bool = False
    """A rule of feeds.yaml prefers it."""
    weights: tuple[float, ...] = ()
    """`weight` in feeds.yaml of the source of each entry in `worths`; empty if all are 1."""
    embedding: Embedding | None = None
    """Of the lead entry; None without a sentence encoder."""


@dataclass(frozen=True, slots=True)
class PlacePart:
    """One part of a story's place, and the number that it is based on."""

    name: str
    """worth, coverage, score, growth, age, weight or boost."""
    value: float
    """Log-odds."""
    amount: float
    """The worth 0..1, the independent sources, the score 0..100, the sources within three hours, the hours, the mean
    weight, or 1 for a boost."""


def values(candidate: Candidate, now: datetime) -> dict[str, float]:
    """Return the parts of a story's place at *now*, in log-odds; their sum is the place.

        worth     0.8  * ln(w / (1 - w))       w: the highest worth of the independent sources' first entries
        coverage  1.2  * ln(W + .05)           W: the sum of their worths, the expected number of worthy reports
                 + 1.5 * ln(n)                 n: the independent sources
        score     0.15 * ln(p / (1 - p))       p: the probability that the score shows
                 + 1.5 * (ln(p / (1 - p)) + 1.73)  below .15
        growth    0.1  * ln(1 + g)             g: independent sources that joined within three hours
        age      -3.0  * (1 - e^-(h/26)^3)     h: hours since an independent source last joined
                 - 0.5 * h / 24
        weight    what coverage changes by     where feeds.yaml weighs the sources: a source of weight 2 counts as two
        boost     2                            where a rule of feeds.yaml prefers the story

    An added independent source never lowers a place, a copy (no new independent source) leaves it, and time without
    news never raises it.
    """
    worths = candidate.worths or (UNKNOWN_WORTH,) * len(candidate.joined)
    score = _log_odds(candidate.relevance)
    parts = {
        "worth": WEIGHT_WORTH * _log_odds(max(worths, default=0.0)),
        "coverage": _coverage(worths, max(len(candidate.joined), 1)),
        "score": WEIGHT_SCORE * score + WEIGHT_LOW_SCORE * min(score - _log_odds(LOW_SCORE / 100), 0.0),
        "growth": WEIGHT_GROWTH * math.log1p(since(candidate.joined, now, GROWTH_WITHIN)),
        "age": _age(quiet_for(candidate, now)),
    }
    if candidate.weights:
        weighted = [worth * weight for worth, weight in zip(worths, candidate.weights, strict=True)]
        parts["weight"] = _coverage(weighted, math.fsum(candidate.weights)) - parts["coverage"]
    return {**parts, "boost": BOOST} if candidate.boosted else parts


def _coverage(worths: Iterable[float], sources: float) -> float:
    return WEIGHT_COVERAGE * math.log(math.fsum(worths) + FIRST_REPORT) + WEIGHT_SOURCES * math.log(
        max(sources, MIN_TOTAL_WEIGHT)
    )


def _age(quiet: timedelta) -> float:
    return WEIGHT_AGE * math.expm1(-((quiet / FADE) ** FADE_POWER)) - WEIGHT_DAYS * (quiet / DAY)


def place(candidate: Candidate, now: datetime) -> float:
    """Return the place of a story at *now* in log-odds, the sum of `values`; the highest is first on a page."""
    return math.fsum(values(candidate, now).values())


def parts(candidate: Candidate, now: datetime) -> tuple[PlacePart, ...]:
    """Return the parts of a story's place at *now*, each with the number that it is based on."""
    amounts = {
        "worth": max(candidate.worths, default=UNKNOWN_WORTH),
        "coverage": float(len(candidate.joined)),
        "score": float(candidate.score),
        "growth": float(since(candidate.joined, now, GROWTH_WITHIN)),
        "age": quiet_for(candidate, now) / HOUR,
        "weight": math.fsum(candidate.weights) / max(len(candidate.weights), 1),
        "boost": 1.0,
    }
    return tuple(PlacePart(name, value, amounts[name]) for name, value in values(candidate, now).items())


def stored(place_parts: Iterable[PlacePart]) -> list[tuple[str, float, float]]:
    """Return the parts of a place in the form that the store keeps."""
    return [(part.name, round(part.value, 3), round(part.amount, 3)) for part in place_parts]


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, MIN_PROBABILITY), 1.0 - MIN_PROBABILITY)
    return math.log(clipped / (1.0 - clipped))


def since(joined: Iterable[datetime], now: datetime, within: timedelta) -> int:
    """Return how many independent sources joined *within* that time before *now*."""
    return sum(now - moment < within for moment in joined)


def quiet_for(candidate: Candidate, now: datetime) -> timedelta:
    """Return how long ago an independent source last joined."""
    return max(now - max(candidate.joined, default=now), timedelta())


def breaking(joined: Iterable[datetime], now: datetime) -> int:
    """Return how many independent sources a story that is breaking at *now* gained in the last hour, else 0."""
    count = since(joined, now, BREAKING_WITHIN)
    return count if count >= BREAKING_SOURCES else 0


TYPICAL = {"worth": -1.0, "coverage": -1.5, "score": -0.4, "growth": 0.0, "age": -0.4, "weight": 0.0, "boost": 0.0}
"""The parts of a typical live story. Those that differ most from it explain a place."""

MIN_DIFFERENCE = 0.25
MAX_REASONS = 3


def raises(part: PlacePart) -> bool:
    """Return whether a part puts a story above a usual one."""
    return part.value >= TYPICAL[part.name]


def distinctive(place_parts: Sequence[PlacePart]) -> list[PlacePart]:
    """Return the parts that set a story apart from a usual one, the strongest first; at least one.

    The coverage by a single source only repeats the worth of its text.
    """
    place_parts = [part for part in place_parts if part.name != "coverage" or part.amount > 1] or place_parts
    apart = {part.name: abs(part.value - TYPICAL[part.name]) for part in place_parts}
    listed = sorted(place_parts, key=lambda part: -apart[part.name])
    return [part for part in listed if apart[part.name] >= MIN_DIFFERENCE][:MAX_REASONS] or listed[:1]


def with_pinned(ranking: Ranking, pinned: Sequence[Story]) -> Ranking:
    """Return the lists with the pinned stories on top: on the front page and in their category, in the order given."""
    if not pinned:
        return ranking
    lists = {}
    for name, stories in ranking.items():
        top = [(story.story_id, story.trend) for story in pinned if name in ("", story.category_id)]
        trends = dict(stories)
        first = [(story_id, trends.get(story_id, trend)) for story_id, trend in top]
        above = {story_id for story_id, _ in first}
        lists[name] = [*first, *(story for story in stories if story[0] not in above)][:LIST_LENGTH]
    return lists


def ranked(candidates: Iterable[Candidate], now: datetime, length: int = LIST_LENGTH) -> list[tuple[int, float]]:
    """Return the stories of one list in order, with their trend.

    1. By place; of equal ones, the older story first.
    2. No second story with the same headline. A story moves down if one just above has the same news, by words or by
       meaning, and a little if one has the same publisher or the same most telling term (greedily, so the first of each
       keeps its place).
    3. A story of low score stays below every fresh one that is not low, unless it is breaking.
    4. A story without news for two days is not among the first eight while a good one with fresher news is left.

    The same candidates in any order give the same list.
    """
    listed = list(candidates)
    places = {c.story_id: place(c, now) for c in listed}
    listed.sort(key=lambda c: (-places[c.story_id], c.story_id))
    strong = {c.story_id for c in listed if c.score >= LOW_SCORE and quiet_for(c, now) <= FRESH and not _lowered(c)}
    waiting = listed[:POOL]
    waiting_ids = {c.story_id for c in waiting}
    waiting += [c for c in listed[POOL:] if c.story_id in strong and c.story_id not in waiting_ids]
    good = {c.story_id for c in listed if c.score >= GOOD_SCORE and quiet_for(c, now) <= STALE and not _lowered(c)}
    weak = {c.story_id for c in waiting if c.score < LOW_SCORE and not c.boosted and not breaking(c.joined, now)}
    stale = {c.story_id for c in waiting if not c.boosted and quiet_for(c, now) > STALE}
    left = {c.story_id for c in waiting}
    variety = _Variety(waiting[:POOL])
    placed: list[Candidate] = []
    while waiting and len(placed) < length:
        held_back = set() if left.isdisjoint(strong) else weak
        if len(placed) < TOP and not left.isdisjoint(good):
            held_back = held_back | stale
        candidate = waiting.pop(_next(waiting, variety, places, held_back))
        left.discard(candidate.story_id)
        if not any(_same_event(candidate.topics, other.topics) for other in placed):
            placed.append(candidate)
            variety.add(candidate)
    return [(c.story_id, c.trend) for c in placed]


def _lowered(candidate: Candidate) -> bool:
    """Return whether the sources together count less than one; such a story holds no other one back."""
    return bool(candidate.weights) and math.fsum(candidate.weights) < 1


class _Variety:
    """The latest places of a page, and how much a story repeats them."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._embeddings = EmbeddingTable({c.story_id: c.embedding for c in candidates if c.embedding is not None})
        self._above: deque[Candidate] = deque(maxlen=LOOK_BACK)
        self._cosines: deque[Mapping[int, float]] = deque(maxlen=LOOK_BACK)
        """Of each story above, with all candidates."""
        self._sources: Counter[str] = Counter()
        self._topics: Counter[str] = Counter()

    def add(self, candidate: Candidate) -> None:
        """Add the story that has the next place."""
        self._above.append(candidate)
        self._cosines.append(self._embeddings.cosines(candidate.story_id))
        self._sources = Counter(c.source_id for c in self._above)
        self._topics = Counter(topic for c in self._above for topic in c.topics)

    def repetition(self, candidate: Candidate) -> float:
        """Return the log-odds, 0 or more, that a story loses because it repeats those just above."""
        again = max((self._topics[topic] for topic in candidate.topics), default=0)
        lost = SOURCE_AGAIN * self._sources[candidate.source_id] + TOPIC_AGAIN * again
        if again:
            alike = max(_likeness(candidate.topics, other.topics) for other in self._above)
            lost += NEWS_AGAIN * max(0.0, alike - SAME_NEWS)
        nearest = max((cosines.get(candidate.story_id, 0.0) for cosines in self._cosines), default=0.0)
        return lost + MEANING_AGAIN * max(0.0, nearest - SAME_MEANING)


def _next(
    waiting: Sequence[Candidate], variety: _Variety, places: Mapping[int, float], held_back: Iterable[int]
) -> int:
    """Return which of *waiting*, sorted by place, comes next."""
    best, best_value = -1, -math.inf
    for position, candidate in enumerate(waiting):
        value = places[candidate.story_id]
        if value <= best_value:
            break  # sorted by place, and variety only lowers it
        if candidate.story_id in held_back:
            continue
        value -= variety.repetition(candidate)
        if value > best_value:
            best, best_value = position, value
    return max(best, 0)


def _likeness(terms: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of terms that two headlines have in common, each counted by how telling it is, 0..1."""
    both = terms & other
    return math.fsum(map(telling, both)) / math.fsum(map(telling, terms | other)) if both else 0.0


def _same_event(terms: frozenset[str], other: frozenset[str]) -> bool:
    if len(terms) < 3 or len(other) < 3:
        return bool(terms) and terms == other
    return len(terms & other) >= SAME_EVENT * len(terms | other)
