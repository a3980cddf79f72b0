"""Send messages through the services that the operator chose, each from where it can do no harm.

    Sender.send(target, message)    https://...  a signed webhook, through the guarded client of `aggregator.fetch`
                                    others       apprise, in a child process with limits and an address check of its own

What a message says, and when one is due, is for `web.alerts`.
"""

from __future__ import annotations

from aggregator.notify.message import Outgoing
from aggregator.notify.sender import Outcome, Sender
from aggregator.notify.targets import digest_of, service_of

__all__ = ["Outcome", "Outgoing", "Sender", "digest_of", "service_of"]
