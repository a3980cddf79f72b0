"""Recognise headlines of kinds that recur in fixed wording: bargains, puzzle help, horoscopes, results, advisories.

The words that make up such a headline are shared by every other of its kind, whatever it is about: "best early Black
Friday deals". They are hardly evidence that two texts report one event.
"""

from __future__ import annotations

import re

from scoring.language.terms import term

_PATTERNS = {
    "deal": (
        r"\bdeals?\b|\bdiscount|\b\d+% off|\bpercent off|[$£€]\d[\d,.]* off|"
        r"\boff at (?:amazon|walmart|best buy|target)|(?:record|all-time|new)[- ]low|"
        r"low(?:est)?[- ](?:ever )?price|best[- ](?:ever )?price|price (?:cut|drop)|\bon sale\b|\bcoupon|"
        r"promo codes?|black friday|cyber monday|prime day|(?:spring|summer|holiday|winter|big) sale|"
        r"\bsave (?:up to |almost |over |more than )?(?:[$£€]?\d)|\bbargain|\bfor (?:just|only) [$£€]\d|"
        r"angebote?\b|bons plans?|\bofertas?\b"
    ),
    "puzzle": (
        r"\bhints?\b|\bwordle\b|\bspangram|\bquordle|\bcrossword|\bsudoku|\banswers? (?:for|today|and)\b|"
        r"\bconnections\b.*\b(?:answers|today)"
    ),
    "horoscope": r"\bhoros[ck]op|\bzodiac|\btarot",
    "lottery": r"\bpowerball|\bmega millions|\blotter|winning numbers|\blotto\b|\bjackpot",
    "review": (
        r"\breview(?:s|ed)?\b|\bhands[- ]on\b|\btested\b|\bvs\.? .*(?:compar|which)|"
        r"\bbest \w+ (?:of|for) "
    ),
    "roundup": (
        r"\blinks for\b|\b(?:daily|weekly|monthly) (?:links|news|digest|brief|round)|\bweek in review|"
        r"\bround-?up\b|\bnewsletter\b|\bbriefing\b|\bthis week in\b|\bopen thread|\bpodcast|\bepisode\b|"
        r"\bnews digest|\bmorning (?:mail|brief)|\bof the week\b|\bweekly\b|^issue\b|\bissue #?\d+|"
        r"\bthe week's\b|\bwhat we(?:'re| are)"
    ),
    "watch": (
        r"\bhow to watch|\blive ?stream|\bwhere to (?:watch|stream)|\bwatch .{3,60} (?:online|live|free)|"
        r"\btv channel|\brelease date"
    ),
    "jobs": (
        r"^(?:senior|junior|staff|principal|lead) .*\b(?:engineer|scientist|developer|manager|designer)\b|"
        r"\bhiring\b|\(remote\)|\bjob opening|\bis looking for a\b|\bvacanc"
    ),
    "alert": (
        r"\bsecurity update\b|\bCVE-\d|\bDSA[- ]\d|\badvisory\b|"
        r"\b(?:warning|watch|alert)s? (?:issued|for|in effect)\b|\bweather (?:alert|warning)|\bvulnerab"
    ),
    "earnings": (
        r"\bQ[1-4]\b|\b(?:first|second|third|fourth)[- ]quarter\b|\bearnings\b|\bquarterly\b|\bfiscal\b|"
        r"\bEPS\b|\brevenue (?:beat|miss|estimate)"
    ),
    "release": (
        r"\brelease notes?\b|\bchangelog\b|\bv?\d+\.\d+(?:\.\d+)+\b|\breleased?$|\breleased?:|"
        r"\bpatch notes|\bnow available$|\bdeprecat"
    ),
}
_KINDS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _PATTERNS.items()}
# The same for a title in lower case, which takes two thirds of the time. It differs for letters that equal an ASCII
# letter in another case, and for nothing else.
PATTERNS = {name: re.compile(pattern.lower()) for name, pattern in _PATTERNS.items()}
UNUSUAL_CASE = re.compile("[\u0130\u0131\u017f\u212a]")
"""Letters that equal an ASCII letter in another case."""

# Searching all patterns takes 80 microseconds, and few headlines match any. So a pattern is searched only in a title
# that contains one of its literals: whatever matches the pattern contains one, as a test checks.
LITERALS = {
    "deal": (
        *("deal", "discount", " off", "off at", " low", "-low", "price", "sale", "coupon", "promo", "black friday"),
        *("cyber monday", "prime day", "save ", "bargain", "for just", "for only", "angebot", "bons plan", "oferta"),
    ),
    "puzzle": ("hint", "wordle", "spangram", "quordle", "crossword", "sudoku", "answer", "connections"),
    "horoscope": ("horos", "zodiac", "tarot"),
    "lottery": ("powerball", "mega millions", "lott", "winning numbers", "jackpot"),
    "review": ("review", "hands", "tested", "vs", "best "),
    "roundup": (
        *("links for", "daily ", "week", "monthly ", "roundup", "round-up", "newsletter", "briefing", "open thread"),
        *("podcast", "episode", "news digest", "morning ", "issue", "what we"),
    ),
    "watch": ("watch", "livestream", "live stream", "where to ", "tv channel", "release date"),
    "jobs": (
        *("engineer", "scientist", "developer", "manager", "designer", "hiring", "(remote)", "job opening"),
        *("is looking for a", "vacanc"),
    ),
    "alert": ("security update", "cve-", "dsa", "advisory", "warning", "watch", "alert", "vulnerab"),
    "earnings": ("q1", "q2", "q3", "q4", "quarter", "earnings", "fiscal", "eps", "revenue "),
    "release": ("release", "changelog", ".", "patch notes", "now available", "deprecat"),
}
_LIKELY = [(name, LITERALS[name], pattern) for name, pattern in PATTERNS.items()]

_WORDING = {
    "deal": (
        "deal best early black friday cyber monday prime day off sale price low lowest cheap "
        "discount bargain now far get save pick buy offer coupon code promo cheapest still live hit "
        "record drop cut amazon walmart"
    ),
    "puzzle": "hint answer clue solution solve puzzle help nyt game",
    "horoscope": "horoscope daily zodiac sign star tarot",
    "lottery": "win number draw jackpot lottery result",
    "review": "review best test",
    "roundup": "link news digest brief week weekly daily roundup issue episode podcast newsletter read",
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


def kinds(title: str) -> frozenset[str]:
    """Return the recurring kinds that a headline is of.

    >>> sorted(kinds("Wordle today: hints and answers"))
    ['puzzle']
    """
    if UNUSUAL_CASE.search(title):
        return frozenset([name for name, pattern in _KINDS.items() if pattern.search(title)])
    lower = title.lower()
    contained = lower.__contains__
    matching = [name for name, literals, pattern in _LIKELY if any(map(contained, literals)) and pattern.search(lower)]
    return frozenset(matching) if matching else _NONE


def stock_terms(title: str) -> frozenset[str]:
    """Return the terms that every headline of its kinds has, whatever it is about; none for a plain headline."""
    headline_kinds = kinds(title)
    return _NONE.union(*[_TERMS[kind] for kind in headline_kinds]) if headline_kinds else _NONE
