"""The fast XML parser returns the same as feedparser, on every available document."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.parse import json_feed
from aggregator.parse.xml import fast as fast_reader
from bench.parse_agreement import differences, documents, taken_fast

ROOT = Path(__file__).resolve().parent.parent
OURS = sorted((ROOT / "tests" / "data" / "feeds").glob("*.xml"))
REAL = ROOT.parent / "shared" / "data" / "feeds"

JUDGED = {
    # feedparser lets one item's base URL affect the next; see docs/dev/parsing.md.
    "fastfeedparser__benchmark_data_ab1814a7b8c94975.gz": {"content"},
    "node-feedparser__feeds_rss-with-item-scoped-html-base.xml.gz": {"link", "content"},
}


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_our_own_documents_are_read_alike(path: Path) -> None:
    assert differences(path.name, path.read_bytes()) == []


# All documents take a minute: `python -m bench.parse_agreement`.
@pytest.mark.skipif(not REAL.is_dir(), reason="the real documents are not beside this checkout")
@pytest.mark.parametrize("every", [80, pytest.param(8, marks=pytest.mark.long)])
def test_real_documents_are_read_alike_but_for_what_was_judged(every: int) -> None:
    seen = fast = 0
    unjudged = []
    for number, (name, body) in enumerate(documents(REAL)):
        if (number % every and name not in JUDGED) or json_feed.looks_like(body) or not body.strip():
            continue
        seen += 1
        fast += taken_fast(body)
        unjudged += [
            difference for difference in differences(name, body) if difference.field not in JUDGED.get(name, ())
        ]
    assert unjudged == []
    assert fast > seen * 0.8


RSS = (
    b'<rss version="2.0" xmlns:m="http://search.yahoo.com/mrss/" %b>'
    b"<channel><title>News</title><item>%b</item></channel></rss>"
)


@pytest.mark.parametrize(
    ("declared", "item"),
    [
        (b"", b"<title>One</title><title>Two</title>"),
        (b"", b"<title>An <b>inline</b> tag</title>"),
        (b"", b"<links>a key of feedparser's own</links>"),
        (b"", b"<tags>a, b</tags>"),
        (b'xmlns:media="http://elsewhere.example/"', b"<media:title>Not Media RSS</media:title>"),
        (b'xmlns="http://elsewhere.example/"', b"<title>Of an unknown vocabulary</title>"),
        (b"", b"<image><title>Inside an image</title></image><title>One</title>"),
        (b"", b"<author>Ada <name>Lovelace</name></author>"),
        (b"", b"<category term='a' label='b'>c</category>"),
        (b"", b"<content type='image/png'>aGVsbG8=</content>"),
        (b"", b"".join(b"<category>%d</category>" % number for number in range(60))),
    ],
)
def test_describe_not_sure_of_it_leaves_to_feedparser(declared: bytes, item: bytes) -> None:
    assert fast_reader.read(RSS % (declared, item)) is None


@pytest.mark.parametrize(
    "item",
    [
        b"<guid>https://a.example/1</guid><title>No link but the guid</title>",
        b"<link>https://a.example/1?a=1&amp;amp;b=2</link><title>Escaped twice</title>",
        b"<author>ada@example.org (Ada Lovelace)</author><title>A name beside an address</title>",
        b"<author>ada@example.org</author><author>Grace</author><title>Two authors</title>",
        b"<description>One</description><description>Two</description>",
        b"<title>Text &lt;b&gt;that looks&lt;/b&gt; like HTML</title>",
        b"<title>Zo\xc3\x83\xc2\xab, encoded twice</title>",
        b"<title>\xc2\x93Windows\xc2\x94 quotes</title>",
        b"<pubDate>Mon, 30 Feb 2026 10:00:00 GMT</pubDate><title>No such day</title>",
        b"<pubDate>Mon, 02 Feb 2026 25:00:00 +0100</pubDate><title>No such hour</title>",
        b"<m:group><m:content url='/a.jpg' type='IMAGE/JPEG' width='90'><m:title>T</m:title></m:content></m:group>"
        b"<m:description>Caption</m:description><title>Media</title>",
        b"<m:thumbnail url='https://a.example/t.jpg'/><m:credit>Ada</m:credit><title>Thumbnail</title>",
        b"<enclosure url='https://a.example/p.png' type='image/png' length='1'/><title>Enclosure</title>",
    ],
)
def test_the_oddities_of_feedparser_are_reproduced(item: bytes) -> None:
    document = RSS % (b"", item)
    assert fast_reader.read(document) is not None
    assert differences("item", document) == []
