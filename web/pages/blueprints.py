"""The blueprints of all pages for readers and programs, in one tuple."""

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
from web.pages.reading import digests, named_lists, saved
from web.pages.service import healthz, picture, static_files, updates, websub_hub

BLUEPRINTS = (
    front.blueprint,
    category.blueprint,
    named_lists.blueprint,
    search.blueprint,
    saved.blueprint,
    digests.blueprint,
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
