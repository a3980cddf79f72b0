"""What a process sets for itself before it works: its end with its parent, its limits, how its memory is kept."""

from __future__ import annotations

import contextlib
import ctypes
import resource
import signal

_PR_SET_PDEATHSIG = 1
# Parameters of mallopt(3).
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_ARENAS = 2
_LARGE_BYTES = 256 * 1024


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends; a child that computes would not notice."""
    with contextlib.suppress(OSError, AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


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
    own, and keeps blocks of up to 32 MB in them once a block of that size was freed.
    """
    with contextlib.suppress(OSError, AttributeError):  # glibc only
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
