"""Which spellings are one address, and which links may be followed."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.text.urls import MAX_LENGTH, canonical, host, registrable_domain, safe_link, shown
from tests.promises import promise

PIECES = st.lists(
    st.sampled_from(
        ["http://", "HTTPS://", "a.example", "Ä.de", ":80", ":8080", "/", "//", "?", "&", "=", "utm_source=x",
         "b=2", "%7e", "%2", "%%37e", "#", "..", " ", "\u00e9", "@", "[::1]", "xn--", "ß", "\\", "\n", "1"]
    ),
    max_size=12,
)  # fmt: skip


@promise
@given(PIECES.map("".join) | st.text())
@example("http://a.example/%2%35")
@example("http://a b/")
@example("http://Ä.de..")
@example("http://\n:80")
def test_a_canonical_address_is_a_fixed_point(url: str) -> None:
    assert canonical(canonical(url)) == canonical(url)


@pytest.mark.parametrize(
    "spelling",
    [
        "http://news.example/a?b=1&c=2",
        "HTTPS://News.Example:443/a/?c=2&b=1",
        "https://news.example./a?b=1&c=2#top",
        "https://news.example/%61?utm_source=rss&b=1&fbclid=x&c=2&",
    ],
)
def test_spellings_of_one_page_are_one(spelling: str) -> None:
    assert canonical(spelling) == "https://news.example/a?b=1&c=2"


def test_different_pages_stay_apart() -> None:
    pages = [
        "http://a.example/x",
        "http://a.example/X",
        "http://a.example:8080/x",
        "http://b.a.example/x",
        "http://a.example/x?p=1",
    ]
    assert len(set(map(canonical, pages))) == len(pages)


def test_what_is_no_address_is_kept_as_it_is() -> None:
    assert canonical(" tag:news.example,2025:1 ") == "tag:news.example,2025:1"


@pytest.mark.parametrize(
    ("href", "base", "expected"),
    [
        ("/a?b#c", "https://news.example/feed.xml", "https://news.example/a?b#c"),
        ("//cdn.example/x", "https://news.example/", "https://cdn.example/x"),
        ("http://例え.jp/ä b", "", "http://xn--r8jz45g.jp/%C3%A4%20b"),
        ("/relative", "", ""),
        ("javascript:alert(1)", "https://news.example/", ""),
        ("data:text/html,x", "https://news.example/", ""),
        ("file:///etc/passwd", "https://news.example/", ""),
        ("mailto:a@b.example", "https://news.example/", ""),
        ("https://user:pass@news.example/", "", ""),
        ("http://[::1", "https://news.example/", ""),
        ("https:\\\\evil.example", "", ""),
        ("http://x:99999/", "", ""),
        ("https://news.example/" + "a" * MAX_LENGTH, "", ""),
        ("", "https://news.example/", ""),
    ],
)
def test_only_absolute_web_links_are_safe(href: str, base: str, expected: str) -> None:
    assert safe_link(href, base) == expected


@promise
@given(PIECES.map("".join) | st.text(), PIECES.map("".join))
def test_a_safe_link_is_plain_and_stays_itself(href: str, base: str) -> None:
    link = safe_link(href, base)
    assert link == "" or (link.startswith(("http://", "https://")) and link.isascii() and link.isprintable())
    assert safe_link(link) == link
    assert not set(link) & set("<>\"' \\")


def test_hosts_and_whose_they_are() -> None:
    assert host("https://User@Feeds.BBC.co.uk:443/x") == "feeds.bbc.co.uk"
    assert host("nonsense") == host("http://[::1") == ""
    assert registrable_domain("feeds.bbc.co.uk") == "bbc.co.uk"
    assert registrable_domain("blog.github.io") == "blog.github.io"
    assert [registrable_domain(name) for name in ("localhost", "127.0.0.1", "::1", "co.uk")] == [
        "localhost",
        "127.0.0.1",
        "::1",
        "co.uk",
    ]


def test_a_shown_address_holds_no_secret_and_no_control_character() -> None:
    assert shown("https://me:secret@news.example/a@b\x1b[31m") == "https://news.example/a@b[31m"
