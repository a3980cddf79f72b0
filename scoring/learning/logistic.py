"""Logistic regression with offsets and lower bounds, which scikit-learn's does not have.

    minimise  1/2 |w|^2 + strength * sum of counts * cross-entropy(target, sigma(offset + base + X w)),   w >= lower

by L-BFGS-B (Byrd, Lu, Nocedal & Zhu, 1995). The base is not penalised. An offset is the log-odds of a row
before learning: weights of 0 leave it unchanged, so the penalty pulls towards it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

MAX_ITERATIONS = 1_000

Floats = NDArray[np.float64]


def fit(
    matrix: sparse.csr_matrix | Floats,
    target: Floats,
    counts: Floats | None = None,
    offset: Floats | None = None,
    lower: Floats | None = None,
    *,
    strength: float = 1.0,
    start: tuple[Floats, float] | None = None,
    tolerance: float = 1e-4,
) -> tuple[Floats, float]:
    """Return weights, shape (columns,), and the base.

    matrix: shape (rows, columns)
    target: 0..1, shape (rows,)
    counts: how many rows each row counts for
    lower:  bounds of the weights, shape (columns,); -inf for none
    start:  initial weights and base
    """
    rows, columns = matrix.shape
    weights_of_rows = np.ones(rows) if counts is None else counts
    offsets = np.zeros(rows) if offset is None else offset
    transposed: Any = matrix.T.tocsr() if sparse.issparse(matrix) else matrix.T

    def loss(values: Floats) -> tuple[float, Floats]:
        weights, base = values[:-1], values[-1]
        logit = offsets + base + matrix @ weights
        # log(1 + exp(z)) - t z, without overflow.
        cost = np.maximum(logit, 0.0) + np.log1p(np.exp(-np.abs(logit))) - target * logit
        slope = weights_of_rows * (1.0 / (1.0 + np.exp(-np.clip(logit, -500, 500))) - target)
        gradient = np.empty_like(values)
        gradient[:-1] = weights + strength * (transposed @ slope)
        gradient[-1] = strength * slope.sum()
        return 0.5 * float(weights @ weights) + strength * float(weights_of_rows @ cost), gradient

    first = np.zeros(columns + 1)
    if start is not None:
        first[:-1], first[-1] = start
    bounds = None
    if lower is not None:
        bounds = [(None if low == -np.inf else float(low), None) for low in lower] + [(None, None)]
        first[:-1] = np.maximum(first[:-1], lower)
    solution = minimize(
        loss,
        first,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": MAX_ITERATIONS, "gtol": tolerance, "ftol": 1e-10},
    )
    return solution.x[:-1], float(solution.x[-1])
