"""Split text into words: the one tokenizer that matching, search and scoring share."""

from __future__ import annotations

import re
import unicodedata
from itertools import chain

# What a word is

# Observed in headlines: "Amazon's" and "Amazon", "U.S." and "US", "2 gigawatts", "2-gigawatt" and "2GW",
# "$1.4 million" and "1.4m", "1,400,000" and "1.4 million" (these two stay apart), "state-of-the-art", "e-mail"
# and "email", "l'Oréal", "AT&T", "C++".
# Rule: compatibility forms, case and Latin or Greek accents are folded. Hyphenated words are split, except
# after a single letter (e-mail, x-ray). A number keeps decimals and takes a following unit; separators of
# thousands and signs of currency go. Writing without spaces becomes pairs of characters.
# Known to be wrong: "US" and "us" are one word; "wi-fi" and "wifi" are two; a German "1.400" stays "1.400".

_SCALES = {
    "k": ("k", "thousand", "tsd"),
    "m": ("m", "mn", "mln", "mio", "million", "millions", "millionen", "millones"),
    "bn": ("b", "bn", "mrd", "md", "billion", "billions", "milliarden", "milliards"),
    "tn": ("t", "tn", "trn", "trillion", "trillions"),
    "%": ("%", "percent", "per cent", "pct", "prozent"),
    "gw": ("gw", "gigawatt", "gigawatts"),
    "mw": ("mw", "megawatt", "megawatts"),
    "gwh": ("gwh", "gigawatt-hours", "gigawatt hours"),
    "kwh": ("kwh", "kilowatt-hours", "kilowatt hours"),
    "gb": ("gb", "gigabyte", "gigabytes"),
    "tb": ("tb", "terabyte", "terabytes"),
    "mb": ("mb", "megabyte", "megabytes"),
    "ghz": ("ghz", "gigahertz"),
    "km": ("km", "kilometer", "kilometers", "kilometre", "kilometres"),
    "kg": ("kg", "kilogram", "kilograms"),
    "nm": ("nm", "nanometer", "nanometre"),
}
_UNIT = {spelling: unit for unit, spellings in _SCALES.items() for spelling in spellings}
_APART = "|".join(sorted((s for s in _UNIT if len(s) > 1), key=lambda s: (-len(s), s)))
_GLUED = "|".join(sorted((s for s in _UNIT if len(s) == 1 and s.isalpha()), key=lambda s: (-len(s), s)))

_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0dff"


def _word_pattern(letter: str) -> re.Pattern[str]:
    return re.compile(
        rf"(\d+(?:[.,]\d+)*)(?:(?:[ -]?({_APART})|({_GLUED}))(?!{letter})|(%)|({letter}*))"
        rf"|(c\+\+|[cf]\#(?!{letter}))"
        rf"|((?<![\w'.-])[a-z]-[a-z]+(?!{letter})(?:'{letter}+)*)"
        rf"|((?<![\w'.])[^\W\d_](?:\.[^\W\d_])+(?!{letter}))"
        rf"|({letter}+(?:(?<=\d)\.\d+)*(?:['&]{letter}+)*)"
    )


_ASCII_WORD = _word_pattern("[a-z0-9]")
_ANY_WORD = _word_pattern(f"[^\\W_]|[{_MARKS}]".join(("(?:", ")")))

# Han, kana, bopomofo, Thai, Lao, Khmer and Burmese are written without spaces.
UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30fa\u30fc-\u30ff\u3100-\u312f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
"""One group: a run of them."""

_CONTRACTED = {"s", "re", "ve", "ll", "d", "m"}
_ELIDED = {"l", "d", "j", "n", "c", "m", "t", "s", "qu", "jusqu", "lorsqu", "dell", "all", "nell", "sull", "un"}

_FOLDED = {
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه",
    "ی": "ي", "ک": "ك", "ہ": "ه", "ھ": "ه",
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ё": "е", "ß": "ss",
}  # fmt: skip


