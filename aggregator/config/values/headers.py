"""Parse request headers in feeds.yaml, and values with environment variables.

The message of a ValueError never contains the value of a variable.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_OURS = {
    "user-agent": "write 'user_agent:' next to 'headers:'",
    **dict.fromkeys(
        ("accept-encoding", "connection", "content-length", "host", "if-modified-since", "if-none-match", "te",
         "transfer-encoding", "upgrade"),
        "the program sets it itself",
    ),
}  # fmt: skip


def header_name(raw: str) -> str:
    """Return the header's name as written; ValueError if a request cannot have it."""
    if not _HEADER_NAME.fullmatch(raw):
        raise ValueError("is not the name of a header")
    if raw.lower() in _OURS:
        raise ValueError(f"cannot be set here: {_OURS[raw.lower()]}")
    return raw


def with_variables(raw: str, variables: Callable[[str], str | None], what: str = "key") -> str:
    """Return *raw* with each `${NAME}` replaced.

    The messages of its ValueErrors name variables without their values, because pages show them. *what* names what can
    be left out instead.
    """

    def value_of(match: re.Match[str]) -> str:
        value = variables(match[1])
        if not value:
            raise ValueError(f"names the environment variable {match[1]}, which is not set; set it, or drop the {what}")
        return value

    if "${" in _VARIABLE.sub("", raw):
        raise ValueError("contains '${' without the name of a variable and '}'")
    return _VARIABLE.sub(value_of, raw).strip()


def header_value(raw: str, variables: Callable[[str], str | None]) -> str:
    """Return *raw* as a header's value, with each `${NAME}` replaced as by `with_variables`."""
    value = with_variables(raw, variables, "header")
    if not re.fullmatch(r"[\x20-\x7e]{1,4000}", value):
        raise ValueError("has an invalid value; expected 1 to 4,000 characters of plain ASCII on one line")
    return value
