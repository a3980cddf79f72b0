"""The child process that runs the sentence encoder: one request per input line, one reply per output line.

Run as `python -m scoring.meaning.child`. The first line is the settings; `messages` defines the others. The process
ends with its standard input, after `IDLE_S` without a request, and with its parent.

The model takes 300 MB, more than the rest of the worker, and runs native code on text from feeds. In a child process
the memory is returned, and a crash or a limit costs one request.
"""

from __future__ import annotations

import select
import signal
import sys

import msgspec

from aggregator.errors import MeaningError
from aggregator.model import MeaningSettings
from aggregator.process import die_with_parent, limit_memory, trim_memory
from scoring.meaning.encoder import Encoder, OnnxEncoder, find_model
from scoring.meaning.messages import Ready, Reply, Request

IDLE_S = 90.0
"""Starting a child takes two CPU seconds; an idle one takes 300 MB."""

MEMORY_BYTES = 1_500_000_000
"""Limit on the growth of the address space; the packaged model takes a fifth of it."""


def main() -> None:
    """Load the model, report it, and answer requests until the input ends."""
    die_with_parent()
    # Ctrl-C and `systemctl stop` reach every process. The parent handles them, and closes this one.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    limit_memory(MEMORY_BYTES)
    requests, replies = sys.stdin.buffer, sys.stdout.buffer

    def send(message: Ready | Reply) -> None:
        replies.write(msgspec.json.encode(message) + b"\n")
        replies.flush()

    try:
        files = find_model(msgspec.json.decode(requests.readline(), type=MeaningSettings))
        if files is None:
            raise MeaningError("no model is named")
        encoder = OnnxEncoder(files)
    except MeaningError as error:
        send(Ready("", str(error)))
        return
    send(Ready(encoder.name))
    trimmed = False
    while select.select([requests], [], [], IDLE_S)[0] and (line := requests.readline()):
        request = msgspec.json.decode(line, type=Request)
        signal.setitimer(signal.ITIMER_PROF, request.cpu_s)
        reply = _reply(encoder, request)
        signal.setitimer(signal.ITIMER_PROF, 0)
        send(reply)
        if not request.query and not trimmed:
            trim_memory()  # reading the language model leaves 70 MB behind
            trimmed = True


def _reply(encoder: Encoder, request: Request) -> Reply:
    if request.query:
        embeddings = [encoder.encode_query(text) for text in request.texts]
    else:
        embeddings = encoder.encode(request.texts)
    return Reply([b"" if embedding is None else embedding.values for embedding in embeddings])


if __name__ == "__main__":
    main()
