"""Which spellings are the same URL, and which links are safe to follow."""

from __future__ import annotations

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.text.urls import (
    MAX_LENGTH,
    article_key,
    canonical,
    for_readers,
    host,
    registrable_domain,
    safe_link,
    shown,
)
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


def test_invalid_urls_are_left_unchanged() -> None:
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
    assert host("https://a.example./x") == host(" HTTPS://A.example?x") == host("https://u@a.example#@b") == "a.example"
    assert host("https://a.example:443") == host("https://a.example\n/x") == host("https://a.example") == "a.example"
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


OLD_TOKEN = base64.urlsafe_b64encode(b'\x08\x13"\x1ehttps://paper.example/2026/a-b\xd2\x01\x00').decode().rstrip("=")


@pytest.mark.parametrize(
    ("wrapped", "inner"),
    [
        ("https://www.google.com/url?rct=j&url=https://paper.example/a.html&ct=ga", "https://paper.example/a.html"),
        ("https://www.google.co.uk/url?q=https%3A%2F%2Fpaper.example%2Fa&sa=D", "https://paper.example/a"),
        (f"https://news.google.com/rss/articles/{OLD_TOKEN}?oc=5", "https://paper.example/2026/a-b"),
        (
            "https://l.facebook.com/l.php?u=https%3A%2F%2Fa.example%2Fx%3Fa%3D1%26fbclid%3D2&h=AT",
            "https://a.example/x?a=1",
        ),
        ("https://out.reddit.com/t3_x?url=https%3A%2F%2Fa.example%2Fq&token=1", "https://a.example/q"),
        ("https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example%2F&data=1", "https://a.example/"),
        ("https://t.umblr.com/redirect?z=https%3A%2F%2Fa.example%2Fx&t=1", "https://a.example/x"),
        ("https://www.youtube.com/redirect?event=v&q=https%3A%2F%2Fa.example%2F", "https://a.example/"),
        ("https://www.google.com/amp/s/www.paper.example/news/amp/1", "https://www.paper.example/news/amp/1"),
        ("https://www-paper-example.cdn.ampproject.org/c/s/www.paper.example/n", "https://www.paper.example/n"),
        ("https://urldefense.com/v3/__https://a.example/x?y=1__;!!abc", "https://a.example/x?y=1"),
        ("https://href.li/?https://a.example/x", "https://a.example/x"),
        (
            "https://www.google.com/url?url=https%3A%2F%2Fl.facebook.com%2Fl.php%3Fu%3Dhttps%253A%252F%252Fa.example%252F",
            "https://a.example/",
        ),
    ],
)
def test_a_wrapped_link_leads_to_the_article(wrapped: str, inner: str) -> None:
    assert for_readers(wrapped) == inner


@pytest.mark.parametrize(
    "link",
    [
        "https://www.google.com/search?q=https://a.example",
        "https://www.google.co.uk/url?q=javascript:alert(1)",
        "https://news.google.com/rss/articles/CBMiAUFVX3lxTE1zb21ldGhpbmc",
        "https://web.archive.org/web/2026/https://a.example/",
        "https://translate.google.com/translate?u=https://a.example/",
        "https://twitter.com/intent/tweet?url=https://a.example/",
        "https://a.example/?p=9",
        "https://a.example/view?id=3&page=2&ref=main&source=docs&partner=acme",
        "https://a.example/a#part",
        "https://a.example/a#:~:text=tunnel",
    ],
)
def test_a_link_that_is_a_page_of_its_own_stays(link: str) -> None:
    assert for_readers(link) == link


@pytest.mark.parametrize(
    ("link", "clean"),
    [
        ("https://a.example/x?id=3&utm_source=rss&b=2", "https://a.example/x?id=3&b=2"),
        ("https://a.example/x?utm_source=rss&utm_medium=feed#top", "https://a.example/x#top"),
        ("https://a.example/x#xtor=RSS-1", "https://a.example/x"),
        ("https://a.example/x?at_medium=RSS&at_campaign=KARANGA", "https://a.example/x"),
        ("https://a.example/x?partner=rss&emc=rss", "https://a.example/x"),
        ("https://medium.example/@a/x?source=rss-b1f3------2", "https://medium.example/@a/x"),
        ("https://a.example/x?fbclid=1&gclid=2&q=cats", "https://a.example/x?q=cats"),
        ("https://a.example/x?ns_mchannel=rss&ito=1490", "https://a.example/x"),
        ("https://a.example/x?mod=rss_whats_news", "https://a.example/x"),
        ("https://a.example/x?src=rss&id=2", "https://a.example/x?id=2"),
        ("https://a.example/x?src=print", "https://a.example/x?src=print"),
        ("https://youtu.be/dQw4w9WgXcQ?si=aB3_dE6gH9jK2mN5", "https://youtu.be/dQw4w9WgXcQ"),
        ("https://a.example/shop?si=12", "https://a.example/shop?si=12"),
        ("https://www.zeit.example/a?wt_ref=x&page=2", "https://www.zeit.example/a?page=2"),
    ],
)
def test_what_counts_visitors_is_not_in_what_readers_get(link: str, clean: str) -> None:
    assert for_readers(link) == clean
    assert canonical(link) == canonical(clean)


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("https://a.example/x;jsessionid=AB12?id=1", "https://a.example/x?id=1"),
        ("https://a.example/x?PHPSESSID=0123456789abcdef0123&id=1", "https://a.example/x?id=1"),
        ("https://a.example/(S(lit3py55t21z5v55vlm25s55))/x", "https://a.example/x"),
    ],
)
def test_a_session_parameter_does_not_make_another_page(url: str, other: str) -> None:
    assert canonical(url) == canonical(other)


@pytest.mark.parametrize(
    "spelling",
    [
        "https://www.paper.example/2026/tunnel",
        "http://m.paper.example/2026/tunnel/",
        "https://amp.paper.example/2026/tunnel?outputType=amp",
        "https://paper.example/2026/tunnel/amp",
        "https://paper.example/2026/tunnel.amp",
        "https://paper.example/amp/2026/tunnel?utm_source=x&amp=1",
    ],
)
def test_versions_of_an_article_have_one_key(spelling: str) -> None:
    assert article_key(spelling) == "https://paper.example/2026/tunnel"


@pytest.mark.parametrize(
    "address", ["https://m.example", "https://paper.example/amplifiers", "https://paper.example/camp?id=2"]
)
def test_addresses_that_only_look_like_mobile_versions_keep_their_key(address: str) -> None:
    assert article_key(address) == address
