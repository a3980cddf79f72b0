"""Read the article out of a web page: the full text behind a teaser.

    bytes of a page -> trafilatura -> HTML -> sanitize -> content, lead, word count; or why there is none

Runs in the parsing child. What is refused: a page that says it is not free to read, and one whose text has little to
do with the entry (a consent form, a bot check, the site's front page).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aggregator.errors import NotAFeedError
from aggregator.model import Limits
from aggregator.parse.normalize import SUMMARY_CHARS
from aggregator.text.markup import clip, plain
from aggregator.text.reading_time import count_words_of_clean
from aggregator.text.sanitize import clean
from aggregator.text.tokens import words

MIN_WORDS = 80
"""Shorter is no article: a caption, a notice."""
MIN_SHARED = 0.4
"""Share of the words of the entry's title that the article must contain. A real article contains nearly all of them."""

_NOT_FREE = re.compile(rb'"isAccessibleForFree"\s*:\s*"?(?:false|no)"?', re.I)
_BODY = re.compile(r"</?(?:html|body)>")


@dataclass(frozen=True, slots=True)
class Article:
    """The text of a page."""

    content: str
    """Clean HTML."""
    lead: str
    """Its first words, plain."""
    word_count: int


class NoArticleError(NotAFeedError):
    """The page contains no article that could be read; the message says why."""


def read_article(data: bytes, url: str, title: str, limits: Limits) -> Article:
    """Return the article in the page *data*, fetched from *url*, about an entry called *title*; NoArticleError."""
    if _NOT_FREE.search(data):
        raise NoArticleError("the page is behind a paywall")
    import trafilatura  # half a second and 20 MB, for the few sources that want it

    extracted = trafilatura.extract(
        data,
        url=url,
        output_format="html",
        include_comments=False,
        include_tables=True,
        favor_precision=True,
    )
    content = clean(_BODY.sub("", extracted or ""), limit=limits.text_bytes).strip()
    count = count_words_of_clean(content)
    if count < MIN_WORDS:
        raise NoArticleError("the page contains no article")
    text = plain(content)
    expected = {word for word in words(title) if len(word) > 3}
    if expected and len(expected.intersection(words(text))) < MIN_SHARED * len(expected):
        raise NoArticleError("the text of the page is about something else")
    return Article(content, clip(text, SUMMARY_CHARS), count)
