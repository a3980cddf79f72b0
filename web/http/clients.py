"""Determine the client of a request: the peer of the connection, or the client that trusted proxies name.

Pure. Only `X-Forwarded-For` and `X-Forwarded-Proto` count, and only as many entries, from the end, as there are trusted
proxies: the client wrote everything before.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

PEER = "groundswell.peer"
"""Key of a request's environment: the address at the other end of the connection, whatever headers say."""


def host_of_peer(peer: str) -> str:
    """Return the address of a peer given as `192.0.2.1:5000` or `[::1]:5000`, without its port."""
    host = peer.rpartition(":")[0].strip("[]")
    return host.removeprefix("::ffff:") if host.startswith("::ffff:") and "." in host else host


def forwarded(values: Iterable[str], proxies: int) -> str:
    """Return the entry that the outermost of *proxies* trusted proxies (1 or more) added to a header, "" without it.

    values: the values of the header, in order
    """
    entries = [entry.strip() for value in values for entry in value.split(",")]
    return entries[-proxies] if len(entries) >= proxies else ""


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Return whether an IP address is in one of *networks* (`192.0.2.1/32`); False for anything else."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(mapped in ipaddress.ip_network(network) for network in networks)


def network(address: str) -> str:
    """Return the network that counts as one client: an IPv4 address, or the /64 of an IPv6 one."""
    if ":" not in address:
        return address[:100]
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address[:100]
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
