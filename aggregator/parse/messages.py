"""What the process that polls and its parsing children say to each other: typed messages as MessagePack.

A message is its length in eight bytes, then that many bytes. Reading one checks the type of everything in it,
so that a child which hostile bytes took over can send wrong entries, and nothing else: no code, no text
that is none. Leaves the pipes to `aggregator.parse.pool` and `aggregator.parse.worker`.
"""

from __future__ import annotations

import msgspec

from aggregator.model import DocumentMemory, Limits, ParsedFeed
from aggregator.parse.pages.article import Article

LENGTH_BYTES = 8


class Document(msgspec.Struct, array_like=True, tag=True):
    """A document to be read, with what `aggregator.parse.parse` wants to know of it."""

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
    """Documents to be read one after the other, within so much CPU time together."""

    limits: Limits
    cpu_s: float
    documents: list[Document | Page]


class Read(msgspec.Struct, array_like=True, tag=True):
    """The document is a feed."""

    feed: ParsedFeed


class ReadArticle(msgspec.Struct, array_like=True, tag=True):
    """The page holds an article."""

    article: Article


class NoFeed(msgspec.Struct, array_like=True, tag=True):
    """The document is none: as `NotAFeedError`."""

    message: str
    feeds: tuple[str, ...]


class OverLimit(msgspec.Struct, array_like=True, tag=True):
    """The document was not read to its end for want of memory, its own or that of its batch."""


Answer = Read | ReadArticle | NoFeed | OverLimit


class Reply(msgspec.Struct, array_like=True):
    """An answer for each document, and whether the child has grown too large to go on."""

    answers: list[Answer]
    retire: bool


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)
"""What reading raises when a message is none of these."""

_encode = msgspec.msgpack.Encoder().encode
read_request = msgspec.msgpack.Decoder(Request).decode
read_reply = msgspec.msgpack.Decoder(Reply).decode


def message(content: Request | Reply) -> bytes:
    """Return *content* as it is sent."""
    body = _encode(content)
    return len(body).to_bytes(LENGTH_BYTES) + body
