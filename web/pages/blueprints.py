"""The addresses of the site, a room a module: each has a blueprint called `room`.

A view asks the store, makes view models, and renders. Rooms know addresses, titles and empty states. They leave
what a request has at hand to `context`, wording and drawing to `present`, choosing stories to `lists`.
"""

from __future__ import annotations

from web.pages import (
    about,
    accuracy,
    archive,
    category,
    feeds,
    front,
    machine_readable,
    search,
    sources,
    story,
    topics,
)
from web.pages.programs import markdown
from web.pages.reading import named_lists, saved
from web.pages.service import healthz, picture, static_files, updates, websub_hub

BLUEPRINTS = (
    front.blueprint,
    category.blueprint,
    named_lists.blueprint,
    search.blueprint,
    saved.blueprint,
    story.blueprint,
    archive.blueprint,
    updates.blueprint,
    picture.blueprint,
    topics.blueprint,
    sources.blueprint,
    about.blueprint,
    feeds.blueprint,
    websub_hub.blueprint,
    machine_readable.blueprint,
    markdown.blueprint,
    accuracy.blueprint,
    healthz.blueprint,
    static_files.blueprint,
)
