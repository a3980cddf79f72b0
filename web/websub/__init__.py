"""The hub's working half, which the worker runs.

publisher          finds changed feeds, and starts due calls (with PostgreSQL, as jobs of the queue)
rendering          renders each feed once per edition
subscriber_calls   the requests to subscribers' callbacks, through the address guard
callback_calls     limits concurrent calls
"""
