"""Write down what the engine holds, and read it again to the last bit.

Knows how plain containers and the small classes of `scoring` become JSON and come back. Leaves what
belongs to the state to `engine`, and when it is written to `update`.

A checkpoint spares a start reading months again. It is derived: without one, or with one of another
version of the program, the engine comes back from the facts.
"""

from __future__ import annotations

import gc
import hashlib
import json
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

_PLAIN = frozenset((str, int, float, bool, type(None)))

# How a value is spelled. What JSON has stands for itself: strings, numbers, true, false, null, and an object for
# a dict with words as keys and plain values, which most of a state is. Anything else is a list: a mark, and parts.
_LIST, _TUPLE, _DEQUE, _SET, _FROZEN, _DICT, _NUMBERED, _COUNTER, _MOMENT, _SPAN, _OBJECT, _AGAIN, _OUTSIDE = range(13)


@cache
def program() -> str:
    """Return a fingerprint of everything that decides how entries become a state."""
    digest = hashlib.sha256(sys.version.encode())
    for file in _files(resources.files("scoring")):
        if file.name.endswith((".py", "background.json.gz")):
            digest.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    for file in _files(resources.files("aggregator")):
        if file.name in ("all.py", "tokens.py", "urls.py"):
            digest.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:24]


def _files(folder: Traversable) -> Iterator[Traversable]:
    """Yield the files of a folder and of those in it, in an order of their names."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def dumps(value: object, outside: Mapping[str, object], left_out: tuple[type, ...] = ()) -> str:
    """Return *value* as text.

    outside:  objects that are not written, but named, and handed to `loads` again
    left_out: objects of these classes are not written, and come back as None

    TypeError for what is neither a plain container nor of a class of this package.
    """
    with _uncollected():
        return json.dumps(_Writer(outside, left_out).write(value), separators=(",", ":"))


def loads(text: str, outside: Mapping[str, object]) -> Any:
    """Return what `dumps` was given; an object that stood in it twice is one object again."""
    with _uncollected():
        return _Reader(outside).read(json.loads(text))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Make many objects without looking for garbage among them again and again: that is a third of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


class _Writer:
    def __init__(self, outside: Mapping[str, object], left_out: tuple[type, ...]) -> None:
        self._outside = {id(value): name for name, value in outside.items()}
        self._left_out = left_out
        self._seen: dict[int, int] = {}
        self._known: dict[type, Callable[[Any], object]] = {
            list: lambda value: [_LIST, *map(self.write, value)],
            tuple: lambda value: [_TUPLE, *map(self.write, value)],
            deque: lambda value: [_DEQUE, value.maxlen, *map(self.write, value)],
            # Sorted, so that the same state gives the same text.
            set: lambda value: [_SET, *map(self.write, sorted(value))],
            frozenset: lambda value: [_FROZEN, *map(self.write, sorted(value))],
            dict: self._dict,
            Counter: lambda value: [_COUNTER, self._dict(value)],
            datetime: lambda value: [_MOMENT, value.isoformat()],
            timedelta: lambda value: [_SPAN, value.days, value.seconds, value.microseconds],
        }

    def write(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        known = self._known.get(kind)
        return self._object(value, kind) if known is None else known(value)

    def _dict(self, value: Mapping[Any, Any]) -> object:
        keys = set(map(type, value))
        if set(map(type, value.values())) <= _PLAIN:
            if keys <= {str}:
                return dict(value)
            if keys == {int}:
                return [_NUMBERED, dict(value)]
        return [_DICT, *(part for pair in value.items() for part in map(self.write, pair))]

    def _object(self, value: object, kind: type) -> object:
        if id(value) in self._outside:
            return [_OUTSIDE, self._outside[id(value)]]
        if issubclass(kind, self._left_out):
            return None
        if not kind.__module__.startswith("scoring."):
            raise TypeError(f"{kind.__module__}.{kind.__qualname__} cannot be part of a checkpoint")
        number = self._seen.get(id(value))
        if number is not None:
            return [_AGAIN, number]
        self._seen[id(value)] = len(self._seen)
        slots = _slots(kind)
        names = list(vars(value)) if slots is None else slots
        fields = [self.write(getattr(value, name)) for name in names]
        return [_OBJECT, f"{kind.__module__}:{kind.__qualname__}", names if slots is None else None, *fields]


class _Reader:
    def __init__(self, outside: Mapping[str, object]) -> None:
        self._outside = outside
        self._seen: list[object] = []
        self._known: dict[int, Callable[[list[Any]], object]] = {
            _LIST: lambda parts: [self.read(part) for part in parts[1:]],
            _TUPLE: lambda parts: tuple([self.read(part) for part in parts[1:]]),
            _DEQUE: lambda parts: deque([self.read(part) for part in parts[2:]], parts[1]),
            _SET: lambda parts: {self.read(part) for part in parts[1:]},
            _FROZEN: lambda parts: frozenset([self.read(part) for part in parts[1:]]),
            _DICT: self._dict,
            _NUMBERED: lambda parts: {int(key): value for key, value in parts[1].items()},
            _COUNTER: lambda parts: Counter(self.read(parts[1])),
            _MOMENT: lambda parts: datetime.fromisoformat(parts[1]),
            _SPAN: lambda parts: timedelta(*parts[1:]),
            _OBJECT: self._object,
            _AGAIN: lambda parts: self._seen[parts[1]],
            _OUTSIDE: lambda parts: self._outside[parts[1]],
        }

    def read(self, value: Any) -> Any:
        if type(value) is list:
            return self._known[value[0]](value)
        return value

    def _dict(self, parts: list[Any]) -> dict[Any, Any]:
        read = self.read
        return {read(parts[i]): read(parts[i + 1]) for i in range(1, len(parts), 2)}

    def _object(self, parts: list[Any]) -> object:
        module, _, name_of = parts[1].partition(":")
        kind = getattr(sys.modules.get(module), name_of, None) if module.startswith("scoring.") else None
        if not isinstance(kind, type):
            raise TypeError(f"{parts[1]} cannot be part of a checkpoint")
        made: object = object.__new__(kind)
        self._seen.append(made)
        for name, part in zip(parts[2] or _slots(kind) or (), parts[3:], strict=True):
            object.__setattr__(made, name, self.read(part))
        return made


def _slots(kind: Any) -> tuple[str, ...] | None:
    """Return the fields of a class that says which it has, None for one that does not."""
    slots: tuple[str, ...] | None = getattr(kind, "__slots__", None)
    return slots
