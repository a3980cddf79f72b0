"""The child process that parses: limits set, documents in, plain data out.

Run as `python -m aggregator.parse.child CPU_SECONDS MEMORY_BYTES`. Both ways a message is one line
of JSON; a request's line is followed by the bytes of as many documents as it lists. What comes back is JSON
so that nothing unstorable, and no code, crosses over. It ends when its standard input does, and with
its parent.

Real CPU time is limited with ITIMER_PROF, whose signal ends the process: a loop inside a C library
cannot put it off, and unlike RLIMIT_CPU it counts for one request and in fractions of a second.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import signal
import sys
from typing import Any

from aggregator.errors import NotAFeedError
from aggregator.model import Limits
from aggregator.parse import parse
from aggregator.wire import feed_to_plain, limits_from_plain

_PR_SET_PDEATHSIG = 1
_RETIRE_AT_GROWTH = 200_000_000


def main() -> None:
    """Answer requests until there are no more, or a limit is met."""
    cpu_seconds, memory_bytes = float(sys.argv[1]), int(sys.argv[2])
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes this one.
    parse(b"<rss version='2.0'><channel><item><title>warm</title></item></channel></rss>")
    _limit_memory(memory_bytes)
    # What reading leaves behind holds few cycles, and looking for them cost a fifth of its time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    baseline = _peak_bytes()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while line := requests.readline():
        request = json.loads(line)
        limits = limits_from_plain(request["limits"])
        documents = [(requests.read(size), *rest) for size, *rest in request["documents"]]
        signal.setitimer(signal.ITIMER_PROF, request.get("cpu_s", cpu_seconds))
        found = [_answer(limits, *document) for document in documents]
        signal.setitimer(signal.ITIMER_PROF, 0)
        retire = any("failed" in one for one in found) or _peak_bytes() - baseline > _RETIRE_AT_GROWTH
        try:
            answers.write(_JSON.encode({"answers": found, "retire": retire}).encode("utf-8", "replace") + b"\n")
            answers.flush()
        except BrokenPipeError:  # the parent was killed
            os._exit(0)


_JSON = json.JSONEncoder(ensure_ascii=False, check_circular=False)


def _answer(limits: Limits, document: bytes, content_type: str, url: str, seen: str) -> dict[str, Any]:
    try:
        return {"feed": feed_to_plain(parse(document, content_type, url, limits, seen))}
    except NotAFeedError as error:
        if isinstance(error.__cause__, MemoryError):
            return {"failed": "memory"}
        return {"not_a_feed": str(error), "feeds": list(error.feeds)}
    except MemoryError:
        return {"failed": "memory"}


def _die_with_parent() -> None:
    # Beside the end of standard input: a child that computes would not read it.
    with contextlib.suppress(OSError, AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit_memory(memory_bytes: int) -> None:
    """Let the address space grow by *memory_bytes* beyond what the interpreter already has."""
    with contextlib.suppress(OSError, ValueError):  # not everywhere
        with open("/proc/self/statm") as pages:
            size = int(pages.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + memory_bytes, size + memory_bytes))


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
