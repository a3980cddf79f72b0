"""The worker's job for alerts: find due messages, store them, send them, and store the outcome.

Over PostgreSQL each message is a job of the queue, so any scorer or standby sends it. A message is stored before it is
sent and claimed in a transaction of its own just before it is handed over. So a worker that is killed at any moment
sends nothing twice: what was claimed and has no outcome may have arrived and is not sent again; `groundswell alerts
list` and the activity page show it as unknown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.model import AlertTarget, Config
from aggregator.notify import Outcome, Outgoing, Sender, digest_of
from aggregator.polling.source_health import Alarm as OverdueAlarm
from aggregator.store import Store
from aggregator.store.alerts import OPERATOR, Message
from aggregator.store.cluster.jobs import JobQueue, NewJob
from aggregator.translatable import Translatable
from web.alerts import alarms, rules
from web.digest.delivery import due_digests

log = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(minutes=1)
"""How often rules are looked at where nothing visible changed: quiet hours end, and an hour's limit passes."""
ALARMS_EVERY = timedelta(minutes=5)
FIRST_WAIT, MAX_WAIT = timedelta(minutes=1), timedelta(hours=1)
"""Before a message is sent again; doubled each time."""
MESSAGES = "messages"
"""The name of the jobs that send a message each."""
MAX_QUEUED = 200
MAX_ATTEMPTS = 10
"""Nearly five hours; after that a message is old news."""
MESSAGE_LIFETIME = timedelta(days=30)
INTERRUPTED = Translatable("the program ended while this was sent; it may have arrived and is not sent again")


class Dispatcher:
    """Decides and sends, a step at a time.

    queue:      sends the messages in other processes; None: a step does
    is_settled: whether the system clock can be trusted; until then, no digest is sent and no alarm begins or ends
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        folder: Path,
        queue: JobQueue | None = None,
        is_settled: Callable[[], bool] = lambda: True,
    ) -> None:
        self._queue = queue
        self._is_settled = is_settled
        self._config = config
        self._store = store
        self._folder = folder
        self._overdue = OverdueAlarm()
        self._edition = -1
        self._looked_at: datetime | None = None
        self._alarms_at: datetime | None = None
        self._started = False

    def reconfigure(self, config: Config) -> None:
        """Go on with other settings."""
        self._config = config
        self._edition = -1

    async def step(self, now: datetime) -> int:
        """Store what is due and send it, or put it into the queue; return how many messages were handed over."""
        if not self._started:
            self._store.alert_messages.settle_interrupted(INTERRUPTED, now)
            self._started = True
        self.look(now)
        if self._queue is None:
            return await deliver(self._store, self._config, now)
        due = self._store.alert_messages.due(now, limit=MAX_QUEUED)
        return self._queue.defer_all(MESSAGES, [_as_job(message) for message in due])

    def look(self, now: datetime) -> None:
        """Store the messages that are due."""
        store, config = self._store, self._config
        edition = store.state.edition()
        if edition != self._edition or _passed(self._looked_at, LOOK_AGAIN, now):
            self._edition, self._looked_at = edition, now
            # With a clock that is a month ahead for a minute, readers would get a digest of a day that has not come.
            digests = due_digests(store, config, now) if self._is_settled() else ()
            for messages in (*rules.due_messages(store, config, now), *digests):
                store.alert_messages.add(messages, now)
        if self._is_settled() and _passed(self._alarms_at, ALARMS_EVERY, now):
            self._alarms_at = now
            alarms.report(store, config, alarms.current(store, config, self._folder, self._overdue, now), now)
            store.alert_messages.forget(now - MESSAGE_LIFETIME)


async def deliver(store: Store, config: Config, now: datetime, rule: str | None = None) -> int:
    """Send what is due, of *rule* only where it is given; return how many messages were handed over."""
    due = store.alert_messages.due(now, rule)
    if not due:
        return 0
    sender = Sender(config)
    try:
        return sum([await _send(store, config, sender, message, now) for message in due])
    finally:
        await sender.close()


async def deliver_by_id(store: Store, config: Config, message_id: int, now: datetime) -> None:
    """Send a message that is due: a job of the queue, which runs again where its process was killed."""
    message = store.alert_messages.message(message_id)
    if message is None:
        return
    if message.due_at is None:
        store.alert_messages.settle_interrupted(INTERRUPTED, now, message_id)
        return
    sender = Sender(config)
    try:
        await _send(store, config, sender, message, now)
    finally:
        await sender.close()


async def _send(store: Store, config: Config, sender: Sender, message: Message, now: datetime) -> bool:
    """Send a message unless another process does; return whether it was handed over."""
    target = {digest_of(target): target for target in every_target(config)}.get(message.target)
    if target is None:
        why = Translatable("its target is no longer in feeds.yaml")
        store.alert_messages.settle(message.message_id, "failed", why, now)
        return False
    if not store.alert_messages.claim(message.message_id):
        return False
    _settle(store, message, await sender.send(target, outgoing(message), now), now)
    return True


def _as_job(message: Message) -> NewJob:
    # One message to a target at a time, and in their order.
    return NewJob(str(message.message_id), f"{MESSAGES} {message.target}", {"message_id": message.message_id})


def every_target(config: Config) -> tuple[AlertTarget, ...]:
    """Return all targets that feeds.yaml names."""
    alerts, digest = config.alerts, config.digest
    of_rules = [target for rule in alerts.rules for target in rule.to]
    return tuple(dict.fromkeys([*alerts.to, *alerts.operator.to, *of_rules, *digest.daily, *digest.weekly]))


def outgoing(message: Message) -> Outgoing:
    """Return a stored message as it is sent."""
    content = message.content
    return Outgoing(
        f"{message.subject}/{message.step}/{message.message_id}",
        content["title"],
        content["text"],
        content.get("html", ""),
        content["data"],
    )


def _settle(store: Store, message: Message, outcome: Outcome, now: datetime) -> None:
    attempts = message.attempts + 1
    kind = "sent" if outcome.sent else "unknown" if outcome.uncertain else "failed"
    again_at = None
    if kind == "failed" and not outcome.permanent and attempts < MAX_ATTEMPTS:
        again_at = now + min(FIRST_WAIT * 2 ** (attempts - 1), MAX_WAIT)
    store.alert_messages.settle(message.message_id, kind, outcome.message, now, again_at)
    if not outcome.sent:
        what = f"message {message.message_id} of {message.rule or 'the operator alarms'} to {message.service}"
        log.warning("%s was not sent: %s%s", what, outcome.message, "; trying again later" if again_at else "")


def _passed(last: datetime | None, interval: timedelta, now: datetime) -> bool:
    # A clock that was set back must not silence this until it has caught up.
    return last is None or not timedelta() <= now - last < interval


__all__ = ["OPERATOR", "Dispatcher", "deliver", "deliver_by_id", "every_target", "outgoing"]
