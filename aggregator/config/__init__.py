"""Read and edit feeds.yaml.

reader.load_config            text -> yaml_tree (line and column of each node) -> node_reader -> Config, or an error
    schema, values            every key, its bounds and default
yaml_edit, patch, file        changes from commands and pages, which keep every other byte
starter                       the initial feeds.yaml

The file in use is watched by `site.config_watcher`.
"""

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
