"""Run `parse` in child processes with CPU and memory limits, where a hostile document can do no harm.

Knows children and their ends. Leaves what a feed is to `aggregator.parse`.

Hostile bytes make feedparser quadratic (64 kB: 18 s), expat and the HTML cleaner too; no `except` helps
against that. A child over its limits is ended and the next document gets a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self, cast

from aggregator.errors import GroundswellError, NotAFeedError
from aggregator.model import DocumentMemory, Limits, ParsedFeed
from aggregator.parse.messages import (
    LENGTH_BYTES,
    UNREADABLE,
    Answer,
    Document,
    NoFeed,
    OverLimit,
    Page,
    Read,
    ReadArticle,
    Reply,
    Request,
    message,
    read_reply,
)
from aggregator.parse.pages.article import Article

_MAX_REPLY_BYTES = 256 * 1024 * 1024
# A child that only waits (a stopped process, a machine that swaps) uses no CPU time and is ended by the wall clock.
_PATIENCE_S = 30.0
_PATIENCE_FACTOR = 4
_MAX_BATCH = 16
_MAX_BATCH_BYTES = 2_000_000
_BATCH_CPU_S = 2.0
"""Sixteen usual documents take 0.05 s; a batch that takes this long is taken apart."""


class ParserFailedError(GroundswellError):
    """A document was not read to its end; the sources page shows its message."""


class ParserPool:
    """A few children that parse, started when first needed.

    One for each CPU that parsing may have. What waits while they are busy is handed over together, since a round
    trip costs as much as a small document; where such a batch meets a limit, each of its documents is read alone.
    """

    def __init__(self, size: int = 1) -> None:
        self.size = size
        self._idle: list[_Child] = []
        self._waiting: deque[_Waiting] = deque()
        self._working: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def parse(
        self,
        data: bytes,
        content_type: str,
        url: str,
        limits: Limits,
        memory: DocumentMemory = DocumentMemory(),  # noqa: B008 - frozen
    ) -> ParsedFeed:
        """Return the feed in the document *data*; *memory* as for `aggregator.parse.parser.parse`.

        Raises NotAFeedError, or ParserFailedError when a limit was met. Cancelling ends a child that reads nothing
        else.
        """
        match await self._ask(Document(data, content_type, url, memory), limits):
            case Read(feed=feed):
                return feed
            case NoFeed(message=message, feeds=feeds):
                raise NotAFeedError(message, feeds)
        raise ParserFailedError(_over_memory(limits))

    async def read_page(self, data: bytes, url: str, title: str, limits: Limits) -> Article:
        """Return the article in a page about an entry called *title*.

        Raises NotAFeedError if there is none, or ParserFailedError when a limit was met.
        """
        match await self._ask(Page(data, url, title), limits):
            case ReadArticle(article=article):
                return article
            case NoFeed(message=message):
                raise NotAFeedError(message)
        raise ParserFailedError(_over_memory(limits))

    async def _ask(self, document: Document | Page, limits: Limits) -> Answer:
        if self._closed:
            raise ParserFailedError("the parser is closed")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(document, limits, answer))
        if len(self._working) < self.size:
            task = asyncio.create_task(self._work(), name="parser")
            self._working.add(task)
        return await answer

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
            for waiting in batch:
                waiting.answer.add_done_callback(partial(_give_up, batch, reading))
            await asyncio.wait([reading])
            if not reading.cancelled() and (error := reading.exception()):
                for waiting in batch:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(error)
        # At once, before any other task runs: documents from now on need another worker.
        self._working.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _batch(self) -> list[_Waiting]:
        """Take what waits, in its order, as far as it may go together."""
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < _MAX_BATCH:
            waiting = self._waiting[0]
            size += len(waiting.document.data)
            if batch and (size > _MAX_BATCH_BYTES or waiting.alone or waiting.limits != batch[0].limits):
                break
            self._waiting.popleft()
            if waiting.answer.done():  # no longer awaited
                continue
            batch.append(waiting)
            if waiting.alone:
                break
        return batch

    async def _read(self, batch: list[_Waiting]) -> None:
        child = await self._child(batch[0].limits)
        try:
            reply = await child.ask(batch)
        except ParserFailedError:
            await child.end()
            if len(batch) == 1:
                raise
            # One of them is over a limit, and the reply does not say which.
            reply = Reply([OverLimit() for _ in batch], retire=True)
        except BaseException:
            await child.end()
            raise
        if reply.retire:
            await child.end()
        else:
            self._idle.append(child)
        again = []
        for waiting, answer in zip(batch, reply.answers, strict=True):
            if isinstance(answer, OverLimit) and len(batch) > 1:
                waiting.alone = True
                again.append(waiting)
            elif not waiting.answer.done():
                waiting.answer.set_result(answer)
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
            raise ParserFailedError(f"no parser process could be started: {error.strerror}") from error


@dataclass(slots=True)
class _Waiting:
    """A document that waits to be read."""

    document: Document | Page
    limits: Limits
    answer: asyncio.Future[Answer]
    alone: bool = False


def _give_up(batch: list[_Waiting], reading: asyncio.Task[None], _: object) -> None:
    """Cancel a batch whose callers have all stopped waiting."""
    if all(waiting.answer.cancelled() for waiting in batch):
        reading.cancel()


class _Child:
    """One child process, with one batch at a time."""

    def __init__(self, process: Process, memory_bytes: int) -> None:
        self._process = process
        self._memory_bytes = memory_bytes

    @classmethod
    async def start(cls, limits: Limits) -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "aggregator.parse.worker",
            str(limits.parse_memory_bytes),
            stdin=PIPE,
            stdout=PIPE,
            limit=_MAX_REPLY_BYTES,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        return cls(process, limits.parse_memory_bytes)

    def serves(self, limits: Limits) -> bool:
        """Return whether the child is alive and has the configured memory limit."""
        return self._memory_bytes == limits.parse_memory_bytes and self._process.returncode is None

    async def ask(self, batch: Sequence[_Waiting]) -> Reply:
        """Return the child's reply for the documents of *batch*."""
        limits = batch[0].limits
        cpu_s = limits.parse_cpu.total_seconds()
        together_s = cpu_s if len(batch) == 1 else min(_BATCH_CPU_S, cpu_s)
        request = message(Request(limits, together_s, [waiting.document for waiting in batch]))
        try:
            async with asyncio.timeout(cpu_s * _PATIENCE_FACTOR + _PATIENCE_S):
                body = await self._exchange(request)
                if body is None:
                    code = await self._process.wait()
        except TimeoutError as error:
            raise ParserFailedError("the document took too long to read") from error
        if body is not None:
            return _reply(body, len(batch))
        if code == -signal.SIGPROF:
            raise ParserFailedError(f"took more than {cpu_s:g} s of CPU to read")
        if code in (-signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV):
            raise ParserFailedError(_over_memory(limits))
        raise ParserFailedError(f"the parser ended while reading it (exit code {code})")

    async def _exchange(self, request: bytes) -> bytes | None:
        """Send *request* and return the body of the reply; None if the child ended first."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(request)
        with contextlib.suppress(ConnectionError):  # ended while it was being written to
            await self._process.stdin.drain()
        try:
            length = int.from_bytes(await self._process.stdout.readexactly(LENGTH_BYTES))
            if length > _MAX_REPLY_BYTES:
                raise ParserFailedError("the entries of the document are too large to transfer")
            return await self._process.stdout.readexactly(length)
        except asyncio.IncompleteReadError:
            return None

    async def end(self) -> None:
        """End the process, whatever it does, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
            with contextlib.suppress(ConnectionError):
                await self._process.stdin.wait_closed()
        await self._process.wait()


def _reply(body: bytes, documents: int) -> Reply:
    try:
        reply = read_reply(body)
    except UNREADABLE as error:
        raise ParserFailedError(f"the parser sent an invalid response: {error}") from error
    if len(reply.answers) != documents:
        raise ParserFailedError(f"the parser answered for {len(reply.answers)} documents of {documents}")
    return reply


def _over_memory(limits: Limits) -> str:
    return f"took more than {limits.parse_memory_bytes // 1_000_000} MB of memory to read"
