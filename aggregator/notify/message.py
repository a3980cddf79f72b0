"""Messages, and the protocol with the child process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from aggregator.translatable import Translatable

READY = b"ready\n"
"""The child process is ready."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as text, and as data for webhooks."""

    message_id: str
    """The same for every attempt, so that a receiver can detect repetitions."""
    title: str
    text: str
    html: str = ""
    """For e-mail, in addition to the plain text; may be empty."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Plain data about the event, for webhooks."""


def refusal(what: Translatable) -> Translatable:
    """Return why a connection was refused, and how to permit it."""
    return Translatable("refused: %(what)s; `allow_private: yes` under alerts permits the hosts named there", what=what)


def private_address(host: str) -> Translatable:
    """Return why no connection to *host* was made."""
    return refusal(Translatable("%(host)s is a private address", host=host))


class Request(msgspec.Struct, frozen=True):
    """One message for one service, sent to the child process as a line of JSON."""

    address: str
    title: str
    text: str
    html: str
    allow_private: bool
    proxy: str


class Reply(msgspec.Struct, frozen=True):
    """The result, a line of JSON."""

    sent: bool
    message: str = ""
    """As `translatable.stored` writes it."""
    permanent: bool = False
    """Whether another attempt would fail too."""
