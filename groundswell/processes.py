"""The processes of a running site: start them, restart one that ends, stop them together.

A part never outlives the supervisor: each knows its parent's process ID and ends with it (`aggregator.process`). A part
that is killed is restarted, and the other continues meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aggregator.errors import GroundswellError
from aggregator.process import PARENT_VARIABLE

log = logging.getLogger(__name__)

STOP_WITHIN_S = 4.5
"""A part that received SIGTERM is killed after this, so that the site ends within five seconds."""
FIRST_WAIT_S, MAX_WAIT_S = 1.0, 60.0
"""Wait before a part that ended is restarted; doubled each time."""
STABLE_S = 60.0
"""A part that ran this long did not fail at its start: the next wait is the first one again."""
STARTED_S = 10.0
"""A part that ran this long has started."""
USER_ERROR = 1
"""Exit code of a part that has printed an error for the operator to fix."""
ASIDE_WITHIN_S = 600.0


def part_command(command: str, feeds: Path, db: Path, *more: str) -> list[str]:
    """Return the command line that starts another part of this program."""
    return [sys.executable, "-m", "groundswell", command, "--feeds", str(feeds), "--db", str(db), *more]


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the site."""

    name: str
    command: list[str]


async def supervise(parts: list[Part], stop: asyncio.Event) -> int:
    """Run *parts* until *stop* is set; return the exit code.

    If a part cannot start because of an error that the operator has to fix, all end. A part that has once run is always
    restarted.
    """
    return max(await asyncio.gather(*(_keep_running(part, stop) for part in parts)))


async def _keep_running(part: Part, stop: asyncio.Event) -> int:
    wait_s, has_started = FIRST_WAIT_S, False
    loop = asyncio.get_running_loop()
    while True:
        started_at = loop.time()
        process = await asyncio.create_subprocess_exec(*part.command, start_new_session=True, env=child_environment())
        code = await _until_end(process, stop)
        if code is None or stop.is_set():
            return 0
        ran_s = loop.time() - started_at
        has_started = has_started or ran_s >= STARTED_S
        if code == USER_ERROR and not has_started:
            # Another try would only repeat the message.
            stop.set()
            return code
        wait_s = FIRST_WAIT_S if ran_s > STABLE_S else min(wait_s * 2, MAX_WAIT_S)
        log.error("the %s process ended (%s); restarting it in %.0f s", part.name, _reason(code), wait_s)
        try:
            await asyncio.wait_for(stop.wait(), timeout=wait_s)
            return 0
        except TimeoutError:
            continue


async def _until_end(process: asyncio.subprocess.Process, stop: asyncio.Event) -> int | None:
    """Return the exit code of *process*, None if it was stopped because *stop* was set."""
    ended = asyncio.create_task(process.wait())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if ended.done():
        return ended.result()
    process.terminate()
    try:
        await asyncio.wait_for(asyncio.shield(ended), timeout=STOP_WITHIN_S)
    except TimeoutError:
        process.kill()
        await ended
    return None


def _reason(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"code {code}"


class CommandFailedError(GroundswellError):
    """A command in a child process failed, with this message."""


async def run_aside(command: str, feeds: Path, db: Path, *more: str, within_s: float = ASIDE_WITHIN_S) -> str:
    """Run a command in a child process, so that the worker continues; return its output.

    CommandFailedError if it failed, or did not end within *within_s*.
    """
    process = await asyncio.create_subprocess_exec(
        *part_command(command, feeds, db, *more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment(),
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), timeout=within_s)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise CommandFailedError(f"`groundswell {command}` did not end within {within_s:.0f} s") from None
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        message = errors.decode("utf-8", "replace").strip()
        raise CommandFailedError(message or f"`groundswell {command}` ended with {_reason(process.returncode)}")
    return output.decode("utf-8", "replace")


def child_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a part: it ends when this process does."""
    return {**environ, PARENT_VARIABLE: str(os.getpid())}


def until_signal(main: Callable[[asyncio.Event], Awaitable[int | None]]) -> int:
    """Run *main(stop)*, where SIGTERM and Ctrl-C set *stop*; return its exit code."""

    async def run() -> int:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return int(await main(stop) or 0)

    return asyncio.run(run())
