"""Parsing: one small document per format in tests/data/feeds, with the expected result beside it."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import NotAFeedError
from aggregator.model import Draft, Enclosure, Limits, ParsedFeed, Picture
from aggregator.parse.messages import LENGTH_BYTES, Read, Reply, message, read_reply
from aggregator.parse.parser import parse, read_entries

FEEDS = Path(__file__).resolve().parents[2] / "data" / "feeds"
DOCUMENTS = sorted(path.name for path in FEEDS.iterdir() if path.suffix != ".json")


def rss(*items: str, head: str = "") -> bytes:
    joined = "".join(f"<item>{item}</item>" for item in items)
    return f"<rss version='2.0'><channel><title>t</title>{head}{joined}</channel></rss>".encode()


def due(expected: dict[str, object]) -> Draft:
    published = expected.pop("published_at", None)
    picture = expected.pop("picture", None)
    enclosure = expected.pop("enclosure", None)
    tags = expected.pop("tags", ())
    return Draft(
        **expected,  # type: ignore[arg-type]
        tags=tuple(tags),  # type: ignore[arg-type]
        published_at=datetime.fromisoformat(str(published)) if published else None,
        picture=Picture(**picture) if picture else None,  # type: ignore[arg-type]
        enclosure=Enclosure(**enclosure) if enclosure else None,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_format_gives_its_entries(name: str) -> None:
    expected = json.loads((FEEDS / name).with_suffix(".json").read_text(encoding="utf-8"))
    feed = parse((FEEDS / name).read_bytes(), url=f"{expected['site_url'] or 'https://feed.example/'}feed.xml")
    assert list(feed.entries) == [due(entry) for entry in expected["entries"]]
    assert (feed.title, feed.site_url, feed.language) == (expected["title"], expected["site_url"], expected["language"])
    assert list(feed.notes) == expected.get("notes", [])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_feed_crosses_between_processes_unchanged(name: str) -> None:
    feed = parse((FEEDS / name).read_bytes())
    assert read_reply(message(Reply([Read(feed)], False))[LENGTH_BYTES:]).answers == [Read(feed)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty"),
        (b" \n\xef\xbb\xbf", "empty"),
        (b"hello", "plain text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "a PNG picture"),
        (bytes(range(128, 256)) * 4, "binary"),
        (b"<opml version='2.0'/>", "a document of <opml>"),
        (b'{"error":"rate limited"}', "does not state a version (keys: error)"),
        (b"[1]", "found a list"),
        (b'{"version"', "looks like JSON, but is invalid"),
        (b"[" * 100_000, "nested too deeply"),
        (b"<!doctype html><title>Blog</title><p>No feed here.", "this is a web page, not a feed"),
        (b"\x1f\x8bnothing", "invalid gzip data"),
    ],
)
def test_a_document_that_is_not_a_feed_gives_a_clear_message(data: bytes, expected: str) -> None:
    with pytest.raises(NotAFeedError) as raised:
        parse(data)
    assert expected in str(raised.value)


def test_a_page_names_its_feeds() -> None:
    page = (
        b'<html><link rel="stylesheet" href="/x.css">'
        b'<link type="application/rss+xml" rel=alternate href="/feed?a=1&amp;b">'
        b'<LINK REL="alternate" TYPE="application/feed+json" HREF="https://else.example/f.json"></html>'
    )
    with pytest.raises(NotAFeedError) as raised:
        parse(page, "text/html", "https://blog.example/about")
    assert raised.value.feeds == ("https://blog.example/feed?a=1&b", "https://else.example/f.json")
    assert "it names 2 feeds: https://blog.example/feed?a=1&b" in str(raised.value)


@pytest.mark.parametrize("data", [rss(), b"<rss version='2.0'/>", b"<feed xmlns='http://www.w3.org/2005/Atom'/>"])
def test_a_feed_without_entries_is_a_feed(data: bytes) -> None:
    assert parse(data).entries == ()


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("Tue, 03 Jun 2025 09:39:21 GMT", datetime(2025, 6, 3, 9, 39, 21, tzinfo=UTC)),
        ("2025-06-03", datetime(2025, 6, 3, tzinfo=UTC)),
        ("Tue, 03 Jun 2125 09:39:21 GMT", datetime(2125, 6, 3, 9, 39, 21, tzinfo=UTC)),
        ("Mon, 01 Jan 0001 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("31 Feb 2025 10:00:00 GMT", None),
        ("Tue, 03 Jun 2025 25:61:61 GMT", None),
        ("Tue, 03 Jun 2025 09:39:21 +2500", None),
        ("Tue, 03 Jun 2025 09:39:21 -9999", None),
        ("Invalid Date", None),
    ],
)
def test_an_unusable_date_is_stored_as_stated_and_not_used(stated: str, expected: datetime | None) -> None:
    [entry] = read_entries(rss(f"<title>x</title><pubDate>{stated}</pubDate>"))
    assert (entry.stated_at, entry.published_at) == (stated, expected)


@pytest.mark.parametrize(
    ("markup", "title"),
    [
        ("AT&amp;T", "AT&T"),
        ("AT&amp;amp;T", "AT&T"),
        ("<![CDATA[Don&#8217;t <em>panic</em>]]>", "Don’t panic"),
        ("a &lt; b and Option&lt;T&gt;", "a < b and Option<T>"),
        ("&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;", "alert(1)"),
        ("<![CDATA[The &lt;b&gt; tag]]>", "The <b> tag"),
        ("  two\n lines ", "two lines"),
    ],
)
def test_titles_are_plain_text(markup: str, title: str) -> None:
    assert [entry.title for entry in read_entries(rss(f"<title>{markup}</title>"))] == [title]


def test_an_entry_without_a_title_is_called_by_what_it_has() -> None:
    entries = read_entries(
        rss(
            "<description>&lt;p&gt;Some words.&lt;/p&gt;</description>",
            "<link>https://a.example/2026/a-good-day.html</link>",
            "<guid isPermaLink='false'>x1</guid>",
        )
    )
    assert [entry.title for entry in entries] == ["Some words.", "a good day", "x1"]


def test_empty_items_beside_real_ones_are_left_out() -> None:
    feed = parse(rss("<title>x</title>", "", ""))
    assert (len(feed.entries), feed.notes) == (1, ("2 empty items left out",))


def test_a_document_over_a_limit_is_cut_and_reported() -> None:
    limits = Limits(entries_per_poll=2, title_chars=20, text_bytes=100, tags=3)
    day = "<pubDate>Tue, 0{} Jun 2025 09:39:21 GMT</pubDate>"
    tags = "".join(f"<category>c{n}</category>" for n in range(9))
    feed = parse(
        rss(
            f"<title>oldest</title>{day.format(1)}",
            f"<title>{'word ' * 50}</title>{day.format(3)}{tags}",
            f"<title>second</title>{day.format(2)}<description>{'&lt;b&gt;x&lt;/b&gt; ' * 100}</description>",
        ),
        limits=limits,
    )
    assert [entry.title for entry in feed.entries] == ["word word word word…", "second"]
    assert feed.entries[0].tags == ("c0", "c1", "c2")
    assert len(feed.entries[1].content) <= 100
    assert feed.notes == (
        "3 entries in the document, the newest 2 taken",
        "1 text cut to 100 bytes",
        "1 title cut to 20 characters",
        "1 with more than 3 tags, the first 3 kept",
    )


def test_items_without_dates_are_taken_in_the_order_of_the_document() -> None:
    feed = parse(rss(*(f"<title>{n}</title>" for n in range(5))), limits=Limits(entries_per_poll=3))
    assert [entry.title for entry in feed.entries] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("document", "content_type"),
    [
        (rss("<title>Größe 东</title>"), "application/rss+xml; charset=iso-8859-1"),
        (b"\n \xef\xbb\xbf" + rss("<title>Größe 东</title>"), ""),
        (gzip.compress("<rss><channel><item><title>Größe 东</title></item></channel></rss>".encode(), mtime=0), ""),
        ("<rss><channel><item><title>Größe 东</title></item></channel></rss>".encode("utf-16"), ""),
        ("<rss><channel><item><title>Größe 东</title></item></channel></rss>".encode("utf-16-be"), ""),
        (b"<?xml version='1.0' encoding='gb2312'?>" + rss("<title>Größe 东</title>").decode().encode("gb18030"), ""),
    ],
)
def test_the_bytes_decide_about_the_encoding(document: bytes, content_type: str) -> None:
    [entry] = parse(document, content_type).entries
    assert entry.title == "Größe 东"


def test_text_in_an_encoding_not_declared_is_read_as_windows_1252_or_by_the_servers_word() -> None:
    [entry] = read_entries(rss("<title>Größe</title>").decode().encode("cp1252"))
    assert entry.title == "Größe"
    [entry] = read_entries(rss("<title>Москва</title>").decode().encode("koi8-r"), "text/xml; charset=koi8-r")
    assert entry.title == "Москва"


@pytest.mark.parametrize(
    "document",
    [
        rss("<title>&#xD800;&#xDFFF;&#0;&#x110000;&#99999999999;</title>", "<title>x</title>"),
        rss("<title>x</title><x:y xmlns:x='urn:a\u00a0b'/>", "<title>y</title>"),
        rss("<title>x</title></width></height><textInput/>", "<title>y</title>"),
        b"<?xml version='1.0' encoding='\xe6\xff'?>" + rss("<title>x</title>", "<title>y</title>"),
        b"<?xml version='1.0' encoding='undefined'?>" + rss("<title>x</title>", "<title>y</title>"),
        rss("<title>a\0b\x07</title>", "<title>&bogus; & c</title>"),
        rss("<title>x</title>", f"<title>y</title><author>{'a+' * 40_000}</author>"),
    ],
)
def test_what_breaks_feedparser_costs_nothing_but_itself(document: bytes) -> None:
    assert len(read_entries(document)) == 2


def test_entities_of_a_dtd_are_not_expanded() -> None:
    bomb = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    document = f'<!DOCTYPE rss [<!ENTITY l0 "lol">{bomb}<!ENTITY x SYSTEM "file:///etc/passwd">]>'.encode()
    document += rss("<title>a &l9; &x;</title><link>https://a.example/</link>")
    try:
        text = repr(read_entries(document))
    except NotAFeedError:
        return
    assert "lollol" not in text
    assert "root:" not in text


@given(st.binary(max_size=400) | st.text(alphabet="<>/=\"'&;![]-? abcdefilmnorstux0\x00\ud800", max_size=300).map(
    lambda text: b"<rss><channel><item>" + text.encode("utf-8", "surrogatepass")
))  # fmt: skip
def test_any_bytes_are_a_feed_or_none(data: bytes) -> None:
    try:
        feed = parse(data)
    except NotAFeedError as error:
        str(error).encode()
        return
    assert isinstance(feed, ParsedFeed)
    assert read_reply(message(Reply([Read(feed)], False))[LENGTH_BYTES:]).answers == [Read(feed)]
