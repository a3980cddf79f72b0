"""Unwrap links through a tracker, a redirector or a cache of another site.

Knows the wrappers that contain the address. Others, which would need a request (feedproxy, bit.ly, new Google News
links), are not changed. No maintained library leaves meaningful links alone: the lists of `courlan` and `detrack` drop
`pid`, `source`, `keyword` and `session`, which identify pages on many sites.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import parse_qs, unquote, urlsplit

_MAX_DEPTH = 3

# Host and path, or a host alone for any path, to the parameters that contain the address, in their order.
_PARAMETERS: dict[str, tuple[str, ...]] = {
    "google/url": ("url", "q"),
    "news.google.com/news/url": ("url",),
    "l.facebook.com/l.php": ("u",),
    "lm.facebook.com/l.php": ("u",),
    "www.facebook.com/l.php": ("u",),
    "www.facebook.com/flx/warn/": ("u",),
    "l.instagram.com/": ("u",),
    "l.messenger.com/l.php": ("u",),
    "l.threads.net/": ("u",),
    "out.reddit.com": ("url",),
    "www.youtube.com/redirect": ("q",),
    "t.umblr.com/redirect": ("z",),
    "vk.com/away.php": ("to",),
    "away.vk.com/away.php": ("to",),
    "www.linkedin.com/redir/redirect": ("url",),
    "www.linkedin.com/safety/go": ("url",),
    "slack-redir.net/link": ("url",),
    "steamcommunity.com/linkfilter/": ("u", "url"),
    "medium.com/r/": ("url",),
    "getpocket.com/redirect": ("url",),
    "disq.us/url": ("url",),
    "disq.us/": ("url",),
    "exit.sc/": ("url",),
    "gate.sc/": ("url",),
    "duckduckgo.com/l/": ("uddg",),
    "www.bing.com/news/apiclick.aspx": ("url",),
    "go.redirectingat.com/": ("url",),
    "go.skimresources.com/": ("url",),
    "click.linksynergy.com/deeplink": ("murl",),
    "click.linksynergy.com/fs-bin/click": ("murl",),
    "www.awin1.com/cread.php": ("ued", "p"),
    "www.anrdoezrs.net/click": ("url",),
    "www.dpbolvw.net/click": ("url",),
    "shareasale.com/r.cfm": ("urllink",),
    "rover.ebay.com": ("mpre",),
    "www.pinterest.com/offsite/": ("url",),
    "weibo.cn/sinaurl": ("u", "toasturl"),
    "link.zhihu.com/": ("target",),
    "www.douban.com/link2/": ("url",),
}
_GOOGLE = re.compile(r"(?:www\.)?google\.(?:com?\.)?[a-z]{2,3}")
_SAFELINKS = ".safelinks.protection.outlook.com"
# A path that begins with another site's address: Google's AMP viewer and cache.
_AMP = re.compile(r"/(?:amp/|[cvi]/)(s/)?([a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/.*)?)")
_PROOFPOINT_3 = re.compile(r"/v3/__(https?:/.+?)__;")
_YAHOO = re.compile(r"/RU=([^/]+)/")
_OLD_GOOGLE_NEWS = re.compile(rb"https?://[\x21-\x7e]+")
_HOSTS = frozenset(key.partition("/")[0] for key in _PARAMETERS)
_OTHER_HOSTS = frozenset(
    ("urldefense.proofpoint.com", "urldefense.com", "r.search.yahoo.com", "href.li", "www.bing.com", "news.google.com")
)
FEED_PROXIES = ("feedproxy.google.com", "feeds.feedburner.com", "feeds2.feedburner.com", "rss.feedsportal.com")
"""Hosts of links that only a request could unwrap: any other link of an entry is better."""


def unwrapped(url: str) -> str:
    """Return the http(s) address that *url* wraps, or *url*; wrappers within wrappers are unwrapped too."""
    for _ in range(_MAX_DEPTH):
        inner = _inner(url)
        if not inner.startswith(("http://", "https://")) or inner == url:
            return url
        url = inner
    return url


def is_feed_proxy(url: str) -> bool:
    """Return whether *url* is a link of a proxy of feeds, which hides where it leads."""
    return _host_of(url) in FEED_PROXIES


def _host_of(url: str) -> str:
    """Return the host of an ordinary http(s) address without parsing all of it."""
    return url.partition("://")[2].partition("/")[0].partition("?")[0].lower()


def _inner(url: str) -> str:
    host = _host_of(url)
    if (
        host not in _HOSTS
        and host not in _OTHER_HOSTS
        and "google." not in host
        and not host.endswith((_SAFELINKS, ".cdn.ampproject.org", ".urldefense.com"))
    ):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if host == "urldefense.com" and (
        match := _PROOFPOINT_3.match(parts.path + ("?" + parts.query) * bool(parts.query))
    ):
        return re.sub(r"^(https?):/(?!/)", r"\1://", match[1])
    if host == "r.search.yahoo.com" and (match := _YAHOO.search(parts.path)):
        return unquote(match[1])
    if host == "href.li":
        return parts.query
    if (host.endswith(".cdn.ampproject.org") or _GOOGLE.fullmatch(host)) and (match := _AMP.fullmatch(parts.path)):
        return f"http{'s' if match[1] else ''}://{match[2]}" + ("?" + parts.query) * bool(parts.query)
    if host == "news.google.com" and parts.path.startswith(("/rss/articles/", "/articles/", "/__i/rss/rd/articles/")):
        return _google_news(parts.path.rpartition("/")[2])
    query = parse_qs(parts.query)
    if host == "urldefense.proofpoint.com" and "u" in query:
        value = query["u"][0]
        return unquote(value.replace("-", "%").replace("_", "/")) if parts.path.startswith("/v2/") else value
    if host == "www.bing.com" and parts.path.startswith("/ck/a"):
        return _base64(query.get("u", [""])[0].removeprefix("a1")).decode("utf-8", "replace")
    if host.endswith(_SAFELINKS):
        names: tuple[str, ...] = ("url",)
    else:
        site = "google" if _GOOGLE.fullmatch(host) else host
        names = _PARAMETERS.get(f"{site}{parts.path or '/'}") or _PARAMETERS.get(site, ())
    return next((query[name][0] for name in names if query.get(name)), "")


def _google_news(token: str) -> str:
    """Return the address in an old token of Google News (before July 2024); newer ones contain none."""
    match = _OLD_GOOGLE_NEWS.search(_base64(token))
    if not match:
        return ""
    return match[0].decode("ascii")


def _base64(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
