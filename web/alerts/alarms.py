"""What needs the operator's attention: sources, disk, backups, calibration, and a worker that has stopped.

An alarm is reported when it begins and when it ends, each once. What began and ended between two looks is not
reported, and neither is an alarm that comes back within `AGAIN`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.model import Config
from aggregator.model.alarms import Alarm, AlarmKind
from aggregator.notify import digest_of, service_of
from aggregator.polling.source_health import Alarm as OverdueAlarm
from aggregator.site.last_backup import last_backup, summary
from aggregator.store import Store
from aggregator.store.alerts import OPERATOR, NewMessage, StandingAlarm
from aggregator.text.markup import clip
from web.alerts.wording import alarm_message
from web.present.accuracy import calibration

AGAIN = timedelta(hours=6)
"""How long an alarm that came back is not reported again."""
BACKUP_LATE = 2
"""Intervals of `backup.every` after which a missing backup is reported."""
WORKER_SILENT = timedelta(minutes=5)
"""Longer than a restart of the worker takes, also after an upgrade of a large database."""
WORKER = "worker"


def current(store: Store, config: Config, folder: Path, overdue: OverdueAlarm, now: datetime) -> dict[str, Alarm]:
    """Return the alarms that are on at *now*, by subject.

    folder: of the database, whose disk is looked at
    """
    names = {source.id: source.name for source in config.sources}
    alarms: dict[str, Alarm] = {}
    for source_id, (failures, message) in store.source_status.failing(config.alerts.failures).items():
        if source_id in names:
            values: dict[str, str | int] = {
                "source": names[source_id],
                "failures": failures,
                "reason": clip(message, 120),
            }
            alarms[f"source:{source_id}"] = Alarm(AlarmKind.SOURCE_FAILING, values)
    for outline in store.source_status.outlines():
        if outline.source_id not in names:
            continue
        named = {"source": names[outline.source_id]}
        if outline.state == "gone":
            alarms[f"source:{outline.source_id}"] = Alarm(AlarmKind.SOURCE_GONE, named)
        elif outline.state == "ok" and overdue.overdue(outline.source_id, outline.arrivals, now):
            alarms[f"source:{outline.source_id}"] = Alarm(AlarmKind.SOURCE_OVERDUE, named)
    free = shutil.disk_usage(folder).free
    if free < config.alerts.operator.disk:
        alarms["disk"] = Alarm(AlarmKind.DISK, {"bytes": free})
    if (backup := _backup_alarm(store, config, now)) is not None:
        alarms["backup"] = backup
    day = store.scorecards.latest()
    measured = calibration(store.scorecards.of(day)) if day is not None else None
    if measured is not None and measured.drifts:
        alarms["calibration"] = Alarm(AlarmKind.CALIBRATION)
    return alarms


def _backup_alarm(store: Store, config: Config, now: datetime) -> Alarm | None:
    """Return the alarm about scheduled backups that failed or are late."""
    if not config.backup.folder:
        return None
    latest = last_backup(store)
    if latest is not None and latest.error:
        return Alarm(AlarmKind.BACKUP_FAILED, {"reason": clip(summary(latest), 200)})
    last = store.state.moment("backed_up_at")
    if last is not None and now - last > BACKUP_LATE * config.backup.every:
        return Alarm(AlarmKind.BACKUP_MISSING, {"seconds": int((now - last).total_seconds())})
    return None


def worker_alarm(store: Store, now: datetime) -> dict[str, Alarm]:
    """Return the alarm about a worker that has stopped, as the site sees it."""
    beat = store.state.last_heartbeat(now)
    if beat is None or now - beat < WORKER_SILENT:
        return {}
    return {WORKER: Alarm(AlarmKind.WORKER, {"seconds": int((now - beat).total_seconds())})}


def report(store: Store, config: Config, alarms: Mapping[str, Alarm], now: datetime, *, end: bool = True) -> bool:
    """Store which alarms began and ended, and one message about them; return whether there is one.

    end: whether alarms that are not among *alarms* have ended
    """
    standing = {alarm.subject: alarm for alarm in store.alarms.standing()}
    reported = store.alarms.begun_since(now - AGAIN)
    begun = [
        StandingAlarm(subject, alarm, "", now)
        for subject, alarm in alarms.items()
        if subject not in standing and subject not in reported
    ]
    ended = [alarm for subject, alarm in standing.items() if subject not in alarms] if end else []
    with store.transaction():
        for alarm in begun:
            store.alarms.begin(alarm.subject, alarms[alarm.subject], now)
        for alarm in ended:
            store.alarms.end(alarm.subject, now)
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
