"""Find the site that publishes an entry, where its feed is served elsewhere.

Observed: the feed of a site at FeedBurner or RSSHub; a feed of bbci.co.uk that names bbc.co.uk as its site and links to
both bbc.co.uk and bbc.com.
Rule: an entry on the site of its feed, or of its channel, is published by that site, whatever the ending of its domain.
"""

from __future__ import annotations

from aggregator.text.urls import domain_name, host, registrable_domain


def publisher_of(link: str, home: str, url: str) -> str:
    """Return the site of an entry's publisher, "" if it is the feed's or unknown.

    link: of the entry
    home: the site that the channel names
    url:  of the feed
    """
    site = _name(link)
    if not site or site == _name(url):
        return ""
    return home if site == _name(home) else ""


def _name(url: str) -> str:
    return domain_name(registrable_domain(host(url))) if url else ""
