"""Read one node of feeds.yaml by its shape: a section, a list, a value, headers.

Describes errors twice: in full for the person who edits the file, and without values for pages and logs. `schema` has
the keys, and `reader` the rules between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aggregator.config import yaml_tree
from aggregator.config.schema import (
    KEYS,
    CategoryId,
    Headers,
    ListOf,
    Sections,
    Shape,
    WithVariables,
    sections_with,
)
from aggregator.config.values.basic import Kind, listed, nearest, quoted
from aggregator.config.values.headers import header_name, header_value, with_variables
from aggregator.config.yaml_tree import Node, Scalar
from aggregator.errors import Fault

MAX_ERRORS = 200
"""With more errors it is another kind of file, and reading on would only take time."""


class TooManyErrors(Exception):
    """Reading stopped at `MAX_ERRORS`."""


@dataclass
class NodeReader:
    """One pass over one file that collects its errors.

    An invalid value counts as missing, so that one mistake is one error and the rest of the file is still read.
    """

    env: Mapping[str, str]
    errors: list[Fault] = field(default_factory=list)
    category_ids: tuple[str, ...] | None = ()
    """The IDs that a source may name; None if the list itself is invalid, and any ID passes."""

    def error(self, node: Node, message: str, public: str = "") -> None:
        """Add an error; *public* is the message for readers of the site if *message* quotes the file."""
        if len(self.errors) == MAX_ERRORS:
            raise TooManyErrors
        self.errors.append(Fault(node.line, node.column, message, public))

    # One value by its shape

    def items(self, known_pairs: Mapping[str, Node], section: str) -> tuple[Node, ...]:
        node = known_pairs.get(section)
        if node is None or (isinstance(node, Scalar) and not node.has_value):
            return ()
        if isinstance(node, yaml_tree.Sequence):
            return node.items
        expected = "expected a list, each item beginning with '- '"
        self.error(node, f"{section} is {describe(node)}; {expected}", f"{section} is {kind_of(node)}; {expected}")
        return ()

    def pairs(self, node: yaml_tree.Mapping, allowed: Iterable[str], where: str) -> dict[str, Node]:
        """Return the values of *node* by key, once each."""
        pairs: dict[str, tuple[Node, Node]] = {}
        for key, value in node.pairs:
            if not isinstance(key, Scalar):
                self.error(key, f"found {describe(key)} as a key of {where}; expected a word")
            elif key.text in pairs:
                line = pairs[key.text][0].line
                self.error(
                    key, f"the key {quoted(key.text)} is already in line {line}", f"this key is already in line {line}"
                )
            else:
                pairs[key.text] = (key, value)
                if allowed and key.text not in allowed:
                    rest = f"in {where}; expected {listed(allowed)}{_hint(key.text, allowed)}"
                    # If a colon or the space after it is missing, an address or password may be read as a key.
                    shown = f" {quoted(key.text)}" if _KEY.fullmatch(key.text) and _has_value(value) else ""
                    self.error(key, f"unknown key {quoted(key.text)} {rest}", f"unknown key{shown} {rest}")
        return {name: value for name, (_, value) in pairs.items() if not allowed or name in allowed}

    def values(
        self, node: Node, shapes: Mapping[str, Shape], where: str, needed: tuple[str, ...] = ()
    ) -> dict[str, Any] | None:
        """Return the valid values in *node*, or None if it is not a mapping."""
        if isinstance(node, Scalar) and not node.has_value and not needed:
            return {}
        if not isinstance(node, yaml_tree.Mapping):
            expected = f"expected keys and values: {listed(shapes)}"
            self.error(node, f"{where} is {describe(node)}; {expected}", f"{where} is {kind_of(node)}; {expected}")
            return None
        pairs = self.pairs(node, shapes, where)
        for key in needed:
            if key not in pairs:
                self.error(node, f"a {where} without {key!r}")
        values = {key: self._value(value, shapes[key], key) for key, value in pairs.items()}
        return {key: value for key, value in values.items() if value is not _INVALID}

    def _value(self, node: Node, shape: Shape, key: str) -> Any:
        match shape:
            case Kind():
                return self._scalar(node, shape, key)
            case WithVariables():
                return self._scalar(node, self._expanding(shape), key)
            case CategoryId():
                return self._scalar(node, Kind(shape.name, self._category_id), key)
            case ListOf(kind):
                return self._list(node, kind, key)
            case Headers():
                return self._headers(node)
            case Sections():
                return self._sections(node, shape, key)
            case _:
                values = self.values(node, shape.keys, key)
                return _INVALID if values is None else values

    def _scalar(self, node: Node, kind: Kind, key: str) -> Any:
        if not isinstance(node, Scalar):
            self.error(
                node, f"{key} is {describe(node)}; expected {kind.name}"
            )  # a list or a mapping: nothing is quoted
        elif not node.has_value:
            self.error(node, f"{key} has no value; expected {kind.name}")
        else:
            try:
                return kind.read(node.text)
            except ValueError as error:
                message = f"{key} {error}" if kind.secret else f"{key} {quoted(node.text)} {error}"
                self.error(node, message, f"the value of {key} is not valid; expected {kind.name}")
        return _INVALID

    def _expanding(self, shape: Kind | WithVariables) -> Kind:
        """Return the kind that reads a value of *shape*, with `${VARIABLES}` replaced where it may have any."""
        if isinstance(shape, Kind):
            return shape
        kind = shape.kind
        return replace(kind, read=lambda raw: kind.read(with_variables(raw, self.env.get)))

    def _sections(self, node: Node, shape: Sections, key: str) -> Any:
        values = [
            section
            for item in self.items({key: node}, key)
            if (section := self.values(item, shape.keys, shape.thing, needed=shape.needed)) is not None
            and all(name in section for name in shape.needed)
        ]
        return tuple(values)

    def _list(self, node: Node, item_shape: Kind | WithVariables, key: str) -> Any:
        kind = self._expanding(item_shape)
        if isinstance(node, Scalar) and not node.has_value:
            return ()
        if not isinstance(node, yaml_tree.Sequence):
            expected = "expected a list such as [one, two]"
            self.error(node, f"{key} is {describe(node)}; {expected}", f"{key} is {kind_of(node)}; {expected}")
            return _INVALID
        values = (self._scalar(item, kind, f"an item of {key}") for item in node.items)
        return tuple(dict.fromkeys(value for value in values if value is not _INVALID))

    def _headers(self, node: Node) -> Any:
        if isinstance(node, Scalar) and not node.has_value:
            return ()
        if not isinstance(node, yaml_tree.Mapping):
            expected = "expected names and values such as {X-Key: abc}"
            self.error(node, f"headers is {describe(node)}; {expected}", f"headers is {kind_of(node)}; {expected}")
            return _INVALID
        headers = []
        for key, value in node.pairs:
            if isinstance(key, Scalar) and isinstance(value, Scalar):
                place: Node = key
                try:
                    name = header_name(key.text)
                    place = value
                    headers.append((name, header_value(value.text, self.env.get)))
                except ValueError as error:
                    # The value itself stays out of the message: it may be a password.
                    part = "name" if place is key else "value"
                    self.error(place, f"the header {quoted(key.text)} {error}", f"the {part} of a header is not valid")
            elif isinstance(key, Scalar):
                self.error(value, f"found {describe(value)} among the headers; expected a name and a text")
        self.pairs(node, (), "headers")
        return tuple(headers)

    def _category_id(self, raw: str) -> str:
        if self.category_ids is None or raw in self.category_ids:
            return raw
        raise ValueError(f"is not one of {listed(self.category_ids)}{nearest(raw, self.category_ids)}")


_INVALID = object()


def _hint(key: str, allowed: Iterable[str]) -> str:
    """Return where an unknown key belongs, or which of the *allowed* ones it resembles."""
    if key in KEYS:
        return f"; {key!r} is a section of its own"
    sections = sections_with(key)
    return f"; {key!r} belongs to {' or '.join(sections)}" if sections else nearest(key, allowed)


def child(node: Node, key: str) -> Node | None:
    if not isinstance(node, yaml_tree.Mapping):
        return None
    return next((value for name, value in node.pairs if isinstance(name, Scalar) and name.text == key), None)


def describe(node: Node) -> str:
    """Describe *node* with the text of a scalar, for the person who edits the file."""
    if isinstance(node, Scalar) and node.has_value:
        return f"the text {quoted(node.text)}"
    return kind_of(node)


def kind_of(node: Node) -> str:
    """Describe *node* without its text, for public pages."""
    match node:
        case Scalar(has_value=has_value):
            return "a text" if has_value else "nothing"
        case yaml_tree.Sequence():
            return "a list"
        case _:
            return "keys and values"


_KEY = re.compile(r"[a-z_]{1,30}")


def _has_value(node: Node) -> bool:
    return not isinstance(node, Scalar) or node.has_value
