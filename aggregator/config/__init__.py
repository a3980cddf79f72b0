"""Read feeds.yaml: which sources there are, and how the site treats them."""

from __future__ import annotations

from aggregator.config.reader import (
    KEYS,
    LARGEST_FILE,
    load_config,
    owner_of,
    parse_config,
    read_config,
)

__all__ = [
    "KEYS",
    "LARGEST_FILE",
    "load_config",
    "owner_of",
    "parse_config",
    "read_config",
]
