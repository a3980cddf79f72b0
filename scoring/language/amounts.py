"""Find the sentences, amounts and names of a text.

Knows how English news prints amounts, and which numbers are none: dates, times, versions, names. A missed amount is
better than a wrong one. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from aggregator.text.markup import plain
from aggregator.text.tokens import words
from scoring.language.terms import term

# A full stop after these does not end a sentence.
_SHORT = {
    "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "etc", "inc", "corp", "ltd", "co", "no", "nos", "fig",
    "approx", "est", "dept", "gov", "gen", "sen", "rep", "rev", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep",
    "sept", "oct", "nov", "dec", "u.s", "u.k", "e.g", "i.e", "a.m", "p.m", "u.n", "d.c",
}  # fmt: skip
_END = re.compile(r"(?:[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[」』”]*)")
_BLOCK = re.compile(r"</?(?:p|br|li|ul|ol|h[1-6]|div|blockquote|pre|table|t[rdh]|figure|figcaption)\b[^>]*>", re.I)
_OPENS = re.compile(r"[\"'“‘(\[]*[A-Z0-9$€£À-Þ]|[^\x00-\x7f]")


def sentences(text: str) -> list[str]:
    """Return the sentences of a plain text, without white space around them."""
    results: list[str] = []
    start = 0
    for end in _END.finditer(text):
        before = text[start : end.start()].rsplit(None, 1)
        last = before[-1].casefold().strip("(\"'“‘") if before else ""
        rest = text[end.end() :].lstrip()
        if end[0].startswith(".") and (last in _SHORT or (len(last) == 1 and last.isalpha())):
            continue
        if rest and not _OPENS.match(rest):
            continue
        results.append(text[start : end.end()])
        start = end.end()
    results.append(text[start:])
    return [sentence for part in results if (sentence := " ".join(part.split()))]


def sentences_of_html(content: str) -> list[str]:
    """Return the sentences of stored HTML; a paragraph ends a sentence."""
    return [sentence for block in _BLOCK.split(content) if block.strip() for sentence in sentences(plain(block))]


# Figures

_SCALES = {
    "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9, "b": 1e9,
    "trillion": 1e12, "tn": 1e12,
}  # fmt: skip
_SPELLED = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12,
}  # fmt: skip
_CURRENCIES = {"$": "$", "us$": "$", "€": "€", "£": "£", "¥": "¥", "₹": "₹"}
_UNITS = {
    "dollar": "$", "euro": "€", "pound": "£", "yen": "¥", "rupee": "₹", "gw": "gigawatt", "mw": "megawatt",
    "tb": "terabyte", "gb": "gigabyte", "mb": "megabyte", "kg": "kilogram", "km": "kilometr", "kilometer": "kilometr",
}  # fmt: skip
_MONTHS = {
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
}  # fmt: skip
# Words after a number that make it a time, a rank, or a comparison.
_NO_UNIT = _MONTHS | {
    "am", "pm", "a.m", "p.m", "and", "or", "of", "in", "to", "the", "on", "at", "by", "for", "from", "with", "is",
    "are", "was", "were", "as", "than", "that", "which", "who", "per", "but", "points", "things", "ways", "times",
}  # fmt: skip
# Words before a number that make it a name: "phase 3".
_NUMBERED = {
    "phase", "version", "chapter", "page", "section", "level", "part", "stage", "step", "tier", "type", "class",
    "grade", "number", "no", "round", "day", "week", "episode", "season", "series", "generation", "fab", "building",
    "line", "article", "rule", "route", "highway",
}  # fmt: skip
_NO_PLURAL = ("people", "percent", "kilometre", "kilometer")
_BOUNDS = {
    "least": "at least", "over": "at least", "than": "at least", "exceeding": "at least", "nearly": "at most",
    "almost": "at most", "under": "at most", "most": "at most", "to": "at most", "about": "about",
    "around": "about", "roughly": "about", "some": "about", "approximately": "about", "estimated": "about",
}  # fmt: skip
_SEPARATE = r"(?<![\w.,:/\-–+#@&])"
_FIGURE = re.compile(
    rf"{_SEPARATE}(?:(?P<currency>US\$|[$€£¥₹])\s?)?(?P<number>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?![\d:/])(?!\.\d)(?:(?P<percent>\s?%|\s(?:percent|per cent)\b)"
    r"|\s?(?P<scale>thousand|million|billion|trillion|bn|mn|tn)\b|(?P<letter>[kKmMbB])\b)?"
)
_WORD_FIGURE = re.compile(
    rf"{_SEPARATE}(?P<number>{'|'.join(_SPELLED)})(?:\s(?P<scale>million|billion|trillion)\b)?(?=[\s-][a-zA-Z])",
    re.I,
)
_TOKEN = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*")
_YEARS = range(1900, 2100)
_MAX_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Figure:
    """An amount with its unit, as a text prints it."""

    value: float
    unit: str
    """`$`, `%`, or the stem of what is counted: `chip`."""
    step: float
    """Its precision: the value of its last digit that is not a padding zero."""
    bound: str
    """`at least`, `at most`, `about`, or "" for an exact amount."""
    text: str
    """As printed, with its unit: `1.4 million Trainium chips`."""
    start: int

    def same(self, other: Figure) -> bool:
        """Return whether both are one amount: the more precise rounds to the other, which has two digits at least."""
        if self.unit != other.unit:
            return False
        coarse, fine = (self, other) if self.step >= other.step else (other, self)
        if abs(coarse.value - fine.value) <= 1e-9 * max(abs(coarse.value), 1.0):
            return True
        return abs(coarse.value - fine.value) <= coarse.step / 2 and coarse.value >= 10 * coarse.step

    def differs(self, other: Figure) -> bool:
        """Return whether the amounts contradict: they differ by more than rounding, and neither is a bound."""
        if self.unit != other.unit or self.bound or other.bound:
            return False
        return abs(self.value - other.value) > max(self.step, other.step)


def figures(sentence: str) -> list[Figure]:
    """Return the amounts of a sentence in order; a number without a unit is not an amount."""
    results = [figure for match in _FIGURE.finditer(sentence) if (figure := _figure(sentence, match))]
    results += [figure for match in _WORD_FIGURE.finditer(sentence) if (figure := _spelled(sentence, match))]
    return sorted(results, key=lambda figure: figure.start)


def _figure(sentence: str, match: re.Match[str]) -> Figure | None:
    digits = match["number"].replace(",", "")
    if len(digits) > _MAX_DIGITS:
        return None
    scale = _SCALES[(match["scale"] or match["letter"] or "").casefold()] if match["scale"] or match["letter"] else 1.0
    if match["letter"] and not match["currency"]:
        return None  # "5k" is a run, "3M" a company
    value = float(digits) * scale
    step = _step(digits) * scale
    bound = _bound(sentence[: match.start()])
    if match["percent"]:
        text, after = _ranged(sentence, match), sentence[match.end() :]
        return None if after.startswith(" point") else Figure(value, "%", step, bound, text, match.start())
    if match["currency"]:
        unit = _CURRENCIES[match["currency"].casefold()]
        return Figure(value, unit, step, bound, _ranged(sentence, match), match.start())
    plain_number = not match["scale"]
    if plain_number and (_is_year(digits) or _part_of_a_name(sentence[: match.start()])):
        return None
    unit, text = _counted(sentence, match.start(), match.end())
    return Figure(value, unit, step, bound, text, match.start()) if unit else None


def _spelled(sentence: str, match: re.Match[str]) -> Figure | None:
    unit, text = _counted(sentence, match.start(), match.end())
    if not unit:
        return None
    bound = _bound(sentence[: match.start()])
    scale = _SCALES[match["scale"].casefold()] if match["scale"] else 1.0
    return Figure(_SPELLED[match["number"].casefold()] * scale, unit, scale, bound, text, match.start())


def _ranged(sentence: str, match: re.Match[str]) -> str:
    """Return an amount as printed, with the other end of its range: `30 to 40 percent`."""
    before = re.search(r"\d[\d,.]* to $", sentence[: match.start()])
    return (before[0] if before else "") + match[0].strip()


def _step(digits: str) -> float:
    integer, _, decimals = digits.partition(".")
    if decimals:
        return float(10.0 ** -len(decimals))
    return float(10 ** (len(integer) - len(integer.rstrip("0")))) if integer.strip("0") else 1.0


def _is_year(digits: str) -> bool:
    return digits.isdigit() and len(digits) == 4 and int(digits) in _YEARS


def _bound(before: str) -> str:
    last = before.split()[-2:]
    if len(last) == 2 and last[1] == "to" and last[0].casefold() != "up":
        return "about"  # "from 12 to 14", "30 to 40": one end of a range
    return _BOUNDS.get(last[-1].casefold(), "") if last else ""


def _part_of_a_name(before: str) -> bool:
    """Return whether the number after *before* belongs to a name: "Atlas 2", "Section 230"."""
    tokens = before.split()
    if not tokens or before.rstrip()[-1:] in ',;:()“”"':
        return False
    last = tokens[-1]
    if last.casefold().strip(".") in _MONTHS or last.casefold() in _NUMBERED:
        return True
    # The first word of a sentence is always capitalized; a stop word is not a name.
    return last[:1].isupper() and (len(tokens) > 1 or bool(term(last.casefold())))


def _counted(sentence: str, start: int, end: int) -> tuple[str, str]:
    """Return what is counted, as a stem, and the whole phrase; "" for both if nothing is.

    Names and adjectives may come between: "400 GPU kernels", "320 billable actions". What is counted is a plural, or
    attached to the number: "2-gigawatt", "48GB".
    """
    at = end
    for _ in range(3):
        gap = re.match(r"[\s-]?", sentence[at:])
        token = _TOKEN.match(sentence, at + (gap.end() if gap else 0))
        if token is None:
            break
        word, hangs = token[0].partition("-")[0], at == end and sentence[at : at + 1] != " "
        low = word.casefold()
        if low in _NO_UNIT or (hangs and gap is not None and not gap[0] and len(word) > 4):
            break
        stem = term(next(iter(words(low)), ""))
        plural = (low.endswith("s") and not low.endswith(("ss", "us", "is", "gas"))) or low in _NO_PLURAL
        if stem in _UNITS or (stem and (hangs or (plural and word.islower()))):
            return ("", "") if stem.isdigit() else (_UNITS.get(stem, stem), sentence[start : token.start() + len(word)])
        at = token.end()
    return "", ""


# Names

_ALWAYS_CAPITAL = _MONTHS | {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "i"}


def names(sentence: str) -> set[str]:
    """Return the capitalized words, case folded; the first word only if it is in capitals or mixed case."""
    return {word for word, first in _capitals(sentence) if not first}


def capitals(sentence: str) -> set[str]:
    """Return every capitalized word, case folded, including the first."""
    return {word for word, _ in _capitals(sentence)}


def _capitals(sentence: str) -> Iterator[tuple[str, bool]]:
    opening = True
    for token in _TOKEN.finditer(sentence):
        word = re.sub(r"['’]s$", "", token[0])
        first, opening = opening, False
        if word.casefold() in _ALWAYS_CAPITAL or not any(letter.isupper() for letter in word):
            continue
        inner = any(letter.isupper() for letter in word[1:])
        yield word.casefold(), first and not inner


def numbers(text: str) -> set[str]:
    """Return every number with its decimals, without thousands separators: `1.4`, `2026`, `9700`."""
    return {match[0].replace(",", "").rstrip(".") for match in re.finditer(r"\d(?:[\d,.]*\d)?", text)}
