"""Read feeds.yaml.

    text -> yaml_tree.read -> NodeReader checks each value by `schema` -> ConfigReader checks rules between values
         -> Config, or ConfigError with all errors of the file: line, column, what was expected, the nearest valid name

`site.config_watcher` watches the file, and keeps the last valid configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.config import yaml_tree
from aggregator.config.node_reader import NodeReader, TooManyErrors, child, describe, kind_of
from aggregator.config.schema import KEYS
from aggregator.config.values.addresses import feed_key, owner_of
from aggregator.config.values.basic import ID, listed, nearest, quoted, spelled
from aggregator.config.yaml_tree import Node, Scalar
from aggregator.errors import ConfigError, Fault
from aggregator.model import (
    AlertRule,
    Alerts,
    AlertTarget,
    AnalysisSettings,
    Backups,
    Category,
    Config,
    Defaults,
    DigestSettings,
    Limits,
    MeaningSettings,
    NamedList,
    OperatorAlarms,
    PollLimits,
    Retention,
    RuleEffect,
    ScoringSettings,
    SignIn,
    Site,
    Source,
    StoryRule,
)
from aggregator.text import search_query

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Whether a search is valid does not depend on when it is made."""

MAX_FILE_BYTES = 20_000_000
"""A file of 100,000 sources is smaller."""


def load_config(path: Path, *, env: Mapping[str, str]) -> Config:
    """Return the configuration in the file at *path*; ConfigError if it is missing or invalid."""
    return parse_config(read_config(path), name=str(path), env=env)


def read_config(path: Path) -> str:
    """Return the text of the file at *path*; ConfigError if it cannot be read."""
    try:
        with path.open("rb") as file:
            body = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; `groundswell init` creates one") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(body) > MAX_FILE_BYTES:
        raise _error(str(path), [_TOO_LARGE])
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].decode()
        last_line = before.rpartition("\n")[2]
        wide = body.startswith((b"\xff\xfe", b"\xfe\xff"))
        message = f"the byte 0x{body[error.start]:02x} is not UTF-8{' but UTF-16' * wide}; save the file as UTF-8"
        raise _error(str(path), [Fault(before.count("\n") + 1, len(last_line) + 1, message)]) from None


def parse_config(text: str, *, name: str = "feeds.yaml", env: Mapping[str, str] | None = None) -> Config:
    """Return the configuration in *text*, the content of a feeds.yaml called *name*.

    Raises ConfigError with all errors. *env* has the `${VARIABLES}` that values of `headers:` may name.
    """
    if len(text) > MAX_FILE_BYTES:
        raise _error(name, [_TOO_LARGE])
    try:
        root = yaml_tree.read(text)
    except yaml_tree.Unreadable as unreadable:
        raise _error(name, [unreadable.fault]) from None
    if root is None:
        raise _error(name, [Fault(1, 1, "the file is empty; expected 'sources:' and a list of feeds")])
    reader = ConfigReader({} if env is None else env)
    try:
        config = reader.config(root)
    except TooManyErrors:
        raise _error(name, reader.errors, "and more; the rest of the file was not read") from None
    if reader.errors or config is None:
        # libyaml reports missing nodes after the last line; people look at the last one.
        last = text.count("\n") + 1 - text.endswith("\n")
        raise _error(name, [replace(fault, line=min(fault.line, max(last, 1))) for fault in reader.errors])
    return config


_TOO_LARGE = Fault(1, 1, f"the file is larger than {MAX_FILE_BYTES // 10**6} MB; expected a list of feeds")


def _error(name: str, faults: Iterable[Fault], more: str = "") -> ConfigError:
    ordered = tuple(sorted(faults))
    rest = [f"{name}: {more}"] if more else []

    def text(message: Callable[[Fault], str]) -> str:
        return "\n".join([*(f"{name}:{fault.line}:{fault.column}: {message(fault)}" for fault in ordered), *rest])

    return ConfigError(
        text(lambda fault: fault.message), ordered, public=text(lambda fault: fault.public or fault.message)
    )


