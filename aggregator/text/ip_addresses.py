"""Tell public addresses and host names from private ones.

Pure. `fetch` checks every address with it before it connects.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_IPV4_COMPATIBLE = IPv6Network("::/96")
_PRIVATE_SUFFIXES = (
    ".local",
    ".localhost",
    ".internal",
    ".lan",
    ".home",
    ".home.arpa",
    ".intranet",
    ".corp",
    ".private",
    ".onion",
)


def is_public(address: str) -> bool:
    """Return whether *address* is a public IP address; False for anything else.

    Neither `is_private` nor `is_global` of Python 3.11 alone is the rule: the first misses 100.64/10,
    the second lets multicast, site-local and addresses embedded in IPv6 through. So: global, and not
    multicast, reserved or site-local; and an embedded IPv4 address (mapped, 6to4, Teredo, NAT64) passes too.
    """
    try:
        parsed = ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return _plainly_public(parsed)
    if parsed in _IPV4_COMPATIBLE or parsed in _NAT64_LOCAL or parsed.is_site_local:
        return False
    embedded = [inner for inner in (parsed.ipv4_mapped, parsed.sixtofour, *(parsed.teredo or ())) if inner]
    if parsed in _NAT64:
        embedded.append(IPv4Address(int(parsed) & 0xFFFFFFFF))
    if embedded:
        return all(map(_plainly_public, embedded))
    return _plainly_public(parsed)


def is_public_host(name: str) -> bool:
    """Return whether *name* can be a public host: a name with a dot, or a public address."""
    bare = name.strip("[]").lower()
    if not bare or ":" in bare or bare.replace(".", "").isdigit():
        return is_public(bare)
    return "." in bare and not bare.endswith(_PRIVATE_SUFFIXES)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach *host*."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _plainly_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved
