"""Request a feed and return the outcome as a value; the only package that opens outgoing connections.

    async with Client(limits) as client:
        outcome = await fetch(client, url, validators, limits=limits, now=now, access=access.of_source(source, limits))
        match outcome:
            case Fetched():     # a document with its validators
            case NotModified(): # 304
            case Failed():      # the message for the source's row
        answer = await call(client, hub, limits=limits, method="POST", content=form)

`access` has the permissions of a request beyond direct connections to public servers; the default is none.
"""

from __future__ import annotations

from aggregator.fetch import access
from aggregator.fetch.access import PUBLIC, Access
from aggregator.fetch.client import Answered, call, fetch
from aggregator.fetch.connections import Client
from aggregator.fetch.errors import RefusedAddressError
from aggregator.fetch.headers import USER_AGENT, fresh_for, retry_after, user_agent

__all__ = [
    "PUBLIC",
    "USER_AGENT",
    "Access",
    "Answered",
    "Client",
    "RefusedAddressError",
    "access",
    "call",
    "fetch",
    "fresh_for",
    "retry_after",
    "user_agent",
]
