"""Schedule rendering threads fairly by client.

Two lanes share the threads: costly work (searches, deep pages, drawn cards) may use some of them, never all, so that
cheap pages do not queue behind it. In each lane clients take turns, and each has a limit of waiting requests; further
ones are refused at once. Everything runs on the event loop, so no locks are needed. While a page is rendered, threads
switch quickly, so that responses from memory are not delayed.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")

THREADS = 4
"""More threads would only compete for the GIL."""
COSTLY_THREADS = 2
MAX_WAITING = 512
MAX_WAITING_PER_CLIENT = 32
SWITCH_S = 0.0005
"""Seconds that a rendering thread keeps the GIL while another thread waits for it."""


class Busy(Exception):
    """Too many requests are waiting, of all clients or of this one."""


@dataclass
class _Lane:
    """Waiting requests by client; the client that has waited longest comes first."""

    threads: int
    running: int = 0
    waiting: OrderedDict[str, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)


class WorkQueue:
    """Runs functions in a few threads.

    exempt: whether a client has no limit of its own for waiting requests
    """

    def __init__(
        self,
        *,
        threads: int = THREADS,
        costly_threads: int = COSTLY_THREADS,
        max_waiting: int = MAX_WAITING,
        max_waiting_per_client: int = MAX_WAITING_PER_CLIENT,
        exempt: Callable[[str], bool] = lambda client: False,
    ) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="request")
        # All threads start now. Otherwise the last one, with a connection to the database of its own, would start in a
        # busy moment hours later, and the process would seem to grow.
        all_started = threading.Barrier(threads)
        for _ in range(threads):
            self._executor.submit(all_started.wait)
        self._threads = threads
        self._max_waiting = max_waiting
        self._max_waiting_per_client = max_waiting_per_client
        self._exempt = exempt
        self._cheap, self._costly = _Lane(threads), _Lane(costly_threads)
        self._waiting = 0

    async def run(self, client: str, costly: bool, work: Callable[[], T]) -> T:
        """Run *work* in a thread when it is this client's turn; Busy when too many are waiting.

        Work that has begun runs to its end, even if its client disconnects.
        """
        lane = self._costly if costly else self._cheap
        if lane.waiting or not self._is_free(lane):
            await self._turn(lane, client)
        else:
            lane.running += 1
        loop = asyncio.get_running_loop()
        future = self._executor.submit(work)

        def finished(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._finished, lane)

        # Not in a `finally`: the thread is busy until the work ends, even if the request is cancelled.
        future.add_done_callback(finished)
        return await asyncio.wrap_future(future)

    async def _turn(self, lane: _Lane, client: str) -> None:
        """Wait for a turn; `running` counts this request when it returns."""
        queue = lane.waiting.get(client)
        crowded = queue is not None and len(queue) >= self._max_waiting_per_client and not self._exempt(client)
        if crowded or self._waiting >= self._max_waiting:
            raise Busy
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane.waiting.setdefault(client, deque()).append(turn)
        self._waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # Its turn came in the same moment: pass it on.
                lane.running -= 1
                self._next()
            raise

    def _is_free(self, lane: _Lane) -> bool:
        return self._cheap.running + self._costly.running < self._threads and lane.running < lane.threads

    def _finished(self, lane: _Lane) -> None:
        lane.running -= 1
        self._next()

    def _next(self) -> None:
        """Assign free threads to waiting requests, cheap work first."""
        for lane in (self._cheap, self._costly):
            while lane.waiting and self._is_free(lane):
                client, queue = lane.waiting.popitem(last=False)
                turn = queue.popleft()
                self._waiting -= 1
                if queue:
                    lane.waiting[client] = queue
                if not turn.done():
                    lane.running += 1
                    turn.set_result(None)

    def close(self) -> None:
        """Let running work finish, and accept no more."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class QuickSwitching:
    """A context for rendering threads: while any is inside, the process switches threads quickly.

    By default a computing thread keeps the GIL for five milliseconds, and responses from memory would wait as long.
    Half a millisecond is better while a page is rendered. At other times it is worse: the event loop and granian's
    threads would compete for the GIL, which costs ten microseconds per request.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._usual_s = 0.0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._usual_s = sys.getswitchinterval()
                sys.setswitchinterval(SWITCH_S)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                sys.setswitchinterval(self._usual_s)


quick_switching = QuickSwitching()
"""One per process, since the interval applies to all of its threads."""
