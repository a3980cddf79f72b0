"""Read what a document says about polling it: its format, ttl, skipHours, skipDays, sy:, its hub.

Reads the bytes before the first item and after the last one by itself, so that it does not matter which
parser reads the items. Leaves their effect to `schedule`.
"""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

from aggregator.model import Hints
from aggregator.text.urls import safe_link

_HEAD = 50_000
_TAIL = 5_000
_MAX_INTERVAL = timedelta(days=30)
_ITEM = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,20}:)?(item|entry)[\s>/]")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<!\[CDATA\[|\]\]>", re.DOTALL)
_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]{0,20}:)?(rss|feed|RDF|channel)\b([^>]{0,2000})")
_VERSION = re.compile(r"""\sversion\s*=\s*["']([\d.]{1,6})["']""")
_LINK = re.compile(r"<(?:[A-Za-z_][\w.-]{0,20}:)?link\b([^>]{0,3000})>")
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PERIODS = {"hourly": 1, "daily": 24, "weekly": 7 * 24, "monthly": 30 * 24, "yearly": 365 * 24}


def of_xml(data: bytes, base: str = "") -> Hints:
    """Return the polling hints of the XML feed *data*; relative URLs are resolved against *base*.

    Values that make no sense are ignored: a ttl of nothing, an hour 25, all 24 hours, all 7 days.
    """
    first = _ITEM.search(data, 0, _HEAD)
    head = data[: first.start() if first else _HEAD]
    # Some put what belongs to the channel behind its items.
    end = -1
    for name in (b"</item>", b"</entry>") if first and first[1] == b"item" else (b"</entry>", b"</item>"):
        end = max(end, data.rfind(name, max(end, 0)))
    tail = data[end:][:_TAIL] if first and end > 0 else b""
    # Without their NULs the wide encodings are ASCII, as far as it matters here.
    text = _COMMENT.sub("", (head + b"\n" + tail).replace(b"\0", b"").decode("utf-8", "replace"))
    hub, topic = _hub(text, base)
    return Hints(
        format=_format(text),
        ttl=_span(_value(text, "ttl"), timedelta(minutes=1)),
        updated_every=_updated_every(text),
        skip_hours=_skipped(text, "skipHours", "hour", 24),
        skip_days=_skipped(text, "skipDays", "day", 7),
        hub=hub,
        topic=topic,
    )


def of_json(document: dict[str, Any]) -> Hints:
    """Return the polling hints of a JSON Feed *document*: a hub at most."""
    hubs = document.get("hubs")
    for hub in hubs if isinstance(hubs, list) else ():
        if isinstance(hub, dict) and str(hub.get("type", "")).lower() == "websub" and isinstance(hub.get("url"), str):
            topic = document.get("feed_url")
            return Hints(
                "JSON Feed", hub=safe_link(hub["url"]), topic=safe_link(topic if isinstance(topic, str) else "")
            )
    return Hints("JSON Feed")


def _format(text: str) -> str:
    root = _ROOT.search(text)
    if root is None:
        return ""
    match root[1]:
        case "rss":
            version = _VERSION.search(root[2])
            return f"RSS {version[1]}" if version else "RSS"
        case "feed":
            return "Atom"
        case "RDF":
            return "RSS 1.0"
        case _:
            return "CDF"


def _value(text: str, name: str) -> str:
    if name not in text:  # a tenth of the time of the expression, and most feeds say nothing
        return ""
    match = re.search(rf"<(?:[A-Za-z_][\w.-]{{0,20}}:)?{name}(?:\s[^>]{{0,200}})?>\s*([^<]{{1,60}}?)\s*<", text)
    return match[1] if match else ""


def _span(stated: str, unit: timedelta) -> timedelta | None:
    if not (stated.isascii() and stated.isdigit() and len(stated) <= 9) or not int(stated):
        return None
    return min(int(stated) * unit, _MAX_INTERVAL)


def _updated_every(text: str) -> timedelta | None:
    hours = _PERIODS.get(_value(text, "updatePeriod").lower())
    if hours is None:
        return None
    frequency = _value(text, "updateFrequency") or "1"
    if not (frequency.isascii() and frequency.isdigit() and len(frequency) <= 6) or not int(frequency):
        return None
    return min(timedelta(hours=hours) / int(frequency), _MAX_INTERVAL)


def _skipped(text: str, group: str, name: str, size: int) -> tuple[int, ...]:
    """Return the hours (0 to 23, UTC) or days (0 is Monday) that a group names."""
    if group not in text:
        return ()
    match = re.search(rf"<{group}\b[^>]{{0,200}}>(.{{0,3000}}?)</{group}", text, re.DOTALL)
    values: set[int] = set()
    for stated in re.findall(rf"<{name}>\s*([A-Za-z0-9]{{1,10}})\s*</{name}", match[1]) if match else ():
        if stated.isdigit() and size == 24 and int(stated) <= 24:
            values.add(int(stated) % 24)  # 24 is midnight in RSS 0.91
        elif size == 7 and stated.lower() in _DAYS:
            values.add(_DAYS.index(stated.lower()))
    # To skip always means nothing that could be followed.
    return tuple(sorted(values)) if len(values) < size else ()


def _hub(text: str, base: str) -> tuple[str, str]:
    result: dict[str, str] = {}
    if "hub" not in text.lower() and "&" not in text:
        return "", ""
    for link in _LINK.finditer(text):
        attributes = {name.lower(): html.unescape(quoted or bare) for name, quoted, bare in _ATTRIBUTE.findall(link[1])}
        for rel in attributes.get("rel", "").lower().split():
            if rel in ("hub", "self") and (address := safe_link(attributes.get("href", ""), base)):
                result.setdefault(rel, address)
    return (result["hub"], result.get("self", "")) if "hub" in result else ("", "")
