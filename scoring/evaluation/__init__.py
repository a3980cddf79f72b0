"""Measure what the program decides against labels.

benchmarks                    the list of tasks, with what each needs and has to reach
stories, relevance, front_page, categories, topics, trending    one task each
    labelled_files, recording, at_arrival                       labels, and what the site knew at a moment
scorecard                     a site's own past, every night; the page is called Accuracy
make_prior, make_editorial_prior    make the prior that ships, from a command line
"""
