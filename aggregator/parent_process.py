"""End with the process that started this one, also when that was killed and could tell nobody.

A part of a running site that outlives the others keeps the port and the database's lock, and answers readers with what
it knew last. The kernel says who the parent is; nothing has to be sent for it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, MutableMapping

PARENT_VARIABLE = "GROUNDSWELL_PARENT"
"""The process that started this part."""

LOOK_EVERY_S = 0.5
GRACE_S = 3.0
"""From asking this process to stop until it is ended."""


def end_with_parent(parent: int, on_orphaned: Callable[[], object] | None = None) -> None:
    """Watch the process *parent* from a thread, and stop this process once it is no longer its parent.

    Sends itself SIGTERM, as whoever stops it properly would; a process that has not ended after `GRACE_S` is ended.
    on_orphaned: is called first, to save what would be lost then
    """
    threading.Thread(target=_watch, args=(parent, on_orphaned), name="parent", daemon=True).start()


def end_with_named_parent(environ: MutableMapping[str, str] = os.environ) -> None:
    """Do so for the parent that the environment names, where it names one; processes started from here have another."""
    if (parent := environ.pop(PARENT_VARIABLE, "")).isdigit():
        end_with_parent(int(parent))


def _watch(parent: int, on_orphaned: Callable[[], object] | None) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(LOOK_EVERY_S)
    if on_orphaned is not None:
        on_orphaned()
    os.kill(os.getpid(), signal.SIGTERM)
    pause.wait(GRACE_S)
    os._exit(1)
