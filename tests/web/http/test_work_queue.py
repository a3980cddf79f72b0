from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from web.http.page_cache import wsgi_answer
from web.http.work_queue import SWITCH_S, Busy, QuickSwitching, WorkQueue


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


async def started(queue: WorkQueue, client: str, costly: bool, work: Callable[[], object]) -> asyncio.Task[object]:
    task = asyncio.create_task(queue.run(client, costly, work))
    await asyncio.sleep(0)
    return task


async def test_costly_work_leaves_threads_for_the_rest(release: threading.Event) -> None:
    queue = WorkQueue(threads=3, costly_threads=2)
    costly = [await started(queue, f"c{i}", True, lambda: release.wait(10)) for i in range(5)]
    assert await asyncio.wait_for(queue.run("reader", False, lambda: "page"), 5) == "page"
    release.set()
    await asyncio.gather(*costly)
    queue.close()


async def test_clients_take_turns(release: threading.Event) -> None:
    queue = WorkQueue(threads=1, costly_threads=1)
    order: list[str] = []
    first = await started(queue, "greedy", False, lambda: release.wait(10))
    greedy = [await started(queue, "greedy", False, lambda: order.append("greedy")) for _ in range(5)]
    modest = await started(queue, "modest", False, lambda: order.append("modest"))
    release.set()
    await asyncio.gather(first, *greedy, modest)
    assert order.index("modest") == 1, "it waits for one request of the other, not for all"
    queue.close()


async def test_who_has_too_many_waiting_is_refused_and_others_are_not(release: threading.Event) -> None:
    queue = WorkQueue(threads=1, max_waiting=4, max_waiting_per_client=2, exempt=lambda client: client == "loopback")
    tasks = [await started(queue, "a", False, lambda: release.wait(10)) for _ in range(3)]
    with pytest.raises(Busy):
        await queue.run("a", False, int)
    tasks += [await started(queue, "b", False, int) for _ in range(2)]
    with pytest.raises(Busy):
        await queue.run("loopback", False, int)
    release.set()
    await asyncio.gather(*tasks)
    assert await queue.run("a", False, lambda: 1) == 1, "the queue has drained"
    queue.close()


async def test_an_abandoned_request_gives_its_turn_to_the_next(release: threading.Event) -> None:
    queue = WorkQueue(threads=1)
    first = await started(queue, "a", False, lambda: release.wait(10))
    gone = await started(queue, "b", False, int)
    last = await started(queue, "c", False, lambda: "c")
    gone.cancel()
    release.set()
    assert await asyncio.wait_for(last, 5) == "c"
    await first
    assert await asyncio.wait_for(queue.run("a", False, lambda: 1), 5) == 1
    queue.close()


async def test_an_exception_of_the_work_reaches_its_caller() -> None:
    queue = WorkQueue(threads=1)
    with pytest.raises(ZeroDivisionError):
        await queue.run("a", False, lambda: 1 / 0)
    assert await queue.run("a", False, lambda: 1) == 1
    queue.close()


def test_threads_switch_quickly_while_any_page_is_rendered() -> None:
    usual = sys.getswitchinterval()
    switching = QuickSwitching()

    with switching:
        with switching:
            assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
        assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_a_page_that_fails_does_not_leave_the_interval_short() -> None:
    usual = sys.getswitchinterval()
    intervals = []

    def fails(environ: object, start_response: object) -> list[bytes]:
        intervals.append(sys.getswitchinterval())
        raise RuntimeError("no page")

    with pytest.raises(RuntimeError):
        wsgi_answer(fails, {})

    assert intervals == [pytest.approx(SWITCH_S)]
    assert sys.getswitchinterval() == pytest.approx(usual)
