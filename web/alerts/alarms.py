"""What needs the operator's attention: sources, disk, backups, calibration, and a worker that has stopped.

An alarm is reported when it begins and when it ends, each once. What began and ended between two looks is not
reported, and neither is an alarm that comes back within `AGAIN`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from flask_babel import gettext

from aggregator.model import Config
from aggregator.notify import digest_of, service_of
from aggregator.polling.source_health import Alarm as OverdueAlarm
from aggregator.site.backup import CHECKED
from aggregator.store import Store
from aggregator.store.alerts import OPERATOR, NewMessage
from aggregator.text.markup import clip
from web.alerts.wording import alarm_message
from web.i18n.catalogs import speaking
from web.i18n.wording import duration, plural, size
from web.present.accuracy import calibration

AGAIN = timedelta(hours=6)
"""How long an alarm that came back is not reported again."""
BACKUP_LATE = 2
"""Intervals of `backup.every` after which a missing backup is reported."""
WORKER_SILENT = timedelta(minutes=5)
"""Longer than a restart of the worker takes, also after an upgrade of a large database."""
WORKER = "worker"


def current(store: Store, config: Config, folder: Path, overdue: OverdueAlarm, now: datetime) -> dict[str, str]:
    """Return the alarms that are on at *now*: a message by subject, in the language of the site.

    folder: of the database, whose disk is looked at
    """
    with speaking(config.site.language):
        return _current(store, config, folder, overdue, now)


def _current(store: Store, config: Config, folder: Path, overdue: OverdueAlarm, now: datetime) -> dict[str, str]:
    names = {source.id: source.name for source in config.sources}
    alarms: dict[str, str] = {}
    for source_id, (failures, message) in store.source_status.failing(config.alerts.failures).items():
        if source_id in names:
            in_a_row = gettext("%(failures)s in a row", failures=plural(failures, "failure"))
            alarms[f"source:{source_id}"] = f"{names[source_id]}: {in_a_row} ({clip(message, 120)})"
    for outline in store.source_status.outlines():
        if outline.source_id not in names:
            continue
        if outline.state == "gone":
            gone = gettext("%(source)s: gone (410), no longer polled", source=names[outline.source_id])
            alarms[f"source:{outline.source_id}"] = gone
        elif outline.state == "ok" and overdue.overdue(outline.source_id, outline.arrivals, now):
            late = gettext("%(source)s: answers, but is overdue with news", source=names[outline.source_id])
            alarms[f"source:{outline.source_id}"] = late
    free = shutil.disk_usage(folder).free
    if free < config.alerts.operator.disk:
        alarms["disk"] = gettext("the disk of the database has %(size)s left", size=size(free))
    alarms |= _backup_alarm(store, config, now)
    day = store.scorecards.latest()
    measured = calibration(store.scorecards.of(day)) if day is not None else None
    if measured is not None and measured.drifts:
        alarms["calibration"] = gettext("the calibration of scores drifts; see /accuracy")
    return alarms


def _backup_alarm(store: Store, config: Config, now: datetime) -> dict[str, str]:
    """Return the alarm about backups that feeds.yaml asks for and that failed or are not made."""
    if not config.backup.folder:
        return {}
    message = store.state.get("backup_message") or ""
    if message and CHECKED not in message:
        return {"backup": gettext("the last backup failed: %(why)s", why=clip(message, 200))}
    last = store.state.moment("backed_up_at")
    if last is not None and now - last > BACKUP_LATE * config.backup.every:
        return {"backup": gettext("no backup was made for %(span)s", span=duration(now - last))}
    return {}


def worker_alarm(store: Store, config: Config, now: datetime) -> dict[str, str]:
    """Return the alarm about a worker that has stopped, as the site sees it, in the language of the site."""
    beat = store.state.last_heartbeat(now)
    if beat is None or now - beat < WORKER_SILENT:
        return {}
    with speaking(config.site.language):
        span = duration(now - beat)
        return {WORKER: gettext("the worker has not run for %(span)s; nothing is polled", span=span)}


def report(store: Store, config: Config, alarms: Mapping[str, str], now: datetime, *, end: bool = True) -> bool:
    """Store which alarms began and ended, and one message about them; return whether there is one.

    end: whether alarms that are not among *alarms* have ended
    """
    standing = {alarm.subject: alarm.message for alarm in store.alarms.standing()}
    reported = store.alarms.begun_since(now - AGAIN)
    begun = [message for subject, message in alarms.items() if subject not in standing and subject not in reported]
    ended = [message for subject, message in standing.items() if subject not in alarms] if end else []
    with store.transaction():
        for subject, message in alarms.items():
            if subject not in standing and subject not in reported:
                store.alarms.begin(subject, message, now)
        for subject in standing:
            if end and subject not in alarms:
                store.alarms.end(subject, now)
        if not (begun or ended) or not config.alerts.operator.to:
            return False
        content = alarm_message(begun, ended, config, now)
        subject = f"alarms:{now.isoformat()}"
        store.alert_messages.add(
            [
                NewMessage(OPERATOR, subject, 0, digest_of(target), service_of(target), content)
                for target in config.alerts.operator.to
            ],
            now,
        )
    return True
