"""Limits and signals that a process sets up before it works."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from aggregator.process import raise_file_limit

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

_GAPS = """
import os, re, sys, time
from aggregator.process import trim_memory_every
def rss_mb():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmRSS:\\s+(\\d+)", status.read())[1]) / 1024
blocks = [bytearray(100_000) for _ in range(600)]
for block in blocks: block[:] = b"x" * len(block)
full = rss_mb()
del blocks[:-1]  # the last one keeps the top of the heap in use
if sys.argv[1] == "trim":
    trim_memory_every(0.05)
deadline = time.monotonic() + 10
while rss_mb() > full - 40 and time.monotonic() < deadline and sys.argv[1] == "trim":
    time.sleep(0.05)
print(full - rss_mb())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="arenas of the C library are those of glibc")
def test_threads_share_two_arenas() -> None:
    result = subprocess.run([sys.executable, "-c", _EIGHT_THREADS], capture_output=True, text=True, check=True)

    if "<heap nr=" not in result.stdout:
        pytest.skip("this C library has no malloc_info")
    assert result.stdout.count("<heap nr=") <= 2


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps such gaps, and gives them back on request")
def test_gaps_in_the_heap_are_given_back() -> None:
    def freed_mb(trim: str) -> float:
        run = subprocess.run([sys.executable, "-c", _GAPS, trim], capture_output=True, text=True, check=True)
        return float(run.stdout)

    if freed_mb("keep") > 20:
        pytest.skip("this C library gives gaps back by itself")
    assert freed_mb("trim") > 40


def test_as_many_files_may_be_open_as_the_hard_limit_allows() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        hard = 65_536 if before[1] == resource.RLIM_INFINITY else before[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(200, hard), before[1]))
        raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(65_536, hard), before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
