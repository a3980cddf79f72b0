"""The front page."""

from __future__ import annotations

from flask import Blueprint, render_template

from aggregator.store import ListQuery
from web import present
from web.context import BRIEF, MINUTE, config, feeds_of, keep, presenter, reading, shows
from web.status import status_of

room = Blueprint("front", __name__)

FRONT_SIZE = 10
NEWEST_SIZE = 16
SECTION_SIZE = 4


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
        cards = [show.card(one, others.get(one.story.story_id, ())) for one in top]
        seen = {card.story_id for card in cards}
        sections = []
        for category in config().categories:
            listed = store.stories.ranked(category.id, SECTION_SIZE + FRONT_SIZE)
            fresh = [one for one in listed if one.story.story_id not in seen][:SECTION_SIZE]
            if listed:
                sections.append((show.section(category.id), [show.card(one) for one in fresh or listed[:SECTION_SIZE]]))
        newest = [show.card(one) for one in store.stories.select(ListQuery(limit=NEWEST_SIZE))] if top else []
        swell = present.coverage_chart(show, store.stories.members(top[0].story.story_id)) if top else None
        status = status_of(store)
    keep(MINUTE if top else BRIEF)
    shows(card.story_id for card in cards)
    return render_template(
        "front.html",
        lead=cards[0] if cards else None,
        river=cards[1:],
        swell=swell,
        ranked=ranked,
        sections=sections,
        newest=newest,
        status=status,
        feeds=feeds_of("Trending", "/trending"),
    )
