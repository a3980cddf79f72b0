"""Lists of feeds, as people have them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.discovery import opml
from aggregator.discovery.opml import Subscription
from aggregator.errors import OpmlError
from tests.promises import promise

LISTS = Path(__file__).resolve().parents[4] / "shared" / "data" / "opml"
FEED = "https://a.example/feed"


def outlines(body: str, head: str = "<?xml version='1.0'?>") -> bytes:
    return f"{head}<opml version='2.0'><head><title>t</title></head><body>{body}</body></opml>".encode()


@pytest.mark.parametrize(
    ("body", "due"),
    [
        (f'<outline text="A" xmlUrl="{FEED}"/>', Subscription(FEED, "A")),
        (f"<outline type='rss' title='A' text='B' xmlurl='{FEED}'></outline>", Subscription(FEED, "A")),
        (f'<outline text="A & B" xmlUrl="{FEED}?a=1&b=2"/>', Subscription(f"{FEED}?a=1&b=2", "A & B")),
        (f'<outline text="A &amp; B" xmlUrl="{FEED}"/>', Subscription(FEED, "A & B")),
        (f'<outline text="say "A" & B" xmlUrl="{FEED}"/>', Subscription(FEED, "say")),
        (f'<outline text="a > b" xmlUrl="{FEED}"/>', Subscription(FEED, "a > b")),
        (
            f'<outline text="News"><outline text="World"><outline text="A" xmlUrl="{FEED}"/></outline></outline>',
            Subscription(FEED, "A", "World"),
        ),
        (
            f'<outline text="News"><outline text="x"/></outline><outline text="A" xmlUrl="{FEED}"/>',
            Subscription(FEED, "A"),
        ),
        (f'<outline text="A" xmlUrl="{FEED}" category="/Food/Cuisine,/b"/>', Subscription(FEED, "A", "Cuisine")),
        (f'<outline type="rss" text="A" url="{FEED}"/>', Subscription(FEED, "A")),
        (
            f'<!-- <outline text="B" xmlUrl="https://b.example/"/> --><outline text="A" xmlUrl="{FEED}"',
            Subscription(FEED, "A"),
        ),
    ],
)
def test_an_outline_with_an_address_is_a_feed(body: str, due: Subscription) -> None:
    assert opml.read(outlines(body)).feeds == (due,)


def test_what_is_not_well_formed_is_told() -> None:
    assert "not well-formed" in opml.read(outlines(f'<outline text="A & B" xmlUrl="{FEED}"/>')).notes[0]
    assert opml.read(outlines(f'<outline text="A" xmlUrl="{FEED}"/>')).notes == ()


def test_addresses_that_cannot_be_used_are_counted() -> None:
    found = opml.read(outlines('<outline xmlUrl="file:///etc/passwd"/><outline xmlUrl="javascript:alert(1)"/>'))
    assert found.feeds == ()
    assert found.notes == ("2 without a usable address left out",)


def test_entities_of_a_document_type_are_never_expanded() -> None:
    bomb = "<!DOCTYPE opml [<!ENTITY a 'AAAA'><!ENTITY b '&a;&a;&a;'><!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    found = opml.read(outlines(f'<outline text="&b;&x;" xmlUrl="{FEED}"/>', bomb))
    assert found.feeds == (Subscription(FEED, "&b;&x;"),)
    assert "document type" in found.notes[0]


def test_what_is_no_opml_or_too_large_is_refused() -> None:
    with pytest.raises(OpmlError, match="no OPML"):
        opml.read(b"<rss version='2.0'/>")
    with pytest.raises(OpmlError, match="more than 1 MB"):
        opml.read(outlines("x" * opml.MOST_BYTES))
    many = opml.read(outlines(f'<outline xmlUrl="{FEED}"/>' * 1_200))
    assert (len(many.feeds), many.notes) == (1_000, ("1,200 feeds in it, the first 1,000 taken",))


names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn", "Zs", "Zl", "Zp", "Cf"]), max_size=20
)


@promise
@given(st.lists(st.tuples(names.filter(bool), st.lists(names, max_size=4)), max_size=4))
def test_what_is_written_is_read_again(folders: list[tuple[str, list[str]]]) -> None:
    written = [
        (folder, [Subscription(f"{FEED}?n={number}&a=<b>", name, folder) for number, name in enumerate(held)])
        for folder, held in folders
    ]
    found = opml.read(opml.write("A <list> & more", written).encode())
    assert [(feed.name, feed.folder) for feed in found.feeds] == [(n, folder) for folder, held in folders for n in held]
    assert found.notes == ()


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reading(data: bytes) -> None:
    opml.read(b"<opml>" + data + b"<outline xmlUrl='https://a.example/'" + data)


@pytest.mark.skipif(not LISTS.is_dir(), reason="the public lists are not beside this checkout")
def test_every_public_list_gives_all_its_feeds() -> None:
    files = sorted(LISTS.rglob("*.opml"))
    broken = 0
    for path in files:
        data = path.read_bytes()
        found = opml.read(data)
        broken += any("not well-formed" in note for note in found.notes)
        assert len(found.feeds) == len(re.findall(rb"""\sxmlUrl\s*=\s*["']http""", data, re.IGNORECASE)), path.name
    assert broken >= 40
