"""Add and remove sources in the text of feeds.yaml without changing any other byte.

Locates nodes by the lines and columns of `yaml_tree`, and inserts or removes whole lines: comments, order and
formatting of the rest are the operator's. The caller checks the result with `parse_config`, and writes the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from aggregator.config import yaml_tree
from aggregator.errors import ConfigError
from aggregator.translatable import Translatable

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:@+ -]*[A-Za-z0-9_/]|[A-Za-z0-9]")
_MEANS_MORE = re.compile(r"(?:true|false|yes|no|on|off|null|~|[\d._+-]+(?:e\d+)?|0[xo].*)", re.IGNORECASE)


def with_items(text: str, section: str, items: Sequence[Mapping[str, str]]) -> str:
    """Return *text* with *items* at the end of the list *section*, each on its own lines.

    Raises ConfigError if the list is written in brackets, where lines cannot be added.
    """
    if not items:
        return text
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    place = _section(text, section)
    if place is None:
        separator = ["\n"] if lines and lines[-1].strip() else []
        return "".join([*lines, *separator, f"{section}:\n", *_written(items, 2)])
    key_line, end_line, value = place
    if isinstance(value, yaml_tree.Sequence) and value.items:
        if not _is_block(lines, value):
            raise ConfigError(f"{section}: is written in brackets; first write each item on its own line, after '- '")
        after = _last_written(lines, value.items[-1].line - 1, end_line)
        return "".join([*lines[: after + 1], *_written(items, value.column - 1), *lines[after + 1 :]])
    # "sources:" without a value, or with []
    head = lines[key_line]
    before, _, comment = head.partition("#")
    lines[key_line] = f"{section}:{'  #' + comment.rstrip() if comment else ''}\n" if before.strip() else head
    return "".join([*lines[: key_line + 1], *_written(items, 2), *lines[key_line + 1 :]])


def without_source(text: str, source_id: str) -> str:
    """Return *text* without the source of that id; the comments around it stay.

    Raises ConfigError if there is no such source or the list is written in brackets.
    """
    return _without(text, "sources", lambda item: _field(item, "id") == source_id, f"source {source_id!r}")


def without_rule(text: str, effect: str, rule: str) -> str:
    """Return *text* without the rule that mutes or boosts (*effect*) by that text; ConfigError as `without_source`."""
    return _without(text, "rules", lambda item: " ".join(_field(item, effect).split()) == rule, f"rule {rule!r}")


def _without(text: str, section: str, is_meant: Callable[[yaml_tree.Node], bool], what: str) -> str:
    lines = text.splitlines(keepends=True)
    place = _section(text, section)
    value = place[2] if place else None
    if place is None or not isinstance(value, yaml_tree.Sequence):
        raise ConfigError(f"there is no {what}")
    for number, item in enumerate(value.items):
        if not is_meant(item):
            continue
        if not _is_block(lines, value):
            raise ConfigError(f"{section}: is written in brackets; first write each item on its own line")
        first = item.line - 1
        # "-" may be on a line by itself before its item.
        while not lines[first].lstrip().startswith("-") or lines[first].index("-") != value.column - 1:
            first -= 1
        following = value.items[number + 1].line - 1 if number + 1 < len(value.items) else place[1]
        last = _last_written(lines, item.line - 1, following)
        if last < item.line - 1 or (number + 1 < len(value.items) and last >= following):
            raise ConfigError(f"{what} shares its line with another; remove it by hand")
        return "".join([*lines[:first], *lines[last + 1 :]])
    raise ConfigError(f"there is no {what}")


def with_enabled(text: str, source_id: str, enabled: bool) -> str:
    """Return *text* with the source of that ID paused or resumed.

    A source may be written over several lines or as `- {id: ..., url: ...}`. ConfigError for an unknown one.
    """
    lines = text.splitlines(keepends=True)
    place = _section(text, "sources")
    value = place[2] if place else None
    items = value.items if isinstance(value, yaml_tree.Sequence) else ()
    source = next((item for item in items if _field(item, "id") == source_id), None)
    if not isinstance(source, yaml_tree.Mapping):
        raise ConfigError(Translatable("there is no source %(name)s", name=repr(source_id)))
    fields = {key.text: (key, node) for key, node in source.pairs if isinstance(key, yaml_tree.Scalar)}
    flag = "true" if enabled else "false"
    if "enabled" in fields:
        node = fields["enabled"][1]
        start, end = _span(lines, node)
        line = lines[node.line - 1]
        # "enabled:" with no value needs a space before the value.
        space = " " if line[start - 1 : start] == ":" else ""
        lines[node.line - 1] = f"{line[:start]}{space}{flag}{line[end:]}"
        return "".join(lines)
    if enabled:
        return text
    id_key, id_value = fields["id"]
    line = lines[id_value.line - 1]
    if _is_flow(lines, source):
        end = _span(lines, id_value)[1]
        lines[id_value.line - 1] = f"{line[:end]}, enabled: false{line[end:]}"
        return "".join(lines)
    if not line.endswith("\n"):
        lines[id_value.line - 1] += "\n"
    lines.insert(id_value.line, f"{' ' * (id_key.column - 1)}enabled: false\n")
    return "".join(lines)


_SCALAR = re.compile(r"""(?:"[^"\n]*"|'[^'\n]*'|[^\s,\[\]{}#]*)""")


