"""The hub's working half, which the worker runs.

publisher        renders each changed list once and delivers it to its subscribers
callback_calls   the requests to subscribers' callbacks, through the address guard
"""
