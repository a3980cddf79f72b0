"""The endpoints of the API: arguments in, stored values out, in the shapes of `schemas`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from flask import Response, abort, redirect, request
from flask_smorest import Blueprint
from marshmallow import RAISE
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from aggregator.model import Entry, LedgerLine, Listed, Membership, Topic
from aggregator.polling.source_health import of_silence, state_of
from aggregator.text.urls import safe_link
from web.api import schemas
from web.http.headers import CSP_DATA
from web.http.hints import WHOLE_EDITION
from web.lists import query
from web.lists import sources as source_list
from web.lists import stories as lists
from web.lists.paging import make_cursor, page_after, position
from web.lists.query import ListParams
from web.present import Presenter, story_path
from web.present.reasons import sentence
from web.present.sources import feed_address
from web.request.context import (
    MINUTE,
    base_url,
    category_name,
    config,
    id_base,
    keep,
    meaning_of,
    now,
    presenter,
    reading,
)
from web.request.services import services
from web.syndication import tag_uri

blueprint = Blueprint("api", __name__, url_prefix="/api/v1", description="Read stories, sources and topics")


@blueprint.before_request
def each_once() -> None:
    """Reject repeated parameters: one of the two would be ignored."""
    for name, values in request.args.lists():
        if len(values) > 1:
            abort(400, f"The parameter {name[:50]!r} is given more than once.")


@blueprint.after_request
def as_data(response: Response) -> Response:
    """Make sure that browsers treat responses as data, never as pages."""
    if response.mimetype != "text/html":  # redirects and OPTIONS
        response.headers["Content-Security-Policy"] = CSP_DATA
    return response


def problems(*codes: int) -> Any:
    """Document the errors of a view."""

    def document(view: Any) -> Any:
        for code in codes:
            view = blueprint.alt_response(code, schema=schemas.Problem, content_type="application/problem+json")(view)
        return view

    return document


@blueprint.get("/")
@blueprint.response(200, schemas.IndexShape)
@problems(503)
def index() -> dict[str, Any]:
    """Entry point with links to all lists."""
    with reading().store() as store:
        edition = store.state.edition()
    keep(MINUTE)
    base = base_url()
    names = ("stories", "search", "sources", "categories", "lists", "topics", "accuracy", "openapi.json")
    return {
        "title": config().site.title,
        "site": base,
        "edition": edition,
        "at": now(),
        "links": {name.partition(".")[0]: f"{base}/api/v1/{name}" for name in names},
    }


@blueprint.get("/openapi.json")
@blueprint.response(200, {"type": "object"}, content_type="application/json")
def openapi() -> Response:
    """This OpenAPI description."""
    keep(WHOLE_EDITION)
    spec = services().api.spec.to_dict()
    spec["servers"] = [{"url": services().database.prefix() or "/"}]
    return Response(json.dumps(spec, indent=1) + "\n", content_type="application/json; charset=utf-8")


@blueprint.get("/stories")
@blueprint.arguments(schemas.StoriesArguments, location="query", error_status_code=400, unknown=RAISE)
@blueprint.response(200, schemas.StoriesShape)
@problems(400, 404, 414, 503)
def stories(arguments: dict[str, Any]) -> dict[str, Any]:
    """List stories, all or of a category, with filters, in the order of the site's pages."""
    category_id = arguments["category"] or None
    if category_id is not None:
        category_name(category_id)
    params = _list_params(arguments, query.LIST_SORTS)
    with reading().store() as store:
        page = page_after(
            arguments["cursor"],
            arguments["limit"],
            lambda limit, offset: lists.some_of_category(store, category_id, params, now(), limit, offset),
        )
        keep(MINUTE if params.window else WHOLE_EDITION)
        show = presenter(store)
        return {
            "edition": store.state.edition(),
            "items": [_story(show, item) for item in page.stories],
            "next_cursor": page.next_cursor,
        }


