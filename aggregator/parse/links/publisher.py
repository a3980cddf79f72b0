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
    site, feed, channel = host(link) if link else "", host(url), host(home)
    if not site or site == feed:
        return ""
    # The labels of the hosts decide most entries. The list of public suffixes takes a parsing child a tenth of a second
    # to load.
    labels = _labels(site)
    if labels.isdisjoint(_labels(channel)):
        return ""
    if site == channel and labels.isdisjoint(_labels(feed)):
        return home
    name = _name(site)
    return home if name != _name(feed) and name == _name(channel) else ""


def _labels(host: str) -> set[str]:
    """Return the labels of *host*, without the last if it has several: one of them is in `_name`."""
    labels = host.split(".")
    return set(labels[:-1] or labels)


def _name(host: str) -> str:
    return domain_name(registrable_domain(host))
