"""Make of a term the name that people write: whole, and spelled as most headlines spell it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from aggregator.text.tokens import words
from scoring.topics.headline_index import PAIR, is_telling


def is_name(term: str, titles: Iterable[str]) -> bool:
    """Return whether a term is several words, or one that headlines write with a capital, or in a script without.

    Headlines That Capitalise Every Word say nothing either way; where there are only such, it is one.

    >>> is_name("floyd", ["Who was George Floyd?"]), is_name("earlier", ["Virus spread earlier than thought"])
    (True, False)
    """
    if PAIR in term or not term.isascii():
        return True
    capital = small = 0
    for title in titles:
        pieces = _SPELLED.findall(title)
        if 3 * sum(piece[0].islower() for piece in pieces) < len(pieces):
            continue
        for piece in pieces[1:]:
            if term in words(piece):
                capital += piece[0].isupper()
                small += piece[0].islower()
    return capital >= small


MIN_SHARED = 0.6
"""A neighbour that so many of the headlines share belongs to the phrase: "Lea" is "Lea Michele"."""
MAX_PHRASE_WORDS = 4


def grown(term: str, titles: Sequence[str]) -> tuple[str, ...]:
    """Return the words of the phrase that *found* is a part of in most of *titles*.

    >>> grown("lea", ["Lea Michele apologises", "Actor accuses Lea Michele", "Lea Michele says sorry"])
    ('lea', 'michele')
    """
    phrase = tuple(term.split(PAIR))
    tokenized = [words(title) for title in titles]
    while len(phrase) < MAX_PHRASE_WORDS:
        before: Counter[str] = Counter()
        after: Counter[str] = Counter()
        for title in tokenized:
            at = _find(title, phrase)
            if at is None:
                continue
            if at > 0:
                before[title[at - 1]] += 1
            if at + len(phrase) < len(title):
                after[title[at + len(phrase)]] += 1
        options = [
            (count, word, side)
            for side, counts in (("after", after), ("before", before))
            for word, count in counts.items()
            if count >= max(MIN_SHARED * len(titles), 2.0) and is_telling(word)
        ]
        if not options:
            break
        _, word, side = min(options, key=lambda option: (-option[0], option[2], option[1]))
        phrase = (*phrase, word) if side == "after" else (word, *phrase)
    return phrase


def _find(title: Sequence[str], phrase: Sequence[str]) -> int | None:
    for at in range(len(title) - len(phrase) + 1):
        if tuple(title[at : at + len(phrase)]) == tuple(phrase):
            return at
    return None


_SPELLED = re.compile(r"[^\W_]+(?:[.'’&+-][^\W_]+)*\+*")
_POSSESSIVE = re.compile(r"['’]s\Z")


def spelled(phrase: Sequence[str], titles: Iterable[str]) -> str:
    """Return a phrase as most of *titles* spell it; where none can be found, its words.

    >>> spelled(("2gw", "openai"), []), spelled(("george", "floyd"), ["George Floyd's brother", "GEORGE FLOYD"])
    ('2gw openai', 'George Floyd')
    """
    ways: Counter[str] = Counter()
    for title in titles:
        pieces = [(m.start(), m.end(), words(m.group())) for m in _SPELLED.finditer(title)]
        for at, (begin, _, _) in enumerate(pieces):
            said: list[str] = []
            for _, end, piece in pieces[at:]:
                said += piece
                if len(said) >= len(phrase):
                    if tuple(said) == tuple(phrase):
                        ways[_POSSESSIVE.sub("", title[begin:end])] += 1
                    break
    if not ways:
        return _joined(phrase)
    # A shouting headline does not decide how a name is written, where another one does not shout.
    quiet = {way: count for way, count in ways.items() if not (way.isupper() and len(way) > 5)} or dict(ways)
    return min(quiet, key=lambda way: (-quiet[way], way))


def _joined(phrase: Sequence[str]) -> str:
    """Return the words of a phrase as one: overlapping pairs of writing without spaces become a run."""
    text = phrase[0]
    for word in phrase[1:]:
        unspaced = not word.isascii() and len(word) == 2 and text[-1] == word[0]
        text = text + word[1:] if unspaced else f"{text} {word}"
    return text
