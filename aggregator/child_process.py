"""Limits that a child process sets itself before it works for its parent."""

from __future__ import annotations

import contextlib
import ctypes
import resource
import signal

_PR_SET_PDEATHSIG = 1


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
