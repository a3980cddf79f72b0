"""Permissions of a request beyond direct connections to public servers: private addresses, a proxy, another CA.

A permission belongs to a subject that the operator named: a source, the analysis endpoint, a callback. Redirects, hubs
and pictures that a feed names, and callbacks that a visitor names, have none. So every request gets an `Access`, and
the default allows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from aggregator.model import Config, Limits, Source
from aggregator.text.urls import host, safe_link


@dataclass(frozen=True, slots=True)
class Access:
    """The permissions of one subject. The default: public addresses, no proxy, the usual certificate authorities."""

    private_hosts: frozenset[str] = frozenset()
    """Hosts, in lower case, that may have a private address."""
    own_host: str = ""
    """The host that the operator configured; a proxy may get its name, and only the addresses of others."""
    proxy: str = ""
    """`http://`, `https://`, `socks4://`, `socks4a://`, `socks5://` or `socks5h://`; "" means none."""
    ca_file: str = ""
    """A file of certificate authorities (PEM) that are trusted in addition to the usual ones."""

    def is_private(self, name: str) -> bool:
        """Return whether the host *name* may have a private address."""
        return name in self.private_hosts


PUBLIC = Access()
"""For addresses that others name: no private address, no proxy, no other CA."""


def listed_hosts(limits: Limits) -> frozenset[str]:
    """Return the hosts of `allow_private` in the form for comparisons; computed once for many sources."""
    return frozenset(name.lower() for name in limits.allow_private)


def of_source(source: Source, listed: frozenset[str]) -> Access:
    """Return the access of a source: its own host if that is allowed, and redirects among such hosts.

    listed: `listed_hosts` of the configuration
    """
    return _of_own_host(source.url, listed, source.allow_private, source.proxy, source.ca_file)


def of_operator(url: str, config: Config) -> Access:
    """Return the access for an address that the operator has just given, like `of_source` for a source there."""
    return _of_own_host(url, listed_hosts(config.limits), False, *_for_all(config))


def _of_own_host(url: str, listed: frozenset[str], allowed: bool, proxy: str, ca_file: str) -> Access:
    own = host(url)
    if own in listed:
        return Access(listed, own, proxy, ca_file)
    return Access(listed | {own} if allowed else frozenset(), own, proxy, ca_file)


def of_feed_content(source: Source) -> Access:
    """Return the access for addresses that a feed names, its hub and pictures: the source's proxy, no private host."""
    return Access(proxy=source.proxy, ca_file=source.ca_file)


def of_picture(url: str, source: Source, limits: Limits) -> frozenset[str]:
    """Return the private hosts that a picture may come from: its feed's own server, if the source may reach it."""
    if origin(url) != origin(source.url):
        return frozenset()
    return of_source(source, listed_hosts(limits)).private_hosts & {host(url)}


def of_analysis(config: Config) -> Access:
    """Return the access of requests to the analysis endpoint."""
    own = host(config.analysis.endpoint)
    allowed = config.analysis.allow_private or own in listed_hosts(config.limits)
    return Access(frozenset({own}) if allowed else frozenset(), own, *_for_all(config))


def of_article(url: str, source: Source, listed: frozenset[str]) -> Access:
    """Return the access for an article that a feed links to.

    A private host only if it is the feed's own server and the source may reach it.
    """
    if origin(url) != origin(source.url):
        return of_feed_content(source)
    return of_source(source, listed)


def of_alert(url: str, config: Config) -> Access:
    """Return the access of a webhook of `alerts`: its own host, even a private one if that is allowed."""
    own = host(url)
    allowed = config.alerts.allow_private or own in listed_hosts(config.limits)
    return Access(frozenset({own}) if allowed else frozenset(), own, *_for_all(config))


def of_callback(url: str, config: Config) -> Access:
    """Return the access of a delivery to the WebSub callback *url*: a private address if the operator named it."""
    named = any(_is_below(url, allowed) for allowed in config.limits.allow_private_callbacks)
    return Access(frozenset({host(url)}) if named else frozenset(), "", *_for_all(config))


def of_others(config: Config) -> Access:
    """Return the access for an address that others named: the site's proxy, no private host."""
    return Access(frozenset(), "", *_for_all(config))


def _for_all(config: Config) -> tuple[str, str]:
    return config.defaults.proxy, config.defaults.ca_file


def _is_below(url: str, allowed: str) -> bool:
    """Return whether *url* without its query is *allowed*, or begins with it if that ends in a slash."""
    target, base = urlsplit(safe_link(url)), urlsplit(safe_link(allowed))
    if (target.scheme, target.netloc) != (base.scheme, base.netloc) or not base.netloc:
        return False
    if any(segment in ("..", "%2e%2e", ".%2e", "%2e.") for segment in target.path.lower().split("/")):
        return False
    return target.path == base.path or (base.path.endswith("/") and target.path.startswith(base.path))


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of *url*, with the default port."""
    parts = urlsplit(url)
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        port = None
    return parts.scheme, host(url), port
