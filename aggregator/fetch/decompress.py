"""Decompress a response body in steps of limited size: gzip, deflate, brotli, zstd.

Trusts the bytes more than `Content-Encoding`. Servers name invalid codings (`aws-chunked`, `utf-8`, `none`), declare
gzip and send plain text, or apply a coding twice. Browsers and curl accept all of these, and so does this module:

- an unknown coding is ignored;
- data that is not compressed as declared, but looks like a document, is used unchanged;
- data that breaks off behind a whole document, without the checksum of gzip, is used;
- several codings are reversed in turn, the last one first; `deflate` may come with or without its zlib wrapper.

Observed: a decoder that gets its data in one piece expanded 200 kB to 136 MB. So no step yields more than about a
megabyte; a brotli window is 16 MB at most by its format, a zstd window 8 MB (RFC 9659, section 3; a frame may request
2 GB); at most a thousand members or frames of a body are read, since empty ones take time without adding to the size.
Known to be refused wrongly: zstd of `--ultra` or `--long`, which RFC 9659 forbids.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from aggregator.fetch.errors import FetchError, size_text
from aggregator.model import FailureKind

ACCEPTED = "gzip, br, zstd"
"""The `Accept-Encoding` of every request. deflate is read but not requested: servers disagree on what it is."""

MAX_CODINGS = 4
"""The most codings of one body that are reversed."""
_STEP_BYTES = 1_000_000
_MAX_MEMBERS = 1_000
_ZSTD_WINDOW_LOG = 23
_END = re.compile(
    rb"</(?:[A-Za-z_][\w.-]{0,20}:)?(?:rss|feed|RDF|channel|html)\s*>(?:\s|<!--(?:[^-]|-(?!->)){0,1000}-->)*\Z"
)
_DOCUMENT_STARTS = (b"<", b"{", b"[")


def unpack(data: bytes, content_encoding: str, limit: int) -> bytes:
    """Return *data* without the codings that *content_encoding* names.

    limit: of the result, in bytes

    Raises FetchError if the data is corrupt, truncated, or larger than *limit* when decompressed.
    """
    if not content_encoding:
        return data
    codings = [_CODINGS[name] for name in _names(content_encoding) if name in _CODINGS]
    if len(codings) > MAX_CODINGS:
        raise FetchError(FailureKind.BAD_TRANSFER, f"packed {len(codings)} times; at most {MAX_CODINGS} are read", 200)
    for coding in reversed(codings):
        try:
            data = _collected(coding(data, min(limit + 1, _STEP_BYTES)), limit)
        except _CorruptError as error:
            if _looks_like_document(data):
                continue
            if not is_whole(error.before):
                raise FetchError(FailureKind.BAD_TRANSFER, str(error), 200) from error
            data = error.before
    return data


def _names(content_encoding: str) -> list[str]:
    return [name.strip().lower() for name in content_encoding[:500].split(",")]


def _collected(steps: Iterator[bytes], limit: int) -> bytes:
    pieces = []
    size = 0
    try:
        for step in steps:
            size += len(step)
            if size > limit:
                raise FetchError(FailureKind.TOO_LARGE, f"larger than {size_text(limit)}", 200)
            pieces.append(step)
    except _CorruptError as error:
        error.before = b"".join(pieces)
        raise
    return b"".join(pieces)


def _looks_like_document(data: bytes) -> bool:
    """Return whether *data* begins like XML, HTML or JSON, also in a wide encoding."""
    start = data[:200].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\0\xff\xfe")
    return start.startswith(_DOCUMENT_STARTS)


def is_whole(data: bytes) -> bool:
    """Return whether *data* ends like a feed or a page, so that nothing is missing."""
    end = data[-2_000:].replace(b"\0", b"").rstrip()
    return _END.search(end) is not None or (
        end.endswith(b"}") and data[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
    )


class _CorruptError(Exception):
    """The data is not valid for the coding; the message is for the source's row."""

    before = b""
    """What was decompressed before."""


