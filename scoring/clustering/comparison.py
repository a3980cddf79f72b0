"""Compare one entry with the entries of a story: what of it stands there already, and what contradicts it.

A pure function of texts and their weights. What each piece of evidence counts for, `join_model` says.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from difflib import SequenceMatcher

from msgspec import Struct

from scoring.clustering.weighed_text import Member, WeighedText
from scoring.language.names import is_name
from scoring.language.terms import term
from scoring.meaning.embeddings import cosines

# Observed: a new site polls hundreds of feeds within a minute, most of what they list stands alone, and many headlines
# come without a summary. Of 39 judged joins on one or two neighbouring words of letters 4 were right ("Inside ...",
# "Always Online", a song named for a word of a headline). Where most entries join (a stream of one topic), such words
# are an event's name: half to three quarters of the joins were right.
# Rule: each word short of MIN_SHARED_WORDS counts against, by the log-odds that entries of this stream stand alone.
# Known to be wrong: two short headlines that share a product's name and nothing else, and are one event.
MIN_SHARED_WORDS = 3.0

CONTRADICTED_MEMBERS = 6
"""With so many of a story's latest entries an entry is compared for what contradicts it."""


class Comparison(Struct, frozen=True, gc=False):
    """How alike an entry and the entries of a story are: the best that any of them has, and what contradicts all."""

    similarity: float
    """Cosine."""
    contained: float
    """Share of one title's IDF that stands anywhere in the other text, the better way round."""
    shared: float
    """IDF of the shared terms."""
    figures: bool
    """Both titles name the same figure."""
    words: float
    """How many words are shared; where pairs of characters overlap, each more is half a word."""
    telling: tuple[str, ...]
    """The three most telling terms that it shares with that entry."""
    frame: float
    """Share of the shorter title's words that stand in the same order in the other."""
    slot: float
    """How clearly both titles are one frame with something else in it: the IDF of what differs, times `frame`."""
    swapped: float
    """The same, of names that stand in each other's place."""
    substituted: float
    """`slot`, where one title is the other with as many other words in those places; else 0.0."""
    fresh: float
    """Share of what the entry says outside its source's wording that stands in the story; 1.0 without such wording."""
    numbers_differ: bool
    """Both titles have numbers, and none in common."""
    versions_differ: bool
    """One word stands before different numbers."""
    dates_differ: bool
    """Both titles name days, and none in common."""
    reissued: bool
    """One source repeats a title with other times in it."""
    names: tuple[str, ...]
    """Names that it shares with the nearest entry."""
    named: float
    """IDF of those names."""
    title_named: bool
    """One of them stands in both titles."""
    other_names: float
    """IDF of a name that one title has and the other text has not, the lower of both ways round."""


_NONE = Comparison(
    0.0, 0.0, 0.0, False, 0.0, (), 0.0, 0.0, 0.0, 0.0, 1.0, False, False, False, False, (), 0.0, False, 0.0
)


def compare(entry: WeighedText, members: Sequence[Member]) -> Comparison:
    """Return how alike an entry and a story's entries are."""
    own, idf, places = entry.member, entry.idf, entry.places
    best = contained = shared = words = 0.0
    figures = False
    nearest: Member | None = None
    vector, title = own.vector, own.title
    terms = vector.keys()
    for member in members:
        both = terms & member.vector.keys()
        if not both:
            continue
        similarity = math.fsum([vector[key] * member.vector[key] for key in both])
        if similarity > best:
            best, nearest = similarity, member
        shared = max(shared, math.fsum([idf[key] for key in both]))
        if words < MIN_SHARED_WORDS:
            words = max(words, shared_words(both, places) if places else float(len(both)))
        of_ours = math.fsum([title[key] for key in both if key in title])
        theirs = member.title
        of_theirs = math.fsum([theirs[key] for key in both if key in theirs])
        contained = max(contained, of_ours / own.title_idf, of_theirs / member.title_idf)
        figures = figures or not own.figures.isdisjoint(member.figures)
    if nearest is None:
        return _NONE
    latest = members[-CONTRADICTED_MEMBERS:]
    both = terms & nearest.vector.keys()
    # Only for Latin letters there is a list of ordinary words.
    names = sorted(filter(is_name, both) if own.script == "latin" else both)
    frame, slot, swapped, substituted = _frame(own, members)
    return Comparison(
        best,
        contained,
        shared,
        figures,
        words,
        tuple(sorted(both, key=lambda key: (-idf[key], key))[:3]),
        frame,
        slot,
        swapped,
        substituted,
        _fresh(entry, members),
        _apart(own.numbers, [member.numbers for member in latest]),
        _versions_differ(own, latest),
        _apart(own.dates, [member.dates for member in latest]),
        _reissued(own, latest),
        tuple(names),
        math.fsum([idf[key] for key in names]),
        any(key in title and key in nearest.title for key in names),
        _other_names(entry, nearest, latest),
    )


