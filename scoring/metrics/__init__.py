"""Metrics, each in one place.

ranking       orders against labels: AUC, nDCG
probability   probabilities against outcomes: Brier score, log loss, reliability, ECE
clustering    stories against labels: BCubed, pairs, CEAF, mutual information
bootstrap     confidence intervals, by resampling whole days
"""
