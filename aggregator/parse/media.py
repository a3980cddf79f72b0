"""Find the pictures and recordings of an entry.

In feedparser's fields for Media RSS, enclosures and itunes:image; in the HTML of its text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from aggregator.parse.raw_items import RawEnclosure, RawPicture

_RASTER = re.compile(r"\.(?:jpe?g|png|webp|gif|avif)(?:$|[?#])", re.IGNORECASE)

_RECORDING = re.compile(
    r"\.(?:(mp3|m4a|m4b|aac|ogg|oga|opus|wav|flac)|(mp4|m4v|webm|mov|ogv))(?:$|[?#])", re.IGNORECASE
)
_TYPES = {
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "m4b": "audio/mp4",
    "oga": "audio/ogg",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "ogv": "video/ogg",
}


def recording_type(stated: str, url: str) -> str:
    """Return the media type of a recording, from its stated type or file name; "" for anything else."""
    stated = stated.partition(";")[0].strip().lower()
    if stated.startswith(("audio/", "video/")):
        return stated
    # Servers that do not know a type say application/octet-stream, or nothing.
    match = _RECORDING.search(url) if stated in ("", "application/octet-stream", "application/ogg") else None
    if match is None:
        return ""
    ending = (match[1] or match[2]).lower()
    return _TYPES.get(ending, f"{'audio' if match[1] else 'video'}/{ending}")


def recordings_of(entry: dict[str, Any]) -> list[RawEnclosure]:
    """Return the recordings that *entry* names: audio first, enclosures before Media RSS."""
    recordings = []
    for link in dict.get(entry, "links") or []:
        url = link.get("href") or ""
        if link.get("rel") == "enclosure" and (kind := recording_type(link.get("type") or "", url)):
            recordings.append(RawEnclosure(url, kind, link.get("length") or ""))
    for media in dict.get(entry, "media_content") or []:
        url = media.get("url") or ""
        if media.get("medium") != "image" and (kind := recording_type(media.get("type") or "", url)):
            recordings.append(RawEnclosure(url, kind, media.get("filesize") or ""))
    return sorted(
        (recording for recording in recordings if recording.url),
        key=lambda recording: recording.media_type[:5] != "audio",
    )


def pictures_of(entry: dict[str, Any]) -> list[RawPicture]:
    """Return the pictures that *entry* names, the best first."""
    credit = dict.get(entry, "credit")
    credit = credit if isinstance(credit, str) else ""
    results: list[tuple[int, RawPicture]] = []
    for media in dict.get(entry, "media_content") or []:
        url = media.get("url") or ""
        kind = media.get("type") or ""
        if media.get("medium") == "image" or kind.startswith("image/") or (not kind and _RASTER.search(url)):
            width = media.get("width") or ""
            results.append(
                (
                    -int(width) if width.isascii() and width.isdigit() and len(width) < 6 else 0,
                    RawPicture(
                        url,
                        caption=media.get("groundswell_media_description")
                        or media.get("groundswell_media_title")
                        or "",
                        credit=media.get("groundswell_credit") or credit,
                        width=width,
                        height=media.get("height") or "",
                    ),
                )
            )
    # The widest of several sizes; without stated sizes, the first.
    pictures = [picture for _, picture in sorted(results, key=lambda pair: pair[0])]
    for thumbnail in dict.get(entry, "media_thumbnail") or []:
        pictures.append(
            RawPicture(
                thumbnail.get("url") or "",
                credit=credit,
                width=thumbnail.get("width") or "",
                height=thumbnail.get("height") or "",
            )
        )
    for link in dict.get(entry, "links") or []:
        if link.get("rel") == "enclosure" and (
            (link.get("type") or "").startswith("image/") or _RASTER.search(link.get("href") or "")
        ):
            pictures.append(RawPicture(link.get("href") or "", caption=link.get("title") or ""))
    image = dict.get(entry, "image")
    if isinstance(image, dict):
        pictures.append(RawPicture(image.get("href") or ""))
    # <image><url> in an item: feedparser keeps the address as that of the item.
    if isinstance(address := dict.get(entry, "href"), str) and _RASTER.search(address):
        pictures.append(RawPicture(address))
    return [picture for picture in pictures if picture.url]


# Pictures in the text. Observed: WordPress names the picture of a post nowhere else; scripts for lazy loading put a
# placeholder into src and the address into data-src; counters of visits, icons to share, avatars and emoji.

_MAX_IMAGES = 20
_MIN_PIXELS = 100
_IMAGE = re.compile(r"""<img\b((?:[^>"']{1,2000}+|"[^"]{0,2000}+"|'[^']{0,2000}+'){0,100}+)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-zA-Z][\w-]{0,40})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_LAZY = ("data-src", "data-lazy-src", "data-original", "data-orig-src", "data-lazy", "data-url")
_NO_PICTURE = re.compile(
    r"\b(?:emoji|wp-smiley|smiley|avatar|icon|tracker|tracking|pixel|spacer|share|badge|logo)\b", re.IGNORECASE
)
_NO_PICTURE_ADDRESS = re.compile(
    r"^(?!https?:|/|[\w.-]+/?[\w.-])|\.svg(?:$|[?#])|/core/emoji/|gravatar\.com|(?:^|[/.])(?:feedburner\.com|feedsportal\.com)"
    r"|//(?:pixel|stats?|count(?:er)?|track(?:er|ing)?|ads?|analytics)\.|/(?:pixel|tracking|counter|spacer|blank|transparent)[./?]"
    r"|img\.shields\.io|doubleclick\.net|google-analytics\.com|blogger\.googleusercontent\.com/tracker|/_/stat\?",
    re.IGNORECASE,
)


def pictures_in(markup: str) -> list[RawPicture]:
    """Return the pictures in the HTML of an item that may illustrate it, in their order."""
    pictures = []
    for number, image in enumerate(_IMAGE.finditer(markup)):
        if number == _MAX_IMAGES:
            break
        attributes = {
            name.lower(): html.unescape(double or single or bare)
            for name, double, single, bare in _ATTRIBUTE.findall(image[1])
        }
        url = _address_of(attributes)
        width, height = attributes.get("width", ""), attributes.get("height", "")
        stated = [size for size in map(_stated_pixels, (width, height)) if size is not None]
        if (
            url
            and not _NO_PICTURE_ADDRESS.search(url)
            and not _NO_PICTURE.search(attributes.get("class", ""))
            and all(size >= _MIN_PIXELS for size in stated)
            # Counters are GIFs whose size is not stated.
            and (stated or not url.partition("?")[0].lower().endswith(".gif"))
        ):
            pictures.append(RawPicture(url, width=width, height=height))
    return pictures


def _address_of(attributes: Mapping[str, str]) -> str:
    for name in (*_LAZY, "src"):
        if (url := attributes.get(name, "").strip()) and not url.startswith("data:"):
            return url
    for name in ("data-srcset", "data-lazy-srcset", "srcset"):
        if first := attributes.get(name, "").split():
            return first[0].rstrip(",")
    return ""


def _stated_pixels(value: str) -> int | None:
    value = value.strip().removesuffix("px")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 5 else None
