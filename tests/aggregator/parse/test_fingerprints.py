"""An item that is unchanged since its document was stored is not parsed again, with the same result."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import DocumentMemory, Limits
from aggregator.parse.fingerprints import in_pieces, remember
from aggregator.parse.parser import parse
from aggregator.parse.raw_items import RawFeed
from aggregator.parse.xml import reader

RSS = "<rss version='2.0'><channel><title>News</title>{}</channel></rss>"


def item(number: int, title: str = "", link: str = "", guid: str = "") -> str:
    return (
        f"<item><title>{title or f'Title {number}'}</title><link>{link or f'https://a.example/{number}'}</link>"
        f"<guid>{guid or f'tag:a.example:{number}'}</guid></item>"
    )


def document(*items: str) -> bytes:
    return RSS.format("".join(items)).encode()


def test_only_changed_items_are_parsed_again() -> None:
    first = parse(document(item(1), item(2)))
    second = parse(document(item(3), item(2, title="Edited"), item(1)), memory=first.memory)
    assert [entry.title for entry in second.entries] == ["Title 3", "Edited"]
    assert second.unchanged == ("tag:a.example:1",)
    third = parse(document(item(3), item(2, title="Edited"), item(1)), memory=second.memory)
    assert (third.entries, len(third.unchanged)) == ((), 3)


def test_an_item_whose_comment_count_changes_is_parsed_again_once() -> None:
    def commented(times: int) -> bytes:
        return document(item(1).replace("</item>", f"<comments>{times}</comments></item>"))

    first = parse(commented(1))
    second = parse(commented(2), memory=first.memory)
    third = parse(commented(3), memory=second.memory)
    assert [len(parsed.entries) for parsed in (first, second, third)] == [1, 1, 0]


def test_another_base_or_feed_title_is_another_document() -> None:
    first = parse(document(item(1)), url="https://a.example/feed")
    assert parse(document(item(1)), url="https://b.example/feed", memory=first.memory).entries
    renamed = document(item(1)).replace(b"<title>News", b"<title>Other")
    assert parse(renamed, url="https://a.example/feed", memory=first.memory).entries


def test_items_that_their_links_or_guids_do_not_tell_apart_are_looked_at_together() -> None:
    for alike in (item(2, link="https://a.example/1"), item(2, guid="tag:a.example:1")):
        first = parse(document(item(1), alike))
        assert parse(document(item(3), item(1), alike), memory=first.memory).unchanged == ()
    first = parse(document(item(1)))
    assert parse(document(item(1), item(2, link="https://a.example/1")), memory=first.memory).unchanged == ()


def test_an_item_over_a_limit_is_reported_each_time() -> None:
    first = parse(document(item(1, title="x" * 600), item(2)))
    second = parse(document(item(1, title="x" * 600), item(2)), memory=first.memory)
    assert second.notes == first.notes
    assert second.unchanged == ("tag:a.example:2",)


def test_only_the_new_item_of_a_stored_document_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    first = parse(document(item(1), item(2)))
    read: list[bytes] = []
    usual = reader.read

    def noting(data: bytes, content_type: str, limits: Limits) -> RawFeed | None:
        read.append(data)
        return usual(data, content_type, limits)

    monkeypatch.setattr(reader, "read", noting)
    second = parse(document(item(3), item(1), item(2)), memory=first.memory)
    assert read == [document(item(3))]
    assert [entry.title for entry in second.entries] == ["Title 3"]
    assert second.unchanged == ("tag:a.example:1", "tag:a.example:2")


def test_an_unchanged_document_is_recognised_by_its_bytes_and_settings() -> None:
    data = document(item(1))
    memory = parse(data, "text/xml", "https://a.example/").memory
    assert remember(memory, data, "text/xml", "https://a.example/", Limits()).is_unchanged
    assert not memory.is_unchanged, "before anything is known of the document at hand"
    assert not remember(memory, data + b" ", "text/xml", "https://a.example/", Limits()).is_unchanged
    assert not remember(memory, data, "text/xml", "https://b.example/", Limits()).is_unchanged
    assert not remember(memory, data, "text/xml", "https://a.example/", replace(Limits(), title_chars=5)).is_unchanged
    assert not remember(DocumentMemory(), data, "text/xml", "https://a.example/", Limits()).is_unchanged
    assert remember(memory.without_items(), data, "text/xml", "https://a.example/", Limits()).is_unchanged


def test_a_document_with_a_note_is_read_each_time() -> None:
    data = document(item(1, title="x" * 600))
    assert not remember(parse(data).memory, data, "", "", Limits()).is_unchanged


@pytest.mark.parametrize(
    "inside",
    [
        "<description><![CDATA[</item><item>]]></description>",
        "<!-- </item><item> -->",
        "<description><![CDATA[half</description>",
    ],
)
def test_where_bytes_do_not_tell_the_items_apart_all_are_read(inside: str) -> None:
    data = document(item(1).replace("</item>", f"{inside}</item>"), item(2))
    assert in_pieces(data) is None


def test_an_item_that_was_commented_out_is_gone() -> None:
    first = parse(document(item(1), item(2)))
    second = parse(document(item(2), f"<!-- {item(1)} -->"), memory=first.memory)
    assert [entry.guid for entry in second.entries] == ["tag:a.example:2"]
    third = parse(document(item(2), "<!-- none -->"), memory=second.memory)
    assert third.unchanged == ("tag:a.example:2",)


ITEMS = st.lists(
    st.builds(
        item,
        st.integers(1, 6),
        title=st.sampled_from(["", "Other", "x" * 600, "a &amp; b"]),
        link=st.sampled_from(["", "https://a.example/1", "https://a.example/0"]),
    ),
    max_size=6,
)
HEADS = st.sampled_from(
    ["", "<language>de</language>", "<lastBuildDate>Mon, 23 Nov 2026 10:00:00 GMT</lastBuildDate>", "<!-- a -->"]
)


@given(before=ITEMS, after=ITEMS, head_before=HEADS, head=HEADS)
def test_parsing_by_fingerprints_gives_the_same_new_entries_as_parsing_everything(
    before: list[str], after: list[str], head_before: str, head: str
) -> None:
    first = parse(document(head_before, *before))
    full = parse(document(head, *after))
    part = parse(document(head, *after), memory=first.memory)
    unchanged = set(part.unchanged)
    assert [entry for entry in full.entries if entry.guid not in unchanged] == list(part.entries)
    assert {entry.guid for entry in full.entries} == {entry.guid for entry in part.entries} | unchanged
    assert (part.title, part.notes, part.language, part.hints) == (
        full.title,
        full.notes,
        full.language,
        full.hints,
    )
