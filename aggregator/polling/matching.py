"""Match the items of a document with the stored entries of its source: new, edited, or known.

Decides when two items of one source are the same, whatever the feed changed in between. `parse.identity` computes
identities, `text.urls` normalizes addresses, and `store` stores entries.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time

from aggregator.model import Arrival, Draft, KnownEntry
from aggregator.parse.identity import arrival, link_identity, shared_link_identity
from aggregator.text.tokens import words
from aggregator.text.urls import canonical

# Observed: BBC changes its guids (…#0, …#3) under the same link; server pages make a new guid, and some a new token in
# the link, at every fetch; a site moves to another host, to https or to other permalinks; a publisher corrects a
# title, and with it the link. A broken template gives every item the same guid. Podcasts and changelogs link every
# item to one page, and some have no guid.
# Rule, per source: the guid, else the canonical link, else title and date. A guid or link that visibly different items
# of one document share is ignored there. An unknown item is a stored entry that is no longer in the document if - they
# share a link that only one item has, and title, date or the guid up to "#" agree; - they share a link that several
# items have, and title and date agree; - date and title agree, or date and text; or title and text, if one has no date
# or the links differ in the query alone; - no other items were published in that second, and the titles share most
# words. A title and summary that an entry had before are a stale copy (a cache in front of the site, an alternating
# headline test), not an edit; otherwise two versions would replace each other forever. Known to be wrong: a publisher
# who reverts a change; a status page that publishes one item at a time, always with the same link and title.

_TEXT_CHARS = 40
"""From this length on, equal summaries identify an item."""
_MIN_WORDS, _WORDS_SHARED = 4, 0.6
"""Least words of a title, and least share of common words, by which one title is a correction of the other."""
_MIDNIGHT = time()


@dataclass(frozen=True, slots=True)
class Matched:
    """The items of a document, compared with the stored entries of its source."""

    new: tuple[Arrival, ...]
    """New, in the order of the document."""
    edited: tuple[tuple[KnownEntry, Arrival], ...]
    """Title or summary changed."""
    refreshed: tuple[tuple[KnownEntry, Arrival], ...]
    """Something else changed: content, picture, tags, link, date."""
    unchanged: tuple[KnownEntry, ...]


def identities(arrivals: Sequence[Arrival]) -> set[str]:
    """Return every identity under which *arrivals* may be stored."""
    matched = set()
    for item in arrivals:
        matched.add(item.identity)
        if item.draft.guid and item.draft.link:
            matched.add(link_identity(item.canonical_link))
    return matched.union(collapse(arrivals))


def links(arrivals: Iterable[Arrival]) -> set[str]:
    """Return the canonical links under which *arrivals* may be stored."""
    return {item.canonical_link for item in arrivals}


@dataclass(frozen=True, slots=True)
class Alike:
    """Further keys for items that do not match by identity."""

    dates: frozenset[datetime]
    titles: frozenset[str]
    """Of items without a date."""

    def __bool__(self) -> bool:
        return bool(self.dates or self.titles)


def alike(arrivals: Sequence[Arrival], stored: Sequence[KnownEntry]) -> Alike:
    """Return the keys for a second lookup; *stored* are the matches by identity and link.

    An entry with the link of an item may be another item, so each item that does not match by identity needs it.
    """
    _, unmatched = _by_identity(collapse(arrivals), stored)
    left = [item.draft for item in unmatched.values()]
    return Alike(
        frozenset(draft.published_at for draft in left if draft.published_at),
        frozenset(draft.title for draft in left if not draft.published_at),
    )


def match(arrivals: Sequence[Arrival], stored: Sequence[KnownEntry]) -> Matched:
    """Return which of *arrivals* are new, edited, refreshed or unchanged against *stored*.

    stored: entries of this source; at least those whose identity is in `identities(arrivals)`, whose canonical link
            is in `links(arrivals)`, or that match `alike`. More of them do no harm.

    The order of the items in the document does not matter, and the same document again gives only unchanged entries.
    """
    items = collapse(arrivals)
    if not stored:
        return Matched(tuple(items.values()), (), (), ())
    matches, unmatched = _by_identity(items, stored)
    if unmatched:
        claimed = {entry.entry_id for entry in matches.values()}
        free = [entry for entry in stored if entry.entry_id not in claimed and entry.identity not in items]
        if free:
            by_link = _by_likeness(items, unmatched, free)
            taken = {entry.entry_id for entry in by_link.values()}
            rest = {key: item for key, item in unmatched.items() if key not in by_link}
            rest_free = [entry for entry in free if entry.entry_id not in taken]
            matches |= by_link | _by_date_or_title(items, rest, rest_free)
    taken_identities = {entry.identity for entry in stored}
    new: list[Arrival] = []
    edited: list[tuple[KnownEntry, Arrival]] = []
    refreshed: list[tuple[KnownEntry, Arrival]] = []
    unchanged: list[KnownEntry] = []
    for key, item in items.items():
        entry = matches.get(key)
        text = (item.draft.title, item.draft.summary)
        if entry is None:
            # Its identity may be the link of a stored entry that is another item; see `_is_other`.
            is_taken = item.identity in taken_identities
            new.append(replace(item, identity=shared_link_identity(item.draft)) if is_taken else item)
        elif text == (entry.title, entry.summary):
            if item.digest != entry.digest:
                refreshed.append((entry, item))
            else:
                unchanged.append(entry)
        elif text in entry.earlier:
            unchanged.append(entry)
        else:
            edited.append((entry, item))
    return Matched(tuple(new), tuple(edited), tuple(refreshed), tuple(unchanged))


def collapse(arrivals: Sequence[Arrival]) -> dict[str, Arrival]:
    """Return one arrival for each identity; guids and links that several items share are not identities."""
    items = {item.identity: item for item in arrivals}
    if len(items) == len(arrivals):  # nearly every document
        return items
    by_guid: defaultdict[str, list[Arrival]] = defaultdict(list)
    for item in arrivals:
        if item.draft.guid:
            by_guid[item.draft.guid].append(item)
    vague = {guid for guid, sharing in by_guid.items() if len(sharing) > 1 and _differ(sharing)}
    bare = [arrival(replace(item.draft, guid="")) if item.draft.guid in vague else item for item in arrivals]
    by_link: defaultdict[str, list[Arrival]] = defaultdict(list)
    for item in bare:
        if not item.draft.guid and item.canonical_link:
            by_link[item.canonical_link].append(item)
    shared = {link for link, sharing in by_link.items() if len(sharing) > 1 and _differ(sharing)}
    items = {}
    for item in bare:
        if not item.draft.guid and item.canonical_link in shared:
            item = replace(item, identity=shared_link_identity(item.draft))
        present = items.get(item.identity)
        if present is None or _preference(item) > _preference(present):
            items[item.identity] = item
    return items


def _differ(sharing: list[Arrival]) -> bool:
    """Return whether arrivals with one guid or one link are visibly different items.

    Equal titles are the same item; so are two titles with one date, of which one is a correction, and exactly two items
    that share a guid and a link: two versions of one.
    """
    links = {item.canonical_link for item in sharing}
    titles = {item.draft.title for item in sharing}
    if len(titles) > 1 and (len(links) > 1 or links == {""}):
        return True
    if len(sharing) == 2 and sharing[0].draft.guid:
        return False
    stated = {item.draft.published_at or item.draft.stated_at for item in sharing}
    if len(stated) > 1:
        return len(titles) > 1 or len({item.draft.summary for item in sharing}) > 1
    return len(titles) > 1 and stated == {""}


def _preference(item: Arrival) -> tuple[float, str]:
    """Return the later of two versions of an item; equal dates are decided by content."""
    published_at = item.draft.published_at
    return (published_at.timestamp() if published_at else float("-inf"), item.digest)


def _by_identity(
    items: dict[str, Arrival], stored: Sequence[KnownEntry]
) -> tuple[dict[str, KnownEntry], dict[str, Arrival]]:
    """Match by identity; return the matches and the remaining items."""
    by_identity = {entry.identity: entry for entry in stored}
    matches: dict[str, KnownEntry] = {}
    claimed: set[int] = set()
    unmatched: dict[str, Arrival] = {}
    shared = {link for link, count in Counter(canonical(entry.link) for entry in stored).items() if link and count > 1}
    # In order of identity, so that the order of the document does not matter.
    for key, item in sorted(items.items(), key=lambda pair: pair[0]):
        entry = by_identity.get(key)
        if entry is None or (not item.draft.guid and item.canonical_link in shared and _is_other(item.draft, entry)):
            unmatched[key] = item
            continue
        link = item.canonical_link
        if item.draft.guid and link and link != canonical(entry.link):
            # Its guid was shared once, so the item was stored under its link, unless another item has that now.
            other = by_identity.get(link_identity(link))
            if other and other.identity not in items and other.entry_id not in claimed:
                entry = other
        matches[key] = entry
        claimed.add(entry.entry_id)
    return matches, unmatched


def _is_other(draft: Draft, entry: KnownEntry) -> bool:
    """Return whether an item that shares only its link with an entry is a different one."""
    return draft.title != entry.title and not _same_date(draft, entry)


def _by_likeness(
    items: dict[str, Arrival], unmatched: dict[str, Arrival], free: Sequence[KnownEntry]
) -> dict[str, KnownEntry]:
    """Match items of unknown identity with entries of the same link that are no longer in the document."""
    by_link: defaultdict[str, list[KnownEntry]] = defaultdict(list)
    for entry in free:
        by_link[canonical(entry.link)].append(entry)
    shared = Counter(item.canonical_link for item in items.values())
    matches: dict[str, KnownEntry] = {}
    for key, item in _in_order(unmatched):
        link = item.canonical_link
        likely = [
            (likeness, entry)
            for entry in by_link.get(link, ())
            if (likeness := _likeness(item.draft, entry, unique=bool(link) and shared[link] == 1))
        ]
        if likely:
            # Among equals the latest, not the last stored, which would depend on the order of the document.
            _, best = max(likely, key=lambda pair: (pair[0], _when(pair[1]), pair[1].identity))
            matches[key] = best
            by_link[link].remove(best)
    return matches


def _by_date_or_title(
    items: dict[str, Arrival], unmatched: dict[str, Arrival], free: Sequence[KnownEntry]
) -> dict[str, KnownEntry]:
    """Match items with entries that have another guid and link and are no longer in the document."""
    # Shared boilerplate, or the date of a build, is not evidence.
    texts = Counter(item.draft.summary for item in items.values())
    dates = Counter(item.draft.published_at for item in items.values())
    known_texts = Counter(entry.summary for entry in free)
    by_key: defaultdict[datetime | str, list[KnownEntry]] = defaultdict(list)
    for entry in free:
        by_key[entry.published_at or entry.title].append(entry)
    matches: dict[str, KnownEntry] = {}
    for key, item in _in_order(unmatched):
        candidates = by_key.get(item.draft.published_at or item.draft.title, ())
        text = item.draft.summary
        own_text = len(text) >= _TEXT_CHARS and texts[text] == known_texts[text] == 1
        own_date = len(candidates) == dates[item.draft.published_at] == 1
        likely = [
            (likeness, entry)
            for entry in candidates
            if (likeness := _likeness_elsewhere(item.draft, entry, own_text=own_text, own_date=own_date))
        ]
        if likely:
            _, best = max(likely, key=lambda pair: (pair[0], _when(pair[1]), pair[1].identity))
            matches[key] = best
            by_key[item.draft.published_at or item.draft.title].remove(best)
    return matches


def _in_order(unmatched: dict[str, Arrival]) -> list[tuple[str, Arrival]]:
    return sorted(unmatched.items(), key=lambda pair: (_preference(pair[1]), pair[0]))


def _likeness(draft: Draft, entry: KnownEntry, *, unique: bool) -> int:
    """Return how many fields of *draft* match *entry*, which has the same link; 0 for a different item."""
    same_title, same_date = draft.title == entry.title, _same_date(draft, entry)
    dated = bool(entry.published_at or entry.stated_at)
    if not unique:
        # Without a link, title and date must agree.
        return 3 if same_title and same_date and (dated or bool(entry.link)) else 0
    same_guid = "#" in draft.guid and draft.guid.partition("#")[0] == entry.identity.partition("#")[0]
    return same_title + (same_date and dated) + same_guid


def _likeness_elsewhere(draft: Draft, entry: KnownEntry, *, own_text: bool, own_date: bool) -> float:
    """Return how well *draft* matches *entry*, which has the same date or else title; 0 for a different item.

    own_text, own_date: no other item, in the document or stored, has its summary, or its date
    """
    same_title = draft.title == entry.title
    same_text = own_text and draft.summary == entry.summary
    if draft.published_at is None:
        page = draft.link.partition("?")[0]
        return 2.0 if same_title and (same_text or (draft.link and page == entry.link.partition("?")[0])) else 0.0
    if same_title or same_text:
        return 3.0 if same_title and same_text else 2.0
    # Midnight means a whole day, on which many items appear.
    if not own_date or draft.published_at.time() == _MIDNIGHT:
        return 0.0
    ours, theirs = set(words(draft.title)), set(words(entry.title))
    if min(len(ours), len(theirs)) < _MIN_WORDS:
        return 0.0
    share = len(ours & theirs) / len(ours | theirs)
    return share if share >= _WORDS_SHARED else 0.0


def _same_date(draft: Draft, entry: KnownEntry) -> bool:
    return (draft.published_at or draft.stated_at) == (entry.published_at or entry.stated_at)


def _when(entry: KnownEntry) -> float:
    return entry.published_at.timestamp() if entry.published_at else float("-inf")
