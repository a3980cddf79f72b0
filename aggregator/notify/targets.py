"""Targets of messages: read an address from its file, and name a target without its address.

Pure but for `address_of`, which reads the file that `file:` names.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from aggregator.errors import GroundswellError
from aggregator.model import AlertTarget
from aggregator.translatable import Translatable

_MAX_FILE_CHARS = 2_000


class TargetError(GroundswellError):
    """The address of a target cannot be read; the message names the file, never its content."""


def address_of(target: AlertTarget) -> str:
    """Return the address of a target, read from its file if it has `file:`; TargetError."""
    if not target.address.startswith("file:"):
        return target.address
    path = target.address.removeprefix("file:")
    try:
        with Path(path).open(encoding="utf-8") as file:
            address = file.read(_MAX_FILE_CHARS + 1).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", "") or Translatable("it is not text")
        raise TargetError(Translatable("%(file)s cannot be read: %(reason)s", file=path, reason=reason)) from None
    if "://" not in address or "\n" in address or len(address) > _MAX_FILE_CHARS:
        example = "ntfy://ntfy.example/topic"
        raise TargetError(
            Translatable(
                "%(file)s does not contain exactly one address such as %(example)s", file=path, example=example
            )
        )
    return address


def service_of(target: AlertTarget) -> str:
    """Return the name of a target on pages and in logs: only the kind of service."""
    if target.address.startswith("file:"):
        return f"file {Path(target.address).name}"
    scheme = target.address.partition(":")[0].lower()
    return "webhook" if scheme in ("http", "https") else scheme


def digest_of(target: AlertTarget) -> str:
    """Return the key of a target in the database."""
    return hashlib.sha256(target.address.encode()).hexdigest()[:16]


def without_secrets(message: str, address: str) -> str:
    """Return *message* without any part of *address* that may be a secret."""
    for part in sorted({part for part in _parts(address) if len(part) >= 4}, key=len, reverse=True):
        message = message.replace(part, "...")
    return message


def _parts(address: str) -> list[str]:
    rest = address.partition("://")[2]
    for separator in "/?&=@:#,+":
        rest = rest.replace(separator, " ")
    return [address, *rest.split()]
