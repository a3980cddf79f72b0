"""Give the threads that make pages to the requests that wait for them, fairly by client.

Two lanes share the threads: costly work (searches, deep pages, drawn cards) may hold some of them, never all, so that
a page that is cheap to make does not queue behind it. In each lane clients take turns, and each may have so many
requests waiting; one more is refused at once instead of growing the queue. All of it runs on the event loop, so there
is nothing to lock. While a page is made, threads switch quickly, so that answers from memory pass it.
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
"""More threads would only take turns at Python's lock."""
COSTLY_THREADS = 2
MAX_WAITING = 512
MAX_WAITING_PER_CLIENT = 32
SWITCH_S = 0.0005
"""How long a thread that makes a page keeps Python's lock while another one waits for it."""


class Busy(Exception):
    """No turn is free: too many requests wait already, of all clients or of this one."""


@dataclass
class _Lane:
    """Requests that wait, by client; the client that has waited longest for a turn comes first."""

    threads: int
    running: int = 0
    waiting: OrderedDict[str, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)


class WorkQueue:
    """Runs functions in a few threads.

    exempt: whether a client's number of waiting requests is not limited (the number of all is)
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
        self._threads = threads
        self._max_waiting = max_waiting
        self._max_waiting_per_client = max_waiting_per_client
        self._exempt = exempt
        self._cheap, self._costly = _Lane(threads), _Lane(costly_threads)
        self._waiting = 0

    async def run(self, client: str, costly: bool, work: Callable[[], T]) -> T:
        """Run *work* in a thread when it is this client's turn; Busy when too many wait.

        Work that has begun runs to its end, even if its client is gone.
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

        # Not in a `finally`: the thread is busy until the work ends, whatever becomes of the request.
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
        """Give free threads to those who wait, cheap work first."""
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
        """Let what runs come to its end, and take nothing new."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class QuickSwitching:
    """A context, entered by each thread that makes a page: the process switches quickly while any is inside.

    A thread that computes keeps Python's lock for five milliseconds before another one gets it, and so long would an
    answer from memory wait. Half a millisecond is better while a page is made. At other times it is worse: the event
    loop and granian's threads then take the lock from each other, which costs ten microseconds a request.
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
"""Of this process, since the interval is one for all of its threads."""
