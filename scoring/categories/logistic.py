"""Multinomial logistic regression for small data.

    minimise  1/2 |W|^2 + c * sum over rows of weight * cross-entropy(label, softmax(x W + b))

by Newton steps with a fixed bound of the Hessian (Böhning, 1992), accelerated (Nesterov, 1983) and restarted where the
momentum points uphill (O'Donoghue & Candès, 2015). The bound is the same for all classes and never changes, so it is
inverted once, and no step needs a line search.

scikit-learn and `scipy.optimize` give the same weights, but importing them takes 50 to 100 MB and up to a CPU second in
every worker, for a fit of a tenth of a second.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_ITERATIONS = 2_000
"""The shipped categories take 120."""

Floats = NDArray[np.float64]


def fit(
    matrix: Floats, labels: NDArray[np.int64], row_weights: Floats, classes: int, c: float, *, tolerance: float = 1e-10
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
    # Divided by the size of the data, so that the tolerance means the same for a few seeds and for many corrections.
    shares = row_weights[:, np.newaxis] / row_weights.sum()
    penalty = np.full((with_base.shape[1], 1), 1.0 / (c * row_weights.sum()))
    penalty[-1] = 0.0
    # The Hessian of a softmax is at most half the identity.
    inverse_bound = np.linalg.inv(0.5 * with_base.T @ (shares * with_base) + np.diag(penalty[:, 0]))

    weights = ahead = np.zeros((with_base.shape[1], classes))
    momentum = 1.0
    for _ in range(MAX_ITERATIONS):
        logits = with_base @ ahead
        logits -= logits.max(axis=1, keepdims=True)
        likelihood = np.exp(logits)
        likelihood /= likelihood.sum(axis=1, keepdims=True)
        gradient = with_base.T @ (shares * (likelihood - truth)) + penalty * ahead
        if np.abs(gradient).max() <= tolerance:
            break
        before, weights = weights, ahead - inverse_bound @ gradient
        if (gradient * (weights - before)).sum() > 0.0:
            momentum = 1.0
        next_momentum = (1.0 + np.sqrt(1.0 + 4.0 * momentum * momentum)) / 2.0
        ahead = weights + (momentum - 1.0) / next_momentum * (weights - before)
        momentum = next_momentum
    return np.asarray(ahead[:-1].T)
