"""Messages about stories and about the site itself: which are due, what they say, and that each is sent once.

rules       stories in the store x rules in feeds.yaml -> messages, each stored before it is sent
alarms      state of sources, disk and accuracy        -> messages to the operator
wording     a story or an alarm as title, text, HTML and data
dispatcher  the worker's job: store what is due, hand it to `aggregator.notify` (over PostgreSQL: as jobs of the queue),
            store the outcome
"""

from __future__ import annotations

from web.alerts.dispatcher import MESSAGES, Dispatcher, deliver_by_id

__all__ = ["MESSAGES", "Dispatcher", "deliver_by_id"]
