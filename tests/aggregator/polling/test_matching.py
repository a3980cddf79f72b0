"""When two items of one source are the same entry."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import Arrival, Draft, KnownEntry
from aggregator.parse.identity import arrival, identity
from aggregator.polling.matching import Matched, alike, identities, links, match
from tests.promises import promise

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def draft(guid: str = "g1", link: str = "https://a.example/1", title: str = "One", **more: object) -> Draft:
    stated = {"stated_at": "Sun, 01 Mar 2026 12:00:00 GMT", "published_at": NOON}
    return Draft(guid, link, title, **(stated | more))  # type: ignore[arg-type]


class Shelf:
    """What a store remembers of one source for recognising items."""

    def __init__(self) -> None:
        self.entries: dict[int, KnownEntry] = {}
        self.first_links: dict[int, str] = {}
        """The link that an entry came with: the store finds it by that one, whatever link it has now."""

    def poll(self, drafts: Sequence[Draft]) -> Matched:
        arrivals = [arrival(item) for item in drafts]
        wanted, linked = identities(arrivals), links(arrivals)
        candidates = [
            e for e in self.entries.values() if e.identity in wanted or self.first_links[e.entry_id] in linked - {""}
        ]
        more = alike(arrivals, candidates)
        candidates += [
            e
            for e in self.entries.values()
            if e not in candidates and (e.published_at in more.dates if e.published_at else e.title in more.titles)
        ]
        matched = match(arrivals, candidates)
        for new in matched.new:
            assert new.identity not in {entry.identity for entry in self.entries.values()}
            self._keep(len(self.entries) + 1, new.identity, new)
        for entry, changed in matched.edited + matched.refreshed:
            self._keep(entry.entry_id, entry.identity, changed)
        return matched

    def _keep(self, entry_id: int, name: str, arrival: Arrival) -> None:
        self.first_links.setdefault(entry_id, arrival.canonical_link)
        self.entries[entry_id] = KnownEntry(
            entry_id=entry_id,
            identity=name,
            link=arrival.canonical_link,
            title=arrival.draft.title,
            summary=arrival.draft.summary,
            stated_at=arrival.draft.stated_at,
            published_at=arrival.draft.published_at,
            digest=arrival.digest,
        )


LONG = "The council voted on Friday to build the tunnel under the harbour, three years late."
letters = st.sampled_from("abc")
documents = st.lists(
    st.builds(
        Draft,
        guid=st.just("") | letters,
        link=st.just("") | letters.map("https://a.example/{}".format) | letters.map("http://a.example/{}/#x".format),
        title=letters,
        summary=st.just("") | letters | st.just(LONG),
        stated_at=st.sampled_from(["", "d1", "d2"]),
        published_at=st.sampled_from([None, NOON, NOON + timedelta(seconds=61)]),
    ),
    max_size=8,
)


@promise
@given(documents)
def test_polling_a_document_again_adds_nothing(document: list[Draft]) -> None:
    shelf = Shelf()
    first = shelf.poll(document)
    again = shelf.poll(document)
    assert (again.new, again.edited, again.refreshed) == ((), (), ())
    assert len(again.unchanged) == len(first.new) == len(shelf.entries)


@promise
@given(documents, documents, st.integers())
def test_the_order_of_items_does_not_matter(first: list[Draft], second: list[Draft], seed: int) -> None:
    results = []
    for shuffled in (False, True):
        shelf = Shelf()
        for document in (first, second):
            shelf.poll(random.Random(seed).sample(document, len(document)) if shuffled else document)
        results.append({(e.identity, e.title, e.summary, e.digest) for e in shelf.entries.values()})
    assert results[0] == results[1]


def test_an_entry_with_a_new_guid_and_link_is_found_again_beside_one_with_the_same_link() -> None:
    shelf = Shelf()
    shelf.poll([draft("", "https://a.example/old")])
    moved = [
        draft("g1", "https://a.example/new"),
        draft("g2", "https://a.example/new", published_at=None, stated_at=""),
    ]
    shelf.poll(moved)

    again = shelf.poll(moved)

    assert (len(again.unchanged), again.new) == (2, ())


@given(st.lists(documents, min_size=1, max_size=3))
def test_a_new_item_never_has_the_identity_of_a_stored_entry(polls: list[list[Draft]]) -> None:
    shelf = Shelf()
    for document in polls:
        shelf.poll(document)  # raises if an identity is stored twice
    assert shelf.poll(polls[-1]).new == ()


@given(st.lists(documents, max_size=4))
def test_nothing_with_a_guid_and_a_title_of_its_own_is_lost(polls: list[list[Draft]]) -> None:
    polls = [[replace(d, summary="") for d in document] for document in polls]
    shelf = Shelf()
    for number, document in enumerate(polls):
        shelf.poll(
            [
                replace(d, guid=f"{number}-{i}", link=f"https://a.example/{number}/{i}", title=f"{number}-{i}")
                for i, d in enumerate(document)
            ]
        )
    assert len(shelf.entries) == sum(map(len, polls))


def test_identity_is_guid_then_link_then_title_and_date() -> None:
    assert identity(draft()) == "g1"
    assert identity(draft(guid="", link="http://A.example/1/?utm_source=x")) == "https://a.example/1"
    nameless = draft(guid="", link="")
    assert identity(nameless) == identity(replace(nameless, summary="more"))
    assert identity(nameless) != identity(replace(nameless, title="Two"))
    assert len(identity(draft(guid="g" * 5_000))) < 300


def test_an_edit_of_title_or_summary_is_distinguished_from_a_refresh() -> None:
    shelf = Shelf()
    shelf.poll([draft()])
    assert shelf.poll([draft(title="One, corrected")]).edited
    assert shelf.poll([draft(title="One, corrected", summary="s")]).edited
    assert shelf.poll([draft(title="One, corrected", summary="s", content="<p>c</p>")]).refreshed
    assert len(shelf.entries) == 1


def test_an_earlier_version_is_not_an_edit() -> None:
    shelf = Shelf()
    shelf.poll([draft(title="Two")])
    shelf.entries[1] = replace(shelf.entries[1], earlier=frozenset({("One", "")}))
    assert len(shelf.poll([draft()]).unchanged) == 1


def test_guids_that_change_at_every_fetch_make_no_new_entries() -> None:
    shelf = Shelf()
    for poll in range(3):
        matched = shelf.poll([draft(f"{poll}-{n}", f"https://a.example/{n}", f"Title {n}") for n in range(3)])
    assert len(shelf.entries) == len(matched.unchanged) == 3


def test_a_guid_with_a_new_fragment_is_the_same_item() -> None:
    # BBC: https://www.bbc.co.uk/news/x#0, then #3, with another title and date.
    shelf = Shelf()
    shelf.poll([draft("https://a.example/1#0")])
    later = draft(
        "https://a.example/1#3", title="One, rewritten", stated_at="later", published_at=NOON + timedelta(hours=1)
    )
    assert shelf.poll([later]).edited
    assert len(shelf.entries) == 1


def test_items_with_one_link_and_distinct_guids_stay_apart() -> None:
    # A changelog: every item links to the same page.
    shelf = Shelf()
    page = "https://a.example/changelog"
    shelf.poll([draft(f"{page}#{n}", f"{page}#{n}", "Update", stated_at=str(n), published_at=None) for n in range(5)])
    shelf.poll(
        [draft(f"{page}#{n}", f"{page}#{n}", "Update", stated_at=str(n), published_at=None) for n in range(1, 6)]
    )
    assert len(shelf.entries) == 6


def test_an_item_that_shares_its_link_with_stored_entries_is_stored_under_another_identity() -> None:
    page = "https://a.example/"
    shelf = Shelf()
    shelf.poll([draft("g1", page, "One"), draft("", page, "Two")])
    other = draft("", page, "Three", published_at=NOON + timedelta(hours=1))
    (new,) = shelf.poll([other]).new
    assert new.identity != identity(other) == page.rstrip("/")
    assert len(shelf.poll([other]).unchanged) == 1


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


def test_a_feed_that_was_empty_for_a_while_adds_no_duplicates() -> None:
    shelf = Shelf()
    document = [draft(str(n), f"https://a.example/{n}", f"Title {n}") for n in range(3)]
    for polled in (document, [], document[:1], document):
        shelf.poll(polled)
    assert len(shelf.entries) == 3


def one_entry(*documents: Sequence[Draft]) -> bool:
    """Return whether all documents, polled one after the other, result in one entry."""
    shelf = Shelf()
    for document in documents:
        shelf.poll(document)
    return len(shelf.entries) == 1


# An item that moved. In each pair the second document contains only that item, with another guid and link.

MOVED = [
    ("www. and another scheme", draft("http://a.example/1", "http://a.example/1"), "https://www.a.example/1"),
    ("another host of the site", draft("https://a.example/1", "https://a.example/1"), "https://mail.a.example/1"),
    ("another permalink", draft("https://a.example/?p=9", "https://a.example/?p=9"), "https://a.example/2026/03/one/"),
    ("a token in the link", draft("", "https://a.example/?id=1&v=tok1"), "https://a.example/?id=1&v=tok2"),
]


@pytest.mark.parametrize(("item", "link"), [row[1:] for row in MOVED], ids=[row[0] for row in MOVED])
def test_an_item_with_a_new_link_matches_by_title_and_date(item: Draft, link: str) -> None:
    assert one_entry([item], [replace(item, guid=link if item.guid else "", link=link)])


def test_an_item_whose_headline_is_in_its_link_matches_by_date_and_text() -> None:
    before = draft("https://a.example/tunel-opens", "https://a.example/tunel-opens", "Tunel opens", summary=LONG)
    after = draft("https://a.example/tunnel-opens", "https://a.example/tunnel-opens", "Tunnel opens", summary=LONG)
    assert one_entry([before], [after])


def test_a_corrected_headline_in_guid_and_link_matches_by_date_and_wording() -> None:
    second = NOON + timedelta(seconds=17)
    before = draft("", "https://a.example/tunel", "Tunel under the harbour opens late", published_at=second)
    after = draft("", "https://a.example/tunnel", "Tunnel under the harbour opens late", published_at=second)
    assert one_entry([before], [after])


def test_undated_items_match_by_title_and_text() -> None:
    before = draft("1", "https://a.example/a", summary=LONG, published_at=None, stated_at="")
    assert one_entry([before], [replace(before, guid="2", link="https://a.example/b")])
    assert not one_entry([before], [replace(before, guid="2", link="https://a.example/b", summary="Another text")])


def test_an_item_that_stands_beside_the_old_one_is_another() -> None:
    item = draft("1", "https://a.example/a", summary=LONG)
    twin = draft("2", "https://a.example/b", summary=LONG)
    assert not one_entry([item, twin])
    assert not one_entry([item], [item, twin])


@pytest.mark.parametrize(
    "other",
    [
        draft("2", "https://a.example/b", "Two"),
        draft("2", "https://a.example/b", published_at=NOON + timedelta(days=1)),
        draft("2", "https://a.example/b", "Two", summary=LONG, published_at=NOON + timedelta(days=1)),
    ],
)
def test_another_title_or_another_date_is_another_item(other: Draft) -> None:
    assert not one_entry([draft(summary=LONG)], [other])


def test_a_text_or_a_date_that_several_items_share_says_nothing() -> None:
    items = [draft(str(n), f"https://a.example/{n}", f"Title {n} of all", summary=LONG) for n in range(4)]
    shelf = Shelf()
    shelf.poll(items[:2])
    shelf.poll(items[2:])
    assert len(shelf.entries) == 4


def test_links_with_a_new_token_at_each_poll_bring_nothing_new() -> None:
    shelf = Shelf()
    for poll in range(4):
        shelf.poll([draft("", f"https://a.example/?id={n}&v={poll}{n}", f"Title {n}") for n in range(3)])
    assert len(shelf.entries) == 3


# Items without a guid that share one link


def episode(number: int, **more: object) -> Draft:
    return draft("", "https://show.example/", f"Episode {number}", published_at=NOON + timedelta(days=number), **more)


def test_items_that_share_a_link_are_entries_of_their_own() -> None:
    shelf = Shelf()
    document = [episode(n) for n in range(15)]
    assert len(shelf.poll(document).new) == 15
    again = shelf.poll(document)
    assert (len(again.unchanged), again.new, again.edited, again.refreshed) == (15, (), (), ())


def test_items_that_share_a_link_come_and_go_one_by_one() -> None:
    shelf = Shelf()
    for newest in range(1, 8):
        shelf.poll([episode(n) for n in range(newest, max(newest - 3, 0), -1)])
    assert sorted(entry.title for entry in shelf.entries.values()) == [f"Episode {n}" for n in range(1, 8)]


def test_undated_items_with_one_link_are_distinguished_by_their_titles() -> None:
    items = [draft("", "https://tool.example/changes", title, published_at=None, stated_at="") for title in "AB"]
    shelf = Shelf()
    shelf.poll(items)
    shelf.poll(items)
    assert len(shelf.entries) == 2


def test_one_guid_and_one_link_on_every_item_are_not_believed() -> None:
    shelf = Shelf()
    items = [replace(episode(n), guid="https://show.example/") for n in range(5)]
    shelf.poll(items)
    shelf.poll(items)
    assert len(shelf.entries) == 5


def test_an_item_twice_in_one_document_is_one_entry() -> None:
    assert one_entry([episode(1), episode(1)])
