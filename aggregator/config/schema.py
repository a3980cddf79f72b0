"""The keys of feeds.yaml: every section, its values, and their limits.

docs/configuration.md documents the same, and a test compares the two. The defaults are those of the dataclasses in
`aggregator.model`. `values` has the formats of single values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from aggregator.config.values.addresses import CA_FILE, FIELD_NAME, HOST, HUB, NETWORK, PROXY, SITE_ADDRESS, WEB_ADDRESS
from aggregator.config.values.basic import (
    FLAG,
    ID,
    LANGUAGE,
    READERS,
    TIME_ZONE,
    USER_AGENT,
    Kind,
    number,
    size,
    span,
    text,
    whole,
)
from aggregator.config.values.rules import (
    DATE,
    ENCODER,
    QUERY,
    QUIET,
    RULE,
    SECRET,
    SHA256,
    TARGET,
    TIME_OF_DAY,
    TITLE_FILTER,
)

_SECOND, _MINUTE, _HOUR, _DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


# A `Kind` is one value; the other classes are shapes.


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of values of one kind."""

    kind: Kind | WithVariables

    @property
    def name(self) -> str:
        """The type column of docs/configuration.md."""
        return f"list, each {'an' if self.kind.name[0] in 'aeio' else 'a'} {self.kind.name}"


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping whose keys are known."""

    keys: Mapping[str, Shape]
    name: str = "section"
    each: Kind | None = None
    """The kind of each value, if the keys are the operator's own IDs."""


@dataclass(frozen=True, slots=True)
class Sections:
    """A list of mappings with known keys, each with a unique *name*."""

    keys: Mapping[str, Shape]
    needed: tuple[str, ...]
    thing: str
    """What each of them is, in messages."""
    name: str = "list of sections"


@dataclass(frozen=True, slots=True)
class Headers:
    """Names and values of request headers."""

    name: str = "headers"


@dataclass(frozen=True, slots=True)
class CategoryId:
    """The id of a category of this file."""

    name: str = "category id"


@dataclass(frozen=True, slots=True)
class WithVariables:
    """A value that may name `${VARIABLES}` of the environment."""

    kind: Kind

    @property
    def name(self) -> str:
        """That of the value itself."""
        return self.kind.name


Shape = Kind | WithVariables | ListOf | Section | Sections | Headers | CategoryId

_TARGETS = ListOf(WithVariables(TARGET))

INHERITED: dict[str, Shape] = {
    "category": CategoryId(),
    "weight": number(0, 10),
    "poll": Section({"min": span(_SECOND, 30 * _DAY), "max": span(_SECOND, 30 * _DAY)}),
    "full_text": FLAG,
    "exclude": ListOf(TITLE_FILTER),
    "only": ListOf(TITLE_FILTER),
    "images": FLAG,
    "language": LANGUAGE,
    "user_agent": USER_AGENT,
    "headers": Headers(),
    "proxy": WithVariables(PROXY),
    "ca_file": CA_FILE,
}

KEYS: Mapping[str, Section] = {
    "site": Section(
        {
            "title": text(100),
            "url": SITE_ADDRESS,
            "language": LANGUAGE,
            "timezone": TIME_ZONE,
            "hub": HUB,
            "metrics": READERS,
        }
    ),
    "categories": Section({"id": ID, "name": text(100), "seeds": ListOf(text(60))}),
    "sources": Section(
        {
            "id": ID,
            "name": text(200),
            "url": WEB_ADDRESS,
            "owner": text(200),
            "enabled": FLAG,
            "allow_private": FLAG,
            **INHERITED,
        }
    ),
    "defaults": Section(INHERITED),
    "scoring": Section(
        {
            "top_share": number(0.001, 0.5),
            "window": span(_HOUR, 30 * _DAY),
            "half_life": span(_MINUTE, 30 * _DAY),
        },
    ),
    "retention": Section({"entries": span(_DAY, 36_500 * _DAY, forever=True), "polls": span(_DAY, 36_500 * _DAY)}),
    "analysis": Section(
        {
            "endpoint": WEB_ADDRESS,
            "model": text(200),
            "headers": Headers(),
            "stories": whole(1, 200),
            "allow_private": FLAG,
        }
    ),
    "lists": Section({}, each=QUERY),
    "rules": Section({"mute": RULE, "boost": RULE, "until": DATE}),
    "alerts": Section(
        {
            "failures": whole(1, 1_000),
            "to": _TARGETS,
            "quiet": QUIET,
            "step": whole(1, 100),
            "per_hour": whole(1, 1_000),
            "secret": WithVariables(SECRET),
            "allow_private": FLAG,
            "rules": Sections(
                {"name": ID, "when": QUERY, "to": _TARGETS, "quiet": QUIET}, needed=("name", "when"), thing="rule"
            ),
            "operator": Section({"to": _TARGETS, "disk": size("0", "1000GB")}),
        }
    ),
    "sign_in": Section({"header": FIELD_NAME, "users": ListOf(text(200)), "proxies": ListOf(NETWORK)}),
    "digest": Section({"at": TIME_OF_DAY, "stories": whole(1, 50), "daily": _TARGETS, "weekly": _TARGETS}),
    "meaning": Section({"model": ENCODER, "sha256": SHA256}),
    "backup": Section({"folder": text(500), "every": span(_HOUR, 365 * _DAY), "keep": whole(1, 1_000)}),
    "limits": Section(
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
            "allow_private": ListOf(HOST),
            "allow_private_callbacks": ListOf(WEB_ADDRESS),
        },
    ),
}
"""Every key of the file, by section; `categories`, `sources` and `rules` are each a list of such sections."""

_ONE_OF = {"sources": "a source", "categories": "a category", "rules": "a rule"}


def sections_with(key: str) -> list[str]:
    """Return the sections that have *key*, as messages name them: "a source", "poll of defaults"."""
    names = []
    for section, shape in KEYS.items():
        name = _ONE_OF.get(section, section)
        if key in shape.keys:
            names.append(name)
        names += [
            f"{inner} of {name}"
            for inner, inner_shape in shape.keys.items()
            if isinstance(inner_shape, Section | Sections) and key in inner_shape.keys
        ]
    return names
