"""Posts of link sites point to another site's page and have no summary of their own."""

from __future__ import annotations

import html
import json

import pytest

from aggregator.model import Draft
from aggregator.parse.parser import parse

ARTICLE = "https://paper.example/2026/tunnel"
HN = "https://news.ycombinator.com/item?id=1"
REDDIT = "https://www.reddit.com/r/news/comments/abc/tunnel/"


def post(home: str, link: str, description: str, more: str = "") -> Draft:
    data = (
        f"<rss version='2.0'><channel><title>Links</title><link>{home}</link><item><title>Tunnel</title>"
        f"<link>{link}</link>{more}<description>{html.escape(description)}</description></item></channel></rss>"
    )
    (entry,) = parse(data.encode(), "", home + "feed").entries
    return entry


HNRSS = (
    f'<p>Article URL: <a href="{ARTICLE}">{ARTICLE}</a></p><p>Comments URL: <a href="{HN}">{HN}</a></p>'
    "<p>Points: 128</p><p># Comments: 43</p>"
)
BY_ADA = '<a href="https://www.reddit.com/user/ada"> /u/ada </a>'


def reddit(target: str, text: str = "") -> str:
    return (
        f'{text} &#32; submitted by &#32; {BY_ADA} &#32; to &#32; <a href="https://www.reddit.com/r/news/"> r/news </a>'
        f'<br/> <span><a href="{target}">[link]</a></span> &#32; <span><a href="{REDDIT}">[comments]</a></span>'
    )


@pytest.mark.parametrize(
    ("home", "link", "description", "more", "discussion"),
    [
        ("https://news.ycombinator.com/", ARTICLE, HNRSS, "", HN),
        ("https://news.ycombinator.com/", ARTICLE, f'<a href="{HN}">Comments</a>', f"<comments>{HN}</comments>", HN),
        (
            "https://lobste.rs/",
            ARTICLE + "?utm_source=x",
            '<p><a href="https://lobste.rs/s/x">Comments</a></p>',
            "<comments>https://lobste.rs/s/x</comments>",
            "https://lobste.rs/s/x",
        ),
        ("https://www.reddit.com/r/news/", REDDIT, reddit(ARTICLE), "", REDDIT),
        ("https://old.reddit.com/r/news/", REDDIT, reddit(ARTICLE + "#utm_source=y"), "", REDDIT),
        (
            "https://tildes.example/",
            ARTICLE,
            f'<p>Link URL: <a href="{ARTICLE}">{ARTICLE}</a></p><p>Comments URL: '
            '<a href="https://tildes.example/1">https://tildes.example/1</a></p><p>Votes: 5</p><p>Comments: 3</p>',
            "",
            "https://tildes.example/1",
        ),
    ],
)
def test_a_link_post_points_to_the_article_and_says_nothing_itself(
    home: str, link: str, description: str, more: str, discussion: str
) -> None:
    entry = post(home, link, description, more)
    assert (entry.points_to, entry.discussion) == (ARTICLE, discussion)
    assert (entry.summary, entry.content) == ("", "")


def test_the_words_of_a_post_stay_without_the_lines_of_the_site() -> None:
    text = '<div class="md"><p>I went there yesterday and it is still closed to the public.</p></div>'
    entry = post("https://www.reddit.com/", REDDIT, reddit(ARTICLE, text))
    assert entry.summary == "I went there yesterday and it is still closed to the public."
    assert entry.points_to == ARTICLE


@pytest.mark.parametrize(
    "target", [REDDIT, "https://i.redd.it/x.jpg", "https://v.redd.it/x", "https://www.reddit.com/gallery/1"]
)
def test_a_question_or_a_picture_of_the_site_itself_points_nowhere(target: str) -> None:
    entry = post("https://www.reddit.com/r/news/", REDDIT, reddit(target))
    assert (entry.points_to, entry.discussion, entry.summary) == ("", "", "")


@pytest.mark.parametrize(
    ("description", "more"),
    [
        ("<p>A report. <a href='/c'>3 Comments</a></p>", "<comments>https://blog.example/a#respond</comments>"),
        ("<p>How to write good comments</p>", ""),
        ("<p>Comments URL is a field of RSS.</p>", ""),
        ("A paper was submitted by them", ""),
    ],
)
def test_a_report_with_comments_is_not_a_link_post(description: str, more: str) -> None:
    entry = post("https://blog.example/", "https://blog.example/a", description, more)
    assert (entry.points_to, entry.discussion) == ("", "")
    assert entry.summary


