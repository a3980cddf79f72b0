"""Read and write model files: JSON that anyone can read, never a pickle.

Knows the envelope: format, version, provenance, measures, and a digest that detects damage. The content is up to the
model.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aggregator.errors import ModelFileError
from aggregator.store.files.replace import replace_with

FORMAT = "groundswell model"
VERSION = 1


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The content of a model file with its envelope."""

    kind: str
    """`prior` or `relevance`."""
    name: str
    """The version of the model, as pages show it."""
    window: tuple[str, str]
    """First and last moment of the examples it was trained, calibrated and measured on."""
    measures: Mapping[str, Any]
    provenance: Mapping[str, Any]
    """The data and command that it was made with."""
    content: Mapping[str, Any]
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of Python and the libraries that fitted it."""


def versions() -> dict[str, str]:
    """Return the current versions of Python and the libraries."""
    import numpy
    import scipy
    import sklearn

    return {
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of *content*, in hexadecimal."""
    plain = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def text_of(file: ModelFile) -> str:
    """Return *file* as text; the same model gives the same text."""
    body = {
        "kind": file.kind,
        "name": file.name,
        "window": list(file.window),
        "measures": dict(file.measures),
        "provenance": dict(file.provenance),
        "versions": dict(file.versions),
        "content": dict(file.content),
    }
    data = {"format": FORMAT, "version": VERSION, "sha256": digest(body), **body}
    return json.dumps(data, ensure_ascii=False, indent=0) + "\n"


def write(path: Path, file: ModelFile) -> None:
    """Write *file* to *path* atomically."""
    replace_with(path, text_of(file))


def read(path: Path, kind: str) -> ModelFile:
    """Return the model file at *path*; ModelFileError when it is not a model of this version."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFileError(f"the model file {path} cannot be read: {error}; {_remedy(kind)}") from error
    return parse(text, kind, str(path))


def parse(text: str, kind: str, label: str) -> ModelFile:
    """Parse the *text* of a model file; ModelFileError, which names *label*, when it is invalid.

    label: the name of the file in messages
    """
    remedy = _remedy(kind)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"the model file {label} is broken: {error}; {remedy}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ModelFileError(f"{label} is not a model file of Groundswell; {remedy}")
    if data.get("version") != VERSION:
        raise ModelFileError(
            f"the model file {label} has version {data.get('version')!r}, this program reads {VERSION}; {remedy}"
        )
    body = {name: value for name, value in data.items() if name not in ("format", "version", "sha256")}
    if data.get("sha256") != digest(body):
        raise ModelFileError(f"the model file {label} is damaged: its digest does not match; {remedy}")
    if body.get("kind") != kind:
        raise ModelFileError(f"the model file {label} holds a {body.get('kind')!r} model where {kind!r} was expected")
    try:
        first, last = body["window"]
        return ModelFile(
            kind=kind,
            name=str(body["name"]),
            window=(str(first), str(last)),
            measures=body["measures"],
            provenance=body["provenance"],
            content=body["content"],
            versions=body["versions"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"the model file {label} lacks {error}; {remedy}") from error


def _remedy(kind: str) -> str:
    return "reinstall the program" if kind == "prior" else "`groundswell train` makes a new one"
