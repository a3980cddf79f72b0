"""Events from the store into the engine, results back into the store.

updater            while steps are pending: step the engine, store the changes in one transaction; then rank the lists
counterfactuals    of listed stories, if they are out of date
starting           at the first use: the engine from its last snapshot, or rebuilt from entries and stories
"""

from scoring.updater.updater import Observer, Progress, Updater

__all__ = ["Observer", "Progress", "Updater"]
