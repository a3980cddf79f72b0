"""The fit of seeds: the optimum, the same as scikit-learn's."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from scoring.categories import logistic


@pytest.mark.parametrize("classes", [2, 3, 9])
def test_has_the_weights_of_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(classes)
    matrix = rng.random((60, 40)) * (rng.random((60, 40)) < 0.1)
    labels = np.arange(60) % classes
    counts = rng.random(60) + 0.5

    # Of two classes, scikit-learn has one vector of weights, the difference.
    weights = logistic.fit(matrix, labels, counts, classes, 30.0 if classes > 2 else 15.0)

    model = LogisticRegression(C=30.0, tol=1e-10, max_iter=10_000).fit(matrix, labels, sample_weight=counts)
    expected = model.coef_ if classes > 2 else np.vstack([-model.coef_[0], model.coef_[0]]) / 2
    assert np.abs(expected).max() > 1.0
    np.testing.assert_allclose(weights, expected, atol=1e-4)


def test_ends_where_the_gradient_is_zero_from_the_start() -> None:
    # Two rows that say nothing: no weight is better than none.
    weights = logistic.fit(np.zeros((2, 3)), np.array([0, 1]), np.ones(2), 2, 1.0)
    assert weights.shape == (2, 3)
    assert not weights.any()


def test_reaches_the_optimum_of_hundreds_of_corrections() -> None:
    rng = np.random.default_rng(1)
    matrix = rng.random((400, 600)) * (rng.random((400, 600)) < 0.05)
    labels = rng.integers(0, 9, 400)
    counts = np.where(np.arange(400) < 100, 1.0, 0.2)

    weights = logistic.fit(matrix, labels, counts, 9, 30.0)

    model = LogisticRegression(C=30.0, tol=1e-9, max_iter=10_000).fit(matrix, labels, sample_weight=counts)
    np.testing.assert_allclose(weights, model.coef_, atol=1e-4)


def test_the_worker_imports_neither_scikit_learn_nor_scipy() -> None:
    script = """
import sys
from pathlib import Path
import groundswell.scorer, groundswell.worker, scoring.updater, web.alerts, web.websub.publisher
from aggregator.config import load_config
from scoring.engine import Engine
from scoring.relevance.model import load_prior
Engine(load_config(Path("feeds.yaml"), env={}), load_prior())
print(sorted({"scipy", "sklearn"} & sys.modules.keys()))
"""
    result = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=120)
    assert result.stdout.strip() == "[]"
