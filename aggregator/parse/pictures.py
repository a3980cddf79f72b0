"""Find the pictures of an entry in what feedparser keeps of Media RSS, enclosures and itunes:image."""

from __future__ import annotations

import re
from typing import Any

from aggregator.parse.raw_items import RawPicture

_RASTER = re.compile(r"\.(?:jpe?g|png|webp|gif|avif)(?:$|[?#])", re.IGNORECASE)


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
    # The widest of several sizes; where none is stated, the first.
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
