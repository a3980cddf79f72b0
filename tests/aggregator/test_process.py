"""Limits and signals that a process sets up before it works."""

from __future__ import annotations

import subprocess
import sys

import pytest

_EIGHT_THREADS = """
import ctypes, threading
from aggregator.process import keep_heap_small
keep_heap_small()
barrier = threading.Barrier(8)
def allocate():
    barrier.wait()
    blocks = [bytes(2_000 + number) for number in range(2_000)]
    barrier.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, stream)
libc.fflush(stream)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="arenas of the C library are those of glibc")
def test_threads_share_two_arenas() -> None:
    result = subprocess.run([sys.executable, "-c", _EIGHT_THREADS], capture_output=True, text=True, check=True)

    if "<heap nr=" not in result.stdout:
        pytest.skip("this C library has no malloc_info")
    assert result.stdout.count("<heap nr=") <= 2
