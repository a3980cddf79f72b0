"""Assign a category to each story.

classifier                    seeds of feeds.yaml + the prior + the source's category + corrections, in log-odds
    prior                     weights of the shipped categories
"""
