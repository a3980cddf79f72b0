"""Analyse texts for the rest of scoring.

analysed_text                 tokens, terms, amounts and shingles of one entry, computed once
    terms                     stemmed words, and how many recent entries contain each (document frequency)
    amounts, dates            amounts with units; dates and days
    names, headline_kinds     names without capitals; headlines that recur in fixed wording
make_background, make_ordinary_words    commands that make the shipped files
"""
