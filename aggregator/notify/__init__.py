"""Send messages through the services that the operator chose, safely.

    Sender.send(target, message)    https://...  a signed webhook, through the guarded client of `aggregator.fetch`
                                    others       apprise, in a child process with limits and its own address check

`web.alerts` decides what to send, and when.
"""

from __future__ import annotations

from aggregator.notify.message import Outgoing
from aggregator.notify.sender import Outcome, Sender
from aggregator.notify.targets import digest_of, service_of

__all__ = ["Outcome", "Outgoing", "Sender", "digest_of", "service_of"]
