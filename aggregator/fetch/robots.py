"""Evaluate robots.txt (RFC 9309).

Pure. The group that names our product counts, else the group for all. The longest matching rule decides, and `allow` in
a tie. `*` matches anything, `$` the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

PRODUCT = "groundswell"
MAX_CHARS = 512_000
"""RFC 9309 requires 500 KiB at least."""
_MAX_RULES = 5_000
_MAX_PATTERN = 1_000


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of one host that apply to us."""

    rules: tuple[tuple[str, bool], ...] = ()
    """Pattern and whether it allows, the longest first."""

    def allows(self, url: str) -> bool:
        """Return whether *url*, on that host, may be fetched."""
        parts = urlsplit(url)
        path = _normalized(parts.path or "/") + (f"?{_normalized(parts.query)}" if parts.query else "")
        return next((allowed for pattern, allowed in self.rules if _matches(pattern, path)), True)


ALLOW_ALL = Robots()
DENY_ALL = Robots((("/", False),))


def read_robots(text: str, product: str = PRODUCT) -> Robots:
    """Return the rules of the robots.txt *text* for *product*."""
    groups: dict[str, list[tuple[str, bool]]] = {}
    agents: list[str] = []
    in_rules = False
    for line in text[:MAX_CHARS].splitlines()[: 2 * _MAX_RULES]:
        name, colon, value = line.partition("#")[0].partition(":")
        key, value = name.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            if in_rules:
                agents, in_rules = [], False
            agents.append(re.match(r"[A-Za-z_-]*|", value)[0].lower() if value != "*" else "*")  # type: ignore[index]
            groups.setdefault(agents[-1], [])
        elif key in ("allow", "disallow"):
            in_rules = True
            if value:
                for agent in agents:
                    groups[agent].append((_normalized(value[:_MAX_PATTERN]), key == "allow"))
    rules = groups.get(product.lower(), groups.get("*", []))
    return Robots(tuple(sorted(rules, key=lambda rule: (-len(rule[0]), not rule[1]))))


def _normalized(path: str) -> str:
    """Return *path* with everything beyond ASCII escaped, so that two spellings compare equal."""
    return quote(path, safe="/%*$?=&;:@!~'()+,-._[]#")


def _matches(pattern: str, path: str) -> bool:
    """Return whether *pattern* matches the beginning of *path*, in time linear in both for each `*`."""
    anchored = pattern.endswith("$")
    pieces = pattern.removesuffix("$").split("*")
    if not path.startswith(pieces[0]):
        return False
    position = len(pieces[0])
    for piece in pieces[1:]:
        offset = path.find(piece, position)
        if offset < 0:
            return False
        position = offset + len(piece)
    if not anchored:
        return True
    return position == len(path) or (len(pieces) > 1 and path.endswith(pieces[-1]))
