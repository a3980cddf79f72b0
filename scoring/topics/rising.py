"""Say which terms rise: what sources begin to write about more than they use to.

Knows what a term of a headline is, how often each stood in headlines of the last eight days and by whom, and
how likely its rise goes on. Leaves where entries come from to the caller, keeping to `store.topics`, and the
measure to `evaluate_terms`. Everything is a function of the entries that had arrived by the moment asked about.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from aggregator.model import Topic
from aggregator.text.tokens import words
from scoring.language.terms import STOP_WORDS, load_background, term
from scoring.ranking.trend import burst
from scoring.relevance.explanation import sigmoid

HOUR = 3600.0
DAY = 24 * HOUR

REACH = timedelta(days=8)
"""What is looked at: the last 24 hours, and seven days before them to know what is usual."""

LEAST_HISTORY = timedelta(days=2)
"""With less of a past nothing is known to be usual, so nothing rises."""

RISE_ENTRIES = 10
RISE_SOURCES = 8
RISE_TIMES = 3.0
"""A rise: so many entries of so many sources in 24 hours, and so many times the usual share of all entries."""

LEAST_ENTRIES = 3
LEAST_SOURCES = 3
LEAST_BURST = 2.0
"""What a topic on a page needs at the least; small sites never reach a rise by the numbers above."""

# Observed: one study makes "earlier", "lowest" or "areas" rise. They do mark a story, and tell a reader nothing;
# "protests", "curfew" and "statue" do, and rise more.
# Rule: a single word that headlines do not write with a capital needs WORD_BURST.
WORD_BURST = 3.0

# Observed among terms that would lead the list: days and months, what newsrooms put around any headline ("live
# updates", "watch:", "everything you need to know"), bare numbers and years.
# Rule: such words are in no term; a number is none alone, but "iphone 15" is.
# Known to be wrong: "March" (a march on Washington), "May" (a minister), "Sun" is kept though it is a paper too.
_FRAME = frozenset(
    """
    monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat weekday weekend today
    tonight tomorrow yesterday morning evening afternoon night midnight noon hour hours day days week weeks
    month months year years daily weekly january february march april may june july august september october
    november december jan feb mar apr jun jul aug sep sept oct nov dec montag dienstag mittwoch donnerstag
    freitag samstag sonntag heute gestern morgen lundi mardi mercredi jeudi vendredi samedi dimanche hier
    aujourdhui demain janvier fevrier avril juin juillet aout octobre novembre decembre lunes martes miercoles
    jueves viernes sabado domingo hoy ayer понедельник вторник среда четверг пятница суббота воскресенье сегодня
    вчера завтра news live update updates updated latest breaking watch video videos photo photos picture
    pictures pics gallery read story stories headline headlines report reports reported reporter exclusive
    opinion editorial analysis explainer explained explains interview podcast newsletter review reviews roundup
    recap preview guide briefing digest transcript top best worst new first last next old big biggest things
    thing everything everyone know need needs full key way ways tips list one two three four five six seven
    eight nine ten many much people man men woman women show shows get gets got make makes made take takes come
    comes coming go goes going see sees look looks like want wants set sets find finds found call calls called
    calling reveal reveals revealed tell tells told back home good great here time times use used using help
    helps work works give gives keep keeps put puts ahead amid despite still even since every another really
    ever never may could would advertisement sponsored subscribe announced announces announce announcement
    launch launches launched warns warn urges says face faces add adds start starts end ends
    """.split()  # noqa: SIM905 - a list of three hundred strings is no easier to read
)

_PAIR = " "


@lru_cache(maxsize=8_192)
def headline_terms(title: str) -> tuple[str, ...]:
    """Return the distinct terms of a headline: words that tell something, and pairs of such that stand side by side.

    Words are not stemmed: what is shown is what sources wrote. Sorted.

    >>> headline_terms("Watch: George Floyd's brother speaks on Tuesday")
    ('brother', 'brother speaks', 'floyd', 'floyd brother', 'george', 'george floyd', 'speaks')
    """
    told = [word if _tells(word) else None for word in words(title)]
    found = {word for word in told if word is not None and not word[0].isdigit()}
    found |= {
        one + _PAIR + other
        for one, other in pairwise(told)
        if one is not None and other is not None and not (one[0].isdigit() and other[0].isdigit())
    }
    return tuple(sorted(found))


def _tells(word: str) -> bool:
    return len(word) > 1 and word not in STOP_WORDS and word not in _FRAME


@dataclass(frozen=True, slots=True)
class Rising:
    """A term, and how its last 24 hours look against what is usual."""

    term: str
    chance: float
    """That its next 24 hours bring a rise."""
    burst: float
    entries: int
    sources: int
    usual_per_day: float


class Headlines:
    """The headlines of the last days, by term and time.

    Told of each entry as it arrives, in order. Every question names its moment and is answered from
    what had arrived by then, so an index that holds more gives the same answer.
    """

    def __init__(self) -> None:
        self._arrived: list[float] = []
        self._published: list[float] = []
        self._voices: list[str] = []
        self._titles: list[str] = []
        self._ids: list[int] = []
        self._place: dict[int, int] = {}
        self._gone = 0
        """Entries that were forgotten; numbers in `_held` count them."""
        self._held: defaultdict[str, list[int]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._arrived)

    def add(self, entry_id: int, title: str, voice: str, arrived_at: datetime, published_at: datetime) -> None:
        """Take in an entry; it arrives no earlier than the one before."""
        number = self._gone + len(self._arrived)
        self._arrived.append(arrived_at.timestamp())
        self._published.append(published_at.timestamp())
        self._voices.append(voice)
        self._titles.append(title)
        self._ids.append(entry_id)
        self._place[entry_id] = number
        for found in headline_terms(title):
            self._held[found].append(number)

    def edit(self, entry_id: int, title: str) -> None:
        """Follow a change of a headline; what is no longer held is left alone."""
        number = self._place.get(entry_id)
        if number is None:
            return
        before = headline_terms(self._titles[number - self._gone])
        self._titles[number - self._gone] = title
        after = headline_terms(title)
        for lost in set(before) - set(after):
            self._held[lost].remove(number)
        for won in set(after) - set(before):
            insort(self._held[won], number)

    def forget(self, before: datetime) -> None:
        """Let go of what arrived before a moment, once that is a good part of all."""
        out = bisect_left(self._arrived, before.timestamp())
        if out < 1_000 or out < len(self._arrived) // 4:
            return
        for entry_id in self._ids[:out]:
            del self._place[entry_id]
        for column in (self._arrived, self._published, self._voices, self._titles, self._ids):
            del column[:out]
        self._gone += out
        kept = {t: numbers[bisect_left(numbers, self._gone) :] for t, numbers in self._held.items()}
        self._held = defaultdict(list, {t: numbers for t, numbers in kept.items() if numbers})

    # Asking

    def number_at(self, moment: float) -> int:
        """Return how many entries had arrived up to *moment* (seconds since 1970), those forgotten included."""
        return self._gone + bisect_right(self._arrived, moment)

    def terms(self, first: int, last: int, least: int) -> Iterator[tuple[str, list[int]]]:
        """Yield, by the alphabet, the terms of which *least* entries are in first..last-1, with all their entries."""
        listed = []
        for found, numbers in self._held.items():
            end = bisect_left(numbers, last)
            if end >= least and numbers[end - least] >= first:
                listed.append((found, numbers))
        yield from sorted(listed)

    def voices(self, numbers: Iterable[int]) -> set[str]:
        """Return who wrote these entries."""
        gone, voices = self._gone, self._voices
        return {voices[number - gone] for number in numbers}

    def published_after(self, numbers: Sequence[int], moment: float) -> int:
        """Return how many of these entries were published after *moment*."""
        gone, published = self._gone, self._published
        return sum(published[number - gone] > moment for number in numbers)

    def title(self, number: int) -> str:
        """Return the headline of an entry."""
        return self._titles[number - self._gone]

    def entry_id(self, number: int) -> int:
        """Return the id of an entry."""
        return self._ids[number - self._gone]

    def numbers(self, term: str) -> Sequence[int]:
        """Return all entries that hold *term*, oldest first."""
        return self._held.get(term, ())

    def arrived(self, number: int) -> float:
        """Return when an entry arrived."""
        return self._arrived[number - self._gone]

    @property
    def first_arrival(self) -> float:
        """When the oldest entry that is held arrived; infinity without any."""
        return self._arrived[0] if self._arrived else math.inf


class Moment:
    """The headlines as they were at one moment, and the signals of a term then."""

    def __init__(self, headlines: Headlines, now: datetime) -> None:
        self.headlines = headlines
        self.now = now.timestamp()
        at = self._at
        self.end = at(0)
        self.day = at(24)
        self.days = [at(24 * back) for back in range(8)]
        self._half, self._quarter = at(12), at(6)
        self.begin = at(REACH.total_seconds() / HOUR)
        self.entries = self.end - self.day
        self.before = self.day - self.begin
        week = headlines.number_at(self.now - 6 * DAY) - headlines.number_at(self.now - 7 * DAY)
        self.expected = week if headlines.first_arrival <= self.now - 7 * DAY else self.entries
        """Entries of the next 24 hours: as many as of the same 24 hours a week ago."""

    def _at(self, hours_ago: float) -> int:
        return self.headlines.number_at(self.now - hours_ago * HOUR)

    @property
    def known(self) -> bool:
        """Whether there is enough of a past to say what is usual."""
        return self.before > 0 and self.headlines.first_arrival <= self.now - LEAST_HISTORY.total_seconds()

    def recent(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return those of a term's entries that arrived in the last 24 hours."""
        return numbers[bisect_left(numbers, self.day) : bisect_left(numbers, self.end)]

    def usual(self, numbers: Sequence[int]) -> float:
        """Return the share of entries that held the term in the seven days before the last 24 hours."""
        held = bisect_left(numbers, self.day) - bisect_left(numbers, self.begin)
        return held / self.before

    def signals(self, found: str, numbers: Sequence[int]) -> tuple[float, ...]:
        """Return what is known of a term, in the order of SIGNALS."""
        starts = [bisect_left(numbers, edge) for edge in self.days]
        daily = [newer - older for newer, older in pairwise(starts)]
        start, end = starts[1], starts[0]
        half, quarter = bisect_left(numbers, self._half), bisect_left(numbers, self._quarter)
        recent = numbers[start:end]
        need = max(float(RISE_ENTRIES), RISE_TIMES * self.usual(numbers) * self.expected)
        # Entries of the last hours, as a day at that pace would bring them.
        pace_half = (2 * (end - half) + 0.5) * self.entries / (2 * (self.end - self._half) + 1)
        pace_quarter = (4 * (end - quarter) + 0.5) * self.entries / (4 * (self.end - self._quarter) + 1)
        first = self.headlines.arrived(numbers[bisect_left(numbers, self.begin)])
        young = self.headlines.published_after(recent, self.now - 16 * HOUR)
        roots = [math.sqrt(count) for count in daily[1:]]
        mean = math.fsum(roots) / len(roots)
        return (
            math.log((len(recent) + 0.5) / need),
            math.log(pace_half / need),
            math.log(pace_quarter / need),
            min(0.0, math.log(len(self.headlines.voices(recent)) / RISE_SOURCES)),
            math.log((len(self.headlines.voices(numbers[half:end])) + 0.5) / RISE_SOURCES),
            math.log(need),
            math.log1p(max(daily[1:])),
            float(sum(count > 0 for count in daily)),
            math.log((self.now - first) / HOUR + 1.0),
            math.log((young + 0.5) / need * 1.5),
            _commonness(found),
            math.sqrt(math.fsum((root - mean) ** 2 for root in roots) / len(roots)),
        )


