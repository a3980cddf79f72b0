"""Parse the values of single sections of feeds.yaml.

Alerts and rules: searches, targets of messages, quiet hours. The sentence encoder: a model and its hash. Targets
contain passwords, so errors never quote them.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from aggregator.config.values.addresses import URL_CHARS
from aggregator.config.values.basic import Kind
from aggregator.model import AlertTarget, QuietHours
from aggregator.text import search_query
from aggregator.text.tokens import words
from aggregator.translatable import Translatable

MAX_QUERY_CHARS = 400
MAX_FILTER_CHARS = 100
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}")


def _query(raw: str) -> str:
    text = " ".join(raw.split())
    if len(text) > MAX_QUERY_CHARS:
        raise ValueError(f"has {len(text)} characters; a search has at most {MAX_QUERY_CHARS}")
    # Any moment will do: only spans such as `after:7d` count from it, and the search is read again when it is used.
    query = search_query.read(text, _ANY_TIME)
    if query.notes:
        raise ValueError(f"is not a search: {query.notes[0]}")
    if query.empty:
        raise ValueError("is not a search such as score:>80 category:big-tech sources:>2")
    return text


def _rule(raw: str) -> str:
    text = " ".join(raw.split())
    if len(text) > MAX_QUERY_CHARS:
        raise ValueError(
            Translatable("has %(n)s characters; a rule has at most %(most)s", n=len(text), most=MAX_QUERY_CHARS)
        )
    matching, excepted = search_query.read_rule(text, _ANY_TIME)
    for query in (matching, excepted):
        if query is None:
            continue
        if query.notes:
            raise ValueError(Translatable("is not a search: %(problem)s", problem=query.notes[0]))
        if query.empty:
            raise ValueError(
                Translatable("is not a search such as layoffs unless score:>85, with a search on both sides of unless")
            )
        if query.after or query.before:
            raise ValueError(Translatable("contains after: or before:, which rules do not support; use 'until:'"))
    return text


def _date(raw: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", raw):
            return date.fromisoformat(raw)
    except ValueError:
        pass
    raise ValueError(Translatable("is not a date such as 2026-12-31"))


def _target(raw: str) -> AlertTarget:
    text = raw.strip()
    if text in ("", "none"):
        # What a process without the operator's variables reads (`values.AnyVariables`): it sends nothing.
        return AlertTarget("")
    if len(text) > URL_CHARS or not text.isprintable() or re.search(r"\s", text):
        raise ValueError("is not an address: it is too long, or contains white space")
    scheme, separator, rest = text.partition(":")
    if scheme == "file":
        if not rest.startswith("/"):
            raise ValueError("is not file: and the absolute path of a file that holds the address")
        return AlertTarget(text)
    if not separator or not rest.startswith("//") or not rest.strip("/") or not _SCHEME.fullmatch(scheme.lower()):
        raise ValueError("is not an address such as ntfy://ntfy.example/topic, mailto://... or https://...")
    return AlertTarget(text)


def _quiet(raw: str) -> QuietHours | None:
    if raw.lower() in ("off", "no", "none"):
        return None
    match = re.fullmatch(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})", raw)
    if match is None:
        raise ValueError("is not off or two times of day such as 22:00-07:00")
    begin_hour, begin_minute, end_hour, end_minute = map(int, match.groups())
    if max(begin_hour, end_hour) > 23 or max(begin_minute, end_minute) > 59:
        raise ValueError("has a time of day that does not exist; write 00:00 to 23:59")
    begin, end = begin_hour * 60 + begin_minute, end_hour * 60 + end_minute
    if begin == end:
        raise ValueError("starts and ends at the same time; write off, or two different times")
    return QuietHours(begin, end)


def _time_of_day(raw: str) -> int:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", raw)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError("is not a time of day such as 07:00")
    return int(match[1]) * 60 + int(match[2])


def _secret(raw: str) -> str:
    if len(raw) < 16:
        raise ValueError("is shorter than 16 characters; make one with `openssl rand -hex 32`")
    if len(raw) > 500 or not raw.isascii() or not raw.isprintable():
        raise ValueError("is not plain ASCII of up to 500 characters on one line")
    return raw


def _secret_or_unknown(raw: str) -> str:
    # As in `_target`.
    return "" if raw == "none" else _secret(raw)


def _title_filter(raw: str) -> str:
    text = " ".join(raw.split())
    if len(text) > MAX_FILTER_CHARS:
        raise ValueError(f"has {len(text)} characters; a filter has at most {MAX_FILTER_CHARS}")
    if re.search(r"\*(?!\s|$)", text):
        raise ValueError("has a '*' that is not at the end of a word; write sponsor*")
    if not words(text.removeprefix("tag:").replace("*", "")):
        raise ValueError("contains no word; expected words such as horoscope, sponsor* or tag:deals")
    return text


TITLE_FILTER = Kind("filter", _title_filter)
QUERY = Kind("search", _query)
RULE = Kind("rule", _rule)
DATE = Kind("date", _date)
TARGET = Kind("address of a service", _target, secret=True)
TIME_OF_DAY = Kind("time of day", _time_of_day)
QUIET = Kind("off or two times of day", _quiet)
SECRET = Kind("text of 16 to 500 ASCII characters", _secret_or_unknown, secret=True)


def _encoder(raw: str) -> str:
    if raw.lower() in ("none", "off"):
        return ""
    if raw.lower() == "minilm":
        return "minilm"
    if not raw.startswith("/") or len(raw) > 1_000 or not raw.isprintable():
        raise ValueError("is not none, minilm or the absolute path of a model, such as /srv/models/encoder.onnx")
    return raw


def _sha256(raw: str) -> str:
    if len(raw) != 64 or not set(raw.lower()) <= set("0123456789abcdef"):
        raise ValueError("is not the SHA-256 of a file: 64 hexadecimal digits")
    return raw.lower()


ENCODER = Kind("none, `minilm` or an absolute path", _encoder)
SHA256 = Kind("64 hexadecimal digits", _sha256)
