"""Run `parse` where it can do no harm: in child processes with a CPU and a memory limit.

Knows children and their ends. Leaves what a feed is to `aggregator.parse`.

Hostile bytes make feedparser quadratic (64 kB: 18 s), expat and the HTML cleaner too; no `except` helps
against that. A child over its limits is ended and the next document gets a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self, cast

from aggregator.errors import GroundswellError, NotAFeedError
from aggregator.model import Limits, ParsedFeed
from aggregator.wire import feed_from_plain, limits_to_plain

_LONGEST_ANSWER = 256 * 1024 * 1024
# A child that only waits (a stopped process, a machine that swaps) uses no CPU time and is ended by the wall clock.
_PATIENCE_S = 30.0
_PATIENCE_FACTOR = 4
_MOST_AT_ONCE = 16
_MOST_BYTES = 2_000_000
_BATCH_CPU_S = 2.0
"""Sixteen usual documents take 0.05 s; a batch that takes this long is taken apart."""


class ParserFailedError(GroundswellError):
    """A document was not read to its end; its words stand on its source's row."""


class ParserPool:
    """A few children that parse, started when first needed.

    One for each CPU that parsing may have. What waits while they are busy is handed over together, since a round
    trip costs as much as a small document; where such a batch meets a limit, each of its documents is read alone.
    """

    def __init__(self, size: int = 1) -> None:
        self.size = size
        self._idle: list[_Child] = []
        self._waiting: deque[_Document] = deque()
        self._working: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def parse(self, data: bytes, content_type: str, url: str, limits: Limits, seen: str = "") -> ParsedFeed:
        """Return what the document *data* holds; *seen* as for `aggregator.parse.parse`.

        Raises NotAFeedError, or ParserFailedError when a limit was met. Cancelling ends a child that reads nothing
        else.
        """
        if self._closed:
            raise ParserFailedError("the parser is closed")
        document = _Document(data, content_type, url, seen, limits, asyncio.get_running_loop().create_future())
        self._waiting.append(document)
        if len(self._working) < self.size:
            task = asyncio.create_task(self._work(), name="parser")
            self._working.add(task)
        answer = await document.answer
        if "feed" in answer:
            return feed_from_plain(answer["feed"])
        if "not_a_feed" in answer:
            raise NotAFeedError(answer["not_a_feed"], tuple(answer["feeds"]))
        raise ParserFailedError(_over_memory(limits))

    async def aclose(self) -> None:
        """Read what waits to its end, then end every child."""
        self._closed = True
        if self._working:
            await asyncio.wait(self._working)
        while self._idle:
            await self._idle.pop().end()

    async def _work(self) -> None:
        """Have documents read until none waits."""
        while batch := self._batch():
            reading = asyncio.create_task(self._read(batch))
            for document in batch:
                document.answer.add_done_callback(partial(_give_up, batch, reading))
            await asyncio.wait([reading])
            if not reading.cancelled() and (error := reading.exception()):
                for document in batch:
                    if not document.answer.done():
                        document.answer.set_exception(error)
        # At once, before anybody else runs: what comes from now on needs another worker.
        self._working.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _batch(self) -> list[_Document]:
        """Take what waits, in its order, as far as it may go together."""
        batch: list[_Document] = []
        size = 0
        while self._waiting and len(batch) < _MOST_AT_ONCE:
            document = self._waiting[0]
            size += len(document.data)
            if batch and (size > _MOST_BYTES or document.alone or document.limits != batch[0].limits):
                break
            self._waiting.popleft()
            if document.answer.done():  # nobody waits for it any more
                continue
            batch.append(document)
            if document.alone:
                break
        return batch

    async def _read(self, batch: list[_Document]) -> None:
        child = await self._child(batch[0].limits)
        try:
            answers, retire = await child.ask(batch)
        except ParserFailedError:
            await child.end()
            if len(batch) == 1:
                raise
            # One of them is over a limit, and it is not told which.
            answers, retire = [{"failed": "batch"}] * len(batch), True
        except BaseException:
            await child.end()
            raise
        if retire:
            await child.end()
        else:
            self._idle.append(child)
        again = []
        for document, answer in zip(batch, answers, strict=True):
            if "failed" in answer and len(batch) > 1:
                document.alone = True
                again.append(document)
            elif not document.answer.done():
                document.answer.set_result(answer)
        self._waiting.extendleft(reversed(again))

    async def _child(self, limits: Limits) -> _Child:
        while self._idle:
            child = self._idle.pop()
            if child.serves(limits):
                return child
            await child.end()
        try:
            return await _Child.start(limits)
        except OSError as error:  # no memory, no file descriptor left
            raise ParserFailedError(f"no process to read it in could be started: {error.strerror}") from error


