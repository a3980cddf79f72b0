"""OPML files as other programs write them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.discovery import opml
from aggregator.discovery.add_sources import added
from aggregator.discovery.feed_address import feed_address, has_scheme
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
            Subscription(FEED, "A", "News: World"),
        ),
        (
            f'<outline text="News"><outline text="x"/></outline><outline text="A" xmlUrl="{FEED}"/>',
            Subscription(FEED, "A"),
        ),
        (f'<outline text="A" xmlUrl="{FEED}" category="/Food/Cuisine,/b"/>', Subscription(FEED, "A", "Food: Cuisine")),
        (f'<outline type="rss" text="A" url="{FEED}"/>', Subscription(FEED, "A")),
        (
            f'<!-- <outline text="B" xmlUrl="https://b.example/"/> --><outline text="A" xmlUrl="{FEED}"',
            Subscription(FEED, "A"),
        ),
    ],
)
def test_an_outline_with_an_address_is_a_feed(body: str, due: Subscription) -> None:
    assert opml.read(outlines(body)).feeds == (due,)


def test_a_malformed_file_is_reported() -> None:
    assert "not well-formed" in opml.read(outlines(f'<outline text="A & B" xmlUrl="{FEED}"/>')).notes[0]
    assert opml.read(outlines(f'<outline text="A" xmlUrl="{FEED}"/>')).notes == ()


def test_what_is_left_out_is_named_one_by_one() -> None:
    body = (
        '<outline text="Passwords" xmlUrl="file:///etc/passwd"/><outline xmlUrl="javascript:alert(1)"/>'
        '<outline type="rss" text="Nothing"/><outline text="A note"/>'
    )
    outlines_ = opml.read(outlines(body + f'<outline text="A" xmlUrl="{FEED}"/>' * 2), max_feeds=1)
    assert outlines_.feeds == (Subscription(FEED, "A"),)
    assert outlines_.left_out == (
        "Passwords (file:///etc/passwd): its address cannot be used",
        "javascript:alert(1): its address cannot be used",
        "Nothing: it has no address",
        f"A ({FEED}): behind the first 1",
    )


def nested(*paths: str) -> list[str]:
    """Return the folder assigned to each feed; folders are given as `a/b/c`."""
    body = ""
    for number, path in enumerate(paths):
        names = path.split("/")
        opened = "".join(f'<outline text="{name}">' for name in names)
        body += f'{opened}<outline text="f" xmlUrl="{FEED}{number}"/>' + "</outline>" * len(names)
    return [feed.folder for feed in opml.read(outlines(body)).feeds]


@pytest.mark.parametrize(
    ("paths", "due"),
    [
        (("Apple/News", "Politics/News"), ["Apple: News", "Politics: News"]),
        (("Apple/News", "News"), ["Apple: News", "News"]),
        (("Tech/AI", "Tech/Chips"), ["Tech: AI", "Tech: Chips"]),
        (("a/b/News", "a/c/News"), ["a: b: News", "a: c: News"]),
        (("Subscriptions/News", "Subscriptions/Tech/News"), ["News", "Tech: News"]),
        (("t/News", "t/Tech"), ["News", "Tech"]),  # named like the list itself
        (("Subscriptions/News", "Subscriptions"), ["Subscriptions: News", "Subscriptions"]),
        (("News", "News"), ["News", "News"]),
    ],
)
def test_folders_of_one_name_in_different_folders_stay_apart(paths: tuple[str, ...], due: list[str]) -> None:
    assert nested(*paths) == due


def test_folders_of_one_name_become_two_categories() -> None:
    body = "".join(
        f'<outline text="{parent}"><outline text="News"><outline text="{parent} feed" xmlUrl="{FEED}{parent}"/>'
        "</outline></outline>"
        for parent in ("Apple", "Politics")
    )
    change = added("sources: []\n", None, opml.read(outlines(body)).feeds)
    assert change.categories == ("apple_news", "politics_news")
    assert [item["category"] for item in change.items] == ["apple_news", "politics_news"]


@pytest.mark.parametrize(
    ("address", "due"),
    [
        ("feed://a.example/f", "http://a.example/f"),
        ("feed:https://a.example/f", "https://a.example/f"),
        ("feed://https://a.example/f", "https://a.example/f"),
        ("pcast://a.example/f", "http://a.example/f"),
        ("itpc://a.example/f", "http://a.example/f"),
        ("FEED:a.example/f", "http://a.example/f"),
        ("a.example/f", "https://a.example/f"),
        ("//a.example/f", "https://a.example/f"),
        ("localhost:8080/f", "https://localhost:8080/f"),
        ("feed.example.org/f", "https://feed.example.org/f"),
        ("https://https://a.example/f", "https://a.example/f"),
        ("http://feed://a.example/f", "http://a.example/f"),
        ("http:/a.example/f", "http://a.example/f"),
        ("https:a.example/f", "https://a.example/f"),
        ("view-source:https://a.example/f", "https://a.example/f"),
        ("[https://a.example/f]", "https://a.example/f"),
        ("https://a.example/?u=https://b.example", "https://a.example/?u=https://b.example"),
        ("javascript:alert(1)", ""),
        ("feed:javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("feed:", ""),
        ("", ""),
    ],
)
def test_addresses_as_browsers_and_old_lists_hand_them_on(address: str, due: str) -> None:
    assert feed_address(address) == due
    outlines_ = opml.read(outlines(f'<outline xmlUrl="{address}"/>'))
    assert [feed.url for feed in outlines_.feeds] == [due] * bool(due)
    assert has_scheme(address) == (":" in address and not address.startswith("localhost"))


@pytest.mark.parametrize("encoding", ["undefined", "idna", "punycode", "hex", "rot13", "zip", "unicode_escape", "x"])
def test_an_encoding_that_is_none_does_not_stop_the_reading(encoding: str) -> None:
    data = outlines(f'<outline text="\xe9" xmlUrl="{FEED}"/>', f"<?xml version='1.0' encoding='{encoding}'?>")
    outlines_ = opml.read(data.replace("\xe9".encode(), b"\xe9"))
    assert [feed.url for feed in outlines_.feeds] == [FEED]


def test_entities_of_a_document_type_are_never_expanded() -> None:
    bomb = "<!DOCTYPE opml [<!ENTITY a 'AAAA'><!ENTITY b '&a;&a;&a;'><!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    outlines_ = opml.read(outlines(f'<outline text="&b;&x;" xmlUrl="{FEED}"/>', bomb))
    assert outlines_.feeds == (Subscription(FEED, "&b;&x;"),)
    assert "document type" in outlines_.notes[0]


def test_a_file_that_is_not_opml_or_is_too_large_is_refused() -> None:
    with pytest.raises(OpmlError, match="not an OPML"):
        opml.read(b"<rss version='2.0'/>")
    with pytest.raises(OpmlError, match="more than 1 MB"):
        opml.read(outlines("x" * opml.MAX_BYTES))
    many = opml.read(outlines(f'<outline xmlUrl="{FEED}"/>' * 1_200))
    assert (len(many.feeds), many.notes) == (
        1_000,
        ("1,200 feeds in it, the first 1,000 taken; --large takes up to 20,000",),
    )


names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn", "Zs", "Zl", "Zp", "Cf"]), max_size=20
)


@promise
@given(st.lists(st.tuples(names.filter(bool), st.lists(names, max_size=4)), max_size=4))
def test_what_is_written_is_read_again(folders: list[tuple[str, list[str]]]) -> None:
    written = [
        (folder, [Subscription(f"{FEED}?n={number}&a=<b>", name, folder) for number, name in enumerate(item)])
        for folder, item in folders
    ]
    outlines_ = opml.read(opml.write("A <list> & more", written).encode())
    assert [(feed.name, feed.folder) for feed in outlines_.feeds] == [
        (n, folder) for folder, item in folders for n in item
    ]
    assert outlines_.notes == ()


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reading(data: bytes) -> None:
    opml.read(b"<opml>" + data + b"<outline xmlUrl='https://a.example/'" + data)


@pytest.mark.skipif(not LISTS.is_dir(), reason="the public lists are not beside this checkout")
def test_every_public_list_gives_all_its_feeds() -> None:
    files = sorted(LISTS.rglob("*.opml"))
    broken = 0
    for path in files:
        data = path.read_bytes()
        outlines_ = opml.read(data)
        broken += any("not well-formed" in note for note in outlines_.notes)
        assert len(outlines_.feeds) == len(re.findall(rb"""\sxmlUrl\s*=\s*["']http""", data, re.IGNORECASE)), path.name
    assert broken >= 40


@pytest.mark.parametrize(
    ("label", "codec", "name"),
    [
        ("x-sjis", "cp932", "日本語①"),
        ("gb2312", "gbk", "镕基"),
        ("windows-1251", "cp1251", "Новости"),
        ("latin1", "cp1252", "“café”"),
        ("utf-8", "cp1252", "café"),
        ("unicode_escape", "cp1252", "\\u0041 é"),
    ],
)
def test_a_list_is_decoded_like_a_feed(label: str, codec: str, name: str) -> None:
    text = f'<?xml version="1.0" encoding="{label}"?><opml><body><outline text="{name}" xmlUrl="{FEED}"/></body></opml>'
    assert opml.read(text.encode(codec)).feeds[0].name == name
