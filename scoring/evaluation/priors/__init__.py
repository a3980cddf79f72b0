"""Fit the priors that ship with the program, from labelled items; each module is a command.

relevance     scoring/relevance/prior.json: how relevant a story is
    editorial     the part that reads its text
categories    scoring/categories/prior.json: which category it is in
    further_labels    labels of lines of streams, for both
"""
