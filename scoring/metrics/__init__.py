"""Measures, each in one place.

ranking       an order against what is relevant: AUC, nDCG
probability   probabilities against what turned out: Brier score, log loss, reliability, ECE
clustering    stories against labels: BCubed, pairs, CEAF, mutual information
bootstrap     the range of a measure when whole days are drawn again
"""
