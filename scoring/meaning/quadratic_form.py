"""Evaluate quadratic forms of embeddings in exact arithmetic, for `relevance` and `categories`.

`learning.meaning_fit` fits them.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Embedding

Floats = NDArray[np.float64]

FINENESS = 8
"""Steps of a projection for each unit of the basis; with 64 directions all sums stay below 2**53."""


class QuadraticForm:
    """Functions of the direction of an embedding; immutable.

        value = offset + steps[0] * l . u + steps[1] * p' Q p,    u = the embedding with length 1, p = round(8 B u)

    A linear form alone misses most of the information: what matters are combinations of subject and kind of news. All
    weights are whole numbers from -127 to 127, so double precision represents every sum exactly, and all machines get
    the same values.

    encoder:   the encoder of the embeddings
    offsets:   one for each function
    basis:     B, shape (directions, components)
    linear:    l of each function, shape (functions, components)
    quadratic: Q of each function, symmetric, shape (functions, directions, directions)
    """

    def __init__(
        self,
        encoder: str,
        offsets: Sequence[float],
        steps: tuple[float, float],
        basis: Floats,
        linear: Floats,
        quadratic: Floats,
    ) -> None:
        self.encoder = encoder
        self.offsets = tuple(offsets)
        self.steps = steps
        self.basis = basis
        self.linear = linear
        self.quadratic = quadratic

    def values(self, embedding: Embedding) -> tuple[float, ...] | None:
        """Return the value of each function; None for an embedding of another encoder."""
        components = np.frombuffer(embedding.values, np.int8).astype(np.float64)
        length = math.sqrt(float(components @ components))
        if embedding.encoder != self.encoder or len(components) != self.basis.shape[1] or not length:
            return None
        directions = np.rint((self.basis @ components) * FINENESS / length)
        linear = (self.linear @ components).tolist()
        quadratic = ((self.quadratic @ directions) @ directions).tolist()
        return tuple(
            offset + self.steps[0] * of_linear / length + self.steps[1] * of_quadratic
            for offset, of_linear, of_quadratic in zip(self.offsets, linear, quadratic, strict=True)
        )

    def as_data(self) -> dict[str, Any]:
        """Return the content for a model file, which `from_data` reads."""
        rows, columns = np.triu_indices(len(self.basis))
        return {
            "encoder": self.encoder,
            "offsets": list(self.offsets),
            "steps": list(self.steps),
            "directions": len(self.basis),
            "basis": _packed(self.basis),
            "linear": _packed(self.linear),
            "quadratic": _packed(self.quadratic[:, rows, columns]),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> QuadraticForm:
        """Return the form in *data*; KeyError, TypeError or ValueError when it is invalid."""
        offsets = [float(offset) for offset in data["offsets"]]
        linear_step, quadratic_step = data["steps"]
        size = int(data["directions"])
        rows, columns = np.triu_indices(size)
        quadratic = np.zeros((len(offsets), size, size))
        quadratic[:, rows, columns] = _unpacked(data["quadratic"]).reshape(len(offsets), len(rows))
        quadratic[:, columns, rows] = quadratic[:, rows, columns]
        return cls(
            encoder=str(data["encoder"]),
            offsets=offsets,
            steps=(float(linear_step), float(quadratic_step)),
            basis=_unpacked(data["basis"]).reshape(size, -1),
            linear=_unpacked(data["linear"]).reshape(len(offsets), -1),
            quadratic=quadratic,
        )


def _packed(weights: Floats) -> str:
    return base64.b64encode(weights.astype(np.int8).tobytes()).decode("ascii")


def _unpacked(text: Any) -> Floats:
    return np.frombuffer(base64.b64decode(str(text), validate=True), np.int8).astype(np.float64)
