"""What sanitising keeps of a feed's HTML."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.model import Limits
from aggregator.text.markup import storable
from aggregator.text.sanitize import MAX_BYTES, clean, cut
from tests.promises import promise

REL = 'rel="noopener noreferrer nofollow ugc"'
TAGS = (
    "a", "b", "i", "p", "pre", "table", "tr", "td", "ul", "li", "code", "div", "span",
    "marquee", "section", "menu",
    "svg", "math", "style", "script", "form", "select", "title", "h1", "br", "img", "iframe", "font", "em",
)  # fmt: skip
PIECES = st.lists(
    st.one_of(
        st.sampled_from(TAGS).map("<{}>".format),
        st.sampled_from(TAGS).map("</{}>".format),
        st.sampled_from(
            ['<a href="javascript:x()">', "<a href=/x>", '<a href="https://a.example/?a=1&b">', "<img src=x onerror=y>",
             "<!--", "-->", "<![CDATA[", "]]>", "\n", "&lt;", "&amp;amp;", "&", "<", ">", '"', "text", "<p title='>'>",
             "&#1;", "&#13;", "&#xfdd0;", "\x00", "<svg><style>", "é"]
        ),
    ),
    max_size=25,
).map("".join)  # fmt: skip


@promise
@given(PIECES)
@example("<pre>\n\n\nx</pre>")
@example("<table><a><tr><td><a>x</table>")
@example("<b><p></b></p><a><a>")
@example("<p><marquee><ul><li>x</ul></marquee></p>")
@example("<ul><li>a<section><li>b</section></ul>")
@example("<dl><dd>a<article><dd>b")
def test_cleaning_again_changes_nothing(markup: str) -> None:
    cleaned = clean(markup)
    assert clean(cleaned) == cleaned
    assert storable(cleaned) == cleaned


@given(PIECES)
def test_nothing_that_runs_or_loads_is_left(markup: str) -> None:
    cleaned = clean(markup, "https://feed.example/")
    tags = re.findall(r"<(\w+)([^>]*)>", cleaned)
    assert not {name for name, _ in tags} & {"script", "style", "img", "svg", "math", "iframe", "form", "div", "span"}
    for _, attributes in tags:
        assert not re.search(r"\bon\w+=|style=|src=|javascript:", attributes)


@given(st.lists(st.text(max_size=8), max_size=5))
@example(["a \x7f", "\xa0", "\ufeff", "a > b", "\r\n", "😀 \u2028"])
def test_paragraphs_of_text_are_what_the_parser_of_html_makes_of_them(texts: list[str]) -> None:
    markup = "".join(f"<p>{text}</p>\n" for text in texts)
    assert clean(markup) == clean(f"{markup}<i></i>").removesuffix("<i></i>")


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>a&#1;b&#13;c&#x7f;</p>", "<p>ab\nc</p>"),
        ("plain & simple > words", "plain &amp; simple &gt; words"),
        ("<p onclick=x style=y>a<script>b</script></p>", "<p>a</p>"),
        ('<a href="https://a.example/">a</a>', f'<a href="https://a.example/" {REL}>a</a>'),
        ('<a href="javascript:x">a</a>', f"<a {REL}>a</a>"),
        ('<a href="/admin/retrain">a</a>', f"<a {REL}>a</a>"),
        ("a<img src=https://a.example/pixel.gif>b", "ab"),
    ],
)
def test_what_is_left(markup: str, expected: str) -> None:
    assert clean(markup) == expected


def test_a_relative_link_is_resolved_against_the_feed() -> None:
    assert clean('<a href="/x">a</a>', "https://feed.example/rss") == f'<a href="https://feed.example/x" {REL}>a</a>'
    assert "href" not in clean('<a href="/x">a</a>', "javascript:alert(1)//")


def test_a_cut_never_shows_half_a_tag_or_entity() -> None:
    assert clean("<p>one</p><a href='https://a.example/'>two</a>", limit=20) == "<p>one</p>"
    assert clean("fish &amp; chips", limit=8) == "fish "
    assert cut("ééé", 3) == "é"


@pytest.mark.parametrize("tag", ["<div>", "<b>", "<p><b>", "<li><div>", "<x>", "<table><tr><td>"])
def test_deep_nesting_is_reduced_to_words(tag: str) -> None:
    assert clean(tag * 20_000 + "deep").count("<") < 1_000


def test_a_tag_with_thousands_of_attributes_is_reduced_to_words() -> None:
    assert clean("<a " + "".join(f"a{i}=1 " for i in range(9_000)) + ">x</a>") == "x"


def test_without_a_limit_that_of_the_default_configuration_holds() -> None:
    assert Limits().text_bytes == MAX_BYTES
    assert len(clean("x" * 150_000)) == MAX_BYTES
