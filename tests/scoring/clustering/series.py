"""Generate series of look-alikes: events reported with fixed wording by many sources, and by some in other words.

Everything is invented: names are syllables from a seeded generator, and the wordings are written here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import Formatter

_SYLLABLES = (
    "ba bel bor cor dal den dra fen gal gri hal ing kar kel lor lun mar mir nor ost pel quil ran rov sel tam tor ul "
    "ven wex yar zan"
)
_NOUNS = (
    "kettle lamp bridge garden piano engine ladder mirror pillow anchor basket candle drill fountain glove hammer iron "
    "jacket kayak lantern mattress needle oven printer quilt razor saddle toaster umbrella vase wagon zipper camera "
    "speaker keyboard blender vacuum heater router tablet drone scooter backpack tent guitar telescope"
)
_SUBJECTS = (
    "housing tides gravel archives beekeeping tunnels salaries orchards glaciers ferries libraries turbines ceramics "
    "wetlands railways pensions vaccines satellites harvests theatres quarries passports mosses sewers tariffs"
)
_SIGNS = "Aries Taurus Gemini Cancer Leo Virgo Libra Scorpio Sagittarius Capricorn Aquarius Pisces"
_ROLES = "nurse welder pharmacist surveyor translator electrician librarian baker architect auditor plumber geologist"
_DAYS = "Monday Tuesday Wednesday Thursday Friday"

KINDS: dict[str, Sequence[tuple[str, str]]] = {
    "numbered gadgets": [("{e} gadget number {i}: the quiet {w}", "")],
    "tours": [("Walking tour {i} around {p} harbour", "")],
    "quarter": [
        (
            "{a} Q2 earnings beat expectations, shares rise {n}%",
            "The company posted quarterly revenue of ${m} million.",
        ),
        (
            "Strong {w} sales lift {a} above second-quarter forecasts",
            "{a} posted revenue of ${m} million and raised its outlook.",
        ),
    ],
    "estimates": [
        ("{a} Reports Second Quarter 2026 Results", "{a} today announced financial results for the second quarter.")
    ],
    "horoscope": [("{s} horoscope today: what the stars have in store", "Love, money and health for {s}.")],
    "match": [
        ("{a} {n}-{m} {b}: report and ratings", ""),
        ("{b} lose to {a} as {p} crowd sees late drama", "It ended {n}-{m}."),
    ],
    "preview": [
        (
            "{a} vs {b}: prediction, team news, kick-off time and odds",
            "Everything that you need to know before the game.",
        )
    ],
    "warning": [
        (
            "Thunderstorm warning for {p} county until evening",
            "Frequent lightning and heavy rain are expected. Avoid travel.",
        )
    ],
    "boil": [("Boil water notice issued for parts of {p}", "Residents are asked to boil water before drinking it.")],
    "release": [
        ("{a} {x}.{y} released", "Bug fixes and performance improvements."),
        ("What is new in {a} {x}.{y}", "{a} {x}.{y} brings a rewritten {w} module."),
    ],
    "changelog": [("Release notes: version {x}.{y}.{i}", "Fixes a crash in {w}. Improves {v}.")],
    "links": [("{d} links: {v} and other things we read", "A list of links.")],
    "weekly": [("The weekly {v} digest, issue {i}", "Our newsletter about {v}.")],
    "deal": [("The best {w} deals right now, from ${n}", "We picked the best offers on {w}s at this moment.")],
    "price": [("{a} {w} drops to lowest price ever at ${m}", "Save on the {a} {w} today only.")],
    "funding": [
        ("{a} raises ${n}M Series B to build software for {v}", "The round was led by {b} Ventures."),
        ("{b} Ventures leads ${n}M round for {v} start-up {a}", "{a} sells software."),
    ],
    "appointment": [("{a} appoints {a} {b} as chief technology officer", "The company announced the appointment.")],
    "obituary": [("{a} {b}, who studied {v}, dies at {m}", "Colleagues remember a tireless researcher.")],
    "podcast": [("Episode {i}: {a} {b} on {v}", "In this episode we talk with {a} {b}.")],
    "recipe": [("How to clean your {w} in {n} easy steps", "You need vinegar, a cloth and patience.")],
    "jobs": [("{r} wanted in {p} (full time)", "Apply with a letter and a resume.")],
    "roads": [("Road closed after crash near {p}", "Police ask drivers to avoid the area.")],
    "gold": [("Gold rate in {p} today: check latest prices", "The price of 10 grams in {p}.")],
    "cve": [("CVE-2026-{k}: flaw in {a} lets attackers run code", "A vulnerability in {a} was found.")],
    "review": [("{a} {w} review: nearly perfect", "We tested the {a} {w} for two weeks.")],
    "paper": [("Towards robust {v} estimation with sparse {w} priors", "We propose a method and show results.")],
    "election": [("{p} council election results {d}: full list", "Votes were counted overnight.")],
    "school": [("School closures in {p} due to snow", "The district announced closures.")],
    "events": [("Things to do in {p} this weekend", "Markets, concerts and walks.")],
    "hours": [("Is the {p} post office open on {d}?", "Opening hours on the holiday.")],
    "lawsuit": [
        ("{a} sued over {w} recall", "The suit was filed in {p}."),
        ("Owners of faulty {w}s take {a} to court", "They say that {a} knew. The suit was filed in {p}."),
    ],
    "merger": [
        ("{a} to acquire {b} for ${m} million", "The companies announced the deal."),
        ("{b} agrees to ${m} million takeover by {a}", "The board backs the offer."),
    ],
    "outage": [
        ("{a} down? Users report problems with login", "Reports rose sharply."),
        ("{a} says service restored after login outage", "Users of {a} could not log in for two hours."),
    ],
    "layoffs": [
        ("{a} to cut {n}00 jobs in {p}", "The company told staff."),
        ("{n}00 workers in {p} lose their jobs at {a}", "Unions protest."),
    ],
}
"""Headline and summary of each kind: first the wording of the series, then how another source may report the thing.

