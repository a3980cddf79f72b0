"""Words about the site: how its numbers are made, what can be subscribed to."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Blueprint, render_template

from scoring.ranking import trend
from web import present, syndication
from web.http.hints import WHOLE_EDITION
from web.i18n import wording
from web.request.context import base_url, config, feeds_of, hub_url, keep, public_site, reading
from web.request.services import services

blueprint = Blueprint("words", __name__)

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
        words_per_minute=present.WORDS_PER_MINUTE,
        namespace=syndication.NAMESPACE,
    )


@blueprint.get("/api")
def interface() -> str:
    """The interface for programs, as its own description has it."""
    keep(WHOLE_EDITION)
    spec = services().api.spec.to_dict()
    operations = [
        (method, path, described, _body_fields(spec, described))
        for path, methods in spec["paths"].items()
        for method, described in methods.items()
        if method in ("get", "post")
    ]
    return render_template("api.html", operations=operations, base=base_url(), shared=public_site())


def _body_fields(spec: dict[str, Any], operation: dict[str, Any]) -> list[tuple[str, bool, str]]:
    """Return the fields of the JSON that an operation takes: name, whether it is required, what it means."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    schema = spec.get("components", {}).get("schemas", {}).get(name, {})
    required = schema.get("required", [])
    return [
        (field, field in required, described.get("description", ""))
        for field, described in schema.get("properties", {}).items()
    ]


@blueprint.get("/feeds")
def feeds_page() -> str:
    """Everything that can be subscribed to."""
    keep(WHOLE_EDITION)
    rows = [feeds_of("Trending", "/trending"), feeds_of("Newest", "/newest"), feeds_of("Digests", "/digest")]
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
