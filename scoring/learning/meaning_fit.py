"""Fit quadratic forms of embeddings to labelled titles.

    minimise over f   sum over items of count * (target - mean - f(u))^2 + RIDGE * |f|^2

in the space of the kernel k(u, v) = ((1 + u . v) / 2)^2, whose functions are the quadratic forms of unit vectors. The
solution is f(u) = sum of a_i k(u_i, u) with (K + RIDGE / count) a = target - mean (kernel ridge regression; Saunders,
Gammerman & Vovk 1998), which multiplies out to weights: no embedding of a title is in a file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Embedding, MeaningSettings
from scoring.meaning.encoder import MINILM, Encoder, OnnxEncoder, find_model
from scoring.meaning.quadratic_form import FINENESS, QuadraticForm

RIDGE = 0.5
"""Between .25 and 2 nothing changes by more than .003 of AUC; below 1 the fit needs fewer directions."""

DIRECTIONS = 64
"""Of 384: those in which the fitted forms are strongest. 32 cost .01 of the categories of a window, 96 gain nothing."""

ITERATIONS = 200
TOLERANCE = 1e-4

Floats = NDArray[np.float64]


def packaged_encoder() -> Encoder:
    """Return the encoder that the shipped weights are for, in this process; MeaningError if it is missing."""
    files = find_model(MeaningSettings(model=MINILM))
    assert files is not None
    return OnnxEncoder(files)


def unit_vectors(embeddings: Sequence[Embedding | None]) -> tuple[NDArray[np.float32], str]:
    """Return embeddings with length 1, shape (items, components), and their encoder; 0 for None.

    ValueError if there is none at all, or more than one encoder.
    """
    present = [embedding for embedding in embeddings if embedding is not None]
    (encoder,) = {embedding.encoder for embedding in present} or {""}
    if not present:
        raise ValueError("no title could be encoded")
    nothing = bytes(len(present[0].values))
    joined = b"".join([nothing if embedding is None else embedding.values for embedding in embeddings])
    vectors = np.frombuffer(joined, np.int8).reshape(len(embeddings), -1).astype(np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1.0), encoder


def kernel(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return k(u, v) for each pair of unit vectors, shape (ours, theirs)."""
    values: NDArray[np.float32] = ours @ theirs.T
    values += 1.0
    values *= 0.5
    values *= values
    return values


def solve(values: NDArray[np.float32], target: Floats, counts: Floats) -> Floats:
    """Return the coefficient a of each item, by conjugate gradients.

    values: the kernel of the items, shape (items, items)
    """
    right = target - np.average(target, weights=counts)
    ridge = RIDGE / counts
    scale = values.diagonal() + ridge
    coefficients, rest = np.zeros_like(right), right.copy()
    step = rest / scale
    direction, product = step.copy(), float(rest @ step)
    for _ in range(ITERATIONS):
        if rest @ rest <= TOLERANCE**2 * (right @ right):
            break
        image = (values @ direction.astype(np.float32)).astype(np.float64) + ridge * direction
        length = product / float(direction @ image)
        coefficients += length * direction
        rest -= length * image
        step = rest / scale
        following = float(rest @ step)
        direction = step + (following / product) * direction
        product = following
    return coefficients


def form_of(vectors: NDArray[np.float32], coefficients: Floats, encoder: str) -> QuadraticForm:
    """Return the fitted functions f(u) = sum of a_i ((1 + u_i . u) / 2)^2 in weights.

    coefficients: a of each function, shape (items, functions)
    """
    exact = vectors.astype(np.float64)
    linear = coefficients.T @ exact / 2.0
    forms = np.array([(exact * column[:, None]).T @ exact / 4.0 for column in coefficients.T])
    # Where the forms are strongest together: the leading eigenvectors of the sum of their squares.
    directions = np.linalg.eigh(sum(form @ form for form in forms))[1][:, -DIRECTIONS:].T
    directions *= np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])[:, None]
    basis = np.rint(directions * (127.0 / np.abs(directions).max()))
    inverse = np.linalg.pinv(basis) / FINENESS
    quadratic = inverse.T @ forms @ inverse
    steps = [float(f"{np.abs(part).max() / 127.0:.5g}") for part in (linear, quadratic)]
    return QuadraticForm(
        encoder=encoder,
        offsets=[round(float(offset), 4) for offset in coefficients.sum(axis=0) / 4.0],
        steps=(steps[0], steps[1]),
        basis=basis,
        linear=np.clip(np.rint(linear / steps[0]), -127, 127),
        quadratic=np.clip(np.rint(quadratic / steps[1]), -127, 127),
    )