SIGNALS = (
    "entries of 24 hours",
    "pace of 12 hours",
    "pace of 6 hours",
    "too few sources",
    "sources of 12 hours",
    "entries that a rise needs",
    "best day of the week before",
    "days of the week with it",
    "hours since it was first there",
    "published within 16 hours",
    "how common the words are",
    "how unsteady it was",
)

# Fitted by `python -m bench.terms fit` on the recorded stream news_2020_dev, 2020-05-18 to 06-13, every six hours.
WEIGHTS = (1.4542, 0.2412, 0.1882, 0.1567, 0.1882, -0.5861, 0.0435, 0.1904, -0.5479, 0.6652, 0.07, 1.0608)
OFFSET = 0.6764


@lru_cache(maxsize=32_768)
def _commonness(found: str) -> float:
    """Return the log of the share of the background's documents that hold the term's words, on average."""
    background = load_background()
    shares = [background.share(term(word)) for word in found.split(_PAIR)]
    return math.log(math.fsum(shares) / len(shares) + 1e-5)


def ranked(moment: Moment, weights: Sequence[float] = WEIGHTS, offset: float = OFFSET) -> list[tuple[float, str]]:
    """Return the terms of the last 24 hours with the log-odds that a rise follows, likeliest first."""
    if not moment.known:
        return []
    found = [
        (offset + math.fsum(w * s for w, s in zip(weights, moment.signals(t, numbers), strict=True)), t)
        for t, numbers in moment.headlines.terms(moment.day, moment.end, LEAST_ENTRIES)
    ]
    return sorted(found, key=lambda one: (-one[0], one[1]))


