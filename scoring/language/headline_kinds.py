"""Recognise headlines of kinds with fixed wording: deals, puzzle help, horoscopes, results, advisories.

All headlines of such a kind share its words, whatever they are about: "best early Black Friday deals". These words are
hardly evidence that two texts report one event.
"""

from __future__ import annotations

from collections.abc import Collection

from aggregator.text.title_kinds import kinds
from scoring.language.terms import term

__all__ = ["kinds", "stock_terms"]

_WORDING = {
    "deal": (
        "deal best early black friday cyber monday prime day off sale price low lowest cheap "
        "discount bargain now far get save pick buy offer coupon code promo cheapest still live hit "
        "record drop cut amazon walmart gift guide besten beste angebote angebot uberblick meilleures "
        "meilleurs offres promotion mejores ofertas melhores promocao"
    ),
    "puzzle": "hint answer clue solution solve puzzle help nyt game",
    "horoscope": "horoscope daily zodiac sign star tarot",
    "lottery": "win number draw jackpot lottery result",
    "review": "review best test",
    "roundup": "link news digest brief week weekly daily roundup issue episode podcast newsletter read morning weekend",
    "watch": "watch live stream free online tv channel game match vs start time",
    "jobs": "hiring job remote engineer senior apply salary location worldwide",
    "alert": "security update advisory warning issue alert vulnerability cve dsa version",
    "earnings": (
        "q1 q2 q3 q4 quarter earnings result revenue profit estimate beat miss fiscal year first second "
        "third fourth eps guidanc share stock fall rise report"
    ),
    "release": "release note changelog vers update available new",
}
_TERMS = {name: frozenset(filter(None, map(term, words.split()))) for name, words in _WORDING.items()}
_NONE: frozenset[str] = frozenset()


def stock_terms(headline_kinds: Collection[str]) -> frozenset[str]:
    """Return the terms that all headlines of these `kinds` have; none for a plain headline."""
    return _NONE.union(*[_TERMS[kind] for kind in headline_kinds]) if headline_kinds else _NONE
