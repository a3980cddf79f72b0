"""Find the pictures and recordings of an entry in feedparser's fields for Media RSS, enclosures and itunes:image."""

from __future__ import annotations

import re
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
    return [picture for picture in pictures if picture.url]
