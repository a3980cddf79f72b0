"""Compare an entry with the entries of a story: what they share, and what contradicts.

A pure function of texts and their weights. `join_model` weighs the evidence.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from difflib import SequenceMatcher

from msgspec import Struct

from scoring.clustering.weighted_text import NUMBER, Member, WeightedText
from scoring.language.names import is_name
from scoring.language.terms import term
from scoring.meaning.embeddings import cosines

# Observed: a new site polls hundreds of feeds within a minute, most entries join no story, and many headlines
# come without a summary. Of 39 judged joins on one or two neighbouring words of letters 4 were right ("Inside ...",
# "Always Online", a song named for a word of a headline). Where most entries join (a stream of one topic), such words
# are an event's name: half to three quarters of the joins were right.
# Rule: each word short of MIN_SHARED_WORDS counts against, by the log-odds that entries of this stream join no story.
# Known to be wrong: two short headlines that share a product's name and nothing else, and are one event.
MIN_SHARED_WORDS = 3.0

MIN_SERIES_TEMPLATE = 0.4
"""From this template share on, a text is one of a series: jobs, warnings, advisories."""

MIN_REPUBLISHED = 0.4
"""From this share of the titles on, a text of a series may be a piece that its source publishes again under another
headline: then its template is evidence, too."""

CONTRADICTED_MEMBERS = 6
"""Contradictions are looked for among this many of a story's latest entries."""


class Comparison(Struct, frozen=True, gc=False):
    """How similar an entry is to the entries of a story: the best match of any of them, and what contradicts all.

    The defaults are those of an entry that shares nothing with the story.
    """

    similarity: float = 0.0
    """Cosine."""
    contained: float = 0.0
    """Share of one title's IDF found anywhere in the other text, the larger of both directions."""
    shared: float = 0.0
    """IDF of the shared terms."""
    figures: bool = False
    """Both titles name the same figure."""
    word_count: float = 0.0
    """Number of shared words; each further overlapping pair of characters counts as half a word."""
    telling: tuple[str, ...] = ()
    """The three rarest terms that it shares with the nearest entry."""
    frame: float = 0.0
    """Share of the shorter title's words that are in the same order in the other."""
    slot: float = 0.0
    """How clearly both titles are one frame with different content: the IDF of what differs, times `frame`."""
    swapped: float = 0.0
    """The same for names in the same position."""
    substituted: float = 0.0
    """`slot`, if the titles differ only by replaced words and are of one length; else 0.0."""
    fresh: float = 1.0
    """Share of the entry outside its source's template that the story contains; 1.0 without a template."""
    numbers_differ: bool = False
    """Both titles have numbers, but none in common."""
    versions_differ: bool = False
    """One word is followed by different numbers, or each text names other vulnerabilities (CVE)."""
    dates_differ: bool = False
    """Both titles name days, but none in common."""
    reissued: bool = False
    """One source repeats a title with other times in it."""
    names: tuple[str, ...] = ()
    """Names that it shares with the nearest entry."""
    named: float = 0.0
    """IDF of those names."""
    title_named: bool = False
    """One of them is in both titles."""
    other_names: float = 0.0
    """IDF of a name in one title that the other text lacks, the lower of both directions."""
    no_event: bool = False
    """The title of the entry reports no event, none of the story's titles does, or they are two columns of a day."""
    same_piece: bool = False
    """One source repeats a title with words before or behind it ("Update: ...", "... (corrected)"), or publishes a text
    again under another headline."""


