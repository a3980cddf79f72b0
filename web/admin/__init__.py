"""What the operator does on the site: vote, decide, add and pause sources, look after models, take things back.

Every room has a blueprint called `room`. Rooms know addresses and words. They leave who the operator is to
`web.auth.access`, what is stored to `store`, and what comes of it to the worker, which takes it in within a second.
"""

from __future__ import annotations

from web.admin import dashboard, models, sources, stories, tokens

BLUEPRINTS = (dashboard.blueprint, stories.blueprint, sources.blueprint, tokens.blueprint, models.blueprint)
