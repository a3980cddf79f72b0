"""Recognise an entry again, whatever its feed did to it since.

Knows what makes two items of one source the same, and what counts as an edit. Leaves words
to `text`, spellings of addresses to `urls`, and keeping entries to `store`.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from aggregator.model import Arrival, Draft, KnownEntry
from aggregator.text.tokens import count_words, count_words_of_clean
from aggregator.text.urls import canonical

# Observed: BBC changes its guids (…#0, …#3) under the same link; server pages make a new guid at every
# fetch; a broken template gives every item the same guid; a changelog links every item to one page and
# tells them apart by guid alone; publishers correct titles and with them the link, keeping the guid.
# Rule, per source: the guid, else the canonical link, else title and date. A guid that stands on items
# with different links and different titles in one document says nothing there. An item with a guid not
# seen before is an old one when that old one is no longer in the document under its own guid, and
# - link and title, or link and date, or link and the guid up to "#" agree, where only one item has the link;
# - link, title and date agree, where several have it.
# A title and summary that an entry had before are a stale copy (a cache in front of the site, a headline
# test that alternates), not an edit; else two versions would be edited into each other for ever.
# Known to be wrong: a publisher who takes a change back; a status page that publishes one item at a time,
# always with the same link and title.

_LONG = 300


@dataclass(frozen=True, slots=True)
class Sorted:
    """What a document holds, held against what is known of its source."""

    new: tuple[Arrival, ...]
    """To be stored, in the order of the document."""
    edited: tuple[tuple[KnownEntry, Arrival], ...]
    """Title or summary changed."""
    refreshed: tuple[tuple[KnownEntry, Arrival], ...]
    """Something else changed: content, picture, tags, link, date."""
    unchanged: tuple[KnownEntry, ...]


def arrival(draft: Draft) -> Arrival:
    """Return *draft* with what recognises it, for `sort_out` and for keeping."""
    words = count_words_of_clean(draft.content)
    if words < len(draft.summary) // 2 + 1:  # else the summary cannot have more
        words = max(words, count_words(draft.summary))
    link = _link(draft)
    return Arrival(draft, identity(draft), link, _digest(draft, link), words)


def identity(draft: Draft) -> str:
    """Return what *draft* is recognised by within its source, at most 300 characters."""
    return guid_identity(draft.guid) if draft.guid else _without_guid(draft)


def guid_identity(guid: str) -> str:
    """Return the identity of an item with that *guid*."""
    return guid if len(guid) <= _LONG else _hash("guid", guid)


def link_identity(link: str) -> str:
    """Return the identity of an item without a guid, with that canonical *link*."""
    return link if len(link) <= _LONG else _hash("link", link)


def _without_guid(draft: Draft) -> str:
    return link_identity(_link(draft)) if draft.link else _hash("item", draft.title, _date(draft))


def identities(arrivals: Iterable[Arrival]) -> set[str]:
    """Return every identity under which *arrivals* may be known already."""
    found = set()
    for one in arrivals:
        found.add(one.identity)
        if one.draft.guid:
            found.add(link_identity(one.canonical_link) if one.draft.link else _without_guid(one.draft))
    return found


def links(arrivals: Iterable[Arrival]) -> set[str]:
    """Return the canonical links under which *arrivals* may be known already."""
    return {one.canonical_link for one in arrivals}


def digest(draft: Draft) -> str:
    """Return a short hash of everything kept of *draft*, its guid aside.

    A server that makes a new guid at every fetch so causes no write.
    """
    return _digest(draft, _link(draft))


def _digest(draft: Draft, link: str) -> str:
    parts = [draft.title, draft.summary, draft.content, draft.author, *draft.tags, draft.language, link]
    if picture := draft.picture:
        parts += (picture.url, picture.caption, picture.credit)
    # Only where there is any, so that entries of earlier versions keep their digest.
    parts += filter(None, (draft.points_to, draft.discussion, draft.origin_name, draft.origin_url))
    return _hash(*parts, _date(draft))


def sort_out(arrivals: Sequence[Arrival], known: Sequence[KnownEntry]) -> Sorted:
    """Return which of *arrivals* are new, edited, refreshed or unchanged against *known*.

    known: entries of this source; at least those whose identity is in `identities(arrivals)` or whose
           canonical link is in `links(arrivals)`. More of them do no harm.

    The order of the items in the document does not matter, and a second time the same document
    gives nothing but unchanged entries.
    """
    items = _collapsed(arrivals)
    if not known:
        return Sorted(tuple(items.values()), (), (), ())
    matches, unmatched = _by_identity(items, known)
    if unmatched:
        matches |= _by_likeness(items, unmatched, known, {entry.entry_id for entry in matches.values()})
    new: list[Arrival] = []
    edited: list[tuple[KnownEntry, Arrival]] = []
    refreshed: list[tuple[KnownEntry, Arrival]] = []
    unchanged: list[KnownEntry] = []
    for key, one in items.items():
        entry = matches.get(key)
        words = (one.draft.title, one.draft.summary)
        if entry is None:
            new.append(one)
        elif words == (entry.title, entry.summary):
            if one.digest != entry.digest:
                refreshed.append((entry, one))
            else:
                unchanged.append(entry)
        elif words in entry.earlier:
            unchanged.append(entry)
        else:
            edited.append((entry, one))
    return Sorted(tuple(new), tuple(edited), tuple(refreshed), tuple(unchanged))


def _collapsed(arrivals: Sequence[Arrival]) -> dict[str, Arrival]:
    """Return one arrival for each identity, guids that tell nothing apart taken away."""
    items = {one.identity: one for one in arrivals}
    if len(items) == len(arrivals):  # nearly every document
        return items
    by_guid: defaultdict[str, list[Arrival]] = defaultdict(list)
    for one in arrivals:
        if one.draft.guid:
            by_guid[one.draft.guid].append(one)
    vague = {guid for guid, sharing in by_guid.items() if len(sharing) > 1 and _differ(sharing)}
    items = {}
    for one in arrivals:
        if one.draft.guid in vague:
            one = arrival(replace(one.draft, guid=""))
        held = items.get(one.identity)
        if held is None or _preference(one) > _preference(held):
            items[one.identity] = one
    return items


def _differ(sharing: list[Arrival]) -> bool:
    """Return whether arrivals with one guid are visibly different items."""
    links = {one.canonical_link for one in sharing}
    titles = {one.draft.title for one in sharing}
    return len(titles) > 1 and (len(links) > 1 or links == {""})


def _preference(one: Arrival) -> tuple[float, str]:
    """Of two of one item the later one counts; equal dates are settled by content."""
    published_at = one.draft.published_at
    return (published_at.timestamp() if published_at else float("-inf"), one.digest)


def _by_identity(
    items: dict[str, Arrival], known: Sequence[KnownEntry]
) -> tuple[dict[str, KnownEntry], dict[str, Arrival]]:
    """Match by identity; return the matches and the items left over."""
    by_identity = {entry.identity: entry for entry in known}
    matches: dict[str, KnownEntry] = {}
    claimed: set[int] = set()
    unmatched: dict[str, Arrival] = {}
    # In order of identity, not of the document, so that the outcome does not depend on the latter.
    for key, one in sorted(items.items(), key=lambda pair: pair[0]):
        entry = by_identity.get(key)
        if entry is None:
            unmatched[key] = one
            continue
        link = one.canonical_link
        if one.draft.guid and link and link != canonical(entry.link):
            # Its guid was shared once, and the item was stored under its link; unless another item has that now.
            other = by_identity.get(link_identity(link))
            if other and other.identity not in items and other.entry_id not in claimed:
                entry = other
        matches[key] = entry
        claimed.add(entry.entry_id)
    return matches, unmatched


def _by_likeness(
    items: dict[str, Arrival], unmatched: dict[str, Arrival], known: Sequence[KnownEntry], claimed: set[int]
) -> dict[str, KnownEntry]:
    """Match items with an identity not seen before to entries that are no longer in the document."""
    free: defaultdict[str, list[KnownEntry]] = defaultdict(list)
    for entry in known:
        if entry.entry_id not in claimed and entry.identity not in items:
            free[canonical(entry.link)].append(entry)
    if not free:
        return {}
    shared = Counter(one.canonical_link for one in items.values())
    matches: dict[str, KnownEntry] = {}
    for key, one in sorted(unmatched.items(), key=lambda pair: (_preference(pair[1]), pair[0])):
        link = one.canonical_link
        alike = [
            (likeness, entry)
            for entry in free.get(link, ())
            if (likeness := _likeness(one.draft, entry, unique=bool(link) and shared[link] == 1))
        ]
        if alike:
            # Of equals the latest; not the last stored, which would depend on the order of the document.
            _, best = max(alike, key=lambda pair: (pair[0], _when(pair[1]), pair[1].identity))
            matches[key] = best
            free[link].remove(best)
    return matches


def _likeness(draft: Draft, entry: KnownEntry, *, unique: bool) -> int:
    """Return in how many ways *draft* is *entry*, whose link it has; 0 when it is another item."""
    same_title = draft.title == entry.title
    same_date = (draft.published_at or draft.stated_at) == (entry.published_at or entry.stated_at)
    dated = bool(entry.published_at or entry.stated_at)
    if not unique:
        # Without a link, title and date have to speak for themselves.
        return 3 if same_title and same_date and (dated or bool(entry.link)) else 0
    same_guid = "#" in draft.guid and draft.guid.partition("#")[0] == entry.identity.partition("#")[0]
    return same_title + (same_date and dated) + same_guid


def _when(entry: KnownEntry) -> float:
    return entry.published_at.timestamp() if entry.published_at else float("-inf")


def _date(draft: Draft) -> str:
    return draft.published_at.isoformat() if draft.published_at else draft.stated_at


def _link(draft: Draft) -> str:
    return canonical(draft.link) if draft.link else ""


def _hash(*parts: str) -> str:
    joined = "\x1f".join(parts)
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
