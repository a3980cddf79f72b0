"""Read feeds.yaml: which sources there are, and how the site treats them.

Knows every key, its bounds and its default, and tells all faults of a file at once,
each with its line, its column, what was expected and the nearest valid name. The
keys are the tables below; docs/configuration.md describes them for people, and a test
holds the two together. The defaults are those of the dataclasses in `model`.
Leaves watching the file, and keeping the last good one, to the scheduler.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from aggregator.config import yaml_tree
from aggregator.config.values import (
    CA_FILE,
    FLAG,
    HOST,
    HUB,
    ID,
    LANGUAGE,
    PROXY,
    READERS,
    SITE_ADDRESS,
    TIME_ZONE,
    USER_AGENT,
    WEB_ADDRESS,
    Kind,
    feed_key,
    header_name,
    header_value,
    listed,
    nearest,
    number,
    owner_of,
    quoted,
    size,
    span,
    spelled,
    text,
    whole,
    with_variables,
)
from aggregator.config.yaml_tree import Node, Scalar
from aggregator.errors import ConfigError, Fault
from aggregator.model import (
    Alerts,
    AnalysisSettings,
    Category,
    Config,
    Defaults,
    Limits,
    PollLimits,
    Retention,
    ScoringSettings,
    Site,
    Source,
)

__all__ = ["KEYS", "LARGEST_FILE", "load_config", "owner_of", "parse_config", "read_config"]

LARGEST_FILE = 5_000_000
"""Bytes; a file of 20,000 sources is smaller."""

_MOST_FAULTS = 200
"""Whoever gets more has passed another kind of file, and reading on would only take time."""

_SECOND, _MINUTE, _HOUR, _DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


# What may stand where. A `Kind` is one value; the other words name a shape.


@dataclass(frozen=True, slots=True)
class _ListOf:
    kind: Kind

    @property
    def name(self) -> str:
        return f"list, each {'an' if self.kind.name[0] in 'aeio' else 'a'} {self.kind.name}"


@dataclass(frozen=True, slots=True)
class _Section:
    """A mapping whose keys are known."""

    keys: Mapping[str, _Shape]
    name: str = "section"


@dataclass(frozen=True, slots=True)
class _Headers:
    name: str = "headers"


@dataclass(frozen=True, slots=True)
class _CategoryId:
    """The id of a category of this file."""

    name: str = "category id"


@dataclass(frozen=True, slots=True)
class _WithVariables:
    """A value that may name `${VARIABLES}` of the environment."""

    kind: Kind

    @property
    def name(self) -> str:
        return self.kind.name


_Shape = Kind | _WithVariables | _ListOf | _Section | _Headers | _CategoryId

_INHERITED: dict[str, _Shape] = {
    "category": _CategoryId(),
    "weight": number(0, 10),
    "poll": _Section({"min": span(_SECOND, 30 * _DAY), "max": span(_SECOND, 30 * _DAY)}),
    "full_text": FLAG,
    "images": FLAG,
    "language": LANGUAGE,
    "user_agent": USER_AGENT,
    "headers": _Headers(),
    "proxy": _WithVariables(PROXY),
    "ca_file": CA_FILE,
}

KEYS: Mapping[str, _Section] = {
    "site": _Section(
        {
            "title": text(100),
            "url": SITE_ADDRESS,
            "language": LANGUAGE,
            "timezone": TIME_ZONE,
            "hub": HUB,
            "metrics": READERS,
        }
    ),
    "categories": _Section({"id": ID, "name": text(100), "seeds": _ListOf(text(60))}),
    "sources": _Section(
        {
            "id": ID,
            "name": text(200),
            "url": WEB_ADDRESS,
            "owner": text(200),
            "enabled": FLAG,
            "allow_private": FLAG,
            **_INHERITED,
        }
    ),
    "defaults": _Section(_INHERITED),
    "scoring": _Section(
        {
            "top_share": number(0.001, 0.5),
            "window": span(_HOUR, 30 * _DAY),
            "half_life": span(_MINUTE, 30 * _DAY),
        },
    ),
    "retention": _Section({"entries": span(_DAY, 36_500 * _DAY, forever=True), "polls": span(_DAY, 36_500 * _DAY)}),
    "analysis": _Section(
        {
            "endpoint": WEB_ADDRESS,
            "model": text(200),
            "headers": _Headers(),
            "stories": whole(1, 200),
            "allow_private": FLAG,
        }
    ),
    "alerts": _Section({"failures": whole(1, 1_000)}),
    "limits": _Section(
        {
            "feed_bytes": size("1kB", "1GB"),
            "fetch": span(_SECOND, 10 * _MINUTE),
            "redirects": whole(0, 50),
            "entries_per_poll": whole(1, 100_000),
            "title_chars": whole(20, 10_000),
            "text_bytes": size("1kB", "10MB"),
            "tags": whole(0, 1_000),
            "parse_cpu": span(_SECOND, 10 * _MINUTE),
            "parse_memory_bytes": size("64MB", "64GB"),
            "concurrency": whole(1, 1_000),
            "per_host": whole(1, 100),
            "per_host_pause": span(timedelta(), _MINUTE),
            "allow_private": _ListOf(HOST),
            "allow_private_callbacks": _ListOf(WEB_ADDRESS),
        },
    ),
}
"""Every key of the file, by section; each of `categories` and of `sources` is a list of such sections."""


def load_config(path: Path, *, env: Mapping[str, str]) -> Config:
    """Return what the file at *path* says; ConfigError where it is missing or faulty."""
    return parse_config(read_config(path), name=str(path), env=env)


def read_config(path: Path) -> str:
    """Return the text of the file at *path*; ConfigError where there is none to be had."""
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; `groundswell init` writes one to begin with") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(body) > LARGEST_FILE:
        raise _error(str(path), [_TOO_LARGE])
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].decode()
        last_line = before.rpartition("\n")[2]
        wide = body.startswith((b"\xff\xfe", b"\xfe\xff"))
        words = f"the byte 0x{body[error.start]:02x} is not UTF-8{' but UTF-16' * wide}; save the file as UTF-8"
        raise _error(str(path), [Fault(before.count("\n") + 1, len(last_line) + 1, words)]) from None


def parse_config(text: str, *, name: str = "feeds.yaml", env: Mapping[str, str] | None = None) -> Config:
    """Return what *text*, the content of a feeds.yaml called *name*, says.

    Raises ConfigError with all of its faults. *env* gives the `${VARIABLES}` that
    values of `headers:` may name.
    """
    if len(text) > LARGEST_FILE:
        raise _error(name, [_TOO_LARGE])
    try:
        root = yaml_tree.read(text)
    except yaml_tree.Unreadable as unreadable:
        raise _error(name, [unreadable.fault]) from None
    if root is None:
        raise _error(name, [Fault(1, 1, "the file is empty; expected 'sources:' and a list of feeds")])
    reading = _Reading(env or {})
    try:
        config = reading.config(root)
    except _TooManyFaults:
        raise _error(name, reading.faults, "and more; the rest of the file was not read") from None
    if reading.faults or config is None:
        # libyaml places what is missing behind the last line; people look at the last one.
        last = text.count("\n") + 1 - text.endswith("\n")
        raise _error(name, [replace(fault, line=min(fault.line, max(last, 1))) for fault in reading.faults])
    return config


_TOO_LARGE = Fault(1, 1, f"the file is larger than {LARGEST_FILE // 10**6} MB; expected a list of feeds")


def _error(name: str, faults: Iterable[Fault], more: str = "") -> ConfigError:
    ordered = tuple(sorted(faults))
    rest = [f"{name}: {more}"] if more else []

    def text(message: Callable[[Fault], str]) -> str:
        return "\n".join([*(f"{name}:{fault.line}:{fault.column}: {message(fault)}" for fault in ordered), *rest])

    return ConfigError(
        text(lambda fault: fault.message), ordered, public=text(lambda fault: fault.public or fault.message)
    )


class _TooManyFaults(Exception):
    """Reading stopped at `_MOST_FAULTS`."""


@dataclass
class _Reading:
    """One pass over one file, gathering its faults.

    A value that is faulty counts as not given, so that one slip is told once and the
    rest of the file is read as if it were right.
    """

    env: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)
    category_ids: tuple[str, ...] | None = ()
    """Those that a source may name; None when the list itself is faulty, and any id passes."""

    def fault(self, node: Node, message: str, public: str = "") -> None:
        """Note an error; *public* is what readers of the site may see where *message* quotes the file."""
        if len(self.faults) == _MOST_FAULTS:
            raise _TooManyFaults
        self.faults.append(Fault(node.line, node.column, message, public))

    # The file from the top

    def config(self, root: Node) -> Config | None:
        if not isinstance(root, yaml_tree.Mapping):
            self.fault(
                root,
                f"found {_what(root)}; expected sections: {listed(KEYS)}",
                f"found {_kind(root)}; expected sections: {listed(KEYS)}",
            )
            return None
        found = self._pairs(root, KEYS, "the file")
        categories = self._categories(found)
        defaults = self._section("defaults", found)
        sources = self._sources(found, defaults, categories[0].id if categories else "")
        config = Config(
            Site(**self._section("site", found)),
            categories,
            sources,
            Limits(**self._section("limits", found)),
            ScoringSettings(**self._section("scoring", found)),
            Retention(**self._section("retention", found)),
            Alerts(**self._section("alerts", found)),
            AnalysisSettings(**self._section("analysis", found)),
            Defaults(proxy=defaults.get("proxy", ""), ca_file=defaults.get("ca_file", "")),
        )
        kept, window = config.retention.entries, config.scoring.window
        if kept is not None and kept < window:
            self.fault(
                _child(found["retention"], "entries") or root,
                f"retention.entries {spelled(kept)} is below scoring.window {spelled(window)}; "
                "a story that can still grow needs its entries",
                "retention.entries is below scoring.window; a story that can still grow needs its entries",
            )
        return config

    def _section(self, section: str, found: Mapping[str, Node]) -> dict[str, Any]:
        node = found.get(section)
        return (self._values(node, KEYS[section].keys, section) or {}) if node else {}

    def _categories(self, found: Mapping[str, Node]) -> tuple[Category, ...]:
        told_before = len(self.faults)
        nodes = self._items(found, "categories")
        categories = []
        for node in nodes:
            values = self._values(node, KEYS["categories"].keys, "category", needed=("id",))
            if values and "id" in values:
                categories.append(Category(**{"name": _readable(values["id"]), **values}))
        self._distinct(nodes, "id", "category")
        if nodes:
            # As spelled, so that a category which is faulty makes no second fault of each source in it.
            ids = (_child(node, "id") for node in nodes)
            self.category_ids = tuple(dict.fromkeys(id_.text for id_ in ids if isinstance(id_, Scalar)))
            return tuple(categories)
        self.category_ids = ("news",) if len(self.faults) == told_before else None
        return (Category("news", "News"),)

    def _sources(self, found: Mapping[str, Node], defaults: dict[str, Any], category: str) -> tuple[Source, ...]:
        nodes = self._items(found, "sources")
        self._poll(defaults.get("poll", {}), found.get("defaults"))
        sources = []
        for node in nodes:
            values = self._values(node, KEYS["sources"].keys, "source", needed=("id", "url"))
            if values is None:
                continue
            poll = {**defaults.get("poll", {}), **values.get("poll", {})}
            limits = self._poll(poll, node) if "poll" in values else PollLimits(**poll)
            if "id" not in values or "url" not in values:
                continue
            headers = {key.lower(): (key, value) for key, value in defaults.get("headers", ())}
            headers |= {key.lower(): (key, value) for key, value in values.get("headers", ())}
            given = {
                "name": _readable(values["id"]),
                "category": category,
                "owner": owner_of(values["url"]),
                **defaults,
                **values,
                "poll": limits,
                "headers": tuple(headers.values()),
            }
            sources.append(Source(**given))
        self._distinct(nodes, "id", "source")
        self._distinct(nodes, "url", "feed", feed_key)
        return tuple(sources)

    # What holds between values

    def _poll(self, given: Mapping[str, timedelta], node: Node | None) -> PollLimits:
        limits = PollLimits(**given)
        if limits.min > limits.max and node is not None:
            place = _child(node, "poll") or node
            self.fault(
                place,
                f"poll.min {spelled(limits.min)} is above poll.max {spelled(limits.max)}",
                "poll.min is above poll.max",
            )
        return limits

    def _distinct(self, nodes: Iterable[Node], key: str, thing: str, of: Callable[[str], str] = str) -> None:
        """Tell of each section whose *key* was given before; faulty ones have been told of already."""
        first: dict[str, Node] = {}
        told = {(fault.line, fault.column) for fault in self.faults}
        for node in nodes:
            value = _child(node, key)
            if not isinstance(value, Scalar) or (value.line, value.column) in told:
                continue
            earlier = first.setdefault(of(value.text), value)
            if earlier is not value:
                self.fault(
                    value,
                    f"the {thing} {quoted(value.text)} is already in line {earlier.line}",
                    f"this {thing} is already in line {earlier.line}",
                )

    # One value after its shape

    def _items(self, found: Mapping[str, Node], section: str) -> tuple[Node, ...]:
        node = found.get(section)
        if node is None or (isinstance(node, Scalar) and not node.given):
            return ()
        if isinstance(node, yaml_tree.Sequence):
            return node.items
        expected = "expected a list, each item beginning with '- '"
        self.fault(node, f"{section} is {_what(node)}; {expected}", f"{section} is {_kind(node)}; {expected}")
        return ()

    def _pairs(self, node: yaml_tree.Mapping, known: Iterable[str], where: str) -> dict[str, Node]:
        """Return the values of *node* by key, once each."""
        found: dict[str, tuple[Node, Node]] = {}
        for key, value in node.pairs:
            if not isinstance(key, Scalar):
                self.fault(key, f"found {_what(key)} as a key of {where}; expected a word")
            elif key.text in found:
                line = found[key.text][0].line
                self.fault(
                    key, f"the key {quoted(key.text)} is already in line {line}", f"this key is already in line {line}"
                )
            else:
                found[key.text] = (key, value)
                if known and key.text not in known:
                    hint = nearest(key.text, known)
                    rest = f"in {where}; expected {listed(known)}{hint}"
                    # Where a colon is missing, or a space behind it, an address or a password stands for a key.
                    shown = f" {quoted(key.text)}" if _KEY.fullmatch(key.text) and _is_given(value) else ""
                    self.fault(key, f"unknown key {quoted(key.text)} {rest}", f"unknown key{shown} {rest}")
        return {name: value for name, (_, value) in found.items() if not known or name in known}

    def _values(
        self, node: Node, shapes: Mapping[str, _Shape], where: str, needed: tuple[str, ...] = ()
    ) -> dict[str, Any] | None:
        """Return the values that *node* rightly gives, or None when it is no mapping."""
        if isinstance(node, Scalar) and not node.given and not needed:
            return {}
        if not isinstance(node, yaml_tree.Mapping):
            expected = f"expected keys and values: {listed(shapes)}"
            self.fault(node, f"{where} is {_what(node)}; {expected}", f"{where} is {_kind(node)}; {expected}")
            return None
        pairs = self._pairs(node, shapes, where)
        for key in needed:
            if key not in pairs:
                self.fault(node, f"a {where} without {key!r}")
        values = {key: self._value(value, shapes[key], key) for key, value in pairs.items()}
        return {key: value for key, value in values.items() if value is not _FAULTY}

    def _value(self, node: Node, shape: _Shape, key: str) -> Any:
        match shape:
            case Kind():
                return self._scalar(node, shape, key)
            case _WithVariables(kind):
                return self._scalar(node, Kind(kind.name, self._reading_variables(kind)), key)
            case _CategoryId():
                return self._scalar(node, Kind(shape.name, self._category_id), key)
            case _ListOf(kind):
                return self._list(node, kind, key)
            case _Headers():
                return self._headers(node)
            case _:
                values = self._values(node, shape.keys, key)
                return _FAULTY if values is None else values

    def _scalar(self, node: Node, kind: Kind, key: str) -> Any:
        if not isinstance(node, Scalar):
            self.fault(node, f"{key} is {_what(node)}; expected {kind.name}")  # a list or a mapping: nothing is quoted
        elif not node.given:
            self.fault(node, f"{key} has no value; expected {kind.name}")
        else:
            try:
                return kind.read(node.text)
            except ValueError as error:
                message = f"{key} {quoted(node.text)} {error}"
                self.fault(node, message, f"the value of {key} is not valid; expected {kind.name}")
        return _FAULTY

    def _reading_variables(self, kind: Kind) -> Callable[[str], Any]:
        return lambda raw: kind.read(with_variables(raw, self.env.get))

    def _list(self, node: Node, kind: Kind, key: str) -> Any:
        if isinstance(node, Scalar) and not node.given:
            return ()
        if not isinstance(node, yaml_tree.Sequence):
            expected = "expected a list such as [one, two]"
            self.fault(node, f"{key} is {_what(node)}; {expected}", f"{key} is {_kind(node)}; {expected}")
            return _FAULTY
        values = (self._scalar(item, kind, f"an item of {key}") for item in node.items)
        return tuple(dict.fromkeys(value for value in values if value is not _FAULTY))

    def _headers(self, node: Node) -> Any:
        if isinstance(node, Scalar) and not node.given:
            return ()
        if not isinstance(node, yaml_tree.Mapping):
            expected = "expected names and values such as {X-Key: abc}"
            self.fault(node, f"headers is {_what(node)}; {expected}", f"headers is {_kind(node)}; {expected}")
            return _FAULTY
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
                    self.fault(place, f"the header {quoted(key.text)} {error}", f"the {part} of a header is not valid")
            elif isinstance(key, Scalar):
                self.fault(value, f"found {_what(value)} among the headers; expected a name and a text")
        self._pairs(node, (), "headers")
        return tuple(headers)

    def _category_id(self, raw: str) -> str:
        if self.category_ids is None or raw in self.category_ids:
            return raw
        raise ValueError(f"is not one of {listed(self.category_ids)}{nearest(raw, self.category_ids)}")


_FAULTY = object()


def _child(node: Node, key: str) -> Node | None:
    if not isinstance(node, yaml_tree.Mapping):
        return None
    return next((value for name, value in node.pairs if isinstance(name, Scalar) and name.text == key), None)


def _what(node: Node) -> str:
    """Return what *node* is, with the text of a scalar: for whoever edits the file."""
    if isinstance(node, Scalar) and node.given:
        return f"the text {quoted(node.text)}"
    return _kind(node)


def _kind(node: Node) -> str:
    """Return what *node* is without quoting it: for pages that anybody may read."""
    match node:
        case Scalar(given=given):
            return "a text" if given else "nothing"
        case yaml_tree.Sequence():
            return "a list"
        case _:
            return "keys and values"


_KEY = re.compile(r"[a-z_]{1,30}")


def _is_given(node: Node) -> bool:
    return not isinstance(node, Scalar) or node.given


_CAPITALS = frozenset({"ai", "api", "aws", "eu", "ibm", "it", "mit", "ml", "nyt", "rss", "uk", "us"})


def _readable(id_: str) -> str:
    """Return a name for the id: `techcrunch_ai` is `Techcrunch AI`."""
    words = id_.replace("-", "_").split("_")
    return " ".join(word.upper() if word in _CAPITALS else word.capitalize() for word in words if word)
