"""Recognize titles of kinds that recur: bargains, how-tos, reviews, puzzle help, advisories, sponsored posts.

    kinds("Wordle today: hints and answers")     puzzle           what clustering goes by
    entry_kinds(title, tags, link)               puzzles, ...     what `kind:` of a search looks for

Goes by fixed wording, in English for most kinds. Leaves what is shared by texts of a kind to `scoring.language`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

_SALES = (
    r"black[- ]?friday|cyber[- ](?:monday|week)|prime[- ]day|singles['\u2019] day|"
    r"(?:spring|summer|autumn|winter|holiday) sale\b|双(?:11|十一|12|十二)|"
    r"ブラックフライデー|サイバーマンデー|プライムデー|ч[её]рн(?:ая|ой|ую) пятниц"
)
"""Names of sales."""
_BEST = (
    r"\bbest\b|\bbeste[nrs]?\b|\bmeilleure?s?\b|\bmejores\b|\bmelhores\b|\bmigliori\b|лучши[ехм]|"
    r"おすすめ|お買い得|最值得|值得买|好价|推荐"
)
_OFFERS = (
    r"deals\b|angebote?n?\b|schnäppchen\b|offres\b|promos\b|bons plans\b|ofertas\b|chollos\b|promoç(?:ão|ões)\b|"
    r"offerte\b|aanbiedingen\b|скидк|предложени|セール|割引"
)
"""Offers of goods; each may be the end of a compound."""

_PATTERNS = {
    "deal": (
        r"\bdeals?\b|\bdiscount|\b\d+% off|\bpercent off|[$£€]\d[\d,.]* off|"
        r"\boff at (?:amazon|walmart|best buy|target)|(?:record|all-time|new)[- ]low|"
        r"low(?:est)?[- ](?:ever )?price|best[- ](?:ever )?price|price (?:cut|drop)|\bon sale\b|\bcoupon|"
        r"promo codes?|black friday|cyber monday|prime day|(?:spring|summer|holiday|winter|big) sale|"
        r"\bsave (?:up to |almost |over |more than )?(?:[$£€]?\d)|\bbargain|\bfor (?:just|only) [$£€]\d|"
        r"angebote?\b|bons plans?|\bofertas?\b|schnäppchen|\b(?:offres|promos)\b|code promo|\bgutschein|\bcupom\b|"
        r"\bgift (?:guide|ideas)\b|\bbest (?:[\w&'-]+ ){0,3}gifts\b|おすすめ.{0,20}セール|セール.{0,20}おすすめ|скидк|"
        rf"{_SALES}"
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
        r"\blinks for\b|\b(?:daily|weekly|monthly) (?:[\w&'-]+ )?(?:links|news|digest|brief|round|recap)|"
        r"\bweek in review|\bround-?up\b|\bnewsletter\b|\bbriefing\b|\bthis week in\b|\bopen thread|\bpodcast|"
        r"\bepisode\b|\bnews digest|\bmorning (?:mail|brief)|\bof the week\b|\bweekly\b|^issue\b|\bissue #?\d+|"
        r"\bthe week['\u2019]s\b|\bwhat we(?:'re| are)|\bpast week in\b|^top stories:|"
        r"\b(?:catch|caught) up (?:with|on) the\b.* \d{1,2}(?:, \d{4})?$|\bnews (?:round-?up|recap)\b|"
        r"day(?:['\u2019]s)? (?:[a-z]+ )?(?:links|reads)\b|\bweekend (?:links|reads?|reading)\b|\bweek ?notes\b|"
        r"wochenrückblick|links der woche|\bla semaine en\b|\bla semana en\b|итоги недели|今週のまとめ|"
        r"一周(?:回顾|要闻)"
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
        *("cyber", "prime", "friday", "save ", "bargain", "for just", "for only", "angebot", "bons plan", "oferta"),
        *("schnäppchen", "offres", "promo", "gutschein", "cupom", "gift", "singles", "双", "フライデー", "サイバー"),
        *("プライム", "セール", "скидк", "пятниц"),
    ),
    "puzzle": ("hint", "wordle", "spangram", "quordle", "crossword", "sudoku", "answer", "connections"),
    "horoscope": ("horos", "zodiac", "tarot"),
    "lottery": ("powerball", "mega millions", "lott", "winning numbers", "jackpot"),
    "review": ("review", "hands", "tested", "vs", "best "),
    "roundup": (
        *("links for", "daily ", "week", "monthly ", "roundup", "round-up", "newsletter", "briefing", "open thread"),
        *("podcast", "episode", "news digest", "morning ", "issue", "what we", "top stories:", "news recap"),
        *("up with the", "up on the"),
        *("links", "reads", "woche", "la semaine en", "la semana en", "недели", "今週", "一周"),
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


_SPONSORED = (
    r"\bsponsored\b|\badvertorial\b|\bpartner content\b|\bpaid (?:post|content|program|partnership)\b|"
    r"\bbrought to you by\b|\bpresented by\b|^\[?(?:ad|promoted|sponsor|anzeige)\b[\]:]|\bpublicité\b|"
    r"\bcontenido patrocinado\b|\bpublieditorial\b"
)
_HOW_TO = (
    r"^how to\b|[:\-\u2013\u2014|] how to\b|^how (?:i|we) (?:built|made|use|set up)\b|\btutorial\b|"
    r"\bstep[- ]by[- ]step\b|"
    r"\b(?:beginner'?s?|complete|ultimate|practical|quick|short) guide\b|\ba guide to\b|\bhere'?s how to\b|"
    r"\b\d+ (?:tips|tricks|ways to)\b|\btips (?:for|and tricks)\b"
)
# "Deal" alone is a contract more often than a bargain. Clustering takes both as wording that recurs; a rule must not.
_DEALS = _PATTERNS["deal"].removeprefix(r"\bdeals?\b|") + (
    r"|\b(?:best|top|early|daily|today'?s|this week'?s|limited[- ]time|lightning|hot(?:test)?|"
    r"(?:spring|summer|holiday|weekend|prime)(?: \w+)?) (?:[\w&'-]+ ){0,3}deals?\b|"
    r"\bdeals? (?:of the (?:day|week)|to shop|live now|days?\b)|^deals?:|\|\s*deals?$|\bcodes? (?:and|&) deals?\b|"
    r"\b(?:grab|snag|score) (?:this|these) .*\bdeals?\b"
)
# Narrower again, for clustering, which must not take news for an offer: "oil at a record low", "the best trade deal",
# "a cut would save $5 billion", "shares 40% off their peak", "goes on sale".
_BARGAIN = re.compile(
    r"\b\d+(?:%| percent) off\b(?! (?:its|their|of|from|record|highs?|peak)\b)|[$£€]\d[\d,.]* off\b|"
    r"\blowest[- ]ever[- ]price|\blowest[- ]price (?:ever|yet)\b|\b(?:record|new|all-time)[- ]low[- ]price|"
    r"\bbest[- ](?:ever[- ])?price|\bcoupon codes?\b|\bpromo codes?\b|"
    r"\bsave (?:up to |almost |over |more than )?"
    r"(?:[$£€]\d[\d,.]*+(?! ?(?:[kmbt]n?|[mbtr]+illion)\b)|\d+(?:%| percent)(?! of\b))|"
    r"\b(?:best|top|early|daily|today'?s|this week'?s|(?:spring|summer|holiday|weekend|prime)(?: \w+)?) "
    r"(?:[\w&'-]+ ){0,3}deals\b|\bdeals (?:of the (?:day|week)|to shop|live now|days?\b)|\bcodes? (?:and|&) deals\b|"
    r"[$£€]\d[\d,.]* low price\b|\b(?:low price|on sale) (?:at|on) (?:amazon|walmart|best buy|target)\b|"
    r"\bon sale right now\b|\b(?:massively|heavily) discounted\b|\bdiscounted (?:at|in) (?:the )?(?:amazon|walmart)|"
    r"\bfirst(?:[- ]ever)? (?:\w+ )?discounts?\b|\b(?:early|launch[- ]day|cash|serious) discounts?\b|"
    r"\b(?:in|before|ahead of) (?:the )?amazon(?:['\u2019]?s)? (?:\w+ ){0,2}(?:spring|summer|holiday|prime|deal)\b|"
    r"\bgift (?:guide|ideas)\b|\bbest (?:[\w&'-]+ ){0,3}gifts\b|"
    # The name of a sale is in news, too: "Strike on Black Friday", "Black Friday sales hit a record".
    rf"(?:{_SALES}).*(?:{_BEST})|(?:{_BEST}).*(?:{_SALES})|"
    rf"(?:{_SALES}).*(?:{_OFFERS})(?: 20\d\d)?(?:$|:| [-\u2013\u2014] )|"
    rf"(?:{_BEST})(?! of\b)[ -](?:[\w&'-]+[ -]){{0,2}}(?:{_OFFERS})|おすすめ.{{0,20}}セール|セール.{{0,20}}おすすめ",
    re.IGNORECASE,
)
_SUMS_UP = re.compile(
    r"\bof the week\b|\bthe week['\u2019]s\b|\bweek in review\b|\b(?:this|past) week in\b|^top stories:|"
    r"\b(?:daily|weekly) (?:[\w&'-]+ news|digest|round-?up|recap)\b|\bnews (?:digest|round-?up|recap)\b|"
    r"\b(?:catch|caught) up (?:with|on) the\b.* \d{1,2}(?:, \d{4})?$|"
    r"wochenrückblick|links der woche|\bla semaine en\b|\bla semana en\b|итоги недели|今週のまとめ|一周(?:回顾|要闻)",
    re.IGNORECASE,
)
_OF_SEARCH = {
    "deals": re.compile(_DEALS, re.IGNORECASE),
    "sponsored": re.compile(_SPONSORED, re.IGNORECASE),
    "how-to": re.compile(_HOW_TO, re.IGNORECASE),
}


def reports_no_event(title: str, title_kinds: Collection[str]) -> bool:
    """Return whether a title offers goods at a lower price, or sums up the news of a day or week.

    title_kinds: its `kinds`

    >>> [reports_no_event(title, kinds(title)) for title in ("The best early TV deals", "Oil falls to a record low")]
    [True, False]
    """
    return ("deal" in title_kinds and _BARGAIN.search(title) is not None) or (
        "roundup" in title_kinds and _SUMS_UP.search(title) is not None
    )


_NAMES = {
    "puzzle": "puzzles",
    "horoscope": "puzzles",
    "lottery": "puzzles",
    "review": "reviews",
    "roundup": "roundups",
    "watch": "how-to",
    "jobs": "jobs",
    "alert": "advisories",
    "earnings": "earnings",
    "release": "releases",
}
KINDS = ("sponsored", *sorted({*_NAMES.values(), "deals", "how-to"}))
"""What `kind:` of a search can name."""

_TAGS = {
    "sponsored": frozenset(
        ("sponsored", "sponsored content", "sponsored post", "sponsored posts", "advertorial", "partner content",
         "paid content", "promoted", "branded content")
    ),
    "deals": frozenset(("deals", "deal", "bargains", "shopping deals")),
    "how-to": frozenset(("how-to", "how to", "howto", "tutorial", "tutorials")),
    "reviews": frozenset(("review", "reviews")),
    "jobs": frozenset(("jobs", "job")),
}  # fmt: skip
_ADDRESS = {
    "sponsored": re.compile(r"/(?:sponsored|sponsor|advertorial|partner-content|paid-content|brandvoice)(?:[/-]|$)"),
    "deals": re.compile(r"/deals?/"),
    "how-to": re.compile(r"/how-?to/"),
    "reviews": re.compile(r"/reviews?/"),
}


def entry_kinds(title: str, tags: Iterable[str] = (), link: str = "") -> frozenset[str]:
    """Return which of `KINDS` an entry is of, by its title, its tags and the sections that its address names.

    >>> sorted(entry_kinds("How to block AI crawlers"))
    ['how-to']
    """
    results = {_NAMES[kind] for kind in kinds(title) if kind in _NAMES}
    results |= {name for name, pattern in _OF_SEARCH.items() if pattern.search(title)}
    lower = {tag.casefold().strip() for tag in tags}
    results |= {name for name, names in _TAGS.items() if not names.isdisjoint(lower)}
    if link:
        path = link.lower().partition("?")[0]
        results |= {name for name, pattern in _ADDRESS.items() if pattern.search(path)}
    return frozenset(results)


def kind_named(text: str) -> str:
    """Return the kind of `KINDS` that *text* names in singular or plural, "" for none.

    >>> kind_named("deal"), kind_named("How-To")
    ('deals', 'how-to')
    """
    lower = text.casefold().strip()
    irregular = {"howto": "how-to", "how to": "how-to", "advisory": "advisories", "sponsor": "sponsored"}
    return next((kind for kind in KINDS if lower in (kind, kind.removesuffix("s"))), irregular.get(lower, ""))