def describe(moment: Moment, found: str, log_odds: float) -> Rising:
    """Return a term with its numbers."""
    numbers = moment.headlines.numbers(found)
    recent = moment.recent(numbers)
    usual = moment.usual(numbers) * moment.entries
    return Rising(
        term=found,
        chance=sigmoid(log_odds),
        burst=burst(len(recent), max(usual, 0.5)),
        entries=len(recent),
        sources=len(moment.headlines.voices(recent)),
        usual_per_day=usual,
    )


SAME_TOPIC = 0.8
"""Share of the smaller one's entries from which two terms are one topic: "Lea", "Michele" and "Lea Michele"."""

LOOKED_AT = 300
"""So many of the likeliest terms are looked at to fill a list."""


def rising(moment: Moment, limit: int = 10) -> list[Rising]:
    """Return the topics that rise, likeliest first: one term for each.

    A term whose entries are mostly those of one above it is the same topic and is left out.
    """
    chosen: list[tuple[Rising, frozenset[int]]] = []
    for log_odds, found in ranked(moment)[:LOOKED_AT]:
        if len(chosen) == limit:
            break
        one = describe(moment, found, log_odds)
        if one.sources < LEAST_SOURCES or one.burst < LEAST_BURST:
            continue
        recent = moment.recent(moment.headlines.numbers(found))
        if one.burst < WORD_BURST and not is_name(found, [moment.headlines.title(number) for number in recent]):
            continue
        held = frozenset(recent)
        if all(len(held & other) < SAME_TOPIC * min(len(held), len(other)) for _, other in chosen):
            chosen.append((one, held))
    return [one for one, _ in chosen]


