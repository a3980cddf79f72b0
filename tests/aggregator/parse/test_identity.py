"""What makes two items of one source the same."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import Arrival, Draft, KnownEntry
from aggregator.parse.identity import Sorted, arrival, identities, identity, links, sort_out
from tests.promises import promise

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def draft(guid: str = "g1", link: str = "https://a.example/1", title: str = "One", **more: object) -> Draft:
    stated = {"stated_at": "Sun, 01 Mar 2026 12:00:00 GMT", "published_at": NOON}
    return Draft(guid, link, title, **(stated | more))  # type: ignore[arg-type]


class Shelf:
    """What a store keeps of one source, as far as recognising goes."""

    def __init__(self) -> None:
        self.entries: dict[int, KnownEntry] = {}

    def poll(self, drafts: Sequence[Draft]) -> Sorted:
        arrivals = [arrival(one) for one in drafts]
        wanted, linked = identities(arrivals), links(arrivals)
        known = [e for e in self.entries.values() if e.identity in wanted or e.link in linked]
        found = sort_out(arrivals, known)
        for new in found.new:
            assert new.identity not in {entry.identity for entry in self.entries.values()}
            self._keep(len(self.entries) + 1, new.identity, new)
        for entry, changed in found.edited + found.refreshed:
            self._keep(entry.entry_id, entry.identity, changed)
        return found

    def _keep(self, entry_id: int, name: str, kept: Arrival) -> None:
        self.entries[entry_id] = KnownEntry(
            entry_id=entry_id,
            identity=name,
            link=kept.canonical_link,
            title=kept.draft.title,
            summary=kept.draft.summary,
            stated_at=kept.draft.stated_at,
            published_at=kept.draft.published_at,
            digest=kept.digest,
        )


letters = st.sampled_from("abc")
documents = st.lists(
    st.builds(
        Draft,
        guid=st.just("") | letters,
        link=st.just("") | letters.map("https://a.example/{}".format) | letters.map("http://a.example/{}/#x".format),
        title=letters,
        summary=st.just("") | letters,
        stated_at=st.sampled_from(["", "d1", "d2"]),
    ),
    max_size=8,
)


@promise
@given(documents)
def test_polling_a_document_again_brings_nothing(document: list[Draft]) -> None:
    shelf = Shelf()
    first = shelf.poll(document)
    again = shelf.poll(document)
    assert (again.new, again.edited, again.refreshed) == ((), (), ())
    assert len(again.unchanged) == len(first.new) == len(shelf.entries)


@promise
@given(documents, documents, st.integers())
def test_the_order_of_items_does_not_matter(first: list[Draft], second: list[Draft], seed: int) -> None:
    kept = []
    for shuffled in (False, True):
        shelf = Shelf()
        for document in (first, second):
            shelf.poll(random.Random(seed).sample(document, len(document)) if shuffled else document)
        kept.append({(e.identity, e.title, e.summary, e.digest) for e in shelf.entries.values()})
    assert kept[0] == kept[1]


@given(st.lists(documents, max_size=4))
def test_nothing_with_a_guid_of_its_own_is_lost(polls: list[list[Draft]]) -> None:
    shelf = Shelf()
    for number, document in enumerate(polls):
        shelf.poll(
            [replace(d, guid=f"{number}-{i}", link=f"https://a.example/{number}/{i}") for i, d in enumerate(document)]
        )
    assert len(shelf.entries) == sum(map(len, polls))


def test_identity_is_guid_then_link_then_title_and_date() -> None:
    assert identity(draft()) == "g1"
    assert identity(draft(guid="", link="http://A.example/1/?utm_source=x")) == "https://a.example/1"
    nameless = draft(guid="", link="")
    assert identity(nameless) == identity(replace(nameless, summary="more"))
    assert identity(nameless) != identity(replace(nameless, title="Two"))
    assert len(identity(draft(guid="g" * 5_000))) < 300


def test_an_edit_of_title_or_summary_is_told_apart_from_a_refresh() -> None:
    shelf = Shelf()
    shelf.poll([draft()])
    assert shelf.poll([draft(title="One, corrected")]).edited
    assert shelf.poll([draft(title="One, corrected", summary="s")]).edited
    assert shelf.poll([draft(title="One, corrected", summary="s", content="<p>c</p>")]).refreshed
    assert len(shelf.entries) == 1


def test_a_version_that_was_there_before_is_no_edit() -> None:
    shelf = Shelf()
    shelf.poll([draft(title="Two")])
    shelf.entries[1] = replace(shelf.entries[1], earlier=frozenset({("One", "")}))
    assert len(shelf.poll([draft()]).unchanged) == 1


def test_guids_that_change_at_every_fetch_make_no_new_entries() -> None:
    shelf = Shelf()
    for poll in range(3):
        found = shelf.poll([draft(f"{poll}-{n}", f"https://a.example/{n}", f"Title {n}") for n in range(3)])
    assert len(shelf.entries) == len(found.unchanged) == 3


def test_a_guid_with_a_new_fragment_is_the_same_item() -> None:
    # BBC: https://www.bbc.co.uk/news/x#0, then #3, with another title and date.
    shelf = Shelf()
    shelf.poll([draft("https://a.example/1#0")])
    later = draft(
        "https://a.example/1#3", title="One, rewritten", stated_at="later", published_at=NOON + timedelta(hours=1)
    )
    assert shelf.poll([later]).edited
    assert len(shelf.entries) == 1


def test_items_of_one_page_told_apart_by_guid_stay_apart() -> None:
    # A changelog: every item links to the same page.
    shelf = Shelf()
    page = "https://a.example/changelog"
    shelf.poll([draft(f"{page}#{n}", f"{page}#{n}", "Update", stated_at=str(n), published_at=None) for n in range(5)])
    shelf.poll(
        [draft(f"{page}#{n}", f"{page}#{n}", "Update", stated_at=str(n), published_at=None) for n in range(1, 6)]
    )
    assert len(shelf.entries) == 6


def test_one_guid_on_different_items_is_not_believed() -> None:
    shelf = Shelf()
    document = [draft("same", f"https://a.example/{n}", f"Title {n}") for n in range(5)]
    shelf.poll(document)
    assert len(shelf.entries) == 5
    assert len(shelf.poll(document[3:]).unchanged) == 2
    assert len(shelf.poll(document[3:4]).unchanged) == 1


def test_duplicates_in_one_document_are_one_entry_the_latest_of_them() -> None:
    old, new = draft(title="Old"), draft(title="New", published_at=NOON + timedelta(hours=1))
    for document in ([old, new], [new, old]):
        shelf = Shelf()
        shelf.poll(document)
        assert [entry.title for entry in shelf.entries.values()] == ["New"]


def test_a_feed_that_was_empty_for_a_while_brings_no_duplicates() -> None:
    shelf = Shelf()
    document = [draft(str(n), f"https://a.example/{n}", f"Title {n}") for n in range(3)]
    for polled in (document, [], document[:1], document):
        shelf.poll(polled)
    assert len(shelf.entries) == 3
