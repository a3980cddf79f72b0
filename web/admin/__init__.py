"""What the operator does on the site: vote, decide, edit sources and rules, look after models, undo.

Each module has a `blueprint`. They leave who the operator is to `web.auth.access`, what is stored to `store`, and the
effects to the worker, which applies a change within seconds.
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
