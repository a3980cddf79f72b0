"""Properties that hold for every input, tried with generated examples.

Two hundred examples each in the suite; five thousand by `pytest -m promise --hypothesis-profile=release`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

EXAMPLES = max(200, settings().max_examples)


def promise(test: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a property as a promise; used above `@given`."""
    return pytest.mark.promise(settings(max_examples=EXAMPLES)(test))  # type: ignore[no-any-return]