# Observed: "Yellow warning of ice affecting East Midlands", "Borders"; "Zephyr gadget number 4: the quiet lamp",
# "number 5: the quiet kettle", by one source or by many. On a new site nothing tells that such wording recurs.
# Rule: two headlines that have half of their words in the same order, and telling words in the same place that are not
# the same, are two things of one series. Reports of one event that agree so far differ in verbs and fillers.
# Known to be wrong: two sources that call one thing by two names in the same sentence.
MIN_FRAME = 0.5
MIN_FRAME_WORDS = 2


def _frame(own: Member, members: Sequence[Member]) -> tuple[float, float, float, float]:
    """Return how much of a frame a title shares with the most alike of some others, and how telling is what differs.

    All are 0.0 where less than MIN_FRAME of the words, or fewer than MIN_FRAME_WORDS, are the same. What differs is
    summed over the places in the frame, each with the lower IDF of both titles: any words, names alone, and any words
    of a title that is the other with as many words replaced.
    """
    ours = own.title_words
    distinct = frozenset(ours)
    frame = slot = swapped = substituted = 0.0
    for member in members:
        theirs = member.title_words
        least = max(MIN_FRAME_WORDS, MIN_FRAME * min(len(ours), len(theirs)))
        # Aligning is slow, and of most pairs the words that they share say that it would be in vain: no alignment has
        # more words in the same order than both titles have at all.
        shared = distinct.intersection(theirs)
        if len(shared) < 0.7 * least:
            continue
        shorter = min(len(ours), len(theirs))
        most = sum([min(ours.count(word), theirs.count(word)) for word in shared])
        if most < least or most / shorter < frame:
            continue
        aligned = SequenceMatcher(None, ours, theirs, autojunk=False)
        same = sum([size for _, _, size in aligned.get_matching_blocks()])
        if same < least or same / shorter < frame:
            continue
        share = same / shorter
        blocks = aligned.get_opcodes()
        replaced = [(ours[i:k], theirs[m:n]) for tag, i, k, m, n in blocks if tag == "replace"]
        words, names = (
            share * math.fsum(min(_highest(own.title, a, named), _highest(member.title, b, named)) for a, b in replaced)
            for named in (False, True)
        )
        if (share, -words) > (frame, -slot):
            frame, slot, swapped = share, words, names
            as_long = len(ours) == len(theirs) and all(len(a) == len(b) for a, b in replaced)
            substituted = words if as_long else 0.0
    return frame, slot, swapped, substituted


def _highest(title: Mapping[str, float], words: Sequence[str], named: bool) -> float:
    """Return the IDF of the most telling of some words of a title, or of the names among them; 0.0 for none."""
    return max([title.get(key, 0.0) for key in map(term, words) if key and (not named or is_name(key))], default=0.0)


def _other_names(entry: WeighedText, nearest: Member, latest: Sequence[Member]) -> float:
    """Return the IDF of names by which a title and the nearest entry differ, the lower of both ways round."""
    ours = 0.0
    for key, weight in entry.title_names:
        if not any(key in member.vector for member in latest):
            ours = weight
            break
    else:
        return 0.0
    vector, theirs = entry.member.vector, 0.0
    for key, weight in nearest.title.items():
        if weight > theirs and key not in vector and is_name(key):
            theirs = weight
    return min(ours, theirs)


def _fresh(entry: WeighedText, members: Sequence[Member]) -> float:
    fresh = entry.fresh
    if not entry.template:
        return 1.0
    if not fresh:
        return 0.0
    best = max(math.fsum([fresh[key] for key in fresh.keys() & member.vector.keys()]) for member in members)
    return best / math.fsum(fresh.values())


def _apart(ours: frozenset[str], theirs: Sequence[frozenset[str]]) -> bool:
    return bool(ours) and any(theirs) and all(ours.isdisjoint(other) for other in theirs)


def _reissued(own: Member, latest: Sequence[Member]) -> bool:
    """Return whether a source has the same headline in a story but for times: "Alert until 4PM", "until 5PM"."""
    times = [word for word in own.title_words if word[0].isdigit()]
    same = [
        [word for word in member.title_words if word[0].isdigit()] == times
        for member in latest
        if member.source_id == own.source_id and member.title.keys() == own.title.keys()
    ]
    return bool(own.source_id and times and same) and not any(same)


def _versions_differ(own: Member, latest: Sequence[Member]) -> bool:
    if not own.versions:
        return False
    known: dict[str, set[str]] = {}
    for member in latest:
        for name, number in member.versions:
            known.setdefault(name, set()).add(number)
    return any(name in known and number not in known[name] for name, number in own.versions)


def shared_words(shared: Collection[str], places: Mapping[str, int]) -> float:
    """Return how many words some terms of a text are: of pairs of characters that overlap, each more is half a word."""
    stand = 0
    for key in shared:
        stand |= places.get(key, 0)
    return len(shared) - 0.5 * (stand & (stand << 1)).bit_count()


def nearest_meaning(entry: WeighedText, members: Sequence[Member]) -> float | None:
    """Return the largest cosine of an entry's embedding with those of a story's entries; None where it is not known."""
    own = entry.member.embedding
    if own is None:
        return None
    others = [member.embedding for member in members if member.embedding and member.embedding.space == own.space]
    return max(cosines(own, others), default=None)
