"""Compare the score with labelled items.

read_rows(file) -> rows            labelled items, JSON Lines
known_examples(rows) -> examples   what was known when each arrived
learn(earlier, prior) -> score     calibrated on the newest of them
evaluate(earlier, later) -> report AUC, nDCG@10, Brier, ECE, next to rules without a model
"""

from scoring.evaluation.relevance.examples import coverage, known_examples, learn, similar, split_by_time, together
from scoring.evaluation.relevance.measure import Report, Result, evaluate, evaluate_online, lines, result
from scoring.evaluation.relevance.rows import Row, labelled, read_rows, threshold, with_embeddings

__all__ = [
    "Report",
    "Result",
    "Row",
    "coverage",
    "evaluate",
    "evaluate_online",
    "known_examples",
    "labelled",
    "learn",
    "lines",
    "read_rows",
    "result",
    "similar",
    "split_by_time",
    "threshold",
    "together",
    "with_embeddings",
]
