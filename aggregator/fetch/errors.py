"""Say in words, for the source's row, why nothing usable came.

Knows what the libraries and the sockets raise. Leaves to the rest of the package what is a fault of its own.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
from collections.abc import Iterable, Sequence
from http import HTTPStatus

from aggregator.fetch.connections import RefusedAddressError
from aggregator.fetch.lazy_imports import aiohttp, httpx
from aggregator.model import Failed, FailureKind
from aggregator.text.tokens import clip, storable

_log = logging.getLogger(__name__)

_MAX_WORDS = 200


class Fault(Exception):
    """Carries a `Failed` up to `fetch`."""

    def __init__(self, kind: FailureKind, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.failed = Failed(kind, clean(words), status)


def failure(error: BaseException) -> Failed:
    """Return *error*, as raised by the libraries, in words for the source's row."""
    chain = list(_causes(error))
    for cause in chain:
        match cause:
            case RefusedAddressError():
                return Failed(FailureKind.REFUSED_ADDRESS, clean(str(cause)))
            case ssl.SSLError() | aiohttp.ClientConnectorCertificateError() | ssl.CertificateError():
                reason = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or str(cause)
                return Failed(FailureKind.TLS, clean(f"TLS: {reason}"))
            case aiohttp.ClientConnectorDNSError() | socket.gaierror():
                return Failed(FailureKind.NETWORK, clean(f"the host name cannot be resolved: {_reason(cause)}"))
            case aiohttp.ClientPayloadError():
                return Failed(FailureKind.BAD_TRANSFER, _broken_off(cause))
            case aiohttp.InvalidURL() | httpx.InvalidURL() | httpx.UnsupportedProtocol():
                return Failed(FailureKind.BAD_URL, "not a usable address")
            case aiohttp.ServerDisconnectedError():
                return Failed(FailureKind.BAD_TRANSFER, "the server closed the connection without an answer")
            case aiohttp.ClientResponseError() | aiohttp.http_exceptions.HttpProcessingError():
                return Failed(FailureKind.BAD_TRANSFER, clean(f"not understood as HTTP: {cause.message}"))
            case ConnectionRefusedError():
                return Failed(FailureKind.NETWORK, "the server refused the connection")
            case ConnectionResetError() | BrokenPipeError():
                return Failed(FailureKind.NETWORK, "the connection was reset")
            case _:
                pass
    for cause in chain:
        if isinstance(cause, OSError):
            return Failed(FailureKind.NETWORK, clean(f"no connection: {cause.strerror or cause}"))
    _log.warning("a fetch failed in a way not foreseen", exc_info=error)
    return Failed(FailureKind.NETWORK, clean(f"failed: {type(error).__name__}: {error}"))


def clean(words: str) -> str:
    """Return *words* as they may stand on a page and in a log line, at most 200 characters."""
    return clip(" ".join(storable(words).split()), _MAX_WORDS)


def status_words(status: int) -> str:
    """Return a status with its name, where HTTP has one for it."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status}, a status that HTTP does not know"


def size_words(limit: int) -> str:
    """Return a number of bytes as people say it."""
    return f"{limit / 1_000_000:g} MB" if limit >= 100_000 else f"{limit} bytes"


def _broken_off(error: aiohttp.ClientPayloadError) -> str:
    if counts := re.search(r"received (\d+) of (\d+) bytes", str(error)):
        return f"the answer is incomplete: the connection closed after {counts[1]} of {counts[2]} bytes"
    return clean(f"the answer is incomplete or broken, the connection closed: {_reason(error)}")


def _causes(error: BaseException) -> Iterable[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        members: Sequence[BaseException] = cause.exceptions if isinstance(cause, BaseExceptionGroup) else ()
        waiting += [link for link in (cause.__cause__, cause.__context__, *members) if link is not None]


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", "") or error) or type(error).__name__
