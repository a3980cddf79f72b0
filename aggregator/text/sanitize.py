"""Make the HTML of a feed harmless.

Knows the one allow-list: text and its structure, links to http, https and mailto, nothing that
loads, runs or styles. Leaves plain words to `text` and single links to `urls`.

Cleaning is done once, when an entry is taken in, inside the limited child process of `parse`.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from functools import lru_cache
from typing import Any

import nh3

from aggregator.text.markup import plain, storable, with_joined_surrogates

_TAGS = {
    *(
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "cite",
        "code",
        "dd",
        "del",
        "dfn",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
    ),
    *("h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp"),
    *("small", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul", "var"),
}
_DROPPED_WITH_CONTENT = {
    *("script", "style", "template", "iframe", "object", "embed", "noscript", "noembed", "noframes", "svg", "math"),
    *("select", "textarea", "title", "xmp", "plaintext", "audio", "video", "canvas", "form", "button"),
}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
_CLOSED_BY_NEXT = {"p", "li", "dt", "dd", "option", "tr", "td", "th", "tbody", "thead", "tfoot"}

# nh3 is quadratic in depth and in the attributes of one tag: 20,000 nested <div> in 100 kB cost 2 s.
# Real entries are seldom deeper than 20; beyond these bounds only the words are kept.
_MAX_DEPTH = 200
_MAX_SEPARATORS = 3_000

_OPEN_OR_CLOSE = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)([^>]*)")
_HALF_ENTITY = re.compile(r"&#?\w{0,31}\Z")
_HREF = re.compile("href", re.IGNORECASE)
_ABSOLUTE_HREF = re.compile("""href=["'](?:https?://|mailto:)""")
# A start of a link that is not written as nearly all are: with its absolute address first.
_OTHER_LINK = re.compile("""<[aA](?=[\\s/>])(?! href=["'](?:https?://|mailto:))""")
_SEPARATOR = re.compile("[\\s/\"'=]")
# Paragraphs of mere text, half of what feeds contain: storable, and given back by an HTML parser as they are. Left out
# are the three characters of markup, no-break spaces and all that is beyond the first plane or unusual in it.
_PARAGRAPHS = re.compile("(?:<p>[\t\n -%'-;=?-~¡-\ud7ff]*</p>[\t\n ]*)+")
# Where one pass may leave something that a second one writes differently: in tables, and where what a start tag
# opens is closed elsewhere than a reader would think, which cannot be where only text is between it and its end.
_UNSTABLE = re.compile(
    r"<(?:pre|table|t[rdh])[ >]"
    r"|<(a|h[1-6]|code|b|i|em|strong|s|small|u)(?=[ >])(?!(?: [a-z]+=\"[^\"]*\")*>[^<]*</\1>)"
)
# Elements that are taken out, but until then let a list stand in a <p>, or an item of a list in another.
_SHELTER = re.compile(
    r"<(?=[acdfhlmnsACDFHLMNS][a-zA-Z])(?i:applet|article|aside|center|details|dir|fieldset|footer|header|hgroup"
    r"|listing|main|marquee|menu|nav|section|summary)[\s/>]"
)


MAX_BYTES = 100_000
"""The same as the default of `limits.text_bytes` in feeds.yaml."""


def clean(markup: str, base: str = "", limit: int = MAX_BYTES) -> str:
    """Return *markup* as HTML that is safe in a page: sanitizing it again changes nothing.

    base:  the http(s) address that relative links are resolved against; without it they are dropped,
           because they would point into this site.
    limit: bytes of UTF-8 that are looked at; the rest is cut off before cleaning, never half a tag.
    """
    markup = cut(markup, limit)
    if _PARAGRAPHS.fullmatch(markup):
        return markup
    markup = storable(with_joined_surrogates(markup))
    if "<" not in markup:
        return _escaped(markup) if "&" in markup or ">" in markup else markup
    if _too_deep(markup):
        return html.escape(plain(markup), quote=False)
    # A cleaner costs 90 µs to make, and many feeds state a base an entry without needing it.
    cleaner = _cleaner(base if _links_relatively(markup) else "")
    cleaned = cleaner.clean(markup)
    if "&#" in markup:
        cleaned = _without_controls(cleaned)
    # Misnested markup can need a second pass until it stands; what does not settle is kept as words.
    sheltered = bool(_SHELTER.search(markup))
    for _ in range(3):
        if "<" not in cleaned:
            return _escaped(cleaned) if "&" in cleaned else cleaned
        if not sheltered and not _UNSTABLE.search(cleaned):
            return cleaned
        again = cleaner.clean(cleaned)
        if again == cleaned:
            return cleaned
        cleaned = again
    return html.escape(plain(cleaned), quote=False)


def _escaped(text: str) -> str:
    return html.escape(_without_controls(html.unescape(text)), quote=False)


def _without_controls(text: str) -> str:
    """Return *text* without what references (&#1; &#13;) stood for and nothing can store; a return ends a line."""
    return storable(text.replace("\r", "\n"))


def cut(markup: str, limit: int) -> str:
    """Return *markup* within *limit* bytes of UTF-8, not ending inside a tag or an entity."""
    if len(markup) * 4 <= limit:
        return markup
    raw = markup.encode("utf-8", "surrogatepass")
    if len(raw) <= limit:
        return markup
    head = raw[:limit].decode("utf-8", "ignore")
    opened = head.rfind("<")
    if opened > head.rfind(">"):
        head = head[:opened]
    return _HALF_ENTITY.sub("", head)


def _links_relatively(markup: str) -> bool:
    """Return whether some link may need a base; those of most feeds are seen not to, at a glance."""
    return bool(_OTHER_LINK.search(markup)) and len(_HREF.findall(markup)) != len(_ABSOLUTE_HREF.findall(markup))


@lru_cache(maxsize=64)
def _cleaner(base: str) -> nh3.Cleaner:
    try:
        return _cleaner_for(("rewrite_with_base", base) if base.startswith(("http://", "https://")) else "deny")
    except ValueError:  # a base that is no address to nh3: https://99999999999999999999/
        return _cleaner_for("deny")


def _cleaner_for(relative: Any) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes={"a": {"href"}, "ol": {"start"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
        url_schemes={"http", "https", "mailto"},
        url_relative=relative,
        link_rel="noopener noreferrer nofollow ugc",
        strip_comments=True,
    )


def _too_deep(markup: str) -> bool:
    """Return whether nesting or attributes could cost nh3 more than a few milliseconds.

    An upper bound, cheaply: an end tag closes one start tag of its name and no other.
    """
    if markup.count("<") <= _MAX_DEPTH and len(markup) <= _MAX_SEPARATORS:
        return False
    depth = 0
    opened: Counter[str] = Counter()
    for closing, name, rest in _OPEN_OR_CLOSE.findall(markup):
        name = name.lower()
        if len(rest) > _MAX_SEPARATORS and len(_SEPARATOR.findall(rest)) > _MAX_SEPARATORS:
            return True
        if name in _VOID or name in _CLOSED_BY_NEXT:
            continue
        if closing:
            if opened[name]:
                opened[name] -= 1
                depth -= 1
        else:
            opened[name] += 1
            depth += 1
            if depth > _MAX_DEPTH:
                return True
    return False
