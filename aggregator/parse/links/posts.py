"""Recognise link posts: items of Hacker News, Lobsters, Reddit, Lemmy or Tildes about a page of another site.

Observed: hnrss ("Article URL: ... Comments URL: ... Points: 12 # Comments: 3"), Hacker News and Lobsters (the whole
description is a link "Comments"), Reddit ("submitted by /u/name [link] [comments]" behind the text of a post, or
alone), Lemmy ("submitted by name to community 12 points | 3 comments"), JSON Feed (`external_url`).
Rule: such lines are no summary. What they link to is what the post points to, and the page with the comments is its
discussion; where both are one page, the post is a report of its own.
Observed besides: Techmeme and link logs, where the headline is a link to another site in the text, and accounts that
post headline and address of each article on Mastodon, Bluesky or Telegram.
Rule: such an entry points to that link, if its own link leads to another site.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.text.markup import plain
from aggregator.text.tokens import words
from aggregator.text.urls import for_readers, safe_link

_MAX_CHARS = 30_000
_ANCHOR = re.compile(
    r"""<a\s[^>]{0,400}?href\s*=\s*["']([^"']{1,2000})["'][^>]{0,400}>(.{0,300}?)</a""", re.DOTALL | re.IGNORECASE
)
_TAG = re.compile(r"<[^>]{0,400}>")
_BOILERPLATE = re.compile(
    r"\b(?:article|link|comments) url:\s*\S+"
    r"|\bsubmitted by\s*/?u?/?\S+(?:\s+to\s+\S+)?"
    r"|#?\s?\b(?:points|votes|comments|score):\s*\d+"
    r"|\b\d+\s+(?:points?|comments?|votes?)\b"
    r"|\[(?:link|(?:\d+ )?comments?)\]",
    re.IGNORECASE,
)
# "3 comments" alone may be below a report.
_STRONG = re.compile(r"\b(?:article|link|comments) url:|\bsubmitted by|\[link\]|\[(?:\d+ )?comments?\]", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://\S+")
_MIN_OWN_LETTERS = 20
_LABELS = {
    "link": re.compile(r"\[link\]", re.IGNORECASE),
    "comments": re.compile(r"\[?(?:\d+ )?comments?\]?", re.IGNORECASE),
}
# hnrss and Tildes name an address before the link, whose text is the address again.
_BEFORE = {"link": ("article url", "link url"), "comments": ("comments url",)}
_MARKERS = ("omments</a>", "omments URL", "[comments]", "[link]", "ubmitted by")
# Where a site keeps pictures and videos of its own posts.
_FAMILIES = {"i.redd.it": "reddit", "v.redd.it": "reddit", "preview.redd.it": "reddit", "redd.it": "reddit"}


@dataclass(frozen=True, slots=True)
class LinkPost:
    """What an entry points to, where it is discussed, and what it says itself."""

    points_to: str
    discussion: str
    text: str | None
    """Its plain text without such lines; None: all of it may be used as it is."""


NO_LINK_POST = LinkPost("", "", None)

_HEADLINED_CHARS = 4_000
"""Of a text are searched for a link with its headline, and of a title that is longer than any headline."""
_MIN_HEADLINE_WORDS = 4
_MAX_OWN_WORDS = 3
"""An account that posts headline and address adds hardly more: "Neu:", a hashtag."""


def read(markup: str, title: str, link: str, comments: str, external_url: str, base: str, home: str) -> LinkPost:
    """Return what an entry points to; `NO_LINK_POST` for any other entry.

    markup:       its description or content
    title:        its title
    link:         its own link, as readers get it
    comments:     its `<comments>`
    external_url: of a JSON Feed
    base:         what relative addresses are resolved against
    home:         the feed's own site
    """
    marked = any(map(markup.__contains__, _MARKERS))
    if not (marked or comments or external_url):
        target = (
            _headlined(markup[:_HEADLINED_CHARS], title, link, base, home) if "<a" in markup or "<A" in markup else ""
        )
        return LinkPost(target, "", None) if target else NO_LINK_POST
    target, discussion = _address(external_url, base), _address(comments, base)
    text: str | None = None
    if marked:
        anchors = _anchors(markup[:_MAX_CHARS])
        target = target or _address(anchors.get("link", ""), base)
        discussion = discussion or _address(anchors.get("comments", ""), base)
        text = _without_boilerplate(plain(markup[:_MAX_CHARS]))
        if text is not None and not discussion and not target:
            text = None  # a text about comments
    if not target and discussion and _site(link) != _site(discussion) and _site(home) == _site(discussion):
        target = link
    if external_url and text == "" and not discussion and _site(link) != _site(target):
        discussion = link
    if target and _site(target) in (_site(discussion), _site(home)):
        target = ""  # a question, or a picture that the site keeps itself
    if not target and text is None:
        return NO_LINK_POST
    return LinkPost(target, discussion if target else "", text)


def _headlined(markup: str, title: str, link: str, base: str, home: str) -> str:
    """Return the page of another site whose link carries the headline, or is all that the text adds to it; else ""."""
    own_sites = {_site(link), _site(home)}
    links = [
        (address, match)
        for match in _ANCHOR.finditer(markup)
        if (address := _address(html.unescape(match[1]), base)) and _site(address) not in own_sites
    ]
    if not links:  # the usual text, whose headline need not be read
        return ""
    headline = words(title[:_HEADLINED_CHARS])
    text = markup
    for address, match in links:
        label = words(plain(match[2]))
        if len(label) >= _MIN_HEADLINE_WORDS and _contains(headline, label):
            return address
        text = text.replace(match[0], " ", 1)
    addresses = {address for address, _ in links}
    if len(addresses) != 1 or len(headline) < _MIN_HEADLINE_WORDS:
        return ""
    rest = words(_ADDRESS.sub(" ", plain(text)))
    added = Counter(rest) - Counter(words(_ADDRESS.sub(" ", title[:_HEADLINED_CHARS])))
    return addresses.pop() if added.total() <= _MAX_OWN_WORDS else ""


def _contains(tokens: Sequence[str], run: Sequence[str]) -> bool:
    return any(tokens[at : at + len(run)] == run for at in range(len(tokens) - len(run) + 1))


def _anchors(markup: str) -> dict[str, str]:
    """Return the addresses of the links that are labelled as the article and as its comments."""
    result: dict[str, str] = {}
    for match in _ANCHOR.finditer(markup):
        label = " ".join(html.unescape(_TAG.sub("", match[2])).split())
        before = _TAG.sub("", markup[max(match.start() - 30, 0) : match.start()]).rstrip(" :\n").lower()
        for kind, pattern in _LABELS.items():
            if pattern.fullmatch(label) or (label.startswith("http") and before.endswith(_BEFORE[kind])):
                result.setdefault(kind, html.unescape(match[1]))
    return result


def _without_boilerplate(text: str) -> str | None:
    """Return *text* without the lines of a link site; None if it has none of them."""
    if text.strip().lower() == "comments":
        return ""
    if not _STRONG.search(text):
        return None
    rest = _BOILERPLATE.sub(" ", text)
    own = sum(character.isalnum() for character in _ADDRESS.sub("", rest))
    return " ".join(rest.split()) if own > _MIN_OWN_LETTERS else ""


def _address(href: str, base: str) -> str:
    link = safe_link(href, base) if href else ""
    return for_readers(link) if link else ""


def _site(url: str) -> str:
    host = url.partition("://")[2].partition("/")[0].removeprefix("www.").removeprefix("old.").removeprefix("new.")
    return _FAMILIES.get(host) or ("reddit" if host == "reddit.com" else host)
