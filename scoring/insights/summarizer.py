"""Write summaries with the endpoint that `analysis:` names, in the background, one at a time.

Uses the chat interface that OpenAI-compatible servers share (`POST .../chat/completions`). Keeps only the sentences
that `grounding` accepts. No page waits for it, and failures are retried later.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import datetime, timedelta

from aggregator.fetch import Answered, Client, access, call
from aggregator.model import Config
from aggregator.store import Store
from aggregator.store.derived.summaries import Summary
from scoring.insights.grounding import INSTRUCTION, fingerprint_of, grounded, material

log = logging.getLogger(__name__)

REWRITE_AFTER = timedelta(minutes=30)
"""How long a summary is kept although entries have joined since."""
REST = timedelta(minutes=10)
"""Pause after a response that could not be used."""
MAX_WAIT = timedelta(minutes=2)
ANSWER_BYTES = 200_000


class Summarizer:
    """Writes summaries of trending stories, if an endpoint is configured."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self._rests_until: datetime | None = None

    def reconfigure(self, config: Config) -> None:
        """Continue with other settings."""
        self._config = config
        self._rests_until = None

    async def step(self, now: datetime) -> bool:
        """Summarize the first story that needs it; return whether there was one. Errors of the server do not raise."""
        settings = self._config.analysis
        if not (settings.endpoint and settings.model):
            return False
        if self._rests_until is not None and now < self._rests_until:
            return False
        for listed in self._store.story_lists.ranked("", settings.stories):
            story_id = listed.story.story_id
            before = self._store.summaries.of(story_id)
            if listed.story.independent_sources < 2 or (before and timedelta() <= now - before.at < REWRITE_AFTER):
                continue
            members = self._store.memberships.of_story(story_id)
            fingerprint = fingerprint_of(members, settings.model)
            if before is not None and before.made_of == fingerprint:
                continue
            text = await self._request(material(members))
            if text is None:
                self._rests_until = now + REST
                return True
            sentences, left_out = grounded(text, members)
            with self._store.transaction():
                self._store.summaries.save(Summary(story_id, now, settings.model, sentences, left_out, fingerprint))
                self._store.state.next_edition()
            return True
        return False

    async def _request(self, text: str) -> str | None:
        settings = self._config.analysis
        limits = replace(self._config.limits, fetch=MAX_WAIT)
        request = {
            "model": settings.model,
            "temperature": 0,
            "messages": [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": text}],
        }
        async with Client(limits) as client:
            answer = await call(
                client,
                settings.endpoint,
                limits=limits,
                method="POST",
                content=json.dumps(request).encode(),
                headers=(("Content-Type", "application/json"), *settings.headers),
                body_bytes=ANSWER_BYTES,
                access=access.of_analysis(self._config),
            )
        if not isinstance(answer, Answered):
            log.warning("the analysis endpoint does not respond: %s", answer.message)
            return None
        try:
            content = json.loads(answer.body)["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError):
            content = None
        if answer.status != 200 or not isinstance(content, str):
            log.warning("the analysis endpoint returned no text (status %d)", answer.status)
            return None
        return content
