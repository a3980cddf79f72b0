"""Turn what happened into stories: a fold over events that holds no store and reads no clock."""

from __future__ import annotations

from scoring.engine.engine import (
    MEMORY,
    Asleep,
    Coverage,
    Engine,
)

__all__ = [
    "MEMORY",
    "Asleep",
    "Coverage",
    "Engine",
]
