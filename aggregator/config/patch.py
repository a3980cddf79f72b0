"""Revert one change of a text, even if the text has changed elsewhere since.

Pure. A change is the removed and added lines, and the lines before them, which locate it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from aggregator.errors import ConfigError
from aggregator.translatable import Translatable

CONTEXT = 3
"""Lines before the change that must still be there."""


def change(before: str, after: str) -> dict[str, Any]:
    """Return the change from *before*, its first to last different line, as plain data."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    blocks = [code for code in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes() if code[0] != "equal"]
    if not blocks:
        return {"context": [], "went": [], "came": []}
    old_from, new_from, old_to, new_to = blocks[0][1], blocks[0][3], blocks[-1][2], blocks[-1][4]
    return {
        "context": new[max(0, new_from - CONTEXT) : new_from],
        "went": old[old_from:old_to],
        "came": new[new_from:new_to],
    }


def taken_back(text: str, change: Mapping[str, Any]) -> str:
    """Return *text* without *change*; ConfigError if it cannot be located."""
    lines = text.splitlines(keepends=True)
    expected: Sequence[str] = [*change["context"], *change["came"]]
    places = [i for i in range(len(lines) - len(expected) + 1) if lines[i : i + len(expected)] == expected]
    # A file that began with the change has nothing before it.
    if not change["context"]:
        places = [i for i in places if i == 0]
    if len(places) != 1:
        raise ConfigError(Translatable("feeds.yaml has changed there since; edit it by hand"))
    start = places[0] + len(change["context"])
    return "".join([*lines[:start], *change["went"], *lines[start + len(change["came"]) :]])