def topics(moment: Moment, at: datetime, limit: int = 10) -> list[tuple[Topic, list[int]]]:
    """Return what `rising` finds as pages show it, each with its entries of the last eight days, oldest first."""
    found: dict[str, tuple[Topic, list[int]]] = {}
    for one in rising(moment, limit):
        numbers = moment.headlines.numbers(one.term)
        titles = [moment.headlines.title(number) for number in moment.recent(numbers)]
        phrase = grown(one.term, titles)
        slug = "-".join(phrase)
        if slug in found:
            continue
        held = numbers[bisect_left(numbers, moment.begin) : bisect_left(numbers, moment.end)]
        topic = Topic(
            slug=slug,
            name=spelled(phrase, titles),
            position=len(found) + 1,
            chance=one.chance,
            burst=one.burst,
            entries=one.entries,
            sources=one.sources,
            usual_per_day=one.usual_per_day,
            updated_at=at,
        )
        found[slug] = (topic, [moment.headlines.entry_id(number) for number in held])
    return list(found.values())


def is_name(found: str, titles: Iterable[str]) -> bool:
    """Return whether a term is several words, or one that headlines write with a capital, or in a script without.

    Headlines That Capitalise Every Word say nothing either way; where there are only such, it is one.

    >>> is_name("floyd", ["Who was George Floyd?"]), is_name("earlier", ["Virus spread earlier than thought"])
    (True, False)
    """
    if _PAIR in found or not found.isascii():
        return True
    capital = small = 0
    for title in titles:
        pieces = _SPELLED.findall(title)
        if 3 * sum(piece[0].islower() for piece in pieces) < len(pieces):
            continue
        for piece in pieces[1:]:
            if found in words(piece):
                capital += piece[0].isupper()
                small += piece[0].islower()
    return capital >= small