def test_a_json_feed_says_what_it_links_to() -> None:
    item = {"id": "1", "title": "Tunnel", "url": HN, "external_url": ARTICLE, "content_html": HNRSS}
    data = {
        "version": "https://jsonfeed.org/version/1.1",
        "home_page_url": "https://news.ycombinator.com/",
        "items": [item],
    }
    (entry,) = parse(json.dumps(data).encode()).entries
    assert (entry.link, entry.points_to, entry.discussion, entry.summary) == (HN, ARTICLE, HN, "")


def test_a_json_feed_that_links_to_its_own_site_has_no_link_posts() -> None:
    item = {"id": "1", "title": "Tunnel", "url": "https://blog.example/1", "external_url": "https://blog.example/photo"}
    data = {
        "version": "https://jsonfeed.org/version/1.1",
        "home_page_url": "https://blog.example/",
        "items": [{**item, "content_html": "<p>A picture of the new tunnel, taken this morning.</p>"}],
    }
    (entry,) = parse(json.dumps(data).encode()).entries
    assert entry.points_to == ""


HEADLINE = "Builder wins the harbour tunnel contract"


def headed(link: str, description: str, title: str = HEADLINE) -> Draft:
    data = (
        f"<rss version='2.0'><channel><title>Links</title><link>https://links.example/</link><item>"
        f"<title>{title}</title><link>{link}</link><description>{html.escape(description)}</description></item>"
        f"</channel></rss>"
    )
    (entry,) = parse(data.encode(), "", "https://links.example/feed").entries
    return entry


@pytest.mark.parametrize(
    ("description", "title"),
    [
        (f'<P>Ann / The Paper:<BR><B><A HREF="{ARTICLE}">{HEADLINE}</A></B> It takes two years.</P>', HEADLINE),
        (f'<a href="{ARTICLE}">{HEADLINE}</a> A long comment of mine on what it means for us.', HEADLINE + " (Paper)"),
        (f'<p>{HEADLINE} <a href="{ARTICLE}">paper.example/2026/tunnel</a></p>', HEADLINE),
        (f'{HEADLINE}. <a href="{ARTICLE}">{ARTICLE}</a>', f"{HEADLINE} {ARTICLE}"),
    ],
)
def test_an_entry_whose_headline_is_a_link_to_another_site_points_there(description: str, title: str) -> None:
    assert headed("https://links.example/p/1", description, title).points_to == ARTICLE


@pytest.mark.parametrize(
    "description",
    [
        f'We went to see the site. <a href="{ARTICLE}">The Paper</a> has the figures.',
        f'<a href="https://links.example/old">{HEADLINE}</a>',
        f'{HEADLINE} <a href="{ARTICLE}">one</a> <a href="https://rival.example/2">two</a>',
        f"{HEADLINE}",
    ],
)
def test_an_entry_with_a_text_or_several_links_points_nowhere(description: str) -> None:
    assert headed("https://links.example/p/1", description).points_to == ""


@pytest.mark.parametrize(
    ("home", "link", "origin"),
    [
        ("https://www.times.co.uk/", "https://www.times.example/a", "https://www.times.co.uk/"),
        ("https://www.times.co.uk/", "https://www.times.co.uk/a", "https://www.times.co.uk/"),
        ("https://www.times.example/", "https://www.times.example/a", "https://www.times.example/"),
        ("https://www.times.co.uk/", "https://rival.example/a", ""),
        ("https://feeds.host.example/", "https://host.example/a", ""),
        ("https://host.co.uk/", "https://host.co.uk/a", ""),
        ("https://host.co.uk/", "https://host.com/a", ""),
    ],
)
def test_the_publisher_is_the_site_of_the_channel_whatever_its_ending(home: str, link: str, origin: str) -> None:
    data = (
        f"<rss version='2.0'><channel><title>T</title><link>{home}</link><item><title>Tunnel</title>"
        f"<link>{link}</link><description>Text.</description></item></channel></rss>"
    )
    (entry,) = parse(data.encode(), "", "https://feeds.host.example/rss").entries
    assert entry.origin_url == origin


def test_only_the_beginning_of_a_huge_title_is_compared_with_the_links_of_a_text() -> None:
    # Half a megabyte of title with a hundred links took a second of CPU an entry.
    label = "Crane falls into the harbour"
    text = f'<p>Read <a href="https://paper.example/a">{label}</a> and more of what we wrote about it</p>'
    near, far = ("word " * count + label for count in (700, 1_000))
    assert headed("https://links.example/p/1", text, near).points_to == "https://paper.example/a"
    assert headed("https://links.example/p/1", text, far).points_to == ""
