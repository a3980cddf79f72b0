"""What is sent, and what a child process is told about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

READY = b"ready\n"
"""What a child process says once it can send."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as a person reads it, and the same as data for webhooks."""

    message_id: str
    """The same for every attempt, so that a receiver can tell a repetition."""
    title: str
    text: str
    html: str = ""
    """For e-mail, beside the plain text; "" where there is none."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Plain data about the event, for webhooks."""


class Request(msgspec.Struct, frozen=True):
    """One message for one service, as the child process gets it: a line of JSON."""

    address: str
    title: str
    text: str
    html: str
    allow_private: bool
    proxy: str


class Reply(msgspec.Struct, frozen=True):
    """What came of it, a line of JSON."""

    sent: bool
    message: str = ""
    permanent: bool = False
    """Whether trying again would only fail again."""
