"""Leave items out before anything is stored: `exclude:` and `only:` of a source.

Pure. A filter is words that are next to each other in the title or in a tag, in any case; a word may end in `*`.
`tag:deals` looks at tags alone, where it has to be the whole tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from aggregator.model import Arrival, ParsedFeed, Source
from aggregator.text.tokens import words
from aggregator.text.wording import plural

_STEM = re.compile(r"\*(?=\s|$)")


def filtered(source: Source, parsed: ParsedFeed) -> ParsedFeed:
    """Return *parsed* without the items that *source* leaves out, and a note that counts them."""
    if not (source.exclude or source.only) or not parsed.arrivals:
        return parsed
    wanted = tuple(arrival for arrival in parsed.arrivals if is_wanted(source, arrival))
    left_out = len(parsed.arrivals) - len(wanted)
    if not left_out:
        return parsed
    note = f"{plural(left_out, 'item')} left out by exclude or only"
    # What was left out is looked at again when the document changes, in case the filters have changed as well.
    return replace(parsed, arrivals=wanted, notes=(*parsed.notes, note), memory=parsed.memory.without_items())


def is_wanted(source: Source, arrival: Arrival) -> bool:
    """Return whether the filters of *source* let an item in."""
    return lets_in(source, arrival.draft.title, arrival.draft.tags)


def lets_in(source: Source, title: str, tags: Sequence[str]) -> bool:
    """Return whether the filters of *source* let an item with this title and these tags in."""
    if not (source.exclude or source.only):
        return True
    title_words, tag_words = words(title), [words(tag) for tag in tags]
    if source.only and not _any_matches(source.only, title_words, tag_words):
        return False
    return not _any_matches(source.exclude, title_words, tag_words)


def filter_words(text: str) -> tuple[bool, list[tuple[str, bool]]]:
    """Return whether a filter looks at tags alone, and its words, each with whether it is the beginning of one."""
    tags_only = text.lower().startswith("tag:")
    text = text[len("tag:") :] if tags_only else text
    pattern: list[tuple[str, bool]] = []
    for part in text.split():
        tokens = words(_STEM.sub("", part))
        pattern += [(word, part.endswith("*") and word is tokens[-1]) for word in tokens]
    return tags_only, pattern


def _any_matches(filters: Iterable[str], title: Sequence[str], tags: Sequence[Sequence[str]]) -> bool:
    for text in filters:
        tags_only, pattern = filter_words(text)
        if not tags_only and _contains(title, pattern):
            return True
        if any(_contains(tag, pattern) and (not tags_only or len(tag) == len(pattern)) for tag in tags):
            return True
    return False


def _contains(text: Sequence[str], pattern: Sequence[tuple[str, bool]]) -> bool:
    return any(
        all(
            text[start + offset].startswith(word) if is_stem else text[start + offset] == word
            for offset, (word, is_stem) in enumerate(pattern)
        )
        for start in range(len(text) - len(pattern) + 1)
    )
