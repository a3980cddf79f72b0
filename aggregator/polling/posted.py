"""Store entries that were posted to the API: each is read like a feed document of one item.

So the same limits, cleaning and identity hold as for what a poll brings, and an entry that is posted again changes
the one that is there.
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
    """Takes in what is waiting, a batch at a time."""

    def __init__(self, config: Config, store: Store, poller: Poller) -> None:
        self._store = store
        self._poller = poller
        self.reconfigure(config)

    def reconfigure(self, config: Config) -> None:
        """Go on with other sources."""
        self._sources = {source.id: source for source in config.sources}

    async def step(self) -> None:
        """Store the entries that are waiting; those of a source that is gone are dropped."""
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
                # An error of ours with one entry must not keep the others waiting for ever.
                log.exception("%s: a posted entry could not be stored", source.id)
                done()
            else:
                log.info("%s: %s", source.id, polled.state.last_message)
