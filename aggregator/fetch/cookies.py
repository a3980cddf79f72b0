"""Keep cookies while one fetch follows its redirects.

Some sites set a cookie and redirect to the same address until it is sent back. A cookie is only sent to the host that
set it, whatever its Domain attribute, and only during the fetch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

MAX_COOKIES = 30
"""Cookies of one host; more are ignored."""
MAX_COOKIE_CHARS = 4_096
_USABLE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x7e\x20\"]*")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z:/?@\[\]{}-]+")


class Cookies:
    """The cookies of one fetch."""

    def __init__(self) -> None:
        # host -> (name, path) -> (value, whether it needs https)
        self._by_host: dict[str, dict[tuple[str, str], tuple[str, bool]]] = {}

    def keep(self, set_cookie: Iterable[str], url: str) -> None:
        """Store the `Set-Cookie` headers of a response from *url*."""
        parts = urlsplit(url)
        for line in set_cookie:
            pair, *attributes = line.split(";")
            name, equals, value = pair.partition("=")
            name, value = name.strip(), value.strip()
            if not equals or not _NAME.fullmatch(name) or not _USABLE.fullmatch(value) or len(pair) > MAX_COOKIE_CHARS:
                continue
            path, secure, expired = _default_path(parts.path), False, False
            for attribute in attributes:
                key, _, content = attribute.strip().partition("=")
                content = content.strip()
                match key.strip().lower():
                    case "path" if content.startswith("/"):
                        path = content
                    case "secure":
                        secure = True
                    case "max-age":
                        expired = content.startswith("-") or content == "0"
                    case _:
                        pass
            cookies = self._by_host.setdefault(parts.hostname or "", {})
            if expired:
                cookies.pop((name, path), None)
            elif len(cookies) < MAX_COOKIES or (name, path) in cookies:
                cookies[name, path] = (value, secure)

    def header(self, url: str) -> str:
        """Return the value of the `Cookie` header for a request to *url*, "" without one."""
        parts = urlsplit(url)
        cookies = self._by_host.get(parts.hostname or "") if self._by_host else None
        if not cookies:
            return ""
        sent = [
            (path, f"{name}={value}")
            for (name, path), (value, secure) in cookies.items()
            if _is_below(parts.path or "/", path) and (not secure or parts.scheme == "https")
        ]
        # Longer paths first (RFC 6265, section 5.4).
        return "; ".join(pair for _, pair in sorted(sent, key=lambda entry: -len(entry[0])))


def _default_path(path: str) -> str:
    folder = path.rpartition("/")[0]
    return folder if folder.startswith("/") else "/"


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or (path.startswith(prefix) and (prefix.endswith("/") or path[len(prefix)] == "/"))
