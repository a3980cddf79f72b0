"""Tell the operator when the worker has stopped: the one alarm that the worker cannot send.

Runs in the site's process. Reads feeds.yaml as the operator wrote it, since the stored configuration of a site has
none of the operator's variables.
"""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import datetime
from pathlib import Path

from aggregator.config import parse_config
from aggregator.errors import ConfigError, StoreError
from aggregator.model import Config
from aggregator.site.database import exists, open_store
from aggregator.store import Store, StoreFault
from aggregator.store.alerts import OPERATOR
from web.alerts.alarms import report, worker_alarm
from web.alerts.dispatcher import deliver

log = logging.getLogger(__name__)


class WorkerWatch:
    """Looks after the worker's heartbeat."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._refused = ""

    def step(self, now: datetime) -> bool:
        """Report a worker that has stopped, once; return whether there is anything to report."""
        if not exists(self._database):
            return False
        try:
            with open_store(self._database) as store:
                config = self._config(store)
                if config is None or not config.alerts.operator.to:
                    return False
                alarm = worker_alarm(store, now)
                if not alarm:
                    return False
                report(store, config, alarm, now, end=False)
                asyncio.run(deliver(store, config, now, OPERATOR))
        except (StoreError, StoreFault) as error:
            log.warning("the worker's heartbeat could not be read: %s", error)
            return False
        return True

    def _config(self, store: Store) -> Config | None:
        text = store.config_edits.valid_text()
        try:
            return parse_config(text, env=os.environ) if text else None
        except ConfigError as error:
            if self._refused != error.public:
                self._refused = error.public
                log.warning("alarms about the worker cannot be sent from here: %s", error.public)
            return None
