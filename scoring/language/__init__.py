"""Turn texts into what the rest of scoring compares.

analysed_text                 tokens, terms, amounts and shingles of one entry, computed once
    terms                     stemmed words, and how many recent entries contain each (document frequency)
    amounts, dates            figures with units; words that name a day
    names, headline_kinds     names without capitals; headlines that recur in fixed wording
make_background, make_ordinary_words    make the files that ship, from a command line
"""
