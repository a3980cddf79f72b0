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
