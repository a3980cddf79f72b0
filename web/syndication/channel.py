"""The content of a feed in any format: a channel of items, one item per story."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from aggregator.model import Enclosure, Entry, Listed, Picture
from aggregator.text.markup import storable
from aggregator.text.urls import safe_link
from web.present import source_count, standfirst, story_path

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_SUMMARY_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Image:
    """The picture of an item, at this site's own address."""

    url: str
    media_type: str
    """As the publisher's file name suggests; "" if it suggests none."""
    width: int | None = None
    height: int | None = None
    caption: str = ""
    credit: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A story as an item of a feed."""

    id: str
    url: str
    title: str
    text: str
    """Plain: the summary, may be empty."""
    facts: str
    """Plain: `Score: 87 · 9 sources, 6 independent · via TechCrunch AI`."""
    original: str
    """The lead entry at its source; "" when it has no usable link."""
    via: str
    """ID of the source that had it first."""
    source: str
    category: str
    category_id: str
    language: str
    score: int
    provisional: bool
    sources: int
    independent: int
    published_at: datetime | None
    """As the publisher states it; None if it states none that is plausible."""
    first_seen_at: datetime
    updated_at: datetime
    related: tuple[tuple[str, str, str], ...] = ()
    """Other sources' headlines: source, title, link."""
    image: Image | None = None
    enclosure: Enclosure | None = None
    """The recording of the lead entry, at its publisher."""
    html: str = ""
    """The readable body of an item that is no story, such as a digest; it has none of the elements about stories."""

    @property
    def date(self) -> datetime:
        """The stated date, or else the time at which this site first saw the story."""
        return self.published_at or self.first_seen_at


@dataclass(frozen=True, slots=True)
class Channel:
    """A list of stories and the addresses of its feed."""

    title: str
    description: str
    page_url: str
    self_url: str
    language: str
    items: tuple[Item, ...]
    hub_url: str = ""
    """The WebSub hub; "" for none."""
    next_url: str = ""
    """The feed of the stories that follow these (RFC 5005); "" at the end of the list."""
    first_url: str = ""
    """The feed that begins the list, where this one does not."""
    style_urls: tuple[tuple[str, str], ...] = ()
    """Media type and address of each style sheet for browsers."""

    @property
    def updated_at(self) -> datetime:
        """When the newest of its items last changed."""
        return max((item.updated_at for item in self.items), default=EPOCH)


def material(channel: Channel) -> str:
    """Return the states of a channel's items as tokens: a token that an earlier channel lacks is news.

    An item's state is its ID and `updated_at`. A new order, a changed score, a view, or an item that dropped off the
    end is not news.
    """
    states = (f"{entry.id} {iso(entry.updated_at)}" for entry in channel.items)
    return " ".join(sorted(hashlib.sha256(state.encode()).hexdigest()[:12] for state in states))


def tag_uri(site_url: str, path: str) -> str:
    """Return a tag URI for *path* under the host of *site_url*, independent of scheme and port."""
    host = urlsplit(site_url).hostname or "localhost"
    return f"tag:{host.strip('[]').replace(':', '-')},2026:{path}"


def item(
    listed: Listed,
    *,
    base_url: str,
    id_base: str,
    source: str,
    first_source: str,
    category: str,
    related: Sequence[tuple[Entry, str]] = (),
    image: Image | None = None,
) -> Item:
    """Return a story as an item.

    base_url:     the site's address without a trailing slash
    id_base:      the address from which IDs are made; it must never change
    source:       name of the source of the headline
    first_source: name of the source that reported it first
    related:      entries of other sources, each with its source's name
    """
    story, lead = listed.story, listed.lead
    facts = [f"Score: {story.score}{' (provisional)' if story.provisional else ''}"]
    facts += [source_count(story.sources, story.independent_sources), f"via {first_source}"]
    if story.published_at is None:
        seen = story.first_seen_at.astimezone(UTC)
        facts.append(f"first seen {seen.day} {seen:%b %Y, %H:%M} UTC")
    return Item(
        id=tag_uri(id_base, f"story/{story.story_id}"),
        url=base_url + story_path(story),
        title=storable(story.headline),
        text=storable(standfirst(story, MAX_SUMMARY_CHARS)),
        facts=storable(" · ".join(facts)),
        original=safe_link(lead.link),
        via=listed.first_source_id,
        source=storable(source),
        category=storable(category),
        category_id=story.category_id,
        language=lead.language,
        score=story.score,
        provisional=story.provisional,
        sources=story.sources,
        independent=story.independent_sources,
        published_at=story.published_at,
        first_seen_at=story.first_seen_at,
        # An item changes when a source joins, but not when its score changes.
        updated_at=max(story.first_seen_at, story.last_source_at),
        related=tuple((storable(name), storable(entry.title), safe_link(entry.link)) for entry, name in related),
        image=image,
        enclosure=lead.enclosure,
    )


def article(item_id: str, *, url: str, title: str, text: str, html: str, author: str, at: datetime) -> Item:
    """Return an item that is not a story; *html* is its body, *text* the same as plain text."""
    return Item(
        id=item_id,
        url=url,
        title=storable(title),
        text=storable(text),
        facts="",
        original="",
        via="",
        source=storable(author),
        category="",
        category_id="",
        language="",
        score=0,
        provisional=False,
        sources=0,
        independent=0,
        published_at=at,
        first_seen_at=at,
        updated_at=at,
        html=storable(html),
    )


def image(picture: Picture, url: str, caption: str, credit: str) -> Image:
    """Return the image of an item: *picture* as named by its source, served at *url*."""
    guessed, _ = mimetypes.guess_type(urlsplit(picture.url).path)
    media_type = guessed if guessed is not None and guessed.startswith("image/") else ""
    return Image(url, media_type, picture.width, picture.height, storable(caption), storable(credit))


def iso(moment: datetime) -> str:
    """Return *moment* as RFC 3339 in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
