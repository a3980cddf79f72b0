"""Turn a term into the name that people write: complete, and spelled as most headlines spell it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from aggregator.text.tokens import words
from scoring.language.names import load_modifiers, load_ordinary_words
from scoring.language.terms import load_background
from scoring.language.terms import term as stem
from scoring.topics.headline_index import GENERIC, GENERIC_UNSPACED, NATIONALITIES, PAIR, is_telling


def is_name(term: str, titles: Iterable[str]) -> bool:
    """Return whether headlines write a term, or one of its two words, with a capital.

    Headlines That Capitalise Every Word count neither way. A word that occurs only in such headlines is a name,
    unless it is a common or an ordinary one. Words in a script without capitals are names.

    >>> is_name("floyd", ["Who was the late George Floyd?"]), is_name("earlier", ["Virus spread earlier than thought"])
    (True, False)
    """
    if not term.isascii():
        return True
    count = {word: [0, 0] for word in term.split(PAIR)}
    for title in titles:
        pieces = _SPELLED.findall(title)
        if 3 * sum(piece[0].islower() for piece in pieces) < len(pieces):
            continue
        for piece in pieces[1:]:
            for word in words(piece):
                if word in count:
                    count[word][not piece[0].isupper()] += 1
    return any(
        capital >= small if capital + small else _is_uncommon(word)
        for word, (capital, small) in count.items()
        if word not in GENERIC
    )


def _is_uncommon(word: str) -> bool:
    return load_background().share(stem(word)) < COMMON and is_distinctive(word)


def is_distinctive(word: str) -> bool:
    """Return whether a word can only be a name.

    >>> [is_distinctive(word) for word in ("nvidia", "computer", "super")]
    [True, False, False]
    """
    return stem(word) not in load_ordinary_words() and word not in load_modifiers()


COMMON = 0.002
"""Share of the background's documents that makes a word a common one: "house" and "play", and not "Oscars"."""


_SAYS_NOTHING = re.compile("|".join([*sorted(GENERIC_UNSPACED, key=lambda word: (-len(word), word)), r"[a-z\s]+"]))
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
"""Of scripts without spaces: their words are overlapping pairs of characters."""


def is_generic(term: str) -> bool:
    """Return whether a term names nothing: "agent", "AI agent", "European".

    >>> is_generic("ai agent"), is_generic("european"), is_generic("meta ai"), is_generic("人工 工智 智能")
    (True, True, False, True)
    """
    pieces = term.split(PAIR)
    if _IDEOGRAPHS.search(term):
        return not _SAYS_NOTHING.sub("", _joined(pieces))
    return all(word in GENERIC or word in NATIONALITIES for word in pieces)


def is_fragment(phrase: Sequence[str]) -> bool:
    """Return whether a phrase is a single word that cannot stand alone: others follow it, or it is a verb.

    Phrases of several words pass. Their last words are often such words: "machine learning", "police shooting".

    >>> [is_fragment(phrase) for phrase in (("machine",), ("avoid",), ("probe",), ("machine", "learning"))]
    [True, True, False, False]
    """
    return len(phrase) == 1 and phrase[0] in load_modifiers() and stem(phrase[0]) in load_ordinary_words()


MIN_SHARED = 0.6
"""Share of the headlines from which a neighboring word belongs to the phrase: "Lea" is "Lea Michele"."""
MIN_SHARED_OF_WORD = 0.5
"""The same for a word that is no name, and says little alone: "universe" is "parallel universe"."""
MIN_SHARED_NEW = 0.9
"""The same for "new" before a name: "New Zealand" is one, and "new iPhone" is none."""
MAX_PHRASE_WORDS = 4

ENDINGS = frozenset({"day", "week"})
"""Words that are no term, but end a name: "Memorial Day". So does a number: "Atlas 2", "UFC 250"."""

LINKS = frozenset({"of", "and", "the", "in"})
"""Words that join the words of a phrase: "houses of worship", "track and trace"."""


def grown(term: str, titles: Sequence[str], min_shared: float = MIN_SHARED) -> tuple[str, ...]:
    """Return the words of the phrase that *term* is a part of in most of *titles*.

    min_shared: share of the titles that a neighboring word needs

    >>> grown("lea", ["Lea Michele apologises", "Actor accuses Lea Michele", "Lea Michele says sorry"])
    ('lea', 'michele')
    >>> grown("atlas", ["Atlas 2 is out", "Halden's Atlas 2 doubts", "Atlas 2: an open model"])
    ('atlas', '2')
    >>> grown("worship", ["Houses of worship open", "Trump on houses of worship", "Are houses of worship safe?"])
    ('houses', 'of', 'worship')
    """
    phrase = tuple(term.split(PAIR))
    tokenized = [words(title) for title in titles]
    while len(phrase) < MAX_PHRASE_WORDS:
        before: Counter[tuple[str, ...]] = Counter()
        after: Counter[tuple[str, ...]] = Counter()
        for title in tokenized:
            at = _find(title, phrase)
            if at is None:
                continue
            before[_linked(title[:at][::-1])[::-1]] += 1
            after[_linked(title[at + len(phrase) :])] += 1
        options = [
            (count, more, side)
            for side, counts in (("after", after), ("before", before))
            for more, count in counts.items()
            if more
            and count >= max(min_shared * len(titles), 2.0)
            and len(phrase) + len(more) <= MAX_PHRASE_WORDS
            and _belongs(more, side, count / len(titles))
        ]
        if not options:
            break
        _, more, side = min(options, key=lambda option: (-option[0], option[2], option[1]))
        phrase = (*phrase, *more) if side == "after" else (*more, *phrase)
    return phrase


