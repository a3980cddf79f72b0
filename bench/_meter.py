"""What one document costs the child process that parses it: CPU seconds and memory growth, from /proc (Linux)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LOOK_EVERY_S = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What the children of this process used during one piece of work."""

    cpu_s: float
    grown_mb: float
    """The peak minus the memory before; if the child is killed, the peak up to 20 ms before its end."""


async def cost_of(work: Callable[[], Awaitable[Any]]) -> Cost:
    """Return what *work* costs the only child process; *work* raises nothing."""
    before_s, before_mb = _cpu_s(), sum(_memory_mb(child, "VmRSS") for child in _children())
    for child in _children():
        with contextlib.suppress(OSError):
            Path(f"/proc/{child}/clear_refs").write_text("5")  # reset the peak to the current value
    task = asyncio.ensure_future(work())
    highest = 0.0
    while not task.done():
        await asyncio.wait([task], timeout=_LOOK_EVERY_S)
        highest = max([highest, *(_memory_mb(child, "VmHWM") for child in _children())])
    task.result()
    return Cost(_cpu_s() - before_s, max(highest - before_mb, 0.0))


def _children() -> list[int]:
    return [int(part) for path in Path("/proc/self/task").glob("*/children") for part in path.read_text().split()]


def _cpu_s() -> float:
    """Return the CPU seconds of all children so far, including those that have ended."""
    gone = resource.getrusage(resource.RUSAGE_CHILDREN)
    alive = 0.0
    for child in _children():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            alive += (int(fields[11]) + int(fields[12])) / _TICKS
    return gone.ru_utime + gone.ru_stime + alive


def _memory_mb(child: int, what: str) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{child}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) / 1024
    return 0.0
