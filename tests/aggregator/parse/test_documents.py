"""Documents as they occur on the web: not well-formed, truncated, with several kinds of links."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from aggregator.model import Enclosure, ParsedFeed
from aggregator.parse.identity import digest
from aggregator.parse.parser import parse

FEED_URL = "https://cdn.example/feeds/all.xml"


def rss(items: str, head: str = "<link>https://blog.example/</link>") -> bytes:
    return f"<rss version='2.0' xmlns:media='http://search.yahoo.com/mrss/'><channel><title>Blog</title>{head}{items}</channel></rss>".encode()


def atom(entries: str, head: str = "") -> bytes:
    return f"<feed xmlns='http://www.w3.org/2005/Atom'><title>Blog</title>{head}{entries}</feed>".encode()


def read(data: bytes, url: str = FEED_URL) -> ParsedFeed:
    return parse(data, "", url)


# Titles of which a reader sees nothing


@pytest.mark.parametrize("title", ["\u200b\u2060", "&#8203;", "&amp;#8203; &#160;", "\u3164\u115f", "\u2800"])
def test_a_title_without_a_visible_character_is_none(title: str) -> None:
    by_summary, by_link = (
        rss(f"<item><title>{title}</title><link>https://a.example/old-bridge</link>{description}</item>")
        for description in ("<description>The bridge opens.</description>", "<description>&#8203;</description>")
    )

    assert [read(document).entries[0].title for document in (by_summary, by_link)] == [
        "The bridge opens.",
        "old bridge",
    ]


# Bare ampersands


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("R&D at A&B", "R&D at A&B"),
        ("Q&A: D&D &amp; you", "Q&A: D&D & you"),
        ("Marks & Spencer &", "Marks & Spencer &"),
        ("Caf&eacute; &nbsp;AT&T", "Café AT&T"),
        ("&#8220;R&D&#8221; &#x41;", "“R&D” A"),
        ("R&amp;D &lt; A&B", "R&D < A&B"),
        ("<![CDATA[R&D]]> & A&amp;B", "R&D & A&B"),
    ],
)
def test_a_bare_ampersand_is_an_ampersand(written: str, meant: str) -> None:
    feed = read(rss(f"<item><title>{written}</title></item>"))
    assert [entry.title for entry in feed.entries] == [meant]


def test_bare_ampersands_are_noted_and_repaired_in_urls_too() -> None:
    feed = read(rss("<item><title>A</title><link>https://a.example/?a=1&b=2&c=3</link></item>"))
    assert feed.entries[0].link == "https://a.example/?a=1&b=2&c=3"
    assert feed.notes == ("2 bare ampersands read as text",)


def test_ampersands_in_comments_and_cdata_stay_as_they_are() -> None:
    feed = read(
        rss("<!-- R&D --><item><title>A & B</title><description><![CDATA[<b>x & y</b> &c;]]></description></item>")
    )
    assert feed.entries[0].summary == "x & y &c;"


# Truncated documents

WHOLE = rss(
    "".join(f"<item><title>T{n}</title><link>https://a.example/{n}</link><guid>g{n}</guid></item>" for n in (1, 2, 3))
)


@pytest.mark.parametrize("lost", range(20, 80))
def test_a_truncated_item_is_not_an_entry(lost: int) -> None:
    feed = read(WHOLE[:-lost])
    assert all(entry.guid and entry.link and entry in read(WHOLE).entries for entry in feed.entries)
    assert len(feed.entries) in (2, 3)
    assert any(note.startswith("the document ends in the middle") for note in feed.notes)


def test_a_truncated_atom_feed_keeps_its_complete_entries() -> None:
    entry = "<entry><id>u:%d</id><title>T%d</title><link href='https://a.example/%d'/></entry>"
    document = atom("".join(entry % (n, n, n) for n in (1, 2)))
    cut = document[: document.rindex(b"<link") + 9]
    assert [item.guid for item in read(cut).entries] == ["u:1"]
    assert "the document ends in the middle, its last item is left out" in read(cut).notes


@pytest.mark.parametrize(
    "stump",
    [
        b"<rss version='2.0'><channel><title>x</title><item><title>One",
        b"<rss version='2.0'><channel><title>x</title><item><title>One</title><link>https://a.example/1</link>",
        b"<rss version='2.0'><channel><title>x</title><item><description><![CDATA[half",
        b"<feed xmlns='http://www.w3.org/2005/Atom'><title>x</title><entry><id>u:1</id><title>One",
        b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
        b"<channel><title>x</title></channel><item rdf:about='a'><title>One",
    ],
)
def test_a_truncated_item_alone_is_not_an_entry(stump: bytes) -> None:
    feed = read(stump)
    assert feed.entries == ()
    assert feed.notes == ("the document ends in the middle, its last item is left out",)


def test_items_that_are_never_closed_are_not_taken_for_a_cut_document() -> None:
    data = b"<rss version='2.0'><channel><title>x</title><item><title>One<item><title>Two"
    assert len(read(data).entries) >= 1


# Links


@pytest.mark.parametrize(
    ("head", "href", "link"),
    [
        ("<link>https://blog.example/</link>", "/posts/a.html", "https://blog.example/posts/a.html"),
        ("<link>https://blog.example/news/</link>", "b.html", "https://blog.example/news/b.html"),
        ("<link>https://blog.example/</link>", "https://else.example/x", "https://else.example/x"),
        ("<link>/</link>", "posts/a", "https://cdn.example/posts/a"),
        ("", "posts/a", "https://cdn.example/feeds/posts/a"),
        ("<link>javascript:alert(1)</link>", "/a", "https://cdn.example/a"),
        ("<link>https://blog.example/</link>", "//else.example/x", "https://else.example/x"),
    ],
)
def test_a_relative_link_of_rss_is_below_the_site(head: str, href: str, link: str) -> None:
    assert read(rss(f"<item><title>A</title><link>{href}</link></item>", head)).entries[0].link == link


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://blog.example/feeds/atom.xml", "https://blog.example/feeds/a"),
        ("https://cdn.example/feeds/atom.xml", "https://blog.example/a"),
    ],
)
def test_a_relative_link_of_atom_is_beside_the_feed_unless_the_site_is_elsewhere(url: str, link: str) -> None:
    head = "<link href='https://blog.example/'/>"
    data = atom("<entry><id>u:1</id><title>A</title><link href='a'/></entry>", head)
    assert read(data, url).entries[0].link == link


def test_a_base_of_the_document_comes_before_the_site() -> None:
    data = rss("<item xml:base='https://base.example/x/'><title>A</title><link>a</link></item>")
    assert read(data).entries[0].link == "https://base.example/x/a"


def test_links_in_the_text_are_resolved_against_the_article_and_footnotes_stay_in_it() -> None:
    text = (
        "<![CDATA[<p>See <a href='more.html'>more</a>, <a href='#fn1'>1</a>, <a class=\"f\" href=\"#fn2\">2</a>.</p>]]>"
    )
    item = f"<item><title>A</title><link>/2026/a.html</link><description>{text}</description></item>"
    content = read(rss(item)).entries[0].content
    assert 'href="https://blog.example/2026/more.html"' in content
    assert 'href="https://blog.example/2026/a.html#fn1"' in content
    assert 'href="https://blog.example/2026/a.html#fn2"' in content


@pytest.mark.parametrize(
    ("language", "links", "chosen"),
    [
        (
            "de",
            "<link href='/en' hreflang='en'/><link href='/de' hreflang='de'/><link href='/fr' hreflang='fr'/>",
            "/de",
        ),
        ("de-AT", "<link href='/de' hreflang='de'/><link href='/en' hreflang='en'/>", "/de"),
        ("", "<link href='/en' hreflang='en'/><link href='/all'/>", "/all"),
        ("it", "<link href='/en' hreflang='en'/><link href='/x' hreflang='x-default'/>", "/x"),
        ("en", "<link href='/a.pdf' type='application/pdf'/><link href='/a' type='text/html'/>", "/a"),
        ("en", "<link href='/a' type='application/xhtml+xml'/><link href='/a.txt' type='text/plain'/>", "/a"),
    ],
)
@pytest.mark.parametrize("doctype", ["", "<!DOCTYPE feed>"])
def test_of_several_links_the_page_in_the_language_of_the_feed_is_taken(
    doctype: str, language: str, links: str, chosen: str
) -> None:
    # A DOCTYPE sends the document to feedparser, so this checks that both parsers choose alike.
    feed = f"<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='{language}'><title>B</title>"
    data = f"{doctype}{feed}<entry><id>u:1</id><title>A</title>{links}</entry></feed>".encode()
    assert read(data, "https://a.example/feed").entries[0].link == "https://a.example" + chosen


def test_a_link_of_a_feed_proxy_comes_after_one_that_says_where_it_leads() -> None:
    links = "<link>http://feedproxy.google.com/~r/x/~3/abc/</link><guid>https://blog.example/a</guid>"
    item = f"<item><title>A</title>{links}</item>"
    assert read(rss(item)).entries[0].link == "https://blog.example/a"


# The original publisher


@pytest.mark.parametrize(
    ("document", "origin"),
    [
        (
            rss("<item><title>A</title><source url='https://paper.example'>The Paper</source></item>"),
            ("The Paper", "https://paper.example/"),
        ),
        (
            atom(
                "<entry><id>u:1</id><title>A</title><source><id>u:2</id><title>Ann's Blog</title>"
                "<link rel='self' href='https://ann.example/feed'/><link href='https://ann.example/'/></source></entry>"
            ),
            ("Ann's Blog", "https://ann.example/"),
        ),
        (
            atom(
                "<entry><id>u:1</id><title>A</title><source><title>B</title>"
                "<link rel='self' href='https://b.example/feed'/></source></entry>"
            ),
            ("B", "https://b.example/feed"),
        ),
        (rss("<item><title>A</title><source url='https://www.blog.example/feed'>Blog</source></item>"), ("", "")),
        (rss("<item><title>A</title><source url='javascript:1'>Who</source></item>"), ("Who", "")),
        (rss("<item><title>A</title></item>"), ("", "")),
    ],
)
@pytest.mark.parametrize("doctype", [b"", b"<!DOCTYPE x>"])
def test_the_source_of_an_entry_is_who_published_it_first(
    document: bytes, origin: tuple[str, str], doctype: bytes
) -> None:
    (entry,) = read(doctype + document).entries
    assert (entry.origin_name, entry.origin_url) == origin


@pytest.mark.parametrize(
    ("feed", "channel", "link", "origin"),
    [
        (
            "https://feeds.hub.example/ann",
            "https://ann.example/",
            "https://www.ann.example/post",
            "https://ann.example/",
        ),
        ("https://feeds.hub.example/ann", "https://ann.example/", "https://elsewhere.example/a", ""),
        ("https://feeds.ann.example/rss", "https://ann.example/", "https://ann.example/post", ""),
        ("https://ann.example/feed", "https://ann.example/", "https://elsewhere.example/a", ""),
        ("https://feeds.hub.example/ann", "", "https://ann.example/post", ""),
    ],
)
def test_a_feed_of_another_host_belongs_to_the_site_that_channel_and_entry_lead_to(
    feed: str, channel: str, link: str, origin: str
) -> None:
    document = rss(f"<item><title>A</title><link>{link}</link></item>", f"<link>{channel}</link>")
    (entry,) = read(document, feed).entries
    assert (entry.origin_name, entry.origin_url) == ("", origin)
    # An entry stored by an earlier version must not be stored again.
    assert digest(entry) == digest(replace(entry, origin_url=""))


# Recordings


@pytest.mark.parametrize(
    ("markup", "media_type", "length"),
    [
        ("<enclosure url='/1.mp3' length='34216300' type='audio/mpeg'/>", "audio/mpeg", 34_216_300),
        ("<enclosure url='/1.mp3' length='' type='audio/mpeg; charset=binary'/>", "audio/mpeg", None),
        ("<enclosure url='/1.mp3?utm_source=rss' length='0' type=''/>", "audio/mpeg", None),
        ("<enclosure url='/1.mp3?token=a' length='-5' type='application/octet-stream'/>", "audio/mpeg", None),
        ("<enclosure url='/1.m4v' length='1e6' type='video/x-m4v'/>", "video/x-m4v", None),
        ("<media:content url='/1.mp4' fileSize='12' type='video/mp4' medium='video'/>", "video/mp4", 12),
        ("<media:group><media:content url='/1.ogg' type='audio/ogg'/></media:group>", "audio/ogg", None),
        ("<enclosure url='/1.mp4' type='video/mp4'/><enclosure url='/1.mp3' type='audio/mpeg'/>", "audio/mpeg", None),
        (
            "<enclosure url='javascript:1' type='audio/mpeg'/><enclosure url='/2.mp3' type='audio/aac'/>",
            "audio/aac",
            None,
        ),
    ],
)
def test_a_recording_is_kept(markup: str, media_type: str, length: int | None) -> None:
    (entry,) = read(rss(f"<item><title>One</title><link>https://a.example/one</link>{markup}</item>")).entries
    assert entry.enclosure is not None
    assert entry.enclosure.url.startswith("https://blog.example/")
    assert "utm_source" not in entry.enclosure.url
    assert (entry.enclosure.media_type, entry.enclosure.length) == (media_type, length)


@pytest.mark.parametrize(
    "markup",
    [
        "<enclosure url='/1.jpg' type='image/jpeg'/>",
        "<enclosure url='/1.torrent' type='application/x-bittorrent'/>",
        "<enclosure url='/1.pdf' type='application/octet-stream'/>",
        "<media:content url='/1.mp4' medium='image'/>",
    ],
)
def test_other_enclosures_are_not_recordings(markup: str) -> None:
    (entry,) = read(rss(f"<item><title>One</title><link>https://a.example/one</link>{markup}</item>")).entries
    assert entry.enclosure is None


def test_recordings_of_atom_and_json_feed_are_kept() -> None:
    link = "<link rel='enclosure' type='audio/mpeg' length='7' href='https://a.example/1.mp3'/>"
    (entry,) = read(atom(f"<entry><id>u:1</id><title>One</title>{link}</entry>")).entries
    assert entry.enclosure == Enclosure("https://a.example/1.mp3", "audio/mpeg", 7)
    attachment = {"url": "https://a.example/1.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 7}
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [{"id": "1", "title": "One", "attachments": [attachment]}],
    }
    assert read(json.dumps(document).encode()).entries[0].enclosure == entry.enclosure


# Pictures in the text


def picture_of(text: str, more: str = "") -> str | None:
    link = "<link>https://blog.example/posts/1/</link>"
    entry = read(
        rss(f"<item><title>Title</title>{link}<description><![CDATA[{text}]]></description>{more}</item>")
    ).entries[0]
    return entry.picture.url if entry.picture else None


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("<p><img src='a.jpg' alt='1 > 0'> text</p>", "https://blog.example/posts/1/a.jpg"),
        ('<IMG WIDTH=300 SRC="//cdn.example/a?x=1&amp;y=2"> text', "https://cdn.example/a?x=1&y=2"),
        ("<img src='data:image/gif;base64,AA==' data-src='https://i.example/lazy.jpg'>", "https://i.example/lazy.jpg"),
        ("<img data-srcset='https://i.example/s.webp 1x, https://i.example/l.webp 2x'>", "https://i.example/s.webp"),
        (
            "<img src='data:,' class='lazy'><noscript><img src='https://i.example/n.jpg'></noscript>",
            "https://i.example/n.jpg",
        ),
        (
            "<img src='/icon.png' width='16' height='16'><img src='/chart.png' width='100%'>",
            "https://blog.example/chart.png",
        ),
    ],
)
def test_a_feed_that_names_no_picture_has_the_first_one_of_the_text(text: str, url: str) -> None:
    assert picture_of(text) == url


@pytest.mark.parametrize(
    "image",
    [
        "<img src='https://pixel.example/b' width='1' height='1'>",
        "<img src='https://i.example/count.gif'>",
        "<img class='wp-smiley' src='https://i.example/1f600.png'>",
        "<img src='https://secure.gravatar.com/avatar/1?s=200'>",
        "<img src='https://feeds.feedburner.com/~ff/news?d=yIl2AUoC8zA'>",
        "<img src='javascript:alert(1)'>",
        "<img alt='never closed",
    ],
)
def test_counters_avatars_and_emoji_are_no_pictures(image: str) -> None:
    assert picture_of(f"<p>Text</p>{image}") is None


def test_a_picture_that_the_feed_names_comes_before_those_of_the_text() -> None:
    thumbnail = "<media:thumbnail url='https://i.example/named.jpg'/>"

    assert picture_of("<img src='https://i.example/text.jpg'>", thumbnail) == "https://i.example/named.jpg"


def test_the_address_of_an_image_element_is_a_picture() -> None:
    image = "<image><url>https://i.example/a.jpg</url><title>A tunnel</title></image>"

    assert read(rss(f"<item><title>Title</title>{image}</item>")).entries[0].title == "Title"
    assert picture_of("Text", image) == "https://i.example/a.jpg"


# Titles


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("It&amp;amp;rsquo;s &amp;amp;amp;#8220;on&amp;amp;amp;#8221;", "It’s “on”"),
        ("How &amp;amp;lt; works", "How &lt; works"),
        ("First line&lt;br&gt;second line", "First line second line"),
        ("First line.&lt;br /&gt; Second line", "First line. Second line"),
        ("When to use the &lt;br&gt; tag", "When to use the <br> tag"),
        ("A &#55357;&#56832; and &amp;#xD83D;&amp;#xDE00;", "A 😀 and 😀"),
        ("A &#8;title &#x1F;here &#55357;", "A title here"),
    ],
)
def test_what_is_left_of_the_markup_of_a_title_is_read(written: str, meant: str) -> None:
    assert read(rss(f"<item><title>{written}</title></item>")).entries[0].title == meant


def test_a_title_can_be_that_of_a_podcast_alone() -> None:
    document = rss(
        "<item xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'><itunes:title>Episode</itunes:title>"
        "<description>About it.</description></item>"
    )

    assert read(document).entries[0].title == "Episode"


def test_halves_of_an_emoji_in_markup_are_one_character() -> None:
    text = "<![CDATA[<p>A &#xD83D;&#xDE00; <b>face</b></p>]]>"

    assert read(rss(f"<item><title>T</title><description>{text}</description></item>")).entries[0].content == (
        "<p>A 😀 <b>face</b></p>"
    )


# Links and authors


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("www.paper.example/a", "https://www.paper.example/a"),
        ("blog.example/a", "https://blog.example/a"),
        ("http://https://paper.example/a", "https://paper.example/a"),
        ("http://https//paper.example/a", "https://paper.example/a"),
        ("https:/paper.example/a", "https://paper.example/a"),
        ("index.html", "https://blog.example/index.html"),
        ("https://web.archive.example/1/http://a.example/", "https://web.archive.example/1/http://a.example/"),
    ],
)
def test_a_link_without_a_scheme_or_with_two_leads_to_its_host(written: str, meant: str) -> None:
    assert read(rss(f"<item><title>T</title><link>{written}</link></item>")).entries[0].link == meant


@pytest.mark.parametrize(
    ("written", "author"),
    [
        ("ada@news.technology (Ada Lovelace)", "Ada Lovelace"),
        ("Ada Lovelace &lt;ada@news.technology&gt;", "Ada Lovelace"),
        ("ada@news.technology", "ada@news.technology"),
    ],
)
@pytest.mark.parametrize("end", ["", "<fullitem2>R&D</fullitem2><a></b>"])
def test_an_address_beside_the_name_of_an_author_is_left_out(written: str, author: str, end: str) -> None:
    document = rss(f"<item><title>T</title><author>{written}</author>{end}</item>")

    assert read(document).entries[0].author == author


# JSON Feed


@pytest.mark.parametrize("authors", [{"name": "Ada"}, "Ada", ["Ada"], [{"name": "Ada"}]])
def test_authors_and_tags_of_a_json_feed_need_be_no_list(authors: object) -> None:
    item = {"id": "1", "title": "T", "authors": authors, "tags": "news"}
    document = {"version": "https://jsonfeed.org/version/1.1", "title": "Blog", "items": [item]}
    entry = read(json.dumps(document).encode()).entries[0]

    assert (entry.author, entry.tags) == ("Ada", ("news",))


def test_an_item_of_a_json_feed_has_the_author_of_the_feed_and_its_id_as_link() -> None:
    items = [{"id": "https://blog.example/1", "title": "One"}, {"id": "2", "title": "Two", "author": {"name": "Grace"}}]
    document = {"version": "https://jsonfeed.org/version/1", "title": "Blog", "author": {"name": "Ada"}, "items": items}
    one, two = read(json.dumps(document).encode()).entries

    assert (one.link, one.author) == ("https://blog.example/1", "Ada")
    assert (two.link, two.author) == ("", "Grace")


# Markup whose type is stated wrongly


@pytest.mark.parametrize(
    ("element", "summary"),
    [
        ("<summary>&lt;p&gt;Fish &amp;amp; chips&lt;/p&gt;</summary>", "Fish & chips"),
        ("<content type='text'>&lt;div class='a'&gt;Fish &lt;b&gt;now&lt;/b&gt;&lt;/div&gt;</content>", "Fish now"),
        ("<summary>a &lt;p&gt; element</summary>", "a <p> element"),
        ("<summary>&lt;p&gt; is an element</summary>", "<p> is an element"),
        ("<summary type='html'>&amp;lt;p&amp;gt;Fish &amp;amp;amp; chips&amp;lt;/p&amp;gt;</summary>", "Fish & chips"),
        ("<summary type='html'>&amp;lt;p&amp;gt; is an element</summary>", "<p> is an element"),
    ],
)
@pytest.mark.parametrize("end", ["", "<a></b>"])
def test_a_text_that_begins_with_an_element_and_closes_it_is_markup(element: str, summary: str, end: str) -> None:
    entry = f"<entry><id>1</id><title>T</title>{element}</entry>"

    assert read(atom(entry + end)).entries[0].summary == summary


@pytest.mark.parametrize("key", ["summary", "content_text"])
def test_a_text_of_a_json_feed_can_be_markup_too(key: str) -> None:
    items = [{"id": "1", "title": "T", key: "<p>Fish &amp; chips</p>"}]
    document = {"version": "https://jsonfeed.org/version/1", "title": "Blog", "items": items}

    assert read(json.dumps(document).encode()).entries[0].summary == "Fish & chips"