# From fragments to phrases

WHOLE = 0.6
"""A neighbour that so many of the headlines share belongs to the phrase: "Lea" is "Lea Michele"."""
LONGEST = 4


def grown(found: str, titles: Sequence[str]) -> tuple[str, ...]:
    """Return the words of the phrase that *found* is a part of in most of *titles*.

    >>> grown("lea", ["Lea Michele apologises", "Actor accuses Lea Michele", "Lea Michele says sorry"])
    ('lea', 'michele')
    """
    phrase = tuple(found.split(_PAIR))
    told = [words(title) for title in titles]
    while len(phrase) < LONGEST:
        before: Counter[str] = Counter()
        after: Counter[str] = Counter()
        for title in told:
            at = _find(title, phrase)
            if at is None:
                continue
            if at > 0:
                before[title[at - 1]] += 1
            if at + len(phrase) < len(title):
                after[title[at + len(phrase)]] += 1
        options = [
            (count, word, side)
            for side, counts in (("after", after), ("before", before))
            for word, count in counts.items()
            if count >= max(WHOLE * len(titles), 2.0) and _tells(word)
        ]
        if not options:
            break
        _, word, side = min(options, key=lambda option: (-option[0], option[2], option[1]))
        phrase = (*phrase, word) if side == "after" else (word, *phrase)
    return phrase


def _find(title: Sequence[str], phrase: Sequence[str]) -> int | None:
    for at in range(len(title) - len(phrase) + 1):
        if tuple(title[at : at + len(phrase)]) == tuple(phrase):
            return at
    return None


_SPELLED = re.compile(r"[^\W_]+(?:[.'’&+-][^\W_]+)*\+*")
_POSSESSIVE = re.compile(r"['’]s\Z")


def spelled(phrase: Sequence[str], titles: Iterable[str]) -> str:
    """Return a phrase as most of *titles* spell it; where none can be found, its words.

    >>> spelled(("2gw", "openai"), []), spelled(("george", "floyd"), ["George Floyd's brother", "GEORGE FLOYD"])
    ('2gw openai', 'George Floyd')
    """
    ways: Counter[str] = Counter()
    for title in titles:
        pieces = [(m.start(), m.end(), words(m.group())) for m in _SPELLED.finditer(title)]
        for at, (begin, _, _) in enumerate(pieces):
            said: list[str] = []
            for _, end, told in pieces[at:]:
                said += told
                if len(said) >= len(phrase):
                    if tuple(said) == tuple(phrase):
                        ways[_POSSESSIVE.sub("", title[begin:end])] += 1
                    break
    if not ways:
        return _joined(phrase)
    # A shouting headline does not decide how a name is written, where another one does not shout.
    quiet = {way: count for way, count in ways.items() if not (way.isupper() and len(way) > 5)} or dict(ways)
    return min(quiet, key=lambda way: (-quiet[way], way))


def _joined(phrase: Sequence[str]) -> str:
    """Return the words of a phrase as one: overlapping pairs of writing without spaces become a run."""
    text = phrase[0]
    for word in phrase[1:]:
        unspaced = not word.isascii() and len(word) == 2 and text[-1] == word[0]
        text = text + word[1:] if unspaced else f"{text} {word}"
    return text
