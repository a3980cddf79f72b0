"""Processes that end by `kill -9` at a moment that was drawn.

Knows how to start them and when they die. Leaves what they do, and what must hold afterwards, to the caller.

Each is forked from a process that has loaded the program once, so that most of a life is spent working. It dies
after a time, at a statement (before that many of SQLite were executed), or at a touch (before a file of its folder is
opened for writing, renamed or removed). The latter two meet what takes no time, like what is between two renames.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["bench.timelapse", "scoring.learning.fitting", "scoring.learning.train", "sqlite_utils"])

_TOUCHES = ("os.rename", "os.remove", "os.mkdir", "tempfile.mkstemp")


@dataclass(frozen=True, slots=True)
class Death:
    """When a process dies; neither: it may end by itself."""

    after_s: float | None = None
    at_statement: int | None = None
    at_touch: int | None = None


PEACEFUL = Death()


@dataclass(frozen=True, slots=True)
class Steps:
    """What a process did, as far as that is counted."""

    statements: int
    touches: int

    def death(self, rng: random.Random, longest_s: float, share: float = 1.0) -> Death:
        """Draw a death by time, statement or touch, within *longest_s* or the first *share* of the steps."""
        kinds = [Death(after_s=rng.uniform(0, longest_s))]
        kinds += [Death(at_statement=rng.randint(1, max(1, int(share * self.statements))))] * (self.statements > 0)
        kinds += [Death(at_touch=rng.randint(1, max(1, int(share * self.touches))))] * (self.touches > 0)
        return rng.choice(kinds)


class Life:
    """A process that runs *action(\\*args)*, one of a module's own functions, until it dies or is done.

    folder: whose files' touches count; `steps` in it tells what a process did that ended by itself
    """

    def __init__(self, death: Death, folder: Path, action: Callable[..., None], *args: object) -> None:
        self._death = death
        self._process = _FORKS.Process(target=_live, args=(death, folder, action, args))
        self._process.start()

    def wait(self) -> bool:
        """Wait until it is over and return whether it was killed; RuntimeError when it failed by itself."""
        self._process.join(self._death.after_s)
        return self.end()

    def end(self) -> bool:
        """Kill it where it still runs; the rest as `wait`."""
        self._process.kill()
        self._process.join()
        code = self._process.exitcode
        self._process.close()
        if code not in (0, -signal.SIGKILL):
            raise RuntimeError(f"the process failed by itself (code {code})")
        return code != 0


def steps_of(folder: Path) -> Steps:
    """Return what the last process did that ended by itself."""
    statements, touches = (folder / "steps").read_text().split()
    return Steps(int(statements), int(touches))


def _live(death: Death, folder: Path, action: Callable[..., None], args: tuple[object, ...]) -> None:
    statements = touches = 0

    def statement(_: str) -> None:
        nonlocal statements
        statements += 1
        if statements == death.at_statement:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(event: str, given: tuple[object, ...]) -> None:
        nonlocal touches
        if event in _TOUCHES or (event == "open" and _for_writing(given[1])):
            mine = str(given[0]).startswith(f"{folder}/")
            touches += mine
            if mine and touches == death.at_touch:
                os.kill(os.getpid(), signal.SIGKILL)

    def connect(*given: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = really_connect(*given, **named)
        connection.set_trace_callback(statement)
        return connection

    really_connect = sqlite3.connect
    sqlite3.connect = connect  # type: ignore[assignment]
    sys.addaudithook(hear)
    action(*args)
    (folder / "steps").write_text(f"{statements} {touches}")


def _for_writing(mode: object) -> bool:
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")
