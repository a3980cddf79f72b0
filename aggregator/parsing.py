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
from types import TracebackType
from typing import Any, Self

from aggregator.errors import GroundswellError, NotAFeedError
from aggregator.model import Limits, ParsedFeed
from aggregator.parse.wire import feed_from_plain, limits_to_plain

_LONGEST_ANSWER = 256 * 1024 * 1024
# A child that only waits (a stopped process, a machine that swaps) uses no CPU time and is ended by the wall clock.
_PATIENCE_S = 30.0
_PATIENCE_FACTOR = 4


class ParserFailedError(GroundswellError):
    """A document was not read to its end; its words stand on its source's row."""


class ParserPool:
    """A few children that parse, started when first needed.

    One for each CPU that parsing may have; more documents than children wait for their turn.
    """

    def __init__(self, size: int = 1) -> None:
        self.size = size
        self._idle: list[_Child] = []
        self._turns = asyncio.Semaphore(size)
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def parse(self, data: bytes, content_type: str, url: str, limits: Limits, seen: str = "") -> ParsedFeed:
        """Return what the document *data* holds; *seen* as for `aggregator.parse.parse`.

        Raises NotAFeedError, or ParserFailedError when a limit was met. Cancelling ends the child.
        """
        async with self._turns:
            if self._closed:
                raise ParserFailedError("the parser is closed")
            child = await self._child(limits)
            try:
                answer = await child.ask(data, content_type, url, limits, seen)
            except BaseException:
                await child.end()
                raise
            if self._closed or answer.get("retire"):
                await child.end()
            else:
                self._idle.append(child)
        if "feed" in answer:
            return feed_from_plain(answer["feed"])
        if "not_a_feed" in answer:
            raise NotAFeedError(answer["not_a_feed"], tuple(answer["feeds"]))
        raise ParserFailedError(_over_memory(limits))

    async def aclose(self) -> None:
        """End every child that is idle; one at work ends with the call that uses it."""
        self._closed = True
        while self._idle:
            await self._idle.pop().end()

    async def _child(self, limits: Limits) -> _Child:
        while self._idle:
            child = self._idle.pop()
            if child.serves(limits):
                return child
            await child.end()
        return await _Child.start(limits)


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

    async def ask(self, data: bytes, content_type: str, url: str, limits: Limits, seen: str) -> dict[str, Any]:
        request = {"size": len(data), "content_type": content_type, "url": url, "limits": limits_to_plain(limits)}
        request["seen"] = seen
        cpu_s = limits.parse_cpu.total_seconds()
        try:
            async with asyncio.timeout(cpu_s * _PATIENCE_FACTOR + _PATIENCE_S):
                assert self._process.stdin is not None
                assert self._process.stdout is not None
                self._process.stdin.write(json.dumps(request).encode() + b"\n" + data)
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
            return answer
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
