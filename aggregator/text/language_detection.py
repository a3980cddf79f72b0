"""Detect the language of a short text, with the 97-language model of `py3langid`.

The model takes a second and 100 MB to load, so this runs in a separate process (`groundswell detect-languages`), and
only the result is kept. Headlines are short: below `MIN_CONFIDENCE` or `MIN_LETTERS` there is no result. Known to be
wrong: closely related languages (Norwegian and Danish, Serbian and Croatian).
"""

from __future__ import annotations

from collections.abc import Callable

from py3langid.langid import MODEL_FILE, LanguageIdentifier

MIN_CONFIDENCE = 0.8
MIN_LETTERS = 20
MIN_WIDE_LETTERS = 6
"""For Chinese, Japanese and Korean, where a character carries as much as a word."""
MAX_CHARS = 500
COMMON = (
    *("ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it", "ja"),
    *("ko", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sr", "sv", "th", "tr", "uk", "vi", "zh"),
)
"""Languages that most feeds are written in."""
_SAME = {"wuu": "zh", "yue": "zh", "nb": "no"}
_FIRST_WIDE = "\u3040"


def detector() -> Callable[[str], str]:
    """Return a function from a text to its language tag, "" if unclear."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def detect(text: str) -> str:
        text = text[:MAX_CHARS]
        letters = [character for character in text if character.isalpha()]
        wide = sum(character >= _FIRST_WIDE for character in letters)
        if len(letters) < MIN_LETTERS and wide < MIN_WIDE_LETTERS:
            return ""
        language, confidence = identifier.classify(text)
        language = _SAME.get(language, language)
        # Three Chinese languages share the confidence of one text.
        return language if confidence >= (MIN_CONFIDENCE if language != "zh" else 0.4) else ""

    return detect


def guesser() -> Callable[[str], str]:
    """Return a function from a text to its most likely language among `COMMON`.

    Among all 97, the model takes every tenth short English headline for Latin, Shona or the like.
    """
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages([tag for tag in COMMON if tag in identifier.nb_classes])

    def guess(text: str) -> str:
        language: str = identifier.classify(text[:MAX_CHARS])[0]
        return language

    return guess
