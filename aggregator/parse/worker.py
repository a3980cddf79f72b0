"""The child process that parses: limits set, documents in, plain data out.

Run as `python -m aggregator.parse.worker MEMORY_BYTES`; `aggregator.parse.messages` defines the messages in both
directions. It ends when its standard input does, and with its parent.

Real CPU time is limited with ITIMER_PROF, whose signal ends the process: a loop inside a C library
cannot put it off, and unlike RLIMIT_CPU it counts for one request and in fractions of a second.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import resource
import signal
import sys
import traceback

from aggregator.errors import NotAFeedError
from aggregator.model import Limits
from aggregator.parse.messages import (
    LENGTH_BYTES,
    Answer,
    Document,
    NoFeed,
    OverLimit,
    Page,
    Read,
    ReadArticle,
    Reply,
    message,
    read_request,
)
from aggregator.parse.pages.article import read_article
from aggregator.parse.parser import parse
from aggregator.process import die_with_parent, limit_memory

_RETIRE_AT_GROWTH = 200_000_000
_PIPE_BYTES = 1 << 20


def main() -> None:
    """Answer requests until there are no more, or a limit is met."""
    memory_bytes = int(sys.argv[1])
    die_with_parent()
    # Ctrl-C and `systemctl stop` reach every process. They are for the parent, which closes this one: a document that
    # is being read then is no fault of its feed.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    parse(b"<rss version='2.0'><channel><item><title>warm</title></item></channel></rss>")
    limit_memory(memory_bytes)
    # What reading leaves behind holds few cycles, and looking for them cost a fifth of its time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    baseline = _peak_bytes()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    _widen(requests.fileno(), answers.fileno())
    while length := requests.read(LENGTH_BYTES):
        request = read_request(requests.read(int.from_bytes(length)))
        signal.setitimer(signal.ITIMER_PROF, request.cpu_s)
        replies = [_answer(request.limits, document) for document in request.documents]
        signal.setitimer(signal.ITIMER_PROF, 0)
        retire = any(isinstance(reply, OverLimit) for reply in replies) or _peak_bytes() - baseline > _RETIRE_AT_GROWTH
        try:
            answers.write(message(Reply(replies, retire)))
            answers.flush()
        except BrokenPipeError:  # the parent was killed
            os._exit(0)


def _answer(limits: Limits, document: Document | Page) -> Answer:
    try:
        if isinstance(document, Page):
            return ReadArticle(read_article(document.data, document.url, document.title, limits))
        return Read(parse(document.data, document.content_type, document.url, limits, document.memory))
    except NotAFeedError as error:
        return OverLimit() if isinstance(error.__cause__, MemoryError) else NoFeed(str(error), tuple(error.feeds))
    except MemoryError:
        return OverLimit()
    except Exception as error:
        # A fault of ours, or of a library, that no test has met: it fails this source alone, and says where it was.
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(place.filename)}:{place.lineno}"
        return NoFeed(f"the document broke the parser ({type(error).__name__} in {where})", ())


def _widen(*pipes: int) -> None:
    """Let a message go through *pipes* in few pieces: for each, both processes wait and wake up."""
    for pipe in pipes:
        with contextlib.suppress(OSError, AttributeError):  # Linux only, and not beyond what a user may have
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
