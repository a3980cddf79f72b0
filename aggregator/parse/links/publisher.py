"""Find the site that publishes an entry, where its feed is served elsewhere.

Observed: the feed of a site at FeedBurner or RSSHub; a feed of bbci.co.uk that names bbc.co.uk as its site and links to
bbc.com.
Rule: the publisher of an entry on the site of its channel is that site; so is a site that differs from the channel's or
the feed's in its ending alone.
"""

from __future__ import annotations

from aggregator.text.urls import host, registrable_domain


def publisher_of(link: str, home: str, url: str) -> str:
    """Return the site of an entry's publisher, "" if it is the feed's or unknown.

    link: of the entry
    home: the site that the channel names
    url:  of the feed
    """
    site, channel, feed = _site(link), _site(home), _site(url)
    if not site or site == feed:
        return ""
    if site == channel:
        return home
    name = site.partition(".")[0]
    return f"https://{site}/" if name in (channel.partition(".")[0], feed.partition(".")[0]) else ""


def _site(url: str) -> str:
    return registrable_domain(host(url)) if url else ""
