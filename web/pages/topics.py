"""Topics: what rises now, and one topic with how it came about and its stories."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, abort, render_template

from web import present
from web.http.addresses import LIST_PARAMETERS, query_parameters
from web.lists import query as asking
from web.pages import machine_readable
from web.request.context import MINUTE, args, feeds_of, keep, now, presenter, reading

room = Blueprint("topics", __name__)

PAGE_SIZE = 30
MOST = 50


@room.get("/topics")
def topics() -> str:
    """What rises now, the strongest first."""
    with reading().store() as store:
        rising = [present.topic(one, store.topics.history(one.slug, now())) for one in store.topics.rising(MOST)]
    keep(MINUTE)
    return render_template("topics.html", rising=rising)


@room.get("/topic/<slug>")
@query_parameters(*LIST_PARAMETERS)
def topic(slug: str) -> str:
    """A topic: how it came about, and its stories."""
    asked = asking.read(args())
    if asked.page > asking.MAX_PAGE:
        abort(400, f"A list has {asking.MAX_PAGE:,} pages at most.")
    with reading().store() as store:
        found = store.topics.get(slug)
        if found is None:
            abort(404)
        show = presenter(store)
        history = store.topics.history(slug, now())
        stories = store.topics.stories(slug, PAGE_SIZE + 1, (asked.page - 1) * PAGE_SIZE)
        others = store.stories.other_headlines(stories[:PAGE_SIZE], each=3)
        voices = store.stories.voices(one.story.story_id for one in stories[:PAGE_SIZE])
        cards = [
            show.card(one, others.get(one.story.story_id, ()), voices.get(one.story.story_id, ()))
            for one in stories[:PAGE_SIZE]
        ]
    keep(MINUTE)
    return render_template(
        "topic.html",
        machine=machine_readable.of_list(found.name, f"/topic/{quote(slug)}", cards),
        topic=present.topic(found, history),
        chart=present.topic_chart(show, history),
        path=f"/topic/{quote(slug)}",
        asked=asked,
        cards=cards,
        more=len(stories) > PAGE_SIZE,
        rose=show.moment(found.updated_at),
        feeds=feeds_of(f"Topic: {found.name}", f"/topic/{quote(slug)}"),
    )