class _Member(Protocol):
    """A decoder of one complete member or frame of a body."""

    @property
    def error(self) -> type[Exception]: ...

    @property
    def eof(self) -> bool: ...

    @property
    def unused(self) -> bytes:
        """The data after its end."""

    def steps(self, data: bytes) -> Iterator[bytes]: ...


class _Zlib:
    """gzip, and deflate with or without its wrapper; *bits* as `zlib.decompressobj` wants them."""

    error = zlib.error

    def __init__(self, step: int, bits: int) -> None:
        self._step = step
        self._stream = zlib.decompressobj(bits)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused(self) -> bytes:
        return self._stream.unused_data

    def steps(self, data: bytes) -> Iterator[bytes]:
        # Past its end, zlib also reports what follows as not consumed.
        while data and not self._stream.eof:
            yield self._stream.decompress(data, self._step)
            data = self._stream.unconsumed_tail


class _Zstd:
    def __init__(self, step: int) -> None:
        # Imported here, because it is rare and slows down the start of the worker.
        if sys.version_info >= (3, 14):
            from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
        else:
            from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

        self.error = ZstdError
        self._step = step
        self._stream = ZstdDecompressor(options={DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused(self) -> bytes:
        return self._stream.unused_data

    def steps(self, data: bytes) -> Iterator[bytes]:
        yield self._stream.decompress(data, self._step)
        while not (self._stream.eof or self._stream.needs_input):
            yield self._stream.decompress(b"", self._step)


def _members(name: str, new: Callable[[], _Member], data: bytes, magic: bytes) -> Iterator[bytes]:
    """Decompress consecutive members, as `cat a.gz b.gz` produces them.

    After a complete member, data that does not begin with *magic* is padding or garbage, and ignored.
    """
    for number in range(_MAX_MEMBERS + 1):
        if number == _MAX_MEMBERS:
            raise FetchError(FailureKind.BAD_TRANSFER, f"the {name} data has more than {_MAX_MEMBERS} parts", 200)
        member = new()
        try:
            yield from member.steps(data)
        except member.error as error:
            raise _CorruptError(f"the {name} data is corrupt: {error}") from error
        if not member.eof:
            raise _CorruptError(f"the {name} data ends too early")
        data = member.unused
        if not data.startswith(magic):
            return


def _gzip(data: bytes, step: int) -> Iterator[bytes]:
    return _members("gzip", lambda: _Zlib(step, 31), data, b"\x1f\x8b") if data else iter(())


def _deflate(data: bytes, step: int) -> Iterator[bytes]:
    # RFC 9110 means zlib's format (RFC 1950); many servers send the bare stream (RFC 1951). The header of the
    # first is a multiple of 31 whose low four bits are 8.
    wrapped = len(data) >= 2 and data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0
    member = _Zlib(step, 15 if wrapped else -15)
    try:
        yield from member.steps(data)
    except member.error as error:
        raise _CorruptError(f"the deflate data is corrupt: {error}") from error
    if data and not member.eof:
        raise _CorruptError("the deflate data ends too early")


def _zstd(data: bytes, step: int) -> Iterator[bytes]:
    return _members("zstd", lambda: _Zstd(step), data, b"\x28\xb5\x2f\xfd") if data else iter(())


def _brotli(data: bytes, step: int) -> Iterator[bytes]:
    import brotli

    stream = brotli.Decompressor()
    begun = bool(data)
    piece = b""
    # It may have consumed all input and still hold output that did not fit into a step.
    while data or piece:
        try:
            piece = stream.process(data, output_buffer_limit=step)
        except brotli.error as error:
            raise _CorruptError(f"the br data is corrupt: {error}") from error
        data = b""
        yield piece
    if begun and not stream.is_finished():
        raise _CorruptError("the br data ends too early")


_CODINGS: dict[str, Callable[[bytes, int], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