@dataclass
class ConfigReader(NodeReader):
    """Reads the file from the top."""

    def config(self, root: Node) -> Config | None:
        if not isinstance(root, yaml_tree.Mapping):
            self.error(
                root,
                f"found {describe(root)}; expected sections: {listed(KEYS)}",
                f"found {kind_of(root)}; expected sections: {listed(KEYS)}",
            )
            return None
        sections = self.pairs(root, KEYS, "the file")
        categories = self._categories(sections)
        defaults = self._section("defaults", sections)
        sources = self._sources(sections, defaults, categories[0].id if categories else "")
        config = Config(
            Site(**self._section("site", sections)),
            categories,
            sources,
            Limits(**self._section("limits", sections)),
            ScoringSettings(**self._section("scoring", sections)),
            Retention(**self._section("retention", sections)),
            self._alerts(sections, categories),
            AnalysisSettings(**self._section("analysis", sections)),
            lists=self._lists(sections, categories, sources),
            rules=self._rules(sections, categories, sources),
            backup=Backups(**self._section("backup", sections)),
            sign_in=self._sign_in(sections),
            digest=self._digest(sections),
            meaning=MeaningSettings(**self._section("meaning", sections)),
            defaults=Defaults(proxy=defaults.get("proxy", ""), ca_file=defaults.get("ca_file", "")),
        )
        retention, window = config.retention.entries, config.scoring.window
        if retention is not None and retention < window:
            self.error(
                child(sections["retention"], "entries") or root,
                f"retention.entries {spelled(retention)} is below scoring.window {spelled(window)}; "
                "a story that can still grow needs its entries",
                "retention.entries is below scoring.window; a story that can still grow needs its entries",
            )
        return config

    def _section(self, section: str, sections: Mapping[str, Node]) -> dict[str, Any]:
        node = sections.get(section)
        return (self.values(node, KEYS[section].keys, section) or {}) if node else {}

    def _sign_in(self, sections: Mapping[str, Node]) -> SignIn:
        values = self._section("sign_in", sections)
        node = sections.get("sign_in")
        if isinstance(node, yaml_tree.Mapping):
            missing = [key for key in ("header", "users", "proxies") if child(node, key) is None]
            if missing:
                self.error(node, f"sign_in lacks {listed(missing)}; it needs header, users and proxies")
        return SignIn(**values)

    def _alerts(self, sections: Mapping[str, Node], categories: Iterable[Category]) -> Alerts:
        values = self._section("alerts", sections)
        node = sections.get("alerts")
        rules_node = child(node, "rules") if node else None
        if node is None:
            return Alerts()
        if isinstance(rules_node, yaml_tree.Sequence):
            self._distinct(rules_node.items, "name", "rule")
            for rule_node in rules_node.items:
                self._names_in_search(child(rule_node, "when"), categories)
        to, quiet = values.get("to", ()), values.get("quiet")
        rules = [{"to": to, "quiet": quiet, **rule} for rule in values.get("rules", ())]
        if "to" not in values:
            for rule in values.get("rules", ()):
                if "to" not in rule:
                    message = "has no 'to:', neither of its own nor under alerts"
                    self.error(rules_node or node, f"the rule {quoted(rule['name'])} {message}", f"a rule {message}")
        operator = {"to": to, **values.get("operator", {})}
        every = [*to, *operator["to"], *(target for rule in rules for target in rule["to"])]
        if "secret" not in values and any(target.address.startswith(("http://", "https://")) for target in every):
            self.error(node, "alerts has a webhook but no 'secret:' to sign it with; `openssl rand -hex 32` makes one")
        return Alerts(
            **{
                **values,
                "to": _usable(to),
                "rules": tuple(AlertRule(**{**rule, "to": _usable(rule["to"])}) for rule in rules),
                "operator": OperatorAlarms(**{**operator, "to": _usable(operator["to"])}),
            }
        )

    def _digest(self, sections: Mapping[str, Node]) -> DigestSettings:
        values = self._section("digest", sections)
        for key in ("daily", "weekly"):
            values[key] = _usable(values.get(key, ()))
        webhook = any(
            target.address.startswith(("http://", "https://")) for target in values["daily"] + values["weekly"]
        )
        if webhook and child(sections.get("alerts") or sections["digest"], "secret") is None:
            self.error(
                sections["digest"],
                "digest has a webhook but alerts has no 'secret:' to sign it with; `openssl rand -hex 32` makes one",
            )
        return DigestSettings(**values)

    def _names_in_search(self, node: Node | None, categories: Iterable[Category]) -> None:
        """Report an unknown category in a search."""
        if not isinstance(node, Scalar) or self.category_ids is None:
            return
        query = search_query.read(node.text, _ANY_TIME)
        names = [*self.category_ids, *(category.name for category in categories)]
        for name in (*query.categories, *query.without_categories):
            if not any(known_name.lower().startswith(name) for known_name in names):
                message = f"category {quoted(name)} is not one of {listed(self.category_ids)}"
                self.error(node, f"{message}{nearest(name, self.category_ids)}", "a search names an unknown category")

    def _categories(self, sections: Mapping[str, Node]) -> tuple[Category, ...]:
        errors_before = len(self.errors)
        nodes = self.items(sections, "categories")
        categories = []
        for node in nodes:
            values = self.values(node, KEYS["categories"].keys, "category", needed=("id",))
            if values and "id" in values:
                categories.append(Category(**{"name": _readable(values["id"]), **values}))
        self._distinct(nodes, "id", "category")
        if nodes:
            # As spelled, so that an invalid category does not make each of its sources an error.
            ids = (child(node, "id") for node in nodes)
            self.category_ids = tuple(dict.fromkeys(id_.text for id_ in ids if isinstance(id_, Scalar)))
            return tuple(categories)
        self.category_ids = ("news",) if len(self.errors) == errors_before else None
        return (Category("news", "News"),)

    def _sources(self, sections: Mapping[str, Node], defaults: dict[str, Any], category: str) -> tuple[Source, ...]:
        nodes = self.items(sections, "sources")
        self._poll(defaults.get("poll", {}), sections.get("defaults"))
        sources = []
        for node in nodes:
            values = self.values(node, KEYS["sources"].keys, "source", needed=("id", "url"))
            if values is None:
                continue
            poll = {**defaults.get("poll", {}), **values.get("poll", {})}
            limits = self._poll(poll, node) if "poll" in values else PollLimits(**poll)
            if "id" not in values or "url" not in values:
                continue
            headers = {key.lower(): (key, value) for key, value in defaults.get("headers", ())}
            headers |= {key.lower(): (key, value) for key, value in values.get("headers", ())}
            fields = {
                "name": _readable(values["id"]),
                "category": category,
                "owner": owner_of(values["url"]),
                **defaults,
                **values,
                "poll": limits,
                "headers": tuple(headers.values()),
            }
            sources.append(Source(**fields))
        self._distinct(nodes, "id", "source")
        self._distinct(nodes, "url", "feed", feed_key)
        return tuple(sources)

    def _lists(
        self, sections: Mapping[str, Node], categories: Iterable[Category], sources: Iterable[Source]
    ) -> tuple[NamedList, ...]:
        node, shape = sections.get("lists"), KEYS["lists"].each
        if node is None or shape is None or (isinstance(node, Scalar) and not node.has_value):
            return ()
        if not isinstance(node, yaml_tree.Mapping):
            expected = 'expected names and searches such as {chips: "category:hardware score:>60"}'
            self.error(node, f"lists is {describe(node)}; {expected}", f"lists is {kind_of(node)}; {expected}")
            return ()
        pairs = self.pairs(node, (), "lists")
        keys = {key.text: key for key, _ in node.pairs if isinstance(key, Scalar)}
        category_names = {category.id: category.name for category in categories}
        source_names = {source.id: source.name for source in sources}
        lists = []
        for key, value in pairs.items():
            errors_before = len(self.errors)
            id_, text = self._scalar(keys[key], ID, "the name of a list"), self._scalar(value, shape, key)
            if len(self.errors) > errors_before:
                continue
            query = search_query.resolved(search_query.read(text, _ANY_TIME), source_names, category_names)
            for note in query.notes:
                self.error(value, f"lists.{key}: {note}", "the search of a list is not valid")
            lists.append(NamedList(id_, _readable(id_), text))
        return tuple(lists)

    def _rules(
        self, sections: Mapping[str, Node], categories: Iterable[Category], sources: Iterable[Source]
    ) -> tuple[StoryRule, ...]:
        category_names = {category.id: category.name for category in categories}
        source_names = {source.id: source.name for source in sources}
        rules: dict[tuple[RuleEffect, str], StoryRule] = {}
        for node in self.items(sections, "rules"):
            errors_before = len(self.errors)
            values = self.values(node, KEYS["rules"].keys, "rule")
            if values is None or len(self.errors) > errors_before:
                continue
            effects = [effect for effect in RuleEffect if effect.value in values]
            if len(effects) != 1:
                self.error(node, "a rule needs either 'mute' or 'boost'")
                continue
            effect, text = effects[0], values[effects[0].value]
            place = child(node, effect.value) or node
            for query in search_query.read_rule(text, _ANY_TIME):
                if query is not None and self.category_ids is not None:
                    for note in search_query.resolved(query, source_names, category_names).notes:
                        self.error(place, f"{effect.value}: {note}", "a rule names an unknown source or category")
            if (effect, text) in rules:
                self.error(place, f"the rule {quoted(text)} occurs twice", "a rule occurs twice")
            rules[effect, text] = StoryRule(effect, text, values.get("until"))
        return tuple(rules.values())

    # Rules between values

    def _poll(self, values: Mapping[str, timedelta], node: Node | None) -> PollLimits:
        limits = PollLimits(**values)
        if limits.min > limits.max and node is not None:
            place = child(node, "poll") or node
            self.error(
                place,
                f"poll.min {spelled(limits.min)} is above poll.max {spelled(limits.max)}",
                "poll.min is above poll.max",
            )
        return limits

    def _distinct(self, nodes: Iterable[Node], key: str, noun: str, of: Callable[[str], str] = str) -> None:
        """Report each section whose *key* is a duplicate; invalid ones are reported already."""
        first: dict[str, Node] = {}
        reported = {(fault.line, fault.column) for fault in self.errors}
        for node in nodes:
            value = child(node, key)
            if not isinstance(value, Scalar) or (value.line, value.column) in reported:
                continue
            earlier = first.setdefault(of(value.text), value)
            if earlier is not value:
                self.error(
                    value,
                    f"the {noun} {quoted(value.text)} is already in line {earlier.line}",
                    f"this {noun} is already in line {earlier.line}",
                )


def _usable(targets: Iterable[AlertTarget]) -> tuple[AlertTarget, ...]:
    """Return the targets whose address this process knows."""
    return tuple(target for target in targets if target.address)


_CAPITALS = frozenset({"ai", "api", "aws", "eu", "ibm", "it", "mit", "ml", "nyt", "rss", "uk", "us"})


def _readable(id_: str) -> str:
    """Return a name for the id: `techcrunch_ai` is `Techcrunch AI`."""
    parts = id_.replace("-", "_").split("_")
    return " ".join(word.upper() if word in _CAPITALS else word.capitalize() for word in parts if word)
