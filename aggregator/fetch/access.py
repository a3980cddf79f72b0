"""What a request may do beyond asking public servers directly: reach private addresses, take a proxy, trust a CA.

Such permission belongs to a subject that the operator named: a source, the analysis endpoint, a callback. A redirect,
a hub or a picture that a feed names, and a callback that a visitor names have none. So every request is given an
`Access`, and the default allows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from aggregator.model import Config, Limits, Source
from aggregator.text.urls import host, safe_link


@dataclass(frozen=True, slots=True)
class Access:
    """What one subject may do. The default: public addresses, no proxy, the usual certificate authorities."""

    private_hosts: frozenset[str] = frozenset()
    """Hosts, in lower case, that may have a private address."""
    own_host: str = ""
    """The host that the operator wrote down himself; a proxy may be given its name, of others their address only."""
    proxy: str = ""
    """`http://`, `https://`, `socks4://`, `socks4a://`, `socks5://` or `socks5h://`; "" asks directly."""
    ca_file: str = ""
    """A file of certificate authorities (PEM) that are trusted beside the usual ones."""

    def is_private(self, name: str) -> bool:
        """Return whether the host *name* may have a private address."""
        return name in self.private_hosts


PUBLIC = Access()
"""For what others name: no private address, no proxy, no CA of one's own."""


def listed_hosts(limits: Limits) -> frozenset[str]:
    """Return the hosts that `allow_private` lists, as they are compared; worked out once for many sources."""
    return frozenset(name.lower() for name in limits.allow_private)


def of_source(source: Source, listed: frozenset[str]) -> Access:
    """Return what a source may do: reach its own host, where that is allowed, and be redirected among such hosts.

    listed: `listed_hosts` of the configuration
    """
    return _of_own_host(source.url, listed, source.allow_private, source.proxy, source.ca_file)


def of_operator(url: str, config: Config) -> Access:
    """Return what may be done for an address that the operator has just given, as `of_source` of a source there."""
    return _of_own_host(url, listed_hosts(config.limits), False, *_for_all(config))


def _of_own_host(url: str, listed: frozenset[str], allowed: bool, proxy: str, ca_file: str) -> Access:
    own = host(url)
    if own in listed:
        return Access(listed, own, proxy, ca_file)
    return Access(listed | {own} if allowed else frozenset(), own, proxy, ca_file)


def of_feed_content(source: Source) -> Access:
    """Return what may be done for what a feed names, its hub and pictures: the source's proxy, no private host."""
    return Access(proxy=source.proxy, ca_file=source.ca_file)


def of_picture(url: str, source: Source, limits: Limits) -> frozenset[str]:
    """Return the private hosts that a picture may come from: its feed's own server, where the source may reach that."""
    if origin(url) != origin(source.url):
        return frozenset()
    return of_source(source, listed_hosts(limits)).private_hosts & {host(url)}


def of_analysis(config: Config) -> Access:
    """Return what the request to the analysis endpoint may do."""
    own = host(config.analysis.endpoint)
    allowed = config.analysis.allow_private or own in listed_hosts(config.limits)
    return Access(frozenset({own}) if allowed else frozenset(), own, *_for_all(config))


def of_article(url: str, source: Source, listed: frozenset[str]) -> Access:
    """Return what may be done for an article that a feed links to.

    A private host only where it is the feed's own server and the source may reach that.
    """
    if origin(url) != origin(source.url):
        return of_feed_content(source)
    return of_source(source, listed)


def of_alert(url: str, config: Config) -> Access:
    """Return what a webhook of `alerts` may do: reach its own host, also a private one where that is allowed."""
    own = host(url)
    allowed = config.alerts.allow_private or own in listed_hosts(config.limits)
    return Access(frozenset({own}) if allowed else frozenset(), own, *_for_all(config))


def of_callback(url: str, config: Config) -> Access:
    """Return what a delivery to the WebSub callback *url* may do: reach a private address if the operator named it."""
    named = any(_is_below(url, allowed) for allowed in config.limits.allow_private_callbacks)
    return Access(frozenset({host(url)}) if named else frozenset(), "", *_for_all(config))


def of_others(config: Config) -> Access:
    """Return what may be done for an address that somebody else named: the site's own proxy, no private host."""
    return Access(frozenset(), "", *_for_all(config))


def _for_all(config: Config) -> tuple[str, str]:
    return config.defaults.proxy, config.defaults.ca_file


def _is_below(url: str, allowed: str) -> bool:
    """Return whether *url* is *allowed*, whatever its query; or begins with it where that ends in a slash."""
    one, other = urlsplit(safe_link(url)), urlsplit(safe_link(allowed))
    if (one.scheme, one.netloc) != (other.scheme, other.netloc) or not other.netloc:
        return False
    if any(segment in ("..", "%2e%2e", ".%2e", "%2e.") for segment in one.path.lower().split("/")):
        return False
    return one.path == other.path or (other.path.endswith("/") and one.path.startswith(other.path))


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of *url*, the default port filled in."""
    parts = urlsplit(url)
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        port = None
    return parts.scheme, host(url), port
