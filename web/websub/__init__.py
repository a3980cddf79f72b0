"""The hub's working half, which the worker runs.

publisher          finds the feeds that changed, and starts what is due (over PostgreSQL: as jobs of the queue)
rendering          a feed as anybody gets it, rendered once in each edition
subscriber_calls   the requests to subscribers' callbacks, through the address guard
callback_calls     how many of these run at a time
"""
