"""The front page."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, render_template
from flask_babel import gettext

from aggregator.store import ListQuery, Store
from web import present
from web.pages import machine_readable
from web.request.context import BRIEF, MINUTE, config, feeds_of, keep, now, presenter, reading, shows
from web.request.worker_status import status_of

blueprint = Blueprint("front", __name__)

FRONT_SIZE = 10
NEWEST_SIZE = 16
NEWEST_POOL = 4
"""So many times as many of the latest arrivals are looked at for the newest ones."""
SECTION_SIZE = 4
RISING = 8


@blueprint.get("/")
def front() -> str:
    """Trending now across categories, then a section per category, then the newest stories."""
    with reading().store() as store:
        show = presenter(store)
        top = store.story_lists.ranked("", FRONT_SIZE)
        ranked = bool(top)
        if not top:
            top = store.story_lists.select(ListQuery(limit=FRONT_SIZE))
        others = store.story_lists.other_headlines(top[:1], each=4) | store.story_lists.other_headlines(top[1:], each=3)
        voices = store.story_lists.voices(listed.story.story_id for listed in top)
        cards = [
            show.card(listed, others.get(listed.story.story_id, ()), voices.get(listed.story.story_id, ()))
            for listed in top
        ]
        seen = {card.story_id for card in cards}
        sections = []
        for category in config().categories:
            ranking = store.story_lists.ranked(category.id, SECTION_SIZE + FRONT_SIZE)
            unseen = [listed for listed in ranking if listed.story.story_id not in seen][:SECTION_SIZE]
            if ranking:
                shown = [show.card(listed) for listed in unseen or ranking[:SECTION_SIZE]]
                sections.append((show.section(category.id), shown))
        newest = _newest(store, show) if top else []
        newest_id = store.story_lists.newest_id()
        rising = [
            present.topic(topic, store.topics.history(topic.slug, now())) for topic in store.topics.rising(RISING)
        ]
        status = status_of(store)
        earlier = [
            (label, moment)
            for label, age in ((gettext("6 hours ago"), timedelta(hours=6)), (gettext("yesterday"), timedelta(days=1)))
            if store.front_pages.before(moment := now() - age) is not None
        ]
    keep(MINUTE if top else BRIEF)
    shows(card.story_id for card in cards)
    return render_template(
        "front.html",
        metadata=machine_readable.list_metadata(gettext("Trending"), "/", cards),
        lead=cards[0] if cards else None,
        river=cards[1:],
        newest_id=newest_id,
        ranked=ranked,
        sections=sections,
        newest=newest,
        status=status,
        rising=rising,
        earlier=[(label, f"{moment:%Y-%m-%dT%H:%MZ}") for label, moment in earlier],
        feeds=feeds_of(gettext("Trending"), "/trending"),
    )


def _newest(store: Store, show: present.Presenter) -> list[present.Card]:
    """Return the newest stories by the displayed date.

    By arrival, a new source or a pause would put many older stories on top.
    """
    latest = store.story_lists.select(ListQuery(limit=NEWEST_POOL * NEWEST_SIZE))
    latest.sort(key=lambda listed: listed.story.published_at or listed.story.first_seen_at, reverse=True)
    return [show.card(listed) for listed in latest[:NEWEST_SIZE]]
