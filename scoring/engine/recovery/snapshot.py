"""The engine's state as a typed value, and as bytes.

A snapshot spares a start the reading of six weeks of entries. It is derived: it may be lost at any time, and
`restore` then rebuilds the state from the entries and stories in the database.

A snapshot is data (MessagePack), not pickled objects, and its format has a number that people raise. So an edited
comment or a renamed function leaves the snapshot of a running site valid, and a changed field cannot be misread.
tests/scoring/engine/test_snapshot.py compares the shape of `EngineSnapshot` with a recorded one, and fails when the
shape changed and FORMAT did not.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from msgspec import Struct

from aggregator.errors import StoreError
from scoring.engine.settings import SettingsSnapshot
from scoring.engine.state import StateSnapshot

FORMAT = 11
"""Version of the snapshot format.

Raise it when a field of the state is added, removed or changes its meaning: other terms for the same text, other units.
A start then ignores the stored snapshot and rebuilds the state, which takes a few seconds on 100,000 entries."""


class SnapshotError(StoreError):
    """A stored snapshot cannot be used. The message says why; the way out is to rebuild the state."""


class SettingsChangedError(SnapshotError):
    """A stored snapshot was built with other settings of feeds.yaml."""


class EngineSnapshot(Struct, array_like=True, frozen=True):
    """All that an engine needs to go on as if it had never stopped, the stored stories aside."""

    format: int
    settings: SettingsSnapshot
    state: StateSnapshot


def encode(snapshot: EngineSnapshot) -> bytes:
    """Return *snapshot* as bytes."""
    return msgspec.msgpack.encode(snapshot)


def decode(data: bytes, settings: SettingsSnapshot) -> EngineSnapshot:
    """Return the snapshot that *data* holds.

    settings: of the engine that is to go on with it

    SnapshotError when it has another format or is damaged, SettingsChangedError when it was built with other settings.
    """
    try:
        # The format comes first, so that it can be read whatever the rest looks like.
        header = msgspec.msgpack.decode(data, type=list[msgspec.Raw])
        version = msgspec.msgpack.decode(header[0], type=int) if header else 0
        if version != FORMAT:
            raise SnapshotError(f"it has format {version}, and this version of the program reads format {FORMAT}")
        if difference := msgspec.msgpack.decode(header[1], type=SettingsSnapshot).difference(settings):
            raise SettingsChangedError(difference)
        # Types are checked as they are read, so what comes back is a valid snapshot or an error, never half of one.
        with without_gc():
            return msgspec.msgpack.decode(data, type=EngineSnapshot)
    except (msgspec.MsgspecError, IndexError) as error:
        raise SnapshotError(f"it is damaged: {error}") from error


@contextmanager
def without_gc() -> Iterator[None]:
    """Create millions of objects without a garbage collection each time their number grows by a quarter."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