def compare(entry: WeightedText, members: Sequence[Member]) -> Comparison:
    """Return the comparison of an entry with a story's entries."""
    own, idf, places = entry.member, entry.idf, entry.places
    best = contained = shared = word_count = 0.0
    figures = False
    nearest: Member | None = None
    of_nearest: Collection[str] = ()
    vector, title = own.vector, own.title
    terms = vector.keys()
    series = entry.template > MIN_SERIES_TEMPLATE
    for member in members:
        both = terms & member.vector.keys()
        if not both:
            continue
        similarity = math.fsum([vector[key] * member.vector[key] for key in both])
        if similarity > best:
            best, nearest, of_nearest = similarity, member, both
        if series and member.source_id == own.source_id and _title_share(own, member) < MIN_REPUBLISHED:
            # What the source writes anyway is no evidence that it reports one event again.
            both = both & entry.fresh.keys()
            if not both:
                continue
        of_both = math.fsum([idf[key] for key in both])
        if places:
            # Overlapping pairs of characters are one word, whose IDF must not count twice.
            count = shared_words(both, places)
            of_both *= count / len(both)
            word_count = max(word_count, count)
        elif word_count < MIN_SHARED_WORDS:
            word_count = max(word_count, float(len(both)))
        shared = max(shared, of_both)
        of_ours = math.fsum([title[key] for key in both if key in title])
        theirs = member.title
        of_theirs = math.fsum([theirs[key] for key in both if key in theirs])
        contained = max(contained, of_ours / own.title_idf, of_theirs / member.title_idf)
        figures = figures or not own.figures.isdisjoint(member.figures)
    if nearest is None:
        return Comparison()
    latest = members[-CONTRADICTED_MEMBERS:]
    # Only for Latin letters there is a list of ordinary words.
    names = sorted(filter(is_name, of_nearest) if own.script == "latin" else of_nearest)
    each = shared_words(of_nearest, places) / len(of_nearest) if places else 1.0
    frame, slot, swapped, substituted = _frame(own, members)
    # A series has the same summary under other names: "Flood warning issued for the River Severn", "... Trent".
    same_piece = (not swapped and _republished(entry, latest)) or _corrected(own, latest)
    if same_piece:
        slot = substituted = 0.0
    return Comparison(
        similarity=best,
        contained=contained,
        shared=shared,
        figures=figures,
        word_count=word_count,
        telling=tuple(sorted(of_nearest, key=lambda key: (-idf[key], key))[:3]),
        frame=frame,
        slot=slot,
        swapped=swapped,
        substituted=substituted,
        fresh=_fresh(entry, members),
        numbers_differ=bool(own.numbers) and _apart(own.numbers, [member.numbers for member in latest]),
        versions_differ=(bool(own.versions) and _versions_differ(own, latest))
        or (bool(own.vulnerabilities) and _apart(own.vulnerabilities, [member.vulnerabilities for member in latest])),
        dates_differ=bool(own.dates) and _apart(own.dates, [member.dates for member in latest]),
        reissued=_reissued(own, latest),
        names=tuple(names),
        named=each * math.fsum([idf[key] for key in names]),
        title_named=any(key in title and key in nearest.title for key in names),
        other_names=_other_names(entry, nearest, latest),
        no_event=own.no_event or all(member.no_event for member in members) or _two_columns(own, nearest),
        same_piece=same_piece,
    )


# Observed: "Yellow warning of ice affecting East Midlands", "Borders"; "Zephyr gadget number 4: the quiet lamp",
# "number 5: the quiet kettle", by one source or by many. On a new site nothing shows that such wording recurs.
# Rule: two headlines that have half of their words in the same order, and telling words in the same place that are not
# the same, are two things of one series. Reports of one event that agree so far differ in verbs and fillers.
# Known to be wrong: two sources that call one thing by two names in the same sentence.
MIN_FRAME = 0.5
MIN_FRAME_WORDS = 2


def _frame(own: Member, members: Sequence[Member]) -> tuple[float, float, float, float]:
    """Return the frame that a title shares with the most similar member title, and the IDF of what differs in it.

    All values are 0.0 if less than MIN_FRAME of the words, or fewer than MIN_FRAME_WORDS, are the same. What differs is
    summed over the positions in the frame, each with the lower IDF of the two titles: any words, names alone, and any
    words if the titles differ only by as many replaced words.
    """
    our_words = own.title_words
    ours = own.frame_words
    distinct = frozenset(ours)
    frame = slot = swapped = substituted = 0.0
    for member in members:
        theirs = member.frame_words
        least = max(MIN_FRAME_WORDS, MIN_FRAME * min(len(ours), len(theirs)))
        # Aligning is slow, and for most pairs the shared words show that it is pointless: no alignment has more words
        # in the same order than the titles have in common.
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
        replaced: list[tuple[Sequence[str], Sequence[str]]] = []
        as_long = len(ours) == len(theirs)
        for tag, i, k, m, n in aligned.get_opcodes():
            pair = our_words[i:k], member.title_words[m:n]
            if tag == "replace":
                replaced.append(pair)
                as_long = as_long and len(pair[0]) == len(pair[1])
            elif tag == "equal" and pair[0] != pair[1]:
                replaced += [((a,), (b,)) for a, b in zip(*pair, strict=True) if a != b]
        any_word, names_only = (
            share * math.fsum(min(_highest(own.title, a, named), _highest(member.title, b, named)) for a, b in replaced)
            for named in (False, True)
        )
        if (share, -any_word) > (frame, -slot):
            frame, slot, swapped = share, any_word, names_only
            substituted = any_word if as_long else 0.0
    return frame, slot, swapped, substituted


# Observed: "Democrat wins special election in Strelsau's 4th district", "... in Hentzau's 11th district", and a report
# on Strelsau in other words, which any such election has in common, so that it merges the two.
# Rule: two stories of few entries, among which two headlines are one frame with different names, do not merge. With
# more entries, what the reports share tells more than one pair of headlines.
# Tried and worse: any different words in the frame. It also keeps "replace headlines" and "rewrite headlines" apart.
MIN_SERIES_NAMES = 3.0
"""IDF of the names that differ, times the share of words in the frame."""

MAX_SERIES_ENTRIES = 2


def of_one_series(ours: Sequence[Member], theirs: Sequence[Member]) -> bool:
    """Return whether two stories of at most MAX_SERIES_ENTRIES entries are two things of one series."""
    if max(len(ours), len(theirs)) > MAX_SERIES_ENTRIES:
        return False
    return any(swapped >= MIN_SERIES_NAMES for _, _, swapped, _ in (_frame(member, theirs) for member in ours))