class _Fold(dict[int, str]):
    """One character as it counts in a word, worked out when first met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = _FOLDED.get(char, char)
        if folded in "’‘ʼ´`＇":
            folded = "'"
        elif folded in "‐‑‒":
            folded = "-"
        elif folded in "_।॥\u200b":
            folded = " "
        elif folded in "\u0640\u00ad\u200c\u200d\u2060\ufeff":
            folded = ""
        elif 0xC0 <= code < 0x400 or 0x1E00 <= code < 0x2000:
            folded = "".join(c for c in unicodedata.normalize("NFD", folded) if not unicodedata.combining(c))
        elif 0x300 <= code < 0x370 or (0x591 <= code < 0x660 and unicodedata.combining(char)):
            folded = ""
        self[code] = folded
        return folded


_FOLD = _Fold({ord(sign): " " for sign in "™®©℠"})
_SIGNS = re.compile("[™®©℠]")


def words(text: str) -> list[str]:
    """Return the words of *text*, in order, as deduplication, search and scoring count them.

    The same text gives the same words for ever: "Amazon's 2-gigawatt, $1.4 million Café" is
    amazon, 2gw, 1.4m, cafe. Nothing is stemmed or left out. About 5 µs for 100 characters.
    """
    if text.isascii():
        return _words(text.lower())
    folded = unicodedata.normalize("NFKC", _SIGNS.sub(" ", text)).casefold().translate(_FOLD)
    if not UNSPACED.search(folded):
        return _words(folded)
    results: list[str] = []
    for position, piece in enumerate(UNSPACED.split(folded)):
        if position % 2 == 0:
            results += _words(piece)
        elif len(piece) == 1:
            results.append(piece)
        else:
            results += [piece[i : i + 2] for i in range(len(piece) - 1)]
    return results


# White space ends every word but an amount, whose unit may stand behind a space: "2 gigawatts", "3 per cent". All else
# is read token by token, and a token that was met before is not read again; equal words are one string, too.
AMOUNT = re.compile(rf"\d(?: (?:{_APART})|-?(?:{'|'.join(sorted(s for s in _UNIT if ' ' in s))}))")
_TOKENS, _TOKEN = 8_192, 40
"""How many tokens are kept, and of how many characters at most: longer ones do not come again."""


def _words(folded: str) -> list[str]:
    results: list[str] = []
    at = 0
    amount = AMOUNT.search(folded)
    while amount:
        start = folded.rfind(" ", at, amount.start()) + 1 or at
        end = _space(folded, amount.end())
        following = AMOUNT.search(folded, amount.end())
        while following and following.start() < end:  # "2 km-3 gigawatts"
            end = _space(folded, following.end())
            following = AMOUNT.search(folded, following.end())
        results += chain.from_iterable(map(_KNOWN.__getitem__, folded[at:start].split()))
        results += _read(folded[start:end])
        at, amount = end, following
    results += chain.from_iterable(map(_KNOWN.__getitem__, folded[at:].split()))
    return results


def _space(text: str, at: int) -> int:
    """Return the position of the next space, else the end of *text*."""
    position = text.find(" ", at)
    return position if position >= 0 else len(text)


_BEHIND = ",.:;!?)"
"""Signs that end a word and are part of none."""


class _Tokens(dict[str, tuple[str, ...]]):
    """The words of a token, worked out when first met."""

    def __missing__(self, token: str) -> tuple[str, ...]:
        # Most new tokens are a plain word, or one with a sign behind it; the pattern takes ten times as long.
        if token.isascii() and token[0].isalpha() and token.isalnum():
            tokens: tuple[str, ...] = (token,)
        elif token.isascii() and token[0].isalpha() and token[-1] in _BEHIND and token[:-1].isalnum():
            tokens = self[token[:-1]]
        else:
            tokens = tuple(_read(token))
        if len(token) <= _TOKEN:
            if len(self) >= _TOKENS:
                self.clear()
            self[token] = tokens
        return tokens


_KNOWN = _Tokens()


def _read(folded: str) -> list[str]:
    results: list[str] = []
    pattern = _ASCII_WORD if folded.isascii() else _ANY_WORD
    for number, apart, glued, percent, tail, named, joined, dotted, word in pattern.findall(folded):
        if word:
            if word.isalnum():
                results.append(word)
            else:
                results += _pieces(word)
        elif number:
            unit = apart or glued or percent
            if not number.isdigit():
                number = _number(number)
            results.append(number + (_UNIT[unit] if unit else tail))
        elif dotted:
            results.append(dotted.replace(".", ""))
        elif joined:
            results += _pieces(joined.replace("-", ""))
        else:
            results.append(named)
    return results


def _pieces(word: str) -> list[str]:
    """Split a word that contains an apostrophe, an ampersand or a decimal point."""
    if "&" in word:
        pieces = [piece for part in word.split("&") for piece in _pieces(part)]
        return ["".join(pieces)] if max(map(len, pieces)) <= 3 else pieces  # AT&T, R&D
    if "'" not in word:
        return [word]  # v3.5.1, tmobile
    head, _, tail = word.partition("'")
    if tail in _CONTRACTED:
        return [head]
    if head in _ELIDED and len(tail) > 2:
        return _pieces(tail)
    return [word.replace("'", "")]  # don't, O'Brien


def _number(number: str) -> str:
    """Return *number* without separators of thousands and with a point before decimals."""
    groups = re.split(r"[.,]", number)
    separators = [c for c in number if c in ".,"]
    thousands = all(len(group) == 3 for group in groups[1:])
    if "." not in separators:
        if thousands:
            return "".join(groups)  # 1,400,000
        return number.replace(",", ".")  # 1,4
    if "," not in separators:
        # One point is a decimal point; 3.5.1 is a version, 1.400.000 a number.
        return "".join(groups) if len(groups) > 2 and thousands else number
    integer, decimals = groups[:-1], groups[-1]
    return "".join(integer) + "." + decimals  # 1,234.5 and 1.234,5


def pairs(text: str) -> str:
    """Return *text* with its writing without spaces in overlapping pairs: `AI中国人` is `AI 中国 国人 人`.

    For an index that takes a run of such characters for one word. The last character stands alone,
    so that each can be found by a word that begins with it. "" for text that is all in other writing.
    """
    if text.isascii() or not UNSPACED.search(text):
        return ""
    pieces = UNSPACED.split(unicodedata.normalize("NFKC", text))
    for place in range(1, len(pieces), 2):
        run = pieces[place]
        pieces[place] = " ".join(run[i : i + 2] for i in range(len(run)))
    return " ".join(pieces)