@blueprint.get("/stories/<int(max=9223372036854775807):story_id>")
@blueprint.response(200, schemas.DetailShape)
@blueprint.alt_response(301, description="The story was merged into another one", success=True)
@problems(404, 503)
def story(story_id: int) -> dict[str, Any] | AnyResponse:
    """Get a story with its entries, the parts of its score, and its score history."""
    with reading().store() as store:
        listed = lists.following_merges(store, story_id)
        if listed is None:
            abort(404)
        if listed.story.story_id != story_id:
            return redirect(f"/api/v1/stories/{listed.story.story_id}", 301)
        show = presenter(store)
        keep(WHOLE_EDITION)
        return {
            **_story(show, listed),
            "entries_of": [_member(show, entry, member) for entry, member in store.memberships.of_story(story_id)],
            "explanation": [
                {**structs.asdict(part), "reason": show.sentence(part.reason)} for part in listed.story.contributions
            ],
            "ledger": [_line(show, line) for line in store.stories.ledger(story_id)],
            "rules": [{"effect": rule.effect, "rule": rule.text} for rule in store.story_rules.of(story_id)],
        }


@blueprint.get("/search")
@blueprint.arguments(schemas.SearchArguments, location="query", error_status_code=400, unknown=RAISE)
@blueprint.response(200, schemas.SearchShape)
@problems(400, 414, 503)
def search(arguments: dict[str, Any]) -> dict[str, Any]:
    """Search stories with words and operators."""
    return _search(arguments)


def _search(arguments: dict[str, Any], *, listed_only: bool = False) -> dict[str, Any]:
    """Return a page of search results; *listed_only* leaves out muted stories."""
    params = _list_params(arguments, query.SEARCH_SORTS)
    looked_for = replace(lists.query_of(params, config(), now()), listed_only=listed_only)
    meaning = meaning_of(looked_for, params.sort)
    with reading().store() as store:
        offset = position(arguments["cursor"])[0]
        results = lists.some_of_search(store, params, looked_for, arguments["limit"], offset, meaning)
        show = presenter(store)
        reached = offset + len(results.stories)
        keep(MINUTE)
        return {
            "edition": store.state.edition(),
            "total": results.total,
            "notes": looked_for.notes,
            "items": [
                {**_story(show, item), "found_in": _entry(show, results.entries.get(item.story.story_id))}
                for item in results.stories
            ],
            "next_cursor": make_cursor(reached, results.stories[-1])
            if results.stories and reached < results.total
            else None,
        }


@blueprint.get("/sources")
@blueprint.response(200, schemas.SourcesShape)
@problems(503)
def sources() -> dict[str, Any]:
    """List all sources with their state."""
    with reading().store() as store:
        rows = source_list.health(store, [*config().sources, *source_list.removed(store, config())], now())
    keep(MINUTE)
    base, limits = base_url(), config().limits
    items = []
    for row in rows:
        source, state = row.source, state_of(row, now())
        silence = of_silence(row, now())
        items.append(
            {
                "id": source.id,
                "name": source.name,
                "feed": "" if row.removed else feed_address(source, limits),
                "page": f"{base}/source/{quote(source.id)}",
                "category": "" if row.removed else source.category,
                "state": "ok" if state == "silent" else state,
                "entries": row.entries,
                "recent_entries": row.recent_entries,
                "firsts": row.firsts,
                "last_new_at": row.state.last_new_at,
                "overdue_since": silence.overdue_at if silence and silence.overdue_at <= now() else None,
            }
        )
    return {"items": items}


@blueprint.get("/categories")
@blueprint.response(200, schemas.CategoriesShape)
@problems(503)
def categories() -> dict[str, Any]:
    """List the categories in the site's order."""
    with reading().store() as store:
        counts = store.story_lists.counts_by_category(now() - timedelta(hours=24))
    keep(MINUTE)
    base = base_url()
    return {
        "items": [
            {
                "id": item.id,
                "name": item.name,
                "page": f"{base}/category/{quote(item.id)}",
                "stories": counts.get(item.id, 0),
            }
            for item in config().categories
        ]
    }


@blueprint.get("/lists")
@blueprint.response(200, schemas.ListsShape)
@problems(503)
def named_lists() -> dict[str, Any]:
    """List the named lists of feeds.yaml with their searches."""
    keep(MINUTE)
    base = base_url()
    return {
        "items": [
            {"id": item.id, "name": item.name, "query": item.query, "page": f"{base}/list/{quote(item.id)}"}
            for item in config().lists
        ]
    }


@blueprint.get("/lists/<list_id>")
@blueprint.arguments(schemas.ListArguments, location="query", error_status_code=400, unknown=RAISE)
@blueprint.response(200, schemas.SearchShape)
@problems(400, 404, 414, 503)
def named_list(arguments: dict[str, Any], list_id: str) -> dict[str, Any]:
    """Get the stories of a named list."""
    named = config().named_list(list_id)
    if named is None:
        abort(404)
    return _search({**arguments, "q": named.query}, listed_only=True)