def _linked(neighbors: Sequence[str]) -> tuple[str, ...]:
    """Return the next word, with the links before it."""
    for number, word in enumerate(neighbors):
        if word not in LINKS:
            return tuple(neighbors[: number + 1])
    return ()


def _belongs(more: tuple[str, ...], side: str, share: float) -> bool:
    if side == "before":
        return is_telling(more[0]) or (more == ("new",) and share >= MIN_SHARED_NEW)
    return is_telling(more[-1]) or (len(more) == 1 and (more[0] in ENDINGS or more[0].isdigit()))


def _find(title: Sequence[str], phrase: Sequence[str]) -> int | None:
    for at in range(len(title) - len(phrase) + 1):
        if tuple(title[at : at + len(phrase)]) == tuple(phrase):
            return at
    return None


_SPELLED = re.compile(r"[^\W_]+(?:[.'’&+-][^\W_]+)*\+*")
_POSSESSIVE = re.compile(r"['’]s\Z")


# Observed as the last words of a topic: "Nvidia CEO", "Gemini-powered", "AI-generated".
# Rule: a phrase ends before such a word.
TRAILING = frozenset(
    """
    ceo cto cofounder founder founders exec execs executive executives boss bosses chief employees staff workers
    powered generated backed based led made owned style
    """.split()  # noqa: SIM905 - as above
)


def name_of(term: str, titles: Sequence[str], is_written_as_name: bool = True) -> tuple[tuple[str, ...], str]:
    """Return the words of the phrase that *term* is a part of in most headlines, and its usual spelling.

    Generic and lower-case words in front of a name go ("co-founder", "editing software company"), unless a link joins
    them ("test and trace"), and TRAILING ones behind it. A phrase that ends within a word of the headlines ("Meta hires
    ex" of "Meta hires ex-chief") falls back to the term.

    is_written_as_name: what `is_name` says; a word that is none takes in more of its neighbors

    >>> name_of("lea", ["Lea Michele apologises", "Actor accuses Lea Michele", "Lea Michele says sorry"])
    (('lea', 'michele'), 'Lea Michele')
    """
    phrase = grown(term, titles, MIN_SHARED if is_written_as_name else MIN_SHARED_OF_WORD)
    while phrase[0] in GENERIC and phrase[0] not in term.split(PAIR) and phrase[1] not in LINKS:
        phrase = phrase[1:]
    while len(phrase) > 1 and phrase[-1] in TRAILING:
        phrase = phrase[:-1]
    spelling = _spelling(phrase, titles)
    while spelling is not None and len(phrase) > 1 and spelling.split()[0].islower() and not spelling.islower():
        phrase = phrase[1:]
        spelling = _spelling(phrase, titles)
    if spelling is None:
        # A script without spaces has no pieces to look a phrase up in.
        phrase = phrase if _IDEOGRAPHS.search("".join(phrase)) else tuple(term.split(PAIR))
        spelling = _spelling(phrase, titles) or _joined(phrase)
    return phrase, spelling


def spelled(phrase: Sequence[str], titles: Iterable[str]) -> str:
    """Return a phrase as most of *titles* spell it; where none can be found, its words.

    >>> spelled(("2gw", "openai"), []), spelled(("george", "floyd"), ["George Floyd's brother", "GEORGE FLOYD"])
    ('2gw openai', 'George Floyd')
    """
    return _spelling(phrase, titles) or _joined(phrase)


def _spelling(phrase: Sequence[str], titles: Iterable[str]) -> str | None:
    ways: Counter[str] = Counter()
    for title in titles:
        pieces = [(m.start(), m.end(), words(m.group())) for m in _SPELLED.finditer(title)]
        for at, (begin, _, _) in enumerate(pieces):
            spoken: list[str] = []
            for _, end, piece in pieces[at:]:
                spoken += piece
                if len(spoken) >= len(phrase):
                    if tuple(spoken) == tuple(phrase):
                        ways[_without_half_quotes(_POSSESSIVE.sub("", title[begin:end]))] += 1
                    break
    if not ways:
        return None
    # Headlines in capitals do not decide the spelling where there are others.
    quiet = {way: count for way, count in ways.items() if not (way.isupper() and len(way) > 5)} or dict(ways)
    return min(quiet, key=lambda way: (-quiet[way], way))


_QUOTES = re.compile(r"(?<!\w)['‘’]|['‘’](?!\w)|[\"“”„«»]")


def _without_half_quotes(name: str) -> str:
    """Return a name without a quotation mark whose other half lies outside of it.

    >>> _without_half_quotes("pandemic 'without vaccine"), _without_half_quotes("Moore's law")
    ('pandemic without vaccine', "Moore's law")
    """
    return name if len(_QUOTES.findall(name)) % 2 == 0 else _QUOTES.sub("", name)


def _joined(phrase: Sequence[str]) -> str:
    """Join the words of a phrase; overlapping character pairs of scripts without spaces are merged."""
    text = phrase[0]
    for word in phrase[1:]:
        unspaced = not word.isascii() and len(word) == 2 and text[-1] == word[0]
        text = text + word[1:] if unspaced else f"{text} {word}"
    return text
