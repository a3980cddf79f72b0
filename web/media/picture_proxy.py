"""Pictures of entries, fetched once, looked at, kept on disk.

Knows which bytes are a picture that browsers may be given, by their signature and the size that they state, without
decoding anything; and how much room the kept ones take. Leaves asking the server, with its address guard and limits,
to `aggregator.fetch`, and which entry may show a picture to `pages.picture`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import struct
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.fetch import Client, access, fetch, user_agent
from aggregator.model import Config, Fetched

log = logging.getLogger(__name__)

MAX_BYTES = 6_000_000
"""Of one picture: press photographs are below 2 MB."""
MAX_SIDE, MAX_PIXELS = 12_000, 60_000_000
"""A few kilobytes can state a size whose pixels fill a phone's memory."""
MIN_SIDE = 8
"""Below that it counts readers rather than shows something."""
TIMEOUT = timedelta(seconds=10)
MAX_DISK = 300_000_000
AT_ONCE = 4
"""Fetches at once: the threads that wait must not be all that serve pages."""
MISSED_FOR = timedelta(minutes=15)
"""How long a picture that could not be had is not asked for again."""
MISSED_MOST = 5_000


@dataclass(frozen=True, slots=True)
class Kind:
    """What a picture's bytes say they are."""

    mime: str
    width: int
    height: int


def kind_of(data: bytes) -> Kind | None:
    """Return what *data* is: JPEG, PNG, GIF, WebP or AVIF of a sane size; None for all else."""
    try:
        found = _png(data) or _gif(data) or _webp(data) or _jpeg(data) or _avif(data)
    except (struct.error, IndexError):
        return None
    if found is None or min(found.width, found.height) < MIN_SIDE:
        return None
    return found if max(found.width, found.height) <= MAX_SIDE and found.width * found.height <= MAX_PIXELS else None


def _png(data: bytes) -> Kind | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR":
        return None
    return Kind("image/png", *struct.unpack(">II", data[16:24]))


def _gif(data: bytes) -> Kind | None:
    if data[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    return Kind("image/gif", *struct.unpack("<HH", data[6:10]))


def _webp(data: bytes) -> Kind | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    match data[12:16]:
        case b"VP8 ":
            width, height = struct.unpack("<HH", data[26:30])
            return Kind("image/webp", width & 0x3FFF, height & 0x3FFF)
        case b"VP8L":
            (bits,) = struct.unpack("<I", data[21:25])
            return Kind("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8X":
            width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
            return Kind("image/webp", width, height)
    return None


def _jpeg(data: bytes) -> Kind | None:
    """Walk the segments to the frame header (ITU T.81, B.2)."""
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return Kind("image/jpeg", width, height)
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
        else:
            at += 2 + max(struct.unpack(">H", data[at + 2 : at + 4])[0], 2)
    return None


def _avif(data: bytes) -> Kind | None:
    """The largest size of the image's spatial extents (ISO/IEC 23008-12, 6.5.3), which stand near the beginning."""
    if data[4:8] != b"ftyp" or not {data[i : i + 4] for i in range(8, 40, 4)} & {b"avif", b"avis"}:
        return None
    sizes, at = [], data.find(b"ispe")
    while 0 < at < 64_000:
        sizes.append(struct.unpack(">II", data[at + 8 : at + 16]))
        at = data.find(b"ispe", at + 4)
    return Kind("image/avif", *max(sizes)) if sizes else None


class Pictures:
    """The pictures on disk, and the way to more."""

    def __init__(self, folder: Path, max_disk: int = MAX_DISK, private_hosts: frozenset[str] = frozenset()) -> None:
        self.folder = folder
        self._private_hosts = private_hosts
        self._max_disk = max_disk
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._held: int | None = None
        self._missed: OrderedDict[str, datetime] = OrderedDict()

    def get(self, url: str, config: Config, now: datetime) -> tuple[bytes, Kind] | None:
        """Return the picture at *url*, from disk or from its server; None where there is none to be had now."""
        name = hashlib.sha256(url.encode()).hexdigest()[:40]
        path = self.folder / name
        try:
            data = path.read_bytes()
        except OSError:
            data = b""
        if data and (kind := kind_of(data)):
            return data, kind
        missed = self._missed.get(name)
        if missed is not None and timedelta() <= now - missed < MISSED_FOR:
            return None
        # Who finds all turns taken does without; the browser asks again at the next visit.
        if not self._turns.acquire(timeout=TIMEOUT.total_seconds()):
            return None
        try:
            data = asyncio.run(_fetched(url, config, now, self._private_hosts))
        finally:
            self._turns.release()
        kind = kind_of(data)
        if kind is None:
            self._miss(name, now)
            return None
        self._keep(path, data)
        return data, kind

    def _miss(self, name: str, now: datetime) -> None:
        with self._lock:
            self._missed[name] = now
            while len(self._missed) > MISSED_MOST:
                self._missed.popitem(last=False)

    def _keep(self, path: Path, data: bytes) -> None:
        with self._lock:
            try:
                self.folder.mkdir(exist_ok=True)
                temporary = path.with_suffix(".part")
                temporary.write_bytes(data)
                os.replace(temporary, path)
                self._held = (self._size() if self._held is None else self._held) + len(data)
                if self._held > self._max_disk:
                    self._thin()
            except OSError as error:
                # A full disk costs the next reader a fetch, nothing more.
                log.warning("a picture cannot be kept: %s", error)

    def _size(self) -> int:
        return sum(entry.stat().st_size for entry in os.scandir(self.folder))

    def _thin(self) -> None:
        """Forget the pictures that were fetched longest ago, a tenth of the room at a time."""
        kept = sorted((entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in os.scandir(self.folder))
        held = sum(size for _, size, _ in kept)
        for _, size, path in kept:
            if held <= self._max_disk * 0.9:
                break
            os.unlink(path)
            held -= size
        self._held = held


async def _fetched(url: str, config: Config, now: datetime, private_hosts: frozenset[str]) -> bytes:
    limits = replace(config.limits, feed_bytes=MAX_BYTES, fetch=TIMEOUT)
    async with Client(limits) as client:
        # Whoever wrote the feed names the picture: private hosts are not theirs to reach.
        way = replace(access.of_others(config), private_hosts=private_hosts)
        outcome = await fetch(client, url, limits=limits, now=now, user_agent=user_agent(config.site.url), access=way)
    return outcome.body if isinstance(outcome, Fetched) else b""
