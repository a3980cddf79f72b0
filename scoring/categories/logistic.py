"""Multinomial logistic regression in NumPy, for small data.

    minimise  1/2 |W|^2 + c * sum over rows of weight * cross-entropy(label, softmax(x W + b))

by L-BFGS (Liu & Nocedal, 1989). scikit-learn's gives the same weights, but its import takes 0.9 CPU seconds and 100 MB,
which every start of the worker would pay for a fit of 0.1 seconds.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

MAX_ITERATIONS = 500

CORRECTIONS = 10
"""Latest steps from which the curvature is estimated."""

SUFFICIENT = 1e-4
"""Share of the expected decrease that a step must bring (Armijo)."""

Floats = NDArray[np.float64]


def fit(
    matrix: Floats, labels: NDArray[np.int64], row_weights: Floats, classes: int, c: float, *, tolerance: float = 1e-8
) -> Floats:
    """Return the weights, shape (classes, columns); the base rates are fitted, but not penalised or returned.

    matrix:      shape (rows, columns)
    labels:      0..classes - 1, shape (rows,)
    row_weights: how much each row counts, shape (rows,)
    tolerance:   largest entry of the gradient, as a share of c * the sum of row_weights, at which it stops
    """
    truth = np.zeros((len(labels), classes))
    truth[np.arange(len(labels)), labels] = 1.0
    with_base = np.hstack([matrix, np.ones((len(matrix), 1))])
    penalised = np.ones((with_base.shape[1], 1))
    penalised[-1] = 0.0
    scale = 1.0 / (c * row_weights.sum())
    counts = row_weights[:, np.newaxis] / row_weights.sum()

    def loss(values: Floats) -> tuple[float, Floats]:
        logits = with_base @ values
        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        sums = exponentials.sum(axis=1, keepdims=True)
        shrunk = scale * penalised * values
        cost = (counts * (np.log(sums) - (truth * logits).sum(axis=1, keepdims=True))).sum() + 0.5 * (
            shrunk * values
        ).sum()
        return float(cost), with_base.T @ (counts * (exponentials / sums - truth)) + shrunk

    values = np.zeros((with_base.shape[1], classes))
    cost, gradient = loss(values)
    history: deque[tuple[Floats, Floats, float]] = deque(maxlen=CORRECTIONS)
    for _ in range(MAX_ITERATIONS):
        if np.abs(gradient).max() <= tolerance:
            break
        direction = -_inverse_hessian_times(gradient, history)
        slope = float((gradient * direction).sum())
        step = 1.0 if history else min(1.0, 1.0 / float(np.abs(gradient).sum()))
        while True:
            moved = values + step * direction
            new_cost, new_gradient = loss(moved)
            if new_cost <= cost + SUFFICIENT * step * slope or step < 1e-10:
                break
            step *= 0.5
        change, bend = moved - values, new_gradient - gradient
        curvature = float((change * bend).sum())
        if curvature > 0.0:
            history.append((change, bend, 1.0 / curvature))
        values, cost, gradient = moved, new_cost, new_gradient
    return values[:-1].T


def _inverse_hessian_times(gradient: Floats, history: deque[tuple[Floats, Floats, float]]) -> Floats:
    """Return the product of the estimated inverse Hessian and the gradient, by the two-loop recursion."""
    result = gradient.copy()
    shares = []
    for change, bend, rho in reversed(history):
        share = rho * float((change * result).sum())
        shares.append(share)
        result -= share * bend
    if history:
        change, bend, rho = history[-1]
        result *= 1.0 / (rho * float((bend * bend).sum()))
    for (change, bend, rho), share in zip(history, reversed(shares), strict=True):
        result += (share - rho * float((bend * result).sum())) * change
    return result