a, b, c   names of companies, teams, products or people; e is one name for the whole series
p         a place; w, v a thing and a subject; r a profession; s a sign of the zodiac; d a weekday, one for the series
n, m, k   numbers, small to large; i, y count up in the series; x is a small number
"""


@dataclass(frozen=True, slots=True)
class Row:
    """An entry of a series."""

    kind: str
    thing: int
    """Rows of one kind and thing report one event."""
    source: str
    minutes: int
    """After the series began."""
    title: str
    summary: str


def rows(kind: str, seed: int, things: int = 8) -> Iterator[Row]:
    """Yield a series in chronological order: each event in the series' wording, and most also in other wordings."""
    rng = random.Random(f"{kind} {seed}")
    nouns, subjects, signs, roles = (rng.sample(pool.split(), things) for pool in (_NOUNS, _SUBJECTS, _SIGNS, _ROLES))
    everywhere = {"e": _name(rng), "d": rng.choice(_DAYS.split())}
    results: list[Row] = []
    minutes = 0
    for thing in range(things):
        values = everywhere | {key: _name(rng) for key in "abcp"}
        values |= {"w": nouns[thing], "v": subjects[thing], "s": signs[thing], "r": roles[thing].capitalize()}
        values |= {"n": str(rng.randint(2, 9)), "m": str(rng.randint(40, 95)), "k": str(rng.randint(10_000, 60_000))}
        values |= {"i": str(3 * thing + rng.randint(1, 3)), "x": str(rng.randint(1, 9)), "y": str(thing)}
        minutes += rng.randint(1, 25)
        for place, (title, summary) in enumerate(KINDS[kind]):
            if place and rng.random() < 0.3:
                continue
            source = f"source-{rng.randint(0, 30)}"
            later = place * rng.randint(5, 90)
            filled = (Formatter().vformat(text, (), values) for text in (title, summary))
            results.append(Row(kind, thing, source, minutes + later, *filled))
    yield from sorted(results, key=lambda row: row.minutes)


def _name(rng: random.Random) -> str:
    return "".join(rng.sample(_SYLLABLES.split(), rng.choice((2, 2, 3)))).capitalize()
