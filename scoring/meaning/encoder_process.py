"""Run the sentence encoder in a child process: started when first needed, gone when idle, replaced when it fails.

    with open_encoder(settings) as encoder:
        encoder.encode(texts)          MeaningError while it does not work

A child that ends during a request is replaced once for the same texts, as it may just have become idle. After a second
failure no child is started for `FIRST_PAUSE_S`, doubled each time up to `MAX_PAUSE_S`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from threading import Lock, Timer
from time import monotonic
from types import TracebackType
from typing import Self

import msgspec

from aggregator.errors import MeaningError
from aggregator.model import Embedding, MeaningSettings
from scoring.meaning.encoder import find_model
from scoring.meaning.messages import Ready, Reply, Request

log = logging.getLogger(__name__)

SWITCH = "GROUNDSWELL_ENCODER"
"""Environment variable: `off` disables every encoder, whatever feeds.yaml says."""

CHUNK = 64
"""Texts in one request: a third of a second."""

CPU_S = 20.0
START_WITHIN_S, ANSWER_WITHIN_S = 60.0, 60.0
"""Wall-clock limits, because a swapping machine uses no CPU time."""

FIRST_PAUSE_S, MAX_PAUSE_S = 10.0, 3_600.0

QUERY_WITHIN_S = 3.0
"""How long a reader's query waits for the child while it is busy."""


def open_encoder(settings: MeaningSettings, env: Mapping[str, str] | None = None) -> EncoderProcess | None:
    """Return the encoder that feeds.yaml names, None if it names none or the environment disables it.

    Raises MeaningError if a package or a file is missing, or a hash differs. No process is started yet.
    """
    if (os.environ if env is None else env).get(SWITCH, "").lower() == "off":
        return None
    files = find_model(settings)
    return None if files is None else EncoderProcess(settings, files.name)


class EncoderProcess:
    """An encoder in a child process; safe to use from several threads."""

    def __init__(self, settings: MeaningSettings, name: str) -> None:
        self.name = name
        self._settings = settings
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._not_before = 0.0
        self._error = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def error(self) -> str:
        """Why the last request failed; "" if it did not."""
        return self._error

    def encode(self, texts: Sequence[str]) -> list[Embedding | None]:
        """Return the embedding of each text; None if it is empty, or in a language that the model does not know.

        Raises MeaningError while the model does not work.
        """
        embeddings: list[Embedding | None] = []
        for first in range(0, len(texts), CHUNK):
            with self._lock:
                embeddings += self._ask(Request([_sendable(text) for text in texts[first : first + CHUNK]], CPU_S))
        return embeddings

    def encode_query(self, text: str) -> Embedding | None:
        """Return the embedding of a query; None in a script that the model does not know.

        Raises MeaningError while the model does not work, or is busy.
        """
        if not self._lock.acquire(timeout=QUERY_WITHIN_S):
            raise MeaningError("the sentence encoder is busy")
        try:
            return self._ask(Request([_sendable(text)], CPU_S, query=True))[0]
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the child process; the next request starts another."""
        with self._lock:
            self._end()

    def reap(self) -> None:
        """Collect an idle child that ended, so that it does not stay as a zombie."""
        if self._lock.acquire(blocking=False):
            try:
                if self._process is not None and self._process.poll() is not None:
                    self._end()
            finally:
                self._lock.release()

    def _ask(self, request: Request) -> list[Embedding | None]:
        if not request.texts:
            return []
        if monotonic() < self._not_before:
            raise MeaningError(self._error)
        values = None
        try:
            if self._process is not None and self._process.poll() is None:
                values = self._exchange(self._process, request)
            if values is None:
                values = self._exchange(self._started(), request)
            if values is None:
                raise MeaningError("the sentence encoder's process ended while encoding")
        except MeaningError as error:
            self._fail(str(error))
            raise
        except BaseException:
            # The child's reply would belong to a request that is no longer awaited.
            self._end()
            raise
        self._failures, self._error = 0, ""
        return [Embedding(self.name, value) if value else None for value in values]

    def _exchange(self, process: subprocess.Popen[bytes], request: Request) -> list[bytes] | None:
        """Return the child's reply, None if it ended before."""
        line = self._line(process, msgspec.json.encode(request), ANSWER_WITHIN_S)
        if not line:
            return None
        try:
            values = msgspec.json.decode(line, type=Reply).values
        except msgspec.DecodeError as error:
            raise MeaningError(f"the sentence encoder sent an invalid response: {error}") from error
        if len(values) != len(request.texts):
            raise MeaningError(f"the sentence encoder answered for {len(values)} of {len(request.texts)} texts")
        return values

    def _started(self) -> subprocess.Popen[bytes]:
        """Start a child and return it once its model is loaded."""
        self._end()
        try:
            process = self._process = subprocess.Popen(
                [sys.executable, "-m", "scoring.meaning.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        except OSError as error:  # no memory, no file descriptor left
            raise MeaningError(f"the sentence encoder's process did not start: {error.strerror}") from error
        line = self._line(process, msgspec.json.encode(self._settings), START_WITHIN_S)
        try:
            ready = msgspec.json.decode(line, type=Ready)
        except msgspec.DecodeError as error:
            raise MeaningError("the sentence encoder's process ended before its model was loaded") from error
        if ready.error:
            raise MeaningError(ready.error)
        if ready.encoder != self.name:
            raise MeaningError("the model file was replaced; restart the program to use the new one")
        return process

    def _line(self, process: subprocess.Popen[bytes], message: bytes, within_s: float) -> bytes:
        """Send a line and return the next one; b"" if the child ended or took too long."""
        assert process.stdin is not None
        assert process.stdout is not None
        deadline = Timer(within_s, process.kill)
        deadline.daemon = True
        deadline.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(message + b"\n")
                process.stdin.flush()
            line = process.stdout.readline()
        finally:
            deadline.cancel()
        return line if line.endswith(b"\n") else b""

    def _fail(self, reason: str) -> None:
        self._end()
        pause = min(FIRST_PAUSE_S * 2**self._failures, MAX_PAUSE_S)
        self._failures += 1
        self._error = reason
        self._not_before = monotonic() + pause
        log.error("%s; comparing by words only; next attempt in %.0f s", reason, pause)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        process.wait()


def _sendable(text: str) -> str:
    """Return *text* without lone surrogates, which JSON cannot carry."""
    return text.encode("utf-8", "replace").decode()
