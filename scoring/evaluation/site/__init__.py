"""Evaluate a running site on its own past, without labels made by hand.

scorecard     every night: do the scores, categories and trends of the last weeks agree with what followed?
preview       what the front page would have been under an edited feeds.yaml
"""
