"""What of the operator's configuration anybody may see.

Pure. A feed's address is theirs to publish unless it leads into a private network, or carries what lets them in.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import parse_qsl, urlsplit

from aggregator.model import Limits, Source
from aggregator.text.ip_addresses import is_public
from aggregator.text.urls import host, safe_link, shown

TOKEN_VARIABLE = "GROUNDSWELL_ADMIN_TOKEN"
"""Where the operator's token is, in the environment."""

_SECRETS = re.compile(r"token|secret|passw|pwd|auth(?!or)|session|signature|apikey|(^|[_.-])(key|sig)$", re.I)
_INSIDE = (
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


def is_public_host(name: str) -> bool:
    """Return whether *name* can be a host of the open internet: a name with a dot, or a public address."""
    bare = name.strip("[]").lower()
    if not bare or ":" in bare or bare.replace(".", "").isdigit():
        return is_public(bare)
    return "." in bare and not bare.endswith(_INSIDE)


def feed_address(source: Source, limits: Limits) -> str:
    """Return the address of a source's feed as anybody may see it, "" where it is not for everybody.

    Not for everybody: hosts that are private or that `allow_private` names, feeds asked with headers of their own,
    and addresses with something like a key in their query. A user name and password are left out.
    """
    address = safe_link(shown(source.url))
    name = host(address)
    if not address or source.headers or not is_public_host(name):
        return ""
    if name in {allowed.lower() for allowed in limits.allow_private}:
        return ""
    secret = any(_SECRETS.search(key) for key, _ in parse_qsl(urlsplit(address).query, keep_blank_values=True))
    return "" if secret else address


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach *host*."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
