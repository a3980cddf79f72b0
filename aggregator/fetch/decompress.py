"""Unpack the body of an answer in steps of bounded size: gzip, brotli, zstd.

Knows how each of them is told how much to give out at once, and how much memory it may ask for. Leaves
counting what came out to `fetch`.

Observed: a decoder that is given its data in one piece made 136 MB of 200 kB. Rules: no step gives more than
about a megabyte; a brotli window is 16 MB at most by its own format, a zstd window 8 MB (RFC 9659, section 3; a
frame may ask for 2 GB); of one body at most a thousand members or frames are unpacked, since empty ones take
time and add nothing to the size. Known to be refused wrongly: zstd of `--ultra` or `--long`, which RFC 9659 forbids.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable
from typing import Protocol

from aggregator.fetch.errors import Fault
from aggregator.model import FailureKind
from aggregator.text.tokens import clip

ACCEPTED = "gzip, br, zstd"
"""The `Accept-Encoding` of every request."""

_STEP = 1_000_000
_MOST_MEMBERS = 1_000
_ZSTD_WINDOW_LOG = 23


class Decoder(Protocol):
    """Takes the pieces of a body as they come over the wire."""

    name: str

    @property
    def ended(self) -> bool:
        """Whether the data so far ends where it may end."""

    def pieces(self, data: bytes) -> Iterable[bytes]:
        """Yield what is in *data*, in steps; a `Fault` where it is corrupt."""


def decoder(encoding: str, limit: int) -> Decoder | None:
    """Return what unpacks a `Content-Encoding`, None where nothing is packed; a `Fault` for what was not accepted.

    limit: of the whole body; a step gives no more than about that
    """
    step = min(limit + 1, _STEP)
    match encoding.lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return _Members("gzip", lambda: _Gzip(step))
        case "zstd":
            return _Members("zstd", lambda: _Zstd(step))
        case "br":
            return _Brotli(step)
    what = f"content encoding {clip(encoding, 40)}, where only {ACCEPTED} were accepted"
    raise Fault(FailureKind.BAD_TRANSFER, what, 200)


def _corrupt(name: str, why: object) -> Fault:
    return Fault(FailureKind.BAD_TRANSFER, f"the {name} data is corrupt: {why}", 200)


class _Member(Protocol):
    """One of the parts, each complete in itself, that a body may consist of."""

    @property
    def error(self) -> type[Exception]: ...

    @property
    def eof(self) -> bool: ...

    @property
    def unused(self) -> bytes:
        """What came after its end."""

    def pieces(self, data: bytes) -> Iterable[bytes]: ...


class _Gzip:
    error = zlib.error

    def __init__(self, step: int) -> None:
        self._step = step
        self._stream = zlib.decompressobj(31)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused(self) -> bytes:
        return self._stream.unused_data

    def pieces(self, data: bytes) -> Iterable[bytes]:
        # Past its end, zlib names what follows as not consumed too.
        while data and not self._stream.eof:
            yield self._stream.decompress(data, self._step)
            data = self._stream.unconsumed_tail


class _Zstd:
    def __init__(self, step: int) -> None:
        # Here, since most sites never see it, and each of these takes time when the poller starts.
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

    def pieces(self, data: bytes) -> Iterable[bytes]:
        yield self._stream.decompress(data, self._step)
        while not (self._stream.eof or self._stream.needs_input):
            yield self._stream.decompress(b"", self._step)


class _Members:
    """Parts one after the other, as `cat a.gz b.gz` makes them."""

    def __init__(self, name: str, new: Callable[[], _Member]) -> None:
        self.name = name
        self._new = new
        self._member: _Member | None = None
        self._begun = 0

    @property
    def ended(self) -> bool:
        return self._member is None or self._member.eof

    def pieces(self, data: bytes) -> Iterable[bytes]:
        while data:
            if self._member is None or self._member.eof:
                if self._begun and not data.strip(b"\0"):
                    return  # padding
                if self._begun == _MOST_MEMBERS:
                    raise _corrupt(self.name, f"more than {_MOST_MEMBERS} parts")
                self._begun += 1
                self._member = self._new()
            try:
                yield from self._member.pieces(data)
            except self._member.error as error:
                raise _corrupt(self.name, error) from error
            data = self._member.unused


class _Brotli:
    name = "br"

    def __init__(self, step: int) -> None:
        import brotli

        self._error = brotli.error
        self._step = step
        self._stream = brotli.Decompressor()
        self._begun = False

    @property
    def ended(self) -> bool:
        return not self._begun or self._stream.is_finished()

    def pieces(self, data: bytes) -> Iterable[bytes]:
        self._begun = True
        piece = b""
        # It may have taken in all there is and still hold back what did not fit into a step.
        while data or piece:
            try:
                piece = self._stream.process(data, output_buffer_limit=self._step)
            except self._error as error:
                raise _corrupt(self.name, error) from error
            data = b""
            yield piece
