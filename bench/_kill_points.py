"""Child processes that are killed with `kill -9` at a random point.

Knows how to start them and when to kill them. What they do, and what must hold afterwards, is up to the caller.

Each process is forked from a server that has already loaded the program, so little time is spent on imports. It is
killed after a random time, before the n-th SQLite statement, or before the n-th time a file in its folder is opened for
writing, renamed or removed. The last two kinds hit gaps that are too short for a timer, such as the one between two
renames.
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

_FILE_EVENTS = ("os.rename", "os.remove", "os.mkdir", "tempfile.mkstemp")


@dataclass(frozen=True, slots=True)
class KillPoint:
    """When to kill a process; without any of the three it ends by itself."""

    after_s: float | None = None
    at_statement: int | None = None
    at_file_operation: int | None = None


NO_KILL = KillPoint()


@dataclass(frozen=True, slots=True)
class Steps:
    """How many statements and file operations a process performed."""

    statements: int
    file_operations: int

    def draw_kill(self, rng: random.Random, max_s: float, share: float = 1.0) -> KillPoint:
        """Draw a kill by time, statement or file operation, within *max_s* or the first *share* of the steps."""
        kinds = [KillPoint(after_s=rng.uniform(0, max_s))]
        if self.statements:
            kinds.append(KillPoint(at_statement=rng.randint(1, max(1, int(share * self.statements)))))
        if self.file_operations:
            kinds.append(KillPoint(at_file_operation=rng.randint(1, max(1, int(share * self.file_operations)))))
        return rng.choice(kinds)


class KillableProcess:
    """A process that runs *action(\\*args)* until it ends or is killed.

    folder: only operations on its files count; a process that ends by itself writes its counts to `steps` there
    """

    def __init__(self, kill: KillPoint, folder: Path, action: Callable[..., None], *args: object) -> None:
        self._kill = kill
        self._process = _FORKS.Process(target=_run, args=(kill, folder, action, args))
        self._process.start()

    def wait(self) -> bool:
        """Wait for the end and return whether it was killed; raise RuntimeError if it failed by itself."""
        self._process.join(self._kill.after_s)
        return self.end()

    def end(self) -> bool:
        """Kill it if it still runs, then do the same as `wait`."""
        self._process.kill()
        self._process.join()
        code = self._process.exitcode
        self._process.close()
        if code not in (0, -signal.SIGKILL):
            raise RuntimeError(f"the process failed by itself (code {code})")
        return code != 0


def steps_of(folder: Path) -> Steps:
    """Return the counts of the last process that ended by itself."""
    statements, file_operations = (folder / "steps").read_text().split()
    return Steps(int(statements), int(file_operations))


def _run(kill: KillPoint, folder: Path, action: Callable[..., None], args: tuple[object, ...]) -> None:
    statements = file_operations = 0

    def statement(_: str) -> None:
        nonlocal statements
        statements += 1
        if statements == kill.at_statement:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, details: tuple[object, ...]) -> None:
        nonlocal file_operations
        if event in _FILE_EVENTS or (event == "open" and _for_writing(details[1])):
            mine = str(details[0]).startswith(f"{folder}/")
            file_operations += mine
            if mine and file_operations == kill.at_file_operation:
                os.kill(os.getpid(), signal.SIGKILL)

    def connect(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = really_connect(*args, **kwargs)
        connection.set_trace_callback(statement)
        return connection

    really_connect = sqlite3.connect
    sqlite3.connect = connect  # type: ignore[assignment]
    sys.addaudithook(audit)
    action(*args)
    (folder / "steps").write_text(f"{statements} {file_operations}")


def _for_writing(mode: object) -> bool:
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")
