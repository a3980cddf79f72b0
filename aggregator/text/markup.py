"""Turn markup into plain text, and text into what can be stored and shown.

`sanitize` makes HTML safe.
"""

from __future__ import annotations

import html
import re

# What can be kept


# One class for the first plane and one for the others: a class that reaches beyond the first costs 40 ns a character.
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_UNSTORABLE_BEYOND = re.compile(
    "[" + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(1, 17)) + "]"
)
_BEYOND = re.compile("[\U00010000-\U0010ffff]")

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Hangul fillers and the empty Braille pattern: Unicode counts them as letters and symbols."""


def storable(text: str) -> str:
    """Return *text* without characters that SQLite, XML or a terminal cannot handle.

    Removes control characters except tab and newline, surrogates and non-characters.
    """
    if text.isprintable() or text.replace("\n", " ").isprintable():
        return text
    text = _UNSTORABLE.sub("", text)
    return _UNSTORABLE_BEYOND.sub("", text) if _BEYOND.search(text) else text


def visible(text: str) -> str:
    """Return *text*, or "" if a reader would see nothing of it: white space, zero-width characters, blank letters."""
    return text if any(c.isprintable() and not c.isspace() and c not in _BLANK for c in text) else ""


def clip(text: str, limit: int) -> str:
    """Return at most *limit* characters of *text*, cut at a word with "…"."""
    if len(text) <= limit:
        return text
    head = text[: max(limit - 1, 0)]
    if not text[len(head)].isspace():
        space = head.rfind(" ")
        # Text without spaces (Chinese, or one endless word) is cut where it is.
        if space > limit // 2:
            head = head[:space]
    return head.rstrip(" ,;:.-–—") + "…" if limit > 0 else ""


# HTML to words


_TAG = re.compile(r"<([a-zA-Z/!?][^\s/>]*)[^>]*>")
_NEVER_ENDS = re.compile(r"<[a-zA-Z/!][^<]*\Z")
_SILENT = {"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "head", "title"}
_CLOSING = {name: re.compile(f"</{name}[^>]*>", re.IGNORECASE) for name in _SILENT}
INLINE = {
    *("a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd"),
    *("mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr"),
}
_QUOTED_REACH = 2_000
# Replacements for the most frequent tags where they have no attributes, so that nothing else needs to be examined.
_BARE = {
    f"<{slash}{name}>": "" if name in INLINE else " "
    for slash in ("", "/")
    for name in ("a", "b", "blockquote", "br", "code", "div", "em", "h2", "h3", "i", "li", "p", "span", "strong", "ul")
}


# An emoji as two references, one for each half of it in UTF-16. Browsers show two replacement characters.
_SURROGATES = re.compile(
    r"&#(?:x(d[89ab][0-9a-f]{2})|(5[56]\d{3}));&#(?:x(d[c-f][0-9a-f]{2})|(5[67]\d{3}));", re.IGNORECASE
)


def with_joined_surrogates(markup: str) -> str:
    """Return *markup* with each pair of references to surrogates (&#55357;&#56832;) as the character it stands for."""
    return _SURROGATES.sub(_joined, markup) if "&#5" in markup or "&#x" in markup or "&#X" in markup else markup


def _joined(pair: re.Match[str]) -> str:
    high = int(pair[1], 16) if pair[1] else int(pair[2])
    low = int(pair[3], 16) if pair[3] else int(pair[4])
    if not (0xD800 <= high < 0xDC00 <= low < 0xE000):
        return pair[0]
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def plain(markup: str) -> str:
    """Return the text of *markup*: no tags, no scripts, entities decoded, white space folded.

    Linear in its length whatever it contains: each `<` is looked at once.
    """
    if "<" in markup:
        markup = _without_tags(markup)
    if "&" in markup:
        markup = html.unescape(with_joined_surrogates(markup))
    text = " ".join(markup.split())
    return text if text.isprintable() else storable(text)


def _without_tags(markup: str) -> str:
    # Behind the last ">" nothing can be a tag any more, so every search for the
    # end of one succeeds and the text is not walked twice.
    last = markup.rfind(">") + 1
    pieces: list[str] = []
    never_closed: set[str] = set()
    at = 0
    while match := _TAG.search(markup, at, last):
        start, end = match.span()
        pieces.append(markup[at:start])
        if (instead := _BARE.get(match[0])) is not None:
            if instead:
                pieces.append(instead)
            at = end
            continue
        name = match[1].lower()
        if name.startswith("!--"):
            closed = markup.find("-->", start + 4)
            end = closed + 3 if closed >= 0 else len(markup)
        elif name in _SILENT and name not in never_closed:
            closing = _CLOSING[name].search(markup, end)
            # A script that never ends takes the rest, as in a browser; other elements do not.
            if closing:
                end = closing.end()
            elif name in ("script", "style"):
                end = len(markup)
            else:
                never_closed.add(name)
        elif match[0].count('"') % 2:
            # <img alt="a > b">: the ">" stood in a quoted value.
            quote = markup.find('"', end, end + _QUOTED_REACH)
            closed = markup.find(">", quote, quote + _QUOTED_REACH) if quote >= 0 else -1
            end = closed + 1 if closed >= 0 else end
        if name.lstrip("/") not in INLINE:
            pieces.append(" ")
        at = end
        if at >= last:
            break
    rest = markup[at:]
    if "<" in rest:  # a comment or a tag that never ends
        rest = _NEVER_ENDS.sub("", rest.partition("<!--")[0])
    pieces.append(rest)
    return "".join(pieces)
