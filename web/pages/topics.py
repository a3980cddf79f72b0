"""Topics: what is rising now, and one topic with its history and stories."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, abort, render_template
from flask_babel import gettext

from web import present
from web.http.addresses import LIST_PARAMETERS, query_parameters
from web.lists import query
from web.pages import machine_readable
from web.request.context import MINUTE, args, feeds_of, keep, now, presenter, reading

blueprint = Blueprint("topics", __name__)

PAGE_SIZE = 30
MAX_TOPICS = 50


@blueprint.get("/topics")
def topics() -> str:
    """Rising topics, strongest first."""
    with reading().store() as store:
        rising = [
            present.topic(topic, store.topics.history(topic.slug, now())) for topic in store.topics.rising(MAX_TOPICS)
        ]
    keep(MINUTE)
    return render_template("topics.html", rising=rising)


@blueprint.get("/topic/<slug>")
@query_parameters(*LIST_PARAMETERS)
def topic(slug: str) -> str:
    """A topic with its history and its stories."""
    params = query.read(args())
    if params.page > query.MAX_PAGE:
        abort(400, query.TOO_MANY_PAGES)
    with reading().store() as store:
        wanted = store.topics.get(slug)
        if wanted is None:
            abort(404)
        show = presenter(store)
        history = store.topics.history(slug, now())
        stories = store.topics.stories(slug, PAGE_SIZE + 1, (params.page - 1) * PAGE_SIZE)
        others = store.story_lists.other_headlines(stories[:PAGE_SIZE], each=3)
        voices = store.story_lists.voices(listed.story.story_id for listed in stories[:PAGE_SIZE])
        cards = [
            show.card(listed, others.get(listed.story.story_id, ()), voices.get(listed.story.story_id, ()))
            for listed in stories[:PAGE_SIZE]
        ]
    keep(MINUTE)
    return render_template(
        "topic.html",
        metadata=machine_readable.list_metadata(wanted.name, f"/topic/{quote(slug)}", cards),
        topic=present.topic(wanted, history),
        chart=present.topic_chart(show, history),
        path=f"/topic/{quote(slug)}",
        params=params,
        cards=cards,
        more=len(stories) > PAGE_SIZE,
        rose=show.moment(wanted.updated_at),
        feeds=feeds_of(gettext("Topic: %(topic)s", topic=wanted.name), f"/topic/{quote(slug)}"),
    )
