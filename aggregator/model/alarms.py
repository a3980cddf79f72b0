"""Alarms for the operator, as kinds with values; pages and messages describe them in their language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class AlarmKind(StrEnum):
    """A kind of alarm, with the values of its text in `web.alerts.wording`."""

    SOURCE_FAILING = "source failing"
    """source: its name; failures: in a row; reason: of the last one"""
    SOURCE_GONE = "source gone"
    """source"""
    SOURCE_OVERDUE = "source overdue"
    """source"""
    DISK = "disk"
    """bytes: free"""
    BACKUP_FAILED = "backup failed"
    """reason"""
    BACKUP_MISSING = "backup missing"
    """seconds: since the last one"""
    CALIBRATION = "calibration"
    WORKER = "worker"
    """seconds: since its last heartbeat"""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that needs the operator's attention."""

    kind: AlarmKind
    values: Mapping[str, str | int] = field(default_factory=dict)
