"""Estimate how likely a story is to be relevant, and explain the estimate.

signals, news_context         what is known of a story, and of the news around it
features                      the features of a story in groups: the one place that defines them
    text_features             those of its words, its link and the look of its title
model.RelevanceModel.score    prior + what the site learned + votes, calibrated
    editorial_prior           what an editor would make of the text alone; ships with the program
    weights, model_file       what one fit learned, and the file that contains it
    votes, calibration        corrections that need no training
explanation                   log-odds as points that add up to the score
counterfactuals               the score without one source, or by the title alone
"""
