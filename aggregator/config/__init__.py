"""Read feeds.yaml: which sources there are, and how the site treats them."""

from __future__ import annotations

from aggregator.config.reader import (
    MAX_FILE_BYTES,
    load_config,
    parse_config,
    read_config,
)
from aggregator.config.schema import KEYS
from aggregator.config.values.addresses import owner_of

__all__ = [
    "KEYS",
    "MAX_FILE_BYTES",
    "load_config",
    "owner_of",
    "parse_config",
    "read_config",
]