def _span(lines: Sequence[str], node: yaml_tree.Node) -> tuple[int, int]:
    """Return where the one-word scalar *node* begins and ends in its line, as offsets from 0."""
    match = _SCALAR.match(lines[node.line - 1], node.column - 1)
    assert match is not None  # the pattern also matches an empty value
    return match.span()


def _is_flow(lines: Sequence[str], mapping: yaml_tree.Mapping) -> bool:
    """Return whether *mapping* is written in braces; libyaml places such a mapping at its brace."""
    return lines[mapping.line - 1][mapping.column - 1 : mapping.column] == "{"


def _section(text: str, name: str) -> tuple[int, int, yaml_tree.Node] | None:
    """Return the line of a key at the top, the line after its value (both from 0), and its value."""
    try:
        root = yaml_tree.read(text)
    except yaml_tree.Unreadable as unreadable:
        raise ConfigError(f"line {unreadable.fault.line}: {unreadable.fault.message}") from None
    if root is None:
        return None
    if not isinstance(root, yaml_tree.Mapping):
        raise ConfigError("the file is not a mapping of keys to values")
    starts = sorted(key.line - 1 for key, _ in root.pairs)
    for key, value in root.pairs:
        if isinstance(key, yaml_tree.Scalar) and key.text == name:
            line = key.line - 1
            return line, next((start for start in starts if start > line), len(text.splitlines())), value
    return None


def _is_block(lines: Sequence[str], value: yaml_tree.Sequence) -> bool:
    return lines[value.line - 1][value.column - 1 :].startswith("-")


def _last_written(lines: Sequence[str], first: int, end: int) -> int:
    """Return the last line before *end* that is neither empty nor a comment, at least *first*."""
    for number in range(min(end, len(lines)) - 1, first, -1):
        if (content := lines[number].strip()) and not content.startswith("#"):
            # A dash on a line by itself belongs to the item after it.
            if content == "-":
                continue
            return number
    return first


def _field(item: yaml_tree.Node, name: str) -> str:
    if isinstance(item, yaml_tree.Mapping):
        for key, value in item.pairs:
            if isinstance(key, yaml_tree.Scalar) and key.text == name and isinstance(value, yaml_tree.Scalar):
                return value.text
    return ""


def _written(items: Sequence[Mapping[str, str]], indent: int) -> list[str]:
    return [
        f"{' ' * indent}{'- ' if number == 0 else '  '}{name}: {scalar(value)}\n"
        for item in items
        for number, (name, value) in enumerate(item.items())
    ]


def scalar(text: str) -> str:
    """Return *text* as YAML: plain if that reads back the same, else in double quotes."""
    plain = _PLAIN.fullmatch(text) and not _MEANS_MORE.fullmatch(text) and ": " not in text
    # JSON is YAML, except for characters beyond the first plane, which JSON writes as two.
    return text if plain else json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")
