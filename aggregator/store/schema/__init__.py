"""The database as a readable document: every table as it is after all migrations.

Facts come first: what the sources sent and what people did. They are kept as they
came and are never made again. Derived tables follow: the worker can drop and
rebuild them from the facts, and the result is equal.

Times are text, `2026-11-17T08:00:00.000000Z`: UTC, fixed width, so that they sort
as they read. Every table is strict. A column may be null only where "unknown" is
a state of its own, and then the comment says what null means.

Nothing here is executed: `migrations` does what it says, step by step, and a test compares the two.
"""

from __future__ import annotations

from aggregator.store.schema.derived import DERIVED
from aggregator.store.schema.facts import FACTS
from aggregator.store.schema.operation import OPERATION

__all__ = ["DERIVED", "FACTS", "OPERATION", "SCHEMA"]

SCHEMA = FACTS + DERIVED + OPERATION
