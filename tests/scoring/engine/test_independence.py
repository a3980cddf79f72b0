"""Links to an article, aggregators that name the publisher, and hosts of many feeds are not additional sources."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.config import owner_of
from aggregator.model import Config, Entry, Site, Source, Story
from scoring.clustering.copies import Owners
from scoring.engine import Engine
from scoring.relevance.model import load_prior

START = datetime(2026, 11, 17, 6, tzinfo=UTC)
TITLE = "Nordbygg wins the harbour tunnel contract in Aldersund"
ARTICLE = "The city of Aldersund chose Nordbygg to build the tunnel for 3.1 billion, after two years of talks."
LINK = "https://paper.example/2026/tunnel"
SOURCES = tuple(
    Source(id=name, name=name, url=url, category="", owner=owner)
    for name, url, owner in (
        ("paper", "https://paper.example/rss", "paper.example"),
        ("hn", "https://links.example/rss", "links.example"),
        ("forum", "https://forum.example/rss", "forum.example"),
        ("search", "https://news.google.com/rss/search", "google.com"),
        ("rival", "https://rival.example/rss", "rival.example"),
    )
)
CONFIG = Config(Site(), (), SOURCES)


def entry(
    number: int,
    source: str,
    title: str = TITLE,
    summary: str = "",
    link: str = LINK,
    points_to: str = "",
    origin_url: str = "",
) -> Entry:
    at = START + timedelta(hours=number)
    return Entry(
        number,
        source,
        str(number),
        link,
        title,
        summary,
        first_seen_at=at,
        published_at=at,
        points_to=points_to,
        origin_url=origin_url,
    )


def story_of(*entries: Entry) -> Story:
    """Return the only story that some entries form."""
    engine = Engine(CONFIG, load_prior())
    for item in entries:
        engine.step([item], item.first_seen_at)
    (story,) = engine.stories()
    return story


def test_links_to_an_article_are_the_voice_of_the_article() -> None:
    story = story_of(
        entry(1, "paper", summary=ARTICLE),
        entry(2, "hn", summary="Comments"),
        entry(3, "forum", "Harbour tunnel goes to Nordbygg"),
    )
    assert (story.sources, story.independent_sources) == (3, 1)


def test_an_article_that_comes_after_a_link_to_it_leads_and_adds_no_voice() -> None:
    story = story_of(entry(1, "hn", summary="Comments"), entry(2, "paper", summary=ARTICLE))
    assert story.independent_sources == 1
    assert story.lead_entry_id == 2


def test_a_post_that_names_the_page_it_is_about_is_a_link() -> None:
    post = (
        "I drove through the old tunnel for years, and here is what this contract means for the people on both sides."
    )
    story = story_of(
        entry(1, "paper", summary=ARTICLE),
        entry(2, "forum", summary=post, link="https://forum.example/t/9", points_to=LINK),
    )
    assert story.independent_sources == 1


def test_a_report_of_its_own_under_the_same_link_counts() -> None:
    own = "Two rival bidders say that they will go to court, and an economist doubts that three billion will be enough."
    story = story_of(entry(1, "paper", summary=ARTICLE), entry(2, "rival", summary=own))
    assert story.independent_sources == 2


def test_an_aggregator_speaks_with_the_voice_of_the_publisher_that_it_names() -> None:
    story = story_of(
        entry(
            1, "search", f"{TITLE} - The Paper", link="https://news.google.com/a/1", origin_url="https://paper.example"
        ),
        entry(2, "paper", summary=ARTICLE),
    )
    assert (story.sources, story.independent_sources) == (2, 1)


@pytest.mark.parametrize(
    ("owner", "link", "expected"),
    [
        ("feedburner.com", "https://www.ann.example/post", "ann.example"),
        ("youtube.com", "https://www.youtube.com/watch?v=1", "blog"),
        ("rsshub.app", "https://paper.example/a", "paper.example"),
        ("blog.example", "https://elsewhere.example/post", "blog.example"),
        ("substack.com", "", "substack.com"),
        ("beehiiv.com", "https://ann.beehiiv.com/p/post", "blog"),
        ("inoreader.com", "https://paper.example/a", "paper.example"),
    ],
)
def test_a_host_of_many_feeds_owns_none_of_them(owner: str, link: str, expected: str) -> None:
    source = Source(id="blog", name="Blog", url=f"https://feeds.{owner}/blog", category="", owner=owner)
    assert Owners(Config(Site(), (), (*SOURCES, source))).of_entry("blog", link, "") == expected


@pytest.mark.parametrize("path", ["@ann.rss", "~ann/feed.xml", "users/ann/posts.atom"])
def test_users_of_one_site_are_owners_of_their_own(path: str) -> None:
    source = Source(id="ann", name="Ann", url=f"https://hub.example/{path}", category="", owner="hub.example")
    owners = Owners(Config(Site(), (), (*SOURCES, source)))
    assert owners.of_entry("ann", "https://hub.example/posts/1", "") == "ann"
    assert owners.of_entry("ann", "https://paper.example/a", "") == "paper.example"


@pytest.mark.parametrize(
    ("feed", "origin", "expected"),
    [
        ("https://times.example/rss", "", "times.example"),
        ("https://feeds.host.example/times", "https://times.co.uk/", "times.co.uk"),
    ],
)
def test_sites_of_one_feed_whose_domains_differ_in_their_ending_have_one_owner(
    feed: str, origin: str, expected: str
) -> None:
    source = Source(id="times", name="The Times", url=feed, category="", owner=owner_of(feed))
    owners = Owners(Config(Site(), (), (source,)))
    links = [f"https://www.{site}/a" for site in ("times.example", "times.co.uk", "times.com")]
    assert {owners.of_entry("times", link, origin) for link in links} == {expected}
    sister = Source(id="sister", name="The Times of ours", url=f"{links[2]}/rss", category="", owner="times.com")
    with_sister = Owners(Config(Site(), (), (source, sister)))
    assert with_sister.of_entry("times", links[2], origin) == "times.com"


def test_an_owner_in_feeds_yaml_has_all_sites_of_its_name() -> None:
    source = Source(id="times", name="", url="https://feeds.host.example/times", category="", owner="Times & Co")
    owners = Owners(Config(Site(), (), (source,)))
    for site in ("times.co.uk", "times.com"):
        assert owners.of_entry("times", f"https://www.{site}/a", "https://times.co.uk/") == "Times & Co"


def test_versions_of_an_article_for_mobiles_are_the_article() -> None:
    story = story_of(
        entry(1, "paper", summary=ARTICLE),
        entry(
            2, "forum", "Harbour tunnel goes to Nordbygg", link="https://amp.paper.example/2026/tunnel?outputType=amp"
        ),
        entry(3, "hn", "Who pays for it", link="https://www.paper.example/2026/tunnel/amp"),
    )
    assert (story.sources, story.independent_sources) == (3, 1)


def test_a_link_post_joins_the_article_that_it_points_to_whatever_its_headline() -> None:
    story = story_of(
        entry(1, "paper", summary=ARTICLE),
        entry(2, "forum", "Three billion for this?", link="https://forum.example/t/9", points_to=LINK),
    )
    assert (story.sources, story.independent_sources) == (2, 1)


@pytest.mark.parametrize(
    ("owner", "origin", "expected"),
    [
        ("", "https://ann.example/", "ann.example"),
        ("hub.example", "https://ann.example/", "ann.example"),
        ("Ann & Sons", "https://ann.example/", "Ann & Sons"),  # from feeds.yaml
        ("Ann & Sons", "https://paper.example/", "paper.example"),  # as an aggregator names it
        ("hub.example", "https://t.me/ann", "blog"),  # many owners
    ],
)
def test_the_site_that_a_feed_leads_to_owns_its_entries(owner: str, origin: str, expected: str) -> None:
    source = Source(id="blog", name="Blog", url="https://hub.example/feeds/ann", category="", owner=owner)
    owners = Owners(Config(Site(), (), (*SOURCES, source)))
    assert owners.of_entry("blog", "https://www.ann.example/post", origin) == expected
