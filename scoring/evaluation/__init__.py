"""Measure what the program decides against labels.

benchmarks                    the list of tasks, with what each needs and has to reach
stories, relevance, front_page, categories, topics, trending    one task each
    baselines, story_errors                                     simple rules to beat; kinds of clustering errors
    labelled_files, recording, at_arrival                       labels, and what the site knew at a moment
site                          a running site's own past: the scorecard behind Accuracy, previews of another feeds.yaml
priors                        commands that fit the priors which ship
"""
