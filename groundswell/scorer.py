"""The scoring stage in its own thread, so that polling and scoring do not block each other.

Knows the thread, its connection to the database, and when lists are ranked. `scoring.updater` does the work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.errors import MeaningError
from aggregator.model import Config, MeaningSettings
from aggregator.site.database import open_for_scoring
from aggregator.store import StoreFault

if TYPE_CHECKING:
    from scoring.meaning.encoder_process import EncoderProcess
    from scoring.updater import Updater

log = logging.getLogger(__name__)

RERANK = timedelta(minutes=1)
"""Trend decays without any news, so lists are ranked this often."""

_WITHOUT_EMBEDDINGS = "Stories, related stories and search go by words alone until it works"


class Scorer:
    """Runs the scoring stage in its own thread."""

    def __init__(self, db: Path, config: Config) -> None:
        from scoring.learning.model_store import chosen

        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scoring")
        self._store = open_for_scoring(db)
        self._model_name = chosen(self._store.models)
        self._config = config
        self._updater = self._new_updater()
        self._meaning: MeaningSettings | None = None
        self._encoder: EncoderProcess | None = None
        self._meaning_message = ""
        self._ranked_at: datetime | None = None

    def _new_updater(self) -> Updater:
        from scoring.learning.model_store import current
        from scoring.updater import Updater

        return Updater(self._store, self._config, current(self._store.models))

    async def update(self, at: datetime) -> None:
        """Process new events, and rank the lists when it is time to."""
        await self._in_thread(self._update, at)

    async def reconfigure(self, config: Config, at: datetime) -> None:
        """Continue with other settings."""
        self._config = config
        await self._in_thread(self._updater.reconfigure, config, at)

    async def encode(self) -> None:
        """Apply the encoder settings of feeds.yaml, and encode a few entries that were clustered without embeddings."""
        await self._in_thread(self._encode)

    async def follow_model(self, at: datetime) -> None:
        """Use another model if training or the operator chose one."""
        from scoring.learning.model_store import chosen, current

        def follow() -> None:
            if (name := chosen(self._store.models)) != self._model_name:
                self._model_name = name
                self._updater.use_model(current(self._store.models), at)

        await self._in_thread(follow)

    @property
    def model_version(self) -> str:
        """The version of the current model."""
        return self._updater.engine.model.version

    async def close(self) -> None:
        """Finish the current work and close."""
        if self._encoder is not None:
            self._encoder.close()
        await self._in_thread(self._store.close)
        self._thread.shutdown()

    async def _in_thread(self, action: Callable[..., object], *args: object) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, action, *args)
        except StoreFault:
            # Another process may have scored while the database was unreachable, so the state is discarded.
            self._updater = self._new_updater()
            self._meaning = None
            raise

    def _encode(self) -> None:
        from scoring.meaning.encoder_process import open_encoder

        settings, message = self._config.meaning, ""
        if settings != self._meaning:
            if self._encoder is not None:
                self._encoder.close()
            self._encoder = None
            try:
                self._encoder = open_encoder(settings)
            except MeaningError as error:
                message = f"{error}. {_WITHOUT_EMBEDDINGS}"
                log.error("%s", message)
            self._updater.use_encoder(self._encoder)
            self._note(message)
            self._meaning = settings
        if self._encoder is not None:
            self._updater.encode_later()
            self._encoder.reap()
            self._note(f"{self._encoder.error}. {_WITHOUT_EMBEDDINGS}" if self._encoder.error else "")

    def _note(self, message: str) -> None:
        """Store the encoder's error, for the operator's pages."""
        if message != self._meaning_message or self._meaning is None:
            self._store.state.set("meaning_message", message)
            self._meaning_message = message

    def _update(self, at: datetime) -> None:
        due = self._ranked_at is None or not timedelta() <= at - self._ranked_at < RERANK
        if due or self._updater.voted() or self._store.events.any_since(self._store.progress.watermark()):
            self._updater.run(at)
            self._ranked_at = at