@blueprint.get("/topics")
@blueprint.response(200, schemas.TopicsShape)
@problems(503)
def topics() -> dict[str, Any]:
    """List the rising topics, strongest first."""
    with reading().store() as store:
        rising = store.topics.rising(limit=50)
    keep(WHOLE_EDITION)
    return {"items": [_topic(item) for item in rising]}


@blueprint.get("/topics/<slug>")
@blueprint.arguments(schemas.Paged, location="query", error_status_code=400, unknown=RAISE)
@blueprint.response(200, schemas.TopicStoriesShape)
@problems(400, 404, 414, 503)
def topic(arguments: dict[str, Any], slug: str) -> dict[str, Any]:
    """Get a topic and its stories."""
    with reading().store() as store:
        stored = store.topics.get(slug)
        if stored is None:
            abort(404)
        page = page_after(
            arguments["cursor"], arguments["limit"], lambda limit, offset: store.topics.stories(slug, limit, offset)
        )
        keep(WHOLE_EDITION)
        show = presenter(store)
        return {
            **_topic(stored),
            "items": [_story(show, item) for item in page.stories],
            "next_cursor": page.next_cursor,
        }


@blueprint.get("/accuracy")
@blueprint.response(200, schemas.AccuracyShape)
@problems(503)
def accuracy() -> dict[str, Any]:
    """Get the latest scorecard: how accurate scores, order and categories were."""
    with reading().store() as store:
        day = store.scorecards.latest()
        measured = store.scorecards.of(day) if day is not None else []
    keep(MINUTE)
    return {"day": day, "items": measured}


# Stored values in the form of the schemas


def _topic(topic: Topic) -> dict[str, Any]:
    return {
        "slug": topic.slug,
        "name": topic.name,
        "page": f"{base_url()}/topic/{quote(topic.slug)}",
        "rising": topic.position is not None,
        "entries": topic.entries,
        "sources": topic.sources,
        "usual_per_day": round(topic.usual_per_day, 4),
        "updated_at": topic.updated_at,
    }


def _list_params(arguments: dict[str, Any], sorts: tuple[str, ...]) -> ListParams:
    """Return validated *arguments* in the form that the pages use."""
    return query.read({name: str(value) for name, value in arguments.items() if name not in ("limit", "cursor")}, sorts)


def _story(show: Presenter, listed: Listed) -> dict[str, Any]:
    story, lead = listed.story, listed.lead
    section = show.section(story.category_id)
    return {
        "id": story.story_id,
        "uri": tag_uri(id_base(), f"story/{story.story_id}"),
        "url": base_url() + story_path(story),
        "headline": story.headline,
        "summary": story.summary,
        "language": lead.language,
        "category": {"id": section.id, "name": section.name} if section else None,
        "score": story.score,
        "provisional": story.provisional,
        "trend": round(story.trend, 4),
        "entries": story.entries,
        "sources": story.sources,
        "independent_sources": story.independent_sources,
        "views": listed.views,
        "via": listed.first_source_id,
        "source": {"id": lead.source_id, "name": show.source_name(lead.source_id)},
        "original": safe_link(lead.link),
        "published_at": story.published_at,
        "first_seen_at": story.first_seen_at,
        "last_source_at": story.last_source_at,
        "updated_at": story.updated_at,
    }


def _entry(show: Presenter, entry: Entry | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    return {
        "id": entry.entry_id,
        "source": {"id": entry.source_id, "name": show.source_name(entry.source_id)},
        "title": entry.title,
        "url": safe_link(entry.link),
        "summary": entry.summary,
        "author": entry.author,
        "language": entry.language,
        "words": entry.word_count,
        "published_at": entry.plausible_published_at,
        "first_seen_at": entry.first_seen_at,
        "edited_at": entry.edited_at,
        "enclosure": entry.enclosure,
    }


def _member(show: Presenter, entry: Entry, member: Membership) -> dict[str, Any]:
    return {
        **(_entry(show, entry) or {}),
        "voice": member.voice,
        "similarity": round(member.similarity, 4),
        "probability": round(member.probability, 4),
        "reason": sentence(member.reason),
    }


def _line(show: Presenter, line: LedgerLine) -> dict[str, Any]:
    return {
        "at": line.at,
        "cause": line.cause.value,
        "words": show.sentence(line.reason),
        "score_before": line.score_before,
        "score_after": line.score_after,
        "entry": line.entry_id,
    }
