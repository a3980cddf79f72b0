"""Events from the store into the engine, results back into the store, in one transaction.

updater     while steps are pending: settle their moments, step the engine, store the changes; then rank the lists
starting    at the first use: the engine from its last snapshot, or rebuilt from entries and stories
"""

from scoring.updater.updater import Observer, Progress, Updater

__all__ = ["Observer", "Progress", "Updater"]
