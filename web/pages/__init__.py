"""The addresses of the site, a room a module: each has a blueprint called `room`.

A view asks the store, makes view models, and renders. Rooms know addresses, titles and empty states. They leave
what a request has at hand to `context`, wording and drawing to `present`, choosing stories to `lists`.
"""

from __future__ import annotations

from web.pages import (
    accuracy,
    archive,
    feeds,
    files,
    fresh,
    front,
    health,
    hub,
    listing,
    machine,
    operation,
    picture,
    search,
    story,
    topics,
    words,
)

ROOMS = (
    front.room,
    listing.room,
    search.room,
    story.room,
    archive.room,
    fresh.room,
    picture.room,
    topics.room,
    health.room,
    words.room,
    feeds.room,
    hub.room,
    machine.room,
    accuracy.room,
    operation.room,
    files.room,
)