@dataclass(slots=True)
class _Document:
    """One document that waits to be read."""

    data: bytes
    content_type: str
    url: str
    seen: str
    limits: Limits
    answer: asyncio.Future[dict[str, Any]]
    alone: bool = False


def _give_up(batch: list[_Document], reading: asyncio.Task[None], _: object) -> None:
    """End the reading of a batch that nobody waits for any more."""
    if all(document.answer.cancelled() for document in batch):
        reading.cancel()


class _Child:
    """One process, asked one document at a time."""

    def __init__(self, process: Process, limits: Limits) -> None:
        self._process = process
        self._limits = limits

    @classmethod
    async def start(cls, limits: Limits) -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "aggregator.parse.child",
            str(limits.parse_cpu.total_seconds()),
            str(limits.parse_memory_bytes),
            stdin=PIPE,
            stdout=PIPE,
            limit=_LONGEST_ANSWER,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        return cls(process, limits)

    def serves(self, limits: Limits) -> bool:
        """Return whether it is alive and has the limits that are asked for now."""
        same = (self._limits.parse_cpu, self._limits.parse_memory_bytes) == (
            limits.parse_cpu,
            limits.parse_memory_bytes,
        )
        return same and self._process.returncode is None

    async def ask(self, batch: Sequence[_Document]) -> tuple[list[dict[str, Any]], bool]:
        """Return an answer for each document of *batch*, and whether the child has become too large to go on."""
        limits = batch[0].limits
        asked = [[len(one.data), one.content_type, one.url, one.seen] for one in batch]
        cpu_s = limits.parse_cpu.total_seconds()
        request: dict[str, Any] = {"limits": limits_to_plain(limits), "documents": asked}
        if len(batch) > 1:
            request["cpu_s"] = min(_BATCH_CPU_S, cpu_s)
        try:
            async with asyncio.timeout(cpu_s * _PATIENCE_FACTOR + _PATIENCE_S):
                assert self._process.stdin is not None
                assert self._process.stdout is not None
                self._process.stdin.write(b"".join([json.dumps(request).encode(), b"\n", *(one.data for one in batch)]))
                with contextlib.suppress(ConnectionError):  # ended while it was being written to: see below
                    await self._process.stdin.drain()
                line = await self._process.stdout.readline()
                if not line.endswith(b"\n"):
                    code = await self._process.wait()
        except TimeoutError as error:
            raise ParserFailedError("the document took too long to read") from error
        except ValueError as error:
            raise ParserFailedError("the document's entries are too large to hand over") from error
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer["answers"], answer["retire"]
        if code == -signal.SIGPROF:
            raise ParserFailedError(f"took more than {cpu_s:g} s of CPU to read")
        if code in (-signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV):
            raise ParserFailedError(_over_memory(limits))
        raise ParserFailedError(f"the parser ended while reading it (code {code})")

    async def end(self) -> None:
        """End the process, whatever it does, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
            with contextlib.suppress(ConnectionError):
                await self._process.stdin.wait_closed()
        await self._process.wait()


def _over_memory(limits: Limits) -> str:
    return f"took more than {limits.parse_memory_bytes // 1_000_000} MB of memory to read"
