"""About the site: how scores are computed, what can be subscribed to, and the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Blueprint, render_template
from flask_babel import gettext

from scoring.ranking import page_order, trend
from web import present, syndication
from web.http.hints import WHOLE_EDITION
from web.i18n import wording
from web.request.context import base_url, config, feeds_of, hub_url, keep, public_site, reading
from web.request.services import services

blueprint = Blueprint("words", __name__)

MAX_BOUND = 10_000
PART_OF_PATH = "Part of the path."
MAX_SOURCES = 300
"""Whose feeds are listed; three links each of ten thousand would be four megabytes."""


@blueprint.get("/about")
def about() -> str:
    """How every number is computed, from the running configuration."""
    keep(WHOLE_EDITION)
    return render_template(
        "about.html",
        duration=wording.duration,
        percent=wording.percent,
        pull_half_lives=trend.PULL_HALF_LIVES,
        low_score=page_order.LOW_SCORE,
        top_places=page_order.TOP,
        stale_hours=round(page_order.STALE / page_order.HOUR),
        good_score=page_order.GOOD_SCORE,
        words_per_minute=present.WORDS_PER_MINUTE,
        namespace=syndication.NAMESPACE,
    )


@blueprint.get("/api")
def interface() -> str:
    """The API, from its own OpenAPI description."""
    keep(WHOLE_EDITION)
    described = operations(services().api.spec.to_dict())
    return render_template("api.html", operations=described, base=base_url(), shared=public_site())


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter of an operation, or a field of its JSON body."""

    name: str
    required: bool
    meaning: str
    choices: tuple[str, ...] = ()
    span: tuple[int, int] | None = None
    default: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the API."""

    method: str
    path: str
    summary: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]

    @property
    def anchor(self) -> str:
        """The fragment of its description on the page."""
        return self.path.removeprefix("/api/v1/").replace("/", "-").translate({123: None, 125: None}) or "index"


def operations(spec: dict[str, Any], translate: Callable[[str], str] = gettext) -> list[Operation]:
    """Return the operations in an OpenAPI description, with texts translated by *translate*."""
    return [
        Operation(
            method,
            path,
            translate(described["summary"]),
            tuple(
                _parameter(parameter, translate)
                for parameter in (*methods.get("parameters", ()), *described.get("parameters", ()))
            ),
            _body(spec, described, translate),
        )
        for path, methods in spec["paths"].items()
        for method, described in methods.items()
        if method in ("get", "post")
    ]


def _parameter(parameter: dict[str, Any], translate: Callable[[str], str]) -> Field:
    schema = parameter["schema"]
    # IDs have bounds too, but these do not help a reader.
    bounded = schema.get("maximum", MAX_BOUND) < MAX_BOUND
    return Field(
        parameter["name"],
        bool(parameter.get("required")),
        translate(parameter.get("description") or PART_OF_PATH).replace("`", ""),
        tuple(filter(None, schema.get("enum", ()))),
        (schema["minimum"], schema["maximum"]) if bounded else None,
        str(schema.get("default") or ""),
    )


def _body(spec: dict[str, Any], operation: dict[str, Any], translate: Callable[[str], str]) -> tuple[Field, ...]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    schema = spec.get("components", {}).get("schemas", {}).get(name, {})
    return tuple(
        Field(field, field in schema.get("required", ()), _meaning(described, translate))
        for field, described in schema.get("properties", {}).items()
    )


def _meaning(described: dict[str, Any], translate: Callable[[str], str]) -> str:
    text = described.get("description", "")
    return translate(text).replace("`", "") if text else ""


@blueprint.get("/feeds")
def feeds_page() -> str:
    """Everything that can be subscribed to."""
    keep(WHOLE_EDITION)
    rows = [
        feeds_of(gettext("Trending"), "/trending"),
        feeds_of(gettext("Newest"), "/newest"),
        feeds_of(gettext("Digests"), "/digest"),
    ]
    by_category = [feeds_of(item.name, f"/category/{quote(item.id)}") for item in config().categories]
    by_list = [feeds_of(named_list.name, f"/list/{quote(named_list.id)}") for named_list in config().lists]
    with reading().store() as store:
        topics = [feeds_of(item.name, f"/topic/{quote(item.slug)}") for item in store.topics.rising(20)]
    enabled = [item for item in config().sources if item.enabled]
    by_source = [feeds_of(item.name, f"/source/{quote(item.id)}") for item in enabled[:MAX_SOURCES]]
    return render_template(
        "feeds.html",
        general=rows,
        by_category=by_category,
        by_list=by_list,
        by_source=by_source,
        more_sources=len(enabled) - len(by_source),
        topics=topics,
        namespace=syndication.NAMESPACE,
        base=base_url(),
        hub=hub_url(),
        own_hub=config().site.hub == "own",
        feeds=[*rows[0], *rows[1]],
    )
