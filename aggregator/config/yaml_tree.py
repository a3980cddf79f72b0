"""Read YAML text as a tree in which every node knows its line and column.

Accepts one document of mappings, lists and scalars. Anchors, aliases and tags are refused: a list of feeds does not
need them, and a few lines of them can expand to gigabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from aggregator.errors import Fault

# Of a file with 1,000 sources libyaml makes events in 0.05 s, the pure Python scanner in 0.29. The events are the same.
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_DEPTH = 20
"""The deepest documented node is at 4."""

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as written; `has_value` is False for a key without a value."""

    line: int
    column: int
    text: str
    has_value: bool


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    line: int
    column: int
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the file, duplicate keys included."""

    line: int
    column: int
    pairs: tuple[tuple[Node, Node], ...]


Node = Scalar | Sequence | Mapping


class Unreadable(Exception):
    """The text is not YAML, or not accepted by this program."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(line, column, message)


def read(text: str) -> Node | None:
    """Return the root of *text*, None without one; Unreadable at the first error."""
    text = text.removeprefix("\ufeff")
    if odd := _UNPRINTABLE.search(text):
        raise Unreadable(*_place(text, odd.start()), f"the character U+{ord(odd.group()):04X} is not text")
    try:
        return _root(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        raise _syntax(text, error) from None
    except yaml.YAMLError as error:
        raise Unreadable(1, 1, f"not YAML: {' '.join(str(error).split())}") from None


def _root(events: Iterator[Any]) -> Node | None:
    root = None
    for event in events:
        if isinstance(event, (yaml.StreamStartEvent, yaml.DocumentEndEvent, yaml.StreamEndEvent)):
            continue
        if isinstance(event, yaml.DocumentStartEvent):
            if root is not None:
                raise Unreadable(*_start(event), "a second document begins here; the file has to be one")
            continue
        root = _node(event, events, depth=1)
    return root


def _node(event: Any, events: Iterator[Any], depth: int) -> Node:
    line, column = _start(event)
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise Unreadable(
            line, column, "anchors (&) and aliases (*) are not accepted; 'defaults:' gives values to all sources"
        )
    if event.tag is not None:
        raise Unreadable(line, column, "tags (!) are not accepted; quote a text that begins with '!'")
    if depth > _DEPTH:
        raise Unreadable(line, column, f"nested deeper than {_DEPTH} levels")
    match event:
        case yaml.ScalarEvent(value=text, implicit=(plain, _)):
            return Scalar(line, column, text, has_value=not (plain and text in _NOTHING))
        case yaml.SequenceStartEvent():
            return Sequence(line, column, tuple(_children(events, depth)))
        case _:
            children = _children(events, depth)
            return Mapping(line, column, tuple(zip(children, children, strict=True)))


def _children(events: Iterator[Any], depth: int) -> Iterator[Node]:
    for event in events:
        if isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            return
        yield _node(event, events, depth + 1)


def _start(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _place(text: str, offset: int) -> tuple[int, int]:
    breaks = list(_LINE_BREAK.finditer(text, 0, offset))
    return len(breaks) + 1, offset - (breaks[-1].end() if breaks else 0) + 1


# The parser's messages for frequent mistakes, with messages that name the remedy.
_SLIPS = (
    ("mapping values are not allowed", "a second ': ' in one value; put quotes around a text that holds ': '"),
    ("expected ':'", "a key without ': ' behind it"),
    ("found unexpected end of stream", "a quote or bracket that was opened is not closed"),
    ("expected '-' indicator", "expected another '- ' of the list, indented like those above"),
    ("expected <block end>", "indented unlike the lines above it"),
    ("did not find expected key", "indented unlike the lines above it"),
)


def _syntax(text: str, error: yaml.MarkedYAMLError) -> Unreadable:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "not YAML"
    if mark is None:
        return Unreadable(1, 1, problem)
    lines = _LINE_BREAK.split(text)
    line, column = mark.line + 1, mark.column + 1
    if line > len(lines):  # libyaml puts the end of a text without a last line break on the line after it
        line, column = len(lines), len(lines[-1]) + 1
    written = lines[line - 1]
    indent = written[: len(written) - len(written.lstrip())]
    if "\t" in indent:
        return Unreadable(line, indent.index("\t") + 1, "a tab; YAML is indented with spaces")
    if "cannot start any token" in problem:
        character = written[column - 1 : column]
        message = (
            "a tab where a value was expected" if character == "\t" else f"no value begins with {character!r}; quote it"
        )
        return Unreadable(line, column, message)
    for slip, message in _SLIPS:
        if slip in problem:
            return Unreadable(line, column, message)
    if error.context and error.context_mark:
        problem += f" ({error.context} that begins in line {error.context_mark.line + 1})"
    return Unreadable(line, column, problem)
