"""Recognise a bot check: a page that requires a browser in place of the feed.

Observed: a source's row said "403 Forbidden" or "this is a web page", and the operator did not know that the feed is
there and which service blocks it. Rule: a header that only such a service sets, else a marker that only its challenge
page has. A plain 403 is not a bot check, and neither is a page that merely passes through such a service. Known to be
missed: blocks without a page, and services that are not in the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MAX_PAGE_BYTES = 200_000
"""Bytes of a page that are searched; challenges are small."""

_HEADERS: tuple[tuple[str, str, str], ...] = (
    # header, what its value contains, who sets it
    ("cf-mitigated", "challenge", "Cloudflare"),
    ("x-vercel-mitigated", "challenge", "Vercel"),
    ("x-amzn-waf-action", "c", "AWS WAF"),  # challenge or captcha
    ("sg-captcha", "challenge", "SiteGround"),
    ("x-datadome", "protected", "DataDome"),
)
_MARKERS: tuple[tuple[bytes, str], ...] = (
    (rb"/cdn-cgi/challenge-platform/h/|\bcf[-_]chl[-_]|_cf_chl_opt|cf-browser-verification|cf-turnstile", "Cloudflare"),
    (rb"<title>\s*(?:just a moment\.\.\.|attention required! \| cloudflare)\s*</title>", "Cloudflare"),
    (rb"captcha-delivery\.com|\bdatadome\b.{0,200}captcha", "DataDome"),
    (rb"_incapsula_resource|incapsula incident id", "Imperva"),
    (rb"\bpx-captcha\b|captcha\.px-cdn\.net|perimeterx\.net", "HUMAN"),
    (rb"sucuri_cloudproxy_js|access denied - sucuri website firewall", "Sucuri"),
    (rb"awswaf\.com/|\bgokuprops\b", "AWS WAF"),
    (rb"/\.well-known/ddos-guard/|<title>\s*ddos-guard\s*</title>", "DDoS-Guard"),
    (rb"/\.within\.website/x/(?:cmd/)?anubis|anubis_challenge|making sure you(?:'|&#39;|&#x27;)re not a bot", "Anubis"),
    (rb"<title>\s*vercel security checkpoint", "Vercel"),
    (rb"/\.well-known/sgcaptcha/|<title>\s*robot challenge screen", "SiteGround"),
    (rb"errors\.edgesuite\.net|akamai.{0,40}bot manager", "Akamai"),
    (rb"_kpsdk|kasada", "Kasada"),
    (rb"\bbot_check\b|bunkerweb.{0,100}antibot", "BunkerWeb"),
)
_GENERIC = re.compile(
    rb"<title>(?:[^<]{0,60}(?:are you (?:a )?(?:human|robot)|not a robot|human verification|checking your browser"
    rb"|verify(?:ing)? (?:that )?you(?:'re| are) (?:a )?human)[^<]{0,60}"
    rb"|\s*(?:bot|browser|security|captcha) ?(?:check|challenge|verification)?\s*)</title>",
    re.IGNORECASE,
)
_COMPILED = tuple((re.compile(marker, re.IGNORECASE | re.DOTALL), service) for marker, service in _MARKERS)
_HTML = re.compile(
    rb"\s*(?:\xef\xbb\xbf)?\s*(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|title|script)\b", re.I | re.S
)


def bot_check(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """Return the service of a bot check, such as "Cloudflare"; "a bot check" for an unknown one, "" for none.

    body: the beginning of the response, decompressed
    """
    for name, value, service in _HEADERS:
        if value in headers.get(name, "").lower():
            return service
    page = body[:MAX_PAGE_BYTES]
    if not _HTML.match(page):
        return ""
    for marker, service in _COMPILED:
        if marker.search(page):
            return service
    return "a bot check" if _GENERIC.search(page[:5_000]) else ""


def bot_check_message(service: str, status: int) -> str:
    """Return the message about a bot check for the source's row, with what the operator can do."""
    who = "a bot check" if service == "a bot check" else f"a bot check ({service})"
    return (
        f"{who} answers instead of the feed ({status}): it wants a browser. Ask the site to let feed readers through, "
        "look for another address of the feed, or set user_agent"
    )
