"""Settings of the current process: ending with its parent, resource limits, memory allocation.

    die_with_parent     for children that compute: the kernel kills them
    end_with_parent     for parts of a site: a thread watches the parent, and the part stops as on SIGTERM

A part of a running site that outlives the others would keep the port and the lock of the database, and answer readers
with what it knew last. Nothing has to be sent for this: it also works where the parent was killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import threading
from collections.abc import Callable, MutableMapping

PARENT_VARIABLE = "GROUNDSWELL_PARENT"
"""The environment variable that names the process which started this one."""

TRIM_EVERY_S = 60.0
"""How often unused parts of the heap are returned to the system."""

LOOK_EVERY_S = 0.5
GRACE_S = 3.0
"""From SIGTERM until the process is ended."""

_PR_SET_PDEATHSIG = 1
# Parameters of mallopt(3).
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_ARENAS = 2
_LARGE_BYTES = 256 * 1024
_MAX_FILES = 65_536


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends; a child that computes would not notice."""
    with contextlib.suppress(OSError, AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def raise_file_limit() -> None:
    """Allow this process and its children as many open files as they may have, up to `_MAX_FILES`.

    The usual soft limit of 1,024 is for programs that use `select`; each connection of a reader is an open file.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS has another limit below the hard one
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def limit_memory(memory_bytes: int) -> None:
    """Let the address space grow by *memory_bytes* beyond what the interpreter already has."""
    with contextlib.suppress(OSError, ValueError):  # not everywhere
        with open("/proc/self/statm") as pages:
            size = int(pages.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + memory_bytes, size + memory_bytes))


def trim_memory() -> None:
    """Give memory that the C library keeps for later back to the system."""
    with contextlib.suppress(OSError, AttributeError):  # glibc only
        ctypes.CDLL(None).malloc_trim(0)


def keep_heap_small() -> None:
    """Have the C library keep less memory for later, in a process of many threads that runs for months.

    Before any other thread starts. By default glibc gives up to eight arenas a CPU to threads, each with gaps of its
    own, and keeps blocks of up to 32 MB in them once a block of that size was freed. Pages of many sizes still leave
    gaps, which a thread gives back every minute: 7 of 126 MB after 7,000 of them.
    """
    with contextlib.suppress(OSError, AttributeError):  # glibc only
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    trim_memory_every(TRIM_EVERY_S)


def trim_memory_every(seconds: float) -> threading.Event:
    """Call `trim_memory` from a thread, until the returned event is set."""
    stop = threading.Event()

    def trim() -> None:
        while not stop.wait(seconds):
            trim_memory()

    threading.Thread(target=trim, name="heap", daemon=True).start()
    return stop


def end_with_parent(parent: int, on_orphaned: Callable[[], object] | None = None) -> None:
    """Watch the process *parent* from a thread, and stop this process once it is no longer its parent.

    Sends itself SIGTERM, and exits where that did not end it within `GRACE_S`.
    on_orphaned: called first, to save what would be lost
    """
    threading.Thread(target=_watch, args=(parent, on_orphaned), name="parent", daemon=True).start()


def end_with_named_parent(environ: MutableMapping[str, str] = os.environ) -> None:
    """Do so for the parent that `PARENT_VARIABLE` names, if any; unset it, so that children do not inherit it."""
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