def _highest(title: Mapping[str, float], tokens: Sequence[str], named: bool) -> float:
    """Return the largest IDF among some tokens of a title, or among the names in them; 0.0 for none.

    Of a number that belongs to the word before it, it is that of both.
    """
    largest = max(
        [title.get(key, 0.0) for key in map(term, tokens) if key and (not named or is_name(key))], default=0.0
    )
    if not named and any(map(NUMBER.match, tokens)):
        numbers = {token.removeprefix("v") for token in tokens}
        return max([largest, *[weight for key, weight in title.items() if key.partition("|")[2] in numbers]])
    return largest


def _other_names(entry: WeightedText, nearest: Member, latest: Sequence[Member]) -> float:
    """Return the IDF of names by which a title and the nearest entry differ, the lower of both directions."""
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


# Observed: horoscopes, draws, word games, television tips, rates and threads of many sites have little in their
# headlines but the day: "Word of the day for November 17", "Photo of the day: November 17".
# Rule: two headlines that name the day of their publication are two columns, unless each has most of the other.
MIN_COLUMN = 0.7
"""Share of the heavier title's IDF that both must have."""


def _two_columns(own: Member, nearest: Member) -> bool:
    return own.of_a_day and nearest.of_a_day and _title_share(own, nearest) < MIN_COLUMN


def _title_share(own: Member, other: Member) -> float:
    """Return the share of the heavier title's IDF that both titles have."""
    shared = math.fsum([weight for key, weight in own.title.items() if key in other.title])
    return shared / max(own.title_idf, other.title_idf)


MIN_CORRECTED_WORDS = 4
MIN_CORRECTED_SIMILARITY = 0.8


def _corrected(own: Member, latest: Sequence[Member]) -> bool:
    """Return whether the story has this headline and text by this source, with words before or behind it."""
    if not own.source_id:
        return False
    for member in latest:
        if member.source_id == own.source_id and len(member.title_words) != len(own.title_words):
            short, long = sorted((own.title_words, member.title_words), key=len)
            if (
                len(short) >= MIN_CORRECTED_WORDS
                and short in (long[: len(short)], long[-len(short) :])
                and math.fsum([w * member.vector.get(key, 0.0) for key, w in own.vector.items()])
                >= MIN_CORRECTED_SIMILARITY
            ):
                return True
    return False


def _republished(entry: WeightedText, latest: Sequence[Member]) -> bool:
    """Return whether the story has this piece of this source, under a headline without other numbers or days."""
    own = entry.member
    return entry.republished and any(
        member.source_id == own.source_id
        and member.summary_hash == own.summary_hash
        and not _apart(own.numbers, [member.numbers])
        and not _apart(own.dates, [member.dates])
        for member in latest
    )


def _fresh(entry: WeightedText, members: Sequence[Member]) -> float:
    fresh = entry.fresh
    if not entry.template:
        return 1.0
    if not fresh:
        return 0.0
    best = max(math.fsum([fresh[key] for key in fresh.keys() & member.vector.keys()]) for member in members)
    return best / math.fsum(fresh.values())


def _apart(ours: frozenset[str], theirs: Sequence[frozenset[str]]) -> bool:
    return any(theirs) and all(ours.isdisjoint(other) for other in theirs)


def _reissued(own: Member, latest: Sequence[Member]) -> bool:
    """Return whether the story has this headline by this source with other times: "Alert until 4PM", "until 5PM"."""
    same = [
        member for member in latest if member.source_id == own.source_id and member.title.keys() == own.title.keys()
    ]
    if not own.source_id or not same:
        return False
    times = _times(own)
    return bool(times) and all(_times(member) != times for member in same)


def _times(member: Member) -> list[str]:
    return [word for word in member.title_words if word[0].isdigit()]


def _versions_differ(own: Member, latest: Sequence[Member]) -> bool:
    numbers_after: dict[str, set[str]] = {}
    for member in latest:
        for name, number in member.versions:
            numbers_after.setdefault(name, set()).add(number)
    return any(
        name in numbers_after and number not in numbers_after[name] for name, number in own.versions
    ) or _of_another_thing(own, latest)


def _of_another_thing(own: Member, latest: Sequence[Member]) -> bool:
    """Return whether both have one version, each of a name that the other lacks: "iOS 26.2", "macOS Tahoe 26.2"."""
    for name, number in own.versions:
        if "." not in number or not is_name(name) or any(name in member.vector for member in latest):
            continue
        others = {n for member in latest for n, same in member.versions if same == number and is_name(n)}
        if others and others.isdisjoint(own.vector):
            return True
    return False


def shared_words(shared: Collection[str], places: Mapping[str, int]) -> float:
    """Return the number of words that some terms are; each further overlapping pair of characters is half a word."""
    stand = 0
    for key in shared:
        stand |= places.get(key, 0)
    return len(shared) - 0.5 * (stand & (stand << 1)).bit_count()


def nearest_meaning(entry: WeightedText, members: Sequence[Member]) -> float | None:
    """Return the largest cosine of an entry's embedding with those of a story's entries; None without embeddings."""
    own = entry.member.embedding
    if own is None:
        return None
    others = [member.embedding for member in members if member.embedding and member.embedding.space == own.space]
    return max(cosines(own, others), default=None)
