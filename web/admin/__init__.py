"""The operator's pages: vote, decide, edit sources and rules, manage models, undo.

Each module has a `blueprint`. `web.request.access` knows who the operator is. The worker applies a change within
seconds.
"""

from __future__ import annotations

from web.admin import dashboard, models, preview, rules, sources, stories, tokens

BLUEPRINTS = (
    dashboard.blueprint,
    stories.blueprint,
    sources.blueprint,
    rules.blueprint,
    preview.blueprint,
    tokens.blueprint,
    models.blueprint,
)
