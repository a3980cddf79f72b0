"""Turn shared terms into phrases for readers, in the spelling of the text."""

from __future__ import annotations

from functools import lru_cache

from aggregator.text.tokens import words
from scoring.language.terms import term

PHRASES = 4
PHRASE_WORDS = 4


def phrases(text: str, weights: dict[str, float]) -> list[str]:
    """Return what a text shares, as it spells it: up to PHRASES phrases, the most telling first.

    weights: how much each shared term tells

    >>> phrases("AWS orders 1.4 million chips of Trainium", {"trainium": 3.0, "1.4m": 2.0, "chip": 1.0})
    ['1.4 million chips', 'Trainium']
    """
    left: dict[str, float] = {}
    for key, weight in weights.items():
        # A version is spelled without the name that it belongs to: that is a term of its own.
        spelled = key.rpartition("|")[2]
        left[spelled] = left.get(spelled, 0.0) + weight
    results: list[tuple[float, int, str]] = []
    for line in text.splitlines():
        tokens = line.split()
        at = 0
        while at < len(tokens) and left:
            # Most words are not shared, so they are passed over before pairs of words are looked at.
            if left.keys().isdisjoint(_terms_of(tokens[at])) and not tokens[at][-1].isdigit():
                at += 1
                continue
            start, value = at, 0.0
            # Neighbouring shared words are one phrase, as a reader takes them: "1.4 million chips", not three reasons.
            while at < len(tokens) and at - start < PHRASE_WORDS:
                taken, gained = _taken(tokens[at : at + 2], left)
                if not taken:
                    break
                value += gained
                at += taken
                # Punctuation ends a phrase even where the next word is shared, too.
                if tokens[at - 1][-1] in ",;:.!?)":
                    break
            if at > start and value > 0:
                results.append((-value, len(results), " ".join(tokens[start:at]).strip(_AROUND)))
            at = max(at, start + 1)
    results += [(-value, len(results) + i, item) for i, (item, value) in enumerate(_unspaced(text, left))]
    return [phrase for _, _, phrase in sorted(results)[:PHRASES]]


def _unspaced(text: str, left: dict[str, float]) -> list[tuple[str, float]]:
    """Return what is shared of writing without spaces, whose terms are pairs of characters, as it is spelled.

    Pairs that overlap or touch are one phrase. Pairs that the text spells otherwise are left as they are.
    """
    if all(len(pair) != 2 for pair in left):
        return list(left.items())
    results: list[tuple[str, float]] = []
    start = end = 0
    value = 0.0
    for at in range(len(text)):
        gained = left.pop(text[at : at + 2], None)
        if gained is None:
            continue
        if at > end:
            if value:
                results.append((text[start:end], value))
            start, value = at, 0.0
        end, value = at + 2, value + gained
    if value:
        results.append((text[start:end], value))
    return results + list(left.items())


_AROUND = " \t,;:.!?()[]{}\"'“”„‘’«»…–—-|"


def _taken(tokens: list[str], left: dict[str, float]) -> tuple[int, float]:
    """Return how many of one or two *tokens* are shared terms, and what they tell; those are taken out of *left*."""
    stems = _terms_of(tokens[0])
    if len(tokens) == 2 and tokens[0][-1:].isdigit():
        # "1.4 million" is one term, that neither word gives alone.
        pair = _terms_of(" ".join(tokens))
        if len(pair) == 1 and pair[0] in left:
            return 2, left.pop(pair[0])
    if stems and all(stem in left for stem in stems):
        return 1, sum(left.pop(stem, 0.0) for stem in stems)
    return 0, 0.0


@lru_cache(maxsize=8_192)
def _terms_of(token: str) -> tuple[str, ...]:
    return tuple(stem for word in words(token) if (stem := term(word)))
