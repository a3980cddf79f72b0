"""The front page."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, render_template

from aggregator.store import ListQuery
from web import present
from web.pages import machine_readable
from web.request.context import BRIEF, MINUTE, config, feeds_of, keep, now, presenter, reading, shows
from web.request.worker_status import status_of

room = Blueprint("front", __name__)

FRONT_SIZE = 10
NEWEST_SIZE = 16
SECTION_SIZE = 4
RISING = 8


@room.get("/")
def front() -> str:
    """Trending now across categories, a section per category, newest."""
    with reading().store() as store:
        show = presenter(store)
        top = store.stories.ranked("", FRONT_SIZE)
        ranked = bool(top)
        if not top:
            top = store.stories.select(ListQuery(limit=FRONT_SIZE))
        others = store.stories.other_headlines(top[:1], each=4) | store.stories.other_headlines(top[1:], each=3)
        voices = store.stories.voices(one.story.story_id for one in top)
        cards = [show.card(one, others.get(one.story.story_id, ()), voices.get(one.story.story_id, ())) for one in top]
        seen = {card.story_id for card in cards}
        sections = []
        for category in config().categories:
            listed = store.stories.ranked(category.id, SECTION_SIZE + FRONT_SIZE)
            fresh = [one for one in listed if one.story.story_id not in seen][:SECTION_SIZE]
            if listed:
                sections.append((show.section(category.id), [show.card(one) for one in fresh or listed[:SECTION_SIZE]]))
        newest = [show.card(one) for one in store.stories.select(ListQuery(limit=NEWEST_SIZE))] if top else []
        newest_id = store.stories.newest_id()
        rising = [present.topic(one, store.topics.history(one.slug, now())) for one in store.topics.rising(RISING)]
        status = status_of(store)
    keep(MINUTE if top else BRIEF)
    shows(card.story_id for card in cards)
    return render_template(
        "front.html",
        machine=machine_readable.of_list("Trending", "/", cards),
        lead=cards[0] if cards else None,
        river=cards[1:],
        newest_id=newest_id,
        ranked=ranked,
        sections=sections,
        newest=newest,
        status=status,
        rising=rising,
        ago_6h=f"{now() - timedelta(hours=6):%Y-%m-%dT%H:%MZ}",
        ago_24h=f"{now() - timedelta(days=1):%Y-%m-%dT%H:%MZ}",
        feeds=feeds_of("Trending", "/trending"),
    )
