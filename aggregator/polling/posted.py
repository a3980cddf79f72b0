"""Store entries that were posted to the API: each is read like a feed document of one item.

The same limits, sanitizing and identity apply as for a poll, and an entry that is posted again updates the stored one.
"""

from __future__ import annotations

import logging
from functools import partial

from aggregator.model import Config
from aggregator.polling.poll import store_document
from aggregator.polling.poller import Poller
from aggregator.store import Store

log = logging.getLogger(__name__)

BATCH = 20
MEDIA_TYPE = "application/feed+json"


class PostedEntriesJob:
    """Stores waiting entries in batches."""

    def __init__(self, config: Config, store: Store, poller: Poller) -> None:
        self._store = store
        self._poller = poller
        self.reconfigure(config)

    def reconfigure(self, config: Config) -> None:
        """Continue with other sources."""
        self._sources = {source.id: source for source in config.sources}

    async def step(self) -> None:
        """Store the waiting entries; those of a removed source are dropped."""
        for posted in self._store.posted_entries.waiting(BATCH):
            done = partial(self._store.posted_entries.remove, posted.posted_id)
            source = self._sources.get(posted.source_id)
            if source is None or self._store.feeds.state(source.id) is None:
                log.warning("an entry was posted for %s, which is no longer a source", posted.source_id)
                done()
                continue
            try:
                polled = await store_document(
                    source, posted.document, MEDIA_TYPE, self._poller.context, sender="the API", done=done
                )
            except Exception:
                # An internal error with one entry must not block the others.
                log.exception("%s: a posted entry could not be stored", source.id)
                done()
            else:
                log.info("%s: %s", source.id, polled.state.last_message)
