"""Parse addresses, hosts, networks, proxies and header names, and compare feed addresses."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from aggregator.config.values.basic import Kind, listed, nearest, printable, quoted
from aggregator.model.config import SITE_PAGES
from aggregator.text.urls import registrable_domain

URL_CHARS = 2_000


def _split(raw: str) -> SplitResult:
    """Return the parts of a valid http(s) address, else ValueError."""
    if len(raw) > URL_CHARS:
        raise ValueError(f"has {len(raw)} characters; an address has at most {URL_CHARS:,}")
    if re.search(r"\s", raw) or printable(raw) != raw:
        raise ValueError("contains white space; write %20 instead")
    try:
        parts = urlsplit(raw)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"is not an address: {error}") from None
    if parts.scheme not in ("http", "https"):
        spelled_out = f"scheme {parts.scheme!r} is neither http nor https" if parts.scheme else "no http:// or https://"
        raise ValueError(f"is not a web address: {spelled_out}{nearest(parts.scheme, ('http', 'https'))}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("contains a user name or password; send them with 'headers:' and ${VARIABLE}")
    if not parts.hostname:
        raise ValueError("is not a web address: no host behind //")
    _host(parts.hostname)
    return parts


# Letters of any script, since a host may be written as it is read (münchen.example); of ASCII only letters,
# digits, '-' and '_'.
_LABEL = re.compile(r"[^\s\x00-,./:-@\[-^`{-\x7f]{1,63}")


def _host(raw: str) -> str:
    """Return the host *raw* in lower case; a name, or an IP address without brackets."""
    if "://" in raw:
        raise ValueError("is a URL; write only its host")
    host = raw.lower().removeprefix("[").removesuffix("]")
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise ValueError("is not a host: write example.com, 192.0.2.1 or 2001:db8::1, no port") from None
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"has no usable host: {quoted(raw)}")
    return host


def _web_address(raw: str) -> str:
    _split(raw)
    return raw


def _site_address(raw: str) -> str:
    parts = _split(raw)
    if (first := re.split("[/.]", parts.path.strip("/"))[0]) in SITE_PAGES:
        raise ValueError(f"has the path /{first}, which is a page of the site itself; choose another, such as /news")
    if parts.query or parts.fragment:
        raise ValueError("contains '?' or '#'; paths of pages are appended to the address of the site")
    return raw.rstrip("/")


def _hub(raw: str) -> str:
    if raw.lower() in ("own", "off"):
        return raw.lower()
    if "://" not in raw:
        raise ValueError(f"is not own, off or an address{nearest(raw.lower(), ('own', 'off'))}")
    _split(raw)
    return raw


HUB = Kind("own, off or an address", _hub)
WEB_ADDRESS = Kind("address", _web_address)
SITE_ADDRESS = Kind("address", _site_address)
HOST = Kind("host", _host)


def _network(raw: str) -> str:
    try:
        return str(ipaddress.ip_network(raw.strip(), strict=False))
    except ValueError:
        raise ValueError("is not an IP address or network; write 192.0.2.1 or 172.16.0.0/12") from None


_FIELD_NAME = re.compile(r"[A-Za-z0-9-]{1,100}")


def _field_name(raw: str) -> str:
    if not _FIELD_NAME.fullmatch(raw):
        raise ValueError("is not the name of a header: letters, digits and hyphens, as in Remote-User")
    return raw.lower()


NETWORK = Kind("network", _network)
FIELD_NAME = Kind("name of a header", _field_name)


_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


def _proxy(raw: str) -> str:
    if raw.lower() in ("none", "off"):
        return ""
    if len(raw) > URL_CHARS or re.search(r"\s", raw) or printable(raw) != raw:
        raise ValueError("is not the address of a proxy")
    try:
        parts = urlsplit(raw)
        port, name = parts.port, parts.hostname
    except ValueError as error:
        raise ValueError(f"is not the address of a proxy: {error}") from None
    if parts.scheme not in _PROXY_SCHEMES:
        raise ValueError(f"is not none or the address of a proxy; it begins with {listed(_PROXY_SCHEMES)} and ://")
    if not name or not port or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("is not the address of a proxy such as socks5://127.0.0.1:1080: scheme, host and port")
    _host(name)
    return raw.rstrip("/")


def _ca_file(raw: str) -> str:
    if raw.lower() in ("none", "off"):
        return ""
    if not raw.startswith("/") or len(raw) > 1_000 or printable(raw) != raw:
        raise ValueError("is not none or the absolute path of a file of certificates, such as /etc/ssl/home-ca.pem")
    return raw


PROXY = Kind("none or the address of a proxy", _proxy)
CA_FILE = Kind("none or an absolute path", _ca_file)


def feed_key(url: str) -> str:
    """Return the key of a feed address, equal for equivalent addresses.

    http and https, the default port, the case of the host, a slash at the end and a #fragment do not matter. `www.` and
    the query do.
    """
    parts = urlsplit(url)
    port = parts.port if parts.port not in (None, 80, 443) else ""
    return f"{(parts.hostname or '').rstrip('.')}:{port}{parts.path.rstrip('/')}?{parts.query}"


def owner_of(url: str) -> str:
    """Return the registrable domain of *url*, the default owner of a feed.

    `https://feeds.bbci.co.uk/news/rss.xml` is `bbci.co.uk`. An IP address, and a name
    that has no registrable part (`localhost`), are their own owners.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return registrable_domain(host)
