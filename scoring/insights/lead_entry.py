"""Choose the lead entry: the one that gives a story its headline and summary.

Knows what makes a headline clear, and which picture a story shows. The pages render both.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from aggregator.model import Embedding, Entry, Membership
from aggregator.text.title_kinds import UNUSUAL_CASE
from scoring.language.terms import STOP_WORDS, telling, terms
from scoring.meaning.embeddings import mean_cosines

CLEARLY = 0.25
"""How much clearer another entry must be to replace the lead: readers recognize a story by its headline."""

# Observed: "Live updates: ...", "What we know about ...", "You won't believe ...", "BREAKING: ...",
# "This chipmaker just ...", "The reason why ...", "... and fans are furious", "One simple trick ...",
# "Morning briefing", "Corvid 5 is out - how to try it", "19 things that ...", a headline of two words, one that is a
# whole paragraph, one in capitals.
# Rule: points for a good length, an amount and a summary; deductions for bait, tickers and comment, for addressing the
# reader, for praise, and for each empty word.
# Fitted on half of 19,216 labelled headlines; on the other half the AUC is .94 (`python -m bench.headline`), and .81
# for the share of empty words alone. Known to be wrong: a question that is the news itself ("Who is the new pope?").
BAIT = re.compile(
    r"\b(?:live(?: updates| blog|:)|what (?:we|you|to) (?:know|need)|here'?s (?:what|why|how)|you (?:won'?t|need to)|"
    r"this is (?:why|how|what)|"
    r"read the (?:\w+ )?(?:memo|letter|e-?mail|note)\b|(?:updating|watch) live|"
    r"everything (?:we|you|\w+ (?:announced|revealed|showed|unveiled))|"
    r"explained|opinion|podcast:|newsletter|(?:daily|morning|weekly) (?:\w+ )?"
    r"(?:briefings?|digests?|briefs?|roundups?|news|links)\b|round-?up|watch:|video:|photos?:|breaking:?|updated?:|"
    r"(?:best|top|early|daily|today['’]?s|\w+day) (?:[\w&'’-]+ ){0,3}deals\b|"
    r"best \d+|\d+ best|the (?:real )?reason (?:why|behind)|(?:simple|weird) trick|goes viral|fans are)|"
    r"\s[-–—] (?:and )?(?:how|where) to\b|"
    r"^(?:this|these|one) (?:\w+ ){1,3}(?:just|is|are|could|will|has|have)\b|^(?:this|these|here)\b|"
    r"^(?:the |these )?\d{1,3} (?:[\w'’-]+ ){0,5}?(?:things?|ways|reasons|times|facts|signs|tips|tricks|photos?|"
    r"pictures|questions|takeaways|lessons|moments|products|recipes|gifts|ideas|that|who|you|every|only|"
    r"\w+s (?:to|with|for|we))\b",
    re.IGNORECASE,
)

# "What 1.4 million chips mean for ...", "Why it took so long": written for readers who already know the news.
# "Are these ...", "Can AI ...": a question.
_COMMENT = re.compile(
    r"\W*(?:what|why|how|which|when|who|where|inside|meet|analysis|are|is|do|does|did|can|could|should|would|"
    r"warum|wieso|weshalb|wie|wer|kommentar|liveticker|live-ticker|newsblog|"
    r"pourquoi|comment|faut-il|peut-on|est-ce|ce que|en direct|analyse|"
    r"por qu[eé]|porque|c[oó]mo|as[ií]|qu[eé]|qui[eé]n|an[aá]lisis|an[aá]lise|en vivo|ao vivo|perch[eé]|"
    r"почему|зачем|как|что|кто|waarom|hoe)\b",
    re.IGNORECASE,
)
_COMMENT_ANYWHERE = re.compile("为何|为什么|一文(?:看|读)懂|なぜ|どうなる")
"""In writing without spaces, where the question may follow its subject."""
# Observed: newspapers report a launch, and its maker publishes "... System Card", "Introducing ..." and "How we built
# ..." on the same day; a review is "I let ... into my code". None of them states what happened. Rule: deductions for a
# maker's side posts, for the first person, and for headlines that are mostly a quotation. Known to be wrong: a
# resignation with the headline "I quit".
BESIDE_THE_NEWS = re.compile(
    r"\b(?:(?:system|model) card|addendum|appendix|case study|customer (?:story|stories)|webinar|white ?paper|how we\b|"
    r"why we\b|what we\b|our (?:approach|commitment|response|vision|journey|thoughts|take)|a note (?:on|from|to)|"
    r"(?:some )?thoughts on|lessons (?:from|learned)|behind the scenes|deep dive|getting started|get started|q&a|"
    r"frequently asked|(?:a|your|the) (?:\w+ )?guide to|hands[- ]on|first look|first impressions|review)\b",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(
    r"(?:^|[\s—–:-])(?:I|I['’](?:m|ve|d|ll)|my|we (?:tried|tested|asked|went|picked))\s", re.IGNORECASE
)
_INTRODUCING = re.compile(
    r"^(?:our|introducing|announcing|welcome to|say hello to|unveiling|presenting)\b", re.IGNORECASE
)
_QUOTED = re.compile("^['\"‘“][^'\"’”]{15,}['\"’”]")
TO_THE_READER = re.compile(
    r"(?<!\blet )(?<!\blets )(?<!\bletting )\b(?:you|yours|yourself|you['’]\w+)\b|^your\b", re.IGNORECASE
)
# "Claude Code can now use your computer", "iOS will let you choose a model": what happened, addressed to the reader.
YOUR = re.compile(r"\b(?:your|let(?:s|ting)? you)\b", re.IGNORECASE)
ADDRESSED = "you"
"""In every title that matches one of these two."""
_QUESTION = re.compile(r"\?[\s'\"’”)]+\S")
"""A question that the rest of the headline answers or continues."""
PRAISE = re.compile(
    r"\b(?:ever|literally|actually|exactly|totally|perfect(?:ly)?|amazing|adorable|hilarious|incredibl[ey]|awesome|insane|"
    r"things?|everyone|everything|nobody|never|really|probably|definitely|absolutely|gorgeous|heartbreaking|crazy|weird|"
    r"stunning|epic|obsessed|favou?rite|love|mind[- ]blowing|jaw[- ]dropping|breathtaking|game[- ]changing|"
    r"bizarre(?:ly)?|wild(?:est)?|sneaky|leapfrog(?:s|ged)?)\b",
    re.IGNORECASE,
)
# Each of these searches takes about 10 microseconds, and most headlines match none. What matches contains one of the
# literals, as a test checks; so the patterns are searched only in titles that contain one.
LITERALS_OF_BAIT = (
    *(
        "live",
        "what ",
        "here",
        "you ",
        "this",
        "everything ",
        "explained",
        "opinion",
        "podcast",
        "newsletter",
        "briefing",
    ),
    *(
        "digest",
        "brief",
        "roundup",
        "round-up",
        "watch:",
        "video:",
        "photo",
        "breaking",
        "update",
        "deals",
        "reason",
        "daily ",
        "weekly ",
    ),
    *("read the", "trick", "goes viral", "fans are", "these", "one ", "morning ", "how to", "where to"),
)
LITERALS_BESIDE_THE_NEWS = (
    *(" card", "addendum", "appendix", "case study", "customer stor", "webinar", "whitepaper", "white paper", "how we"),
    *("why we", "what we", "our ", "a note ", "thoughts on", "lessons ", "behind the scenes", "deep dive"),
    *("getting started", "get started", "q&a", "frequently asked", "guide to", "hands", "first ", "review"),
)
LITERALS_OF_PRAISE = (
    *(
        "ever",
        "literally",
        "actually",
        "exactly",
        "totally",
        "perfect",
        "amazing",
        "adorable",
        "hilarious",
        "incredibl",
    ),
    *("awesome", "insane", "thing", "nobody", "really", "probably", "definitely", "absolutely", "gorgeous"),
    *("heartbreaking", "crazy", "weird", "stunning", "epic", "obsessed", "favorite", "favourite", "love", "blowing"),
    *("dropping", "breathtaking", "game", "bizarre", "wild", "sneaky", "leapfrog"),
)
_WORD = re.compile(r"[\w'’]+")
_WIDE = re.compile("[\u3000-\u9fff\uac00-\ud7af]")


def may_count(lower: str) -> bool:
    """Return whether a title in lower case may be bait by a number: "19 things that ...", "The 5 ways", "Best 10"."""
    return lower[:1].isdigit() or lower.startswith("the ") or "best" in lower


def clarity(title: str, summary: str) -> float:
    """Return how clearly a headline states the news, about -1 to 1.3; a heuristic.

    >>> clarity("Amazon opens a data centre in Ohio with 2 gigawatts", "") > clarity("LIVE updates: Amazon!", "")
    True
    """
    lower = title.lower()
    contained = lower.__contains__
    unusual = UNUSUAL_CASE.search(title) is not None

    def searched(pattern: re.Pattern[str], literals: Sequence[str]) -> bool:
        return (unusual or any(map(contained, literals))) and pattern.search(title) is not None

    wide = 0 if title.isascii() else len(_WIDE.findall(title))
    count = len(title.split()) + wide / 2
    if count < 4:
        value = 0.1 * count
    elif count <= 16:
        value = 1.0
    else:
        value = max(0.3, 1.0 - 0.05 * (count - 16))
    digits = any(map(str.isdigit, title))
    if digits and not title[:1].isdigit():
        value += 0.1
    if len(summary) >= 60:
        value += 0.2
    if (digits and (unusual or may_count(lower)) and BAIT.search(title)) or searched(BAIT, LITERALS_OF_BAIT):
        value -= 0.5
    elif title[:1].isdigit():
        value -= 0.1
    if _COMMENT.match(title) or (wide and _COMMENT_ANYWHERE.search(title)):
        value -= 0.3
    if searched(BESIDE_THE_NEWS, LITERALS_BESIDE_THE_NEWS) or _FIRST_PERSON.search(title) or _QUOTED.match(title):
        value -= 0.4
    elif _INTRODUCING.match(title):
        value -= 0.25
    if ADDRESSED in lower:
        if TO_THE_READER.search(title):
            value -= 0.4
        elif YOUR.search(title):
            value -= 0.1
    if searched(PRAISE, LITERALS_OF_PRAISE):
        value -= 0.25
    value -= EMPTY * _empty(title)
    if title.rstrip().endswith(("?", "!", "…", "...", "？", "！")) or ("?" in title and _QUESTION.search(title)):
        value -= 0.3
    letters = list(filter(str.isalpha, title))
    if len(letters) >= 12 and sum(map(str.isupper, letters)) > 0.7 * len(letters):
        value -= 0.4
    return value


EMPTY = 0.7
"""Deduction for a headline of empty words alone. A fifth of the words of news are empty, over a third of bait."""


def _empty(title: str) -> float:
    """Return the share of empty words."""
    tokens = _WORD.findall(title)
    return sum(map(STOP_WORDS.__contains__, map(str.lower, tokens))) / len(tokens) if tokens else 0.0


# Observed: "The hottest stock market mints another giant" leads, above "Velora crosses $1tn":
# well formed, and off the point.
# Rule: a headline gains by what it has in common with the others of its story.
# Known to be wrong: "Velora's Corvid 5 video generator is a copyist's dream", a comment that names everything.
AGREEMENT = 1.0
"""Weight of `agreement` relative to clarity. In 75 stories of three or more entries it changes 24 leads: 16 are
clearer, 6 as good, and 2 less clear (docs/dev/story-pages.md)."""

# Observed: "Velora reportedly turns to Ostrix chips" leads 19 reports of Velora's conference, whose headlines share few
# words. Rule: a headline also gains by how near its meaning is to the others', the more of them there are.
# Known to be wrong: a question or a comment whose subject is the whole story.
CLOSENESS = 2.0
"""Weight of `closeness` relative to clarity in a very large story; a third of it with three headlines, .6 with five. In
225 large stories it changes 31 leads: 17 are clearer, 10 as good, and 4 less clear (docs/dev/story-pages.md)."""

MIN_COMPARED, MAX_COMPARED = 3, 30
"""Two headlines do not tell which of them is off the point; in a large story the latest are compared."""


class Headline(Struct, frozen=True):
    """An entry of a story, as far as the choice of the lead goes."""

    entry_id: int
    title: str
    clarity: float
    copy: bool
    """It reprints another entry of the story, or only links to it."""
    embedding: Embedding | None = None


def agreement(titles: Sequence[str]) -> list[float]:
    """Return how much each headline of a story says of what the others say, 0..1.

    The mean, over the others, of the share of their terms that it contains, each term counted by how telling it is.
    All 0.0 for fewer than three headlines.

    >>> titles = ["Acme sells Corvid", "Acme to sell Corvid unit", "A bird in the hand"]
    >>> [round(value, 1) for value in agreement(titles)]
    [0.4, 0.5, 0.0]
    """
    if len(titles) < MIN_COMPARED:
        return [0.0] * len(titles)
    headlines = [_telling_terms(title) for title in titles]
    shares: defaultdict[str, float] = defaultdict(float)
    for headline, total in headlines:
        for term in headline:
            shares[term] += 1.0 / total
    return [
        math.fsum([tells * (shares[term] - 1.0 / total) for term, tells in headline.items()]) / (len(titles) - 1)
        for headline, total in headlines
    ]


def closeness(embeddings: Sequence[Embedding | None]) -> list[float]:
    """Return how near the meaning of each headline of a story is to that of the others, in [-1, 1].

    The mean cosine with the others. All 0.0 for fewer than three headlines, or if they cannot all be compared.
    """
    known = [embedding for embedding in embeddings if embedding is not None]
    if len(embeddings) < MIN_COMPARED or len(known) < len(embeddings) or len({e.space for e in known}) > 1:
        return [0.0] * len(embeddings)
    return mean_cosines(known)


@lru_cache(maxsize=4_096)
def _telling_terms(title: str) -> tuple[dict[str, float], float]:
    """Return how much each term of a headline tells, and the sum of that; 1.0 for the sum of nothing.

    Cached, because a story compares all its headlines again with each entry that it gets.
    """
    headline = {term: telling(term) for term in terms(title)}
    return headline, math.fsum(headline.values()) or 1.0


def rated(headlines: Sequence[Headline]) -> list[tuple[int, float]]:
    """Return entry and value of each headline, for `choose`: its clarity, and what it has in common with the originals.

        value = clarity + agreement + 2 (1 - 2 / n) * closeness    n: the originals compared, three or more

    A copy has 1.0 less, so that any clear original comes first.
    """
    compared = [headline for headline in headlines if not headline.copy][-MAX_COMPARED:]
    agreed = agreement([headline.title for headline in compared])
    close = closeness([headline.embedding for headline in compared])
    weight = CLOSENESS * (1.0 - 2.0 / max(len(compared), 2))
    gains = {
        headline.entry_id: AGREEMENT * words + weight * meaning
        for headline, words, meaning in zip(compared, agreed, close, strict=True)
    }
    return [(h.entry_id, h.clarity - h.copy + gains.get(h.entry_id, 0.0)) for h in headlines]


def choose(values: Sequence[tuple[int, float]], present: int | None) -> int:
    """Return the lead entry of a story.

    values:  what `rated` returns: its entries in order of arrival, at least one
    present: the current lead entry, None for a new story

    The best; among equals the earliest. The current one stays unless another is clearly better.
    """
    best, best_value = max(values, key=lambda pair: pair[1])
    for entry_id, value in values:
        if entry_id == present:
            return best if best_value >= value + CLEARLY else entry_id
    return best


SMALL = 200
"""Narrower pictures, in pixels, are logos or portraits of columnists."""


def pictured(members: Sequence[tuple[Entry, Membership]], lead_entry_id: int) -> Entry | None:
    """Return the entry whose picture a story shows, None without pictures; the credit is its source's.

    members: the story's entries, oldest first

    The lead's own picture, else that of the first original, else of the first entry that has one. Pictures with a
    small stated size come last.
    """
    first: dict[str, int] = {}
    for entry, membership in members:
        first.setdefault(membership.voice, entry.entry_id)

    def order(member: tuple[Entry, Membership]) -> tuple[bool, bool, bool]:
        entry, membership = member
        assert entry.picture is not None
        small = entry.picture.width is not None and entry.picture.width < SMALL
        return (small, entry.entry_id != lead_entry_id, first[membership.voice] != entry.entry_id)

    candidates = [member for member in members if member[0].picture is not None]
    return min(candidates, key=order)[0] if candidates else None
