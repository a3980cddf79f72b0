"""Find where a page sends its reader on: a `Refresh` header, or `<meta http-equiv="refresh">`.

Observed: hosts of static files cannot redirect, so a feed that moved is a page with such an element (GitHub Pages with
jekyll-redirect-from), and some sites set a cookie with one. Browsers follow both. Rule: at once or within five seconds;
a page that loads itself again every ten minutes is no redirect. Known to be missed: redirects by script.
"""

from __future__ import annotations

import html
import re
from urllib.parse import urljoin

_MAX_DELAY_S = 5
_SEARCHED = 20_000
# Pages are hostile input: each expression takes time in proportion to its text.
_PAGE = re.compile(r"(?:\s|\ufeff|<\?xml[^>]{0,200}>)*<(?:!doctype\s+html|html|head|title|meta)\b", re.IGNORECASE)
_NOT_READ = re.compile(r"<!--.*?(?:-->|\Z)|<(noscript|script|style)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_META = re.compile(r"<meta\b([^<>]{0,3000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(?<![a-zA-Z-])([a-zA-Z-]{1,40})\s{0,20}=\s{0,20}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_CONTENT = re.compile(r"\s*(\d{1,9})(?:\.\d*)?\s*[;,]\s*(?:url\s*=\s*)?(.{1,2000})", re.IGNORECASE | re.DOTALL)


def refresh_target(header: str, body: bytes, url: str) -> str:
    """Return the address that the response of *url* sends on to; "" if it does not.

    header: its Refresh header
    """
    if target := _target(header, url):
        return target
    page = _NOT_READ.sub("", body[:_SEARCHED].decode("utf-8", "replace"))
    if not _PAGE.match(page):
        return ""
    for meta in _META.finditer(page):
        attributes = {
            name.lower(): html.unescape(double or single or bare)
            for name, double, single, bare in _ATTRIBUTE.findall(meta[1])
        }
        if attributes.get("http-equiv", "").strip().lower() == "refresh":
            return _target(attributes.get("content", ""), url)
    return ""


def _target(content: str, url: str) -> str:
    match = _CONTENT.fullmatch(content)
    if match is None or int(match[1]) > _MAX_DELAY_S:
        return ""
    try:
        target: str = urljoin(url, match[2].strip().strip("\"'").strip())
    except ValueError:
        return ""
    return target
