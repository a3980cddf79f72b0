"""The protocol between the encoder's child process and its parent: typed JSON messages, one per line."""

from __future__ import annotations

import msgspec


class Ready(msgspec.Struct):
    """The model is loaded, or loading failed."""

    encoder: str
    """Its name."""
    error: str = ""


class Request(msgspec.Struct):
    """Texts to encode within a limit of CPU time."""

    texts: list[str]
    cpu_s: float
    query: bool = False
    """Whether they are search queries, not headlines."""


class Reply(msgspec.Struct):
    """The components of each text's embedding as signed bytes; b"" for none."""

    values: list[bytes]
