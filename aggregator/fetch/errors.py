"""Explain a failed request in one message, for the row of its source.

Knows what libcurl and the sockets report. Leaves to the rest of the package which answers count as failures.
"""

from __future__ import annotations

import errno
import logging
import os
from http import HTTPStatus

import pycurl

from aggregator.fetch.curl_transport import BodyTooLargeError, CurlError, NoSocketError, NotHttpError
from aggregator.model import Failed, FailureKind
from aggregator.text.markup import clip, storable

_log = logging.getLogger(__name__)

_MAX_MESSAGE_CHARS = 200


class FetchError(Exception):
    """Carries a `Failed` to `fetch` and `call`."""

    def __init__(self, kind: FailureKind, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.failed = Failed(kind, clean(message), status)


class RefusedAddressError(FetchError):
    """A connection to an address that is not public."""

    def __init__(self, message: str) -> None:
        super().__init__(FailureKind.REFUSED_ADDRESS, message)


def failure(error: Exception, max_bytes: int) -> Failed:
    """Return the message for *error*, raised during a request, for the source's row.

    max_bytes: the limit for a document
    """
    match error:
        case FetchError():
            return error.failed
        case BodyTooLargeError():
            return Failed(FailureKind.TOO_LARGE, f"larger than {size_text(max_bytes)}")
        case NotHttpError():
            return Failed(FailureKind.BAD_TRANSFER, "not HTTP: the response does not begin with a status line")
        case NoSocketError():
            return Failed(FailureKind.NETWORK, clean(f"this machine could not open a connection: {error}"))
        case CurlError():
            return _of_curl(error)
        case _:
            # An internal error with one feed must not stop the polling of others.
            _log.warning("a fetch failed unexpectedly", exc_info=error)
            return Failed(FailureKind.NETWORK, clean(f"failed: {type(error).__name__}: {error}"))


def clean(message: str) -> str:
    """Return *message* cleaned for a page and a log line, at most 200 characters."""
    return clip(" ".join(storable(message).split()), _MAX_MESSAGE_CHARS)


def status_text(status: int) -> str:
    """Return a status with its HTTP name, if it has one."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status}, a status that HTTP does not know"


def size_text(size: int) -> str:
    """Return a number of bytes in a readable unit."""
    return f"{size / 1_000_000:g} MB" if size >= 100_000 else f"{size} bytes"


_TLS = frozenset(
    (
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_SSL_CERTPROBLEM,
        pycurl.E_SSL_CIPHER,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CACERT_BADFILE,
        pycurl.E_SSL_ISSUER_ERROR,
        pycurl.E_SSL_INVALIDCERTSTATUS,
    )
)
_NOT_HTTP = frozenset(
    (
        pycurl.E_UNSUPPORTED_PROTOCOL,
        8,  # CURLE_WEIRD_SERVER_REPLY, which pycurl calls by its FTP name
        pycurl.E_BAD_CONTENT_ENCODING,
        100,  # CURLE_TOO_LARGE: a header line over 100 kB, more than 5,000 headers
        pycurl.E_HTTP2,
        92,  # CURLE_HTTP2_STREAM
    )
)
_PROXY = frozenset((pycurl.E_COULDNT_RESOLVE_PROXY, 97))  # CURLE_PROXY


def _of_curl(error: CurlError) -> Failed:
    code, text = error.code, str(error)
    if code == pycurl.E_PARTIAL_FILE:
        return Failed(FailureKind.BAD_TRANSFER, _broken_off(error))
    if code in _TLS:
        # libcurl does not say whose certificate it is.
        where = "TLS, at the proxy or behind it" if error.through_tls_proxy else "TLS"
        return Failed(FailureKind.TLS, clean(f"{where}: {text}{_advice(text)}"))
    if code in _NOT_HTTP or (code == pycurl.E_RECV_ERROR and "headers" in text):
        return Failed(FailureKind.BAD_TRANSFER, clean(f"not understood as HTTP: {text}"))
    if code == pycurl.E_GOT_NOTHING:
        return Failed(FailureKind.BAD_TRANSFER, "the server closed the connection without a response")
    if code in _PROXY:
        return Failed(FailureKind.NETWORK, clean(f"the proxy does not work: {text}"))
    if code == pycurl.E_URL_MALFORMAT:
        return Failed(FailureKind.BAD_URL, "not a usable address")
    if error.os_error == errno.ECONNREFUSED:
        who = "proxy" if error.through_proxy else "server"
        return Failed(FailureKind.NETWORK, f"the {who} refused the connection")
    if error.os_error in (errno.ECONNRESET, errno.EPIPE) or "reset by peer" in text:
        return Failed(FailureKind.NETWORK, "the connection was reset")
    if code == pycurl.E_RECV_ERROR and not error.os_error:
        return Failed(FailureKind.BAD_TRANSFER, clean(f"the answer is incomplete or broken: {text}"))
    if code == pycurl.E_COULDNT_CONNECT and error.os_error:
        return Failed(FailureKind.NETWORK, clean(f"no connection: {os.strerror(error.os_error)}"))
    return Failed(FailureKind.NETWORK, clean(f"no connection: {text}"))


def _advice(text: str) -> str:
    if "local issuer" in text or "self-signed" in text or "self signed" in text:
        return "; it sends no intermediate certificate, or has its own authority (see ca_file)"
    return ""


def _broken_off(error: CurlError) -> str:
    if error.expected >= 0:
        counts = f"the connection closed after {error.received} of {error.expected} bytes"
        return f"the answer is incomplete: {counts}"
    return "the answer is incomplete: the connection closed in the middle of a chunk"
