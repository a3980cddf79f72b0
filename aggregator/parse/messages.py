"""The protocol between the polling process and its parsing children: typed messages in MessagePack.

A message is its length in eight bytes, then that many bytes. Decoding checks the type of every field, so a child that
hostile bytes took over can only send wrong entries, and never code.
"""

from __future__ import annotations

import msgspec

from aggregator.model import DocumentMemory, Limits, ParsedFeed
from aggregator.parse.pages.article import Article

LENGTH_BYTES = 8


class Document(msgspec.Struct, array_like=True, tag=True):
    """A document to parse, with the arguments of `aggregator.parse.parser.parse`."""

    data: bytes
    content_type: str
    url: str
    memory: DocumentMemory


class Page(msgspec.Struct, array_like=True, tag=True):
    """A web page with the article of an entry."""

    data: bytes
    url: str
    title: str


class Request(msgspec.Struct, array_like=True):
    """Documents to parse one after the other, with a common limit of CPU time."""

    limits: Limits
    cpu_s: float
    documents: list[Document | Page]


class Read(msgspec.Struct, array_like=True, tag=True):
    """The document is a feed."""

    feed: ParsedFeed


class ReadArticle(msgspec.Struct, array_like=True, tag=True):
    """The article of a page."""

    article: Article


class NoFeed(msgspec.Struct, array_like=True, tag=True):
    """The document is not a feed; the fields of `NotAFeedError`."""

    message: str
    feeds: tuple[str, ...]


class OverLimit(msgspec.Struct, array_like=True, tag=True):
    """The document was not parsed completely, for lack of memory."""


Answer = Read | ReadArticle | NoFeed | OverLimit


class Reply(msgspec.Struct, array_like=True):
    """A reply for each document, and whether the child has grown too large to continue."""

    answers: list[Answer]
    retire: bool


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)
"""Raised for an invalid message."""

_encode = msgspec.msgpack.Encoder().encode
read_request = msgspec.msgpack.Decoder(Request).decode
read_reply = msgspec.msgpack.Decoder(Reply).decode


def message(content: Request | Reply) -> bytes:
    """Return *content* encoded."""
    body = _encode(content)
    return len(body).to_bytes(LENGTH_BYTES) + body
