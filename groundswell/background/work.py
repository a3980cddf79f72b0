"""The long jobs, most of them in a child process. A failure raises, so that the job is repeated."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from aggregator.cli.database import compact_if_worthwhile, prune_store
from aggregator.model import Clock, Config
from aggregator.site.database import is_file, open_for_job
from aggregator.site.last_backup import note_failed
from aggregator.store import Store
from aggregator.text.wording import size
from groundswell.processes import CommandFailedError, run_aside

log = logging.getLogger(__name__)

BACKUP_WITHIN_S = 6 * 3600.0
"""Writing and reading back a database of 100 GB takes hours."""


class LongWork:
    """Does the long jobs of a site.

    store: for failures of jobs, on the operator's pages
    """

    def __init__(self, feeds: Path, db: Path, store: Store, clock: Clock) -> None:
        self._feeds = feeds
        self._db = db
        self._store = store
        self._clock = clock

    async def run(self, job: str, config: Config) -> None:
        """Run *job*; CommandFailedError, StoreError or StoreFault on failure."""
        match job:
            case "train":
                await self._train()
            case "prune":
                await self._prune(config)
            case "measure":
                await run_aside("evaluate", self._feeds, self._db, "--live")
            case "backup":
                await self._back_up()
            case _:
                await run_aside("detect-languages", self._feeds, self._db)

    async def _train(self) -> None:
        try:
            await run_aside("train", self._feeds, self._db)
        except CommandFailedError as error:
            self._store.state.set("train_said", _first_line(str(error)))
            raise

    async def _prune(self, config: Config) -> None:
        if is_file():
            self._prune_in(self._store, config)
        else:
            await asyncio.to_thread(self._prune_beside, config)

    def _prune_beside(self, config: Config) -> None:
        with open_for_job(self._db, "prune") as store:
            self._prune_in(store, config)

    def _prune_in(self, store: Store, config: Config) -> None:
        prune_store(store, config, self._clock())
        if freed_bytes := compact_if_worthwhile(store, self._db, self._clock()):
            log.info("compacted the database: returned %s to the disk", size(freed_bytes))

    async def _back_up(self) -> None:
        """Make a backup: another process copies and verifies it."""
        try:
            message = (await run_aside("backup", self._feeds, self._db, within_s=BACKUP_WITHIN_S)).strip()
        except CommandFailedError as error:
            note_failed(self._store, str(error))
            raise
        log.info("backup: %s", message)


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")
